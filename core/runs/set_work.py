"""The part of a run's work that is different for sets: their preparation, validation and report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.config.federation import ALONE, role
from core.config.schema import from_dict
from core.data.dataset import Dataset
from core.data.selection import SetViewConfig, view
from core.data.sets import SetCollection
from core.data.sites import at_site
from core.data.split import Split
from core.runs.directory import Run

if TYPE_CHECKING:
    from core.models.gde.data import SetData
    from core.models.gde.gde import GDE
    from core.reports.report import Report
    from core.training.loop import Validate
    from core.training.stored import Shelf


def sets_of(run: Run, dataset: Dataset) -> tuple[SetCollection, Split]:
    """The sets that the run uses, and their split."""
    return viewed(run.config, dataset)


def viewed(config: Mapping[str, Any], dataset: Dataset) -> tuple[SetCollection, Split]:
    """The sets that a run with this config uses, and their split."""
    chosen = from_dict(SetViewConfig, config["dataset"].get("view", {}), where="dataset")
    sets, split, _ = view(dataset.collection(), dataset.split(), chosen, int(config["seed"]))
    return sets, split


def trained_on(config: Mapping[str, Any], dataset: Dataset) -> tuple[SetCollection, Split]:
    """The sets that a training sees: those that the run uses, of a site alone its own. Raises InputError."""
    sets, split = viewed(config, dataset)
    if role(config) != ALONE:
        return sets, split
    node = config["federation"]
    return at_site(sets, split, node, int(config["seed"]), node["site"])


def settings_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that build the model: its own node with the nodes of its parts."""
    return {**config["model"], **{part: config[part] for part in ("encoder", "generator", "mixer")}}


def control_of_run(config: Mapping[str, Any]) -> str:
    """The label value that the run measures shifts from, "" where it is found by its name."""
    return str(config.get("evaluation", {}).get("control", ""))


def prepared(
    run: Run, dataset: Dataset, device: str, shelf: Callable[[int, str], Shelf | None]
) -> tuple[SetData, SetData | None, Mapping[str, Any], Validate]:
    """Both sides of the split, the settings of the model with its parts, and how it is validated.

    shelf: (bytes, why the model needs them in memory) → where they are kept, None in memory.
    """
    from core.training.set_data import load_sets

    config = run.config
    sets, split = trained_on(config, dataset)
    data, holdout = load_sets(sets, split, config["model"], shelf(sets.observations.nbytes, ""))
    return data, holdout, settings_of(config), validator(device)


def validator(device: str) -> Callable[[Any, Any, Any], Mapping[str, float]]:
    """(model, holdout, noise) → the loss and the variance ratio on held-out sets, from the averaged weights."""
    import torch

    from core.evaluation.sets.reconstruction import LEAST
    from core.models.gde.data import SetBatch, draw
    from core.models.gde.views import Views
    from core.training.set_data import validation_size

    def validate(model: GDE, holdout: Any, noise: torch.Generator) -> Mapping[str, float]:
        held = holdout.to(device)
        count, k = validation_size(held)
        index = torch.arange(count, device=device)
        # The loop's own random state must not depend on how often it validates.
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(0)
            losses = model.losses(SetBatch(held, index))
            context, query = draw(held, index, k, k)
            generated = model.sample(k, model.encode(context), noise)
        # In the model's own units, in which no single value outweighs the others.
        generated, query = (Views(model, x.float()).standard for x in (generated, query))
        shift = (generated.mean(dim=1) - query.mean(dim=1)).flatten(1)
        found = {"holdout_loss": float(losses["loss"]), "mean_error": float(shift.square().mean().sqrt())}
        # The variance of a few observations, repeated, is no measure.
        many = held.sizes[:count] >= LEAST
        if many.any():
            made, real = (x[many].flatten(2).var(dim=1).sum(dim=1) for x in (generated, query))
            found["variance_ratio"] = float((made / real.clamp_min(1e-9)).median())
        return found

    return validate


def evaluate(run: Run, dataset: Dataset, device: str, out: Path) -> Report:
    """The report on held-out sets, written into the folder `out`."""
    import core
    from core.evaluation.sets.report import evaluate_sets
    from core.latents.lens import open_lens
    from core.latents.walk import glimpse

    sets, split = sets_of(run, dataset)
    lens = open_lens(run.checkpoints, device)
    config = run.config
    subject = lens.subject(sets, split, int(config["seed"]), control_of_run(config))
    (out / "arrays").mkdir(exist_ok=True)
    walk = glimpse(lens, sets, subject.latents)
    np.savez_compressed(out / "arrays" / "walk.npz", allow_pickle=False, **walk)
    return evaluate_sets(
        subject,
        out=out,
        names={"dataset": dataset.meta.name, "model": config.get("title") or config["model"]["name"]},
        version=core.__version__,
    )

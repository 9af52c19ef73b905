"""Synthetic individuals from a run's checkpoint, as genotypes that carry the conditions they were made under."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from core.data.dataset import Dataset
from core.data.genotypes import Genotypes
from core.errors import InputError
from core.runs.directory import Run

if TYPE_CHECKING:
    from core.models.base import DataSpec

SAMPLE_SEED = 30_000  # added to the run's seed: the report's samples share no stream with training or validation
_BATCH = 4096
_LEAST = 20  # individuals in a report where the holdout is smaller: fewer make no cloud
# At most this many: a copy of a training individual shows only where about as many are sampled as were trained on.
_MOST = 2000
# Beyond these a report would take more time and memory, and tell no more: intervals are narrow by then.
_JUDGED, _JUDGED_CALLS = 10_000, 500_000_000


def most_judged(variants: int) -> int:
    """Individuals a side that a report looks at, at most: of a larger cohort it is of a sample, and says so."""
    return max(_MOST, min(_JUDGED, _JUDGED_CALLS // max(1, variants)))


def judged_individuals(train: int, holdout: int, variants: int) -> int:
    """How many synthetic individuals the report of a run judges: as many as were trained on, within bounds, or as are
    held out where these are more."""
    return min(most_judged(variants), max(holdout or train, _LEAST, min(train, _MOST)))


def synthesise(
    run: Run,
    dataset: Dataset | None,
    n: int,
    *,
    wish: Mapping[str, Any] | None = None,
    like: Genotypes | None = None,
    seed: int | None = None,
    device: str = "cpu",
) -> Genotypes:
    """n individuals from the best checkpoint of `run`.

    Args:
        dataset: what the run was trained on, whose variants the individuals get; None makes up ids.
        wish: label column → value, phenotype → number; the same for everybody.
        like: individuals whose conditions are taken in turn; without `wish` and `like`, the model draws conditions.
        seed: of the noise; default: derived from the run's seed.
        device: where the model is run.

    Raises InputError where there is no checkpoint, or the model does not know what is wished for.
    """
    import torch

    from core.training.data import columns_of, condition_for, condition_of
    from core.training.load import load_model

    if n < 1:
        raise InputError(f"{n} individuals were asked for; ask for at least 1.")
    if not run.has_checkpoint:
        raise InputError(f"Run {run.id} has no checkpoint yet; let it train until its first one.")
    folder = run.checkpoints / ("best" if (run.checkpoints / "best").is_dir() else "last")
    model = load_model(folder, device)
    seed = int(run.config["seed"]) + SAMPLE_SEED if seed is None else seed
    noise = torch.Generator(device).manual_seed(seed)
    if wish:
        condition = condition_for(n, wish, model.spec)
    elif like is not None:
        condition = condition_of(like, model.spec).index(torch.arange(n) % like.n)
    else:
        condition = model.draw_condition(n, noise)
    parts = [
        model.sample(len(part), part, noise).cpu().numpy()
        for part in (condition.index(slice(i, i + _BATCH)).to(device) for i in range(0, n, _BATCH))
    ]
    labels, phenotypes = columns_of(condition, model.spec)
    return _genotypes(np.concatenate(parts).astype(np.int8), model.spec, dataset, labels, phenotypes)


def _genotypes(
    calls: Any, spec: DataSpec, dataset: Dataset | None, labels: Mapping[str, Any], phenotypes: Mapping[str, Any]
) -> Genotypes:
    n, m = calls.shape
    real = dataset.genotypes() if dataset else None
    nowhere = np.zeros(m, dtype=np.int64)
    return Genotypes(
        calls=calls,
        sample_id=np.array([f"synthetic_{i + 1}" for i in range(n)], dtype=np.str_),
        variant_id=real.variant_id if real else np.array([f"variant_{j + 1}" for j in range(m)], dtype=np.str_),
        variant_contig=real.variant_contig if real else np.full(m, "", dtype=np.str_),
        variant_position=real.variant_position if real else nowhere,
        variant_allele=real.variant_allele if real else np.full((m, 2), "", dtype=np.str_),
        labels=dict(labels),
        phenotypes=dict(phenotypes),
        ploidy=spec.ploidy,
    )


def provenance(run: Run, condition: str = "") -> dict[str, str]:
    """Where individuals of `run` come from, for the header of a file; `condition` in words, where all share one."""
    config, dataset = run.config, run.config["dataset"]
    told = {
        "model": str(config.get("title") or config["model"]["name"]),
        "experiment": str(config.get("name", "")),
        "run": run.id,
        "dataset": f"{dataset.get('name', '')} {dataset['id']}".strip(),
        "seed": str(config["seed"]),
        "condition": condition,
        "kind": "synthetic individuals",
    }
    return {key: text for key, text in told.items() if text}


def save(genotypes: Genotypes, run: Run) -> None:
    """Keep the individuals that the report judges beside it, in the exchange format (.npz) of the library."""
    from core.data.export import write

    write(genotypes, run.samples, provenance(run))


def load(run: Run) -> Genotypes | None:
    """The individuals that the report judged, None where there are none."""
    if not run.samples.is_file():
        return None
    with np.load(run.samples, allow_pickle=False) as archive:
        columns = {key: archive[key] for key in archive.files}
    return Genotypes(
        calls=columns["call_genotype"],
        **{k: columns[k] for k in ("sample_id", "variant_id", "variant_contig", "variant_position", "variant_allele")},
        labels={k.removeprefix("label:"): v for k, v in columns.items() if k.startswith("label:")},
        phenotypes={k.removeprefix("phenotype:"): v for k, v in columns.items() if k.startswith("phenotype:")},
        ploidy=int(columns["ploidy"]),
    )

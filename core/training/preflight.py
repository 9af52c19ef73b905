"""What a training will cost before it is started: measured on one real batch, said as a range.

Call it in a process of its own: memory is the peak of the process, and an attempt that does not fit may be killed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from core.config.training import TrainingConfig
from core.data.dataset import Dataset
from core.data.genotypes import Genotypes
from core.data.sets import SetCollection
from core.data.split import Split
from core.models.base import Model, TrainData
from core.models.gde.data import SetData, draw
from core.models.gde.gde import GDE
from core.models.registry import build, models
from core.training import devices
from core.training.cost import (
    FASTER,
    MARGIN,
    SLOWER,
    START_UP,
    Measured,
    answer,
    available_memory,
    bytes_of,
    measure_steps,
    peak_memory,
    sharing,
    timed,
)
from core.training.data import describe, prepare_split
from core.training.set_data import load_sets, validation_size
from core.training.stored import stays_on_disk

# A closed-form fit is timed on at most this much data; all of them grow in proportion beyond it.
VARIANTS, INDIVIDUALS = 1024, 2000
# Numbers of the sets that steps are tried on where the others stay on disk.
ENTRIES = 50_000_000
# Individuals of one validation; sets, and observations of each.
VALIDATION = 500


def estimate(
    dataset: Dataset, model: Mapping[str, Any], training: TrainingConfig, split: Split | None = None
) -> dict[str, Any]:
    """What training `model` (its config node) on a cohort, or on a split of it, takes; JSON types.

    Returns "parameters", "device", "seconds_low", "seconds_high" (None where a trial is hopeless), "memory_bytes",
    "memory_available_bytes", "disk_bytes" (checkpoints), "disk_free_bytes", "fits", "advice" (sentences, may be empty).
    The range covers a machine somewhat freer or busier than now; evaluation after training is not in it.
    Raises InputError where model, settings or device are wrong.
    """
    device = devices.choose(training.device)
    genotypes, split = dataset.genotypes(), split or dataset.split()
    spec = describe(genotypes, split.train, training.condition_on)
    with torch.device("meta"):
        parameters = _trained(build(model["name"], model, spec, training))
    stored = stays_on_disk(
        genotypes.calls.size, training.read_from, available_memory(device), models[model["name"]].value.in_memory
    )
    held = 0 if stored else len(split.train) * spec.variants
    # Weights, gradients and Adam's two moments, four bytes each: no training needs less.
    floor = 16 * parameters + held
    found = _tried(lambda: _measure(genotypes, split, model, training, device, stored=stored), floor, training, device)
    on_disk = genotypes.calls.size if stored else 0
    return answer(found, parameters=parameters, floor=floor, training=training, device=device, on_disk=on_disk)


def estimate_sets(
    sets: SetCollection, split: Split, model: Mapping[str, Any], training: TrainingConfig
) -> dict[str, Any]:
    """What training a model of sets takes, as `estimate` says it; `model` holds the nodes of its parts too."""
    device = devices.choose(training.device)
    torch.manual_seed(training.seed)
    stored = stays_on_disk(sets.observations.nbytes, training.read_from, available_memory(device))
    data, _ = load_sets(sets, _some_sets(sets, split) if stored else split, dict(model))
    with torch.device("meta"):
        parameters = _trained(build(model["name"], model, data.spec, training))
    floor = 16 * parameters + bytes_of({"observations": data.observations})
    n_train = len(split.train)
    found = _tried(lambda: _measure_sets(data, model, training, device, n_train), floor, training, device)
    return answer(
        found, parameters=parameters, floor=floor, training=training, device=device,
        smaller="fewer features or observations", on_disk=sets.observations.nbytes if stored else 0,
    )  # fmt: skip


def _some_sets(sets: SetCollection, split: Split) -> Split:
    """The first training sets, whose observations are enough for a step and leave the others on disk."""
    entries = np.cumsum(sets.sizes[split.train]) * int(np.prod(sets.shape))
    return Split(split.train[: max(2, int((entries < ENTRIES).sum()))], split.holdout[:0])


def _trained(model: torch.nn.Module) -> int:
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def _tried(
    measure: Callable[[], Measured], floor: int, training: TrainingConfig, device: torch.device
) -> Measured | None:
    """What `measure` gives; None where memory ran out, or where `floor` bytes a process are more than there are."""
    if floor * sharing(training, device) >= available_memory(device):
        return None
    try:
        return measure()
    except (RuntimeError, MemoryError) as error:
        if devices.out_of_memory(error, training.batch_size) is None:
            raise
        return None


def _measure_sets(
    data: SetData, model: Mapping[str, Any], training: TrainingConfig, device: torch.device, n_train: int
) -> Measured:
    """Take real steps on the training sets, of which `data` may hold a part."""
    fresh: GDE = build(model["name"], model, data.spec, training).to(device)
    here = data.to(device)
    count, k = validation_size(here)
    if fresh.closed_form:
        seconds = timed(lambda: fresh.prepare(here), device)
        state = bytes_of(fresh.state())
        return Measured(
            low=FASTER * (START_UP + seconds), high=SLOWER * (START_UP + seconds),
            memory=peak_memory(device, 0) + 2 * state, disk=3 * state,
        )  # fmt: skip

    def validate(noise: torch.Generator) -> object:
        some = torch.arange(count, device=device)
        return fresh.sample(k, fresh.encode(draw(here, some, k, k)[0]), noise)

    return measure_steps(fresh, here, training, device, n_train=n_train, validate=validate)


def _measure(
    genotypes: Genotypes,
    split: Split,
    model: Mapping[str, Any],
    training: TrainingConfig,
    device: torch.device,
    *,
    stored: bool,
) -> Measured:
    """Build the model, take real steps (or a real fit)."""
    torch.manual_seed(training.seed)
    data = prepare_split(genotypes, _part(split), training)[0]
    fresh = _build(model, data, training, device)
    if fresh.closed_form:
        return _measure_fit(genotypes, split, model, training, device)
    n = len(split.train)
    return measure_steps(
        fresh,
        data,
        training,
        device,
        n_train=n,
        validate=lambda noise: fresh.sample(min(VALIDATION, n), None, noise),
        more=0 if stored else (n - len(data)) * data.spec.variants,
    )


def _measure_fit(
    genotypes: Genotypes, split: Split, model: Mapping[str, Any], training: TrainingConfig, device: torch.device
) -> Measured:
    """Time a closed-form fit on a part of the data and scale it up."""
    part = genotypes.variants(np.arange(min(genotypes.m, VARIANTS)))
    data = prepare_split(part, _part(split), training)[0].to(device)
    fitted = _build(model, data, training, device)
    before = peak_memory(device, 0)
    seconds = timed(lambda: fitted.prepare(data), device)
    noise = torch.Generator(device).manual_seed(training.seed)
    seconds += timed(lambda: fitted.sample(min(VALIDATION, len(data)), None, noise), device)
    scale = genotypes.m / part.m * len(split.train) / len(data)
    state = int(scale * bytes_of(fitted.state()))
    grown = scale * max(0, peak_memory(device, 0) - before)
    return Measured(
        low=FASTER * (START_UP + seconds * scale),
        high=SLOWER * (START_UP + seconds * scale),
        memory=int(before + MARGIN * grown) + 2 * state + len(split.train) * genotypes.m,
        disk=3 * state,
    )


def _part(split: Split) -> Split:
    """Enough training individuals for a batch; the statistics that a model prepares do not change its cost."""
    return Split(split.train[:INDIVIDUALS], split.holdout[:0])


def _build(model: Mapping[str, Any], data: TrainData, training: TrainingConfig, device: torch.device) -> Model:
    built: Model = build(model["name"], model, data.spec, training)
    return built.to(device)

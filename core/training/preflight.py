"""What a training will cost before it is started: measured on one real batch, said as a range.

Call it in a process of its own: memory is the peak of the process, and an attempt that does not fit may be killed.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.config.home import home
from core.config.training import TrainingConfig
from core.data.dataset import Dataset
from core.data.genotypes import Genotypes
from core.data.split import Split
from core.models.base import Model, TrainData
from core.models.registry import build
from core.training import devices
from core.training.clock import TrainingClock
from core.training.data import describe, prepare_split

# Steps before the clock counts: libraries choose kernels, optimisers make their moments, a CUDA graph is captured.
WARM_UP = devices.WARM_UP + 1
# Steps that are timed: at least three, then until this many seconds have passed.
STEPS, SECONDS = 3, 3.0
# A closed-form fit is timed on at most this much data; all of them grow in proportion beyond it.
VARIANTS, INDIVIDUALS = 1024, 2000
# Individuals of one validation, and seconds that its metrics take beside the sampling.
VALIDATION, METRICS = 500, 1.0
# The machine will be busier, or less busy, than in these few seconds.
FASTER, SLOWER = 0.8, 1.6
START_UP = 4.0
# Room that the measured peak does not show: fragments, the last report's arrays.
MARGIN = 1.2


@dataclass(frozen=True)
class _Measured:
    """Seconds (low, high) of the whole training, bytes of its peak and of its two checkpoints."""

    low: float
    high: float
    memory: int
    disk: int


def estimate(dataset: Dataset, model: Mapping[str, Any], training: TrainingConfig) -> dict[str, Any]:
    """What training `model` (its config node) on `dataset` takes; JSON types.

    Returns "parameters", "device", "seconds_low", "seconds_high" (None where a trial is hopeless), "memory_bytes",
    "memory_available_bytes", "disk_bytes" (checkpoints), "disk_free_bytes", "fits", "advice" (sentences, may be empty).
    The range covers a machine somewhat freer or busier than now; evaluation after training is not in it.
    Raises InputError where model, settings or device are wrong.
    """
    device = devices.choose(training.device)
    genotypes, split = dataset.genotypes(), dataset.split()
    spec = describe(genotypes, split.train, training.condition_on)
    with torch.device("meta"):
        parameters = sum(p.numel() for p in build(model["name"], model, spec, training).parameters() if p.requires_grad)
    available, free = _available_memory(device), _free_disk()
    # Weights, gradients and Adam's two moments, four bytes each: no training needs less.
    floor = 16 * parameters + len(split.train) * spec.variants
    found: _Measured | None = None
    if floor < available:
        found = _measure(genotypes, split, model, training, device)
    memory, disk = (floor, 20 * parameters) if found is None else (found.memory, found.disk)
    return {
        "parameters": parameters,
        "device": _device_name(device),
        "seconds_low": None if found is None else round(found.low, 1),
        "seconds_high": None if found is None else round(found.high, 1),
        "memory_bytes": memory,
        "memory_available_bytes": available,
        "disk_bytes": disk,
        "disk_free_bytes": free,
        "fits": found is not None and memory <= available and disk <= free,
        "advice": _advice(found, training, device, memory=(memory, available), disk=(disk, free)),
    }


def _measure(
    genotypes: Genotypes, split: Split, model: Mapping[str, Any], training: TrainingConfig, device: torch.device
) -> _Measured | None:
    """Build the model, take real steps (or a real fit); None where memory ran out."""
    torch.manual_seed(training.seed)
    try:
        data = prepare_split(genotypes, _part(split), training)[0]
        fresh = _build(model, data, training, device)
        if fresh.optimisers():
            return _measure_steps(fresh, data, training, device, len(split.train))
        return _measure_fit(genotypes, split, model, training, device)
    except (RuntimeError, MemoryError) as error:
        if devices.out_of_memory(error, training.batch_size) is None:
            raise
        return None


def _measure_steps(
    model: Model, data: TrainData, training: TrainingConfig, device: torch.device, n_train: int
) -> _Measured:
    """Time a few steps on one real batch, and one validation's samples."""
    data = data.to(device)
    model.prepare(data)
    model.train()
    size = min(training.batch_size, n_train)
    batch = data.index(torch.arange(size, device=device) % len(data))
    clock = TrainingClock(max(1, training.epochs), max(1, n_train // size), device)
    step = devices.stepper(model, training, device)
    times: list[float] = []
    began = time.monotonic()
    while len(times) < WARM_UP + STEPS or time.monotonic() - began < SECONDS:
        times.append(_timed(lambda: step(batch, clock), device))
        clock.tick()
    model.eval()
    noise = torch.Generator(device).manual_seed(training.seed)
    validation = METRICS + _timed(lambda: model.sample(min(VALIDATION, n_train), None, noise), device)
    steps = training.epochs * clock.steps_per_epoch
    checks = training.epochs / training.evaluate_every
    fast, slow = np.quantile(times[WARM_UP:], [0.1, 0.9])
    last = _bytes(model.state())
    return _Measured(
        low=FASTER * (START_UP + steps * float(fast) + checks * validation),
        high=_within_budget(SLOWER * (START_UP + steps * float(slow) + checks * validation), training),
        memory=_peak_memory(device, (n_train - len(data)) * data.spec.variants),
        disk=2 * last + _bytes(model.state(optimisers=False)),
    )


def _measure_fit(
    genotypes: Genotypes, split: Split, model: Mapping[str, Any], training: TrainingConfig, device: torch.device
) -> _Measured:
    """Time a closed-form fit on a part of the data and scale it up."""
    part = genotypes.variants(np.arange(min(genotypes.m, VARIANTS)))
    data = prepare_split(part, Split(split.train[:INDIVIDUALS], split.holdout[:0]), training)[0].to(device)
    fitted = _build(model, data, training, device)
    before = _peak_memory(device, 0)
    seconds = _timed(lambda: fitted.prepare(data), device)
    noise = torch.Generator(device).manual_seed(training.seed)
    seconds += _timed(lambda: fitted.sample(min(VALIDATION, len(data)), None, noise), device)
    scale = genotypes.m / part.m * len(split.train) / len(data)
    state = int(scale * _bytes(fitted.state()))
    grown = scale * max(0, _peak_memory(device, 0) - before)
    return _Measured(
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


def _timed(work: Any, device: torch.device) -> float:
    """Wall-clock seconds of `work()`, the device's queue drained before and after."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    began = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began


def _within_budget(seconds: float, training: TrainingConfig) -> float:
    return min(seconds, 60 * training.minutes + START_UP) if training.minutes else seconds


def _bytes(state: Mapping[str, torch.Tensor]) -> int:
    return sum(t.numel() * t.element_size() for t in state.values())


def _peak_memory(device: torch.device, more: int) -> int:
    """Bytes: this process's peak (or the device's), with room to spare, and `more` of data not loaded here."""
    if device.type == "cuda":
        return int(MARGIN * torch.cuda.max_memory_reserved(device)) + more
    unit = 1 if sys.platform == "darwin" else 1024
    return int(MARGIN * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit) + more


def _available_memory(device: torch.device) -> int:
    """Bytes that a new process could have: free on the GPU; else the machine's, or what a container leaves of it."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
        machine = 1024 * next(int(line.split()[1]) for line in text.splitlines() if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        group = Path("/sys/fs/cgroup")
        limit = int((group / "memory.max").read_text()) - int((group / "memory.current").read_text())
    except (OSError, ValueError):
        return machine
    return min(machine, max(0, limit))


def _free_disk() -> int:
    folder = home()
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {torch.get_num_threads()} thread{'s' if torch.get_num_threads() > 1 else ''}"


def _advice(
    found: _Measured | None,
    training: TrainingConfig,
    device: torch.device,
    *,
    memory: tuple[int, int],
    disk: tuple[int, int],
) -> list[str]:
    advice = []
    where = "GPU memory" if device.type == "cuda" else "memory"
    if found is None or memory[0] > memory[1]:
        smaller = "smaller layer widths" if found is None else "a smaller training.batch_size or smaller layer widths"
        advice.append(
            f"It needs about {_gigabytes(memory[0])} of {where} and {_gigabytes(memory[1])} is free: "
            f"take {smaller}, or fewer variants at import."
        )
    if disk[0] > disk[1]:
        advice.append(
            f"Its checkpoints need about {_gigabytes(disk[0])} on disk and {_gigabytes(disk[1])} is free: "
            "delete runs that are no longer needed."
        )
    if found is not None and found.low > 3600 and device.type == "cpu" and not training.minutes:
        advice.append("It takes more than an hour on this CPU: take fewer training.epochs, or set training.minutes.")
    return advice


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"

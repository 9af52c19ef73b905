"""What a training costs, measured on a few real steps: time, memory, disk, and what to do where it is too much."""

from __future__ import annotations

import os
import resource
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.config.home import nearest_folder
from core.config.training import TrainingConfig
from core.models.base import Trainable, TrainingSplit
from core.training import devices
from core.training.clock import TrainingClock
from core.words import size

# Steps before the clock counts: libraries choose kernels, optimisers make their moments, a CUDA graph is captured.
WARM_UP = devices.WARM_UP + 1
# Steps that are timed: at least three, then until this many seconds have passed.
STEPS, SECONDS = 3, 3.0
# Seconds that the metrics of one validation take beside the sampling.
METRICS = 1.0
# The machine will be busier, or less busy, than in these few seconds.
FASTER, SLOWER = 0.8, 1.6
START_UP = 4.0
# Room that the measured peak does not show: fragments, the last report's arrays.
MARGIN = 1.2
_STORED = "The training data are read from disk, batch by batch: a copy of {} lies beside the run while it trains."


@dataclass(frozen=True)
class Measured:
    """Seconds (low, high) of the whole training, bytes of its peak and of its two checkpoints."""

    low: float
    high: float
    memory: int
    disk: int


def answer(
    found: Measured | None,
    *,
    parameters: int,
    floor: int,
    training: TrainingConfig,
    device: torch.device,
    smaller: str = "fewer variants at import",
    on_disk: int = 0,
) -> dict[str, Any]:
    """What the pre-flight tells, JSON types; `found` is None where `floor` bytes are too much to try it at all.

    `smaller` is what of the data could be less; `on_disk` the bytes of data that are read from disk.
    """
    available, free = available_memory(device), free_disk()
    memory, disk = (floor, 20 * parameters) if found is None else (found.memory, found.disk)
    memory *= sharing(training, device)
    disk += on_disk
    return {
        "parameters": parameters,
        "device": devices.name(device),
        "seconds_low": None if found is None else round(found.low, 1),
        "seconds_high": None if found is None else round(found.high, 1),
        "memory_bytes": memory,
        "memory_available_bytes": available,
        "disk_bytes": disk,
        "disk_free_bytes": free,
        "fits": found is not None and memory <= available and disk <= free,
        "advice": [
            *_advice(found, training, device, memory=(memory, available), disk=(disk, free), smaller=smaller),
            *([_STORED.format(size(on_disk))] if on_disk else []),
        ],
    }


def sharing(training: TrainingConfig, device: torch.device) -> int:
    """How many processes of the training share this memory, each with its own data and model; a GPU has one."""
    return 1 if device.type == "cuda" else training.processes


def measure_steps(
    model: Trainable,
    data: TrainingSplit,
    training: TrainingConfig,
    device: torch.device,
    *,
    n_train: int,
    validate: Callable[[torch.Generator], object],
    more: int = 0,
) -> Measured:
    """Time a few steps on one real batch, and one validation.

    `data` may hold fewer than the `n_train` of the run; `more` is the bytes of those that it leaves out.
    """
    data = data.to(device)
    model.prepare(data)
    model.train()
    count = min(training.batch_size, n_train)
    batch = data.index(torch.arange(count, device=device) % len(data))
    clock = TrainingClock(max(1, training.epochs), max(1, n_train // count), device)
    step = devices.stepper(model, training, device)
    times: list[float] = []
    began = time.monotonic()
    while len(times) < WARM_UP + STEPS or time.monotonic() - began < SECONDS:
        times.append(timed(lambda: step(batch, clock), device))
        clock.tick()
    model.eval()
    noise = torch.Generator(device).manual_seed(training.seed)
    validation = METRICS + timed(lambda: validate(noise), device)
    steps = training.epochs * clock.steps_per_epoch
    checks = training.epochs / training.evaluate_every
    fast, slow = _per_step(times[WARM_UP:], model)
    last = bytes_of(model.state())
    return Measured(
        low=FASTER * (START_UP + steps * fast + checks * validation),
        high=within_budget(SLOWER * (START_UP + steps * slow + checks * validation), training),
        memory=peak_memory(device, more),
        disk=2 * last + bytes_of(model.state(optimisers=False)),
    )


def _per_step(times: list[float], model: Trainable) -> tuple[float, float]:
    """Seconds of a step, low and high. A model of sets draws contexts of random sizes: there the mean counts."""
    if model.kind == "sets":
        return float(np.mean(times)), float(np.mean(times))
    fast, slow = np.quantile(times, [0.1, 0.9])
    return float(fast), float(slow)


def timed(work: Any, device: torch.device) -> float:
    """Wall-clock seconds of `work()`, the device's queue drained before and after."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    began = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began


def within_budget(seconds: float, training: TrainingConfig) -> float:
    """No more seconds than the time budget of the training allows."""
    return min(seconds, 60 * training.minutes + START_UP) if training.minutes else seconds


def bytes_of(state: Mapping[str, torch.Tensor]) -> int:
    """Bytes of named tensors."""
    return sum(t.numel() * t.element_size() for t in state.values())


def peak_memory(device: torch.device, more: int) -> int:
    """Bytes: this process's peak (or the device's), with room to spare, and `more` of data not loaded here."""
    if device.type == "cuda":
        return int(MARGIN * torch.cuda.max_memory_reserved(device)) + more
    unit = 1 if sys.platform == "darwin" else 1024
    return int(MARGIN * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit) + more


def available_memory(device: torch.device) -> int:
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


def free_disk() -> int:
    """Bytes free where runs are kept."""
    return shutil.disk_usage(nearest_folder()).free


def _advice(
    found: Measured | None,
    training: TrainingConfig,
    device: torch.device,
    *,
    memory: tuple[int, int],
    disk: tuple[int, int],
    smaller: str,
) -> list[str]:
    advice = []
    where = "GPU memory" if device.type == "cuda" else "memory"
    if training.processes > 1:
        each = "on each GPU" if device.type == "cuda" else f"{training.processes} times that of one, together"
        advice.append(
            f"It trains in {training.processes} processes, each with its own data and model: the memory is what they "
            f"need {each}. The time is that of one process, which several can shorten."
        )
    if found is None or memory[0] > memory[1]:
        widths = "smaller layer widths" if found is None else "a smaller training.batch_size or smaller layer widths"
        fewer = "fewer training.processes, " if sharing(training, device) > 1 else ""
        advice.append(
            f"It needs about {size(memory[0])} of {where} and {size(memory[1])} is free: "
            f"take {fewer}{widths}, or {smaller}."
        )
    if disk[0] > disk[1]:
        advice.append(
            f"Its checkpoints need about {size(disk[0])} on disk and {size(disk[1])} is free: "
            "delete runs that are no longer needed."
        )
    if found is not None and found.low > 3600 and device.type == "cpu" and not training.minutes:
        advice.append("It takes more than an hour on this CPU: take fewer training.epochs, or set training.minutes.")
    return advice

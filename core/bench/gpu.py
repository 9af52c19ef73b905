"""What a GPU brings each model: step times against the CPU, CUDA graphs against single steps, bf16 against fp32.

Whether the losses agree is checked beside each ratio. `--device cpu` rehearses the same path where there is no GPU.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from core.bench.metrics import linked_calls
from core.config.experiments import load, names, presets
from core.config.schema import from_dict
from core.config.training import TrainingConfig
from core.data.library import Library
from core.data.selection import SIMULATORS
from core.data.sets import SetCollection
from core.data.split import Split
from core.errors import InputError, PopscapeError
from core.models.base import Condition, DataSpec, Trainable, TrainData
from core.models.registry import PARTS, build
from core.training import devices
from core.training.clock import TrainingClock
from core.training.cost import timed
from core.training.set_data import load_sets

INDIVIDUALS, VARIANTS, SETS = 2048, 2000, 256
STEPS = 30
REHEARSED = 8  # individuals or sets of a batch in a rehearsal
# How a step is taken → training.compile and training.precision. Graphs are captured where a model allows them.
WAYS = {"eager": ("off", "fp32"), "graph": ("auto", "fp32"), "bf16": ("off", "bf16")}
# Largest difference of a loss that still agrees, as a share of one more than its size.
TOLERANCE = {"graph": 2e-3, "bf16": 0.05, "cpu": 0.05}
ERRORS = 4  # standard errors that mean losses may differ between devices, which draw other noise
SAME = devices.WARM_UP + 3  # steps that are compared one by one: later ones have diverged by rounding alone


@dataclass(frozen=True)
class Taken:
    """Median seconds of a step, and the losses of every step by name; of a closed-form model the seconds of its fit."""

    seconds: float
    losses: Mapping[str, Sequence[float]]


def main(arguments: Sequence[str]) -> int:
    """Print a line a model and preset; exit status 1 where one fails or losses disagree, 2 without a GPU."""
    options = _options(arguments)
    if options.device == "cuda" and not torch.cuda.is_available():
        raise InputError("No GPU is visible here; run this on a machine that has one, or rehearse with --device cpu.")
    device = devices.choose(options.device)
    chosen = options.experiments.split(",") if options.experiments else names()
    rows = []
    for name in chosen:
        for preset in presets(name):
            rows.append(_row(name, preset, device, options))
            print(line(rows[-1]), file=sys.stderr if options.json else sys.stdout, flush=True)
    passed = all(row["agrees"] and not row["failed"] for row in rows)
    if options.json:
        print(json.dumps({"benchmark": "gpu", "device": devices.name(device), "rows": rows, "passed": passed}))
    else:
        print(f"{devices.name(device)}: {'everything agrees' if passed else 'not everything agrees'}.")
    return 0 if passed else 1


def measure(experiment: Mapping[str, Any], device: torch.device, options: argparse.Namespace) -> dict[str, Any]:
    """Step times and agreement of one experiment on `device`, and on the CPU for what a laptop trains too."""
    data = _data(experiment, options)
    config = from_dict(TrainingConfig, experiment["training"], where="training")
    most = len(data) if device.type == "cuda" else REHEARSED
    config = replace(config, batch_size=min(config.batch_size, most), seed=1, device=device.type)
    ways = {name: replace(config, compile=graphs, precision=form) for name, (graphs, form) in WAYS.items()}
    taken = {name: take(experiment, data, way, device, options.steps) for name, way in ways.items()}
    if experiment["preset"] == "laptop":
        slow = replace(ways["eager"], device="cpu")
        taken["cpu"] = take(experiment, data, slow, torch.device("cpu"), options.steps)
    base = taken["eager"]
    result: dict[str, Any] = {f"{name}_ms": 1e3 * one.seconds for name, one in taken.items()}
    result["differences"] = {name: difference(base, one, name) for name, one in taken.items() if name != "eager"}
    result["agrees"] = all(gap <= 1 for gap in result["differences"].values())
    if device.type == "cuda":
        result["peak_bytes"] = torch.cuda.max_memory_allocated(device)
    return result


def take(experiment: Mapping[str, Any], data: Any, config: TrainingConfig, device: torch.device, steps: int) -> Taken:
    """So many steps from one start: weights are drawn on the CPU, so that every device has the same."""
    torch.manual_seed(config.seed)
    settings = {**experiment["model"], **{part: experiment[part] for part in PARTS if part in experiment}}
    model: Trainable = build(experiment["model"]["name"], settings, data.spec, config).to(device)
    here = data.to(device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    fit = timed(lambda: model.prepare(here), device)
    if not model.optimisers():
        return Taken(fit, {"frequency": _frequencies(model, device)})
    model.train()
    step, clock = devices.stepper(model, config, device), TrainingClock(1, steps, device)
    order = torch.Generator().manual_seed(config.seed)
    torch.manual_seed(config.seed)
    seconds: list[float] = []
    losses: dict[str, list[float]] = {}
    for _ in range(steps):
        index = torch.randint(len(here), (config.batch_size,), generator=order).to(device)
        batch = here.index(index)
        values: dict[str, Any] = {}
        seconds.append(timed(lambda batch=batch, into=values: into.update(step(batch, clock).values), device))
        clock.tick()
        for name, value in values.items():
            losses.setdefault(name, []).append(float(value))
    return Taken(statistics.median(seconds[devices.WARM_UP + 1 :] or seconds), losses)


def difference(base: Taken, other: Taken, way: str) -> float:
    """How far losses lie apart, in units of what is tolerated; infinite where one is no number.

    Another way on the same device draws the same noise and is compared step by step; another device draws its own,
    and is compared by the mean over all steps. For a closed-form model: the allele frequencies of what is sampled.
    """
    gaps = [0.0]
    for name, values in base.losses.items():
        a, b = np.asarray(values, dtype=np.float64), np.asarray(other.losses[name], dtype=np.float64)
        if not (np.isfinite(a).all() and np.isfinite(b).all()):
            return math.inf
        if way == "cpu":
            error = math.sqrt((a.var() + b.var()) / len(a))
            gaps.append(abs(a.mean() - b.mean()) / (ERRORS * error + TOLERANCE[way] * (1 + abs(a.mean()))))
        else:
            a, b = a[:SAME], b[:SAME]
            gaps.append(float((np.abs(a - b) / (TOLERANCE[way] * (1 + np.abs(a)))).max()))
    return float(max(gaps))


def line(row: Mapping[str, Any]) -> str:
    """One row in words."""
    head = f"{row['experiment']:>20} {row['preset']:<6} "
    if row["failed"]:
        return head + f"failed: {row['failed']}"
    parts = [f"{row['eager_ms']:.1f} ms"]
    if "cpu_ms" in row:
        parts.append(f"{row['cpu_ms'] / row['eager_ms']:.1f} times as fast as the CPU")
    parts += [f"{row['eager_ms'] / row[f'{way}_ms']:.2f} times with {way}" for way in ("graph", "bf16")]
    if "peak_bytes" in row:
        parts.append(f"{row['peak_bytes'] / 1e9:.1f} GB")
    apart = [f"{way} by {gap:.1f} of what is tolerated" for way, gap in row["differences"].items() if gap > 1]
    return head + ", ".join(parts) + ("; losses agree" if not apart else f"; LOSSES DIFFER: {', '.join(apart)}")


def _row(name: str, preset: str, device: torch.device, options: argparse.Namespace) -> dict[str, Any]:
    experiment = load(name, preset) | {"preset": preset}
    row: dict[str, Any] = {"experiment": name, "preset": preset, "failed": "", "agrees": False}
    try:
        return row | measure(experiment, device, options)
    except (PopscapeError, RuntimeError, MemoryError) as error:
        if options.device == "cpu" and not isinstance(error, PopscapeError):
            raise  # a rehearsal is there to show such faults
        return row | {"failed": str(error).splitlines()[0]}


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m core bench gpu", description=__doc__)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="cpu rehearses without a GPU")
    parser.add_argument("--experiments", default="", metavar="A,B,…", help="default: all, genotypes and sets")
    sizes = (("individuals", INDIVIDUALS), ("variants", VARIANTS), ("sets", SETS), ("steps", STEPS))
    for name, default in sizes:
        parser.add_argument(f"--{name}", type=int, default=default, help=f"default {default}")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    return parser.parse_args(arguments)


def _data(experiment: Mapping[str, Any], options: argparse.Namespace) -> Any:
    """Linked genotypes, or the experiment's own sets."""
    if experiment["kind"] == "sets":
        sets = _sets(experiment["dataset"], options.sets)
        return load_sets(sets, Split(np.arange(sets.s), np.zeros(0, dtype=np.int64)), dict(experiment["model"]))[0]
    n, m = options.individuals, options.variants
    position = np.arange(1, m + 1, dtype=np.int64) * 1000
    spec = DataSpec(m, 3, {}, {}, position, np.zeros(m, dtype=np.int64), n)
    nobody = Condition(torch.empty(n, 0, dtype=torch.int64), torch.empty(n, 0))
    return TrainData(torch.from_numpy(linked_calls(n, m, 1)), nobody, spec)


def _sets(node: Mapping[str, Any], most: int) -> SetCollection:
    """The sets that an experiment names, or simulates, at most so many."""
    if "simulator" not in node:
        sets = Library().open(str(node["name"])).collection()
        return sets.sets(np.arange(min(most, sets.s)))
    schema, simulate = SIMULATORS[str(node["simulator"])]
    known = set(schema.__dataclass_fields__)  # type: ignore[attr-defined]
    settings = {key: value for key, value in node.items() if key in known}
    if "sets" in settings:
        settings["sets"] = min(most, int(settings["sets"]))
    population = simulate(from_dict(schema, settings, where="dataset"))
    assert isinstance(population, SetCollection)
    return population


@torch.no_grad()
def _frequencies(model: Any, device: torch.device) -> list[float]:
    """Allele frequencies of a large sample, ten variants or fewer: what a fit on another device must give too."""
    drawn = model.eval().sample(2048, None, torch.Generator(device).manual_seed(1)).float()
    return [float(value) for value in drawn[:, :10].mean(dim=0) / model.spec.ploidy]

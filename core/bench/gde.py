"""A training step and the sampling of a set embedding beside the published procedure written plainly, in one run."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.bench import gde_letters
from core.bench.gde_trials import BATCH, LEARNING_RATE, ended, judged, machine, moments, ratio, seconds
from core.bench.published_gde import PlainGDE
from core.config.training import TrainingConfig
from core.data.simulators.families import FamilyConfig, simulate_family
from core.evaluation.transport import gaussian_w2
from core.models.gde.data import SetData, prepare_sets
from core.models.gde.gde import GDE, GDEConfig
from core.training.clock import TrainingClock

FAMILY = FamilyConfig(family="mvn", sets=4000, observations=64, dimension=5)
STEP_GOAL, SAMPLE_GOAL = 1.5, 20.0
DRAWN = 2000  # observations of one set in a timed sampling
# Row → widths and latent of ours: what a user gets, and the published ones.
OURS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "default": ({}, {}),
    "published width": ({"latent": 64}, {"width": 256}),
}


def main(arguments: Sequence[str]) -> int:
    """Print all rows; exit status 1 where the default of vectors, or sequences, miss a goal."""
    parser = argparse.ArgumentParser(prog="bench gde", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few steps: a look, not a measurement")
    parser.add_argument("--steps", type=int, default=400, help="training steps of each")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args(arguments)
    rows = [measure(name, 30 if options.quick else options.steps) for name in OURS]
    print("\n".join(map(line, rows)))
    letters = gde_letters.measure()
    print(gde_letters.line(letters))
    default = rows[0]
    passed = (
        all(row["sample_ratio"] >= SAMPLE_GOAL for row in (default, letters))
        and default["step_ratio"] >= STEP_GOAL
        and letters["step_ratio"] >= 1
        and default["w2_ours"] <= default["w2_plain"]
    )
    print(
        f"{machine()}; goals: step {STEP_GOAL} (sequences: no slower), sampling {SAMPLE_GOAL:g}, W2 no worse: "
        f"{'yes' if passed else 'no'}"
    )
    return ended("gde", [*rows, letters], passed, options)


def measure(name: str, steps: int) -> dict[str, Any]:
    """Train both for as many steps on the same sets, turn by turn, then sample turn by turn and judge both.

    Ratios are those of the medians; taking turns lets other work on the machine disturb both alike.
    """
    torch.manual_seed(0)
    sets = simulate_family(FAMILY)
    data = prepare_sets(sets, np.arange(sets.s))
    x = torch.from_numpy(sets.observations.reshape(sets.s, FAMILY.observations, -1))
    ours, clock = _ours(name, data), TrainingClock(1, steps)
    plain = PlainGDE(FAMILY.dimension)
    times: dict[str, list[float]] = {"ours": [], "plain": []}
    for _ in range(steps):
        index = torch.randint(len(data), (BATCH,))
        times["ours"].append(seconds(lambda index=index: ours.steps(data.index(index), clock)))  # type: ignore[misc]
        clock.tick()
        times["plain"].append(seconds(lambda index=index: plain.step(x[index])))  # type: ignore[misc]
    ours.eval()
    row: dict[str, Any] = {"row": name, "steps": steps}
    row |= ratio("step", times)
    return row | _sampling(ours, plain)


def line(row: dict[str, Any]) -> str:
    """One row in words."""
    return (
        f"{row['row']:>16}: step {1e3 * row['step_ours']:.1f} ms, plain {1e3 * row['step_plain']:.1f} ms, "
        f"{row['step_ratio']:.2f} times as fast; {DRAWN} observations {1e3 * row['sample_ours']:.1f} ms, plain "
        f"{1e3 * row['sample_plain']:.0f} ms, {row['sample_ratio']:.0f} times as fast; W2 after {row['steps']} steps "
        f"{row['w2_ours']:.4f}, plain {row['w2_plain']:.4f}"
    )


def _ours(name: str, data: SetData) -> GDE:
    model, widths = OURS[name]
    parts = {
        "encoder": {"name": "resnet_gnn", **widths},
        "generator": {"name": "flow", **widths},
        "mixer": {"name": "none"},
    }
    gde = GDE(GDEConfig(**model), data.spec, TrainingConfig(batch_size=BATCH, learning_rate=LEARNING_RATE), parts)
    gde.prepare(data)
    gde.train()
    return gde


def _sampling(ours: GDE, plain: PlainGDE) -> dict[str, Any]:
    """Seconds of drawing DRAWN observations of one set, and W2 of the moments of what both regenerate."""
    held = judged(FAMILY, 12, DRAWN)
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        latents = {"ours": ours.encode(held.x), "plain": plain.encoder(held.x)}
    sample: dict[str, Callable[[Tensor], Tensor]] = {
        "ours": lambda z: ours.sample(DRAWN, z, draw),
        "plain": lambda z: plain.sample(z, DRAWN),
    }
    times: dict[str, list[float]] = {"ours": [], "plain": []}
    errors: dict[str, list[float]] = {"ours": [], "plain": []}
    for i in range(len(held)):
        truth = held.truth["mean"][i], held.truth["covariance"][i]
        for who, make in sample.items():
            started = time.perf_counter()
            made = make(latents[who][i : i + 1])[0]
            times[who].append(time.perf_counter() - started)
            errors[who].append(float(gaussian_w2(*moments(made), *truth)))
    return ratio("sample", times) | {f"w2_{k}": float(np.mean(v)) for k, v in errors.items()}

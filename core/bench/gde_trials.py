"""What the benchmarks of Generative Distribution Embeddings share: short trainings on families of known truth."""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from core.config.training import TrainingConfig
from core.data.simulators.families import FamilyConfig, simulate_family
from core.evaluation.transport import bures_squared, gaussian_w2, sample_w2
from core.models.gde.data import prepare_sets
from core.models.gde.gde import GDE, GDEConfig
from core.training.clock import TrainingClock

Array = npt.NDArray[np.float64]

HELD_OUT = 1_000_000  # added to a seed: the sets that are judged come from another stream than those trained on
BATCH, LEARNING_RATE = 64, 2e-3
LINE = 2000  # quantiles by which a law on a line is stood for


def train(
    family: FamilyConfig, seed: int, steps: int, encoder: str = "resnet_gnn", generator: str = "flow"
) -> tuple[GDE, float]:
    """A model with a user's defaults in evaluation mode, and the seconds of this process's CPU that it took.

    The sets and the weights both follow `seed`.
    """
    sets = simulate_family(replace(family, seed=seed + 1))
    data = prepare_sets(sets, np.arange(sets.s))
    torch.manual_seed(seed)
    parts = {"encoder": {"name": encoder}, "generator": {"name": generator}, "mixer": {"name": "none"}}
    model = GDE(GDEConfig(), data.spec, TrainingConfig(batch_size=BATCH, learning_rate=LEARNING_RATE), parts)
    model.prepare(data)
    model.train()
    clock = TrainingClock(1, steps)
    started = time.process_time()
    for _ in range(steps):
        model.steps(data.index(torch.randint(len(data), (BATCH,))), clock)
        clock.tick()
    return model.eval(), time.process_time() - started


@dataclass(frozen=True)
class Judged:
    """Held-out sets of a family: observations (s, k, d) and the truth of each."""

    name: str
    x: Tensor
    truth: dict[str, Any]

    def __len__(self) -> int:
        return len(self.x)

    def distance(self, i: int, j: int) -> float:
        """W2 of the laws of sets i and j: in closed form, on a line, or of as many as 1,000 observations of each."""
        t = self.truth
        if "covariance" in t:
            return float(gaussian_w2(t["mean"][i], t["covariance"][i], t["mean"][j], t["covariance"][j]))
        if self.name in ("skew_only", "weights_only"):
            # Laws with independent coordinates: squared distances of the coordinates add.
            return float(np.sqrt(np.square(self.lines(i) - self.lines(j)).mean(axis=0).sum()))
        return sample_w2(self.x[i, :1000].numpy(), self.x[j, :1000].numpy())

    def lines(self, i: int) -> Array:
        """(LINE, c) quantiles of the coordinates in which sets of a mean-matched family differ."""
        if self.name == "skew_only":
            return np.stack([_skewed(float(s)) for s in self.truth["skews"][i]], axis=1)
        return _two_peaks(float(self.truth["share"][i]))[:, None]


def judged(family: FamilyConfig, sets: int, observations: int, seed: int = 0) -> Judged:
    """Sets that no training has seen."""
    drawn = simulate_family(replace(family, sets=sets, observations=observations, seed=HELD_OUT + seed))
    return Judged(family.family, torch.from_numpy(drawn.observations.reshape(sets, observations, -1)), drawn.truth)


def moments(x: Tensor) -> tuple[Array, Array]:
    """(k, d) observations → mean (d,) and covariance (d, d), float64."""
    y = x.double().numpy()
    return y.mean(axis=0), np.cov(y.T).reshape(y.shape[1], -1)


def published_error(a: tuple[Array, Array], b: tuple[Array, Array]) -> float:
    """‖Δμ‖ + Bures², the published "W2 reconstruction error", of two (mean, covariance)."""
    return float(np.linalg.norm(a[0] - b[0]) + bures_squared(a[1], b[1]))


def seconds(action: Callable[[], Any]) -> float:
    """How long an action takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def ratio(what: str, times: dict[str, list[float]]) -> dict[str, float]:
    """Median seconds of "ours" and "plain", and how many times as fast ours is."""
    ours, plain = (statistics.median(times[who]) for who in ("ours", "plain"))
    return {f"{what}_ours": ours, f"{what}_plain": plain, f"{what}_ratio": plain / ours}


def machine() -> str:
    """What the figures were measured on."""
    return f"{torch.get_num_threads()} threads, torch {torch.__version__}"


def ended(benchmark: str, rows: list[dict[str, Any]], passed: bool, options: argparse.Namespace) -> int:
    """The exit status of a benchmark, after its rows as one JSON object where that is asked for."""
    if options.json:
        print(json.dumps({"benchmark": benchmark, "machine": machine(), "rows": rows, "passed": passed}))
    return 0 if passed or options.quick else 1


def _skewed(skew: float) -> Array:
    """Quantiles of the standardised gamma law of the given skewness."""
    from scipy.stats import gamma

    shape = 4 / max(abs(skew), 1e-3) ** 2
    grid = (np.arange(LINE) + 0.5) / LINE
    return np.sort(np.sign(skew) * (gamma.ppf(grid, shape) - shape) / math.sqrt(shape))


def _two_peaks(share: float) -> Array:
    """Quantiles of the first coordinate of weights_only, from its distribution function on a grid."""
    from scipy.stats import norm

    a, grid = 0.9, np.linspace(-8.0, 8.0, 16_001)
    scale = math.sqrt(1 - a * a)
    left, right = -math.sqrt((1 - share) / share) * a, math.sqrt(share / (1 - share)) * a
    below = share * norm.cdf((grid - left) / scale) + (1 - share) * norm.cdf((grid - right) / scale)
    return np.asarray(np.interp((np.arange(LINE) + 0.5) / LINE, below, grid), dtype=np.float64)

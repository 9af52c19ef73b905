"""Whether distances and straight lines in the latent space are those of optimal transport, on held-out sets."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.bench.gde_trials import Judged, ended, judged, machine, moments, train
from core.data.simulators.families import FamilyConfig
from core.evaluation.transport import gaussian_geodesic, gaussian_w2
from core.models.gde.gde import GDE

# Smallest rank correlation of latent distance with W2 that each family is asked for.
GOALS = {"mvn": 0.99, "gmm": 0.97, "covariance_only": 0.97, "skew_only": 0.9, "weights_only": 0.9}
SIZE = 4000  # observations of a held-out set that are encoded, and as many that are generated
TIMES = np.linspace(0, 1, 6)
GEODESIC_GOAL = 0.01


def main(arguments: Sequence[str]) -> int:
    """Print one line a family; exit status 1 where a goal is missed."""
    parser = argparse.ArgumentParser(prog="bench gde_geometry", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few steps and sets: a look, not a measurement")
    parser.add_argument("--steps", type=int, default=800, help="training steps of each family")
    parser.add_argument("--seed", type=int, default=0, help="seed of training sets, weights and held-out sets")
    parser.add_argument("--families", nargs="+", choices=GOALS, default=list(GOALS))
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args(arguments)
    steps, sets = (100, 40) if options.quick else (options.steps, 200)
    print("Spearman correlation with W2 (in the data's units) over held-out pairs; two features")
    heads = ("latent", "mean", "moments", "goal", "variance", "cycle", "seconds")
    print(f"{'family':>16} " + " ".join(f"{h:>8}" for h in heads), flush=True)
    rows = []
    for name in options.families:
        rows.append(measure(name, steps, sets, options.seed))
        print(line(rows[-1]), flush=True)
    passed = all(r["latent"] >= GOALS[r["family"]] for r in rows)
    passed &= all(r.get("geodesic", 0.0) <= GEODESIC_GOAL for r in rows)
    print(f"{machine()}; goals {'met' if passed else 'missed'}")
    return ended("gde_geometry", rows, passed, options)


def measure(name: str, steps: int, sets: int, seed: int) -> dict[str, Any]:
    """Train the default on one family and judge it on sets that it has not seen."""
    family = FamilyConfig(family=name, sets=4000, observations=256, dimension=2)
    model, seconds = train(family, seed, steps)
    held = judged(family, sets, SIZE, seed)
    z = model.encode(held.x)
    made = model.sample(SIZE, z, torch.Generator().manual_seed(seed))
    again = model.encode(made)
    spread = float((z - z.mean(dim=0)).square().sum(dim=1).mean().sqrt())
    row: dict[str, Any] = {"family": name, "seed": seed, "steps": steps, "seconds": seconds}
    row |= correlations(held, z, 150 if name == "gmm" else 400, seed)
    row["variance"] = float((_total(made) / _total(held.x)).mean())
    row["cycle"] = float((again - z).square().sum(dim=1).mean().sqrt()) / spread
    if name == "mvn":
        row |= geodesics(model, held, z, min(200, sets), seed)
    return row


def correlations(held: Judged, z: Tensor, pairs: int, seed: int) -> dict[str, float]:
    """Rank correlation with W2 of latent distance, of the distance of means, and of Gaussian W2 of the moments."""
    from scipy.stats import spearmanr

    chosen = _pairs(len(held), pairs, seed)
    law = [moments(x) for x in held.x]
    distances: dict[str, Callable[[int, int], float]] = {
        "latent": lambda i, j: float((z[i] - z[j]).norm()),
        "mean": lambda i, j: float(np.linalg.norm(law[i][0] - law[j][0])),
        "moments": lambda i, j: float(gaussian_w2(*law[i], *law[j])),
    }
    truth = [held.distance(i, j) for i, j in chosen]
    return {k: float(spearmanr(truth, [f(i, j) for i, j in chosen])[0]) for k, f in distances.items()}


def geodesics(model: GDE, held: Judged, z: Tensor, pairs: int, seed: int) -> dict[str, float]:
    """Distance of decoded straight lines from the W2 geodesic, as a share of its length.

    At six times, ends included, averaged over times and pairs ("geodesic"), and the largest of a pair, averaged
    over pairs ("geodesic_worst"). W2 is that of the moments of SIZE decoded observations: for Gaussians, W2.
    """
    mean, covariance = held.truth["mean"], held.truth["covariance"]
    draw = torch.Generator().manual_seed(seed)
    shares = []
    for i, j in _pairs(len(held), pairs, seed + 1):
        line = torch.stack([torch.lerp(z[i], z[j], float(t)) for t in TIMES])
        ends = (mean[i], covariance[i], mean[j], covariance[j])
        points = [moments(y) for y in model.sample(SIZE, line, draw)]
        gaps = [float(gaussian_w2(*p, *gaussian_geodesic(*ends, float(t)))) for p, t in zip(points, TIMES, strict=True)]
        shares.append(np.array(gaps) / held.distance(i, j))
    return {
        "pairs": float(pairs),
        "geodesic": float(np.mean(shares)),
        "geodesic_worst": float(np.max(shares, axis=1).mean()),
    }


def line(row: dict[str, Any]) -> str:
    """One row of the table."""
    values = [row["latent"], row["mean"], row["moments"], GOALS[row["family"]], row["variance"], row["cycle"]]
    text = f"{row['family']:>16} " + " ".join(f"{v:>8.4f}" for v in values) + f" {row['seconds']:>8.0f}"
    if "geodesic" in row:
        text += (
            f"\n{'':>16} straight lines leave the geodesic by {row['geodesic']:.2%} of its length on average over "
            f"{row['pairs']:.0f} pairs, {row['geodesic_worst']:.2%} at the worst of six times"
        )
    return text


def _pairs(sets: int, count: int, seed: int) -> list[tuple[int, int]]:
    first, second = np.triu_indices(sets, 1)
    chosen = np.random.default_rng(seed).permutation(len(first))[:count]
    return [(int(first[c]), int(second[c])) for c in chosen]


def _total(x: Tensor) -> Tensor:
    return x.var(dim=1).sum(dim=1)

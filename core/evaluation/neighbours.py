"""Who is nearest to whom in a comparison: computed in one pass, read by precision, recall, AATS and privacy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluation.context import Cohort, Comparison, once
from core.evaluation.distances import distance_blocks, nearest_within
from core.evaluation.registry import Unmeasurable

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Neighbours:
    """Nearest-neighbour facts of n reference and n candidate individuals (all distances as `distances.py` keeps them).

    Attributes:
        ks: the values of k that n allows, ascending.
        reference_radius: (n, len(ks)) distance of each reference individual to the k-th nearest of its own cohort.
        reference_own, candidate_own: (n,) distance to the nearest other of one's own cohort.
        reference_other: (n,) distance to the nearest candidate.
        candidate_nearest, candidate_index: (n, 2) distances to the two nearest reference individuals, their numbers.
        balls_on_candidate: (n, len(ks)) int64, reference balls that hold each candidate.
        covered: (n, len(ks)) bool, whether any candidate ball holds each reference individual.
    """

    ks: tuple[int, ...]
    reference_radius: Floats
    reference_own: Floats
    candidate_own: Floats
    reference_other: Floats
    candidate_nearest: Floats
    candidate_index: npt.NDArray[np.int64]
    balls_on_candidate: npt.NDArray[np.int64]
    covered: npt.NDArray[np.bool_]

    @property
    def candidate_other(self) -> Floats:
        """(n,) distance of each candidate to the nearest reference individual."""
        return self.candidate_nearest[:, 0]

    def column(self, k: int) -> int:
        """The column of `k`; Unmeasurable where the cohorts have too few individuals for it."""
        if k not in self.ks:
            raise Unmeasurable(f"Needs more than {k} individuals in each cohort; {len(self.reference_own)} are there.")
        return self.ks.index(k)


def params(comparison: Comparison) -> dict[str, Any]:
    """What every nearest-neighbour metric states of itself."""
    config = comparison.config
    stated: dict[str, Any] = {"distance": config.distance, "space": "all variants", "n": comparison.n_near}
    if max(comparison.reference.n, comparison.candidate.n) > comparison.n_near:
        stated |= {"sampled_from": [comparison.reference.n, comparison.candidate.n], "seed": comparison.seed}
    return stated | comparison.filling


@once
def own_radii(cohort: Cohort, count: int, ks: tuple[int, ...], metric: str) -> Floats:
    """(count, len(ks)) distances to the k-th nearest of one's own, kept with the cohort for the next comparison."""
    nearest = nearest_within(cohort.near(count), max(ks), metric, cohort.device)
    return np.ascontiguousarray(nearest[:, [k - 1 for k in ks]])


def neighbours_of(
    reference: npt.NDArray[np.floating], candidate: npt.NDArray[np.floating], ks: Sequence[int]
) -> Neighbours:
    """The neighbours of few points, (n, d) on either side: all distances at once, squared Euclidean in float32.

    For what is no genotype, or so small that blocks do not pay. `ks` are below n, and 1 is added to them.
    """
    ks = tuple(sorted({1, *ks}))
    columns = [k - 1 for k in ks]

    def squared(a: npt.NDArray[np.floating], b: npt.NDArray[np.floating]) -> Floats:
        products = a @ b.T
        sums = np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1)[None, :]
        return np.maximum(sums - 2 * products, 0).astype(np.float32)

    def own(points: npt.NDArray[np.floating]) -> Floats:
        between = squared(points, points)
        np.fill_diagonal(between, np.inf)
        return np.ascontiguousarray(np.sort(between, axis=1)[:, columns])

    radius_r, radius_c = own(reference), own(candidate)
    distance = squared(candidate, reference)
    index = np.argsort(distance, axis=1, kind="stable")[:, :2]
    balls = [np.count_nonzero(distance <= radius_r[:, j], axis=1) for j in range(len(ks))]
    covered = [(distance <= radius_c[:, j, None]).any(axis=0) for j in range(len(ks))]
    return Neighbours(
        ks=ks,
        reference_radius=radius_r,
        reference_own=radius_r[:, 0],
        candidate_own=radius_c[:, 0],
        reference_other=distance.min(axis=0),
        candidate_nearest=np.take_along_axis(distance, index, axis=1),
        candidate_index=index,
        balls_on_candidate=np.stack(balls, axis=1),
        covered=np.stack(covered, axis=1),
    )


@once
def neighbours(comparison: Comparison) -> Neighbours:
    """The neighbours of `comparison`. Unmeasurable below two individuals a side."""
    import torch

    config, count = comparison.config, comparison.n_near
    if count < 2:
        raise Unmeasurable(f"Needs at least 2 individuals in each cohort; {count} is there.")
    ks = tuple(sorted(k for k in {1, config.k, *config.neighbours} if k < count))
    reference, candidate = comparison.reference, comparison.candidate
    radius_r = own_radii(reference, count, ks, config.distance)
    radius_c = own_radii(candidate, count, ks, config.distance)
    # Everything that the candidate × reference distances are needed for, one block at a time.
    device, (n, width) = comparison.device, radius_r.shape
    balls = np.zeros((n, width), dtype=np.int64)
    nearest, index = np.empty((n, 2), dtype=np.float32), np.empty((n, 2), dtype=np.int64)
    covered = torch.zeros(n, width, dtype=torch.bool, device=device)
    other = torch.full((n,), torch.inf, device=device)
    ball_r, ball_c = (torch.from_numpy(r).to(device) for r in (radius_r, radius_c))
    for rows, part in distance_blocks(candidate.near(count), reference.near(count), config.distance, device):
        distance = part.float()
        low, where = torch.topk(distance, 2, dim=1, largest=False)
        nearest[rows], index[rows] = low.cpu().numpy(), where.cpu().numpy()
        other = torch.minimum(other, distance.amin(dim=0))
        for j in range(width):
            balls[rows, j] = torch.count_nonzero(distance <= ball_r[:, j], dim=1).cpu().numpy()
            covered[:, j] |= (distance <= ball_c[rows, j][:, None]).any(dim=0)
    return Neighbours(
        ks=ks,
        reference_radius=radius_r,
        reference_own=radius_r[:, 0],
        candidate_own=radius_c[:, 0],
        reference_other=other.cpu().numpy(),
        candidate_nearest=nearest,
        candidate_index=index,
        balls_on_candidate=balls,
        covered=covered.cpu().numpy(),
    )

"""How exposed each synthetic individual is: is it nearer to a training individual than people never seen come?

Distances from real individuals that the model never saw to their nearest training individual say how near chance comes.
Their lower tail is that of a minimum, so extreme-value theory fixes its shape: below the threshold u, under which the
share q of them lies, a Weibull tail P(D ≤ d) = q (d/u)^α, with α by maximum likelihood (Hill 1975). Above u the
observed shares are used. The tail probability of a synthetic individual's distance to its nearest training record is
its score: 0.05 or less in one of twenty that know nothing of the training set, and far smaller for a copy than any
count of unseen individuals could show (the idea of PRIVET, Szatkownik et al. 2025). The same probability is worked out
for the nearest individual of the holdout: who is near to everybody is typical, not copied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluation.context import Comparison, Panel, once
from core.evaluation.nearest import gallery, records, reference_records
from core.evaluation.neighbours import params
from core.evaluation.registry import Estimate, Unmeasurable, metric

Floats = npt.NDArray[np.float64]

EXPOSED = 0.05
_TAIL = 0.2  # share of the unseen individuals' distances that the tail is fitted to
_LEAST = 20  # unseen individuals
_BINS = 20  # of the probabilities that are drawn


@dataclass(frozen=True)
class Tail:
    """The distribution of distances to the nearest record of individuals that were not seen.

    Attributes:
        distances: (n,) float64 ascending. threshold: u. share: q, of distances in [0, u]. shape: α.
        zeros: share of the distances that are 0: twins, which no continuous tail describes.
    """

    distances: Floats
    threshold: float
    share: float
    shape: float
    zeros: float

    def probability(self, distance: Floats) -> Floats:
        """(k,) chance that an unseen individual comes as near as `distance` (k,) or nearer; ties above u count half."""
        below, upto = (np.searchsorted(self.distances, distance, side=side) for side in ("left", "right"))
        observed = (below + upto) / (2 * len(self.distances))
        with np.errstate(divide="ignore"):
            power = np.exp(self.shape * np.log(np.minimum(distance / self.threshold, 1.0)))
        tail = self.zeros + (self.share - self.zeros) * power
        return np.where(distance <= self.threshold, tail, np.maximum(observed, self.share))


@metric(
    label="Exposed individuals",
    family="Privacy",
    headline=True,
    direction="lower",
    bounds=(0.0, 1.0),
    help="Share of synthetic individuals nearer to a training individual than all but 5% of the real individuals that "
    "the model never saw, by an extreme-value tail of their distances. 0.05 is what chance gives.",
    source="Szatkownik et al. 2025 (PRIVET: extreme-value statistics of nearest-neighbour distances); Hill 1975 (tail)",
)
def exposed_share(comparison: Comparison) -> Estimate:
    """Share of candidates with a tail probability of at most 5%."""
    near, each = records(comparison), probabilities(comparison)
    generator, distance, unseen = comparison.generator(151), near.distance[:, 0], near.unseen

    def resampled() -> float:
        """Both sides drawn again: few unseen individuals leave the tail itself uncertain."""
        try:
            tail = tail_of(generator.choice(unseen, len(unseen)))
        except Unmeasurable:
            return np.nan
        return float((tail.probability(generator.choice(distance, len(distance))) <= EXPOSED).mean())

    draws = np.array([resampled() for _ in range(comparison.draws)])
    stated = params(comparison) | {"n": len(each), "n_train": near.n_gallery, "n_unseen": len(unseen)}
    stated |= {"tail_shape": round(tail_of(unseen).shape, 3), "expected": EXPOSED}
    return Estimate(float((each <= EXPOSED).mean()), draws, stated)


@once
def probabilities(comparison: Comparison) -> Floats:
    """(n,) tail probability of each candidate's distance to its nearest record."""
    near = records(comparison)
    return tail_of(near.unseen).probability(near.distance[:, 0])


def tail_of(unseen: Floats) -> Tail:
    """The fitted tail of (n,) distances. Unmeasurable with fewer than 20, or where the smallest are all 0."""
    ordered = np.sort(unseen)
    n = len(ordered)
    if n < _LEAST:
        raise Unmeasurable(f"Needs {_LEAST} real individuals that the model never saw; {n} are there.")
    threshold = float(ordered[max(_LEAST // 2, int(np.ceil(_TAIL * n))) - 1])
    if threshold == 0:
        raise Unmeasurable("Too many real individuals have an identical twin among the others; no scale is left.")
    small = ordered[(ordered <= threshold) & (ordered > 0)]
    spread = float(np.log(threshold / small).mean())
    # All at one distance (few variants): the steepest tail that the distances allow.
    shape = 1 / max(spread, 1e-3)
    return Tail(ordered, threshold, float((ordered <= threshold).mean()), shape, float((ordered == 0).mean()))


def curves(panel: Panel) -> dict[str, list[dict[str, Any]]]:
    """`exposure`: {"low", "high", "synthetic", "null", "real"}: shares of individuals by tail probability, 20 bins.

    "real" is what individuals without memory give: the same share in each bin.
    """
    try:
        value, null = probabilities(panel.value), probabilities(panel.null)
    except Unmeasurable:
        return {"exposure": []}
    edges = np.linspace(0, 1, _BINS + 1)
    shares = {name: np.histogram(each, edges)[0] / len(each) for name, each in (("synthetic", value), ("null", null))}
    return {
        "exposure": [
            {"low": float(edges[i]), "high": float(edges[i + 1]), "real": 1 / _BINS}
            | {name: float(share[i]) for name, share in shares.items()}
            for i in range(_BINS)
        ]
    }


def arrays(panel: Panel) -> dict[str, dict[str, npt.NDArray[Any]]]:
    """`exposure`: the synthetic individuals from the most exposed on, at most `display_individuals` of them.

    synthetic_id, record_id: (k,) str, the individual and its nearest training record; distance, probability: (k,)
    float32; with a holdout also holdout_distance, holdout_probability: the same to the nearest held-out individual.
    """
    comparison = panel.value
    count = comparison.config.distance_individuals
    try:
        near, each = records(comparison), probabilities(comparison)
    except Unmeasurable:
        return {}
    order = np.lexsort((near.distance[:, 0], each))[: comparison.config.display_individuals]
    seen, made = gallery(comparison), comparison.candidate
    columns: dict[str, npt.NDArray[Any]] = {
        "synthetic_id": made.genotypes.sample_id[made.near_index(count)][order],
        "record_id": seen.genotypes.sample_id[seen.near_index(count)[near.index[order, 0]]],
        "distance": near.distance[order, 0].astype(np.float32),
        "probability": each[order].astype(np.float32),
    }
    if comparison.train is not None:
        other = reference_records(comparison)
        columns["holdout_distance"] = other.distance[order, 0].astype(np.float32)
        try:
            chance = tail_of(other.unseen).probability(other.distance[order, 0])
        except Unmeasurable:
            chance = np.full(len(order), np.nan)
        columns["holdout_probability"] = chance.astype(np.float32)
    return {"exposure": columns}

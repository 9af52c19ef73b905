"""Copies and near copies: duplicates, nearest records, and both measured against real individuals never seen."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import MISSING
from core.evaluation.bootstrap import multinomial_weights, resampled_means
from core.evaluation.context import Cohort, Comparison, Panel, once, row_blocks
from core.evaluation.distances import natural, nearest_each_way
from core.evaluation.neighbours import neighbours, own_radii, params
from core.evaluation.registry import Estimate, Unmeasurable, metric

Floats = npt.NDArray[np.float64]

_BINS = 40
# Real individuals that must be nearest to some synthetic one before a share of them has an interval.
_LEAST_NEAREST = 10


@metric(
    label="Duplicates",
    family="Privacy",
    direction="lower",
    bounds=(0.0, 1.0),
    help="Share of synthetic individuals that are identical to another synthetic individual at every variant.",
    source="Exact comparison of rows",
)
def duplicates(comparison: Comparison) -> Estimate:
    """Share of candidates whose row occurs more than once among the candidates."""
    rows = _digests(comparison.candidate)
    _, inverse, counts = np.unique(rows, return_inverse=True, return_counts=True)
    return _share(comparison, counts[inverse] > 1, 121, {"n": comparison.candidate.n})


@metric(
    label="Copies of training individuals",
    family="Privacy",
    direction="lower",
    bounds=(0.0, 1.0),
    help="Share of synthetic individuals identical at every call to an individual that the model was trained on.",
    source="Exact comparison of rows",
)
def copies(comparison: Comparison) -> Estimate:
    """Share of candidates equal to a row of the gallery; calls that the gallery lacks cannot contradict.

    Without missing calls all individuals are compared, by digest. With them, a candidate is compared with its
    nearest record over the calls that both have, among the individuals that distances use.
    """
    seen, made = gallery(comparison), comparison.candidate
    if not seen.has_missing and not made.has_missing:
        stated = {"n": made.n, "n_train": seen.n}
        return _share(comparison, np.isin(_digests(made), _digests(seen)), 122, stated)
    found = records(comparison)
    theirs = seen.near_index(comparison.config.distance_individuals)[found.index[:, 0]]
    ours = made.near_index(comparison.config.distance_individuals)
    unlike = np.zeros(len(ours), dtype=np.bool_)
    for block in row_blocks(len(ours), made.m):
        rows, mine = seen.genotypes.calls[theirs[block]], made.genotypes.calls[ours[block]]
        unlike[block] = ((rows != mine) & (rows != MISSING) & (mine != MISSING)).any(axis=1)
    return _share(comparison, ~unlike, 122, _stated(comparison, found) | {"compared": "calls present in both"})


@metric(
    label="Nearest-record distance ratio",
    family="Privacy",
    target=1.0,
    bounds=(0.0, np.inf),
    help="Median distance from a synthetic individual to the nearest training individual, over the same median for "
    "real individuals that the model never saw. Well below 1, the synthetic lie too close to single records.",
    source="Distance to the closest record, calibrated on a holdout (Platzer & Reutterer 2021)",
)
def nearest_record_ratio(comparison: Comparison) -> Estimate:
    """median d(candidate, gallery) / median d(unseen real, gallery)."""
    found = records(comparison)
    mine, theirs = np.median(found.distance[:, 0]), np.median(found.unseen)
    if theirs == 0:
        raise Unmeasurable("Half of the real individuals have an identical twin among the others; no scale is left.")
    generator = comparison.generator(123)
    top = _resampled_medians(found.distance[:, 0], comparison.draws, generator)
    bottom = _resampled_medians(found.unseen, comparison.draws, generator)
    draws = np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom > 0)
    return Estimate(float(mine / theirs), draws, _stated(comparison, found))


@metric(
    label="First-to-second neighbour ratio",
    family="Privacy",
    direction="higher",
    bounds=(0.0, 1.0),
    help="Median over synthetic individuals of the distance to the nearest training individual over the distance to "
    "the second nearest. Near 0, they are versions of one record; compare it with the ceiling.",
    source="Lowe 2004; as a privacy measure, Zhao et al. 2021",
)
def nearest_neighbour_ratio(comparison: Comparison) -> Estimate:
    """Median of d1 / d2; two identical records at distance 0 give 0."""
    found = records(comparison)
    first, second = found.distance[:, 0], found.distance[:, 1]
    each = np.divide(first, second, out=np.zeros_like(first), where=second > 0)
    draws = _resampled_medians(each, comparison.draws, comparison.generator(124))
    return Estimate(float(np.median(each)), draws, _stated(comparison, found))


@metric(
    label="Closer to training than to holdout",
    family="Privacy",
    target=0.5,
    bounds=(0.0, 1.0),
    needs_train=True,
    help="Share of synthetic individuals whose nearest real individual is one the model was trained on, not one of "
    "the holdout, corrected for the sizes of the two: 0.5 without memory, 1 for a copier. Unrealistic individuals "
    "all lie nearest to the same few real ones, and then it says nothing: read it beside precision.",
    source="Platzer & Reutterer 2021, with the odds divided by the ratio of the two sizes",
)
def nearest_train_share(comparison: Comparison) -> Estimate:
    """s/n_t over s/n_t + (1 − s)/n_h for the share s that is nearer to the n_t training individuals; ties half."""
    found = records(comparison)
    other = reference_records(comparison)
    gap = other.distance[:, 0] - found.distance[:, 0]
    nearer = np.where(gap == 0, 0.5, gap > 0)
    n_train, n_unseen = found.n_gallery, other.n_gallery

    def corrected(share: Floats) -> Floats:
        return (share / n_train) / (share / n_train + (1 - share) / n_unseen)

    # Individuals with the same nearest real one are not independent: they are resampled together.
    nearest = np.where(gap >= 0, found.index[:, 0], n_train + other.index[:, 0])
    together = np.unique(nearest, return_inverse=True)[1].ravel()
    sums, sizes = np.bincount(together, weights=nearer), np.bincount(together)
    draws = None
    if len(sums) >= _LEAST_NEAREST:
        weights = multinomial_weights(len(sums), comparison.draws, comparison.generator(125)).astype(np.float64)
        draws = corrected((weights @ sums) / (weights @ sizes))
    stated = _stated(comparison, found) | {"n_holdout": n_unseen, "uncorrected": round(float(nearer.mean()), 6)}
    value = float(corrected(nearer.mean(keepdims=True))[0])
    return Estimate(value, draws, stated | {"distinct_nearest": len(sums)})


@dataclass(frozen=True)
class Records:
    """Distances to the gallery, in the unit a reader expects.

    Attributes:
        distance: (n, 2) from each candidate to its two nearest gallery individuals. index: their rows.
        back: (n_gallery,) from each gallery individual to the nearest candidate.
        unseen: (n_u,) from real individuals outside the gallery (the holdout, or each of the gallery to the others).
    """

    distance: Floats
    index: npt.NDArray[np.int64]
    back: Floats
    unseen: Floats

    @property
    def n_gallery(self) -> int:
        """Individuals in the gallery."""
        return len(self.back)


def gallery(comparison: Comparison) -> Cohort:
    """The individuals that a model may have copied: the training individuals if known, else the reference."""
    return comparison.reference if comparison.train is None else comparison.train


def curves(panel: Panel) -> dict[str, list[dict[str, Any]]]:
    """`nearest_distances`: shares of synthetic, null and unseen real individuals by distance to the nearest record.

    `nearest_records`: {"side", "median", "identical", "share", "n"} for "train" and "holdout", or "real" alone: the
    median distance to the nearest of this side, the share of synthetic individuals equal to one of it, and the share
    whose nearest real individual is on it (as it would be with sides of equal size).
    """
    groups = _groups(panel)
    if not groups:
        return {"nearest_distances": [], "nearest_records": []}
    edges = np.linspace(0.0, max(float(d.max()) for d in groups.values()) * (1 + 1e-9) or 1.0, _BINS + 1)
    shares = {name: np.histogram(d, edges)[0] / len(d) for name, d in groups.items()}
    return {
        "nearest_distances": [
            {"low": float(edges[i]), "high": float(edges[i + 1])} | {name: float(s[i]) for name, s in shares.items()}
            for i in range(_BINS)
        ],
        "nearest_records": _sides(panel.value),
    }


def _sides(comparison: Comparison) -> list[dict[str, Any]]:
    near, first = records(comparison), "real" if comparison.train is None else "train"
    sides = {first: near} if comparison.train is None else {first: near, "holdout": reference_records(comparison)}
    nearer = nearest_train_share(comparison).value if comparison.train is not None else None
    shares = {first: nearer, "holdout": None if nearer is None else 1 - nearer}
    return [
        {
            "side": side,
            "median": float(np.median(one.distance[:, 0])),
            "identical": float((one.distance[:, 0] == 0).mean()),
            "share": shares[side],
            "n": one.n_gallery,
        }
        for side, one in sides.items()
    ]


def arrays(panel: Panel) -> dict[str, dict[str, npt.NDArray[Any]]]:
    """`nearest`: distance to the nearest record of each synthetic, null and unseen real individual, float32."""
    groups = _groups(panel)
    if not groups:
        return {}
    nearest: dict[str, npt.NDArray[Any]] = {name: distance.astype(np.float32) for name, distance in groups.items()}
    return {"nearest": nearest | {"nearest_index": records(panel.value).index[:, 0]}}


def _groups(panel: Panel) -> dict[str, Floats]:
    """Distances to the nearest record of synthetic, null and unseen real individuals; empty without records."""
    try:
        value, null = records(panel.value), records(panel.null)
    except Unmeasurable:
        return {}
    return {"synthetic": value.distance[:, 0], "null": null.distance[:, 0], "real": value.unseen}


@once
def records(comparison: Comparison) -> Records:
    """The nearest records of `comparison`. Unmeasurable where the gallery has fewer than two individuals."""
    seen, made = gallery(comparison), comparison.candidate
    if seen.n < 2:
        raise Unmeasurable("Needs at least 2 real individuals to compare with.")
    if comparison.train is not None:
        return _between(made, seen, between_real(comparison).back)
    count, name = comparison.config.distance_individuals, comparison.config.distance
    if comparison.n_near == min(count, seen.n) == min(count, made.n):
        near = neighbours(comparison)  # the same distances, measured already
        distances = (near.candidate_nearest, near.reference_other, near.reference_own)
        each, back, unseen = (natural(distance, name) for distance in distances)
        return Records(each, near.candidate_index, back, unseen)
    return _between(made, seen, natural(own_radii(seen, count, (1,), name)[:, 0], name))


@once
def reference_records(comparison: Comparison) -> Records:
    """The same with the reference as the gallery where training individuals stand beside it; these are the unseen."""
    return _between(comparison.candidate, comparison.reference, between_real(comparison).distance[:, 0])


def between_real(comparison: Comparison) -> Records:
    """Distances from the training individuals to the reference, their gallery, and `back`; `unseen` is empty."""
    train, reference = comparison.train, comparison.reference
    assert train is not None  # the registry asks for it before it calls
    return reference.shared(("between_real", train), lambda: _between(train, reference, np.zeros(0)))


def _between(made: Cohort, seen: Cohort, unseen: Floats) -> Records:
    count, name = made.config.distance_individuals, made.config.distance
    k = min(2, seen.n)
    distance, index, back = nearest_each_way(made.near(count), seen.near(count), k, name, made.device)
    return Records(natural(distance, name), index, natural(back, name), unseen)


def _stated(comparison: Comparison, found: Records) -> dict[str, Any]:
    return params(comparison) | {"n": len(found.distance), "n_train": found.n_gallery}


def _share(comparison: Comparison, each: npt.NDArray[np.bool_], stream: int, stated: dict[str, Any]) -> Estimate:
    draws = resampled_means(each, comparison.draws, comparison.generator(stream))
    return Estimate(float(each.mean()), draws, stated)


@once
def _digests(cohort: Cohort) -> npt.NDArray[np.void]:
    """(n,) 16-byte digests of the rows; equal rows have equal digests."""
    rows = map(np.ascontiguousarray, cohort.genotypes.calls)
    return np.frombuffer(b"".join(hashlib.blake2b(row.data, digest_size=16).digest() for row in rows), dtype="V16")


def _resampled_medians(values: Floats, draws: int, generator: np.random.Generator) -> Floats:
    """(draws,) medians of resampled values: sorted once, then read where half of each replicate's weight lies."""
    order = np.sort(values)
    cumulative = multinomial_weights(len(order), draws, generator).cumsum(axis=1)
    return order[(cumulative >= len(order) / 2).argmax(axis=1)]

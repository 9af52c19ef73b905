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
from core.evaluation.distances import natural, nearest_between, nearest_within
from core.evaluation.neighbours import neighbours, params
from core.evaluation.registry import Estimate, Unmeasurable, metric

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
    unseen = comparison.reference
    count = comparison.config.distance_individuals
    metric_name = comparison.config.distance
    other, place = nearest_between(
        comparison.candidate.near(count), unseen.near(count), 1, metric_name, comparison.device
    )
    gap = natural(other[:, 0], metric_name) - found.distance[:, 0]
    nearer = np.where(gap == 0, 0.5, gap > 0)
    n_train, n_unseen = found.n_gallery, min(count, unseen.n)

    def corrected(share: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return (share / n_train) / (share / n_train + (1 - share) / n_unseen)

    # Individuals with the same nearest real one are not independent: they are resampled together.
    nearest = np.where(gap >= 0, found.index[:, 0], n_train + place[:, 0])
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
        unseen: (n_u,) from real individuals outside the gallery (the holdout, or each of the gallery to the others).
        n_gallery: individuals in the gallery.
    """

    distance: npt.NDArray[np.float64]
    index: npt.NDArray[np.int64]
    unseen: npt.NDArray[np.float64]
    n_gallery: int


def gallery(comparison: Comparison) -> Cohort:
    """The individuals that a model may have copied: the training individuals if known, else the reference."""
    return comparison.reference if comparison.train is None else comparison.train


def curves(panel: Panel) -> dict[str, list[dict[str, Any]]]:
    """`nearest_distances`: shares of synthetic, null and unseen real individuals by distance to the nearest record."""
    groups = _groups(panel)
    if not groups:
        return {"nearest_distances": []}
    edges = np.linspace(0.0, max(float(d.max()) for d in groups.values()) * (1 + 1e-9) or 1.0, _BINS + 1)
    shares = {name: np.histogram(d, edges)[0] / len(d) for name, d in groups.items()}
    return {
        "nearest_distances": [
            {"low": float(edges[i]), "high": float(edges[i + 1])} | {name: float(s[i]) for name, s in shares.items()}
            for i in range(_BINS)
        ]
    }


def arrays(panel: Panel) -> dict[str, dict[str, npt.NDArray[Any]]]:
    """`nearest`: distance to the nearest record of each synthetic, null and unseen real individual, float32."""
    groups = _groups(panel)
    if not groups:
        return {}
    nearest: dict[str, npt.NDArray[Any]] = {name: distance.astype(np.float32) for name, distance in groups.items()}
    return {"nearest": nearest | {"nearest_index": records(panel.value).index[:, 0]}}


def _groups(panel: Panel) -> dict[str, npt.NDArray[np.float64]]:
    """Distances to the nearest record of synthetic, null and unseen real individuals; empty without records."""
    try:
        value, null = records(panel.value), records(panel.null)
    except Unmeasurable:
        return {}
    return {"synthetic": value.distance[:, 0], "null": null.distance[:, 0], "real": value.unseen}


@once
def records(comparison: Comparison) -> Records:
    """The nearest records of `comparison`. Unmeasurable where the gallery has fewer than two individuals."""
    count, name, device = comparison.config.distance_individuals, comparison.config.distance, comparison.device
    seen, made = gallery(comparison), comparison.candidate
    if seen.n < 2:
        raise Unmeasurable("Needs at least 2 real individuals to compare with.")
    known = min(count, seen.n)
    if comparison.train is None and comparison.n_near == known == min(count, made.n):
        found = neighbours(comparison)  # the same distances, measured already
        return Records(
            natural(found.candidate_nearest, name), found.candidate_index, natural(found.reference_own, name), known
        )

    def unseen() -> npt.NDArray[np.float64]:
        if comparison.train is None:
            return natural(nearest_within(seen.near(count), 1, name, device)[:, 0], name)
        return natural(
            nearest_between(comparison.reference.near(count), seen.near(count), 1, name, device)[0][:, 0], name
        )

    distance, index = nearest_between(made.near(count), seen.near(count), 2, name, device)
    return Records(natural(distance, name), index, comparison.reference.shared(("unseen", seen), unseen), known)


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


def _resampled_medians(
    values: npt.NDArray[np.float64], draws: int, generator: np.random.Generator
) -> npt.NDArray[np.float64]:
    """(draws,) medians of resampled values: sorted once, then read where half of each replicate's weight lies."""
    order = np.sort(values)
    cumulative = multinomial_weights(len(order), draws, generator).cumsum(axis=1)
    return order[(cumulative >= len(order) / 2).argmax(axis=1)]

"""Who is related to whom: kinship and identity by state within a cohort, kinship with the training individuals.

Kinship is the KING-robust estimate between families (Manichaikul et al. 2010, eq. 11; population structure is borne):

    φ_ij = 1/2 − Σ (x_i − x_j)² / (4 min(h_i, h_j)),   h the number of heterozygous calls

0 without relation, 1/4 for parent and child, 1/2 for one individual. Identity by state is 1 − Σ |x_i − x_j| / 2m (for
haploids 1 − Σ |x_i − x_j| / m).

At most VARIANTS variants that vary, evenly spaced, are used: more would hardly change a kinship, and cost as much as
all distances between individuals together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Calls
from core.data.relatives import DUPLICATE, FIRST_DEGREE, spread_out
from core.evaluation.bootstrap import multinomial_weights, resampled_means
from core.evaluation.context import Cohort, Comparison, Panel, once
from core.evaluation.distances import distance_blocks
from core.evaluation.nearest import gallery
from core.evaluation.registry import Estimate, Unmeasurable, metric

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.float64]

VARIANTS = 10_000
SECOND_DEGREE = 0.0884  # 2^-3.5, Manichaikul et al. 2010, table 1
DEGREES = {
    "Second degree or closer": SECOND_DEGREE,
    "First degree or closer": FIRST_DEGREE,
    "The same individual": DUPLICATE,
}
_USUAL = 0.25  # share of the unseen individuals that may pass a degree before it tells nothing
_WIDTH = 0.001  # of a bin of pairs
_RANGE = {"kinship": (-1.0, 0.5), "ibs": (0.0, 1.0)}
_DRAWN = 60  # bins of a curve
_KING = "Manichaikul et al. 2010, eq. 11 (KING-robust)"


@metric(
    label="Kinship replay",
    family="Privacy",
    target=0.0,
    bounds=(-1.0, 1.0),
    help="Share of synthetic individuals that look like a close relative of a training individual, less the same share "
    "among real individuals that the model never saw. Judged by second-degree relatives, or by a closer degree where "
    "more than a quarter of the real individuals have one by chance.",
    source=_KING + ", table 1; kinship replay as in PRISM-G 2025",
)
def kinship_replay(comparison: Comparison) -> Estimate:
    """Difference of the shares whose largest kinship with the gallery passes the bound of a degree."""
    closest = closest_kin(comparison)
    usual = {name: float((closest.unseen > bound).mean()) for name, bound in DEGREES.items()}
    degree = next((name for name, share in usual.items() if share <= _USUAL), None)
    if degree is None:
        raise Unmeasurable(
            f"{usual['The same individual']:.0%} of the real individuals look like a twin of another one: the variants "
            "are too few, or too closely linked, to tell relatives."
        )
    near, far = closest.kinship > DEGREES[degree], closest.unseen > DEGREES[degree]
    generator = comparison.generator(161)
    draws = resampled_means(near, comparison.draws, generator) - resampled_means(far, comparison.draws, generator)
    shares = {"synthetic": float(near.mean()), "unseen": usual[degree]}
    stated: dict[str, Any] = {"degree": degree.lower(), "kinship_above": DEGREES[degree], "n": len(near)}
    stated |= {"n_unseen": len(far), "n_train": closest.n_gallery, "variants": len(_variants(gallery(comparison)))}
    return Estimate(shares["synthetic"] - shares["unseen"], draws, stated | shares | comparison.filling)


@metric(
    label="Kinship distribution distance",
    family="Structure",
    direction="lower",
    bounds=(0.0, 1.5),
    help="Wasserstein distance between the kinship of all pairs of real and all pairs of synthetic individuals: are "
    "families and populations as close as they should be. 0.25 is the step from strangers to parent and child; below "
    "-1, where populations are far apart and variants few, all counts as -1.",
    source=_KING,
)
def kinship_wasserstein(comparison: Comparison) -> Estimate:
    """∫ |F_real − F_synthetic| over kinship, within each cohort."""
    return _pair_distance(comparison, "kinship", 162)


@metric(
    label="IBS distribution distance",
    family="Structure",
    direction="lower",
    bounds=(0.0, 1.0),
    help="Wasserstein distance between the identity by state of all pairs of real and all pairs of synthetic "
    "individuals: the share of their alleles that two individuals have in common.",
    source="Identity by state as in PLINK (Purcell et al. 2007)",
)
def ibs_wasserstein(comparison: Comparison) -> Estimate:
    """∫ |F_real − F_synthetic| over identity by state, within each cohort."""
    return _pair_distance(comparison, "ibs", 163)


@dataclass(frozen=True)
class Closest:
    """The closest relative of each candidate among the real individuals.

    Attributes:
        kinship: (n,) largest kinship with an individual of the gallery. index: its row there.
        unseen: (n_u,) the same of real individuals outside the gallery, or of each of the gallery with the others.
        n_gallery: individuals in the gallery.
    """

    kinship: Floats
    index: npt.NDArray[np.int64]
    unseen: Floats
    n_gallery: int


@once
def closest_kin(comparison: Comparison) -> Closest:
    """The closest relatives of a comparison. Unmeasurable for haploids and inbred lines, and below two individuals."""
    seen, reference = gallery(comparison), comparison.reference
    if seen.n < 2:
        raise Unmeasurable("Needs at least 2 real individuals to compare with.")
    if not outbred(seen):
        raise Unmeasurable("Kinship is told from heterozygous calls; these individuals have none, or hardly any.")
    kinship, index = _largest(comparison.candidate, seen)
    unseen = reference.shared(("closest_kin", seen), lambda: _largest(reference, seen)[0])
    return Closest(kinship, index, unseen, min(seen.n, seen.config.distance_individuals))


def king(a: Calls, b: Calls, device: str = "cpu") -> Iterator[tuple[slice, torch.Tensor]]:
    """Yield (rows of a, (rows, n_b) float kinship) of complete diploid calls, a block at a time."""
    import torch

    het_a, het_b = (torch.from_numpy((calls == 1).sum(axis=1)).to(device) for calls in (a, b))
    for rows, distance in distance_blocks(a, b, "euclidean", device):
        smaller = torch.minimum(het_a[rows, None], het_b[None, :])
        yield rows, 0.5 - distance / (4 * smaller.clamp(min=1))


def identity_by_state(calls: Calls, ploidy: int, device: str = "cpu") -> Iterator[tuple[slice, torch.Tensor]]:
    """Yield (rows, (rows, n) float share of alleles in common) of complete calls with themselves."""
    most = ploidy * calls.shape[1]
    for rows, distance in distance_blocks(calls, calls, "manhattan", device):
        yield rows, 1 - distance / most


def outbred(cohort: Cohort) -> bool:
    """Whether heterozygotes are frequent enough (a third of 2p(1−p)) for a kinship that is told from them."""
    if cohort.ploidy != 2:
        return False
    p = np.nan_to_num(cohort.allele_frequency)
    expected = float((2 * p * (1 - p)).sum())
    observed = float((cohort.genotype_counts[:, 1] / np.maximum(cohort.called, 1)).sum())
    return expected > 0 and observed > 0.3 * expected


@once
def pair_shares(cohort: Cohort, measure: str, of: Cohort) -> npt.NDArray[np.float32]:
    """(n, bins + 1) float32, one row an individual: the shares of the others with a `measure` below each edge.

    The edges are `_edges(measure)`; n is at most `display_individuals`; the variants are those chosen in `of`.
    """
    calls = np.ascontiguousarray(cohort.near(cohort.config.display_individuals)[:, _variants(of)])
    n, edges = len(calls), _edges(measure)
    blocks = (
        king(calls, calls, cohort.device)
        if measure == "kinship"
        else identity_by_state(calls, cohort.ploidy, cohort.device)
    )
    bins = len(edges) - 1
    shares = np.zeros((n, bins + 1), dtype=np.float32)
    for rows, part in blocks:
        values = part.double().cpu().numpy()
        size = len(values)
        place = np.clip(((values - edges[0]) / _WIDTH).astype(np.int64), 0, bins - 1)
        code = place + bins * np.arange(size)[:, None]
        counts = np.bincount(code.ravel(), minlength=size * bins).reshape(size, bins)
        counts[np.arange(size), place[np.arange(size), np.arange(rows.start, rows.stop)]] -= 1  # not with oneself
        shares[rows, 1:] = counts.cumsum(axis=1) / (n - 1)
    return shares


def curves(panel: Panel) -> dict[str, list[dict[str, Any]]]:
    """`kinship_replay` by degree; `kinship_distribution`, `ibs_distribution`: shares of pairs within each cohort.

    Rows of the first: {"degree", "kinship", "synthetic", "null", "real"}, shares of individuals with such a relative
    among the training individuals; of the others {"low", "high", "real", "synthetic", "null", "ceiling"}.
    """
    drawn: dict[str, list[dict[str, Any]]] = {"kinship_replay": _by_degree(panel)}
    reference = panel.value.reference
    for measure in _RANGE:
        cohorts = {name: cohort for name, cohort in panel.cohorts.items() if cohort.n > 1}
        known = measure == "ibs" or outbred(reference)
        kept = {"real", "synthetic"} <= set(cohorts) and known and len(_variants(reference)) > 0
        means = {k: pair_shares(c, measure, reference).mean(axis=0) for k, c in cohorts.items()} if kept else {}
        drawn[f"{measure}_distribution"] = _histogram(means, measure)
    return drawn


def _by_degree(panel: Panel) -> list[dict[str, Any]]:
    try:
        value, null = closest_kin(panel.value), closest_kin(panel.null)
    except Unmeasurable:
        return []
    sides = {"synthetic": value.kinship, "null": null.kinship, "real": value.unseen}
    return [
        {"degree": name, "kinship": bound} | {side: float((each > bound).mean()) for side, each in sides.items()}
        for name, bound in DEGREES.items()
    ]


def _histogram(means: dict[str, Any], measure: str) -> list[dict[str, Any]]:
    """Mean cumulative shares as a histogram of some _DRAWN bins over what is used."""
    if not means:
        return []
    edges = _edges(measure)
    used = [np.flatnonzero((share > 1e-5) & (share < 1 - 1e-5)) for share in means.values()]
    ends = [place for one in used for place in one.tolist()] or [0, len(edges) - 1]
    low, high = max(0, min(ends) - 1), min(len(edges) - 1, max(ends) + 1)
    step = max(1, -(-(high - low) // _DRAWN))
    at = np.minimum(np.arange(low, high + step, step), len(edges) - 1)
    return [
        {"low": float(edges[a]), "high": float(edges[b])}
        | {name: float(means[name][b] - means[name][a]) if name in means else None
           for name in ("real", "synthetic", "null", "ceiling")}
        for a, b in pairwise(at)
        if b > a
    ]  # fmt: skip


def _pair_distance(comparison: Comparison, measure: str, stream: int) -> Estimate:
    reference, candidate = comparison.reference, comparison.candidate
    if min(reference.n, candidate.n) < 2:
        raise Unmeasurable("Needs at least 2 individuals in each cohort.")
    if measure == "kinship" and not outbred(reference):
        raise Unmeasurable("Kinship is told from heterozygous calls; these individuals have none, or hardly any.")
    if not len(_variants(reference)):
        raise Unmeasurable("No variant differs between any two real individuals.")
    sides = [pair_shares(cohort, measure, reference) for cohort in (reference, candidate)]
    generator = comparison.generator(stream)
    real, made = (_replicates(side, comparison.draws, generator) for side in sides)
    draws = np.abs(real - made).sum(axis=1) * _WIDTH
    value = float(np.abs(sides[0].mean(axis=0, dtype=np.float64) - sides[1].mean(axis=0, dtype=np.float64)).sum())
    stated: dict[str, Any] = {"n": len(sides[1]), "n_real": len(sides[0]), "variants": len(_variants(reference))}
    if measure == "kinship":
        stated["counted_from"] = _RANGE["kinship"][0]  # pairs further apart count as this far
    return Estimate(value * _WIDTH, draws, stated | comparison.filling)


def _replicates(shares: npt.NDArray[np.float32], draws: int, generator: np.random.Generator) -> Floats:
    """(draws, bins + 1) distribution functions of pairs when individuals are drawn again.

    A mean over pairs varies twice as much with an individual as the mean of its own pairs does (the first-order term
    of a U-statistic, Hoeffding 1948), so each draw is moved twice as far from the mean.
    """
    n = len(shares)
    weights = multinomial_weights(n, draws, generator).astype(np.float64)
    return np.asarray((2 * weights - 1) @ shares / n)


def _largest(made: Cohort, seen: Cohort) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Largest kinship of each individual of `made` with one of `seen`, itself left out, and the row of that one."""
    count, columns = made.config.distance_individuals, _variants(seen)
    a, b = (np.ascontiguousarray(cohort.near(count)[:, columns]) for cohort in (made, seen))
    kinship, index = np.empty(len(a)), np.empty(len(a), dtype=np.int64)
    for rows, part in king(a, b, made.device):
        if made is seen:
            part[range(part.shape[0]), range(rows.start, rows.stop)] = -np.inf
        largest, where = part.max(dim=1)
        kinship[rows], index[rows] = largest.double().cpu().numpy(), where.cpu().numpy()
    return kinship, index


@once
def _variants(cohort: Cohort) -> npt.NDArray[np.int64]:
    """Evenly spaced variants that vary in the cohort, at most VARIANTS."""
    varying = np.flatnonzero((cohort.allele_counts > 0).all(axis=1))
    return varying[spread_out(len(varying), VARIANTS)] if len(varying) else varying


def _edges(measure: str) -> Floats:
    low, high = _RANGE[measure]
    return np.linspace(low, high, round((high - low) / _WIDTH) + 1)

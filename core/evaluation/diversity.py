"""Diversity in windows along the genome: π, Watterson's θ, Tajima's D, haplotype diversity, Garud's H12, F_ST.

A window is a run of neighbouring variants of one contig, so that windows stay equally well measured where variants are
sparse. Both cohorts are read over the same variants at the same number of individuals. π and θ are means over the
variants of a window: without the sites at which nobody differs, which arrays leave out, they are relative.

Calls carry no phase, so haplotype diversity and Garud's statistics are those of multilocus genotypes (Harris et al.
2018: G12 for H12); of haploids, those of haplotypes. They are means over blocks of variants within a window: the
longest of BLOCKS at which the real individuals are not all different.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotype_counts import allele_counts, genotype_counts
from core.data.genotypes import Calls
from core.data.relatives import spread_out
from core.evaluation.bootstrap import block_weights
from core.evaluation.context import Cohort, Comparison, Panel, once
from core.evaluation.differentiation import hudson, population_counts
from core.evaluation.moments import moments, pearson, rmse
from core.evaluation.registry import Estimate, Unmeasurable, metric

Floats = npt.NDArray[np.float64]

WINDOWS = 200  # at most, over all contigs
LEAST = 20  # variants of a window; a shorter contig is one window
BLOCKS = (20, 10, 5)  # variants of a multilocus genotype
POPULATIONS = 6  # the largest, between which F_ST is measured
COPIES = 50  # steps of frequency in the joint spectrum
_ALIKE = 0.98  # median diversity of multilocus genotypes above which a block is too long to tell anything
_FEWEST = 5  # variants of a window, and windows of a metric
_SAMPLED = 10  # blocks of a window that are counted
FAMILY = "Diversity along the genome"


@metric(
    label="Nucleotide diversity r",
    family=FAMILY,
    direction="higher",
    bounds=(-1.0, 1.0),
    help="Pearson correlation over windows of the mean share of differences between two chromosomes (π), real and "
    "synthetic. It follows from allele frequencies alone.",
    source="Nei & Li 1979 (π), by scikit-allel",
)
def nucleotide_diversity_r(comparison: Comparison) -> Estimate:
    """Correlation of π over windows."""
    return _over_windows(comparison, "pi", pearson, 171)


@metric(
    label="Watterson's θ error",
    family=FAMILY,
    direction="lower",
    bounds=(0.0, np.inf),
    help="Root mean square difference over windows of Watterson's θ (variants that still vary, corrected for the "
    "number of individuals), as a share of its mean in real individuals: rare alleles lost or invented.",
    source="Watterson 1975",
)
def watterson_theta_error(comparison: Comparison) -> Estimate:
    """RMSE of θ over windows, over the real mean."""
    return _over_windows(comparison, "theta", _relative_error, 172)


@metric(
    label="Tajima's D RMSE",
    family=FAMILY,
    direction="lower",
    bounds=(0.0, np.inf),
    help="Root mean square difference over windows of Tajima's D: too high where rare alleles are lost, too low where "
    "they are too many.",
    source="Tajima 1989, by scikit-allel",
)
def tajima_d_rmse(comparison: Comparison) -> Estimate:
    """RMSE of D over windows."""
    return _over_windows(comparison, "tajima_d", rmse, 173)


@metric(
    label="Haplotype diversity RMSE",
    family=FAMILY,
    headline=True,
    direction="lower",
    bounds=(0.0, 1.0),
    help="Root mean square difference over windows of the chance that two individuals differ in a short stretch of "
    "neighbouring variants: linkage of many variants at once, which pairs do not show.",
    source="Nei 1987, eq. 8.4 (haplotype diversity), on multilocus genotypes of diploids",
)
def haplotype_diversity_rmse(comparison: Comparison) -> Estimate:
    """RMSE of the diversity of multilocus genotypes over windows."""
    return _over_windows(comparison, "haplotype_diversity", rmse, 174)


@metric(
    label="Garud's H12 RMSE",
    family=FAMILY,
    direction="lower",
    bounds=(0.0, 1.0),
    help="Root mean square difference over windows of Garud's H12, the frequency of the two commonest haplotypes taken "
    "together: the sign of a selective sweep, which a model may lose or invent.",
    source="Garud et al. 2015; Harris et al. 2018 (G12, multilocus genotypes of diploids)",
)
def garud_h12_rmse(comparison: Comparison) -> Estimate:
    """RMSE of H12 (G12 for diploids) over windows."""
    return _over_windows(comparison, "h12", rmse, 175)


@metric(
    label="F_ST between populations r",
    family=FAMILY,
    direction="higher",
    bounds=(-1.0, 1.0),
    help="Pearson correlation over windows of F_ST between populations, within the real and within the synthetic "
    "individuals: do populations differ in the same places. Needs synthetic individuals that carry the labels.",
    source="Hudson et al. 1992; Bhatia et al. 2013 (ratio of sums over variants and pairs of populations)",
)
def population_fst_r(comparison: Comparison) -> Estimate:
    """Correlation over windows of Hudson's F_ST, pooled over the pairs of the shared populations."""
    names = populations(comparison)
    real, made = (fst_between(cohort, names) for cohort in (comparison.reference, comparison.candidate))
    sizes = {"n": comparison.candidate.n, "n_real": comparison.reference.n, "populations": len(names)}
    return _estimate(comparison, (real, made), pearson, 176, sizes)


@dataclass(frozen=True)
class Windows:
    """Windows along the genome, in the order of the variants.

    Attributes:
        contig: (w,) str. start, stop: (w,) first variant and one past the last. low, high: (w,) base pairs, 0 unknown.
    """

    contig: npt.NDArray[np.str_]
    start: npt.NDArray[np.int64]
    stop: npt.NDArray[np.int64]
    low: npt.NDArray[np.int64]
    high: npt.NDArray[np.int64]

    def slices(self) -> list[slice]:
        """The variants of each window."""
        return [slice(int(a), int(b)) for a, b in zip(self.start, self.stop, strict=True)]

    def sums(self, values: npt.ArrayLike) -> Floats:
        """(w,) sums over each window of (m,) values; NaN counts nothing."""
        total = np.concatenate([[0.0], np.cumsum(np.nan_to_num(values))])
        return np.asarray(total[self.stop] - total[self.start])


@once
def windows_of(cohort: Cohort) -> Windows:
    """Windows of the cohort's variants: about m / WINDOWS variants each, at least LEAST, none across contigs."""
    contig, position = cohort.genotypes.variant_contig, cohort.genotypes.variant_position
    changes = np.flatnonzero(contig[1:] != contig[:-1]) + 1
    edges: list[tuple[int, int]] = []
    for first, last in zip([0, *changes.tolist()], [*changes.tolist(), cohort.m], strict=True):
        size = last - first
        if size >= _FEWEST:
            count = max(1, min(round(WINDOWS * size / cohort.m), size // LEAST))
            ends = np.linspace(first, last, count + 1).astype(int).tolist()
            edges += pairwise(ends)
    start, stop = np.array(edges, dtype=np.int64).reshape(-1, 2).T
    low = np.array([position[a:b].min() for a, b in edges], dtype=np.int64)
    high = np.array([position[a:b].max() for a, b in edges], dtype=np.int64)
    return Windows(contig[start], start, stop, low, high)


@once
def along(cohort: Cohort, reference: Cohort, count: int) -> dict[str, Floats]:
    """Statistics of `count` individuals in each window: "pi", "theta", "tajima_d", "haplotype_diversity", "h12", (w,).

    The length of blocks is that which suits the reference.
    """
    from allel import mean_pairwise_difference, tajima_d

    windows, calls = windows_of(reference), cohort.near(count)
    alleles = allele_counts(genotype_counts(calls, cohort.ploidy))
    harmonic = float((1 / np.arange(1, len(calls) * cohort.ploidy)).sum())
    size = (windows.stop - windows.start).astype(np.float64)
    d = [float(tajima_d(alleles[window])) for window in windows.slices()]
    haplotypes = [multilocus(calls[:, window], block_of(reference, count)) for window in windows.slices()]
    return {
        "pi": windows.sums(mean_pairwise_difference(alleles, fill=0)) / size,
        "theta": windows.sums((alleles > 0).all(axis=1).astype(np.float64)) / harmonic / size,
        "tajima_d": np.array(d),
        "haplotype_diversity": np.array([diversity for diversity, _ in haplotypes]),
        "h12": np.array([h12 for _, h12 in haplotypes]),
    }


def multilocus(calls: Calls, block: int) -> tuple[float, float]:
    """(diversity, H12) of the multilocus genotypes of (n, w) calls, means over blocks of `block` variants.

    With frequencies f₁ ≥ f₂ ≥ …: diversity n/(n−1) (1 − Σ f²) and H12 = (f₁ + f₂)² + Σ_{i>2} f_i² (Garud et al. 2015).
    """
    n, width = calls.shape
    starts = np.arange(max(1, width // block)) * block
    values = np.empty((0, 2))
    for start in starts[spread_out(len(starts), _SAMPLED)]:
        part = calls[:, start : start + block].astype(np.int64)
        code = part @ 3 ** np.arange(part.shape[1], dtype=np.int64)
        f = np.sort(np.unique(code, return_counts=True)[1] / n)[::-1]
        values = np.vstack([values, [(1 - (f**2).sum()) * n / (n - 1), f[:2].sum() ** 2 + (f[2:] ** 2).sum()]])
    diversity, h12 = values.mean(axis=0)
    return float(diversity), float(h12)


@once
def block_of(reference: Cohort, count: int) -> int:
    """The longest of BLOCKS at which the median diversity of the reference's windows is at most _ALIKE."""
    calls, windows = reference.near(count), windows_of(reference).slices()
    some = [windows[i] for i in spread_out(len(windows), 40)]
    for block in BLOCKS:
        if np.median([multilocus(calls[:, window], block)[0] for window in some]) <= _ALIKE:
            return block
    return BLOCKS[-1]


def populations(comparison: Comparison) -> tuple[str, ...]:
    """The largest populations that both cohorts have enough of. Unmeasurable with fewer than two."""
    real, made = population_counts(comparison.reference), population_counts(comparison.candidate)
    if not real:
        raise Unmeasurable("The real individuals carry no population labels.")
    least = comparison.config.population_minimum
    shared = [name for name in real if name in made and min(real[name].size, made[name].size) >= least]
    if len(shared) < 2:
        raise Unmeasurable(f"Fewer than two populations have {least} real and as many synthetic individuals.")
    return tuple(sorted(shared, key=lambda name: (-real[name].size, name))[:POPULATIONS])


@once
def fst_between(cohort: Cohort, names: tuple[str, ...]) -> Floats:
    """(w,) Hudson's F_ST in each window, a ratio of sums over its variants and all pairs of the populations `names`."""
    members, windows = population_counts(cohort), windows_of(cohort)
    alleles = [members[name].alleles for name in names]
    total = np.zeros((2, len(windows.start)))
    for a, b in combinations(alleles, 2):
        total += [windows.sums(part) for part in hudson(a, b)]
    return total[0] / np.where(total[1] > 0, total[1], np.nan)


def arrays(panel: Panel) -> dict[str, dict[str, npt.NDArray[Any]]]:
    """`diversity`: contig, low, high, variants of the windows (w,); STATISTIC_COHORT (w,) float32; joint_sfs.

    Cohorts are real, synthetic, null; statistics those of `along`, and "fst" where populations are known.
    joint_sfs: (COPIES + 1, COPIES + 1) float32, shares of variants by real (row) and synthetic frequency, in steps.
    """
    comparison = panel.value
    if min(comparison.reference.n, comparison.candidate.n) < 2:
        return {}
    windows, count = windows_of(comparison.reference), _count(comparison)
    stored: dict[str, npt.NDArray[Any]] = {"contig": windows.contig, "low": windows.low, "high": windows.high}
    stored["variants"] = windows.stop - windows.start
    for name, cohort in panel.cohorts.items():
        if name != "ceiling" and len(windows.start):
            statistics = along(cohort, comparison.reference, count)
            stored |= {f"{key}_{name}": values.astype(np.float32) for key, values in statistics.items()}
    try:
        names = populations(comparison)
        sides = {"real": comparison.reference, "synthetic": comparison.candidate, "null": panel.null.candidate}
        stored |= {f"fst_{name}": fst_between(cohort, names).astype(np.float32) for name, cohort in sides.items()}
        stored["populations"] = np.array(names)
    except Unmeasurable:
        pass
    return {"diversity": stored | {"joint_sfs": joint_spectrum(comparison).astype(np.float32)}}


def joint_spectrum(comparison: Comparison) -> Floats:
    """(COPIES + 1, COPIES + 1) shares of variants by rounded alternate-allele frequency, real by synthetic."""
    from allel import joint_sfs

    real, made = comparison.reference.allele_frequency, comparison.candidate.allele_frequency
    called = np.isfinite(real) & np.isfinite(made)
    if not called.any():
        return np.zeros((COPIES + 1, COPIES + 1))
    counts = (np.rint(side[called] * COPIES).astype(np.int64) for side in (real, made))
    spectrum = np.asarray(joint_sfs(*counts, COPIES, COPIES), dtype=np.float64)
    return spectrum / max(1, int(called.sum()))


def _over_windows(comparison: Comparison, key: str, statistic: Callable[[Floats], Floats], stream: int) -> Estimate:
    if min(comparison.reference.n, comparison.candidate.n) < 2:
        raise Unmeasurable("Needs at least 2 individuals in each cohort.")
    if not len(windows_of(comparison.reference).start):
        raise Unmeasurable(f"No contig has {_FEWEST} variants.")
    reference, count = comparison.reference, _count(comparison)
    real, made = (along(cohort, reference, count)[key] for cohort in (reference, comparison.candidate))
    stated: dict[str, Any] = {"n": count}
    if key in ("haplotype_diversity", "h12"):
        of = "multilocus genotypes" if reference.ploidy == 2 else "haplotypes"
        stated |= {"of": of, "block_variants": block_of(reference, count)}
    return _estimate(comparison, (real, made), statistic, stream, stated | comparison.filling)


def _estimate(
    comparison: Comparison,
    sides: tuple[Floats, Floats],
    statistic: Callable[[Floats], Floats],
    stream: int,
    stated: dict[str, Any],
) -> Estimate:
    """A statistic of the window values of both sides, with replicates of whole windows."""
    real, made = sides
    windows = windows_of(comparison.reference)
    used = int((np.isfinite(real) & np.isfinite(made)).sum())
    if used < _FEWEST:
        raise Unmeasurable(f"Needs {_FEWEST} windows of {LEAST} variants with a value on both sides; {used} have one.")
    size = len(real)
    sums = moments(real, made, np.arange(size), size)
    weights = block_weights(size, size, comparison.draws, comparison.generator(stream))
    stated |= {"windows": used, "variants_per_window": int(np.median(windows.stop - windows.start))}
    return Estimate(float(statistic(sums.sum(axis=0))), statistic(weights @ sums), stated)


def _relative_error(sums: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return rmse(sums) * sums[..., 0] / sums[..., 1]


def _count(comparison: Comparison) -> int:
    """Individuals of both cohorts: the same number, which haplotype statistics and θ depend on."""
    return min(comparison.reference.n, comparison.candidate.n, comparison.config.display_individuals)

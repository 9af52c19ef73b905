"""Genome-wide association in closed form: one linear regression a variant, and p-values that never underflow."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Calls
from core.evaluation.context import Cohort, row_blocks
from core.evaluation.registry import Unmeasurable
from core.evaluation.structure import fitted_basis, projected

Floats = npt.NDArray[np.float64]

CLASSES = 50  # a label column with more values names families or individuals, and would use up the degrees of freedom
CLUMP_R2 = 0.1  # squared correlation above which a hit belongs to a stronger one nearby
CLUMPED = 2000  # strongest variants that are gathered into loci, and individuals that their correlation is taken from
FITTED = 2000  # individuals of a side that its components are fitted on
_MEDIAN_CHI2 = 0.454936423119573  # of χ² with one degree of freedom: what λ_GC divides by (Devlin & Roeder 1999)
_UNDERFLOW = 1e-280
_CELLS = 1 << 22  # calls that are float64 at once: 32 MiB


@dataclass(frozen=True)
class Scan:
    """The regression of one phenotype on each variant by itself, covariates taken out of both.

    Attributes:
        effect: (m,) float64, correlation of the two residuals: the effect in standard deviations; NaN where the
            variant does not vary.
        beta: (m,) float64, effect of one alternate allele in the phenotype's own unit.
        strength: (m,) float64, −log10 of the two-sided p-value.
        n: individuals with a value. degrees: of freedom, n − covariates − 1.
    """

    effect: Floats
    beta: Floats
    strength: Floats
    n: int
    degrees: int

    @property
    def inflation(self) -> float:
        """λ_GC: the χ² of the median p-value over its expectation; NaN where no variant varies."""
        known = self.strength[np.isfinite(self.strength)]
        return float(inflation(np.median(known))) if len(known) else float("nan")


def inflation(strength: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """λ_GC from the median of −log10 p."""
    from scipy import special

    return np.asarray(special.chdtri(1, np.power(10.0, -np.asarray(strength, dtype=np.float64))) / _MEDIAN_CHI2)


def threshold(m: int, level: float = 0.05) -> float:
    """−log10 of the Bonferroni threshold for m variants."""
    return float(np.log10(max(m, 1) / level))


def covariates(cohort: Cohort, columns: Sequence[str], components: int) -> Floats:
    """(n, c) float64: a one, an indicator for each further value of the label columns, and leading components.

    The components are the cohort's own, at most one for 20 individuals; a label that is not known is a value.
    """
    parts = [np.ones((cohort.n, 1))]
    for column in columns:
        values, code = np.unique(cohort.genotypes.labels[column], return_inverse=True)
        if len(values) <= CLASSES:
            parts.append(np.eye(len(values))[code][:, 1:])
    count = min(components, cohort.n // 20)
    if count:
        with contextlib.suppress(Unmeasurable):  # nobody differs from anybody: nothing to take out
            parts.append(projected(cohort.complete, fitted_basis(_some(cohort)), count).astype(np.float64))
    return np.concatenate(parts, axis=1)


def _some(cohort: Cohort) -> Cohort:
    """At most FITTED of the individuals, which give the leading components as well as all."""
    if cohort.n <= FITTED:
        return cohort
    return replace(cohort, genotypes=cohort.genotypes.individuals(cohort.near_index(FITTED)))


def regress(
    calls: Calls, mean: Floats, phenotypes: Mapping[str, Floats], covariate: Floats, cells: int = _CELLS
) -> dict[str, Scan]:
    """y = Xγ + g_j β_j + ε for every phenotype y and variant j, all by one product with the matrix of calls.

    With ỹ and g̃ the residuals of y and g_j on the covariates X (Frisch–Waugh–Lovell), β = g̃ᵀỹ / g̃ᵀg̃,
    r = g̃ᵀỹ / √(g̃ᵀg̃ ỹᵀỹ) and t = r √(ν / (1 − r²)), ν = n − rank X − 1. With Q an orthonormal basis of X,
    g̃ᵀỹ = gᵀỹ and g̃ᵀg̃ = gᵀg − ‖Qᵀg‖².

    Args:
        calls: (n, m) int8; a missing call counts as the variant's `mean` (m,).
        phenotypes: name → (n,) float64, NaN unknown: each is regressed among the individuals that have it.
        covariate: (n, c) with a column of ones.
        cells: calls that are held as float64 at once.
    """
    n, m = calls.shape
    right: list[Floats] = []
    known = np.stack([np.isfinite(values) for values in phenotypes.values()], axis=1)
    for k, values in enumerate(phenotypes.values()):
        here = known[:, k]
        basis = np.zeros((n, 0)) if not here.any() else _orthonormal(covariate[here])
        spread = np.zeros((n, basis.shape[1] + 1))
        y = values[here]
        spread[here, 0] = y - basis @ (basis.T @ y)
        spread[here, 1:] = basis
        right.append(spread)
    stacked, counted = np.concatenate(right, axis=1), known.astype(np.float64)
    products, squares = np.zeros((m, stacked.shape[1])), np.zeros((m, len(right)))
    centre = np.nan_to_num(mean)
    for rows in row_blocks(n, m, cells):
        block = np.where(calls[rows] < 0, 0.0, calls[rows] - centre)
        products += block.T @ stacked[rows]
        squares += np.square(block, out=block).T @ counted[rows]
    scans, start = {}, 0
    for k, name in enumerate(phenotypes):
        width = right[k].shape[1]
        own = products[:, start : start + width]
        start += width
        degrees = int(known[:, k].sum()) - width
        scans[name] = _scan(own, squares[:, k], float(right[k][:, 0] @ right[k][:, 0]), int(known[:, k].sum()), degrees)
    return scans


def _scan(products: Floats, squares: Floats, total: float, n: int, degrees: int) -> Scan:
    """From gᵀỹ and gᵀQ (m, 1 + c), gᵀg (m,) and ỹᵀỹ."""
    left = squares - np.square(products[:, 1:]).sum(axis=1)
    # What the covariates explain to the last digit is not varying any more.
    left = np.where(left > 1e-9 * np.maximum(squares, 1e-12), left, np.nan)
    if degrees < 1 or total <= 0:
        nothing = np.full(len(left), np.nan)
        return Scan(nothing, nothing, nothing, n, degrees)
    r = np.clip(products[:, 0] / np.sqrt(left * total), -1.0, 1.0)
    t = r * np.sqrt(degrees / np.maximum(1 - r * r, np.finfo(np.float64).eps))
    return Scan(r, products[:, 0] / left, minus_log10_p(t, degrees), n, degrees)


def minus_log10_p(t: npt.ArrayLike, degrees: float) -> Floats:
    """(m,) −log10 of the two-sided p-value of Student's t; finite wherever t is.

    p = I_x(ν/2, ½) with x = ν / (ν + t²) (Abramowitz & Stegun 26.7.1). Where that is too small for a float,
    log p = ν/2 · log x + ½ · log(1 − x) − log(ν/2 · B(ν/2, ½)) + log F, F the continued fraction of 26.5.8.
    """
    from scipy import special

    square = np.square(np.asarray(t, dtype=np.float64))
    a, x = degrees / 2, degrees / (degrees + square)
    p = special.betainc(a, 0.5, x)
    with np.errstate(divide="ignore"):
        strength = -np.log10(p)
    far = p < _UNDERFLOW
    if far.any():
        ratio = square[far] / degrees
        front = -a * np.log1p(ratio) + 0.5 * (np.log(ratio) - np.log1p(ratio)) - np.log(a) - special.betaln(a, 0.5)
        strength[far] = -(front + np.log(_continued_fraction(a, x[far]))) / np.log(10)
    return np.asarray(np.maximum(strength, 0.0))


def _continued_fraction(a: float, x: Floats) -> Floats:
    """F in I_x(a, ½) = x^a (1 − x)^½ F / (a B(a, ½)), by Lentz's method (Press et al. 2007, 6.4)."""
    c, d = np.ones_like(x), 1 / (1 - (a + 0.5) * x / (a + 1))
    value = d
    for k in range(1, 10_000):
        even = k * (0.5 - k) * x / ((a + 2 * k - 1) * (a + 2 * k))
        odd = -(a + k) * (a + 0.5 + k) * x / ((a + 2 * k) * (a + 2 * k + 1))
        d, c = 1 / (1 + even * d), 1 + even / c
        value = value * d * c
        d, c = 1 / (1 + odd * d), 1 + odd / c
        step = d * c
        value = value * step
        if np.abs(step - 1).max() < 1e-13:
            break
    return value


def _orthonormal(x: Floats) -> Floats:
    """(n, rank) orthonormal basis of the columns of x; columns that others explain add nothing."""
    scale = np.linalg.norm(x, axis=0)
    left, singular, _ = np.linalg.svd(x / np.where(scale > 0, scale, 1.0), full_matrices=False)
    return np.asarray(left[:, singular > 1e-8 * max(singular.max(), 1e-300)])


@dataclass(frozen=True)
class Loci:
    """Variants gathered around the strongest of their neighbours.

    Attributes:
        leads: (l,) variants, the strongest first.
        variants: (h,) every variant that was gathered. locus: (h,) the place in `leads` of the one it belongs to.
    """

    leads: npt.NDArray[np.int64]
    variants: npt.NDArray[np.int64]
    locus: npt.NDArray[np.int64]


def loci(strength: Floats, judge: Cohort, least: float, most: int = CLUMPED) -> Loci:
    """Variants of at least `least` strength, each with the strongest one on its contig with r² > CLUMP_R2.

    Linkage is that of `judge`. At most the `most` strongest variants are gathered.
    """
    order = np.argsort(-np.nan_to_num(strength, nan=-1.0), kind="stable")[:most]
    chosen = order[np.nan_to_num(strength[order], nan=-1.0) >= least]
    squared = linkage(judge, chosen, chosen)
    leads: list[int] = []
    locus = np.full(len(chosen), -1, dtype=np.int64)
    for place in range(len(chosen)):
        if locus[place] < 0:
            near = (squared[place] > CLUMP_R2) & (locus < 0)
            near[place] = True
            locus[near] = len(leads)
            leads.append(int(chosen[place]))
    return Loci(np.array(leads, dtype=np.int64), chosen, locus)


def linkage(judge: Cohort, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """(r, c) float32 r² between two lists of variants; 0 between contigs, and where one does not vary."""
    calls = judge.near(CLUMPED)

    def standard(index: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        x = calls[:, index].astype(np.float32)
        x -= x.mean(axis=0)
        norm = np.sqrt(np.square(x).sum(axis=0))
        return np.asarray(x / np.where(norm > 1e-6, norm, np.inf))

    contig = judge.genotypes.variant_contig
    return np.square(standard(rows).T @ standard(columns)) * (contig[rows][:, None] == contig[columns])

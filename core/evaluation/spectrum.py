"""The site-frequency spectrum: how many variants carry their allele in 0, 1, 2, … of a fixed number of copies."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluation.bootstrap import block_weights, contiguous_blocks
from core.evaluation.context import Cohort, Comparison, Panel
from core.evaluation.moments import BLOCKS
from core.evaluation.registry import Estimate, Unmeasurable, metric

Floats = npt.NDArray[np.float64]

# Allele copies that spectra are projected to, so that cohorts of any size and missingness share their classes.
COPIES = 60
COHORTS = ("real", "synthetic", "null", "ceiling")


@metric(
    label="Site-frequency spectrum distance",
    family="Frequencies",
    direction="lower",
    bounds=(0.0, 1.0),
    help="Total variation distance between the folded site-frequency spectra, the class of absent alleles included: "
    "the share of variants that stand in the wrong class of minor-allele counts.",
    source="Gutenkunst et al. 2009 (projection); total variation",
)
def site_frequency_spectrum_distance(comparison: Comparison) -> Estimate:
    """½ Σ |share real − share synthetic| over the classes of the folded, projected spectrum."""
    copies = _copies(comparison)
    real, made = (spectra(c, copies) for c in (comparison.reference, comparison.candidate))
    m = comparison.reference.m
    # One sum a block of variants and class; a replicate weighs the blocks.
    size, code = min(BLOCKS, m), contiguous_blocks(m, BLOCKS)
    starts = np.searchsorted(code, np.arange(size))
    blocks = np.stack([np.add.reduceat(fold(s), starts, axis=0) for s in (real, made)])

    def distance(sums: Floats) -> Floats:
        share = sums / sums.sum(axis=-1, keepdims=True)
        return np.abs(share[0] - share[1]).sum(axis=-1) / 2

    draws = distance(block_weights(m, BLOCKS, comparison.draws, comparison.generator(203)) @ blocks)
    stated = {"copies": copies, "variants": m, "n": comparison.candidate.n, "n_real": comparison.reference.n}
    return Estimate(float(distance(blocks.sum(axis=1))), draws, stated)


def spectra(cohort: Cohort, copies: int) -> Floats:
    """(m, copies + 1) float64: for each variant, the chance of 0..copies alternate alleles among `copies` drawn ones.

    Drawing without replacement from the called alleles (hypergeometric projection); rows of variants with fewer
    called alleles are zero.
    """
    return cohort.shared(("spectra", copies), lambda: project(cohort.allele_counts, copies))


def project(alleles: npt.NDArray[np.int64], copies: int) -> Floats:
    """(m, copies + 1) float64 hypergeometric projection of (m, 2) reference and alternate alleles to `copies`."""
    from scipy.special import gammaln

    def log_choose(n: npt.NDArray[np.int64], k: npt.NDArray[np.int64] | int) -> Floats:
        return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)  # −∞ where k > n

    # Many variants share their counts.
    counts, variant = np.unique(alleles, axis=0, return_inverse=True)
    total, alternate, drawn = counts.sum(axis=1, keepdims=True), counts[:, 1:], np.arange(copies + 1)
    with np.errstate(invalid="ignore", over="ignore"):
        log_p = log_choose(alternate, drawn) + log_choose(total - alternate, copies - drawn) - log_choose(total, copies)
        return np.where(total >= copies, np.exp(log_p), 0.0)[variant.ravel()]


def fold(spectrum: Floats) -> Floats:
    """(…, copies // 2 + 1) from (…, copies + 1): classes of the minor allele."""
    copies = spectrum.shape[-1] - 1
    half = copies // 2 + 1
    folded = spectrum[..., :half].copy()
    folded[..., : (copies + 1) // 2] += spectrum[..., ::-1][..., : (copies + 1) // 2]
    return folded


def curves(panel: Panel) -> dict[str, list[dict[str, Any]]]:
    """`site_frequency_spectrum` (minor allele) and `site_frequency_spectrum_unfolded` (alternate allele).

    Rows: {"count", "frequency", "real", "synthetic", "null", "ceiling"}, the share of variants in each class.
    """
    comparison = panel.value
    try:
        copies = _copies(comparison)
    except Unmeasurable:
        return {}
    # Half-size ceilings have as many classes as they can fill; they are drawn only where they fill all.
    shares = {
        name: _share(spectra(cohort, copies))
        for name, cohort in panel.cohorts.items()
        if name != "ceiling" or min(cohort.called) * cohort.ploidy >= copies
    }

    def rows(values: dict[str, Floats]) -> list[dict[str, Any]]:
        return [
            {"count": j, "frequency": j / copies}
            | {name: float(values[name][j]) if name in values else None for name in COHORTS}
            for j in range(len(values["real"]))
        ]

    return {
        "site_frequency_spectrum": rows({name: fold(share) for name, share in shares.items()}),
        "site_frequency_spectrum_unfolded": rows(shares),
    }


def _share(spectrum: Floats) -> Floats:
    total = spectrum.sum(axis=0)
    return total / max(total.sum(), 1e-300)


def _copies(comparison: Comparison) -> int:
    """The even number of copies that both cohorts can fill at nine variants in ten, at most COPIES."""
    least = min(
        float(np.quantile(cohort.called * cohort.ploidy, 0.1))
        for cohort in (comparison.reference, comparison.candidate)
    )
    copies = min(COPIES, int(least) // 2 * 2)
    if copies < 2:
        raise Unmeasurable("Fewer than two alleles are called at most variants.")
    return copies

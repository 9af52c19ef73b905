"""The site-frequency spectrum: how many variants carry their allele in 0, 1, 2, … of a fixed number of copies."""

from __future__ import annotations

from functools import lru_cache
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
_BLOCK = 4096


@metric(
    "site_frequency_spectrum_distance",
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

    draws = None
    if comparison.draws and m > 1:
        weights = block_weights(m, BLOCKS, comparison.draws, comparison.generator(203)).astype(np.float64)
        draws = distance(weights @ blocks)
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
    alternate, total = alleles[:, 1], alleles.sum(axis=1)
    log_factorial = _log_factorial(int(total.max(initial=0)) + copies + 1)
    drawn = np.arange(copies + 1)
    found = np.zeros((len(total), copies + 1))
    for start in range(0, len(total), _BLOCK):
        rows = slice(start, start + _BLOCK)
        a, t = alternate[rows, None], total[rows, None]
        possible = (t >= copies) & (drawn <= a) & (copies - drawn <= t - a)
        with np.errstate(over="ignore"):
            log_p = (
                _log_choose(a, drawn, log_factorial)
                + _log_choose(t - a, copies - drawn, log_factorial)
                - _log_choose(t, np.full_like(drawn, copies), log_factorial)
            )
            found[rows] = np.where(possible, np.exp(np.where(possible, log_p, 0.0)), 0.0)
    return found


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
    cohorts = {"real": comparison.reference, "synthetic": comparison.candidate, "null": panel.null.candidate}
    shares = {name: _share(spectra(cohort, copies)) for name, cohort in cohorts.items()}
    # Half-size ceilings have as many classes as they can fill; they are drawn only where they fill all.
    if panel.ceiling is not None and min(panel.ceiling.candidate.called) * panel.ceiling.candidate.ploidy >= copies:
        shares["ceiling"] = _share(spectra(panel.ceiling.candidate, copies))

    def rows(values: dict[str, Floats]) -> list[dict[str, Any]]:
        return [
            {"count": j, "frequency": j / copies}
            | {name: float(values[name][j]) if name in values else None for name in (*cohorts, "ceiling")}
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


def _log_choose(n: npt.NDArray[np.int64], k: npt.NDArray[np.int64], log_factorial: Floats) -> Floats:
    inside = (k >= 0) & (k <= n)
    n, k = np.where(inside, n, 0), np.where(inside, k, 0)
    return log_factorial[n] - log_factorial[k] - log_factorial[n - k]


@lru_cache(maxsize=4)
def _log_factorial(size: int) -> Floats:
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, size + 1)))])

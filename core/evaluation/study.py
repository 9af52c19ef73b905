"""One phenotype studied in real and in synthetic individuals: both scans, the loci that are found, the control."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.evaluation.context import Cohort, Comparison, once
from core.evaluation.gwas import Loci, Scan, covariates, linkage, loci, regress, threshold
from core.evaluation.phenotypes import common_labels, permuted, usable, values_of
from core.evaluation.registry import Unmeasurable

STRONGEST = 10  # loci of each side that are compared by rank
SAME_R2 = 0.5  # squared correlation above which the leads of two loci are one signal


@dataclass(frozen=True)
class Study:
    """One phenotype studied on both sides.

    Attributes:
        real, made: the two scans. control: the candidate's with its phenotype permuted.
        threshold: −log10 p that a hit exceeds. hits: the real hits gathered into loci.
        recovered, agreeing: (l,) whether any variant of a locus is a hit of the candidate;
            whether the lead has its sign.
        ranked: (≤ STRONGEST,) whether each of the strongest real loci is among the candidate's as many strongest.
    """

    real: Scan
    made: Scan
    control: Scan
    threshold: float
    hits: Loci
    recovered: npt.NDArray[np.bool_]
    agreeing: npt.NDArray[np.bool_]
    ranked: npt.NDArray[np.bool_]


@once
def study(comparison: Comparison, name: str) -> Study:
    """The scans of one phenotype and what they have in common. Raises Unmeasurable where nothing varies."""
    names, columns = usable(comparison), common_labels(comparison)
    reference, candidate = comparison.reference, comparison.candidate
    real = _scans(reference, names, columns, control=False)[name]
    scans = _scans(candidate, names, columns, control=True)
    made, control = scans[name], scans[_control(name)]
    for scan, who in ((real, "real"), (made, "synthetic")):
        if not np.isfinite(scan.strength).any():
            raise Unmeasurable(f"Nothing is left of it, or of any variant, once populations are taken out ({who}).")
    least = threshold(int(np.isfinite(real.strength).sum()))
    hits = loci(real.strength, reference, least)
    significant = np.nan_to_num(made.strength) > least
    recovered = np.zeros(len(hits.leads), dtype=bool)
    np.logical_or.at(recovered, hits.locus, significant[hits.variants])
    agreeing = np.nan_to_num(made.effect[hits.leads]) * real.effect[hits.leads] > 0
    return Study(real, made, control, least, hits, recovered, agreeing, _ranked(reference, real, made))


@once
def _scans(cohort: Cohort, names: tuple[str, ...], columns: tuple[str, ...], *, control: bool) -> dict[str, Scan]:
    phenotypes = {name: values_of(cohort, name) for name in names}
    if control:
        phenotypes |= {_control(name): permuted(cohort, name) for name in names}
    covariate = covariates(cohort, columns, cohort.config.association_components)
    frequency = cohort.ploidy * cohort.allele_frequency
    return regress(cohort.genotypes.calls, frequency, phenotypes, covariate)


def _control(name: str) -> str:
    return f"{name}\0permuted"  # no column of a table can be called so


def _ranked(reference: Cohort, real: Scan, made: Scan) -> npt.NDArray[np.bool_]:
    """Whether each of the strongest real leads has r² > SAME_R2 with one of the candidate's; loci by real linkage."""
    leads, others = (loci(s.strength, reference, 0.0).leads[:STRONGEST] for s in (real, made))
    return np.asarray((linkage(reference, leads, others) > SAME_R2).any(axis=1))

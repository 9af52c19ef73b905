"""The arrays of a report, read for drawing; nothing here is computed that the report could hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from core.reports.linkage_windows import Contig, contigs
from core.reports.report import Report


@dataclass(frozen=True)
class Frequencies:
    """Per-variant frequencies of one report.

    Attributes:
        real, synthetic: (m,) alternate-allele frequencies; NaN where nothing was called.
        null: (m,) of independent sites; None where it was not kept.
        genotypes_real, genotypes_synthetic: (c, m) genotype frequencies, c = ploidy + 1.
        n_real, n_synthetic: individuals behind them.
        identifier: (m,) variant ids.
    """

    real: npt.NDArray[np.float64]
    synthetic: npt.NDArray[np.float64]
    genotypes_real: npt.NDArray[np.float64]
    genotypes_synthetic: npt.NDArray[np.float64]
    n_real: int
    n_synthetic: int
    identifier: Sequence[str]
    null: npt.NDArray[np.float64] | None = None

    @property
    def chance(self) -> npt.NDArray[np.float64]:
        """(m,) twice the standard error of a difference of the frequencies of two samples of one population."""
        copies = len(self.genotypes_real) - 1
        variance = self.real * (1 - self.real) * (1 / (copies * self.n_real) + 1 / (copies * self.n_synthetic))
        return 2 * np.sqrt(variance)


@dataclass(frozen=True)
class Scores:
    """Coordinates of individuals on the principal components of the real ones, or on a UMAP of them.

    Attributes:
        real, synthetic: (n, c) float32 scores on the same c components.
        null: (n, c) the same of independent sites; None where it was not kept.
        explained: (c,) share of the real variance along each component; None on a UMAP.
        real_id, synthetic_id: (n,) names of the individuals; their row numbers where the report has none.
        real_labels, synthetic_labels: label column -> (n,) str, "" unknown; empty where there are none.
    """

    real: npt.NDArray[np.float32]
    synthetic: npt.NDArray[np.float32]
    explained: npt.NDArray[np.float64] | None
    real_id: npt.NDArray[Any]
    synthetic_id: npt.NDArray[Any]
    null: npt.NDArray[np.float32] | None = None
    real_labels: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    synthetic_labels: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)

    @property
    def components(self) -> int:
        """How many components there are."""
        return int(self.real.shape[1])

    def name(self, component: int) -> str:
        """What the component, counted from 1, is called."""
        return f"{'UMAP ' if self.explained is None else 'PC'}{component}"


@dataclass(frozen=True)
class Exposure:
    """The synthetic individuals of a report and their nearest training records, the most exposed first.

    Attributes:
        synthetic_id, record_id: (k,) names of the individuals and of their nearest records.
        distance: (k,) between the two. probability: (k,) that an individual never seen comes as near.
        holdout_distance, holdout_probability: (k,) the same to the nearest held-out individual; None without a holdout.
    """

    synthetic_id: npt.NDArray[Any]
    record_id: npt.NDArray[Any]
    distance: npt.NDArray[np.float32]
    probability: npt.NDArray[np.float32]
    holdout_distance: npt.NDArray[np.float32] | None = None
    holdout_probability: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Diversity:
    """Statistics in windows along the genome, and the joint site-frequency spectrum.

    Attributes:
        contig: (w,) names. low, high: (w,) base pairs of the first and the last variant; 0 where positions are unknown.
        variants: (w,) how many each window holds.
        statistics: statistic -> cohort ("real", "synthetic", "null") -> (w,) float32, NaN where it is undefined.
        joint: (k + 1, k + 1) shares of variants by frequency of the alternate allele, real (row) by synthetic.
        populations: names of those between which "fst" was measured.
    """

    contig: npt.NDArray[Any]
    low: npt.NDArray[np.int64]
    high: npt.NDArray[np.int64]
    variants: npt.NDArray[np.int64]
    statistics: Mapping[str, Mapping[str, npt.NDArray[np.float32]]]
    joint: npt.NDArray[np.float32]
    populations: Sequence[str] = ()

    @property
    def placed(self) -> bool:
        """Whether `low` and `high` are base pairs."""
        return bool((self.high > 0).any())


def frequencies(report: Report) -> Frequencies | None:
    """`frequencies.npz` of a report; None where it is not there."""
    stored = report.arrays("frequencies")
    if not stored:
        return None
    return Frequencies(
        real=stored["allele_real"],
        synthetic=stored["allele_synthetic"],
        null=stored.get("allele_null"),
        genotypes_real=stored["genotype_real"],
        genotypes_synthetic=stored["genotype_synthetic"],
        n_real=int(report.n["reference"]),
        n_synthetic=int(report.n["synthetic"]),
        identifier=[str(i) for i in stored["id"]],
    )


def inbreeding(report: Report) -> dict[str, npt.NDArray[np.float32]] | None:
    """F_IS of each variant by cohort ("real", "synthetic", "null", …), (m,) with NaN where it does not vary.

    None for haploids, and where the report has no frequencies.
    """
    stored = report.arrays("frequencies")
    cohorts = [name for name in ("real", "synthetic", "null") if f"f_is_{name}" in stored]
    return {name: stored[f"f_is_{name}"] for name in cohorts} or None


def structure(report: Report) -> Scores | None:
    """`structure.npz`: scores on the principal components of the real individuals; None where it is not there."""
    stored = report.arrays("structure")
    if not stored:
        return None

    def labels(cohort: str) -> dict[str, npt.NDArray[Any]]:
        prefix = f"{cohort}_label:"
        return {k.removeprefix(prefix): v for k, v in stored.items() if k.startswith(prefix)}

    return Scores(
        real=stored["real"],
        synthetic=stored["synthetic"],
        null=stored.get("null"),
        explained=stored["explained"],
        real_id=stored.get("real_id", np.arange(1, len(stored["real"]) + 1)),
        synthetic_id=stored.get("synthetic_id", np.arange(1, len(stored["synthetic"]) + 1)),
        real_labels=labels("real"),
        synthetic_labels=labels("synthetic"),
    )


def umap(report: Report, dimensions: int) -> Scores | None:
    """`umap.npz`: places of some of the individuals on a UMAP of the real ones; None where it is not there."""
    scores, stored = structure(report), report.arrays("umap")
    if scores is None or f"real_{dimensions}" not in stored:
        return None
    real, synthetic = stored["real_row"], stored["synthetic_row"]
    return Scores(
        real=stored[f"real_{dimensions}"],
        synthetic=stored[f"synthetic_{dimensions}"],
        explained=None,
        real_id=scores.real_id[real],
        synthetic_id=scores.synthetic_id[synthetic],
        real_labels={name: values[real] for name, values in scores.real_labels.items()},
        synthetic_labels={name: values[synthetic] for name, values in scores.synthetic_labels.items()},
    )


def exposure(report: Report) -> Exposure | None:
    """`exposure.npz`: nearest training records and how likely chance brings an individual as near; None without it."""
    stored = report.arrays("exposure")
    return Exposure(**stored) if stored else None


def diversity(report: Report) -> Diversity | None:
    """`diversity.npz`: windows along the genome and the joint spectrum; None where it is not there."""
    stored = report.arrays("diversity")
    if not stored:
        return None
    statistics: dict[str, dict[str, npt.NDArray[np.float32]]] = {}
    for key, values in stored.items():
        name, _, cohort = key.rpartition("_")
        if cohort in ("real", "synthetic", "null"):
            statistics.setdefault(name, {})[cohort] = values
    places = {key: stored[key] for key in ("contig", "low", "high", "variants")}
    populations = [str(name) for name in stored.get("populations", ())]
    return Diversity(**places, statistics=statistics, joint=stored["joint_sfs"], populations=populations)


def linkage(report: Report) -> dict[str, Contig]:
    """`linkage.npz`: the contigs with r² of neighbouring variants, by name; empty where it is not there."""
    stored = report.arrays("linkage")
    return contigs(stored) if stored else {}


@dataclass(frozen=True)
class Association:
    """The studies of one phenotype in real and in synthetic individuals, variant by variant.

    Attributes:
        real, synthetic: (m,) −log10 p; NaN where the variant does not vary.
        effect_real, effect_synthetic: (m,) effects in standard deviations.
        identifier, contig: (m,) str. position: (m,) base pairs, 0 unknown.
        causal: (c,) variants that act, where a simulator tells, else empty. causal_effect: (c,) their effects per
            allele.
        summary: the phenotype's row of the curve "association": threshold, n, n_real, hits, λ, scores.
    """

    phenotype: str
    real: npt.NDArray[np.float32]
    synthetic: npt.NDArray[np.float32]
    effect_real: npt.NDArray[np.float32]
    effect_synthetic: npt.NDArray[np.float32]
    identifier: npt.NDArray[np.str_]
    contig: npt.NDArray[np.str_]
    position: npt.NDArray[np.int64]
    causal: npt.NDArray[np.int64]
    causal_effect: npt.NDArray[np.float64]
    summary: Mapping[str, Any]


def associations(report: Report) -> dict[str, Association]:
    """Phenotype → its studies, of those that could be studied."""
    stored, variants = report.arrays("association"), report.arrays("frequencies")
    rows = {row["phenotype"]: row for row in report.curve("association")}
    found = {}
    for k, name in enumerate(map(str, stored.get("phenotype", []))):
        found[name] = Association(
            phenotype=name,
            real=stored[f"real_{k}"],
            synthetic=stored[f"synthetic_{k}"],
            effect_real=stored[f"effect_real_{k}"],
            effect_synthetic=stored[f"effect_synthetic_{k}"],
            identifier=variants["id"],
            contig=variants["contig"],
            position=variants["position"],
            causal=stored.get(f"causal_{k}", np.zeros(0, dtype=np.int64)),
            causal_effect=stored.get(f"causal_effect_{k}", np.zeros(0)),
            summary=rows[name],
        )
    return found


@dataclass(frozen=True)
class Prediction:
    """What was predicted of one phenotype, and what is true; NaN where it is not known.

    Attributes:
        actual: (t,) of real individuals to judge by. by_synthetic, by_real: (t,) predicted by what was trained on
            synthetic and on real individuals; None where nothing was trained on.
        requested, read: (c,) what synthetic individuals were asked for, and what is read in their calls.
        real_requested, real_read: the same of real individuals; None where there are none beside the judges.
    """

    phenotype: str
    actual: npt.NDArray[np.float32]
    by_synthetic: npt.NDArray[np.float32]
    by_real: npt.NDArray[np.float32] | None
    requested: npt.NDArray[np.float32]
    read: npt.NDArray[np.float32]
    real_requested: npt.NDArray[np.float32] | None
    real_read: npt.NDArray[np.float32] | None


def predictions(report: Report) -> dict[str, Prediction]:
    """Phenotype → its predictions, of those that could be studied."""
    stored = report.arrays("prediction")
    found = {}
    for k, name in enumerate(map(str, stored.get("phenotype", []))):
        found[name] = Prediction(
            phenotype=name,
            actual=stored[f"actual_{k}"],
            by_synthetic=stored[f"by_synthetic_{k}"],
            by_real=stored.get(f"by_real_{k}"),
            requested=stored[f"requested_{k}"],
            read=stored[f"read_{k}"],
            real_requested=stored.get(f"real_requested_{k}"),
            real_read=stored.get(f"real_read_{k}"),
        )
    return found

"""Association: does a genome-wide study of synthetic individuals find what a study of real ones finds?

The phenotypes of synthetic individuals are the conditions that they were made under. All real individuals are the
reference, the held-out ones among them, for a study lives on numbers; the ceiling is one random half of them judged by
the other half. The null keeps the phenotypes and labels of the synthetic individuals and draws every call from the
frequencies of the whole cohort: it is associated with nothing, not even through the population.
"""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Genotypes
from core.evaluation.bootstrap import block_weights, contiguous_blocks, resampled_means
from core.evaluation.context import Comparison, Panel
from core.evaluation.frequencies import over_variants
from core.evaluation.gwas import CLUMP_R2, inflation
from core.evaluation.moments import BLOCKS, pearson
from core.evaluation.phenotypes import common_labels, mean_over, studied, usable
from core.evaluation.registry import Estimate, Unmeasurable, metric
from core.evaluation.study import STRONGEST, Study, study

Floats = npt.NDArray[np.float64]

LISTED = 200  # hits of a phenotype that a report lists
QUANTILES = 80  # points of a QQ curve

_GWAS = "Price et al. 2006 (principal components as covariates); linear regression a variant"


@metric(
    label="Association effect r",
    family="Association",
    headline=True,
    direction="higher",
    bounds=(-1.0, 1.0),
    pooled=True,
    help="Pearson correlation over variants of their association with the phenotype in real and in synthetic "
    "individuals, in standard deviations, so that rare variants, whose effects per allele are mostly noise, do not "
    "lead. Real halves do not reach 1 either: read it with the ceiling.",
    source=_GWAS,
)
def gwas_effect_r(comparison: Comparison) -> Estimate:
    """Correlation of the two (m,) vectors of standardised effects, mean over phenotypes."""

    def one(name: str) -> Estimate:
        both = study(comparison, name)
        return over_variants(comparison, both.real.effect, both.made.effect, pearson)

    return mean_over(comparison, one, **_params(comparison))


@metric(
    label="Hits recovered",
    family="Association",
    direction="higher",
    bounds=(0.0, 1.0),
    pooled=True,
    help="Share of the loci found in real individuals (p below 0.05 / variants, gathered by linkage) in which a "
    "variant is below the same threshold in synthetic individuals. It grows with the number of individuals.",
    source="Purcell et al. 2007 (clumping)",
)
def gwas_hit_recovery(comparison: Comparison) -> Estimate:
    """Share over the real loci of all phenotypes."""
    return _over_loci(comparison, "recovered")


@metric(
    label="Hits with the same sign",
    family="Association",
    direction="higher",
    bounds=(0.0, 1.0),
    pooled=True,
    help="Share of the loci found in real individuals whose lead variant acts in the same direction in synthetic "
    "individuals, significant or not. Half of them do by chance.",
    source=_GWAS,
)
def gwas_sign_agreement(comparison: Comparison) -> Estimate:
    """Share over the real loci of all phenotypes."""
    return _over_loci(comparison, "agreeing")


@metric(
    label="Strongest loci recovered",
    family="Association",
    direction="higher",
    bounds=(0.0, 1.0),
    pooled=True,
    help=f"Share of the {STRONGEST} strongest loci of real individuals that are among the {STRONGEST} strongest of "
    "synthetic ones (r² of the leads above 0.5), whatever the p-values: hardly moved by the number of individuals.",
    source="Purcell et al. 2007 (clumping)",
)
def gwas_rank_recovery(comparison: Comparison) -> Estimate:
    """Share over the strongest real loci of all phenotypes."""
    return _over_loci(comparison, "ranked")


@metric(
    label="Inflation ratio",
    family="Association",
    target=1.0,
    bounds=(0.0, np.inf),
    pooled=True,
    help="Genomic inflation λ_GC of synthetic over that of real individuals, what exceeds 1 brought to the same number "
    "of individuals. Above 1: the whole genome is tied to the phenotype more than it should be, as by populations "
    "set too far apart; below 1: associations were lost.",
    source="Devlin & Roeder 1999 (genomic control)",
)
def gwas_inflation_ratio(comparison: Comparison) -> Estimate:
    """Mean ratio over phenotypes; blocks of variants are drawn again."""

    def one(name: str) -> Estimate:
        both = study(comparison, name)
        real, made = both.real.strength, both.made.strength
        known = np.flatnonzero(np.isfinite(real) & np.isfinite(made))
        if len(known) < 20:
            raise Unmeasurable(f"Needs 20 variants that vary on both sides; {len(known)} do.")
        ratio = _inflation_ratio(both, np.median(real[known]), np.median(made[known]))
        stated = {"real": both.real.inflation, "synthetic": both.made.inflation}
        return Estimate(float(ratio), _resampled(comparison, both, known) if comparison.draws else None, stated)

    return mean_over(comparison, one, **_params(comparison))


def curves(panel: Panel) -> dict[str, list[dict[str, Any]]]:
    """`association` (a row a phenotype, or its reason), `association_hits` (a row a real locus), `association_qq`."""
    sides = (panel.pooled or panel).comparisons
    rows: list[dict[str, Any]] = []
    hits: list[dict[str, Any]] = []
    quantiles: list[dict[str, Any]] = []
    for name, reason in studied(sides["value"]).items():
        try:
            if reason:
                raise Unmeasurable(reason)
            studies = {"value": study(sides["value"], name)}
        except Unmeasurable as obstacle:
            rows.append({"phenotype": name, "reason": str(obstacle)})
            continue
        for key in ("null", "ceiling"):
            with contextlib.suppress(Unmeasurable, KeyError):
                studies[key] = study(sides[key], name)
        rows.append(_summary(sides["value"], name, studies))
        hits += _hits(sides["value"].reference.genotypes, name, studies["value"])
        quantiles += _quantiles(name, studies)
    return {"association": rows, "association_hits": hits, "association_qq": quantiles}


def arrays(panel: Panel) -> dict[str, dict[str, npt.NDArray[Any]]]:
    """`association`: per phenotype k of `phenotype` (p,): −log10 p and standardised effects, (m,) float32.

    Names: real_k, synthetic_k, effect_real_k, effect_synthetic_k; where a simulator tells, causal_k (c,) the variants
    that act and causal_effect_k (c,) their effects per allele. Variants are those of `frequencies`.
    """
    comparison = (panel.pooled or panel).value
    names = [name for name, reason in studied(comparison).items() if not reason]
    stored: dict[str, npt.NDArray[Any]] = {}
    kept: list[str] = []
    for name in names:
        try:
            both = study(comparison, name)
        except Unmeasurable:
            continue
        k = len(kept)
        for side, scan in (("real", both.real), ("synthetic", both.made)):
            stored[f"{side}_{k}"] = scan.strength.astype(np.float32)
            stored[f"effect_{side}_{k}"] = scan.effect.astype(np.float32)
        truth = comparison.reference.genotypes.truth.get("phenotype", {})
        if truth.get("name") == name and "causal_index" in truth:
            stored[f"causal_{k}"], stored[f"causal_effect_{k}"] = truth["causal_index"], truth["effect"]
        kept.append(name)
    return {"association": stored | {"phenotype": np.array(kept, dtype=np.str_)}} if kept else {}


def _over_loci(comparison: Comparison, which: str) -> Estimate:
    names = usable(comparison)
    found, each = {}, []
    for name in names:
        try:
            marks = getattr(study(comparison, name), which)
        except Unmeasurable:
            continue
        if len(marks):
            found[name] = float(marks.mean())
            each.append(marks.astype(np.float64))
    if not each:
        raise Unmeasurable(
            "No variant of the real individuals passes 0.05 / variants: there is no hit to recover. More individuals "
            "would find some."
        )
    marks = np.concatenate(each)
    draws = resampled_means(marks, comparison.draws, comparison.generator(402)) if comparison.draws else None
    stated = {"loci": len(marks), "clump_r2": CLUMP_R2, "phenotypes": found}
    return Estimate(float(marks.mean()), draws, stated | _params(comparison))


def _params(comparison: Comparison) -> dict[str, Any]:
    labels = common_labels(comparison)
    return {
        "covariates": ", ".join([*labels, f"{comparison.config.association_components} components"]),
        "variants": comparison.reference.m,
        "n": comparison.candidate.n,
        "n_real": comparison.reference.n,
    }


def _inflation_ratio(both: Study, real: npt.ArrayLike, made: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """λ of the candidate, brought to the reference's number of individuals, over that of the reference."""
    excess = (inflation(made) - 1) * both.real.n / both.made.n
    return np.maximum(1 + excess, 0.0) / inflation(real)


def _resampled(comparison: Comparison, both: Study, known: npt.NDArray[np.int64]) -> Floats:
    """(draws,) inflation ratios of replicates that hold contiguous blocks of variants."""
    block = contiguous_blocks(len(known), BLOCKS)
    members = np.split(known, np.flatnonzero(np.diff(block)) + 1)
    ratios = []
    for weights in block_weights(len(known), BLOCKS, comparison.draws, comparison.generator(403)):
        drawn = np.concatenate([members[b] for b in np.repeat(np.arange(len(members)), weights.astype(int))])
        medians = (np.median(scan.strength[drawn]) for scan in (both.real, both.made))
        ratios.append(float(_inflation_ratio(both, *medians)))
    return np.array(ratios)


def _summary(comparison: Comparison, name: str, studies: dict[str, Study]) -> dict[str, Any]:
    both = studies["value"]
    row: dict[str, Any] = {"phenotype": name, "threshold": both.threshold, **_params(comparison)}
    row |= {"n": both.made.n, "n_real": both.real.n}
    row |= {"lambda_real": both.real.inflation, "lambda_synthetic": both.made.inflation}
    row |= {"hits": len(both.hits.leads), "hit_variants": len(both.hits.variants)}
    row |= {"control_lambda": both.control.inflation}
    row["control_hits"] = int((np.nan_to_num(both.control.strength) > both.threshold).sum())
    for key, prefix in (("value", ""), ("null", "null_"), ("ceiling", "ceiling_")):
        one = studies.get(key)
        row[f"{prefix}effect_r"] = None if one is None else _correlation(one.real.effect, one.made.effect)
        for which in ("recovered", "agreeing", "ranked"):
            marks = None if one is None else getattr(one, which)
            row[prefix + which] = None if marks is None or not len(marks) else float(marks.mean())
    return row


def _correlation(x: Floats, y: Floats) -> float | None:
    known = np.isfinite(x) & np.isfinite(y)
    if known.sum() < 3 or x[known].std() == 0 or y[known].std() == 0:
        return None
    return float(np.corrcoef(x[known], y[known])[0, 1])


def _hits(genotypes: Genotypes, name: str, both: Study) -> list[dict[str, Any]]:
    """The real loci, the strongest first; effects are those of the alternate allele."""
    size = np.bincount(both.hits.locus, minlength=len(both.hits.leads))
    return [
        {
            "phenotype": name,
            "id": str(genotypes.variant_id[j]),
            "contig": str(genotypes.variant_contig[j]),
            "position": int(genotypes.variant_position[j]),
            "allele": str(genotypes.variant_allele[j, 1]),
            "variants": int(size[k]),
            "real": float(both.real.strength[j]),
            "synthetic": float(both.made.strength[j]),
            "real_effect": float(both.real.beta[j]),
            "synthetic_effect": float(both.made.beta[j]),
            "same_sign": bool(both.agreeing[k]),
            "recovered": bool(both.recovered[k]),
        }
        for k, j in enumerate(both.hits.leads[:LISTED].tolist())
    ]


def _quantiles(name: str, studies: dict[str, Study]) -> list[dict[str, Any]]:
    """−log10 p of each cohort at the same quantiles, beside what chance expects there."""
    sides = {"real": studies["value"].real} | {
        "synthetic" if key == "value" else key: one.made for key, one in studies.items()
    }
    sides["control"] = studies["value"].control
    ordered = {key: np.sort(scan.strength[np.isfinite(scan.strength)])[::-1] for key, scan in sides.items()}
    m = len(ordered["real"])
    ranks = np.unique(np.geomspace(1, m, QUANTILES).round().astype(int))
    rows = []
    for rank in ranks.tolist():
        share = (rank - 0.5) / m
        row: dict[str, Any] = {"phenotype": name, "expected": round(float(-np.log10(share)), 4)}
        for key, values in ordered.items():
            row[key] = round(float(values[min(int(share * len(values)), len(values) - 1)]), 4) if len(values) else None
        rows.append(row)
    return rows

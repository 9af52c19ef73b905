"""What a trial of the benchmark of models is judged by: the metrics of a report, without its intervals and pictures."""

from __future__ import annotations

from functools import cache
from typing import Any

from core.bench.code import code_digest
from core.config.evaluation import EvaluationConfig
from core.data.genotypes import Genotypes
from core.evaluation import adversarial, linkage, panels
from core.evaluation.context import Comparison, Panel
from core.evaluation.manifold import indicators
from core.evaluation.neighbours import neighbours
from core.evaluation.registry import Unmeasurable, metrics
from core.reports.files import plain

KS = (3, 5, 10)
SCORES = (
    "precision", "recall", "aats", "aats_train", "ld_r", "allele_frequency_r", "fst", "membership_auc",
)  # fmt: skip
"""The eight by which models are ranked; precision and recall at k = 5."""

APART = {"aats": "aats_apart", "aats_train": "aats_train_apart"}
"""AATS → distance from 0.5 of the one of its two parts that is further off."""

# What else stands in the tables, or what the failure flags look at; one that is not registered is left out.
OTHERS = (
    "aa_truth", "aa_synthetic", "allele_frequency_rmse", "copies", "coverage", "duplicates", "gwas_effect_r",
    "gwas_hit_recovery", "heterozygosity_ratio", "ld_decay_rmse", "ld_long_range_error", "ld_r2_error",
    "matthew_slope", "membership_auc_calibrated", "privacy_loss", "rare_alleles_lost",
)  # fmt: skip
CONFIG = EvaluationConfig(bootstrap=0, neighbours=KS, distance_individuals=20_000)


def measure(train: Genotypes, synthetic: Genotypes, holdout: Genotypes, seed: int) -> dict[str, Any]:
    """Judge individuals that a model trained on `train` made against `holdout`.

    {"metrics": {name: {"value", "params", "reason"}}, "ld": [{"low", "high", "count", "real", "synthetic", "error"}]},
    base pairs and r²; precision and recall at every k stand among the metrics as "precision_3", ….
    """
    here = _setting(train, synthetic, holdout, seed)
    return _measured(panels.value(here), panels.value(panels.everyone(here)))


def frame(train: Genotypes, holdout: Genotypes, seed: int) -> dict[str, Any]:
    """{"null", "ceiling"}, each as `measure` gives it: independent sites, and the training half itself.

    Where a metric compares with the training individuals, the ceiling is one half of them against the other.
    """
    here = _setting(train, train.individuals(slice(0, holdout.n)), holdout, seed)
    ceiling, apart = panels.ceiling(here), panels.privacy_ceiling(here)
    assert ceiling is not None
    everyone = panels.everyone(here)
    best = _measured(ceiling, panels.ceiling(everyone))
    if apart is not None:
        best["metrics"] |= {k: one for k, one in _metrics(apart).items() if k in _needing_train()}
    nothing = panels.null(here)
    pooled = everyone.compare(everyone.reference, nothing.candidate)
    return {"null": _measured(nothing, pooled), "ceiling": best}


@cache
def digest() -> str:
    """Of the code that measures."""
    modules = {metrics[name].value.function.__module__ for name in _names()}
    return code_digest([__name__, *sorted(modules)], "core.evaluation")


def _names() -> list[str]:
    return [name for name in (*SCORES, *OTHERS) if name in metrics]


def _needing_train() -> set[str]:
    return {name for name in _names() if metrics[name].value.needs_train} | {APART["aats_train"]}


def _setting(train: Genotypes, synthetic: Genotypes, holdout: Genotypes, seed: int) -> panels.Setting:
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    return panels.setting(train, synthetic, holdout, seed=seed, config=CONFIG, device=device)


def _measured(comparison: Comparison, pooled: Comparison | None) -> dict[str, Any]:
    """`pooled` is for the metrics that take all real individuals for reference, where there are phenotypes."""
    found = _metrics(comparison)
    if pooled is not None and pooled.candidate.genotypes.phenotypes:
        found |= {name: _one(name, pooled) for name in _names() if metrics[name].value.pooled}
    return {"metrics": found, "ld": _by_distance(comparison)}


def _one(name: str, comparison: Comparison) -> dict[str, Any]:
    estimate = metrics[name].value(comparison)
    result: dict[str, Any] = plain({"value": estimate.value, "params": estimate.params, "reason": estimate.reason})
    return result


def _metrics(comparison: Comparison) -> dict[str, Any]:
    found: dict[str, Any] = {name: _one(name, comparison) for name in _names() if not metrics[name].value.pooled}
    for k in KS:
        for name in ("precision", "recall"):
            found[f"{name}_{k}"] = {"value": _at(comparison, name, k)}
    # Noise gives AA 0 and 1, which average to an AATS of 0.5: models are ranked by the part that is further off.
    for row in adversarial.curves(Panel(comparison, comparison, None))["adversarial_accuracy"]:
        name = APART["aats_train" if row["side"] == "train" else "aats"]
        found[name] = {"value": max(abs(row["aa_truth"] - 0.5), abs(row["aa_synthetic"] - 0.5))}
    result: dict[str, Any] = plain(found)
    return result


def _at(comparison: Comparison, name: str, k: int) -> float | None:
    try:
        return float(indicators(neighbours(comparison), name, k).mean())
    except Unmeasurable:
        return None


def _by_distance(comparison: Comparison) -> list[dict[str, Any]]:
    """Mean corrected r² and its root mean square error in each distance bin; empty without positions."""
    curves = linkage.curves(Panel(comparison, comparison, None))
    rows = zip(curves["ld_decay"], curves["ld_r2_error_by_distance"], strict=True)
    names = ("low", "high", "count", "real", "synthetic")
    return [{key: decay[key] for key in names} | {"error": error["synthetic"]} for decay, error in rows]

"""The part of a profile that is about individuals: heterozygosity, labels, populations, phenotypes, relatives."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotype_counts import GenotypeCounts, heterozygosity_expected
from core.data.genotypes import Genotypes, Strings
from core.data.relatives import Relatives
from core.data.split import Split

TESTED_POPULATION = 20  # individuals below which a population cannot show a departure

_LISTED = 50

Floats = npt.NDArray[np.float64]


def heterozygosity_summary(genotypes: Genotypes, arrays: dict[str, npt.NDArray[Any]]) -> dict[str, Any]:
    """Observed and expected heterozygosity, F = 1 - observed / expected, and individuals far from the others."""
    if genotypes.ploidy != 2:
        return {"observed": None, "expected": None, "f": None, "outliers": []}
    observed, individual = arrays["variant_heterozygosity"], arrays["individual_heterozygosity"]
    maf = np.nan_to_num(arrays["variant_maf"])
    expected = float(heterozygosity_expected(maf).mean())
    return {
        "observed": float(observed.mean()),
        "expected": expected,
        "f": 1 - float(observed.mean()) / expected if expected else None,
        "individual_histogram": histogram(individual, np.linspace(*_range(individual), 31)),
        "outliers": [str(name) for name in genotypes.sample_id[_outlying(individual, genotypes.population)]],
    }


def label_summary(column: str, values: Strings, split: Split) -> dict[str, Any]:
    """A label column: its values by size, at most 1,000, with their share of the holdout."""
    everyone = Counter(values.tolist())
    held = Counter(values[split.holdout].tolist())
    return {
        "column": column,
        "missing": everyone.get("", 0),
        "values": [
            {"value": value, "individuals": count, "holdout": held[value]}
            for value, count in sorted(everyone.items(), key=lambda item: (-item[1], item[0]))
            if value
        ][:1000],
    }


def population_summaries(
    counts: GenotypeCounts, arrays: dict[str, npt.NDArray[Any]], genotypes: Genotypes, split: Split
) -> list[dict[str, Any]]:
    """One row a population: its size, its holdout, heterozygosity and missingness, in the order of `counts`."""
    if counts.population == [""]:
        return []
    labels = genotypes.population
    assert labels is not None
    rows = []
    for name in counts.population:
        inside = labels == name
        heterozygosity = arrays["individual_heterozygosity"][inside]
        rows.append(
            {
                "population": name,
                "individuals": int(inside.sum()),
                "holdout": int(inside[split.holdout].sum()),
                "heterozygosity": None if np.isnan(heterozygosity).all() else float(heterozygosity.mean()),
                "missing": float(arrays["individual_missing"][inside].mean()),
            }
        )
    return rows


def phenotype_summary(name: str, values: Floats) -> dict[str, Any]:
    """A phenotype: how many know it, its moments, quartiles and histogram."""
    known = values[np.isfinite(values)]
    distinct = np.unique(known)
    summary: dict[str, Any] = {"name": name, "individuals": len(known), "distinct": len(distinct)}
    if len(known) == 0:
        return summary
    quartiles = np.percentile(known, [0, 25, 50, 75, 100])
    sd = float(known.std())
    edges = np.linspace(*_range(known), 31)
    if len(distinct) <= 10:  # a class code or a binary trait: one bar for each value
        middle = (distinct[1:] + distinct[:-1]) / 2
        edges = np.concatenate([[distinct[0] - 0.5], middle, [distinct[-1] + 0.5]])
    return summary | {
        "mean": float(known.mean()),
        "sd": sd,
        **dict(zip(("least", "quartile_1", "median", "quartile_3", "most"), map(float, quartiles), strict=True)),
        "outliers": int((np.abs(known - known.mean()) > 6 * sd).sum()) if sd else 0,
        "histogram": histogram(known, edges),
    }


def relatives_summary(genotypes: Genotypes, relatives: Relatives) -> dict[str, Any]:
    """How relatives were sought, how many pairs were found, and the closest of them."""
    order = np.argsort(-relatives.score, kind="stable")[:_LISTED]
    return {
        "method": relatives.method,
        "threshold": relatives.threshold,
        "variants": relatives.variants,
        "duplicates": int(relatives.duplicate.sum()),
        "relatives": int((~relatives.duplicate).sum()),
        "pairs": [
            {
                "first": str(genotypes.sample_id[i]),
                "second": str(genotypes.sample_id[j]),
                "score": round(float(relatives.score[k]), 4),
                "duplicate": bool(relatives.duplicate[k]),
            }
            for k, (i, j) in zip(order.tolist(), relatives.pairs[order].tolist(), strict=True)
        ],
        "notes": relatives.notes,
    }


def histogram(values: npt.ArrayLike, edges: npt.ArrayLike) -> dict[str, list[float]]:
    """Counts between edges, NaN left out, as JSON types."""
    finite = np.asarray(values, dtype=np.float64)
    counted, bounds = np.histogram(finite[np.isfinite(finite)], bins=np.asarray(edges))
    return {"edges": [float(edge) for edge in bounds], "counts": [int(count) for count in counted]}


def _outlying(values: Floats, population: Strings | None) -> npt.NDArray[np.bool_]:
    """Which values lie more than eight robust standard deviations from the median of their population."""
    outlying = np.zeros(len(values), dtype=bool)
    labels = np.zeros(len(values), dtype=np.int64) if population is None else population
    for label in np.unique(labels):
        inside = np.flatnonzero(labels == label)
        distance = np.abs(values[inside] - np.median(values[inside]))
        spread = 1.4826 * float(np.median(distance))
        if len(inside) >= TESTED_POPULATION and spread > 0:
            outlying[inside] = distance > 8 * spread
    return outlying


def _range(values: npt.NDArray[Any]) -> tuple[float, float]:
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    return (low, high) if high > low else (low - 0.5, high + 0.5)

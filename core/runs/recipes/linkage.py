"""Linkage check: how much of the linkage between neighbours each kind of model keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.config.experiments import load, names
from core.data.dataset import Dataset, DatasetMeta
from core.reports.finding import Finding
from core.reports.report import Report
from core.runs.recipes.base import Recipe, Step, recipes, step

YARDSTICKS = ("independent_sites", "gaussian_copula", "haplotype_mosaic")
MINUTES = 2.0  # for the published twin: its thousand epochs take longer than a reader waits
LONG = 200  # epochs from which a training is cut off
NEAR = 0.25  # share of the distance bins, the shortest, that count as near


@recipes.register(
    "linkage",
    title="Linkage check",
    help="How much of the linkage between neighbouring variants survives in a model, as published and mended?",
    source="Hill & Weir 1988 (decay of r²)",
)
class Linkage(Recipe):
    """A model, its published twin where it has one, and three yardsticks from no linkage to copied haplotypes."""

    about = "wgan_gp"

    def plan(self, meta: DatasetMeta, experiment: str) -> list[Step]:
        """The presets as they are, so that runs that are there already count."""
        twin = f"{experiment.removesuffix('_published')}_published"
        chosen = [*YARDSTICKS, experiment, *([twin] if twin in names("genotypes") else [])]
        return [_step(name) for name in dict.fromkeys(chosen)]

    def learned(self, reports: Mapping[str, Report], experiment: str, dataset: Dataset) -> Finding:
        """The share of the linkage at short distances that each keeps, or LD r where positions are unknown."""
        models = {load(name)["title"]: name for name in names("genotypes")}
        first = next(iter(reports.values()))
        if not first.curve("ld_decay"):
            return _without_positions(reports, models)
        points: list[dict[str, Any]] = [
            {"series": "Real", "x": row["distance"], "y": row["real"]} for row in first.curve("ld_decay")
        ]
        kept = {}
        for label, report in reports.items():
            rows = [row for row in report.curve("ld_decay") if row["synthetic"] is not None]
            points += [{"series": label, "x": row["distance"], "y": row["synthetic"]} for row in rows]
            near = rows[: max(1, round(NEAR * len(rows)))]
            kept[label] = sum(row["synthetic"] for row in near) / max(sum(row["real"] for row in near), 1e-9)
        distance = near[-1]["high"]
        best = max(kept, key=lambda label: -abs(1 - kept[label]))
        told = ", ".join(f"{label} {share:.0%}" for label, share in sorted(kept.items(), key=lambda one: -one[1]))
        sentence = (
            f"Of the mean r² between variants less than {distance:,.0f} base pairs apart, these keep: {told}; nearest "
            f"to the real linkage is {best}."
        )
        return Finding(sentence, "Distance (base pairs, log scale)", "Mean r²", points, models, logarithmic=True)


def _step(name: str) -> Step:
    experiment = load(name)
    long = experiment["training"].get("epochs", 0) > LONG
    return step(experiment["title"], name, **({"training": {"minutes": MINUTES}} if long else {}))


def _without_positions(reports: Mapping[str, Report], models: Mapping[str, str]) -> Finding:
    found = {label: report.metric("ld_r") for label, report in reports.items()}
    points: list[dict[str, Any]] = [
        {"series": label, "x": one.label, "y": one.value, "low": one.low, "high": one.high}
        for label, one in found.items()
        if one.value is not None
    ]
    best = max(points, key=lambda point: point["y"])
    told = ", ".join(f"{point['series']} {point['y']:.2f}" for point in points)
    sentence = f"LD r: {told}; the most of the linkage is kept by {best['series']}. Positions are unknown."
    return Finding(sentence, "", "LD r", points, models)

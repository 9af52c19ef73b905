"""Which k: how well precision and recall tell real individuals from independent sites, by k and cohort size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.data.dataset import Dataset, DatasetMeta
from core.reports.finding import Finding
from core.reports.report import Report
from core.runs.recipes.base import Recipe, Step, recipes, step
from core.words import number

SIZES = (250, 500, 1000, 2000, 4000)
KS = (3, 5, 10, 20, 50, 60, 100)


@recipes.register(
    "neighbours",
    title="Which k",
    help="At which k do precision and recall tell real individuals from individuals without linkage, at which size?",
    source="Kynkäänniemi et al. 2019; Naeem et al. 2020",
)
class Neighbours(Recipe):
    """Independent sites on cohorts of growing size: the reports hold the null and the ceiling at every k."""

    def plan(self, meta: DatasetMeta, experiment: str) -> list[Step]:
        """One closed-form fit a size."""
        sizes = [size for size in SIZES if size < meta.cohort.individuals]
        judged = {"neighbours": list(KS)}
        views = {f"{size:,} individuals": {"max_individuals": size} for size in sizes}
        views[f"{meta.cohort.individuals:,} individuals"] = {}
        return [step(label, "independent_sites", dataset=view, evaluation=judged) for label, view in views.items()]

    def learned(self, reports: Mapping[str, Report], experiment: str, dataset: Dataset) -> Finding:
        """The k at which ceiling and null are furthest apart at each size, and what the largest k leaves of it."""
        points: list[dict[str, Any]] = []
        widest: dict[str, dict[str, Any]] = {}
        last: dict[str, dict[str, Any]] = {}
        for label, report in reports.items():
            rows = [row for row in report.curve("precision_recall") if _gap(row) is not None]
            own = [{"series": label, "x": row["k"], "y": _gap(row)} for row in rows if row["k"] in KS]
            if own:
                points += own
                widest[label] = max(own, key=lambda point: point["y"])
                last[label] = own[-1]
        if not widest:
            return Finding("No size has enough individuals for any k.", "k", "gap", [], {})
        told = "; ".join(f"k = {one['x']} with {label} (gap {number(one['y'])})" for label, one in widest.items())
        label, end = list(last.items())[-1]
        sentence = (
            f"Real individuals and individuals without linkage are told apart best at {told}. At k = {end['x']} with "
            f"{label} {number(end['y'])} of the gap is left: small k judges, large k flatters."
        )
        return Finding(
            sentence,
            "Neighbours k (log scale)",
            "Ceiling minus null, the smaller of precision and recall",
            points,
            {},
            logarithmic=True,
        )


def _gap(row: Mapping[str, Any]) -> float | None:
    """By how much real individuals are ahead of independent sites in the metric in which they are less."""
    gaps = [
        row[f"ceiling_{name}"] - row[f"null_{name}"]
        for name in ("precision", "recall")
        if row.get(f"ceiling_{name}") is not None and row.get(f"null_{name}") is not None
    ]
    return min(gaps, default=None)

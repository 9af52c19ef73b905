"""Train on one population, test on another: what a model of one population is worth for the next."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

from core.config.experiments import load
from core.data.dataset import Dataset, DatasetMeta
from core.reports.finding import Finding
from core.reports.report import Report
from core.runs.recipes.base import Recipe, Step, recipes, step
from core.words import number

POPULATIONS = 3  # the most frequent of the first label
REPLACES = 0.9  # share of the recall at home from which one population stands for another
_BETWEEN = " → "


@recipes.register(
    "transfer",
    title="Train on one population, test on another",
    help="Do synthetic individuals of one population stand for another population?",
    source="Hudson et al. 1992 (F_ST); Kynkäänniemi et al. 2019 (recall)",
)
class Transfer(Recipe):
    """Every pair of the largest populations; on the diagonal, held-out members of the population itself."""

    about = "haplotype_mosaic"

    def misfit(self, meta: DatasetMeta) -> str:
        """It takes two populations."""
        few = meta.kind == "genotypes" and len(next(iter(meta.labels.values()), [])) < 2
        return super().misfit(meta) or ("it needs a label with two populations" if few else "")

    def plan(self, meta: DatasetMeta, experiment: str) -> list[Step]:
        """One run a pair, without conditions: a label is what is left out."""
        names = next(iter(meta.labels.values()))[:POPULATIONS]
        none = {"condition_on": ["none"]}
        return [
            step(f"{a}{_BETWEEN}{b}", experiment, training=none, dataset={"train_on": a, "test_on": b})
            for a, b in product(names, names)
        ]

    def learned(self, reports: Mapping[str, Report], experiment: str, dataset: Dataset) -> Finding:
        """Recall at home against recall abroad, and the pair that is hardest."""
        points: list[dict[str, Any]] = []
        apart: dict[str, float] = {}
        for label, report in reports.items():
            home, abroad = label.split(_BETWEEN)
            one = report.metric("recall")
            span = {"low": one.low, "high": one.high}
            points.append({"series": f"trained on {home}", "x": f"tested on {abroad}", "y": one.value, **span})
            if home != abroad:
                apart[label] = one.value or 0.0
        inside = [report.metric("recall").value or 0.0 for label, report in reports.items() if label not in apart]
        at_home, away = sum(inside) / len(inside), sum(apart.values()) / len(apart)
        worst = min(apart, key=lambda label: apart[label])
        home, abroad = worst.split(_BETWEEN)
        lost = away < REPLACES * at_home
        advice = "each population needs individuals of its own" if lost else "one may stand for another"
        sentence = (
            f"{load(experiment)['title']} reaches a recall of {number(at_home)} within its population and "
            f"{number(away)} in another; hardest is {abroad} for a model of {home} (recall {number(apart[worst])}, "
            f"F_ST {number(reports[worst].metric('fst').value)}): {advice}."
        )
        return Finding(sentence, "", "Recall at k = 5", points, {})

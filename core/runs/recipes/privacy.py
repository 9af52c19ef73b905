"""Overfit and privacy check: when a model begins to know its training individuals better than others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.config.experiments import load
from core.data.dataset import Dataset, DatasetMeta
from core.reports.finding import Finding
from core.reports.report import Report
from core.runs.recipes.base import QUICK_INDIVIDUALS, Recipe, Step, recipes, step
from core.words import number

LENGTHS = (0.25, 1.0, 3.0)
"""Epochs, as multiples of those of the preset."""

REMEMBERS = 0.05  # privacy loss beyond that of real individuals from which a model remembers
COPIES = "copies"
REAL = "real individuals"
METRICS = ("aats", "aats_train", "membership_auc")


@recipes.register(
    "privacy",
    title="Overfit and privacy check",
    help="After how many epochs does a model know its training individuals better than individuals it never saw?",
    source="Yale et al. 2020 (privacy loss); Chen et al. 2020 (membership inference)",
)
class Privacy(Recipe):
    """Few individuals, three lengths of training without picking a checkpoint, and a copier as the worst case."""

    about = "wgan_gp"

    def plan(self, meta: DatasetMeta, experiment: str) -> list[Step]:
        """A short, a usual and a long training, and resampled individuals."""
        some = {"max_individuals": QUICK_INDIVIDUALS}
        epochs = int(load(experiment)["training"]["epochs"])
        lengths = [max(1, round(share * epochs)) for share in LENGTHS] if epochs else []
        steps = [
            step(f"{n:,} epochs", experiment, training={"epochs": n, "score": "last"}, dataset=some) for n in lengths
        ]
        return [
            *(steps or [step("fitted", experiment, dataset=some)]),
            step(COPIES, "resample", dataset=some),
        ]

    def learned(self, reports: Mapping[str, Report], experiment: str, dataset: Dataset) -> Finding:
        """When privacy loss leaves that of real individuals, and how far it goes."""
        points: list[dict[str, Any]] = []
        for label, report in reports.items():
            for one in map(report.metric, METRICS):
                points.append({"series": one.label, "x": label, "y": one.value, "low": one.low, "high": one.high})
        first = next(iter(reports.values()))
        points += [{"series": one.label, "x": REAL, "y": one.ceiling} for one in map(first.metric, METRICS)]
        usual = first.metric("privacy_loss").ceiling or 0.0
        losses = {label: report.metric("privacy_loss").value or 0.0 for label, report in reports.items()}
        worst = losses.pop(COPIES)
        remembering = [label for label, loss in losses.items() if loss > max(usual, 0.0) + REMEMBERS]
        told = ", ".join(f"{number(loss)} ({label})" for label, loss in losses.items())
        if len(losses) == 1:
            verdict = "it remembers its training individuals" if remembering else "it does not remember individuals"
        else:
            verdict = f"it remembers from {remembering[0]} on" if remembering else "it does not remember within these"
        sentence = (
            f"{load(experiment)['title']}: {verdict}. AATS to the holdout exceeds AATS to the training individuals by "
            f"{told}; real individuals give {number(usual)}, copies {number(worst)}."
        )
        return Finding(sentence, "", "0.5 without memory", [p for p in points if p["y"] is not None], {})

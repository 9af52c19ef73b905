"""PCA variance: what the retained share of the variance costs in calls, and what it brings the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.config.experiments import load
from core.data.dataset import Dataset, DatasetMeta
from core.data.missing import filled
from core.data.selection import cohort_split
from core.errors import InputError
from core.reports.finding import Finding
from core.reports.report import Report
from core.runs.recipes.base import QUICK_INDIVIDUALS, Recipe, Step, recipes, step

VARIANCES = (0.8, 0.9, 0.95, 0.99)
MINUTES = 1.0
VIEW = {"max_individuals": QUICK_INDIVIDUALS}
METRICS = ("precision", "recall", "ld_r")
_ALL = 100_000  # components: as many as the variance asks for


@recipes.register(
    "variance",
    title="PCA variance",
    help="How much variance should the principal components of a diffusion hold, and what do they lose by themselves?",
    source="Xie et al. 2025 (per-chromosome PCA at 90 % of the variance)",
)
class Variance(Recipe):
    """One training a share, on a part of the individuals, each for at most a minute."""

    about = "pca_diffusion"
    heavy = True

    def plan(self, meta: DatasetMeta, experiment: str) -> list[Step]:
        """One run a share; no component is left out as noise, or the share would not be what is asked for."""
        if load(experiment)["model"]["name"] != self.about:
            raise InputError(f"This recipe is about PCA diffusion; {load(experiment)['title']} has no components.")
        return [
            step(
                _label(share),
                experiment,
                model={"variance": share, "components": _ALL, "signal": 0.0},
                training={"minutes": MINUTES},
                dataset=VIEW,
            )
            for share in VARIANCES
        ]

    def learned(self, reports: Mapping[str, Report], experiment: str, dataset: Dataset) -> Finding:
        """What projecting held-out individuals keeps of their calls, beside the quality of the models."""
        kept = _kept(dataset)
        points: list[dict[str, Any]] = [
            {"series": f"calls kept by {way}", "x": one.variance, "y": value}
            for way in ("rounding", "thresholds")
            for one in kept
            for value in [one.rounded if way == "rounding" else one.thresholds]
        ]
        quality = {}
        for share in VARIANCES:
            found = {name: reports[_label(share)].metric(name) for name in METRICS}
            values = [max(one.value or 0.0, 0.0) for one in found.values()]
            quality[share] = (values[0] * values[1] * values[2]) ** (1 / 3)
            points += [
                {"series": one.label, "x": share, "y": one.value} for one in found.values() if one.value is not None
            ]
        best, low, high = max(quality, key=lambda share: quality[share]), kept[0], kept[-1]
        sentence = (
            f"Projected on components that hold {low.variance:.0%} of the variance ({low.components:,} of them), "
            f"held-out individuals keep {low.rounded:.1%} of their calls by rounding and {low.thresholds:.1%} by "
            f"thresholds; at {high.variance:.0%} ({high.components:,}) {high.rounded:.1%} and {high.thresholds:.1%}. "
            f"{load(experiment)['title']} is best in precision, recall and LD r together at {best:.0%} "
            f"({', '.join(f'{value:.2f} at {share:.0%}' for share, value in quality.items())})."
        )
        return Finding(sentence, "Share of the variance that the components hold", "Share", points, {})


def _label(share: float) -> str:
    return f"{share:.0%} of the variance"


def _kept(dataset: Dataset) -> Any:
    """What the components of the training individuals keep of the calls of the held-out ones."""
    import torch

    from core.models.principal_components import reconstruction

    genotypes = dataset.genotypes()
    split = cohort_split(dataset, {"dataset": {"view": VIEW}})
    train, holdout = (
        torch.from_numpy(filled(genotypes.individuals(side), seed).copy())
        for seed, side in enumerate((split.train, split.holdout))
    )
    return reconstruction(train, holdout, [0] * genotypes.m, VARIANCES, genotypes.ploidy)

"""Frequency-distortion check: what taking the likeliest genotype does to frequencies, and what drawing it does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.config.experiments import load
from core.data.dataset import Dataset, DatasetMeta
from core.reports.finding import Finding
from core.reports.report import Report
from core.runs.recipes.base import Recipe, Step, recipes, step
from core.words import number

PUBLISHED, OURS = "vae_published", "vae"
EPOCHS = 60  # of the published thousand: enough for the effect, and the same network for both ways of decoding
RARE = 10  # rare variants of which a share is worth telling
DRAWN = "published, but calls are drawn"
REFERENCES = {"Null: independent sites": "null_bias", "Ceiling: real against real": "ceiling_bias"}


@recipes.register(
    "frequencies",
    title="Frequency-distortion check",
    help="Do frequent alleles become more frequent and rare ones rarer, and does drawing the calls mend it?",
    source="Xie et al. 2025 (the Matthew effect on allele frequencies)",
)
class Frequencies(Recipe):
    """The published VAE as it is, the same network with calls drawn from its probabilities, and ours."""

    def plan(self, meta: DatasetMeta, experiment: str) -> list[Step]:
        """Three trainings."""
        same = {"epochs": EPOCHS, "score": "last"}
        return [
            step(str(load(PUBLISHED)["title"]), PUBLISHED, training=same),
            step(DRAWN, PUBLISHED, training=same, model={"decoding": "sampled"}),
            step(str(load(OURS)["title"]), OURS),
        ]

    def learned(self, reports: Mapping[str, Report], experiment: str, dataset: Dataset) -> Finding:
        """Slope of allele frequencies, heterozygotes and rare alleles of each; the bias by frequency."""
        labels = list(reports)
        points: list[dict[str, Any]] = []
        for label, report in reports.items():
            rows = [row for row in report.curve("allele_frequency_bins") if row["count"]]
            points += [_point(label, row, "bias") for row in rows]
        first = reports[labels[0]]
        rows = [row for row in first.curve("allele_frequency_bins") if row["count"]]
        points = [
            *(_point(name, row, key) for name, key in REFERENCES.items() for row in rows),
            *points,
        ]
        told = "; ".join(f"{label}: {_words(report)}" for label, report in reports.items())
        slope = first.metric("matthew_slope")
        distorts = _distortion(first)
        mended = min(labels[1:], key=lambda label: _distortion(reports[label]))
        verdict = (
            f"Taking the likeliest genotype distorts frequencies by {number(distorts)} in slope, {mended} by "
            f"{number(_distortion(reports[mended]))}"
        )
        sentence = f"{verdict}. {told} (real individuals: slope {number(slope.ceiling)})."
        return Finding(
            sentence,
            "Minor-allele frequency in the real individuals",
            "Synthetic minus real frequency of the minor allele",
            [point for point in points if point["y"] is not None],
            {labels[0]: PUBLISHED, labels[2]: OURS},
        )


def _point(series: str, row: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {"series": series, "x": (row["low"] + row["high"]) / 2, "y": row.get(key)}


def _distortion(report: Report) -> float:
    """How far the slope of allele frequencies lies from that of real individuals."""
    slope = report.metric("matthew_slope")
    return abs((slope.value or 0.0) - (1.0 if slope.ceiling is None else slope.ceiling))


def _words(report: Report) -> str:
    slope, lost, ratio = map(report.metric, ("matthew_slope", "rare_alleles_lost", "heterozygosity_ratio"))
    words = [f"slope {number(slope.value)}"]
    if ratio.value is not None:
        words.append(f"{ratio.value:.0%} of the heterozygotes")
    if lost.value is not None and lost.params.get("rare", 0) >= RARE:
        words.append(f"{lost.value:.0%} of rare alleles lost")
    return ", ".join(words)

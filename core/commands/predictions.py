"""What a set report predicts of held-out sets, as plain text: the latent beside the mean of the observations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.commands.tables import number, table
from core.reports.interventions import coverage_words
from core.reports.report import Report

HEADER = ["held-out prediction", "score", "latent", "interval", "mean of observations", "interval", "null", "ceiling"]
SCORES = {"regression": "R²", "classification": "accuracy"}


def predictions(report: Report) -> str:
    """Probes, early against late, and effects, one row each, or the reason for none; "" where it has none."""
    rows, reasons = [], []
    for row in report.curve("probes"):
        if "reason" in row:
            reasons.append(f"{row['target']}: {row['reason']}")
        else:
            rows.append([row["target"], SCORES[row["kind"]], *_scores(row, "latent", "mean"), number(row["null"]), "–"])
    for name, key, lines in (
        ("early and late", "early_late", _early_late),
        ("effects on held-out units", "effects", _effects),
        ("effects on held-out sets", "held_effects", _held_effects),
        ("next set", "forecast", _forecast),
        ("units", "units", _units),
    ):
        analysis = report.analysis(key) or {}
        if "reason" in analysis:
            reasons.append(f"{name}: {analysis['reason']}")
        elif analysis:
            rows += lines(analysis)
    if interventions := report.analysis("interventions"):
        reasons.append(f"under another condition: {coverage_words(interventions)}")
    return "\n".join([*([table(HEADER, rows)] if rows else []), *reasons])


def _scores(found: Mapping[str, Any], latent: str, mean: str) -> list[str]:
    out = []
    for key in (latent, mean):
        low, high = found.get(f"{key}_low"), found.get(f"{key}_high")
        out += [number(found.get(key)), "–" if low is None else f"{number(low)} to {number(high)}"]
    return out


def _early_late(found: Mapping[str, Any]) -> list[list[str]]:
    unit, rows = found["unit"], []
    for key, words in (("retrieval_top1", "nearest"), ("retrieval_top5", "in five nearest")):
        ends = [number(found[f"{key}_null"]), number(found.get(f"{key}_ceiling"))]
        rows.append([f"late {unit} from early, {words}", "share", *_scores(found, key, f"mean_{key}"), *ends])
    null = number(found["information_null"])
    rows.append([f"early and late {unit}", "bits", *_scores(found, "information", "mean_information"), null, "–"])
    return rows


def _effects(found: Mapping[str, Any]) -> list[list[str]]:
    if found.get("pooled"):
        what = f"shift from {found['reference']}, {len(found['rows'])} of new units"
        return [[what, "R²", *_scores(found["pooled"], "r2", "mean_r2"), "0.000", "–"]]
    return [
        [
            f"{r['unit']}: {r['from']} to {r['to']}",
            "R²",
            *_scores(r, "r2", "mean_r2"),
            "0.000",
            number(r.get("ceiling_r2")),
        ]
        for r in found["rows"]
    ]


def _held_effects(found: Mapping[str, Any]) -> list[list[str]]:
    pooled, sets = found["pooled"], len(found["rows"])
    what = f"shift from {found['control']}, half of {sets} new sets"
    own = [what, "R²", *_scores(pooled, "latent", "mean"), "0.000", number(pooled["ceiling"])]
    interval = f"{number(pooled['training_low'])} to {number(pooled['training_high'])}"
    return [
        own,
        ["  mean shift of the training sets", "R²", "–", "–", number(pooled["training"]), interval, "0.000", "–"],
    ]


def _forecast(found: Mapping[str, Any]) -> list[list[str]]:
    pooled, pairs = found["pooled"], len(found["rows"])
    ends = [number(pooled["unchanged"]), number(pooled["floor"])]
    return [
        [f"next set by {found['order']}, {words}, {pairs} pairs", "W2", *_scores(pooled, key, "mean_shift"), *ends]
        for key, words in (("linear_flow", "linear flow"), ("transport", "transport"))
        if key in pooled
    ]


def _units(found: Mapping[str, Any]) -> list[list[str]]:
    return [
        [
            f"{r['target']} of {found['unit']} left out",
            SCORES[r["kind"]],
            *_scores(r, "latent", "mean"),
            number(r["null"]),
            "–",
        ]
        for r in found["rows"]
        if "reason" not in r
    ]

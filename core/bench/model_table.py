"""The tables of the benchmark of models, in Markdown."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import mean, stdev
from typing import Any

from core.bench.model_measures import KS
from core.bench.model_standings import Row, Standings
from core.words import duration, position, sentence

COLUMNS = {
    "precision": "precision", "recall": "recall", "AATS, holdout": "aats", "AATS, train": "aats_train", "LD r": "ld_r",
    "AF r": "allele_frequency_r", "F_ST": "fst", "membership AUC": "membership_auc",
}  # fmt: skip
"""Column → one of the eight scores."""

_MORE = {
    **{f"{name} k = {k}": f"{name}_{k}" for name in ("precision", "recall") for k in KS if k != 5},
    "AA truth": "aa_truth", "AA synthetic": "aa_synthetic", "LD r² error": "ld_r2_error",
    "AF RMSE": "allele_frequency_rmse", "GWAS hits": "gwas_hit_recovery", "GWAS effects r": "gwas_effect_r",
}  # fmt: skip


def scores(standings: Standings) -> str:
    """The eight scores: mean ± deviation over seeds, the share of the ceiling in brackets, the best in bold."""

    def cell(row: Row, metric: str) -> str:
        text = spread(row.values(metric), small=metric == "fst")
        share = standings.share(row, metric)
        if row in standings.rows and math.isfinite(share):
            text += f" ({share:.0%})"
        return f"**{text}**" if standings.first(metric) is row else text

    rows = [
        [row.title, *(cell(row, metric) for metric in COLUMNS.values()), _firsts(standings, row)]
        for row in _every(standings)
    ]
    return markdown(["model", *COLUMNS, "first in"], rows)


def more(standings: Standings) -> str:
    """Other k, errors, times and warning signs."""
    shown = {head: metric for head, metric in _MORE.items() if any(row.values(metric) for row in standings.rows)}

    def words(row: Row) -> list[str]:
        if row not in standings.rows:
            return ["", "", "", ""]
        epochs, of = row.facts("epochs"), row.facts("of")
        done = f"{mean(epochs):.0f} of {mean(of):.0f}" if any(of) else "closed form"
        signs = ", ".join(sentence(name).lower() for name in standings.signs(row)) or "none"
        return [done, *(duration_of(row.facts(key)) for key in ("seconds", "sampling")), signs]

    rows = [
        [row.title, *(spread(row.values(metric)) for metric in shown.values()), *words(row)]
        for row in _every(standings)
    ]
    return markdown(["model", *shown, "epochs", "training", "sampling", "warning signs"], rows)


def linkage_by_distance(standings: Standings) -> str:
    """Root mean square error of r² by decade of the distance; "" without positions."""
    decades = sorted({_decade(one) for row in standings.rows for r in row.results.values() for one in r["ld"]})
    if not decades:
        return ""
    heads = [f"{position(10.0**d)} to {position(10.0 ** (d + 1))}" for d in decades]
    rows = [
        [row.title, *(spread([e for r in row.results.values() for e in _errors(r["ld"], d)]) for d in decades)]
        for row in _every(standings)
    ]
    return markdown(["error of r²", *heads], rows)


def failures(standings: Standings) -> list[str]:
    """Which trials have no result, and why."""
    return [f"{row.title}, seed {seed}: {why}" for row in standings.rows for seed, why in row.failures.items()]


def spread(values: Sequence[float], small: bool = False) -> str:
    """Mean ± standard deviation, the latter from two values on."""
    write: Callable[[float], str] = (lambda v: f"{v:.1e}") if small else (lambda v: f"{v:.3f}")
    if not values:
        return "–"
    return write(mean(values)) + (f" ± {write(stdev(values))}" if len(values) > 1 else "")


def duration_of(seconds: Sequence[float]) -> str:
    """Mean of some times; tenths of a second below ten."""
    if not seconds:
        return "–"
    return f"{mean(seconds):.1f} s" if mean(seconds) < 10 else duration(mean(seconds))


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns line up in a terminal too."""
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[j]) for line in lines) for j in range(len(header))]
    text = [" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    return "\n".join(f"| {line} |" for line in [text[0], " | ".join("-" * width for width in widths), *text[1:]])


def _every(standings: Standings) -> list[Row]:
    return [standings.ceiling, *(row for row in standings.rows if row.results), standings.null]


def _firsts(standings: Standings, row: Row) -> str:
    if row not in standings.rows:
        return ""
    return str(standings.firsts(row)) if row in standings.ranked else "not ranked"


def _decade(one: dict[str, Any]) -> int:
    return math.floor(math.log10(one["low"]) + 1e-9)


def _errors(rows: Sequence[dict[str, Any]], decade: int) -> list[float]:
    """√ of the mean squared error over the pairs of a decade, where it has any."""
    own = [one for one in rows if _decade(one) == decade and one["error"] is not None]
    pairs = sum(one["count"] for one in own)
    return [math.sqrt(sum(one["count"] * one["error"] ** 2 for one in own) / pairs)] if pairs else []

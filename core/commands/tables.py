"""Plain text tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns as wide as their widest cell, numbers to the right; control characters are shown as '?'."""
    cells = [[_printable(str(c)) for c in row] for row in [header, *rows]]
    widths = [max(len(row[j]) for row in cells) for j in range(len(header))]
    right = [bool(rows) and all(_is_number(row[j]) for row in rows) for j in range(len(header))]
    lines = []
    for row in cells:
        parts = [c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)]
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines)


def number(value: object) -> str:
    """Three decimals, "–" for no value."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def report_table(report: Mapping[str, Any]) -> str:
    """Each metric with its interval, null and ceiling; the reason where it has no value; then the flags."""
    rows = []
    reasons = []
    for name, metric in report["metrics"].items():
        interval = f"{number(metric.get('low'))} to {number(metric.get('high'))}"
        better = metric["direction"] if metric["direction"] != "target" else f"near {metric['target']:g}"
        value, null, ceiling = (number(metric.get(k)) for k in ("value", "null", "ceiling"))
        rows.append([name, value, interval if metric.get("low") is not None else "–", null, ceiling, better])
        if metric.get("value") is None and metric.get("reason"):
            reasons.append(f"{name}: {metric['reason']}")
    text = table(["metric", "value", "interval", "null", "ceiling", "better"], rows)
    flags = [f"! {flag['name']}: {flag['evidence']} {flag['advice']}" for flag in report.get("flags", [])]
    return "\n".join([text, *reasons, *flags])


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def _is_number(cell: object) -> bool:
    return isinstance(cell, int | float) or str(cell).replace(".", "").replace("-", "").replace(",", "").isdigit()

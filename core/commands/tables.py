"""Plain text tables."""

from __future__ import annotations

import math
from collections.abc import Sequence

from core.reports.report import Report


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


def report_table(report: Report) -> str:
    """Each metric with its interval, null and ceiling; the reason where it has no value; then the flags."""
    rows = []
    for name, one in report.metrics.items():
        span = "–" if one.low is None else f"{number(one.low)} to {number(one.high)}"
        better = one.direction if one.target is None else f"near {one.target:g}"
        rows.append([name, number(one.value), span, number(one.null), number(one.ceiling), better])
    reasons = [f"{name}: {one.reason}" for name, one in report.metrics.items() if one.reason]
    flags = [f"! {flag.name}: {flag.evidence} {flag.advice}" for flag in report.flags]
    return "\n".join([table(["metric", "value", "interval", "null", "ceiling", "better"], rows), *reasons, *flags])


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def _is_number(cell: object) -> bool:
    return isinstance(cell, int | float) or str(cell).replace(".", "").replace("-", "").replace(",", "").isdigit()

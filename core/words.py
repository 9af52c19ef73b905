"""How numbers, times and parameters are written for a reader, on pages and in the terminal alike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

ABBREVIATIONS = {"aats", "cpu", "hwe", "ld", "maf", "mmd", "pca"}
"""Words within a name that are written in capitals."""


def number(value: float | None, digits: int = 3) -> str:
    """A measurement with `digits` significant digits, at least two decimals below 1; "–" where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) < 1e-3:
        return f"{value:.2g}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(decimals, 3 if abs(value) >= 0.1 else 5)}f}"


def count(value: int, singular: str, plural: str | None = None) -> str:
    """ "1 run", "2,000 individuals"."""
    return f"{value:,} {singular if value == 1 else plural or singular + 's'}"


def interval(value: float | None, low: float | None, high: float | None) -> str:
    """ "0.812 (0.790–0.834)", "-0.1 (-0.5 to 0.3)", without the brackets where no interval was measured."""
    if value is None or low is None or high is None:
        return number(value)
    # A dash beside a minus sign is read as another one.
    between = " to " if min(low, high) < 0 else "–"
    return f"{number(value)} ({number(low)}{between}{number(high)})"


def position(base_pairs: float) -> str:
    """A position or distance on a contig: "850 bp", "12.5 kb", "3.42 Mb"."""
    if abs(base_pairs) >= 1e6:
        return f"{base_pairs / 1e6:.2f} Mb"
    if abs(base_pairs) >= 1e3:
        return f"{base_pairs / 1e3:.1f} kb"
    return f"{base_pairs:.0f} bp"


def sentence(name: str) -> str:
    """A snake_case name as the start of a sentence: "haplotype_mosaic" -> "Haplotype mosaic"."""
    words = " ".join(word.upper() if word in ABBREVIATIONS else word for word in name.split("_"))
    return words[:1].upper() + words[1:]


def ago(moment: str | None, now: datetime | None = None) -> str:
    """An ISO 8601 time as "5 min ago"; empty where there is none or it cannot be read."""
    if not moment:
        return ""
    try:
        then = datetime.fromisoformat(moment)
    except ValueError:
        return ""
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    seconds = ((now or datetime.now(UTC)) - then).total_seconds()
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "min")):
        if seconds >= size:
            whole = int(seconds // size)
            return f"{whole} {unit}{'s' if whole > 1 and unit != 'min' else ''} ago"
    return "just now"


def parameters(params: Mapping[str, Any] | None) -> str:
    """Parameters of an estimator as "k = 5, distance = euclidean"; nested values are left to the CSV."""
    shown = {k: v for k, v in (params or {}).items() if isinstance(v, str | int | float | bool)}
    return ", ".join(
        f"{k.replace('_', ' ')} = {v:g}" if isinstance(v, float) else f"{k.replace('_', ' ')} = {v}"
        for k, v in shown.items()
    )


def duration(seconds: float | None) -> str:
    """A span of time: "40 s", "3 min", "2 h 5 min"; "–" where there is none."""
    if seconds is None or not math.isfinite(seconds):
        return "–"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 10 and minutes else f"{hours} h"


def size(amount: float) -> str:
    """Bytes as "12 kB", "3.4 MB", "1.2 GB"."""
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if amount >= unit:
            return f"{amount / unit:.1f} {name}"
    return f"{amount / 1e3:.0f} kB"

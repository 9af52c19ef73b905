"""What is said of a set under another condition: the assumptions, and how far intervals held on known cases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.words import count

UNITS_MIN = 4
"""Other units with both conditions, below which their spread, and so an interval, is not known."""

TOP = 10
"""Features that are predicted to move most."""

ASSUMPTIONS = (
    "This reads as cause only if units got their conditions independently of their state and if the effect is the same "
    "in all units, up to what the interval spans; no data of this kind can show the first."
)


def coverage_words(found: Mapping[str, Any]) -> str:
    """How often the intervals held what happened in held-out units; `found` is the analysis "interventions"."""
    if "reason" in found:
        return f"How often these intervals hold is not known: {found['reason']}"
    pooled = found["pooled"]
    spread = ""
    if found["resampled"] == "units":
        spread = f" ({pooled['coverage_low']:.0%} to {pooled['coverage_high']:.0%}, bootstrap over units)"
    said = (
        f"In {count(found['units'], 'held-out unit')} where the other condition was seen, 95% intervals held "
        f"{pooled['coverage']:.0%} of the features' changes{spread}, and {pooled['top']:.0%} of "
        f"those of the {found['top']} features that were predicted to move most."
    )
    low = pooled.get("coverage_high", 1.0) if found["resampled"] == "units" else pooled["coverage"]
    return said + (" They are too narrow here: do not rely on them." if low < 0.9 else "")

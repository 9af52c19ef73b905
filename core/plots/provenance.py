"""What a caption says of a report: who was compared with whom, how many, with which seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.plots.numbers import count


def provenance(report: Mapping[str, Any], *extra: str) -> str:
    """ "400 synthetic against 400 holdout individuals, 1,000 variants, seed 42", then `extra`."""
    n = report.get("n", {})
    n = n if isinstance(n, Mapping) else {"synthetic": n}
    parts = []
    if n.get("synthetic") and n.get("reference"):
        parts.append(f"{n['synthetic']:,} synthetic against {n['reference']:,} {reference_name(report)} individuals")
    elif n.get("synthetic"):
        parts.append(count(n["synthetic"], "synthetic individual"))
    if n.get("variants"):
        parts.append(count(n["variants"], "variant"))
    if report.get("seed") is not None:
        parts.append(f"seed {report['seed']}")
    return ", ".join([*parts, *(e for e in extra if e)]) + "."


def reference_name(report: Mapping[str, Any]) -> str:
    """What the synthetic individuals are judged by: "holdout" where there is one, else "real"."""
    return "holdout" if report.get("holdout") else "real"

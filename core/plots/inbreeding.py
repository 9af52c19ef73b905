"""Departure from Hardy–Weinberg proportions: the distribution of F_IS over variants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from core.plots.series import REFERENCES, line_data, line_table, lines
from core.plots.vega import Figure
from core.reports.standing import Candidate
from core.words import number

Floats = npt.NDArray[np.floating[Any]]
_EDGES = np.linspace(-1, 1, 81)


def inbreeding(f_is: Mapping[str, Floats], candidate: Candidate, *, caption: str = "") -> Figure:
    """Distribution over variants of F_IS = 1 − H_observed / 2p(1−p): real and null grey, synthetic in colour."""
    names = {key: REFERENCES.get(key, candidate.label) for key in ("real", "null", "synthetic") if key in f_is}
    models = [{"series": candidate.label, **row} for row in _shares(f_is["synthetic"])]
    references = [{"reference": names[k], **row} for k in names if k != "synthetic" for row in _shares(f_is[k])]
    shown = [key for key in names if key != "synthetic"]
    x = {"field": "f_is", "type": "quantitative", "title": "F_IS of a variant", "axis": {"grid": False, "tickCount": 8}}
    y = {
        "field": "share",
        "type": "quantitative",
        "title": "Share of variants",
        "axis": {"tickCount": 5, "format": "%"},
    }
    tooltip = [
        {"field": "f_is", "title": "F_IS", "format": ".3f"},
        {"field": "share", "title": "Share of variants", "format": ".2%"},
    ]
    means = {name: float(np.nanmean(f_is[key])) for key, name in names.items()}
    return Figure(
        name="inbreeding",
        spec={"height": 260, "layer": lines("shares", [candidate], x, y, tooltip=tooltip, references=shown)},
        data=line_data("shares", models, references),
        alt="Mean F_IS: " + ", ".join(f"{name} {number(value)}" for name, value in means.items()) + ".",
        caption=caption,
        table=line_table(models, references),
    )


def _shares(values: Floats) -> list[dict[str, Any]]:
    """Share of variants in each bin between the first and the last that is used."""
    known = values[np.isfinite(values)]
    shares = np.histogram(np.clip(known, -1, 1), _EDGES)[0] / max(1, len(known))
    used = np.flatnonzero(shares)
    kept = range(max(0, int(used[0]) - 1), min(len(shares), int(used[-1]) + 2)) if len(used) else range(0)
    return [{"f_is": float(_EDGES[i : i + 2].mean()), "share": float(shares[i])} for i in kept]

"""Departure from Hardy–Weinberg proportions: the distribution of F_IS over variants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from core.plots.figure import Figure, columns_of
from core.plots.numbers import number
from core.plots.scorecard import Candidate
from core.plots.series import REAL_LABEL, encodings
from core.plots.style import NULL_LABEL

Floats = npt.NDArray[np.floating[Any]]


def inbreeding(f_is: Mapping[str, Floats], candidate: Candidate, *, caption: str = "") -> Figure:
    """Distribution over variants of F_IS = 1 − H_observed / 2p(1−p): real and null grey, synthetic in colour."""
    edges = np.linspace(-1, 1, 81)
    middles = (edges[:-1] + edges[1:]) / 2
    names = {"real": REAL_LABEL, "null": NULL_LABEL, "synthetic": candidate.label}
    rows = []
    for key, name in names.items():
        if key in f_is:
            known = f_is[key][np.isfinite(f_is[key])]
            shares = np.histogram(np.clip(known, -1, 1), edges)[0] / max(1, len(known))
            used = np.flatnonzero(shares)
            kept = range(max(0, int(used[0]) - 1), min(len(shares), int(used[-1]) + 2)) if len(used) else range(0)
            rows += [{"series": name, "f_is": float(middles[i]), "share": float(shares[i])} for i in kept]
    colour, dash, _ = encodings([candidate], ("real", "null"))
    means = {name: float(np.nanmean(f_is[key])) for key, name in names.items() if key in f_is}
    return Figure(
        name="inbreeding",
        spec={
            "data": {"name": "shares"},
            "height": 260,
            "mark": {"type": "line", "interpolate": "step", "strokeWidth": 2},
            "encoding": {
                "x": {"field": "f_is", "type": "quantitative", "title": "F_IS of a variant", "axis": {"grid": False}},
                "y": {"field": "share", "type": "quantitative", "title": "Share of variants"},
                "color": colour,
                "strokeDash": dash,
                "tooltip": [
                    {"field": "series", "title": "Data"},
                    {"field": "f_is", "title": "F_IS", "format": ".3f"},
                    {"field": "share", "title": "Share of variants", "format": ".2%"},
                ],
            },
        },
        data={"shares": columns_of(rows)},
        alt="Mean F_IS: " + ", ".join(f"{name} {number(value)}" for name, value in means.items()) + ".",
        caption=caption,
    )

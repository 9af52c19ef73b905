"""Observations of sets as Vega-Lite has them, until the last chart is ported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from core.plots.vega import Spec

Array = npt.NDArray[Any]


def columns(samples: Mapping[str, Array], most: int = 400) -> dict[str, list[Any]]:
    """The first `most` points of each source as columns source, x, y."""
    out: dict[str, list[Any]] = {"source": [], "x": [], "y": []}
    for name, sample in samples.items():
        some = sample[:most]
        out["source"] += [name] * len(some)
        out["x"] += some[:, 0].astype(float).tolist()
        out["y"] += some[:, 1].astype(float).tolist()
    return out


def axes(sides: tuple[list[float], list[float]], titles: tuple[str, str] | None) -> Spec:
    """Horizontal and vertical encodings within `sides`; without titles, axes that only frame."""
    axis = {"grid": False} if titles else {"labels": False, "ticks": False, "title": None, "grid": False}
    return {
        channel: {
            "field": channel,
            "type": "quantitative",
            "title": title,
            "scale": {"domain": side, "nice": False, "zero": False},
            "axis": axis,
        }
        for channel, side, title in zip("xy", sides, titles or (None, None), strict=True)
    }

"""Draw a figure with what every chart carries: alternative text, caption, SVG, PNG and its numbers as CSV."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from core.plots.render import render
from core.plots.vega import Figure
from pages.parts.frame import menu

# Below this many rows JSON is as small as Arrow, and needs neither pandas nor pyarrow in the server.
_INLINE_ROWS = 3000

# Above this many rows, and where there are several views with their axes, the browser paints a picture: an element a
# mark and a tick, each with a name that a screen reader would read out one by one, takes it much longer.
_SVG_ROWS = 300
_PAINTED = {"usermeta": {"embedOptions": {"renderer": "canvas"}}}


def chart(
    figure: Figure, key: str, *, width: str | int = "stretch", select: bool = False, moving: bool = False
) -> dict[str, Any]:
    """Draw `figure` under the unique `key`; return what the reader selected, by parameter name (empty: nothing).

    Read the selection with item access only: tests inject plain dictionaries. `moving`: the numbers travel apart
    from the drawing, so that the browser moves the points of an unchanged drawing instead of drawing anew.
    """
    if figure.marks <= _INLINE_ROWS and not moving:
        spec = figure.inlined()
    else:
        spec = {**figure.spec, "datasets": {name: _arrow(columns) for name, columns in figure.data.items()}}
    # "fit", which Streamlit asks for by default, leaves charts of several views empty, and squeezes the height of
    # a single view until its legends fit too.
    several = not {"concat", "hconcat", "vconcat"}.isdisjoint(spec)
    spec = {"autosize": {"type": "pad" if several else "fit-x", "contains": "padding"}, **spec}
    if several or figure.marks > _SVG_ROWS:
        spec = {**spec, **_PAINTED, "config": {**spec.get("config", {}), "aria": False}}
    interaction: dict[str, Any] = {"on_select": "rerun"} if select else {}
    event = st.vega_lite_chart(spec, key=key, width=width, alt=figure.alt, **interaction)
    _foot(figure.caption, lambda: figure, key)
    return dict(event["selection"]) if select and event else {}


def _foot(caption: str, make: Callable[[], Figure], key: str) -> None:
    with st.container(horizontal=True, vertical_alignment="top", wrap=False):
        st.caption(caption, width="stretch")
        downloads(make, key)


def downloads(make: Callable[[], Figure], key: str) -> None:
    """A small menu with the picture as SVG and PNG and the numbers as CSV; nothing is made before the click."""
    shut = menu("Save", f"{key}_save")
    if not shut.open:
        return
    figure = make()
    forms = {
        "svg": ("Picture (SVG)", partial(render, figure, "svg"), "image/svg+xml"),
        "png": ("Picture (PNG)", partial(render, figure, "png"), "image/png"),
        "csv": ("Numbers (CSV)", figure.csv, "text/csv"),
    }
    for ending, (label, made, mime) in forms.items():
        shut.download_button(
            label, made, f"{figure.name}.{ending}", mime, key=f"{key}_{ending}", on_click="ignore", type="tertiary"
        )


def _arrow(columns: Any) -> Any:
    import pyarrow as pa

    return pa.table({name: pa.array(column) for name, column in columns.items()})

"""Draw a figure with what every chart carries: alternative text, caption, its picture and its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import plotly
import streamlit as st
from streamlit.components import v1, v2

from core.plots.figure import Figure

_SCRIPTS = Path(__file__).parent / "js"
_FORMATS = ["svg", "png"]
_SIZE = {"width": 900, "height": 560, "scale": 2}


def _script(*names: str) -> str:
    return "\n".join((_SCRIPTS / name).read_text(encoding="utf-8") for name in names)


# The bridge looks for charts on the page, and Plotly puts its style sheet there: neither works behind a wall.
_bridge = v2.component("popscape_bridge", js=_script("bridge.js"), isolate_styles=False)
_live = v2.component("popscape_live", js=_script("library.js", "live.js"), isolate_styles=False)
_warm = v2.component("popscape_warm", js=_script("library.js", "warm.js"))
# The script that the plotly package ships, at an address of this server; no second copy of it is kept.
_library = v1.declare_component("plotlyjs", path=str(Path(plotly.__file__).parent / "package_data"))
_LIBRARY = f"component/{_library.name}/plotly.min.js"


@dataclass(frozen=True)
class Picked:
    """What the reader picked in a chart.

    Attributes:
        points: the `customdata` of the points inside a click, box or lasso; None is left out.
        click: {"x", "y", "z", "curve", "point"} of a click just now, of any trace; "point" is its `customdata`.
        view: {"x": [low, high], "y": [low, high]} after a zoom just now.
        slider: place at which the slider was let go, None until then.
    """

    points: list[Any] = field(default_factory=list)
    click: Mapping[str, Any] | None = None
    view: Mapping[str, Any] | None = None
    slider: int | None = None


def chart(
    figure: Figure | None,
    key: str,
    *,
    caption: str = "",
    otherwise: str = "",
    select: Sequence[str] = (),
    watch: Sequence[str] = (),
    width: str | int = "stretch",
) -> Picked:
    """Draw `figure` under the unique `key`; return what the reader picked.

    Args:
        caption: n, seed and parameters, shown below before the figure's own.
        otherwise: what is said in place of a figure that is None.
        select: what of "points", "box", "lasso" selects points; each point's `customdata` (one integer) comes back.
        watch: what of "click", "view", "slider" comes back beside: clicks on heatmaps, zoomed ranges, the slider's end.

    The figure must be byte-identical at every rerun in which it is not to be drawn anew: a changed figure is a new
    chart to Streamlit, whose zoom is gone.
    """
    if figure is None:
        st.info(otherwise, icon=":material/info:")
        return Picked()
    options: dict[str, Any] = {"on_select": "rerun", "selection_mode": tuple(select)} if select else {}
    event = st.plotly_chart(
        figure.plot, key=key, width=width, theme="streamlit", alt=figure.alt, config=_config(figure, key), **options
    )
    seen = _watched(key, watch) if watch else {}
    _foot(figure, key, caption)
    selected = event["selection"]["points"] if select and event else []
    picked = [point["customdata"] for point in selected if point.get("customdata") is not None]
    return Picked(picked, seen.get("click"), seen.get("view"), seen.get("slider"))


def live_chart(figure: Figure | None, key: str, otherwise: str) -> None:
    """Draw a figure that grows: its points move in place, so that a reader's zoom survives and nothing flickers.

    Says `otherwise` where there is nothing to draw yet.
    """
    if figure is None:
        st.caption(otherwise)
        return
    # The zoom is kept as long as `uirevision` stays; the drawing itself is replaced by the difference.
    figure.plot.update_layout(uirevision=key)
    _live(
        key=key,
        data={
            "figure": figure.plot.to_json(),
            "alt": figure.alt,
            "config": _config(figure, key),
            "library": _LIBRARY,
        },
    )
    _foot(figure, key)


def warm_up(*, live: bool = False) -> None:
    """Let the browser fetch the chart library while it is idle; call it on a page that begins without a chart.

    `live`: that of `live_chart`, which is another copy than Streamlit's.
    """
    if live:
        _warm(key="warm_up", data={"library": _LIBRARY})
        return
    folder = Path(st.__file__).parent / "static" / "static" / "js"
    script = next(folder.glob("PlotlyChart.*.js"), None)
    if script:
        _warm(key="warm_up", data={"file": script.name})


def _config(figure: Figure, key: str) -> dict[str, Any]:
    picture = {"format": st.session_state.get(f"{key}_picture", _FORMATS[0]), "filename": figure.name, **_SIZE}
    return {"toImageButtonOptions": picture, "displaylogo": False}


def _watched(key: str, events: Sequence[str]) -> dict[str, Any]:
    """What the chart's own events have said; each name None until it happens."""
    result = _bridge(
        key=f"{key}_bridge", data={"chart": key, "events": list(events)},
        **{f"on_{event}_change": lambda: None for event in events},
    )  # fmt: skip
    return {event: getattr(result, event, None) for event in events}


def _foot(figure: Figure, key: str, caption: str = "") -> None:
    with st.container(horizontal=True, vertical_alignment="top", wrap=False):
        st.caption(f"{caption} {figure.caption}".strip(), width="stretch")
        with st.popover("Save", type="tertiary", key=f"{key}_save"):
            st.download_button(
                "Numbers (CSV)", figure.csv, f"{figure.name}.csv", "text/csv", key=f"{key}_csv", on_click="ignore",
                type="tertiary",
            )  # fmt: skip
            st.segmented_control(
                "Picture, by the camera above the chart", _FORMATS, default=_FORMATS[0], required=True,
                format_func=str.upper, key=f"{key}_picture",
            )  # fmt: skip

"""The figure of lesson 11: draws of null and ceiling with the candidate's value, on the whole scale and enlarged."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from core.lessons.null_ceiling import Floats, Judged
from core.plots.figure import PANEL_TOP, Figure, draw, typed
from core.plots.theme import BLUE, CEILING_LABEL, NULL_LABEL, REAL, VERMILLION
from core.words import number

_HEIGHT = 520
_WHOLE, _BELOW = (0.6, 1.0), (0.0, 0.4)  # the panels, as shares of the figure
_SCALE = (-0.1, 1.03)
_BINS = 45, 27  # of the whole scale and of the enlarged one


def draws(judged: Judged, metric: str, n: int) -> Figure:
    """Histograms of null and ceiling with the candidate as a line, from none to perfect and around the draws."""
    values = np.concatenate([judged.null, judged.ceiling, [judged.value]])
    margin = 0.06 * float(np.ptp(values))
    close = (float(values.min()) - margin, float(values.max()) + margin)
    traces = [
        *_panel(judged, metric, np.linspace(*_SCALE, _BINS[0] + 1), {"xaxis": "x", "yaxis": "y"}),
        *_panel(judged, metric, np.linspace(*close, _BINS[1] + 1), {"xaxis": "x2", "yaxis": "y2", "showlegend": False}),
    ]
    plot = draw(
        traces,
        height=_HEIGHT,
        margin={"t": PANEL_TOP},
        barmode="overlay",
        bargap=0,
        xaxis={"range": _SCALE},
        yaxis={"domain": _WHOLE, "title": "Draws", "nticks": 4, "rangemode": "tozero"},
        xaxis2={"anchor": "y2", "range": close, "title": metric, "nticks": 6},
        yaxis2={"domain": _BELOW, "anchor": "x2", "title": "Draws", "nticks": 4, "rangemode": "tozero"},
        legend={"y": -0.17, "yanchor": "top"},
        annotations=[
            {
                "text": f"<b>{words}</b>", "x": 0, "y": domain[1], "xref": "paper", "yref": "paper", "xanchor": "left",
                "yanchor": "bottom", "yshift": 5, "showarrow": False,
            }
            for words, domain in (("On the whole scale", _WHOLE), ("The same, enlarged", _BELOW))
        ],
    )  # fmt: skip
    null, ceiling = (float(part.mean()) for part in (judged.null, judged.ceiling))
    return Figure(
        name="null_and_ceiling",
        plot=plot,
        alt=f"{metric} of the candidate {number(judged.value)}, mean of the null {number(null)}, of the ceiling "
        f"{number(ceiling)}.",
        table={"null": judged.null, "ceiling": judged.ceiling, "candidate": np.full(len(judged.null), judged.value)},
        caption=f"{len(judged.null)} draws of each: every time the real individuals are halved anew, {n} in each half. "
        "One candidate, made from one half and judged by the other.",
    )


def _panel(judged: Judged, metric: str, edges: Floats, place: dict[str, object]) -> list[go.Bar]:
    middle, width = (edges[1:] + edges[:-1]) / 2, float(edges[1] - edges[0])
    counts = [np.histogram(part, edges)[0] for part in (judged.null, judged.ceiling)]
    bars = [
        go.Bar(
            x=typed(middle, "float64"), y=typed(count), width=width, name=name,
            marker={"color": colour, "opacity": 0.65, "line": {"width": 0}},
            hovertemplate=f"{metric} %{{x:.4f}}: %{{y}} draws<extra>%{{fullData.name}}</extra>", **place,
        )
        for count, name, colour in zip(counts, (NULL_LABEL, CEILING_LABEL), (BLUE, REAL), strict=True)
    ]  # fmt: skip
    line = go.Scatter(
        x=typed([judged.value, judged.value], "float64"), y=typed([0, max(count.max() for count in counts) * 1.1]),
        mode="lines", name="The candidate", line={"color": VERMILLION, "width": 3},
        hovertemplate=f"{metric} %{{x:.4f}}<extra>%{{fullData.name}}</extra>", **place,
    )  # fmt: skip
    return [*bars, line]

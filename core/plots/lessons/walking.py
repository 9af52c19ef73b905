"""The figure of lesson 10: three ways at t, one below the other, and their densities along the line from A to B."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from core.lessons.walking import CENTRE, GRID, PATHS, POINTS, Moment
from core.plots.figure import PANEL_TOP, Figure, draw, nth, typed
from core.plots.theme import BLUE, GREEN, ORANGE, REAL

_HEIGHT = 640
_COLOURS = dict(zip(PATHS, (ORANGE, BLUE, GREEN), strict=True))
_SYMBOLS = dict(zip(PATHS, ("circle", "diamond", "triangle-up"), strict=True))
# Bottom and top of the panels: one for each way, and the densities below.
_PANELS = ((0.8, 1.0), (0.55, 0.75), (0.3, 0.5), (0.0, 0.25))
_TITLES = ("Mixture: points change sides", "Transport: every point moves", "Latent: {how}")
_RANGE = (-0.3, 6.3)


def ways(moment: Moment) -> Figure:
    """Points of each way with the two ends as grey circles of two standard deviations; densities below."""
    how = "what the model generates" if moment.paths["Latent"].estimated else "mean and covariance move"
    traces = [trace for panel, name in enumerate(PATHS) for trace in _strip(moment, name, panel)]
    traces += _densities(moment)
    axes: dict[str, dict[str, object]] = {}
    for panel, domain in enumerate(_PANELS):
        last = panel == len(_PANELS) - 1
        axes[f"xaxis{nth(panel)}"] = {
            "anchor": f"y{nth(panel)}", "range": _RANGE, "showticklabels": last, "matches": None if last else "x4",
        }  # fmt: skip
        axes[f"yaxis{nth(panel)}"] = {
            "domain": domain, "anchor": f"x{nth(panel)}", "nticks": 3, "range": [CENTRE[1] - 1.6, CENTRE[1] + 1.6],
        }  # fmt: skip
    axes["xaxis4"] |= {"title": "Place on the line from A to B"}
    axes["yaxis4"] |= {"range": [0, float(max(end.max() for end in moment.ends)) * 1.1], "title": "Density"}
    plot = draw(
        traces,
        height=_HEIGHT,
        margin={"t": PANEL_TOP},
        legend={"y": -0.13, "yanchor": "top"},
        annotations=[
            {
                "text": f"<b>{words.format(how=how)}</b>", "x": 0, "y": domain[1], "xref": "paper", "yref": "paper",
                "xanchor": "left", "yanchor": "bottom", "yshift": 2, "showarrow": False,
            }
            for words, domain in zip(_TITLES, _PANELS, strict=False)
        ],
        **axes,
    )  # fmt: skip
    humps = ", ".join(f"{name.lower()} {path.humps}" for name, path in moment.paths.items())
    return Figure(
        name="three_ways_between_gaussians",
        plot=plot,
        alt=f"At t = {moment.t:.2f} between two Gaussians {moment.distance:.1f} apart, humps of the density: {humps}.",
        table={
            "place": GRID, "A": moment.ends[0], "B": moment.ends[1],
            **{name.lower(): path.density for name, path in moment.paths.items()},
        },
        caption=f"{POINTS} points of each way. Grey: A and B; their circles hold 86 % of each. The second coordinate "
        "is drawn on a smaller scale.",
    )  # fmt: skip


def _strip(moment: Moment, name: str, panel: int) -> list[go.Scatter]:
    angle = np.append(np.linspace(0, 2 * np.pi, 49), np.nan)
    # Both circles in one trace, parted by a gap.
    x = np.concatenate([
        CENTRE[0] + shift + 2 * deviation * np.cos(angle)
        for shift, deviation in zip((0.0, moment.distance), moment.spreads, strict=True)
    ])  # fmt: skip
    y = CENTRE[1] + np.concatenate([2 * deviation * np.sin(angle) for deviation in moment.spreads])
    place = {"xaxis": f"x{nth(panel)}", "yaxis": f"y{nth(panel)}", "showlegend": False}
    points = moment.paths[name].points
    return [
        go.Scatter(
            x=typed(points[:, 0]), y=typed(points[:, 1]), mode="markers", name=name,
            marker={"size": 5, "color": _COLOURS[name], "symbol": _SYMBOLS[name], "opacity": 0.6},
            hovertemplate="%{x:.2f}, %{y:.2f}<extra>%{fullData.name}</extra>", **place,
        ),
        go.Scatter(
            x=typed(x), y=typed(y), mode="lines", line={"color": REAL, "width": 2}, name="A and B", hoverinfo="skip",
            **place,
        ),
    ]  # fmt: skip


def _densities(moment: Moment) -> list[go.Scatter]:
    hover = "%{x:.2f}: %{y:.3f}<extra>%{fullData.name}</extra>"
    place = {"xaxis": "x4", "yaxis": "y4", "mode": "lines", "hovertemplate": hover}
    ends = [
        go.Scatter(
            x=typed(GRID), y=typed(density), name="A and B", legendgroup="ends", showlegend=not i,
            line={"color": REAL, "width": 1.5, "dash": "dot"}, **place,
        )
        for i, density in enumerate(moment.ends)
    ]  # fmt: skip
    # Where latent and transport agree, the dashes let the line below be seen.
    dashes = dict(zip(PATHS, ("solid", "solid", "dash"), strict=True))
    return ends + [
        go.Scatter(
            x=typed(GRID), y=typed(path.density), name=name,
            line={"color": _COLOURS[name], "width": 3, "dash": dashes[name]}, **place,
        )
        for name, path in moment.paths.items()
    ]  # fmt: skip

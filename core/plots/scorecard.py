"""The scorecard: one strip a metric, its null and ceiling as lines, every model as a point with its interval."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.plots.figure import Figure, draw, nth, typed
from core.plots.theme import CEILING_DASH, CEILING_LABEL, NULL_DASH, NULL_LABEL, REAL, model_colour, model_symbol
from core.reports.standing import UNCLEAR, Candidate, described, frame, leader, numbers, ranking, verdict
from core.words import number, parameters

_TOP, _HEAD, _ROW, _FOOT = 40, 48, 22, 30  # pixels: of the legend, above a strip, of a model, below a strip
_LABEL, _REASON, _WRAP = 30, 52, 60  # letters of a model's name, of a reason, of a line under the pointer


def scorecard(candidates: Sequence[Candidate], names: Sequence[str], baseline: Candidate | None = None) -> Figure:
    """A strip for each of `names` in two columns, each with the metric's own axis; models stand in rows.

    Pointing at a model says its value, interval and verdict: against `baseline`, else against the best one.
    """
    rows = -(-len(names) // 2)
    strip = _HEAD + _ROW * len(candidates) + _FOOT
    traces: list[Any] = []
    layout: dict[str, Any] = {"annotations": []}
    for k, name in enumerate(names):
        axis = nth(k)
        row, column = divmod(k, 2)
        left, right = ((0.0, 0.48), (0.52, 1.0))[column]
        top = 1 - (row * strip + _HEAD) / (rows * strip)
        bottom = 1 - ((row + 1) * strip - _FOOT) / (rows * strip)
        traces += _references(candidates, name, axis, legend=k == 0) + _points(candidates, name, baseline, axis)
        layout |= _axes(candidates, name, axis, (left, right), (bottom, top), labelled=column == 0)
        layout["annotations"] += [_title(candidates, name, left, top), *_reasons(candidates, name, axis)]
    return Figure(
        name="scorecard",
        plot=draw(traces, height=_TOP + rows * strip, margin={"t": _TOP, "b": 4, "l": 8, "r": 12}, **layout),
        alt=_takeaway(candidates, names),
        table=numbers(candidates, names, baseline),
    )


def _takeaway(candidates: Sequence[Candidate], names: Sequence[str]) -> str:
    """What the scorecard shows, for those who cannot see it."""
    alt = f"{len(names)} metrics of {len(candidates)} models, each with its null and ceiling."
    if len(candidates) > 1 and (first := leader(candidates, names)):
        alt += f" {first[0].label} is best, or within noise of the best, on most of them."
    return alt


def _references(candidates: Sequence[Candidate], name: str, axis: str, *, legend: bool) -> list[go.Scatter]:
    """Null and ceiling as upright lines, empty where a metric has none: the legend names both in any case."""
    across = np.arange(-1, 2 * len(candidates)) / 2
    return [
        go.Scatter(
            x=typed(np.full(len(across), np.nan if value is None else value)), y=typed(across), mode="lines",
            name=label, legendgroup=label, showlegend=legend, line={"color": REAL, "width": 2, "dash": dash},
            hovertemplate=f"{label}: {number(value)}<extra></extra>", xaxis=f"x{axis}", yaxis=f"y{axis}",
        )
        for value, label, dash in zip(
            frame(candidates, name), (NULL_LABEL, CEILING_LABEL), (NULL_DASH, CEILING_DASH), strict=True
        )
    ]  # fmt: skip


def _points(candidates: Sequence[Candidate], name: str, baseline: Candidate | None, axis: str) -> list[go.Scatter]:
    traces = []
    for row, c in enumerate(candidates):
        one = c.metric(name)
        if one.value is None:
            continue
        low, high = (one.value if end is None else end for end in (one.low, one.high))
        colour = model_colour(c.model)
        span = {"symmetric": False, "array": [high - one.value], "arrayminus": [one.value - low]}
        traces.append(
            go.Scatter(
                x=[one.value], y=[row], error_x={**span, "color": colour, "thickness": 2, "width": 0}, mode="markers",
                marker={"color": colour, "symbol": model_symbol(c.model), "size": 10}, name=escape(c.label),
                showlegend=False, hoverinfo="text", hovertext=_words(candidates, c, name, baseline),
                xaxis=f"x{axis}", yaxis=f"y{axis}",
            )
        )  # fmt: skip
    return traces


def _words(candidates: Sequence[Candidate], c: Candidate, name: str, baseline: Candidate | None) -> str:
    """What is read when a model is pointed at."""
    one, other = c.metric(name), baseline or next(iter(ranking(candidates, name)), None)
    lines = [f"<b>{escape(c.label)}</b>", f"{escape(described(candidates, name).label)}: {one.shown}"]
    if other is c:
        lines.append("the baseline" if baseline else "the best of these" if len(candidates) > 1 else "")
    elif other is not None and (word := verdict(one, other.metric(name))):
        lines.append(f"{word} {'of' if word == UNCLEAR else 'than'} {escape(other.label)}")
    lines.append("copies training individuals, which looks perfect" if c.copies else "")
    lines += textwrap.wrap(escape(parameters(dict(one.params))), _WRAP)
    return "<br>".join(line for line in lines if line)


def _axes(
    candidates: Sequence[Candidate],
    name: str,
    axis: str,
    across: tuple[float, float],
    along: tuple[float, float],
    *,
    labelled: bool,
) -> dict[str, Any]:
    ends = [v for c in candidates for v in (c.metric(name).value, c.metric(name).low, c.metric(name).high)]
    known = [v for v in (*ends, *frame(candidates, name)) if v is not None]
    x: dict[str, Any] = {
        "domain": across,
        "anchor": f"y{axis}",
        "nticks": 5,
        "showgrid": False,
        "exponentformat": "none",
    }
    if known:
        room = 0.05 * (max(known) - min(known)) or 0.1
        x["range"] = [min(known) - room, max(known) + room]
    y = {
        "domain": along, "anchor": f"x{axis}", "range": [len(candidates) - 0.5, -0.5], "fixedrange": True,
        "tickvals": list(range(len(candidates))), "showticklabels": labelled,
        "ticktext": [escape(_short(c.label, _LABEL)) for c in candidates],
    }  # fmt: skip
    return {f"xaxis{axis}": x, f"yaxis{axis}": y}


def _title(candidates: Sequence[Candidate], name: str, left: float, top: float) -> dict[str, Any]:
    about = described(candidates, name)
    text = f"<b>{escape(about.label)}</b><br><span style='font-size:11px'>{about.goal}</span>"
    place = {"x": left, "y": top, "xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom"}
    help = "<br>".join(textwrap.wrap(escape(about.help), _WRAP))
    return {"text": text, "align": "left", "showarrow": False, **place, "yshift": 2, "hovertext": help}


def _reasons(candidates: Sequence[Candidate], name: str, axis: str) -> list[dict[str, Any]]:
    """In place of a point, why there is none."""
    return [
        {
            "text": escape(_short(c.metric(name).shown, _REASON)), "hovertext": escape(c.metric(name).shown),
            "x": 0, "y": row, "xref": f"x{axis} domain", "yref": f"y{axis}", "xanchor": "left", "showarrow": False,
            "font": {"size": 11}, "opacity": 0.8,
        }
        for row, c in enumerate(candidates)
        if c.metric(name).value is None
    ]  # fmt: skip


def _short(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"{text[: letters - 1].rstrip()}…"

"""The scorecard as a picture with words under the pointer: what pages show without a chart library in the browser.

The same strips as `core.plots.strips`, which is what is saved and printed.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from core.plots.theme import CEILING_LABEL, NULL_LABEL, REAL, model_colour, model_symbol
from core.plots.vega import CEILING_DASH, NULL_DASH
from core.reports.standing import Candidate, described, frame
from core.words import number, parameters

GREY = "#7f7f7f"
"""For words where the page around is not known: 4.0:1 on white and 4.6:1 on the dark background."""

_GUTTER, _PANEL, _GAP = 204, 300, 34
_LETTERS = 50  # of a reason that fit into a strip
_HEAD, _ROW, _FOOT, _TOP = 44, 18, 34, 28

# Markers as outlines from their middle, as wide as the points of a chart. All turn clockwise, as the bar of an interval
# does: of outlines that turn against each other what they share would stay empty.
_MARKS = {
    "circle": "m-5,0a5,5 0 1 1 10,0a5,5 0 1 1 -10,0z",
    "square": "m-4.5,-4.5h9v9h-9z",
    "triangle-up": "m0,-5.5l5.5,10h-11z",
    "triangle-down": "m-5.5,-4.5h11l-5.5,10z",
    "triangle-right": "m5.5,0l-10,5.5v-11z",
    "triangle-left": "m-5.5,0l10,-5.5v11z",
    "diamond": "m0,-6l6,6l-6,6l-6,-6z",
    "cross": "m-2,-6h4v4h4v4h-4v4h-4v-4h-4v-4h4z",
}


@dataclass(frozen=True)
class Spot:
    """A place of a picture with words that stand under the pointer there: its middle and size in pixels."""

    x: float
    y: float
    width: float
    height: float
    words: str

    def moved(self, x: float, y: float) -> Spot:
        """The same spot in a picture that holds this one at (x, y)."""
        return Spot(self.x + x, self.y + y, self.width, self.height, self.words)


@dataclass(frozen=True)
class Picture:
    """An SVG drawing of `width` × `height` pixels, and its spots."""

    svg: str
    width: int
    height: int
    spots: tuple[Spot, ...]

    def html(self, alt: str) -> str:
        """The drawing as an image that shrinks with the page, and an invisible box with a title over each spot.

        An element of the page a mark and a tick would take the browser twice as long.
        """
        data = base64.b64encode(self.svg.encode()).decode()
        boxes = "".join(
            f'<span title="{_words(s.words)}" style="position:absolute;left:{(s.x - s.width / 2) / self.width:.2%};'
            f"top:{(s.y - s.height / 2) / self.height:.2%};width:{s.width / self.width:.2%};"
            f'height:{s.height / self.height:.2%}"></span>'
            for s in self.spots
        )
        return (
            f'<div style="position:relative;max-width:{self.width}px">'
            f'<img src="data:image/svg+xml;base64,{data}" alt="{_words(alt)}" style="width:100%"/>{boxes}</div>'
        )


def strips_picture(
    candidates: Sequence[Candidate], names: Sequence[str], *, ink: str = GREY, columns: int = 2
) -> Picture:
    """A strip a metric in rows of `columns`; model names stand at the left of each row.

    Every mark is a spot with its numbers.
    """
    rows = -(-len(names) // columns)
    strip = _HEAD + _ROW * len(candidates) + _FOOT
    width, height = _GUTTER + columns * (_PANEL + _GAP), _TOP + rows * strip
    parts, spots = [_legend()], []
    for k, name in enumerate(names):
        x, y = _GUTTER + (k % columns) * (_PANEL + _GAP), _TOP + (k // columns) * strip
        drawn, found = _strip(candidates, name, labelled=k % columns == 0)
        parts.append(f'<g transform="translate({x},{y})">{drawn}</g>')
        spots += [spot.moved(x, y) for spot in found]
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="12" fill="{ink}">{"".join(parts)}</svg>'
    )
    return Picture(svg, width, height, tuple(spots))


def _legend() -> str:
    parts = []
    for x, label, dash in ((_GUTTER, NULL_LABEL, NULL_DASH), (_GUTTER + 220, CEILING_LABEL, CEILING_DASH)):
        parts.append(_line(x, 12, x + 28, 12, REAL, dash) + f'<text x="{x + 36}" y="16">{_words(label)}</text>')
    return "".join(parts)


def _strip(candidates: Sequence[Candidate], name: str, *, labelled: bool) -> tuple[str, list[Spot]]:
    about = described(candidates, name)
    entries = [c.metric(name) for c in candidates]
    known = [
        v for e in entries for k in ("value", "low", "high", "null", "ceiling") if (v := getattr(e, k)) is not None
    ]
    place, ticks = _axis(known)
    bottom = _HEAD + _ROW * len(candidates)
    parts = [
        f'<text y="18" font-weight="bold">{_words(about.label)}</text>',
        f'<text y="33" font-size="11" opacity="0.75">{_words(about.goal)}</text>',
    ]
    spots = []
    parts += [f'<text x="{place(t):.1f}" y="{bottom + 16}" text-anchor="middle">{t:g}</text>' for t in ticks]
    lines = zip((NULL_LABEL, CEILING_LABEL), (NULL_DASH, CEILING_DASH), frame(candidates, name), strict=True)
    for label, dash, value in lines:
        if value is not None:
            parts.append(_line(place(value), _HEAD - 2, place(value), bottom, REAL, dash))
            spots.append(Spot(place(value), (_HEAD + bottom) / 2, 8, bottom - _HEAD, f"{label}: {number(value)}"))
    for row, (c, entry) in enumerate(zip(candidates, entries, strict=True)):
        y = _HEAD + _ROW * (row + 0.5)
        if labelled:
            parts.append(f'<text x="-12" y="{y + 4}" text-anchor="end">{_words(_short(c.label))}</text>')
        value, low, high = entry.value, entry.low, entry.high
        if value is None:
            short = _words(_short(entry.shown, _LETTERS))
            parts.append(f'<text x="2" y="{y + 4}" font-size="10" opacity="0.75">{short}</text>')
            spots.append(Spot(_PANEL / 2, y, _PANEL, _ROW, entry.shown))
            continue
        outline = f"M{place(value):.1f},{y}{_MARKS[model_symbol(c.model)]}"
        if low is not None and high is not None:
            outline += f"M{place(low):.1f},{y - 1}H{place(high):.1f}v2H{place(low):.1f}z"
        estimator = parameters(entry.params)
        shown = f"{c.label}: {entry.shown}{f' ({estimator})' if estimator else ''}"
        parts.append(f'<path d="{outline}" fill="{model_colour(c.model)}"/>')
        spots.append(Spot(place(value), y, 16, _ROW, shown))
    return "".join(parts), spots


def _axis(known: Sequence[float]) -> tuple[Callable[[float], float], list[float]]:
    """(value → pixels, two to five round ticks) for an axis that holds every value."""
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    if low == high:
        low, high = low - 0.1, high + 0.1
    margin = 0.04 * (high - low)
    low, high = low - margin, high + margin
    rough = (high - low) / 5
    unit = 10 ** math.floor(math.log10(rough))
    step = next(s * unit for s in (1, 2, 5, 10) if s * unit >= rough)
    ticks = [round(k * step, 12) for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return (lambda value: (value - low) / (high - low) * _PANEL), ticks


def _line(x1: float, y1: float, x2: float, y2: float, *style: str | Sequence[int]) -> str:
    """A line in a colour, dashed where dashes are given."""
    colour, *dash = style
    dashes = f' stroke-dasharray="{" ".join(map(str, dash[0]))}"' if dash else ""
    place = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {place} stroke="{colour}" stroke-width="2"{dashes}/>'


def _words(text: str) -> str:
    """Text for drawing and page: whatever a run is called, it is neither a tag nor the end of an attribute."""
    return escape(" ".join(text.split()))


def _short(label: str, most: int = 31) -> str:
    return label if len(label) <= most else label[: most - 1] + "…"

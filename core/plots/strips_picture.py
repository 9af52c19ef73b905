"""The scorecard as an SVG picture: what the pages show without the work of a chart library in the browser.

The same strips as `core.plots.strips`, which is what is saved and printed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

import numpy as np

from core.plots.numbers import interval, number, parameters
from core.plots.scorecard import Candidate, described, goal
from core.plots.style import CEILING_DASH, CEILING_LABEL, NULL_DASH, NULL_LABEL, REAL, model_colour, model_shape

GREY = "#7f7f7f"
"""For words in a file, which knows no theme: 4.0:1 on white and 4.6:1 on the dark background."""

_GUTTER, _PANEL, _GAP = 204, 300, 34
_LETTERS = 50  # of a reason that fit into a strip
_HEAD, _ROW, _FOOT, _TOP = 44, 18, 34, 28

# Markers around (0, 0), as wide as the points of a chart.
_MARKS = {
    "circle": '<circle r="5"/>',
    "square": '<path d="M-4.5,-4.5h9v9h-9z"/>',
    "triangle-up": '<path d="M0,-5.5L5.5,4.5H-5.5z"/>',
    "triangle-down": '<path d="M0,5.5L5.5,-4.5H-5.5z"/>',
    "triangle-right": '<path d="M5.5,0L-4.5,5.5V-5.5z"/>',
    "triangle-left": '<path d="M-5.5,0L4.5,5.5V-5.5z"/>',
    "diamond": '<path d="M0,-6L6,0L0,6L-6,0z"/>',
    "cross": '<path d="M-2,-6h4v4h4v4h-4v4h-4v-4h-4v-4h4z"/>',
}


def strips_picture(
    candidates: Sequence[Candidate], names: Sequence[str], *, alt: str = "", ink: str = GREY, columns: int = 2
) -> str:
    """SVG text of a strip a metric in rows of `columns`; model names stand at the left of each row.

    Every mark has its numbers as a title. As a part of a page (`ink="currentColor"`) the browser shows them under the
    pointer; in an image file it does not.
    """
    rows = -(-len(names) // columns)
    strip = _HEAD + _ROW * len(candidates) + _FOOT
    width, height = _GUTTER + columns * (_PANEL + _GAP), _TOP + rows * strip
    parts = [_legend()]
    for k, name in enumerate(names):
        x, y = _GUTTER + (k % columns) * (_PANEL + _GAP), _TOP + (k // columns) * strip
        parts.append(f'<g transform="translate({x},{y})">{_strip(candidates, name, labelled=k % columns == 0)}</g>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{_words(alt)}" style="max-width:100%;height:auto" '
        f'font-family="sans-serif" font-size="12" fill="{ink}">{"".join(parts)}</svg>'
    )


def _legend() -> str:
    parts = []
    for x, label, dash in ((_GUTTER, NULL_LABEL, NULL_DASH), (_GUTTER + 220, CEILING_LABEL, CEILING_DASH)):
        parts.append(_line(x, 12, x + 28, 12, REAL, dash) + f'<text x="{x + 36}" y="16">{_words(label)}</text>')
    return "".join(parts)


def _strip(candidates: Sequence[Candidate], name: str, *, labelled: bool) -> str:
    about = described(candidates, name)
    entries = [c.metric(name) for c in candidates]
    known = [v for e in entries for k in ("value", "low", "high", "null", "ceiling") if (v := e.get(k)) is not None]
    place, ticks = _axis(known)
    bottom = _HEAD + _ROW * len(candidates)
    way = _words(goal(about["direction"], about["target"]))
    parts = [
        f'<text y="18" font-weight="bold">{_words(about["label"])}</text>',
        f'<text y="33" font-size="11" opacity="0.75">{way}</text>',
    ]
    parts += [f'<text x="{place(t):.1f}" y="{bottom + 16}" text-anchor="middle">{t:g}</text>' for t in ticks]
    for key, dash in (("null", NULL_DASH), ("ceiling", CEILING_DASH)):
        value = next((e[key] for e in entries if e.get(key) is not None), None)
        if value is not None:
            label = NULL_LABEL if key == "null" else CEILING_LABEL
            rule = _line(place(value), _HEAD - 2, place(value), bottom, REAL, dash)
            parts.append(f"<g><title>{_words(label)}: {number(value)}</title>{rule}</g>")
    for row, (c, entry) in enumerate(zip(candidates, entries, strict=True)):
        y = _HEAD + _ROW * (row + 0.5)
        if labelled:
            parts.append(f'<text x="-12" y="{y + 4}" text-anchor="end">{_words(_short(c.label))}</text>')
        value, low, high = (entry.get(k) for k in ("value", "low", "high"))
        if value is None:
            reason = str(entry.get("reason") or "no reason given")
            parts.append(
                f'<text x="2" y="{y + 4}" font-size="10" opacity="0.75">{_words(_short(reason, _LETTERS))}'
                f"<title>{_words(reason)}</title></text>"
            )
            continue
        colour, mark = model_colour(c.model), _MARKS[model_shape(c.model)]
        if low is not None and high is not None:
            parts.append(_line(place(low), y, place(high), y, colour))
        estimator = parameters(entry.get("params"))
        shown = _words(f"{c.label}: {interval(value, low, high)}{f' ({estimator})' if estimator else ''}")
        parts.append(
            f'<g transform="translate({place(value):.1f},{y})" fill="{colour}"><title>{shown}</title>{mark}</g>'
        )
    return "".join(parts)


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
    return (lambda value: float(np.interp(value, (low, high), (0, _PANEL)))), ticks


def _line(x1: float, y1: float, x2: float, y2: float, *style: str | Sequence[int]) -> str:
    """A line in a colour, dashed where dashes are given."""
    colour, *dash = style
    dashes = f' stroke-dasharray="{" ".join(map(str, dash[0]))}"' if dash else ""
    place = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {place} stroke="{colour}" stroke-width="2"{dashes}/>'


def _words(text: str) -> str:
    """Text for the drawing: whatever a run is called, it is neither a tag nor, by an empty line, the drawing's end."""
    return escape(" ".join(text.split()))


def _short(label: str, most: int = 31) -> str:
    return label if len(label) <= most else label[: most - 1] + "…"

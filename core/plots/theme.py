"""Colours, symbols and the one template that every chart shares, in light and dark."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from core.config import catalogue

REAL = "#8c8c8c"
"""Real data, always: 3.4:1 on white and 5.3:1 on the dark background."""

NULL_LABEL = "Null: independent sites"
CEILING_LABEL = "Ceiling: real against real"
NULL_DASH, CEILING_DASH = "dot", "dash"

# Okabe & Ito 2008, without its black, with the yellow darkened until it can be seen on white.
ORANGE, SKY, GREEN, YELLOW = "#e69f00", "#56b4e9", "#009e73", "#c9b400"
BLUE, VERMILLION, PURPLE = "#2f7fc1", "#d55e00", "#cc79a7"

_POPULATIONS = (BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY, YELLOW, "#7b61c4", "#8a5a2b", "#17a2a8")
SYMBOLS = (
    *("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left"),
    *("pentagon", "hexagon", "star", "x", "star-triangle-up", "hourglass", "bowtie", "hexagram"),
)

FONT = "DejaVu Sans, Liberation Sans, Helvetica, Arial, sans-serif"


def model_colour(name: str) -> str:
    """The colour of a model or preset, as its registration or its file has it."""
    return catalogue.colour(name)


def model_symbol(name: str) -> str:
    """The marker of a model, so that colour is never the only sign."""
    return SYMBOLS[catalogue.place(name) % len(SYMBOLS)]


def population_colours(labels: Sequence[str]) -> dict[str, str]:
    """Colour of each population of a dataset: by alphabetical order, hence the same on every page."""
    return {label: _POPULATIONS[i % len(_POPULATIONS)] for i, label in enumerate(sorted(labels))}


def population_symbols(labels: Sequence[str]) -> dict[str, str]:
    """Marker of each population; colour and shape together tell 80 populations apart."""
    return {label: SYMBOLS[(i + i // len(_POPULATIONS)) % len(SYMBOLS)] for i, label in enumerate(sorted(labels))}


SEQUENTIAL = "Viridis"
DIVERGING = "PuOr_r"

_AXIS = {"gridcolor": "#e8e8e8", "linecolor": "#cccccc", "zeroline": False, "automargin": True, "title_standoff": 8}

TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": FONT, "size": 13, "color": "#333333"},
        "title": {"font": {"size": 15}, "x": 0, "xanchor": "left"},
        "colorway": list(_POPULATIONS),
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hovermode": "closest",
        "dragmode": "zoom",
        "margin": {"l": 56, "r": 16, "t": 40, "b": 48},
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.0, "xanchor": "left", "x": 0.0},
        "xaxis": _AXIS,
        "yaxis": _AXIS,
    }
)
"""Look of every chart. On a page Streamlit's own theme replaces fonts, grid and backgrounds and follows a switch to
dark, so neither a text colour nor an axis colour belongs into a figure's layout: it would not follow. The report page
keeps the template as it stands."""

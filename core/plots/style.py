"""Colours and shapes that mean the same on every chart, in light and dark."""

from __future__ import annotations

from collections.abc import Sequence

from core.config import catalogue

REAL = "#8c8c8c"
"""Real data, always: 3.4:1 on white and 5.3:1 on the dark background."""

NULL_LABEL = "Null: independent sites"
CEILING_LABEL = "Ceiling: real against real"
NULL_DASH = [2, 3]
CEILING_DASH = [7, 3]

# Okabe & Ito 2008, without its black, with the yellow darkened until it can be seen on white.
ORANGE, SKY, GREEN, YELLOW = "#e69f00", "#56b4e9", "#009e73", "#c9b400"
BLUE, VERMILLION, PURPLE = "#2f7fc1", "#d55e00", "#cc79a7"

_POPULATIONS = (BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY, YELLOW, "#7b61c4", "#8a5a2b", "#17a2a8")
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left")

FONT = "DejaVu Sans, Liberation Sans, Helvetica, Arial, sans-serif"


def model_colour(name: str) -> str:
    """The colour of a model or preset, as its registration or its file has it."""
    return catalogue.colour(name)


def model_shape(name: str) -> str:
    """The marker of a model, so that colour is never the only sign."""
    return SHAPES[catalogue.place(name) % len(SHAPES)]


def population_colours(labels: Sequence[str]) -> dict[str, str]:
    """Colour of each population of a dataset: by alphabetical order, hence the same on every page."""
    return {label: _POPULATIONS[i % len(_POPULATIONS)] for i, label in enumerate(sorted(labels))}


def population_shapes(labels: Sequence[str]) -> dict[str, str]:
    """Marker of each population; colour and shape together tell 80 populations apart."""
    return {label: SHAPES[(i + i // len(_POPULATIONS)) % len(SHAPES)] for i, label in enumerate(sorted(labels))}


EXPORT_CONFIG = {
    "background": "white",
    "font": FONT,
    "padding": 12,
    "view": {"stroke": "#dddddd"},
    "axis": {"gridColor": "#e8e8e8", "labelColor": "#333333", "titleColor": "#333333", "labelFontSize": 12},
    "legend": {"labelColor": "#333333", "titleColor": "#333333", "labelFontSize": 12},
}
"""Look of a downloaded figure: always on white, whatever the theme of the page."""

"""What a recipe found: one sentence that says what was learned, and the points that show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """What was learned from several runs.

    Attributes:
        sentence: computed from the figures.
        x, y: titles of the axes.
        points: {"series", "x", "y"} and, where measured, "low", "high"; `x` a number on a line, else the name of a row.
        models: series → the preset or model whose colour it has; another has a colour of its own.
        logarithmic: whether the numbers along x are far apart.
    """

    sentence: str
    x: str
    y: str
    points: list[dict[str, Any]]
    models: Mapping[str, str]
    logarithmic: bool = False

    @property
    def series(self) -> list[str]:
        """The names of the lines or kinds of point, in order."""
        return list(dict.fromkeys(str(point["series"]) for point in self.points))

    @property
    def numeric(self) -> bool:
        """Whether the points lie on lines over a number."""
        return all(isinstance(point["x"], int | float) for point in self.points)

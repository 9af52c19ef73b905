"""What every figure must hold."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from core.plots.figure import Figure

_LONGEST = 600  # numbers that may travel as text: labels, ticks and colour scales, never data


def valid(figure: Figure) -> Figure:
    """Check that a figure is whole: a height, words, a table, and no long list of numbers that travels as text."""
    assert figure.plot.layout.height
    assert figure.alt.rstrip().endswith(".")
    rows = list(csv.reader(io.StringIO(figure.csv())))
    assert len(rows) > 1 and all(len(row) == len(rows[0]) for row in rows)
    for values in _lists(json.loads(figure.plot.to_json())):
        assert len(values) < _LONGEST or isinstance(values[0], str), "numbers travel as typed arrays"
    return figure


def _lists(node: Any) -> Iterator[list[Any]]:
    if isinstance(node, list):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _lists(child)

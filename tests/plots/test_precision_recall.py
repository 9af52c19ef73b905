"""Precision and recall: the lines are the curves of the reports, and each population has its points."""

from __future__ import annotations

import pytest

from core.plots.precision_recall import PANELS, curves, label_columns, populations
from tests.plots.checks import valid
from tests.plots.examples import CANDIDATES


@pytest.mark.parametrize("names", [["precision", "recall"], ["density", "coverage"]])
def test_two_panels_with_a_line_for_each_model_and_reference(names: list[str]) -> None:
    figure = curves(CANDIDATES, names)
    assert figure is not None
    traces = valid(figure).plot.data
    labels = ["Null: independent sites", "Ceiling: real against real", *(c.label for c in CANDIDATES)]
    assert [trace.name for trace in traces] == 2 * labels
    assert [trace.showlegend for trace in traces] == [True] * len(labels) + [False] * len(labels)
    assert list(traces[-1].x) == [3, 5, 10] and traces[-1].xaxis == "x2"
    assert set(figure.table["metric"]) == set(names) <= set(PANELS)


def test_each_population_has_a_point_of_each_model() -> None:
    assert label_columns(CANDIDATES) == ["population"]
    figure = populations(CANDIDATES, "recall", "population")
    assert figure is not None
    first = valid(figure).plot.data[0]
    assert first.x[0] == pytest.approx(0.7) and first.y[0] == "A&lt;b&gt; (n=30)"
    assert populations(CANDIDATES, "precision", "population") is None

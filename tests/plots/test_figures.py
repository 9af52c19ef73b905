"""Figures: valid for Vega-Lite, their numbers whole, their windows those of the matrix."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
import vl_convert
from hypothesis import given, settings
from hypothesis import strategies as st

from core.plots import structure
from core.plots.colormaps import DIVERGING, SEQUENTIAL, colour_table
from core.plots.precision_recall import PANELS, curves, populations
from core.plots.render import render, standalone
from core.plots.theme import REAL, model_colour, model_symbol, population_colours, population_symbols
from core.plots.vega import Figure, columns_of, grid, records
from core.words import ago, interval, number, position
from tests.plots.examples import CANDIDATES, score_data


def figures() -> dict[str, Figure | None]:
    one = CANDIDATES[0]
    scores = score_data()
    return {
        "curves": curves(CANDIDATES, list(PANELS)),
        "populations": populations(CANDIDATES, "recall", "population"),
        "overlay": structure.overlay(scores, one, 1, 2),
        "by population": structure.by_population(scores, one, "population", 2, 3),
        "spread": structure.spread([(one, scores)]),
    }


FIGURES = figures()


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_valid_and_whole(name: str) -> None:
    figure = FIGURES[name]
    assert figure is not None
    compiled = vl_convert.vegalite_to_vega(standalone(figure))
    assert compiled["marks"]
    json.dumps(figure.inlined(), allow_nan=False)
    rows = list(csv.reader(io.StringIO(figure.csv())))
    assert len(rows) > 1 and all(len(row) == len(rows[0]) for row in rows)
    assert figure.alt.rstrip().endswith(".")


def test_a_figure_is_rendered_in_a_process_of_its_own() -> None:
    figure = FIGURES["curves"]
    assert figure is not None
    svg = render(figure, "svg").decode()
    assert svg.startswith("<svg") and "Precision" in svg and REAL in svg
    assert render(figure, "png").startswith(b"\x89PNG")


def test_colour_tables_run_from_end_to_end() -> None:
    for stops in (SEQUENTIAL, DIVERGING):
        found = colour_table(tuple(stops))
        ends = ["#" + "".join(f"{c:02x}" for c in found[k]) for k in (0, -1)]
        assert ends == [stops[0], stops[-1]]


def test_no_two_shipped_models_look_alike_and_none_looks_real() -> None:
    names = ["wgan_gp", "wgan_gp_published", "independent_sites", "gaussian_copula", "haplotype_mosaic", "resample"]
    assert len({model_colour(n) for n in names}) == len({model_symbol(n) for n in names}) == len(names)
    assert REAL not in {model_colour(n) for n in [*names, "something", "else"]}
    assert model_colour("something") == model_colour("something")


def test_eighty_populations_differ_in_colour_or_shape_and_keep_theirs() -> None:
    labels = [f"P{i:02d}" for i in range(80)]
    colours, shapes = population_colours(labels), population_symbols(labels)
    assert len({(colours[k], shapes[k]) for k in labels}) == 80
    assert population_colours(labels[::-1]) == colours


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=20))
@settings(max_examples=50)
def test_what_json_cannot_say_becomes_null(values: list[float]) -> None:
    rows = records({"x": values, "y": np.array(values)})
    json.dumps(rows, allow_nan=False)
    assert len(rows) == len(values)
    assert all((row["x"] is None) == (not np.isfinite(v)) for row, v in zip(rows, values, strict=True))


def test_rows_and_columns_are_inverse() -> None:
    rows = [{"a": 1, "b": None}, {"a": 2, "b": "x"}]
    assert records(columns_of(rows)) == rows


def test_a_grid_has_rows_of_columns() -> None:
    assert [len(row["hconcat"]) for row in grid([{}] * 5, 2)["vconcat"]] == [2, 2, 1]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"), (float("nan"), "–"), (0.0, "0"), (0.9876, "0.988"), (0.0312, "0.0312"), (12345.6, "12,346"),
        (1.0, "1.00"), (-0.00037, "-0.00037"),
    ],
)  # fmt: skip
def test_numbers_for_readers(value: float | None, text: str) -> None:
    assert number(value) == text


def test_intervals_positions_and_times_for_readers() -> None:
    assert interval(0.5, 0.4, 0.6) == "0.500 (0.400–0.600)"
    assert interval(0.5, None, None) == "0.500"
    assert [position(x) for x in (850, 12_500, 3_420_000)] == ["850 bp", "12.5 kb", "3.42 Mb"]
    assert ago("not a time") == "" and ago(None) == ""

"""Figures: valid for Vega-Lite, their numbers whole, their windows those of the matrix."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
import vl_convert
from hypothesis import given, settings
from hypothesis import strategies as st

from core.plots import frequencies, linkage, structure
from core.plots.colormaps import DIVERGING, SEQUENTIAL, colour_table
from core.plots.figure import Figure, columns_of, grid, records
from core.plots.frequency_curves import by_frequency
from core.plots.inbreeding import inbreeding
from core.plots.linkage_decay import decay
from core.plots.linkage_picture import turned
from core.plots.precision_recall import PANELS, curves, populations
from core.plots.render import render, standalone
from core.plots.report_page import report_page
from core.plots.strips import strips
from core.plots.strips_picture import strips_picture
from core.plots.style import REAL, model_colour, model_shape, population_colours, population_shapes
from core.reports.linkage_bands import pack
from core.reports.linkage_windows import contigs
from core.reports.standing import Candidate
from core.words import ago, interval, number, position

RNG = np.random.default_rng(3)


def report(shift: float = 0.0) -> dict:
    """A report with one of everything that is drawn."""
    entry = {"value": 0.5 + shift, "low": 0.4, "high": 0.6, "null": 0.1, "ceiling": 0.9, "direction": "higher"}
    ks = [{"k": k, **{p + n: 0.5 for p in ("", "null_", "ceiling_") for n in PANELS}} for k in (3, 5, 10)]
    where = [
        {"distance": d, "count": 9, "real": 0.4, "synthetic": 0.3, "null": 0.0, "ceiling": 0.4} for d in (1e3, 1e4)
    ]
    bins = [{"low": 0.0, "high": 0.1, "count": 5, "rmse": 0.01, "null_rmse": 0.02, "ceiling_rmse": None}]
    groups = [{"column": "population", "population": "A<b>", "n": 30, "n_synthetic": 3, "k": 5, "recall": 0.7}]
    return {
        "n": {"synthetic": 40, "reference": 40, "variants": 30},
        "seed": 1,
        "metrics": {"ld_r": entry, "recall": {**entry, "value": None, "reason": "Too few <i>individuals</i>."}},
        "curves": {
            "precision_recall": ks,
            "precision_recall_by_population": groups,
            "ld_decay": where,
            "allele_frequency_bins": bins,
        },
        "flags": [{"name": "lost_linkage", "evidence": "<script>1</script>", "advice": "Train longer."}],
    }


CANDIDATES = [Candidate("WGAN-GP", "wgan_gp", report()), Candidate("Mosaic <b>", "haplotype_mosaic", report(0.1))]


def window(size: int, width: int = 600, low: float = 0, high: float = 1e9):
    """A window of a contig of `size` variants 1 kb apart, with random r²; and the two matrices behind it."""
    matrices = {}
    stored = {
        "contig": np.array(["1"]),
        "position_0": np.arange(1, size + 1) * 1000,
        "id_0": np.array([f"v{i}" for i in range(size)]),
    }
    for name in ("real", "synthetic"):
        values = RNG.random((size, size))
        matrices[name] = (values + values.T) / 2
        band = np.full((size, min(width, size - 1)), np.nan)
        for step in range(band.shape[1]):
            band[: size - 1 - step, step] = np.diagonal(matrices[name], step + 1)
        stored[f"{name}_0"] = pack(band)
    if size > width + 1:
        edges = np.linspace(0, size, 11).astype(int)
        stored["overview_edges_0"] = edges
        for name, matrix in matrices.items():
            stored[f"overview_{name}_0"] = matrix[np.ix_(edges[:-1], edges[:-1])].astype(np.float16)
    return contigs(stored)["1"].window(low, high), matrices


def frequency_data(m: int) -> frequencies.Frequencies:
    p = RNG.random(m)
    made = np.clip(p + RNG.normal(0, 0.05, m), 0, 1)
    shares = [np.stack([(1 - q) ** 2, 2 * q * (1 - q), q**2]) for q in (p, made)]
    return frequencies.Frequencies(p, made, shares[0], shares[1], 50, 50, [f"v{i}" for i in range(m)])


def score_data() -> structure.Scores:
    labels = {"population": RNG.choice(["A", "B", ""], 60)}
    real, made = (RNG.normal(size=(60, 4)).astype(np.float32) for _ in range(2))
    return structure.Scores(real, made, np.array([0.3, 0.2, 0.1, 0.05]), real, labels, labels)


def figures() -> dict[str, Figure | None]:
    one = CANDIDATES[0]
    views: tuple[linkage.View, ...] = ("real", "synthetic", "difference")
    scores = score_data()
    f_is = {key: RNG.normal(0, 0.1, 50) for key in ("real", "synthetic", "null")}
    return {
        "strips": strips(CANDIDATES, ["ld_r", "recall"]),
        "triangles": linkage.triangles(window(30)[0], views, "WGAN-GP"),
        "picture": linkage.triangles(window(700)[0], views, "WGAN-GP"),
        "decay": decay(CANDIDATES),
        "curves": curves(CANDIDATES, list(PANELS)),
        "populations": populations(CANDIDATES, "recall", "population"),
        "alleles": frequencies.alleles(frequency_data(100), one),
        "many alleles": frequencies.alleles(frequency_data(5000), one),
        "genotypes": frequencies.genotypes(frequency_data(100), one),
        "bins": by_frequency(CANDIDATES, "allele_frequency_bins", "frequency", "rmse", titles=("Frequency", "Error")),
        "inbreeding": inbreeding(f_is, one),
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
    figure = FIGURES["decay"]
    assert figure is not None
    svg = render(figure, "svg").decode()
    assert svg.startswith("<svg") and "Distance between variants" in svg and REAL in svg
    assert render(figure, "png").startswith(b"\x89PNG")


def test_the_comparison_page_stands_alone_and_escapes_names() -> None:
    page = report_page("Models of <demo>", CANDIDATES, CANDIDATES[0])
    assert "<script" not in page and "http" not in page.replace("http://www.w3.org", "")
    assert "Mosaic &lt;b&gt;" in page and "Too few &lt;i&gt;individuals" in page
    assert "<svg" in page and "Train longer." in page


def test_a_window_is_cut_by_position() -> None:
    shown, matrices = window(40, low=5_500, high=20_000)
    assert list(shown.position) == list(range(6_000, 20_001, 1_000))
    expected = matrices["real"][5:20, 5:20].copy()
    np.fill_diagonal(expected, 1)
    np.testing.assert_allclose(shown.real, expected, atol=0.003)
    pair = shown.pair(0, 3)
    assert pair["variants"] == ("v5", "v8") and pair["apart"] == "3.0 kb"
    assert pair["synthetic"] == pytest.approx(matrices["synthetic"][5, 8], abs=0.003)


def test_a_wide_window_is_pooled_and_says_so() -> None:
    shown, _ = window(900)
    assert shown.pooled and shown.variants == 900 and shown.size == 10
    narrow, _ = window(900, high=300_000)
    assert not narrow.pooled and narrow.size == 300


def test_pictures_are_used_above_the_limit_and_marks_below() -> None:
    below = linkage.triangles(window(linkage.INTERACTIVE)[0], ("difference",), "x")
    above = linkage.triangles(window(linkage.INTERACTIVE + 1)[0], ("difference",), "x")
    assert below.selections == ("pair_difference",) and len(below.data["pairs"]["i"]) == 500 * 499 // 2
    assert above.selections == () and "image" in json.dumps(above.spec)


@pytest.mark.parametrize("size", [2, 10, 40])
def test_a_turned_matrix_shows_each_pair_where_it_belongs(size: int) -> None:
    values = RNG.random((size, size))
    values = (values + values.T) / 2
    width, height = 400, 200
    shown = turned(values, width, height)
    i, j = 0, size - 1
    column = int(((i + j) / 2 + 0.5) / size * width)
    row = int((1 - (j - i) / size) * height)
    assert shown[min(row, height - 1), min(column, width - 1)] == pytest.approx(values[i, j])
    assert np.isnan(shown[0, 0]) and np.isnan(shown[0, -1])


def test_a_picture_of_many_pairs_shows_their_means() -> None:
    shown = turned(np.full((5000, 5000), 0.25, dtype=np.float32), 300, 150)
    assert np.nanmin(shown) == pytest.approx(0.25) and np.nanmax(shown) == pytest.approx(0.25)
    assert 0.45 < np.isfinite(shown).mean() < 0.55


def test_colour_tables_run_from_end_to_end() -> None:
    for stops in (SEQUENTIAL, DIVERGING):
        found = colour_table(tuple(stops))
        ends = ["#" + "".join(f"{c:02x}" for c in found[k]) for k in (0, -1)]
        assert ends == [stops[0], stops[-1]]


def test_no_two_shipped_models_look_alike_and_none_looks_real() -> None:
    names = ["wgan_gp", "wgan_gp_published", "independent_sites", "gaussian_copula", "haplotype_mosaic", "resample"]
    assert len({model_colour(n) for n in names}) == len({model_shape(n) for n in names}) == len(names)
    assert REAL not in {model_colour(n) for n in [*names, "something", "else"]}
    assert model_colour("something") == model_colour("something")


def test_eighty_populations_differ_in_colour_or_shape_and_keep_theirs() -> None:
    labels = [f"P{i:02d}" for i in range(80)]
    colours, shapes = population_colours(labels), population_shapes(labels)
    assert len({(colours[k], shapes[k]) for k in labels}) == 80
    assert population_colours(labels[::-1]) == colours


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=20))
@settings(max_examples=50, deadline=None)
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


def test_the_picture_of_the_scorecard_is_well_formed_and_holds_every_model() -> None:
    from xml.etree import ElementTree

    blank_line = replace(CANDIDATES[0], label="Ends\n\n[here](there)")
    picture = strips_picture([*CANDIDATES, blank_line], ["ld_r", "recall"])
    drawn = ElementTree.fromstring(picture.svg)
    assert {node.tag.split("}")[1] for node in drawn.iter()} <= {"svg", "g", "text", "line", "path"}
    words = " ".join(drawn.itertext())
    assert "Mosaic <b>" in words and "WGAN-GP" in words and "Ends [here](there)" in words
    assert model_colour("wgan_gp") in picture.svg and REAL in picture.svg

    page = ElementTree.fromstring(picture.html('what it "says"'))
    image, *boxes = page
    assert image.get("alt") == 'what it "says"' and len(boxes) == len(picture.spots)
    assert any("Too few <i>individuals</i>." in str(box.get("title")) for box in boxes)
    for spot in picture.spots:
        assert spot.width / 2 <= spot.x <= picture.width and 0 <= spot.y <= picture.height

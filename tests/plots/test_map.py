"""Maps of sets: every set where its layout puts it, with its colour, its words and its number."""

from __future__ import annotations

import numpy as np
import pytest

from core.plots.map import MANY, SetMap, set_map
from tests.plots.checks import valid

RNG = np.random.default_rng(9)


def sets(count: int, labels: int = 3) -> SetMap:
    places = RNG.normal(size=(count, 3))
    places[0] = np.nan
    return SetMap(
        {"pca": places, "umap": places[:, :2]},
        np.array([f"s<{i}>" for i in range(count)]),
        np.where(np.arange(count) % 5, "train", "holdout"),
        np.arange(count) + 10,
        {"fate": np.array([f"f{i % labels}" for i in range(count)]), "day": np.arange(count, dtype=float)},
        np.array([0.5, 0.25, 0.1]),
    )


def test_every_set_lies_where_the_layout_puts_it_and_says_what_it_is() -> None:
    known = sets(40)
    figure = valid(set_map(known, "pca", "fate"))
    seen = []
    for trace in figure.plot.data:
        rows = np.asarray(trace.customdata)
        assert np.asarray(trace.x) == pytest.approx(known.places["pca"][rows, 0], abs=1e-6)
        assert set(known.columns["fate"][rows]) == {trace.name}
        assert "<b>s&lt;" in trace.text[0] and f"fate: {trace.name}" in trace.text[0]
        seen += rows.tolist()
    assert sorted(seen) == list(range(1, 40))  # the layout leaves the first one out
    assert figure.plot.layout.xaxis.title.text == "PC1 (50%)"


def test_a_number_is_coloured_by_its_size_and_rare_labels_are_one() -> None:
    (trace,) = valid(set_map(sets(40), "umap", "day")).plot.data
    assert np.asarray(trace.marker.color).tolist() == list(range(1, 40))
    assert trace.marker.colorbar.title.text == "day"
    names = [trace.name for trace in set_map(sets(90, labels=30), "umap", "fate").plot.data]
    assert len(names) == MANY + 1 and names[-1] == "other"


def test_marked_sets_have_their_letters_in_two_and_three_dimensions() -> None:
    known = sets(40)
    flat = set_map(known, "pca", "fate", marked={"s<3>": "A", "s<0>": "B"}, outline=np.zeros((5, 2)))
    (pin,) = flat.plot.layout.annotations  # B has no place on this map
    assert pin.text == "<b>A</b>" and pin.x == pytest.approx(known.places["pca"][3, 0])
    assert flat.plot.data[-1].mode == "lines"
    solid = valid(set_map(known, "pca", "fate", marked={"s<3>": "A"}, solid=True))
    assert {trace.type for trace in solid.plot.data} == {"scatter3d"}
    assert solid.plot.layout.scene.annotations[0].z == pytest.approx(known.places["pca"][3, 2])


def test_thousands_of_sets_are_drawn_by_webgl() -> None:
    assert {trace.type for trace in set_map(sets(2500), "pca", "fate").plot.data} == {"scattergl"}

"""Figures of a collection of sets: their numbers against the sets, and that each can be drawn."""

from __future__ import annotations

import numpy as np
import pytest

from core.data.dataset import Dataset
from core.data.description import kind_of, size_of
from core.data.library import Library
from core.data.profile.collection import glimpse, overview
from core.plots import collection as figures
from tests.plots.checks import valid


@pytest.fixture
def clones() -> Dataset:
    return Library().open("demo-clones")


def test_every_figure_can_be_drawn_and_told(clones: Dataset) -> None:
    found = overview(clones)
    drawn = [
        figures.set_sizes(found),
        figures.set_labels(found, "fate"),
        figures.set_covariate(found, "day"),
        figures.feature_ranges(found),
        figures.some_sets(glimpse(clones.collection(), clones.split())),
    ]
    for figure in drawn:
        assert figure is not None
        assert valid(figure).caption


def test_figures_count_every_set(clones: Dataset) -> None:
    found, sets = overview(clones), clones.collection()
    assert sum(figures.set_sizes(found).table["count"]) == sets.s
    labels = figures.set_labels(found, "fate")
    assert labels is not None and sum(labels.table["sets"]) == sets.s
    features = figures.feature_ranges(found)
    assert features is not None
    sampled = np.asarray(features.table["mean"])
    assert sampled == pytest.approx(np.asarray(sets.observations).mean(axis=0), abs=0.05)


def test_what_is_not_there_is_not_drawn(clones: Dataset) -> None:
    found = overview(clones)
    assert figures.set_labels(found, "no such") is None
    assert figures.set_covariate(found, "no such") is None
    alone = {"column": "id", "missing": 0, "values": [{"value": v, "individuals": 1, "holdout": 0} for v in "ab"]}
    assert figures.set_labels({**found, "labels": [alone]}, "id") is None
    assert figures.feature_ranges({**found, "features": []}) is None


def test_sizes_in_words() -> None:
    metas = {meta.name: meta for meta in Library().list()}
    assert size_of(metas["demo"]) == "2,000 individuals × 1,000 variants"
    assert size_of(metas["demo-clones"]) == "360 sets, 17,106 observations × 12 features"
    assert size_of(metas["demo-digits"]) == "96 sets, 2,880 images of 8 × 8 pixels"
    assert kind_of(metas["demo-digits"]) == "Sets of images"

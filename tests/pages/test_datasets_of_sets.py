"""The Datasets page on collections of sets: table, profile, import of each format, simulation."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.data.library import Library
from core.data.sets import from_groups
from tests.pages.routed import routed  # noqa: F401
from tests.pages.set_home import alts
from tests.pages.test_datasets import library, open_page, text

__all__ = ["library"]


def metrics(app: object) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}  # type: ignore[attr-defined]


def test_both_kinds_stand_in_one_table(home: Path) -> None:
    app = open_page()
    table = app.dataframe[0].value
    found = dict(zip(table["Name"], zip(table["Kind"], table["Size"], strict=True), strict=True))
    assert found["demo"] == ("Genotypes", "2,000 individuals × 1,000 variants")
    assert found["demo-digits"] == ("Sets of images", "96 sets, 2,880 images of 8 × 8 pixels")


def test_profile_of_vectors(home: Path) -> None:
    app = open_page(dataset="demo-clones")
    assert metrics(app)["Sets"] == "360" and metrics(app)["Observations"] == "17,106"
    found = alts(app)
    assert [alt.split(":")[0].split(" ")[0] for alt in found] == ["Set", "Sets", "day", "Mean", "6"]
    app.selectbox(key="labels").set_value("clone").run()
    assert not app.exception and len(alts(app)) == 5


def test_a_label_column_of_another_dataset_is_no_fault(home: Path) -> None:
    app = open_page(dataset="demo-clones")
    app.selectbox(key="labels").set_value("clone").run()
    for name in ("demo", "demo-digits", "demo-clones"):
        app.selectbox(key="dataset").set_value(name).run()
        assert not app.exception


def test_profile_of_images_and_of_sequences(library: Library) -> None:
    rng = np.random.default_rng(0)
    group = np.repeat([f"s{i}" for i in range(12)], 10)
    codes = rng.integers(0, 4, size=(120, 20)).astype(np.int8)
    library.add_sets(from_groups(codes, group, modality="sequence", alphabet="ACGT"), name="sequences")
    images = rng.integers(0, 255, size=(120, 1, 8, 8)).astype(np.uint8)
    library.add_sets(from_groups(images, group, modality="image"), name="images")
    app = open_page(dataset="sequences")
    letters = app.dataframe[-1].value["Some of them"]
    assert all(set(word) <= set("ACGT") for word in letters)
    assert "There are only 12 sets" in text(app)
    app = open_page(dataset="images")
    assert not app.exception and metrics(app)["An observation"] == "Image"
    assert sum("10 images" in caption.value for caption in app.caption) == 6

"""Which individuals of a cohort a run uses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.config.experiments import compose
from core.data.dataset import Dataset
from core.data.genotypes import Genotypes
from core.data.library import Library
from core.data.selection import cohort_split
from core.errors import InputError
from core.runs.submission import prepare


@pytest.fixture
def dataset(home: Path, tiny: Genotypes) -> Dataset:
    library = Library(home / "datasets", embedded=home / "none")
    return library.open(library.add(tiny, name="cohort").id)


def view(**settings: object) -> dict[str, object]:
    return {"dataset": {"view": settings}}


def test_without_a_view_all_individuals_are_used(dataset: Dataset) -> None:
    split, own = cohort_split(dataset, {"dataset": {}}), dataset.split()
    assert np.array_equal(split.train, own.train) and np.array_equal(split.holdout, own.holdout)


def test_a_smaller_cohort_keeps_the_shares_and_the_sides(dataset: Dataset) -> None:
    split, own = cohort_split(dataset, view(max_individuals=40)), dataset.split()
    assert (len(split.train), len(split.holdout)) == (32, 8)
    assert set(split.train) <= set(own.train) and set(split.holdout) <= set(own.holdout)
    assert len(cohort_split(dataset, view(max_individuals=5000)).train) == len(own.train)


def test_one_population_is_trained_on_and_another_judges(dataset: Dataset, tiny: Genotypes) -> None:
    labels = tiny.labels["population"]
    split = cohort_split(dataset, view(train_on="NORTH", test_on="SOUTH"))
    assert set(labels[split.train]) == {"NORTH"} and set(labels[split.holdout]) == {"SOUTH"}
    assert set(labels[cohort_split(dataset, view(train_on="NORTH")).holdout]) == {"NORTH"}
    assert set(labels[cohort_split(dataset, view(test_on="SOUTH")).train]) == {"NORTH", "SOUTH"}


def test_a_run_keeps_its_view_and_counts_by_it(dataset: Dataset, home: Path) -> None:
    library = Library(home / "datasets", embedded=home / "none")
    whole = prepare(compose(["experiment=resample"]), "cohort", library)
    assert "view" not in whole["dataset"] and whole["split"] == {"train": 64, "holdout": 16}
    words = ["experiment=resample", "dataset.max_individuals=40", "dataset.train_on=NORTH"]
    part = prepare(compose(words), "cohort", library)
    assert part["dataset"]["view"] == {"max_individuals": 40, "train_on": "NORTH", "test_on": ""}
    assert part["split"] == {"train": 32, "holdout": 8}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["dataset.train_on=EAST"], "dataset.train_on is 'EAST', of which there are 0 .*NORTH, SOUTH"),
        (["dataset.test_on=EAST"], "dataset.test_on is 'EAST'"),
        (["dataset.individuals=4"], "no setting 'dataset.individuals'"),
        (["dataset.max_individuals=-1"], "at least 0"),
    ],
)
def test_what_is_not_there_is_said(dataset: Dataset, home: Path, words: list[str], said: str) -> None:
    library = Library(home / "datasets", embedded=home / "none")
    with pytest.raises(InputError, match=said):
        prepare(compose(["experiment=resample", *words]), "cohort", library)

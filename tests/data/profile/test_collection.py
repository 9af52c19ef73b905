"""The overview of a collection: its counts, its warnings, and the few sets that are shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.data.library import Library
from core.data.profile.collection import OBSERVATIONS, SHOWN, glimpse, overview, profile_collection, spelled
from core.data.profile.collection_warnings import warnings_of
from core.data.sets import SetCollection
from tests.sets import from_groups


def collection(sizes: list[int], **columns: Any) -> SetCollection:
    rng = np.random.default_rng(0)
    group = np.repeat([f"s{i}" for i in range(len(sizes))], sizes)
    x = rng.normal(size=(len(group), 3)).astype(np.float32)
    return from_groups(x, group, feature=np.array(["a", "b", "c"]), **columns)


def test_sizes_labels_and_covariates_are_counted(home: Path) -> None:
    sizes = [20] * 30 + [40] * 10
    kind = np.array(["x"] * 30 + ["y"] * 10)
    sets = collection(sizes, labels={"kind": kind}, covariates={"dose": np.arange(40.0)})
    library = Library()
    found = overview(library.open(library.add(sets, name="forty").id))
    counts = found["sizes"]["histogram"]
    assert sum(counts["counts"]) == 40 and max(counts["counts"]) == 30
    (kinds,) = found["labels"]
    assert [(one["value"], one["individuals"]) for one in kinds["values"]] == [("x", 30), ("y", 10)]
    assert sum(one["holdout"] for one in kinds["values"]) == found["split"]["holdout"]
    assert found["covariates"][0]["mean"] == pytest.approx(19.5)
    assert [one["feature"] for one in found["features"]] == ["a", "b", "c"]
    assert 0 <= found["mean_share"] < 0.2
    assert not [one for one in found["warnings"] if one["severity"] == "warning"]


def test_the_features_are_summed_up_at_import() -> None:
    x = np.stack([np.arange(10.0), np.ones(10)], axis=1).astype(np.float32)
    arrays = profile_collection(from_groups(x, np.arange(10) % 2, feature=np.array(["x", "y"])))["arrays"]
    assert arrays["size"].tolist() == [5, 5]
    assert arrays["feature_mean"].tolist() == [4.5, 1.0]
    assert arrays["feature_deviation"][1] == 0


def test_few_shares_are_not_codes_of_classes(home: Path) -> None:
    shares = np.tile([0.0, 0.1, 0.25, 1.0], 10)
    library = Library()
    sets = collection([20] * 40, covariates={"share": shares, "day": np.tile([2.0, 4.0], 20)})
    share, day = overview(library.open(library.add(sets, name="forty").id))["covariates"]
    widths = np.diff(share["histogram"]["edges"])
    assert widths == pytest.approx(widths[0]) and sum(share["histogram"]["counts"]) == 40
    assert day["histogram"]["counts"] == [20, 20]


def label(column: str, *counts: int) -> dict[str, Any]:
    values = [{"value": f"v{i}", "individuals": n} for i, n in enumerate(counts)]
    return {"column": column, "missing": 0, "values": values}


def told(**changed: Any) -> list[str]:
    """Warnings of a collection without a fault, but for what is `changed`."""
    faultless: dict[str, Any] = {
        "sets": 100, "sizes": {"min": 20, "median": 40, "max": 90}, "labels": [], "features": [], "mean_share": 0.3,
        "constant_features": 0, "unit": None, "chunk": 0, "split": {"train": 80, "holdout": 20},
    }  # fmt: skip
    return [one["text"] for one in warnings_of(faultless | changed)]


def test_a_collection_without_a_fault_has_no_warning() -> None:
    assert told() == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"sets": 8}, "only 8 sets"),
        ({"sizes": {"min": 3, "median": 6, "max": 9}}, "6 observations or fewer"),
        ({"sizes": {"min": 3, "median": 60, "max": 90}}, "smallest set has 3"),
        ({"sizes": {"min": 20, "median": 20, "max": 90_000}}, "largest set has 90,000"),
        ({"constant_features": 1}, "1 feature does not vary"),
        ({"mean_share": 0.001}, "0.1 % of the variance"),
        ({"split": {"train": 8, "holdout": 1}}, "Only 1 set is held out"),
        ({"labels": [label("fate", 95, 5)]}, "95 of 100 sets have the same fate"),
        ({"chunk": 200}, "Parts of one larger set"),
        ({"labels": [label("donor_id", 50, 50)]}, "Sets of one donor_id lie on both sides"),
    ],
)
def test_each_fault_is_said(changed: dict[str, Any], said: str) -> None:
    assert any(said in text for text in told(**changed))


def test_a_unit_that_is_named_is_no_fault() -> None:
    assert told(labels=[label("donor", 50, 50)], unit={"column": "donor", "units": 2}) == []


def test_a_glimpse_shows_training_sets_from_large_to_small(home: Path) -> None:
    library = Library()
    dataset = library.open(library.add(collection([10, 300, *[30] * 20]), name="sets").id)
    sets, split = dataset.collection(), dataset.split()
    seen = glimpse(sets, split)
    assert len(seen.set_id) == SHOWN and set(seen.set_id) <= {str(sets.set_id[i]) for i in split.train}
    assert seen.sizes == sorted(seen.sizes, reverse=True)
    assert max(map(len, seen.observations)) <= OBSERVATIONS
    assert glimpse(sets, split).set_id == seen.set_id


def test_sequences_are_spelled_and_cut() -> None:
    codes = np.full((2, 70), -1, dtype=np.int8)
    codes[0, :3], codes[1] = [0, 1, 3], 2
    assert spelled(codes, "ACGT") == ["ACT", "G" * 60 + "…"]

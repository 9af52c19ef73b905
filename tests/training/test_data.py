"""What a model is given: coded labels, standardised phenotypes, complete calls; nothing learned from the holdout."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.config.training import TrainingConfig
from core.data.genotypes import Genotypes, from_calls
from core.data.split import Split
from core.errors import InputError
from core.training.data import columns_of, condition_for, condition_of, conditioning_columns, prepare_split

CONFIG = TrainingConfig(epochs=0)


@pytest.fixture
def cohort() -> Genotypes:
    rng = np.random.default_rng(0)
    calls = rng.integers(0, 3, (12, 5)).astype(np.int8)
    calls[0, 0] = calls[11, 1] = -1
    return from_calls(
        calls,
        labels={
            "population": np.array(["B", "A"] * 5 + ["", "C"]),
            "sex": np.array(["f", "m"] * 6),
        },
        phenotypes={"height": np.array([*range(10), np.nan, 1000.0]), "constant": np.full(12, 3.0)},
        variant_contig=np.array(["2", "2", "10", "10", "1"]),
        variant_position=np.arange(1, 6),
    )


@pytest.fixture
def split() -> Split:
    return Split(train=np.arange(11), holdout=np.array([11]))


def test_everything_is_learned_from_the_training_individuals(cohort: Genotypes, split: Split) -> None:
    train, holdout = prepare_split(cohort, split, CONFIG)
    assert holdout is not None
    assert train.spec.label_columns == {"population": ["A", "B"]}
    assert train.spec.phenotypes == {"height": (4.5, pytest.approx(np.std(range(10)))), "constant": (3.0, 1.0)}
    assert train.condition.labels[:, 0].tolist() == [1, 0] * 5 + [-1]
    assert holdout.condition.labels.tolist() == [[-1]]
    known = train.condition.phenotypes[:10, 0]
    assert known.mean().item() == pytest.approx(0, abs=1e-6)
    assert known.std(unbiased=False).item() == pytest.approx(1)
    assert train.condition.phenotypes[10, 0].isnan()


def test_contigs_are_numbered_in_file_order(cohort: Genotypes, split: Split) -> None:
    train, _ = prepare_split(cohort, split, CONFIG)
    assert train.spec.contig.tolist() == [0, 0, 1, 1, 2]


def test_missing_calls_are_filled_on_each_side_alone_and_by_the_seed(cohort: Genotypes, split: Split) -> None:
    train, holdout = prepare_split(cohort, split, CONFIG)
    again, _ = prepare_split(cohort, split, CONFIG)
    assert holdout is not None
    assert int(train.calls.min()) >= 0
    assert torch.equal(train.calls, again.calls)
    called = torch.from_numpy(cohort.calls[:11]) >= 0
    assert torch.equal(train.calls[called], torch.from_numpy(cohort.calls[:11])[called])
    # The only holdout individual is not called at variant 1: the training individuals may not fill it.
    assert holdout.calls[0, 1] == 0


def test_an_empty_holdout_is_none(cohort: Genotypes) -> None:
    train, holdout = prepare_split(cohort, Split(np.arange(12), np.array([], dtype=np.int64)), CONFIG)
    assert len(train) == 12
    assert holdout is None


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (("auto",), (["population"], ["height", "constant"])),
        (("none",), ([], [])),
        ((), ([], [])),
        (("height", "sex"), (["sex"], ["height"])),
    ],
)
def test_columns_that_are_conditioned_on(cohort: Genotypes, asked: tuple[str, ...], expected: object) -> None:
    assert conditioning_columns(cohort, asked) == expected


@pytest.mark.parametrize("asked", [("colour",), ("auto", "sex")])
def test_an_unknown_column_is_refused_by_name(cohort: Genotypes, asked: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match=r"(colour|auto).*population, sex, height, constant"):
        conditioning_columns(cohort, asked)


def test_conditions_and_columns_are_inverses(cohort: Genotypes, split: Split) -> None:
    train, _ = prepare_split(cohort, split, CONFIG)
    labels, phenotypes = columns_of(train.condition, train.spec)
    assert labels["population"].tolist() == cohort.labels["population"][:11].tolist()
    np.testing.assert_allclose(phenotypes["height"], cohort.phenotypes["height"][:11], atol=1e-6)
    again = condition_of(from_calls(cohort.calls[:11], labels=labels, phenotypes=phenotypes), train.spec)
    assert torch.equal(again.labels, train.condition.labels)
    torch.testing.assert_close(again.phenotypes, train.condition.phenotypes, equal_nan=True)


def test_a_wish_becomes_a_condition(cohort: Genotypes, split: Split) -> None:
    spec = prepare_split(cohort, split, CONFIG)[0].spec
    condition = condition_for(3, {"population": "B", "height": "4.5"}, spec)
    assert condition.labels.tolist() == [[1]] * 3
    assert condition.phenotypes[:, 0].tolist() == [0.0] * 3
    assert condition.phenotypes[:, 1].isnan().all()


@pytest.mark.parametrize(
    ("wish", "message"),
    [({"population": "Z"}, "knows A, B"), ({"height": "tall"}, "a number"), ({"sex": "f"}, "conditioned on: pop")],
)
def test_an_impossible_wish_is_refused(cohort: Genotypes, split: Split, wish: dict[str, str], message: str) -> None:
    spec = prepare_split(cohort, split, CONFIG)[0].spec
    with pytest.raises(InputError, match=message):
        condition_for(1, wish, spec)

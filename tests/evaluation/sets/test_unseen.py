"""Perturbations that were never seen, foretold from what describes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.data.sets import SetCollection
from core.errors import InputError
from core.evaluation.sets.space import Subject
from core.evaluation.sets.unseen import descriptions, unseen_effects
from tests.sets import from_groups

D, P = 3, 2
WEIGHTS = np.array([[2.0, 0.0, -1.0], [0.0, 1.5, 1.0]])


def screen(perturbations: int, seed: int = 0) -> tuple[SetCollection, dict[str, np.ndarray]]:
    """A control and perturbations whose shifts are a linear function of two features."""
    rng = np.random.default_rng(seed)
    features = {f"p{i}": rng.normal(size=P) for i in range(perturbations)}
    names = ["NT", *features]
    x = np.concatenate([rng.normal(size=(200, D)) + (features[n] @ WEIGHTS if n in features else 0.0) for n in names])
    group = np.repeat(names, 200)
    sets = from_groups(x.astype(np.float32), group, feature=np.array(["a", "b", "c"]), labels={"drug": np.array(names)})
    return sets, features


def subject(sets: SetCollection) -> Subject:
    """A model whose latent is the mean and whose sets are normal around it."""

    def generate(z: np.ndarray, n: int, seed: int) -> np.ndarray:
        return z[:, None] + np.random.default_rng(seed).normal(size=(len(z), n, D))

    index = np.arange(sets.s)
    return Subject(sets, index, index[:0], lambda x, seen=None: x.mean(axis=0).astype(np.float32), generate)


def test_a_linear_effect_is_foretold_and_the_mean_shift_is_not() -> None:
    sets, features = screen(24)
    new = np.array([1.0, -1.0])
    found = unseen_effects(subject(sets), {**features, "never seen": new})
    pooled = found["pooled"]
    assert (found["column"], found["control"], found["n"]) == ("drug", "NT", 24)
    assert pooled["latent"] > 0.95 and pooled["direct"] > 0.95 and pooled["null"] < 0.3
    assert pooled["mean"] < 0.2 and pooled["difference_low"] > 0.5
    assert pooled["latent_mse"] < 0.1 * pooled["mean_mse"]
    scale = subject(sets).space.scale
    np.testing.assert_allclose(found["new"]["never seen"], new @ WEIGHTS / scale, atol=0.15)


def test_features_that_say_nothing_foretell_nothing() -> None:
    sets, features = screen(24)
    rng = np.random.default_rng(3)
    found = unseen_effects(subject(sets), {name: rng.normal(size=4) for name in features})["pooled"]
    assert found["latent"] < 0.25 and found["difference_low"] < 0 < found["difference_high"] + 0.2


def test_words_become_indicators_and_numbers_stay(tmp_path: Path) -> None:
    path = tmp_path / "drugs.csv"
    path.write_text("drug,dose,target\na,1.5,TP53\nb,2,MYC\nc,0,TP53\n")
    found = descriptions(path, path.name)
    assert {name: row.tolist() for name, row in found.items()} == {
        "a": [1.5, 0.0, 1.0], "b": [2.0, 1.0, 0.0], "c": [0.0, 0.0, 1.0],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("drug\na\nb\n", "has one column"),
        ("drug,dose\na,1\na,2\n", "describes 'a' twice"),
        ("drug,dose\na,1\nb,nan\n", "missing numbers"),
    ],
)
def test_tables_that_describe_nothing_are_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "drugs.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        descriptions(path, path.name)


def test_names_that_are_not_there_and_an_unknown_control_are_said() -> None:
    sets, features = screen(8)
    with pytest.raises(InputError, match=r"0 of the 1 described.*such as NT, p0"):
        unseen_effects(subject(sets), {"x": np.ones(2)})
    with pytest.raises(InputError, match=r"No set has the label value 'vehicle'.*drug: NT, p0"):
        unseen_effects(subject(sets), features, control="vehicle")
    with pytest.raises(InputError, match="no label column 'dose'"):
        unseen_effects(subject(sets), features, column="dose")

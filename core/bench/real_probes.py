"""What held-out sets of all folds say: labels and numbers read off them, and how near generated sequences come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluation.sets.probes import probed, ridge, targets
from core.evaluation.sets.sequences import halved
from core.evaluation.sets.space import Subject

Index = npt.NDArray[np.int64]
Add = Callable[[str, Sequence[Any], Sequence[int], Callable[[Index], float]], None]

PERMUTATIONS = 20
UNITS_MIN = 5  # units with one class each, so many that a vote of their sets is worth counting


def read_off(subject: Subject, names: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each held-out set and target among `names`.

    "truth", "guess" by what predicts and "null", the guesses off the latent with training targets permuted: floats or
    names of classes, by ridge regression on the training sets.
    """
    asked = [target for target in targets(subject) if target.name in names]
    inputs, rng, rows = probed(subject) if asked else {}, subject.rng(13), []
    for target in asked:
        train, test = (part[target.known[part]] for part in (subject.train, subject.holdout))
        if len(train) < 10 or not len(test) or target.values[train].std() == 0:
            continue

        def words(values: npt.NDArray[Any], classes: Sequence[str] = tuple(target.classes)) -> list[Any]:
            return [classes[i] for i in values.argmax(axis=1)] if classes else values[:, 0].tolist()

        guesses = {name: words(ridge(x[train], target.values[train], x[test])) for name, x in inputs.items()}
        x, truth = inputs["latent"], words(target.values[test])
        shuffled = [words(ridge(x[train], target.values[rng.permutation(train)], x[test])) for _ in range(PERMUTATIONS)]
        for k, i in enumerate(test):
            rows.append(
                {
                    "target": target.name,
                    "unit": int(subject.groups[i]),
                    "truth": truth[k],
                    "guess": {name: guess[k] for name, guess in guesses.items()},
                    "null": [guess[k] for guess in shuffled],
                }
            )
    return rows


def letters(subject: Subject) -> list[dict[str, Any]]:
    """A row for each judged set of sequences: k-mers, composition, copies and likelihood with their frames."""
    column = halved(subject)
    place = column["set"].astype(np.int64)
    return [
        {"unit": int(subject.groups[i]), **{name: float(values[k]) for name, values in column.items()}}
        for k, i in enumerate(place)
    ]


def add_read_off(rows: Sequence[dict[str, Any]], add: Add) -> None:
    """Scores of each target over the held-out sets of all folds."""
    for name in dict.fromkeys(row["target"] for row in rows):
        _add_target(name, [row for row in rows if row["target"] == name], add)


def _add_target(name: str, own: Sequence[dict[str, Any]], add: Add) -> None:
    units, classes = [row["unit"] for row in own], isinstance(own[0]["truth"], str)
    truth = [row["truth"] for row in own]
    by = {which: [row["guess"][which] for row in own] for which in own[0]["guess"]}
    score, what = (_accuracy, "accuracy") if classes else (_r2, "R²")

    def beyond(which: str, d: Index) -> float:
        return score(truth, by["latent"], d) - score(truth, by[which], d)

    for which, guess in by.items():
        add(f"{name} off {which}, {what}", own, units, partial(score, truth, guess))
    for which in list(by)[1:]:
        add(f"{name}, {what}, latent − {which}", own, units, partial(beyond, which))
    every = np.arange(len(own))
    nulls = [score(truth, [row["null"][i] for row in own], every) for i in range(PERMUTATIONS)]
    add(f"{name}, {what}, null (95 % point)", own, units, partial(_constant, float(np.quantile(nulls, 0.95))))
    if classes:
        _add_votes(name, own, by, add)
        return
    for which, guess in by.items():
        add(f"{name} off {which}, mean error", own, units, partial(_error, truth, guess))


def add_letters(rows: Sequence[dict[str, Any]], add: Add) -> None:
    """Means over held-out sets, each beside the real half and position weights."""
    units = [row["unit"] for row in rows]
    frames = {"": "generated", "_ceiling": "real half", "_pooled": "position weights", "_own": "those of the set"}
    for name in ("kmers", "composition", "length", "copies", "likelihood"):
        for frame, words in frames.items():
            if rows and name + frame in rows[0]:
                values = np.array([row[name + frame] for row in rows])
                add(f"{name}, {words}", rows, units, partial(_mean, values))


def _add_votes(name: str, own: Sequence[dict[str, Any]], by: dict[str, list[Any]], add: Add) -> None:
    """Share of units whose class most of their sets are read as, where every unit has one class and several sets."""
    members: dict[int, list[int]] = {}
    for i, row in enumerate(own):
        members.setdefault(row["unit"], []).append(i)
    groups = list(members.values())
    single = all(len({own[i]["truth"] for i in one}) == 1 for one in groups)
    if len(groups) < UNITS_MIN or not single or len(own) < 2 * len(groups):
        return
    for which, guess in by.items():
        right = np.array(
            [Counter(guess[i] for i in one).most_common(1)[0][0] == own[one[0]]["truth"] for one in groups]
        )
        add(f"{name} of units, by vote off {which}", groups, range(len(groups)), partial(_mean, right))


def _accuracy(truth: Sequence[str], guess: Sequence[str], d: Index) -> float:
    return float(np.mean([truth[i] == guess[i] for i in d]))


def _r2(truth: Sequence[float], guess: Sequence[float], d: Index) -> float:
    y, said = np.asarray(truth)[d], np.asarray(guess)[d]
    total = float(np.square(y - y.mean()).sum())
    return float(1 - np.square(y - said).sum() / total) if total > 0 else float("nan")


def _error(truth: Sequence[float], guess: Sequence[float], d: Index) -> float:
    return float(np.abs(np.asarray(truth)[d] - np.asarray(guess)[d]).mean())


def _mean(values: npt.NDArray[Any], d: Index) -> float:
    return float(values[d].mean())


def _constant(value: float, d: Index) -> float:
    return value

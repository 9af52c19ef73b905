"""What a set would become under another condition, with intervals, and whether such intervals hold."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from core.errors import InputError
from core.evaluation.sets.conditions import control_of
from core.evaluation.sets.effects import cells_of, condition_of, latent_of, no_condition
from core.evaluation.sets.resampling import UNITS_MIN as RESAMPLED
from core.evaluation.sets.resampling import framed, resamples
from core.evaluation.sets.space import Subject
from core.reports.interventions import TOP, UNITS_MIN

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
Latents = npt.NDArray[np.float32]

GENERATED = 200  # observations behind a predicted mean; the same noise on both sides of a difference
CONDITIONS = 4  # other conditions that coverage is counted on, the commonest
DRAWS, DRAWN = 100, 200  # bootstrap of the average effect over units, and observations generated for each draw
UNITS_MAX = 100  # units that a step is learned from


@dataclass(frozen=True)
class Pairs:
    """Units that were seen under both conditions.

    Attributes:
        unit: (u,) str.
        start, step: (u, L) latent under the first condition, and the way from it to the latent under the other.
        change: (u, d) observed change of the mean in `subject.space`.
    """

    unit: npt.NDArray[np.str_]
    start: Array
    step: Array
    change: Array

    def without(self, i: int) -> Array:
        """(L,) mean step of all units but the one at i."""
        return np.asarray(np.delete(self.step, i, axis=0).mean(axis=0))


@dataclass(frozen=True)
class Intervention:
    """A set under another condition; changes are of the mean of each feature, in `subject.space` led back to features.

    Attributes:
        column, before, after: the label column, the set's value of it and the other one.
        units: other units that have both.
        latent: (L,) predicted.
        feature: (f,) names.
        change: (f,) predicted.
        low, high: (f,) 95 % prediction interval for this set; None with fewer than `UNITS_MIN` units.
        average_low, average_high: (f,) 95 % bootstrap interval of the average effect on this set; None as above.
        observed: (f,) what happened, where the set's own unit was seen under the other condition, else None.
    """

    column: str
    before: str
    after: str
    units: int
    latent: Latents
    feature: list[str]
    change: Array
    low: Array | None
    high: Array | None
    average_low: Array | None
    average_high: Array | None
    observed: Array | None

    @property
    def top(self) -> npt.NDArray[np.intp]:
        """Places of the features that are predicted to move most."""
        return np.argsort(-np.abs(self.change), kind="stable")[:TOP]

    @property
    def missing(self) -> str:
        """Why there is no interval, "" where there is one."""
        if self.low is not None:
            return ""
        seen = f"{self.units} other units were" if self.units != 1 else "1 other unit was"
        return (
            f"{seen} seen under both conditions; at least {UNITS_MIN} are needed to know how much the effect differs "
            "between units, so no interval is given."
        )


def intervene(subject: Subject, place: int, after: str, column: str = "") -> Intervention:
    """The set at `place` under the condition `after`: z + mean latent step of the other units that have both.

    A feature's change is the difference of the means of what is generated from both latents with the same noise. Its
    interval foretells one unit: change ± t r, where r is the root mean square error of the same prediction for each
    other unit from the rest of them, and t the 97.5 % point of Student's law with u − 1 degrees of freedom. For the
    mean of a normal effect that is the usual prediction interval, wider by √(u² / (u² − 1)). The bootstrap over units
    gives the interval of the average effect. Each interval is for one feature; many are not held at once.

    Raises InputError for a condition or column that is not there, and where no other unit has both conditions.
    """
    sets = subject.sets
    if not sets.unit:
        raise InputError("The sets name no unit (such as a donor), so nothing was seen under two conditions.")
    column = _column(subject, after, column)
    condition, unit = sets.labels[column], sets.labels[sets.unit]
    before = str(condition[place])
    if before == after:
        raise InputError(f"The set {str(sets.set_id[place])!r} already has {column} {after!r}; choose another value.")
    others = _pairs(subject, column, (before, after), np.unique(unit[unit != unit[place]]))
    if not len(others.unit):
        raise InputError(
            f"No other {sets.unit} was seen under both {before!r} and {after!r} of {column!r}, so no step is known."
        )
    start = subject.latents[place].astype(np.float64)
    latent = start + others.step.mean(axis=0)
    change = _to_features(subject, _changes(subject, start[None], latent[None]))[0]
    low = high = average_low = average_high = None
    if len(others.unit) >= UNITS_MIN:
        half = _half_width(subject, others)
        low, high = change - half, change + half
        picks = subject.rng(41).integers(len(others.unit), size=(DRAWS, len(others.unit)))
        drawn = start + others.step[picks].mean(axis=1)
        moved = _to_features(subject, _changes(subject, np.tile(start, (DRAWS, 1)), drawn, DRAWN))
        average_low, average_high = np.quantile(moved, [0.025, 0.975], axis=0)
    own = np.flatnonzero((unit == unit[place]) & (condition == after))
    observed = None
    if len(own):
        was, became = (cells_of(subject, one).mean(axis=0) for one in (np.array([place]), own))
        observed = _to_features(subject, (became - was)[None])[0]
    return Intervention(
        column=column,
        before=before,
        after=after,
        units=len(others.unit),
        latent=latent.astype(np.float32),
        feature=sets.observation.coordinates([str(name) for name in sets.feature]),
        change=change,
        low=low,
        high=high,
        average_low=average_low,
        average_high=average_high,
        observed=observed,
    )


def interventions(subject: Subject) -> dict[str, Any]:
    """How often the intervals of `intervene` hold what happened in held-out units, {"rows", "pooled", …} or {"reason"}.

    Of the changes from the control (else the commonest condition) to the four commonest others. Steps and their spread
    are learned from training units alone. "coverage": share of features whose observed change
    lies within; "top": the same of the 10 features that are predicted to move most; both should be near 0.95. 95 %
    bootstrap over units where five or more are held out ("resampled" says so).
    """
    sets = subject.sets
    if not sets.unit:
        return {"reason": "The sets name no unit (such as a donor), so nothing was seen under two conditions."}
    unit = sets.labels[sets.unit]
    column = condition_of(subject, unit)
    if column is None:
        return {"reason": no_condition(subject)}
    names, counts = np.unique(sets.labels[column], return_counts=True)
    reference = subject.control or control_of(sets.labels[column]) or str(names[counts.argmax()])
    rows: list[dict[str, Any]] = []
    most = 0
    others = names[np.argsort(-counts, kind="stable")]
    for after in map(str, others[others != reference][:CONDITIONS]):
        known, held = (
            _pairs(subject, column, (reference, after), np.unique(unit[side]))
            for side in (subject.train, subject.holdout)
        )
        most = max(most, len(known.unit))
        if len(known.unit) < UNITS_MIN or not len(held.unit):
            continue
        half = _half_width(subject, known)
        guess = _to_features(subject, _changes(subject, held.start, held.start + known.step.mean(axis=0)))
        observed = _to_features(subject, held.change)
        within = np.abs(observed - guess) <= half
        for i, name in enumerate(held.unit.tolist()):
            top = np.argsort(-np.abs(guess[i]), kind="stable")[:TOP]
            rows.append(
                {
                    "unit": name,
                    "from": reference,
                    "to": after,
                    "n_train": len(known.unit),
                    "coverage": float(within[i].mean()),
                    "top": float(within[i, top].mean()),
                    "half_width": float(np.median(half)),
                }
            )
    if not rows:
        held_out = "" if most < UNITS_MIN else f", and no held-out {sets.unit} was"
        return {
            "reason": f"{most} training units were seen under {reference!r} and another {column}{held_out}; "
            f"{UNITS_MIN} to learn from and one to judge by are needed."
        }
    group = np.unique([row["unit"] for row in rows], return_inverse=True)[1].astype(np.int64)
    units = int(group.max()) + 1
    draws, _ = resamples(group, subject.rng(42))
    pooled: dict[str, float] = {}
    for key in ("coverage", "top"):
        pooled |= framed(key, partial(_mean, np.array([row[key] for row in rows])), len(rows), draws)
    return {
        "column": column,
        "reference": reference,
        "units": units,
        "top": min(TOP, sets.observation.d),
        "resampled": "units" if units >= RESAMPLED else "none",
        "rows": rows,
        "pooled": pooled,
    }


def _column(subject: Subject, after: str, column: str) -> str:
    """The label column of the condition. Raises InputError."""
    labels, unit = subject.sets.labels, subject.sets.unit
    if column and (column not in labels or column == unit):
        raise InputError(f"There is no label column {column!r} of conditions; the sets have: {', '.join(labels)}.")
    having = [name for name in ([column] if column else labels) if name != unit and after in labels[name]]
    if len(having) == 1:
        return having[0]
    if having:
        raise InputError(f"{after!r} is a value of {' and '.join(having)}; choose one by --column.")
    offered = "; ".join(
        f"{name}: {', '.join(sorted(set(values.tolist()))[:12])}" for name, values in labels.items() if name != unit
    )
    raise InputError(f"No set has the label value {after!r}; the labels are {offered or 'none'}.")


def _pairs(subject: Subject, column: str, ends: tuple[str, str], units: npt.NDArray[np.str_]) -> Pairs:
    sets = subject.sets
    unit, condition = sets.labels[sets.unit], sets.labels[column]
    names, places = [], []
    for name in units.tolist():
        members = [np.flatnonzero((unit == name) & (condition == end)) for end in ends]
        if all(len(one) for one in members):
            names.append(name)
            places.append(members)
    if len(names) > UNITS_MAX:
        kept = np.sort(subject.rng(43).permutation(len(names))[:UNITS_MAX])
        names, places = [names[i] for i in kept], [places[i] for i in kept]
    if not names:
        empty = np.zeros((0, subject.latents.shape[1]))
        return Pairs(np.array([], dtype=np.str_), empty, empty, np.zeros((0, 0)))
    z = np.array([[latent_of(subject, one) for one in members] for members in places], dtype=np.float64)
    x = np.array([[cells_of(subject, one).mean(axis=0) for one in members] for members in places])
    return Pairs(np.array(names, dtype=np.str_), z[:, 0], z[:, 1] - z[:, 0], x[:, 1] - x[:, 0])


def _half_width(subject: Subject, known: Pairs) -> Array:
    """(f,) half the width of a 95 % prediction interval, from the errors of leaving out each unit."""
    from scipy.stats import t

    u = len(known.unit)
    guess = _changes(subject, known.start, known.start + np.stack([known.without(i) for i in range(u)]))
    error = _to_features(subject, known.change - guess)
    return np.asarray(t.ppf(0.975, u - 1) * np.sqrt(np.square(error).mean(axis=0)))


def _changes(subject: Subject, start: Array, end: Array, n: int = GENERATED) -> Array:
    """(b, d) differences of the means of what is generated from latents (b, L), with the same noise on both sides."""
    first, last = (
        np.stack([subject.space(y).mean(axis=0) for y in subject.generate(z.astype(np.float32), n, subject.seed)])
        for z in (start, end)
    )
    return last - first


def _to_features(subject: Subject, change: Array) -> Array:
    """(b, d) changes in `subject.space` as (b, f) changes of features."""
    axes = subject.space.axes
    return change if axes is None else change @ axes.T


def _mean(values: Array, d: Index) -> float:
    return float(values[d].mean())

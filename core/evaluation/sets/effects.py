"""Does the change between two conditions carry over to a unit that was held out: latent arithmetic, judged."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluation.sets.conditions import control_of, explained, no_control
from core.evaluation.sets.resampling import UNITS_MIN, framed, resamples
from core.evaluation.sets.space import Subject
from core.evaluation.transport import sample_w2

Array = npt.NDArray[np.float64]
Members = npt.NDArray[np.int64]

CONDITIONS_MAX = 12
MOST = 256
OBSERVATIONS_MIN = 8
DRAWS = 200


def effects(subject: Subject) -> dict[str, Any]:
    """Predicted against observed shifts of held-out units, {"rows": [...], "pooled": {...}} or {"reason"}.

    Units (donors, patients) seen under a reference condition (the control that was chosen or is called so, else the
    commonest) and others; several sets of a unit under one condition count as one. For a held-out unit the latent
    under another condition is predicted as z_reference + mean over training units of (z_other − z_reference), a set is
    generated from it, and its shift of the mean from the unit's reference set is compared with the observed one: r2 =
    1 − SSE/SS over features, mse per feature. "mean_…": the mean shift of the training units, added to the reference
    set itself. w2: exact transport from the predicted to the observed set, beside the same baseline. "ceiling_…": one
    half of the unit's own observations under both conditions foretells the other half.

    Intervals: over held-out units where there are five or more, else over the observations of each unit, and then
    they do not cover the difference between units ("resampled" says which).
    """
    sets = subject.sets
    if not sets.unit:
        return {"reason": "The sets name no unit (such as a donor), so no effect can be carried over to a new one."}
    unit = sets.labels[sets.unit]
    column = condition_of(subject, unit)
    if column is None:
        return {"reason": no_condition(subject)}
    condition = sets.labels[column]
    names, counts = np.unique(condition, return_counts=True)
    reference = subject.control or control_of(condition) or str(names[counts.argmax()])
    place = {
        (str(u), str(c)): np.flatnonzero((unit == u) & (condition == c))
        for u, c in set(zip(unit.tolist(), condition.tolist(), strict=True))
    }
    train, held = (sorted({str(u) for u in unit[side]}) for side in (subject.train, subject.holdout))
    rows: list[dict[str, Any]] = []
    shifts: list[dict[str, Array]] = []
    for other in map(str, names[names != reference]):
        known = [(place[u, reference], place[u, other]) for u in train if {(u, reference), (u, other)} <= place.keys()]
        for u in held:
            if known and {(u, reference), (u, other)} <= place.keys():
                row, shift = _judge(subject, known, place[u, reference], place[u, other])
                rows.append({"unit": u, "from": reference, "to": other, **row})
                shifts.append(shift)
    if not rows:
        return {"reason": f"No held-out {sets.unit} is seen under {reference!r} and another {column}."}
    several = len({r["unit"] for r in rows}) >= UNITS_MIN
    pooled = _pooled(subject, [r["unit"] for r in rows], shifts) if several else {}
    return {
        "column": column,
        "reference": reference,
        "n_train": len(train),
        "resampled": "units" if several else "observations",
        "rows": rows,
        "pooled": pooled,
    }


def _judge(
    subject: Subject, known: list[tuple[Members, Members]], start: Members, end: Members
) -> tuple[dict[str, float], dict[str, Array]]:
    rng = subject.rng(12)
    step = np.mean([latent_of(subject, b) - latent_of(subject, a) for a, b in known], axis=0)
    before, after = (cells_of(subject, members) for members in (start, end))
    a, b = (x[rng.permutation(len(x))[:MOST]] for x in (before, after))
    k = min(len(a), len(b))
    generated = subject.generate((latent_of(subject, start) + step)[None], MOST, int(rng.integers(2**31)))[0]
    y = subject.space(generated)
    carried = np.mean([cells_of(subject, j).mean(axis=0) - cells_of(subject, i).mean(axis=0) for i, j in known], axis=0)
    shift = {
        "observed": after.mean(axis=0) - before.mean(axis=0),
        "": y.mean(axis=0) - before.mean(axis=0),
        "mean_": carried,
    }
    row = {
        **{f"{n}r2": explained(shift["observed"], shift[n]) for n in ("", "mean_")},
        **{f"{n}mse": float(np.square(shift["observed"] - shift[n]).mean()) for n in ("", "mean_")},
        "w2": sample_w2(y[:k], b[:k]),
        "mean_w2": sample_w2(a[:k] + carried, b[:k]),
        "unchanged_w2": sample_w2(a[:k], b[:k]),
    }
    return row | _within(before, after, y.mean(axis=0), carried, rng), shift


def _within(before: Array, after: Array, made: Array, carried: Array, rng: np.random.Generator) -> dict[str, float]:
    """Intervals when the observations of one unit are drawn again, and what its own halves say of each other."""
    if min(len(before), len(after)) < OBSERVATIONS_MIN:
        return {}  # too few to draw from
    draws = []
    for _ in range(DRAWS):
        a, b = (x[rng.integers(len(x), size=len(x))].mean(axis=0) for x in (before, after))
        draws.append((explained(b - a, made - a), explained(b - a, carried)))
    ours, means = np.array(draws).T
    start = before.mean(axis=0)
    observed = after.mean(axis=0) - start
    found = {"difference": explained(observed, made - start) - explained(observed, carried)}
    for name, values in (("r2", ours), ("mean_r2", means), ("difference", ours - means)):
        found[f"{name}_low"], found[f"{name}_high"] = (float(v) for v in np.quantile(values, [0.025, 0.975]))
    ceilings = []
    for _ in range(20):
        parts = [np.array_split(x[rng.permutation(len(x))], 2) for x in (before, after)]
        first, second = (parts[1][i].mean(axis=0) - parts[0][i].mean(axis=0) for i in (0, 1))
        ceilings.append(explained(second, first))
    return found | {"ceiling_r2": float(np.mean(ceilings))}


def _pooled(subject: Subject, units: list[str], shifts: list[dict[str, Array]]) -> dict[str, float]:
    """R² over all held-out changes together, with intervals over units."""
    group = np.unique(units, return_inverse=True)[1].astype(np.int64)
    draws, _ = resamples(group, subject.rng(18))
    stacked = {name: np.stack([s[name] for s in shifts]) for name in shifts[0]}
    out: dict[str, float] = {}

    def score(name: str, d: Members) -> float:
        return explained(stacked["observed"][d], stacked[name][d])

    for name in ("", "mean_"):
        out |= framed(f"{name}r2", partial(score, name), len(shifts), draws)
    return out | framed("difference", lambda d: score("", d) - score("mean_", d), len(shifts), draws)


def condition_of(subject: Subject, unit: npt.NDArray[Any]) -> str | None:
    """The label column (not the unit) with a few values that units share and that differ within units; one that has
    the control, where that was chosen.
    """
    for name, values in subject.sets.labels.items():
        found = np.unique(values)
        if name == subject.sets.unit or not 2 <= len(found) <= CONDITIONS_MAX:
            continue
        if subject.control and subject.control not in found:
            continue
        shared = [v for v in found if len(np.unique(unit[values == v])) >= 3]
        both = sum(len(np.unique(values[unit == u])) > 1 for u in np.unique(unit))
        if len(shared) >= 2 and both >= 3:
            return str(name)
    return None


def no_condition(subject: Subject) -> str:
    """Why no label column can be taken for a condition, in one sentence."""
    labels, control = subject.sets.labels, subject.control
    if control and not any(control in values for values in labels.values()):
        return no_control(labels, control)
    which = f"No label column with the value {control!r}" if control else "No label column"
    unit = subject.sets.unit
    return f"{which} has two conditions that are each seen in three values of {unit!r} or more."


def latent_of(subject: Subject, members: Members) -> npt.NDArray[np.float32]:
    """Mean of the latents of a unit's sets, each as often as it has observations."""
    return np.asarray(
        np.average(subject.latents[members], axis=0, weights=subject.sets.sizes[members]), dtype=np.float32
    )


def cells_of(subject: Subject, members: Members) -> Array:
    """(k, d) all observations of several sets in `subject.space`."""
    return np.concatenate([subject.space(subject.observations(i)) for i in members])

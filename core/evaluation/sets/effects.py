"""Does the change between two conditions carry over to a unit that was held out: latent arithmetic, judged."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluation.sets.space import Subject
from core.evaluation.transport import sample_w2

Array = npt.NDArray[np.float64]

CONDITIONS_MAX = 12
MOST = 256


def effects(subject: Subject) -> dict[str, Any]:
    """Predicted against observed shifts of held-out units, {"rows": [...]} or {"reason"}.

    Units (donors, patients) seen under a reference condition and others. For a held-out unit the latent under
    another condition is predicted as z_reference + mean over training units of (z_other − z_reference), a set is
    generated from it, and its shift of the mean from the unit's reference set is compared with the observed one:
    r2 = 1 − SSE/SST over features, mse per feature. "mean_…": the mean shift of the training units, added to the
    reference set itself. w2: exact transport from the predicted to the observed set, beside the same baseline.
    """
    sets = subject.sets
    if not sets.unit:
        return {"reason": "The sets name no unit (such as a donor), so no effect can be carried over to a new one."}
    unit = sets.labels[sets.unit]
    column = _condition(subject, unit)
    if column is None:
        return {"reason": "No label column has two conditions that are each seen in three units or more."}
    condition = sets.labels[column]
    names, counts = np.unique(condition, return_counts=True)
    reference = str(names[counts.argmax()])
    place = {(str(u), str(c)): i for i, (u, c) in enumerate(zip(unit, condition, strict=True))}
    train, held = (sorted({str(u) for u in unit[side]}) for side in (subject.train, subject.holdout))
    rows = []
    for other in map(str, names[names != reference]):
        known = [(place[u, reference], place[u, other]) for u in train if {(u, reference), (u, other)} <= place.keys()]
        for u in held:
            if known and {(u, reference), (u, other)} <= place.keys():
                row = _judge(subject, known, place[u, reference], place[u, other])
                rows.append({"unit": u, "from": reference, "to": other, **row})
    if not rows:
        return {"reason": f"No held-out unit is seen under {reference!r} and another condition."}
    return {"column": column, "reference": reference, "rows": rows}


def _judge(subject: Subject, known: list[tuple[int, int]], start: int, end: int) -> dict[str, float]:
    rng = subject.rng(12)
    z = subject.latents
    step = np.mean([z[b] - z[a] for a, b in known], axis=0)
    a, b = (_sample(subject, i, rng) for i in (start, end))
    k = min(len(a), len(b))
    generated = subject.generate((z[start] + step)[None], k, int(rng.integers(2**31)))[0]
    y = subject.space(generated)
    shift = np.mean([_mean(subject, j) - _mean(subject, i) for i, j in known], axis=0)
    observed = _mean(subject, end) - _mean(subject, start)
    predicted = y.mean(axis=0) - _mean(subject, start)
    return {
        "r2": _explained(observed, predicted),
        "mse": float(np.square(predicted - observed).mean()),
        "mean_r2": _explained(observed, shift),
        "mean_mse": float(np.square(shift - observed).mean()),
        "w2": sample_w2(y[:k], b[:k]),
        "mean_w2": sample_w2(a[:k] + shift, b[:k]),
        "unchanged_w2": sample_w2(a[:k], b[:k]),
    }


def _explained(observed: Array, predicted: Array) -> float:
    return float(1 - np.square(predicted - observed).sum() / max(float(np.square(observed).sum()), 1e-12))


def _condition(subject: Subject, unit: npt.NDArray[Any]) -> str | None:
    """The label column (not the unit) whose values are shared by units."""
    for name, values in subject.sets.labels.items():
        found = np.unique(values)
        if name == subject.sets.unit or not 2 <= len(found) <= CONDITIONS_MAX:
            continue
        shared = [v for v in found if len(np.unique(unit[values == v])) >= 3]
        pairs = len(set(zip(unit.tolist(), values.tolist(), strict=True)))
        if len(shared) >= 2 and pairs == len(values):
            return str(name)
    return None


def _sample(subject: Subject, i: int, rng: np.random.Generator) -> Array:
    x = subject.observations(i)
    return subject.space(x[rng.permutation(len(x))[:MOST]])


def _mean(subject: Subject, i: int) -> Array:
    mean: Array = subject.space(subject.observations(i)).mean(axis=0)
    return mean

"""The effect of a perturbation that nobody has tried, from a table that describes perturbations."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.intake.tables import read_table
from core.errors import InputError
from core.evaluation.sets.conditions import control_of, explained, no_control
from core.evaluation.sets.probes import ridge
from core.evaluation.sets.resampling import framed
from core.evaluation.sets.space import Subject

Array = npt.NDArray[np.float64]

LEAST = 5  # described perturbations that a prediction learns from
GENERATED = 1000  # observations behind a predicted mean
PERMUTATIONS = 20
DRAWS = 500
LEVELS = 50  # values of a column of words; one with more is a name


def descriptions(path: Path, name: str) -> dict[str, Array]:
    """Perturbation → its features, from a table whose first column names them: numbers, and words as indicators.

    Raises InputError for a table without features, for a name that stands twice, and for missing numbers.
    """
    table = read_table(path, name, header=True)
    names, *columns = (list(column) for column in zip(*table.rows, strict=True))
    if not columns:
        raise InputError(f"{name} has one column; the first names the perturbations, the others describe them.")
    double = next((one for one in names if names.count(one) > 1), None)
    if double is not None:
        raise InputError(f"{name} describes {double!r} twice; one row for each perturbation is expected.")
    parts: list[Array] = []
    for head, cells in zip((table.header or [])[1:], columns, strict=True):
        try:
            parts.append(np.array([[float(cell)] for cell in cells]))
        except ValueError:
            levels = sorted(set(cells))
            if len(levels) > LEVELS:
                raise InputError(
                    f"Column {head!r} of {name} has {len(levels)} different words; at most {LEVELS} describe anything."
                ) from None
            parts.append(np.array([[float(cell == level) for level in levels] for cell in cells]))
    values = np.concatenate(parts, axis=1)
    if not np.isfinite(values).all():
        raise InputError(f"{name} has missing numbers; every perturbation needs all its features.")
    return dict(zip(names, values, strict=True))


def unseen_effects(
    subject: Subject, described: Mapping[str, Array], *, column: str = "", control: str = ""
) -> dict[str, Any]:
    """How well features of perturbations foretell their shifts, {"rows", "pooled", "new", …}; raises InputError.

    Each described perturbation in turn is left out: ridge regression of the latent shifts of the others on their
    features (penalty by leave-one-out) gives its latent, a set is generated from it, and the shift of its mean from the
    control is compared with the observed one. r2 = 1 − SSE/SS against no shift, over all of them; "mean": the mean
    shift of the others; "direct": the same regression of the shifts themselves; "null": the 95 % point of "direct" when
    features are permuted. Intervals: bootstrap over perturbations. An encoder that learns has seen the sets of all
    training perturbations; the features of the one that is left out it has not.

    "new": perturbations that are described and not among the sets: name → (d,) predicted shift in `subject.space`, and
    "latents": name → (L,) predicted latent.
    """
    column, control, places = _conditions(subject, described, column, control)
    known = [name for name in places if name in described]
    if len(known) < LEAST:
        raise InputError(
            f"{len(known)} of the {len(described)} described perturbations are among the values of {column!r}; at "
            f"least {LEAST} are needed to learn from. The first column of the table must hold these names, such as "
            f"{', '.join(list(places)[:3])}."
        )
    x = np.stack([described[name] for name in known])
    origin, start = _pooled(subject, places[control])
    moved = [_pooled(subject, places[name]) for name in known]
    shifts = np.stack([mean for mean, _ in moved]) - origin
    steps = np.stack([z for _, z in moved]) - start
    everyone = np.arange(len(known))
    left = [everyone[everyone != i] for i in everyone]
    predicted = {
        "latent": _means(
            subject, start + np.concatenate([ridge(x[o], steps[o], x[i : i + 1]) for i, o in enumerate(left)])
        )
        - origin,
        "mean": np.stack([shifts[o].mean(axis=0) for o in left]),
        "direct": np.concatenate([ridge(x[o], shifts[o], x[i : i + 1]) for i, o in enumerate(left)]),
    }
    rng = subject.rng(21)
    draws = list(rng.integers(len(known), size=(DRAWS, len(known))))

    def score(name: str, d: npt.NDArray[np.int64]) -> float:
        return explained(shifts[d], predicted[name][d])

    pooled: dict[str, float] = {}
    for name, guess in predicted.items():
        pooled |= framed(name, partial(score, name), len(known), draws)
        pooled[f"{name}_mse"] = float(np.square(shifts - guess).mean())
    pooled |= framed("difference", lambda d: score("latent", d) - score("mean", d), len(known), draws)
    nulls = []
    for _ in range(PERMUTATIONS):
        other = x[rng.permutation(len(x))]
        guess = np.concatenate([ridge(other[o], shifts[o], other[i : i + 1]) for i, o in enumerate(left)])
        nulls.append(explained(shifts, guess))
    pooled["null"] = float(np.quantile(nulls, 0.95))
    rows = [
        {"set": name, **{key: explained(shifts[i], predicted[key][i]) for key in predicted}}
        for i, name in enumerate(known)
    ]
    new = [name for name in described if name not in places]
    latents = start + ridge(x, steps, np.stack([described[name] for name in new])) if new else np.zeros((0, len(start)))
    made = _means(subject, latents) - origin if new else latents
    return {
        "column": column,
        "control": control,
        "n": len(known),
        "features": x.shape[1],
        "rows": rows,
        "pooled": pooled,
        "new": dict(zip(new, made, strict=True)),
        "latents": dict(zip(new, latents.astype(np.float32), strict=True)),
    }


def _conditions(
    subject: Subject, described: Mapping[str, Array], column: str, control: str
) -> tuple[str, str, dict[str, npt.NDArray[np.int64]]]:
    """The label column, its control, and the sets of each of its values."""
    labels = subject.sets.labels
    if column and column not in labels:
        raise InputError(f"There is no label column {column!r}; the sets have: {', '.join(labels) or 'none'}.")
    chosen = column or max(labels, key=lambda name: len(set(labels[name].tolist()) & described.keys()), default="")
    if not chosen:
        raise InputError("The sets have no label column, so nothing says which perturbation they had.")
    values = labels[chosen]
    named = control or (subject.control if subject.control in values else control_of(values))
    if named not in values:
        raise InputError(no_control({chosen: values}, named, "--control VALUE"))
    places = {str(v): np.flatnonzero(values == v) for v in dict.fromkeys(values.tolist())}
    return chosen, named, places


def _pooled(subject: Subject, members: npt.NDArray[np.int64]) -> tuple[Array, Array]:
    """(d,) mean and (L,) latent of the observations of several sets together."""
    x = np.concatenate([subject.observations(int(i)) for i in members])
    return subject.space(x).mean(axis=0), np.asarray(subject.embed(x), dtype=np.float64)


def _means(subject: Subject, latents: Array) -> Array:
    """(c, d) means of what is generated from latents (c, L)."""
    made = subject.generate(latents.astype(np.float32), GENERATED, subject.seed)
    return np.stack([subject.space(y).mean(axis=0) for y in made])


def named_features(
    names: npt.NDArray[np.str_], axes: Array | None, shift: Array, count: int = 5
) -> list[tuple[str, float]]:
    """The features that a predicted shift (d,) moves most, with by how many deviations."""
    full = shift if axes is None else axes @ shift
    order = np.argsort(-np.abs(full))[:count]
    return [(str(names[i]) if i < len(names) else f"feature {i + 1}", float(full[i])) for i in order]

"""What one half of a held-out perturbation's observations tells of the other half, through the latent and without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluation.sets.conditions import controlled, explained, no_control
from core.evaluation.sets.resampling import framed, resamples
from core.evaluation.sets.space import Subject

Array = npt.NDArray[np.float64]

SPLITS = 8  # random halvings of each set
GENERATED = 1000  # observations behind a generated mean: its own noise is then small beside that of a half
SETS_MIN = 3
PREDICTIONS = ("latent", "mean", "training")


def held_effects(subject: Subject) -> dict[str, Any]:
    """Shifts from the control of sets that were held out, {"rows": [...], "pooled": {...}} or {"reason"}.

    One half of a held-out set's observations is embedded and a set is generated from the latent; the shift of its
    mean from the control (that of the same unit where there is one) predicts the shift of the other half. Beside it:
    "mean", the shift of the first half itself; "training", the mean shift of the training sets; no shift at all is
    the zero of r2 = 1 − SSE/SS. "ceiling": the R² that the true mean would reach, from the sampling error of the
    second half. Without any observation of a perturbation only "training" can be said: nothing here describes what
    a perturbation is. Intervals: bootstrap over held-out sets, over units where there are five or more.
    """
    sets = subject.sets
    found = controlled(sets.labels, subject.control)
    if found is None:
        return {"reason": no_control(sets.labels, subject.control)}
    column, control = found
    controls = np.flatnonzero(sets.labels[column] == control)
    held = [int(i) for i in np.setdiff1d(subject.holdout, controls) if sets.sizes[i] >= 8]
    train = np.setdiff1d(subject.train, controls)
    if len(held) < SETS_MIN or not len(train):
        return {"reason": f"{len(held)} held-out sets of 8 observations or more; {SETS_MIN} are needed."}
    origins = {i: origin_of(subject, i, controls) for i in (*train.tolist(), *held)}
    shift = np.mean([subject.space(subject.observations(i)).mean(axis=0) - origins[i] for i in train.tolist()], axis=0)
    parts = [shifts(subject, i, origins[i], shift) for i in held]
    rows = [
        {"set": str(sets.set_id[i]), "n": int(sets.sizes[i]), **_scores(part)}
        for i, part in zip(held, parts, strict=True)
    ]
    draws, _ = resamples(subject.groups[held], subject.rng(19))
    pooled: dict[str, float] = {}
    scores = {name: score_of(parts, name) for name in (*PREDICTIONS, "ceiling")}
    for name, score in scores.items():
        pooled |= framed(name, score, len(parts), draws)
    pooled |= framed("difference", lambda d: scores["latent"](d) - scores["mean"](d), len(parts), draws)
    return {"column": column, "control": control, "n_train": len(train), "rows": rows, "pooled": pooled}


def origin_of(subject: Subject, i: int, controls: npt.NDArray[np.int64]) -> Array:
    """(d,) mean of the control sets of the unit of set i, of all control sets where there is none."""
    own = controls[subject.groups[controls] == subject.groups[i]]
    chosen = own if len(own) else controls
    return np.concatenate([subject.space(subject.observations(int(c))) for c in chosen]).mean(axis=0)


def shifts(subject: Subject, i: int, origin: Array, shift: Array, generated: int = GENERATED) -> dict[str, Array]:
    """(SPLITS, d) shifts of the second half, "observed", and what foretells them; (d,) sampling variance of a half."""
    rng = subject.rng(1000 + i)
    halves = [subject.halves(i, 10_000, rng) for _ in range(SPLITS)]
    z = np.stack([subject.embed(first) for first, _ in halves])
    made = subject.generate(z, generated, int(rng.integers(2**31)))
    everything = subject.space(subject.observations(i))
    return {
        "mean": np.stack([subject.space(a).mean(axis=0) for a, _ in halves]) - origin,
        "observed": np.stack([subject.space(b).mean(axis=0) for _, b in halves]) - origin,
        "latent": np.stack([subject.space(m).mean(axis=0) for m in made]) - origin,
        "training": np.tile(shift, (SPLITS, 1)),
        "noise": everything.var(axis=0, ddof=1) / len(halves[0][1]),
    }


def score_of(parts: list[dict[str, Array]], name: str) -> Callable[[npt.NDArray[np.int64]], float]:
    """R² over the chosen sets together, as a function of their indices."""

    def score(d: npt.NDArray[np.int64]) -> float:
        observed = np.concatenate([parts[i]["observed"] for i in d])
        if name == "ceiling":
            lost = sum(float(parts[i]["noise"].sum()) * SPLITS for i in d)
            return float(1 - lost / max(float(np.square(observed).sum()), 1e-12))
        return explained(observed, np.concatenate([parts[i][name] for i in d]))

    return score


def _scores(part: dict[str, Array]) -> dict[str, float]:
    observed = part["observed"]
    return {
        **{name: explained(observed, part[name]) for name in PREDICTIONS},
        **{f"{name}_mse": float(np.square(observed - part[name]).mean()) for name in PREDICTIONS},
    }

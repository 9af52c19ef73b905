"""The next set of a unit, foretold: by its latent, by transport, by the mean shift, and by no change at all."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.sets import SetCollection
from core.data.stages import ordered, timeline
from core.evaluation.sets.probes import ridge
from core.evaluation.sets.resampling import framed, resamples
from core.evaluation.sets.space import Subject, affordable
from core.evaluation.transport import pairing, sample_w2
from core.reports.forecasts import METHODS, TITLES

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]

TRAIN_MIN, HELD_MIN = 10, 3  # pairs
LEAST = 4  # observations of a target: two halves of two
SAME_STEP = 5  # training pairs of the same step, from which their own mean shift is taken
PAIRS = 60  # held-out pairs that are judged
FITTED = 400  # training pairs that the transport learns from
MOST = 128  # observations on each side of one exact transport
SPREAD, HALVINGS = 256, 6  # observations over all halvings of a target, and halvings at most


def forecast(subject: Subject) -> dict[str, Any]:
    """W2 from forecasts of held-out sets to what came, {"rows": […], "pooled": {…}, …} or {"reason"}.

    Pairs are `consecutive` sets; judged are those whose later set is held out, and learned from those of which neither
    is. Each forecast and one half of the true next set, in equal numbers and in `subject.space`, are compared by exact
    W2; a row is the mean over halvings:

    - "unchanged": the observations of the source set. This is the null: a forecast must beat it.
    - "mean_shift": these, shifted by the mean shift of the training pairs, of the same step where there are five.
    - "linear_flow": generated from z + ridge(z, stage, step), fitted on the training pairs (`next_latents`).
    - "transport": the observations of the source, moved by a flow that source latent and that forecast latent condition
      (Fishman et al. 2026, arXiv 2603.04736).
    - "regenerated": generated from the latent of the other half of the target: a perfect forecast of the latent.
    - "floor": the other half of the target itself.

    "pooled": means over pairs; "share_…" of the gap between unchanged and floor that a method closes;
    "…_over_unchanged" and "…_gain": by how much it is nearer than no change and than the mean shift. Intervals: 95 %
    bootstrap over units where five or more are held out ("resampled" says so). "best" names the method with the least
    W2 of those that beat no change with an interval above zero, "" where none does.
    """
    found = consecutive(subject.sets)
    if isinstance(found, str):
        return {"reason": found}
    column, stage, pairs = found
    fit = pairs[np.isin(pairs, subject.train).all(axis=1)]
    test = pairs[np.isin(pairs[:, 1], subject.holdout)]
    sizes = subject.sets.sizes
    test = test[(sizes[test[:, 1]] >= LEAST) & (sizes[test[:, 0]] >= LEAST // 2)]
    if len(fit) < TRAIN_MIN or len(test) < HELD_MIN:
        return {
            "reason": f"{len(fit)} training and {len(test)} held-out pairs of consecutive sets by {column!r} have "
            f"{LEAST} observations or more in the later one; {TRAIN_MIN} and {HELD_MIN} are needed."
        }
    test = test[np.sort(subject.rng(31).permutation(len(test))[:PAIRS])]
    origin = subject.latents[test[:, 0]].astype(np.float64), stage[test[:, 0]]
    guess = next_latents(subject.latents, stage, fit, origin, stage[test[:, 1]])
    carry = _transport(subject, fit)
    means = {int(i): subject.space(subject.observations(int(i))).mean(axis=0) for i in np.unique(fit)}
    rows = []
    for (i, j), z in zip(test.tolist(), guess, strict=True):
        same = fit[(stage[fit[:, 0]] == stage[i]) & (stage[fit[:, 1]] == stage[j])]
        like = same if len(same) >= SAME_STEP else fit
        shift = np.mean([means[b] - means[a] for a, b in like.tolist()], axis=0)
        rows.append(
            {
                "from": str(subject.sets.set_id[i]),
                "to": str(subject.sets.set_id[j]),
                **_judge(subject, (i, j), z, shift, carry, pairs=len(test)),
            }
        )
    draws, resampled = resamples(subject.groups[test[:, 1]], subject.rng(32))
    methods = [m for m in METHODS if m in rows[0]]
    pooled = _pooled({key: np.array([row[key] for row in rows]) for key in rows[0] if key in TITLES}, methods, draws)
    beating = [m for m in methods if pooled[f"{m}_over_unchanged_low"] > 0]
    return {
        "order": column,
        "unit": subject.sets.unit,
        "n_train": len(fit),
        "n_holdout": len(test),
        "units": len(np.unique(subject.groups[test[:, 1]])),
        "observations": float(np.median([row["n"] for row in rows])),
        "resampled": resampled,
        "rows": rows,
        "pooled": pooled,
        "best": min(beating, key=lambda m: pooled[m], default=""),
    }


def consecutive(sets: SetCollection) -> tuple[str, Array, Index] | str:
    """The column that orders sets, its (s,) values, and (p, 2) places of sets that follow each other.

    They follow each other within a unit in the order of a column (`ordered`); of several sets of a unit at one stage
    the largest counts. Where the units are dates, the first set of a unit is followed by the first of the next one, the
    second by the second, and so on. A sentence where nothing orders them.
    """
    if not sets.unit:
        return "The sets name no unit (such as a clone or a place), so none can be followed."
    years = timeline(sets)
    if years is not None:
        parts = [np.flatnonzero(years == t) for t in np.unique(years)]
        steps = [np.column_stack([a[: len(b)], b[: len(a)]]) for a, b in pairwise(parts)]
        return sets.unit, years, np.concatenate([np.empty((0, 2), dtype=np.int64), *steps])
    column, stage = ordered(sets)
    if stage is None:
        return "No column of numbers orders the sets of two units or more."
    unit = sets.labels[sets.unit]
    pairs: list[tuple[int, int]] = []
    for name in dict.fromkeys(unit.tolist()):
        members = np.flatnonzero((unit == name) & np.isfinite(stage))
        line = [int(max(members[stage[members] == t], key=lambda i: sets.sizes[i])) for t in np.unique(stage[members])]
        pairs += list(pairwise(line))
    return column, stage, np.array(pairs, dtype=np.int64).reshape(-1, 2)


def next_latents(
    latents: npt.NDArray[Any], stage: Array, fit: Index, start: tuple[Array, Array], later: Array
) -> Array:
    """(b, L) latents forecast at the stages `later` (b,): z + ridge([z, stage, later − stage]).

    Args:
        latents: (s, L) of all sets, stage: (s,), fit: (p, 2) pairs of sets from which the step is learned.
        start: (b, L) latents and their (b,) stages.
    """
    z, (i, j), (origin, at) = latents.astype(np.float64), fit.T, start
    x = np.column_stack([z[i], stage[i], stage[j] - stage[i]])
    step = ridge(x, z[j] - z[i], np.column_stack([origin, at, later - at]))
    return np.asarray(origin + step, dtype=np.float64)


def _transport(subject: Subject, fit: Index) -> Callable[[Array, Array, Array], Array] | None:
    """The flow that moves observations, learned from at most 400 training pairs of sets; None without a learner."""
    if subject.fit_transport is None:
        return None
    rng = subject.rng(33)
    chosen = fit[rng.permutation(len(fit))[:FITTED]]
    source, target, place = [], [], []
    for k, (i, j) in enumerate(chosen.tolist()):
        x, y = (subject.space(subject.observations(one)) for one in (i, j))
        n = min(len(x), len(y), MOST)
        x, y = (rows[rng.permutation(len(rows))[:n]] for rows in (x, y))
        first, second = pairing(x, y)
        source.append(x[first])
        target.append(y[second])
        place.append(np.full(n, k))
    z = subject.latents.astype(np.float64)
    return subject.fit_transport(
        np.concatenate(source),
        np.concatenate(target),
        np.concatenate(place),
        z[chosen],
        subject.seed,
    )


def _judge(
    subject: Subject,
    pair: tuple[int, int],
    z: Array,
    shift: Array,
    carry: Callable[[Array, Array, Array], Array] | None,
    *,
    pairs: int,
) -> dict[str, float]:
    """Mean W2 over halvings of the target j from each forecast that begins at the source i, one of `pairs`."""
    i, j = pair
    rng = subject.rng(3000 + j)
    x = subject.space(subject.observations(i))
    n = int(min(len(x), subject.sets.sizes[j] // 2, MOST))
    count = min(HALVINGS, -(-SPREAD // n), max(1, affordable(subject, 2 * n * pairs)))
    halves = [subject.halves(j, n, rng) for _ in range(count)]
    # Together: letters are generated one after the other, for many sequences as fast as for few.
    latents = np.stack([z] * count + [subject.embed(first) for first, _ in halves]).astype(np.float32)
    made = [subject.space(y) for y in subject.generate(latents, n, int(rng.integers(2**31)))]
    moved = None if carry is None else carry(x, subject.latents[i].astype(np.float64), z)
    parts = []
    for k, half in enumerate(halves):
        rows = rng.permutation(len(x))[:n]
        a, b = (subject.space(y) for y in half)
        guess = {"unchanged": x[rows], "mean_shift": x[rows] + shift, "linear_flow": made[k]}
        guess |= {} if moved is None else {"transport": moved[rows]}
        guess |= {"regenerated": made[count + k], "floor": a}
        parts.append({name: sample_w2(y, b) for name, y in guess.items()})
    return {"n": n, **{name: float(np.mean([part[name] for part in parts])) for name in parts[0]}}


def _pooled(column: dict[str, Array], methods: list[str], draws: list[Index]) -> dict[str, float]:
    n = len(column["floor"])
    out: dict[str, float] = {}

    def share(name: str, d: Index) -> float:
        gap = column["unchanged"][d].mean() - column["floor"][d].mean()
        return float((column["unchanged"][d].mean() - column[name][d].mean()) / gap) if gap > 0 else float("nan")

    def less(name: str, than: str, d: Index) -> float:
        return float((column[than][d] - column[name][d]).mean())

    for name, values in column.items():
        out |= framed(name, partial(_mean, values), n, draws)
    for name in methods:
        out |= framed(f"share_{name}", partial(share, name), n, draws)
        out |= framed(f"{name}_over_unchanged", partial(less, name, "unchanged"), n, draws)
        if name != "mean_shift":
            out |= framed(f"{name}_gain", partial(less, name, "mean_shift"), n, draws)
    return out


def _mean(values: Array, d: Index) -> float:
    return float(values[d].mean())

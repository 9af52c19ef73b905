"""Digest, split and profile of a set collection."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from core.data.digest import HEX_DIGITS
from core.data.sets import SetCollection
from core.data.split import HOLDOUT_FRACTION, Split

_BLOCK = 1 << 24


def sets_digest(sets: SetCollection) -> str:
    """24 hexadecimal digits of SHA-256 over observations, offsets, ids, labels, covariates, features and modality."""
    sha = hashlib.sha256(b"popscape sets 1")
    flat = sets.observations.reshape(len(sets.observations), -1)
    sha.update(repr((str(flat.dtype), sets.observations.shape, sets.modality, sets.alphabet, sets.unit)).encode())
    step = max(1, _BLOCK // max(1, flat.shape[1] * flat.itemsize))
    for start in range(0, len(flat), step):
        sha.update(np.ascontiguousarray(flat[start : start + step]).tobytes())
    sha.update(np.ascontiguousarray(sets.offsets, dtype="<i8").tobytes())
    for texts in (sets.set_id, sets.feature, *sets.labels.values()):
        sha.update("\0".join(texts.tolist()).encode("utf-8", "surrogatepass") + b"\1")
    sha.update("\0".join([*sets.labels, "|", *sets.covariates]).encode("utf-8", "surrogatepass"))
    for values in sets.covariates.values():
        numbers = values.astype("<f8") + 0.0
        numbers[np.isnan(numbers)] = np.nan
        sha.update(numbers.tobytes())
    return sha.hexdigest()[:HEX_DIGITS]


def split_sets(sets: SetCollection, digest: str) -> Split:
    """80 % of the sets train, 20 % holdout, by the digest alone; all sets of one unit on one side.

    Without a unit, sets are stratified by the first label column where each of its values has five sets or more.
    """
    order = np.argsort(np.random.Generator(np.random.PCG64(int(digest, 16))).random(sets.s), kind="stable")
    wanted = max(1, round(HOLDOUT_FRACTION * sets.s))
    if sets.unit:
        unit = sets.labels[sets.unit]
        held: list[int] = []
        for name in dict.fromkeys(unit[order].tolist()):
            members = np.flatnonzero(unit == name).tolist()
            if len(held) + len(members) <= wanted or not held:
                held.extend(members)
        held = held if len(held) < sets.s else held[:1]
    else:
        held = _stratified(sets, order, wanted)
    holdout = np.sort(np.array(held, dtype=np.int64))
    return Split(train=np.setdiff1d(np.arange(sets.s, dtype=np.int64), holdout), holdout=holdout)


def _stratified(sets: SetCollection, order: np.ndarray[Any, Any], wanted: int) -> list[int]:
    label = next(iter(sets.labels.values()), None)
    if label is None or np.unique(label, return_counts=True)[1].min() < 5:
        return [int(i) for i in order[:wanted]]
    held: list[int] = []
    for value in np.unique(label):
        members = [int(i) for i in order if label[i] == value]
        held.extend(members[: max(1, round(HOLDOUT_FRACTION * len(members)))])
    return held


def profile_sets(sets: SetCollection) -> dict[str, Any]:
    """What is read from the observations once, at import: sizes, labels, covariates, ranges of the features.

    "arrays" holds `size` (s,) and, for vectors, `feature_mean`, `feature_deviation` (d,).
    """
    sizes = sets.sizes
    arrays: dict[str, Any] = {"size": sizes}
    profile: dict[str, Any] = {
        "sizes": {k: int(f(sizes)) for k, f in (("min", np.min), ("median", np.median), ("max", np.max))},
        "labels": {k: _counts(v) for k, v in sets.labels.items()},
        "covariates": {k: _numbers(v) for k, v in sets.covariates.items()},
    }
    if sets.modality == "vector":
        rows = np.sort(np.random.default_rng(0).permutation(sets.k)[:50_000])
        sample = np.asarray(sets.observations[rows], dtype=np.float64)
        arrays |= {"feature_mean": sample.mean(axis=0), "feature_deviation": sample.std(axis=0)}
        profile["mean_share"] = _mean_share(sets, sample, rows)
    return profile | {"arrays": arrays}


def _mean_share(sets: SetCollection, sample: np.ndarray[Any, Any], rows: np.ndarray[Any, Any]) -> float:
    """Share of the observations' variance that lies between the means of the sets."""
    group = np.searchsorted(sets.offsets, rows, side="right") - 1
    scale = np.where(sample.std(axis=0) > 1e-8, sample.std(axis=0), 1.0)
    x = (sample - sample.mean(axis=0)) / scale
    count = np.bincount(group, minlength=sets.s)
    sums = np.stack([np.bincount(group, weights=column, minlength=sets.s) for column in x.T], axis=1)
    within = np.square(x - (sums / np.maximum(count, 1)[:, None])[group]).sum()
    return float(1 - within / max(np.square(x).sum(), 1e-12))


def _counts(values: np.ndarray[Any, Any]) -> dict[str, int]:
    names, counts = np.unique(values, return_counts=True)
    top = np.argsort(-counts, kind="stable")[:50]
    return {str(names[i]) or "(missing)": int(counts[i]) for i in top}


def _numbers(values: np.ndarray[Any, Any]) -> dict[str, float]:
    known = values[np.isfinite(values)]
    if not len(known):
        return {"known": 0}
    return {"known": len(known), "min": float(known.min()), "mean": float(known.mean()), "max": float(known.max())}

"""Bootstrap over held-out sets, or over their units where sets of one unit are not independent."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

DRAWS = 500
UNITS_MIN = 5  # fewer units than this are too few to draw from


def resamples(
    group: npt.NDArray[np.int64], rng: np.random.Generator, draws: int = DRAWS
) -> tuple[list[npt.NDArray[np.int64]], str]:
    """Index vectors into the n items, drawn with replacement, and what was drawn: "units" or "sets".

    Args:
        group: (n,) the unit of each item; whole units are drawn where there are five or more of them, else items,
            and then the intervals do not cover the difference between units.
    """
    names, inverse = np.unique(group, return_inverse=True)
    if len(names) == len(group) or len(names) < UNITS_MIN:
        return list(rng.integers(len(group), size=(draws, len(group)))), "sets"
    members = [np.flatnonzero(inverse == i) for i in range(len(names))]
    picks = rng.integers(len(names), size=(draws, len(names)))
    return [np.concatenate([members[i] for i in pick]) for pick in picks], "units"


def interval(
    statistic: Callable[[npt.NDArray[np.int64]], float], draws: Sequence[npt.NDArray[np.int64]]
) -> tuple[float, float]:
    """2.5 and 97.5 % points of the statistic over the resamples; NaN where it is never defined."""
    values = np.array([statistic(d) for d in draws])
    if not np.isfinite(values).any():
        return float("nan"), float("nan")
    low, high = np.nanquantile(values, [0.025, 0.975])
    return float(low), float(high)


def framed(
    name: str, statistic: Callable[[npt.NDArray[np.int64]], float], n: int, draws: Sequence[npt.NDArray[np.int64]]
) -> dict[str, float]:
    """The statistic of all n items under `name`, its interval under `name`_low and `name`_high."""
    low, high = interval(statistic, draws)
    return {name: statistic(np.arange(n)), f"{name}_low": low, f"{name}_high": high}

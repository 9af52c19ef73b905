"""Which sets are the control, and shifts of the mean against it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# Words by which experimenters name what was not perturbed.
_WORDS = (
    "nt|ntc|non[-_ ]?targeting|control|controls|ctrl|ref|reference|dmso|vehicle|unstimulated|unstim|resting|rest|"
    "untreated|mock|wt|wild[-_ ]?type|baseline"
)
MOST_NAMED = 20  # values of a column that a sentence lists
_CONTROL = re.compile(rf"(^|[^a-z])({_WORDS})([^a-z]|$)", re.IGNORECASE)


def control_of(values: npt.NDArray[np.str_]) -> str:
    """The value that names a control ("NT", "Ref", "control", "DMSO", …), "" where none does or several do."""
    found = [str(v) for v in np.unique(values) if _CONTROL.search(str(v))]
    return found[0] if len(found) == 1 else ""


def controlled(labels: Mapping[str, npt.NDArray[np.str_]], chosen: str = "") -> tuple[str, str] | None:
    """The first label column with a control, and its value: `chosen`, else the one that is called so; None: none.

    labels: column → (s,) values.
    """
    for column, values in labels.items():
        value = chosen if chosen in values else "" if chosen else control_of(values)
        if value:
            return column, value
    return None


def no_control(labels: Mapping[str, Iterable[str]], chosen: str = "", wanted: str = "evaluation.control=VALUE") -> str:
    """Why there is no control, in one sentence that lists the values of the labels; `wanted`: how one is chosen."""
    offered = "; ".join(f"{column}: {_some(values)}" for column, values in labels.items())
    listed = f"the labels are {offered}" if offered else "the sets have no label column"
    if chosen:
        return f"No set has the label value {chosen!r}, which is chosen as the control; {listed}."
    several = sorted({str(v) for values in labels.values() for v in values if _CONTROL.search(str(v))})
    found = f"Several values are called like a control ({_some(several)})" if several else "No label names a control"
    return f"{found}, so there is no shift from it; choose one by {wanted}; {listed}."


def _some(values: Iterable[str]) -> str:
    names = list(dict.fromkeys(map(str, values)))
    return ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else "")


def explained(observed: Array, predicted: Array) -> float:
    """R² of a predicted shift (…, d) against no shift at all: 1 − ‖observed − predicted‖²/‖observed‖²."""
    return float(1 - np.square(predicted - observed).sum() / max(float(np.square(observed).sum()), 1e-12))

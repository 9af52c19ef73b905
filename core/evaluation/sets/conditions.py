"""Which sets are the control, and shifts of the mean against it."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# Words by which experimenters name what was not perturbed.
_WORDS = (
    "nt|ntc|non[-_ ]?targeting|control|controls|ctrl|ref|reference|dmso|vehicle|unstimulated|unstim|resting|rest|"
    "untreated|mock|wt|wild[-_ ]?type|baseline"
)
_CONTROL = re.compile(rf"(^|[^a-z])({_WORDS})([^a-z]|$)", re.IGNORECASE)


def control_of(values: npt.NDArray[np.str_]) -> str:
    """The value that names a control ("NT", "Ref", "control", "DMSO", …), "" where none does or several do."""
    found = [str(v) for v in np.unique(values) if _CONTROL.search(str(v))]
    return found[0] if len(found) == 1 else ""


def explained(observed: Array, predicted: Array) -> float:
    """R² of a predicted shift (…, d) against no shift at all: 1 − ‖observed − predicted‖²/‖observed‖²."""
    return float(1 - np.square(predicted - observed).sum() / max(float(np.square(observed).sum()), 1e-12))

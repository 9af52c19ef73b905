"""Raw counts and intensities recognised, and brought to a scale on which a model can learn."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.intake.formats.observations import ObservationTable
from core.errors import InputError

Dense = npt.NDArray[np.float32]

AUTO = "auto"
CELLS, CYTOMETRY, TABLE = "cells", "cytometry", "table"
_LOOKED_AT = 4_000_000  # entries from which the kind of values is judged
_MARKER = re.compile(
    r"(CD\d+\w*|(FSC|SSC)[-.]?[AHW]?|.*[-.](A|H)$|HLA[-.]?\w+|.*\(?\d{2,3}(Di|Dd)\)?|p[-.]?[A-Z]\w+\d)", re.IGNORECASE
)
_WORDS = {
    "none": "taken as they are",
    "log1p": "logged (log1p)",
    "size_log1p": "scaled to 10,000 counts a cell and logged (log1p)",
    "arcsinh": "brought to arcsinh(x / 5)",
}


@dataclass(frozen=True)
class Values:
    """What the entries of a matrix look like.

    Attributes:
        whole: no entry is negative or has a fraction.
        low, high: least and largest entry.
        median: of the entries above zero.
        zeros: share of entries that are zero. top: share that equal the largest.
    """

    whole: bool
    low: float
    high: float
    median: float
    zeros: float
    top: float

    @property
    def counts(self) -> bool:
        """Whether these are counts whatever they come from: whole numbers with zeros or a long tail above.

        Grades and pixels pile up at their largest value and have no tail; ages and positions have no zeros.
        """
        tailed = self.high >= 4 * self.median
        return self.whole and self.high >= 4 and tailed and self.top < 0.02 and (self.zeros > 0.01 or self.high >= 100)

    @property
    def heavy(self) -> bool:
        """Whether a few entries dwarf the others, as raw intensities do."""
        return self.low >= 0 and self.high > 50 * max(self.median, 1e-12) and self.high > 30


def values_of(x: Any) -> Values:
    """What the entries of a dense or sparse matrix (k, d) look like, judged by up to `_LOOKED_AT` of them."""
    size = int(x.shape[0]) * int(x.shape[1])
    step = max(1, size // _LOOKED_AT)
    part = x[::step] if step > 1 else x
    stored = np.asarray(part.data if hasattr(part, "tocsr") else part).reshape(-1)
    size = max(int(part.shape[0]) * int(part.shape[1]), 1)
    if not stored.size:
        return Values(True, 0.0, 0.0, 0.0, 1.0, 1.0)
    low, high = float(stored.min()), float(stored.max())
    low = min(low, 0.0) if stored.size < size else low
    whole = low >= 0 and (stored.dtype.kind in "iub" or bool((stored == np.rint(stored)).all()))
    positive = stored[stored > 0]
    median = float(np.median(positive)) if positive.size else 0.0
    zeros = 1 - positive.size / size if low >= 0 else float((stored == 0).sum() + size - stored.size) / size
    return Values(whole, low, high, median, zeros, float((stored == high).sum()) / size)


def scale_of(x: Any, table: ObservationTable, asked: str) -> tuple[str, list[str]]:
    """How the values are normalised, and why: as `asked`, or where that is "auto" by what they look like.

    Counts of cells go to size factors and log1p, counts and intensities of cytometry to arcsinh(x / 5); anything else
    stays as it is. A logarithm that seems to be the second one is warned of.
    """
    seen = values_of(x)
    if asked != AUTO:
        return asked, _remarks(asked, seen, table)
    if table.origin == CYTOMETRY:
        return "arcsinh", [
            "Intensities of cytometry were recognised and brought to arcsinh(x / 5); normalise=none keeps them."
        ]
    if _is_counts(seen, table):
        how = "arcsinh" if _is_cytometry(table) else "size_log1p"
        return how, [
            f"Raw counts were recognised (whole numbers to {seen.high:,.0f}, {seen.zeros:.0%} zero) and are "
            f"{_WORDS[how]}; normalise=none takes them as they are."
        ]
    if seen.heavy:
        return "none", [
            f"Values run to {seen.high:,.4g} where half of them are below {seen.median:,.3g}, so a few dominate; "
            "normalise=arcsinh (cytometry) or log1p brings them nearer."
        ]
    return "none", []


def normalised(x: Dense, how: str, total: npt.NDArray[np.float64] | None, name: str) -> tuple[Dense, list[str]]:
    """Values (k, d) after `how`, and what to tell the user. Raises InputError for negative counts.

    `total` (k,) are the counts of each cell over all features, chosen or not. arcsinh is that of mass cytometry,
    cofactor 5 (Bendall et al. 2011): linear near zero, logarithmic above.
    """
    if how == "none":
        return x, []
    if how == "arcsinh":
        return np.arcsinh(x / 5).astype(np.float32), ["Values are arcsinh(x / 5)."]
    if float(x.min(initial=0.0)) < 0:
        raise InputError(f"{name} has negative values, so it does not hold counts; choose normalise=none.")
    if total is not None:
        factor = (1e4 / np.where(total > 0, total, 1.0)).astype(np.float32)
        x = x * factor[:, None]
    return np.log1p(x).astype(np.float32), [f"Counts were {_WORDS[how]}."]


def _remarks(asked: str, seen: Values, table: ObservationTable) -> list[str]:
    if asked in ("log1p", "size_log1p") and not seen.whole and seen.low >= 0:
        return [
            "Warning: the values are not whole numbers, so they do not look like counts; if they were logged before, "
            "this is a second logarithm (normalise=none takes them as they are)."
        ]
    if asked == "none" and _is_counts(seen, table):
        return [f"The values are raw counts to {seen.high:,.0f} and were taken as they are, as asked."]
    return []


def _is_counts(seen: Values, table: ObservationTable) -> bool:
    return seen.counts or (table.origin == CELLS and seen.whole and seen.high > 1)


def _is_cytometry(table: ObservationTable) -> bool:
    names = table.feature.tolist()
    markers = sum(bool(_MARKER.fullmatch(one)) for one in names)
    # Genes are called CD4 too: a panel of cytometry has nothing but markers, and not many.
    return markers > len(names) / 2 if table.origin != CELLS else len(names) <= 100 and markers > 0.8 * len(names)

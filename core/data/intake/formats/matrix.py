"""Bare matrices of numbers as calls: their coding, allele pairs, which axis is the individuals, ploidy."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import MISSING, Calls
from core.data.intake.coding import COUNTS, Coding, Tally, judge, remarks, unsure
from core.errors import InputError

_BLOCK = 16 << 20


def counts_from(
    matrix: npt.NDArray[Any], name: str, asked: str = "auto", variants_first: bool = False
) -> tuple[Calls, Coding, list[str]]:
    """Counts 0..2 with missing -1 from (a, b) numbers or (a, b, p) alleles, their coding, and remarks.

    Axes stay as they are; `variants_first` says which of the two are the variants. Raises InputError for values that
    are no genotypes.
    """
    if matrix.dtype.kind not in "biuf":
        raise InputError(f"{name} holds {matrix.dtype} values; counts 0, 1, 2 are expected: save it with dtype int8.")
    calls = np.empty(matrix.shape[:2], dtype=np.int8)
    step = max(1, _BLOCK // max(1, matrix[0].size))
    blocks = [slice(start, start + step) for start in range(0, matrix.shape[0], step)]
    if matrix.ndim == 3:
        for rows in blocks:
            calls[rows] = _from_alleles(matrix[rows], name)
        return calls, COUNTS, []
    tally = Tally()
    for rows in blocks:
        tally.add(matrix[rows])
        calls[rows] = _in_range(COUNTS.counts(matrix[rows].astype(np.float64))[0])

    def where(value: float) -> str:
        i, j = (int(v) for v in np.argwhere(matrix == value)[0])
        return f"row {i + 1:,}, column {j + 1:,}"

    coding, notes = judge(tally, calls if variants_first else calls.T, name, asked, where)
    inexact = middle = 0
    if coding is not COUNTS or matrix.dtype.kind == "f":
        for rows in blocks:
            block, exact = coding.counts(matrix[rows].astype(np.float64))
            calls[rows] = _in_range(block)
            between, near = unsure(exact)
            inexact, middle = inexact + int(between.sum()), middle + int(near.sum())
    return calls, coding, notes + remarks(inexact, middle)


def check_shape(matrix: npt.NDArray[Any], name: str) -> None:
    """Refuse an array that is no matrix of calls, nor of pairs of alleles."""
    if matrix.ndim not in (2, 3) or 0 in matrix.shape:
        shape = " x ".join(map(str, matrix.shape)) or "a single number"
        raise InputError(f"{name} holds an array of shape {shape}; individuals x variants is expected, neither empty.")


def _in_range(counts: Calls) -> Calls:
    return np.where((counts < 0) | (counts > 2), MISSING, counts).astype(np.int8)


def _from_alleles(block: npt.NDArray[Any], name: str) -> Calls:
    if (block > 1).any():
        raise InputError(
            f"{name} holds allele number {block.max():g}; with an axis of allele copies only 0, 1 and -1 are expected: "
            "split or drop multi-allelic variants."
        )
    absent = (block < 0).any(axis=2) | (np.isnan(block).any(axis=2) if block.dtype.kind == "f" else False)
    return np.where(absent, MISSING, block.sum(axis=2)).astype(np.int8)


def orientation_of(
    shape: tuple[int, ...], individuals: int | None, variants: int | None, asked: str
) -> tuple[bool, str]:
    """Whether the matrix must be transposed to individuals × variants, and a remark where that is a guess.

    `individuals` and `variants` are the numbers of ids that came with the matrix, None where there are none.
    """
    if asked != "auto":
        return asked == "samples_in_columns", ""
    rows, columns = shape[:2]
    as_is = individuals in (None, rows) and variants in (None, columns)
    turned = individuals in (None, columns) and variants in (None, rows)
    if as_is != turned:
        return turned, ""
    if individuals is None and variants is None and len(shape) == 3:
        return True, (
            f"Of the three axes the first is taken as variants ({rows:,}) and the second as individuals ({columns:,}), "
            "as scikit-allel and sgkit have them; set orientation=samples_in_rows if it is the reverse."
        )
    if individuals is None and variants is None:
        return False, (
            f"Rows are taken as individuals ({rows:,}) and columns as variants ({columns:,}); "
            "set orientation=samples_in_columns if it is the reverse."
        )
    return False, ""


def ploidy_of(calls: Calls, asked: str, diploid: bool) -> tuple[int, list[str]]:
    """1 or 2, with a remark where it is inferred: haploid where no count exceeds 1 and nothing says `diploid`.

    Raises InputError where a ploidy of 1 was asked for and a count is 2.
    """
    highest = int(calls.max())
    if asked == "1" and highest > 1:
        raise InputError("Ploidy 1 was asked for, but the file holds counts of 2; leave ploidy on auto or set it to 2.")
    if asked in ("1", "2") or diploid:
        return int(asked) if asked in ("1", "2") else 2, []
    if highest <= 1:
        return 1, ["No count exceeds 1, so the data are taken as haploid; set ploidy=2 if they are diploid."]
    return 2, []

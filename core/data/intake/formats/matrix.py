"""Bare matrices of numbers as calls: missing codes, dosages, allele pairs, which axis is the individuals, ploidy."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import MISSING, Calls
from core.errors import InputError

# -1 ours and sgkit's, -9 PLINK's text, -127 bed-reader's, 9 EIGENSTRAT's, 255 is -1 in uint8.
MISSING_CODES = (-1, -9, -127, 9, 255)
_BLOCK = 16 << 20


def counts_from(matrix: npt.NDArray[Any], name: str) -> tuple[Calls, list[str]]:
    """Counts 0..2 with missing -1 from (a, b) counts or dosages, or (a, b, p) alleles; axes stay as they are.

    Raises InputError for a value that is neither a count nor a code for missing.
    """
    if matrix.ndim not in (2, 3) or 0 in matrix.shape:
        shape = " x ".join(map(str, matrix.shape)) or "a single number"
        raise InputError(f"{name} holds an array of shape {shape}; individuals x variants is expected, neither empty.")
    if matrix.dtype.kind not in "biuf":
        raise InputError(f"{name} holds {matrix.dtype} values; counts 0, 1, 2 are expected: save it with dtype int8.")
    if matrix.dtype == np.int8 and matrix.ndim == 2 and matrix.min() >= MISSING and matrix.max() <= 2:
        return matrix, []
    calls = np.empty(matrix.shape[:2], dtype=np.int8)
    rounded = 0
    step = max(1, _BLOCK // max(1, matrix[0].size))
    for start in range(0, matrix.shape[0], step):
        block = matrix[start : start + step]
        if matrix.ndim == 3:
            calls[start : start + step] = _from_alleles(block, name)
        else:
            calls[start : start + step], inexact = _from_counts(block, start, name)
            rounded += inexact
    return calls, [f"{rounded:,} dosages were rounded to the nearest count."] if rounded else []


def _from_counts(block: npt.NDArray[Any], start: int, name: str) -> tuple[Calls, int]:
    missing = np.isin(block, MISSING_CODES)
    if block.dtype.kind == "f":
        missing |= np.isnan(block)
    wrong = ~missing & ~((block >= 0) & (block <= 2))
    if wrong.any():
        i, j = (int(v) for v in np.argwhere(wrong)[0])
        raise InputError(
            f"{name} holds the value {block[i, j]:g} in row {start + i + 1}, column {j + 1}; counts 0, 1, 2 "
            "(or -1, -9, NaN for missing) are expected: recode it."
        )
    whole = np.where(missing, 0, block)
    nearest = np.rint(whole)
    inexact = int((np.abs(nearest - whole) > 1e-6).sum()) if block.dtype.kind == "f" else 0
    return np.where(missing, MISSING, nearest).astype(np.int8), inexact


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
    if individuals is None and variants is None:
        return False, (
            f"Rows are taken as individuals ({rows:,}) and columns as variants ({columns:,}); "
            "set orientation=samples_in_columns if it is the reverse."
        )
    return False, ""


def ploidy_of(calls: Calls, asked: str, paired: bool) -> tuple[int, list[str]]:
    """1 or 2, with a remark where it is inferred: haploid where no count exceeds 1.

    Raises InputError where a ploidy of 1 was asked for and a count is 2.
    """
    highest = int(calls.max())
    if asked == "1" and highest > 1:
        raise InputError("Ploidy 1 was asked for, but the file holds counts of 2; leave ploidy on auto or set it to 2.")
    if asked in ("1", "2") or paired:
        return int(asked) if asked in ("1", "2") else 2, []
    if highest <= 1:
        return 1, ["No count exceeds 1, so the data are taken as haploid; set ploidy=2 if they are diploid."]
    return 2, []

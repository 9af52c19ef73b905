"""Bare matrices of numbers as calls: their coding, allele pairs, which axis is the individuals, ploidy."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotype_counts import genotype_counts
from core.data.genotypes import MISSING, Calls
from core.data.intake.coding import COUNTS, Coding, Tally, judge, remarks, unsure
from core.errors import InputError

_BLOCK = 16 << 20
_WITHHELD = 4.6  # counts expected of which none is seen one time in a hundred
_LIKELIER = np.log(20)


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
    """1 or 2 of (n, m) `calls`, with a remark where it is inferred: haploid where no count exceeds 1 and nothing says
    `diploid`, diploid where the counts could as well be the rare ones of four copies.

    Raises InputError where a ploidy of 1 was asked for and a count is 2, and for a ploidy above 2.
    """
    if asked not in ("auto", "1", "2"):
        raise InputError(
            f"The file says that its ploidy is {asked[:20]}; ploidy 1 or 2 is expected: only haploid and diploid "
            "genotypes are read."
        )
    highest = int(calls.max())
    if asked == "1" and highest > 1:
        raise InputError("Ploidy 1 was asked for, but the file holds counts of 2; leave ploidy on auto or set it to 2.")
    if asked != "auto" or diploid:
        return 2 if asked == "auto" else int(asked), []
    if highest <= 1:
        return 1, ["No count exceeds 1, so the data are taken as haploid; set ploidy=2 if they are diploid."]
    if _may_be_tetraploid(genotype_counts(calls, 2)):
        return 2, [
            "No count exceeds 2, so the data are taken as diploid; alleles as rare as these would look the same in "
            "individuals of four copies, which are not read: set ploidy=2 if they are diploid."
        ]
    return 2, []


def _may_be_tetraploid(counts: npt.NDArray[np.int64]) -> bool:
    """Whether (m, 3) genotype counts could be those of four copies in which 3 and 4 did not turn up.

    Under random mating a count is Binomial(4, q) or Binomial(2, 2q), the share q taken from each variant. Four copies
    are left open where they give fewer counts of 3 and 4 than chance withholds, and two are not much likelier.
    """
    called = counts.sum(axis=1)
    seen = counts[(called > 0) & (counts[:, 1] + counts[:, 2] > 0)].astype(np.float64)
    called = seen.sum(axis=1, keepdims=True)
    q = (seen[:, 1:2] + 2 * seen[:, 2:]) / (4 * called)
    four = np.hstack([(1 - q) ** 4, 4 * q * (1 - q) ** 3, 6 * q**2 * (1 - q) ** 2])
    two = np.hstack([(1 - 2 * q) ** 2, 4 * q * (1 - 2 * q), 4 * q**2])
    if float((called * (1 - four.sum(axis=1, keepdims=True))).sum()) > _WITHHELD:
        return False
    tiny = np.finfo(np.float64).tiny  # of a genotype that nobody has and that has probability 0
    return bool((seen * np.log(np.maximum(two, tiny) / four)).sum() < _LIKELIER)

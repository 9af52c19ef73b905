"""Tables of DArT: a variant in one row, where 2 is the heterozygote, or in two, one an allele that is there or not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from core.data.genotypes import MISSING, Calls

NAMES = re.compile(r"AlleleID|CloneID", re.IGNORECASE)
COLUMNS = re.compile(
    r"(AlleleID|CloneID|AlleleSequence.*|TrimmedSequence.*|SNP|SnpPosition|CallRate|OneRatio.*|FreqHo?m.*|FreqHet.*"
    r"|PIC.*|AvgPIC|AvgCount.*|AvgReadDepth|StDevReadDepth|Qpmr|Reproducibility|RatioAvgCount.*|RepAvg|Chrom(Pos)?_.*"
    r"|Strand_.*|AlnCnt_.*|AlnEvalue_.*|rdepth)",
    re.IGNORECASE,
)
"""The columns that describe a variant."""


def is_dart(lead: Sequence[str]) -> bool:
    """Whether the columns before the calls are those of DArT."""
    return any(NAMES.fullmatch(name) for name in lead)


def changes(lead: Sequence[str], columns: Mapping[int, Sequence[str]]) -> list[tuple[str, str]] | None:
    """(reference, alternate) of each row from the column SNP, as in 12:A>G; None without that column."""
    places = [j for j, name in enumerate(lead) if name.lower() == "snp"]
    return [_change(text) for text in columns[places[0]]] if places else None


def in_two_rows(matrix: Calls, changed: Sequence[tuple[str, str]] | None) -> bool:
    """Whether the rows come in pairs: the reference allele, which changes nothing, and the other."""
    if changed is None or len(changed) % 2 or int(matrix.max(initial=0)) > 1:
        return False
    named = [bool(pair[0]) for pair in changed]
    return not any(named[0::2]) and all(named[1::2])


def paired(matrix: Calls) -> Calls:
    """(rows / 2, n) int8 counts of the other allele, from rows that say whether an allele was seen.

    Neither seen, or one of the two missing, is missing.
    """
    reference, other = matrix[0::2], matrix[1::2]
    counts = np.select([(reference == 1) & (other == 1), other == 1, reference == 1], [1, 2, 0], MISSING)
    return np.where((reference < 0) | (other < 0), MISSING, counts).astype(np.int8)


def _change(text: str) -> tuple[str, str]:
    match = re.search(r"([ACGT]+)>([ACGT]+)", text)
    return (match[1], match[2]) if match else ("", "")

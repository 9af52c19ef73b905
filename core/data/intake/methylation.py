"""Methylation of reads as letters: M is a methylated C of a CpG, an unmethylated one stays C."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

_CODES = re.compile("[0-2]+")
_LOOKED_AT = 1000  # rows
_FITTING = 0.9  # of the codes 0 and 1 stand under C or G; by chance about half would
_WORDS_OF_THREE = 2  # codes fewer than letters


def methylation_column(texts: Sequence[str], columns: Mapping[str, Sequence[str]], alphabet: str) -> str:
    """The column that has a code 0, 1 or 2 for each base of the sequence beside it, or for each but the first and the
    last (the middles of words of three, methylBERT), where a C or G stands under each 0 and 1; "" where there is none
    or another alphabet was asked for."""
    if alphabet not in ("auto", "methylation"):
        return ""
    for name, codes in columns.items():
        pairs = [(t.strip().upper(), c.strip()) for t, c in zip(texts, codes, strict=True) if t and c][:_LOOKED_AT]
        before = _before(texts, codes)
        if not pairs or not all(len(t) == len(c) + 2 * before and _CODES.fullmatch(c) for t, c in pairs):
            continue
        marked = [text[before + i] for text, code in pairs for i, mark in enumerate(code) if mark != "2"]
        if marked and sum(base in "CG" for base in marked) >= _FITTING * len(marked):
            return name
    return ""


def _before(texts: Sequence[str], codes: Sequence[str]) -> int:
    """How many bases stand before the first code: 1 where the codes are two fewer than the bases, else 0."""
    gap = Counter(len(t.strip()) - len(c.strip()) for t, c in zip(texts, codes, strict=True) if t and c)
    return int(bool(gap) and gap.most_common(1)[0][0] == _WORDS_OF_THREE)


def with_methylation(
    texts: Sequence[str], codes: Sequence[str], sequence: str, column: str
) -> tuple[list[str], list[str]]:
    """The sequences with M for each C whose code is 1, and remarks; "" where the codes do not fit the sequence.

    A code under any other letter has no effect and is counted.
    """
    coded, misfits, methylated, unmethylated, elsewhere = [], 0, 0, 0, 0
    before = _before(texts, codes)
    for text, code in zip(texts, codes, strict=True):
        bases, marks = "".join(text.split()).upper(), code.strip()
        if len(bases) != len(marks) + 2 * before or not _CODES.fullmatch(marks):
            coded.append("")
            misfits += bool(bases)
            continue
        letters = list(bases)
        for place, mark in enumerate(marks, before):
            if mark == "2":
                continue
            if letters[place] != "C":
                elsewhere += 1
            elif mark == "1":
                letters[place] = "M"
                methylated += 1
            else:
                unmethylated += 1
        coded.append("".join(letters))
    notes = [
        f"The column {column!r} was taken for the methylation of {sequence!r}: {methylated:,} C were read as M "
        f"(methylated) and {unmethylated:,} stayed C (alphabet=dna leaves it out)."
    ]
    if before:
        notes.append("Its codes are two fewer than the letters: the first belongs to the second letter.")
    if elsewhere:
        notes.append(f"{elsewhere:,} of its codes stand under another letter than C and have no effect.")
    if misfits:
        notes.append(f"{misfits:,} sequences whose codes have another length, or others than 0, 1, 2, count as empty.")
    return coded, notes

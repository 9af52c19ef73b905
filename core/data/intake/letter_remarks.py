"""What is said of sequences: which letters they have, how long they are, what was dropped and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from core.data.intake.alphabets import PROTEIN, Alphabet


@dataclass
class Counts:
    """How many of `k` sequences have gaps, ambiguous or foreign letters, a final stop; which letters; why dropped."""

    k: int
    gaps: int = 0
    ambiguous: int = 0
    foreign: int = 0
    ended: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)


def foreign_to(one: Alphabet) -> str:
    """What a letter that does not belong there is none of."""
    return "a protein" if one.letters == PROTEIN else one.words


def said_of_lengths(size: npt.NDArray[np.int64], length: int) -> list[str]:
    """Least, median and most of the lengths (k,), and how many are longer than `length`, where they were cut."""
    least, middle, most = int(size.min()), float(np.median(size)), int(size.max())
    said = (
        f"All have {most:,} letters."
        if least == most
        else f"They have {least:,} to {most:,} letters, {middle:,.0f} in the middle."
    )
    longer = int((size > length).sum())
    if not longer:
        return [said]
    return [said, f"{longer:,} sequences were cut at {length:,} letters."]


def remarks(one: Alphabet, counts: Counts, how: str, gaps: str) -> list[str]:
    """What was done with ambiguous letters (`how`: drop, unknown or remove), gaps and final stops."""
    notes: list[str] = []
    if counts.codes:
        treated = {
            "drop": "these sequences were left out (ambiguous=unknown keeps them)",
            "unknown": f"each was read as {one.unknown}, a letter of its own",
            "remove": "these letters were taken out",
        }
        notes.append(f"{_listed(one, counts)}; {treated[how] if counts.ambiguous else 'they were left out'}.")
    if counts.gaps:
        closed = {"remove": "removed (gaps=keep leaves an alignment as it is)", "keep": "kept as a letter"}
        what = closed.get(gaps, "a reason to leave them out")
        notes.append(f"{counts.gaps:,} of {counts.k:,} sequences have gaps, which were {what}.")
    if counts.ended:
        notes.append(f"The final stop (*) of {counts.ended:,} sequences was taken off.")
    return notes


def _listed(one: Alphabet, counts: Counts) -> str:
    shown = ", ".join(f"{letter} {n:,} times" for letter, n in counts.codes.most_common(6))
    return (
        f"{counts.ambiguous + counts.foreign:,} of {counts.k:,} sequences hold letters other than {one.plain} ({shown})"
    )


def nothing_left(name: str, one: Alphabet, counts: Counts) -> str:
    """The sentence in which an import of no usable sequence ends."""
    reasons = "; ".join(f"{reason}: {n:,}" for reason, n in counts.dropped.most_common())
    marks = f" ({', '.join(letter for letter, _ in counts.codes.most_common(6))})" if counts.codes else ""
    return (
        f"{name} has no sequence left of {counts.k:,}, taken for {one.words}: {reasons or 'no records'}{marks}; choose "
        "what becomes of such letters (ambiguous, gaps), or the alphabet."
    )

"""The names of contigs: chr1 is 1, and PLINK's numbers for a human's sex chromosomes are X, Y, XY and MT."""

from __future__ import annotations

from collections.abc import Iterable

_NUMBERED = {"23": "X", "24": "Y", "25": "XY", "26": "MT"}


def plain(contig: str) -> str:
    """A contig without chr and leading zeros, in capitals, M as MT: chr07 → 7, chrM → MT."""
    name = contig.strip().upper()
    name = name.removeprefix("CHROMOSOME").removeprefix("CHR").lstrip("_") or name
    name = name.lstrip("0") or name
    return "MT" if name == "M" else name


def alike(*sides: Iterable[str]) -> list[dict[str, str]]:
    """For the contigs of each side what they are called in common: {as written: name}.

    23 to 26 are X, Y, XY and MT only where no side has a contig above 26 (cattle have 29 and X), nor both spellings,
    and some side writes letters.
    """
    written = [sorted(set(side)) for side in sides]
    named = [{one: plain(one) for one in side} for side in written]
    names = [set(side.values()) for side in named]
    everything = set().union(*names)
    human = all(int(one) <= 26 for one in everything if one.isdecimal())
    doubled = any({number, letter} <= side for side in names for number, letter in _NUMBERED.items())
    if not human or doubled or not everything & set(_NUMBERED.values()):
        return named
    return [{one: _NUMBERED.get(name, name) for one, name in side.items()} for side in named]

"""DNA and protein sequences as letters of an alphabet; what else stands in them is counted and treated as chosen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from core.data.intake.collection_options import CollectionOptions
from core.data.intake.formats.observations import ObservationTable, check_entries
from core.data.intake.typed_columns import typed_column
from core.errors import InputError

DNA, PROTEIN = "ACGT", "ACDEFGHIKLMNPQRSTVWY"
LONGEST = 2000
# Letters that stand for one of several (Cornish-Bowden 1985, and the same list for amino acids); X masks either. U and
# O are the 21st and 22nd amino acid, which no alphabet of 20 has.
NUCLEOTIDE_CODES, AMINO_CODES = "NRYSWKMBDHVX", "XBZJUO"
GAPS, STOP, GAP = "-.~", "*", "-"
_UNKNOWN = {DNA: "N", PROTEIN: "X"}
_NUCLEIC_SHARE = 0.7  # of the letters that are A, C, G, T or U: about a quarter in proteins
_SURELY = 20  # letters that are all A, C, G, T, U or N in a protein once in 10^11
_AMBIGUOUS_MOST = 0.5  # DNA of which more records than this have an ambiguous letter keeps them with an N


@dataclass
class _Counts:
    """How many of `k` sequences have gaps, ambiguous letters, a final stop; which letters; what was dropped and why."""

    k: int
    gaps: int = 0
    ambiguous: int = 0
    ended: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)


def encode(texts: list[str], columns: dict[str, list[str]], options: CollectionOptions, name: str) -> ObservationTable:
    """Sequences as int8 indices into their alphabet, -1 behind the end, with `columns` beside them.

    Whether they are DNA (RNA is read as DNA) or proteins is decided from all their letters, unless `options.alphabet`
    says so; lower case and blanks do not matter and a final * is taken off. Gaps and ambiguous letters are treated as
    `options` say; a sequence that cannot be used is dropped and counted. Raises InputError where none is left.
    """
    texts = ["".join(text.split()).upper() for text in texts]
    nucleic = _holds_nucleotides(texts) if options.alphabet == "auto" else options.alphabet == "dna"
    alphabet, codes = (DNA, NUCLEOTIDE_CODES) if nucleic else (PROTEIN, AMINO_CODES)
    counts = _Counts(len(texts))
    clean = [_without_marks(text, alphabet, codes, options.gaps, counts) for text in texts]
    how = _treatment(options.ambiguous, alphabet, counts)
    clean = [_settled(text, alphabet, codes, how, counts) for text in clean]
    used = set().union(*map(set, clean))
    letters = alphabet + "".join(one for one in (_UNKNOWN[alphabet], GAP) if one in used - set(alphabet))
    lengths = np.array([len(text) for text in clean])
    if not lengths.any():
        raise InputError(_nothing_left(name, alphabet, counts))
    length = min(options.length or int(lengths.max()), LONGEST)
    check_entries(len(clean) * length * (len(letters) + 1), name)
    typed = {header: typed_column(values) for header, values in columns.items()}
    table = ObservationTable(
        _indices(clean, letters, length),
        {header: one.strings() if one.numbers is None else one.numbers for header, one in typed.items()},
        modality="sequence",
        alphabet=letters,
        texts={header: one.strings() for header, one in typed.items() if one.numbers is not None},
        dropped=dict(counts.dropped),
        notes=_remarks(alphabet, counts, how, options.gaps),
    )
    if not lengths.all():
        table.rows(lengths > 0)
    longer = int((lengths > length).sum())
    if longer:
        table.notes.append(f"{longer:,} sequences were cut at {length:,} letters.")
    return table


def _holds_nucleotides(texts: list[str]) -> bool:
    """Whether the letters of the file are those of DNA or RNA; gaps, stops and masked letters do not count."""
    found: Counter[str] = Counter()
    for text in texts:
        found.update(text)
    counted = sum(n for letter, n in found.items() if letter not in GAPS + STOP + "NX")
    return sum(found[letter] for letter in "ACGTU") >= _NUCLEIC_SHARE * counted


def _without_marks(text: str, alphabet: str, codes: str, gaps: str, counts: _Counts) -> str:
    """The sequence without its final stop, with U as T, and its gaps treated; "" where it is dropped, counted."""
    if alphabet == DNA:
        text = text.replace("U", "T")
    elif STOP in text:
        ended = text.rstrip(STOP + GAPS)
        counts.ended += STOP in text[len(ended) :]
        text = ended
    odd = set(text) - set(alphabet)
    foreign = odd - set(codes + GAPS)
    reason = _fault(text, alphabet, foreign)
    if reason:
        counts.codes.update(dict.fromkeys(foreign, 1))
        return _drop(reason, counts)
    if odd & set(GAPS):
        counts.gaps += 1
        if gaps == "drop":
            return _drop("sequences with a gap (-)", counts)
        for mark in GAPS:
            text = text.replace(mark, GAP if gaps == "keep" else "")
    ambiguous = {one: text.count(one) for one in odd & set(codes)}
    counts.ambiguous += bool(ambiguous)
    counts.codes.update(ambiguous)
    return text or _drop("empty sequences", counts)


def _fault(text: str, alphabet: str, foreign: set[str]) -> str:
    """Why a sequence is none of its alphabet; "" where nothing speaks against it."""
    if not text:
        return "empty sequences"
    if alphabet == PROTEIN and len(text) >= _SURELY and set(text) <= set("ACGTUN" + GAPS):
        return "sequences of DNA among proteins"
    if alphabet == PROTEIN and STOP in foreign:
        return "sequences with a stop (*) inside"
    if foreign:
        return f"sequences with a letter that is none of {'DNA' if alphabet == DNA else 'a protein'}"
    several = sum(text.count(one) for one in NUCLEOTIDE_CODES if one not in "NX")
    return "sequences mostly of ambiguous letters" if alphabet == DNA and several > len(text) / 2 else ""


def _treatment(asked: str, alphabet: str, counts: _Counts) -> str:
    """drop, unknown or remove: what becomes of ambiguous letters."""
    if asked != "auto":
        return asked
    kept = counts.k - sum(counts.dropped.values())
    return "drop" if alphabet == DNA and counts.ambiguous <= _AMBIGUOUS_MOST * kept else "unknown"


def _settled(text: str, alphabet: str, codes: str, how: str, counts: _Counts) -> str:
    """The sequence with its ambiguous letters treated; "" where it is dropped, counted."""
    odd = set(text) & set(codes) - set(alphabet)
    if not odd:
        return text
    if how == "drop":
        return _drop("sequences with ambiguous letters", counts)
    for letter in odd:
        text = text.replace(letter, _UNKNOWN[alphabet] if how == "unknown" else "")
    return text or _drop("empty sequences", counts)


def _drop(reason: str, counts: _Counts) -> str:
    counts.dropped[reason] += 1
    return ""


def _indices(texts: list[str], letters: str, length: int) -> npt.NDArray[np.int8]:
    """(k, length) places in `letters`, -1 behind the end."""
    place = np.full(256, -1, dtype=np.int8)
    place[np.frombuffer(letters.encode("ascii"), dtype=np.uint8)] = np.arange(len(letters))
    codes = np.full((len(texts), length), -1, dtype=np.int8)
    for row, text in enumerate(texts):
        some = text[:length]
        codes[row, : len(some)] = place[np.frombuffer(some.encode("ascii"), dtype=np.uint8)]
    return codes


def _remarks(alphabet: str, counts: _Counts, how: str, gaps: str) -> list[str]:
    notes = [f"The sequences were taken for {'DNA' if alphabet == DNA else 'proteins'}."]
    if counts.codes:
        treated = {
            "drop": "these sequences were left out (ambiguous=unknown keeps them)",
            "unknown": f"each was read as {_UNKNOWN[alphabet]}, a letter of its own",
            "remove": "these letters were taken out",
        }
        notes.append(f"{_listed(alphabet, counts)}; {treated[how] if counts.ambiguous else 'they were left out'}.")
    if counts.gaps:
        closed = {"remove": "removed (gaps=keep leaves an alignment as it is)", "keep": "kept as a letter"}
        what = closed.get(gaps, "a reason to leave them out")
        notes.append(f"{counts.gaps:,} of {counts.k:,} sequences have gaps, which were {what}.")
    if counts.ended:
        notes.append(f"The final stop (*) of {counts.ended:,} sequences was taken off.")
    return notes


def _listed(alphabet: str, counts: _Counts) -> str:
    shown = ", ".join(f"{letter} {n:,} times" for letter, n in counts.codes.most_common(6))
    some = counts.ambiguous or counts.dropped.total()
    plain = alphabet if alphabet == DNA else "the 20 amino acids"
    return f"{some:,} of {counts.k:,} sequences hold letters other than {plain} ({shown})"


def _nothing_left(name: str, alphabet: str, counts: _Counts) -> str:
    kind = "DNA" if alphabet == DNA else "proteins"
    reasons = "; ".join(f"{reason}: {n:,}" for reason, n in counts.dropped.most_common())
    marks = f" ({', '.join(letter for letter, _ in counts.codes.most_common(6))})" if counts.codes else ""
    return (
        f"{name} has no sequence left of {counts.k:,}, taken for {kind}: {reasons or 'no records'}{marks}; choose what "
        "becomes of such letters (ambiguous, gaps), or the alphabet."
    )

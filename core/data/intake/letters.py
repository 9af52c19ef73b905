"""Sequences as letters of an alphabet; what else stands in them is counted and treated as chosen.

The letters lie in one file behind each other, never as a Python string each, and are looked at in blocks of records:
once for what they hold, and once to write their indices.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.intake.alphabets import ALPHABETS, GAP, GAPS, PROTEIN, STOP, Alphabet
from core.data.intake.coded_columns import DISTINCT_MAX, CodedColumn, coded
from core.data.intake.collection_options import CollectionOptions
from core.data.intake.formats.observations import ObservationTable, check_entries, forget_pages
from core.data.intake.letter_remarks import Counts, foreign_to, nothing_left, remarks, said_of_lengths
from core.errors import InputError

LONGEST = 4096
CHARACTERS_MAX = 120  # of a text; int8 holds their indices, and one more for all others
_NUCLEIC_SHARE = 0.7  # of the letters that are A, C, G, T or U: about a quarter in proteins
_SURELY = 20  # letters that are all A, C, G, T, U or N in a protein once in 10^11
_AMBIGUOUS_MOST = 0.5  # DNA of which more records than this have an ambiguous letter keeps them with an N
_IN_MEMORY = 64 << 20  # bytes of letters and of indices up to which no file is needed
_BLOCK = 4 << 20  # letters looked at together
_FLOAT_BYTES = 4
_KEPT, _GONE, _FOREIGN = 0, -2, -3  # reasons and codes
_REASONS = (
    "",
    "empty sequences",
    "sequences of DNA among proteins",
    "sequences with a stop (*) inside",
    "sequences with a letter that is none of {}",
    "sequences mostly of ambiguous letters",
    "sequences with a gap (-)",
    "sequences with ambiguous letters",
)
_EMPTY, _DNA_IN_PROTEINS, _STOP_INSIDE, _OTHER_LETTER, _MOSTLY, _WITH_GAP, _AMBIGUOUS = range(1, len(_REASONS))


@dataclass
class _Records:
    """Of each record, (k,): its letters as they came, why it is dropped (0: kept), its letters without gaps that are
    removed, how many of them are ambiguous, how many letters stand before a final stop, and whether it has gaps."""

    lengths: npt.NDArray[np.int64]
    reason: npt.NDArray[np.int8]
    size: npt.NDArray[np.int64]
    ambiguous: npt.NDArray[np.int64]
    inner: npt.NDArray[np.int64]
    gapped: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, lengths: npt.NDArray[np.int64]) -> _Records:
        """Before they are looked at."""
        zero, no = np.zeros_like(lengths), np.zeros(len(lengths), dtype=bool)
        return cls(lengths, np.zeros(len(lengths), dtype=np.int8), lengths.copy(), zero, lengths.copy(), no)

    @property
    def keep(self) -> npt.NDArray[np.bool_]:
        """Which are kept."""
        return np.asarray(self.reason == _KEPT)


def encode(
    texts: list[str],
    columns: dict[str, list[str]],
    options: CollectionOptions,
    name: str,
    folder: Path | None = None,
) -> ObservationTable:
    """Sequences as int8 indices into their alphabet, -1 behind the end, with `columns` beside them.

    What `Letters.table` says of all at once.
    """
    letters = Letters(options, folder)
    letters.add(texts)
    return letters.table(coded(columns), name)


class Letters:
    """The letters of sequences that arrive in blocks."""

    def __init__(self, options: CollectionOptions, folder: Path | None = None) -> None:
        """`folder` is where files of letters may lie that are too large for memory (None: the system's)."""
        self._options, self._folder = options, folder
        self._text = options.alphabet == "text"
        self._type: type[np.uint32 | np.uint8] = np.uint32 if self._text else np.uint8
        # Read again in `table` and closed with it; a context would have to span both.
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=None if folder is None else str(folder))  # noqa: SIM115
        self._lengths: list[npt.NDArray[np.int64]] = []
        self._seen: npt.NDArray[np.int64] = np.zeros(256, dtype=np.int64)
        self._characters: Counter[int] = Counter()

    def add(self, texts: Sequence[str]) -> None:
        """Sequences behind those that are there: lower case and blanks do not matter, except in text."""
        plain = list(texts) if self._text else ["".join(text.split()).upper() for text in texts]
        self._lengths.append(np.fromiter(map(len, plain), dtype=np.int64, count=len(plain)))
        raw = "".join(plain).encode(*(("utf-32-le", "replace") if self._text else ("latin-1", "replace")))
        array = np.frombuffer(raw, dtype=self._type)
        if self._text:
            places, times = np.unique(array, return_counts=True)
            self._characters.update(dict(zip(places.tolist(), times.tolist(), strict=True)))
        else:
            self._seen += np.bincount(array, minlength=256)
        self._file.write(raw)

    def table(self, columns: dict[str, CodedColumn], name: str, alphabet: str = "") -> ObservationTable:
        """The observations: (k, l) int8 indices into their alphabet, -1 behind the end, with `columns` beside them.

        Which alphabet it is, `alphabet` or the options say, or else all letters together: DNA, RNA (U and no T) or
        proteins. A final * is taken off. Gaps and ambiguous letters are treated as the options say; a sequence that
        cannot be used is dropped and counted. Raises InputError where none is left.
        """
        lengths = np.concatenate([*self._lengths, np.zeros(0, dtype=np.int64)])
        if self._text:
            return self._of_characters(lengths, columns, name)
        asked = alphabet or self._options.alphabet
        kind = self._told() if asked == "auto" else asked
        one = ALPHABETS[kind]
        counts = Counts(len(lengths))
        records = self._looked_at(lengths, one, counts)
        reason = records.reason
        how = _treatment(self._options.ambiguous, one, counts, reason)
        odd = records.keep & (records.ambiguous > 0)
        if how == "drop":
            reason[odd] = _AMBIGUOUS
        elif how == "remove":
            records.size -= records.ambiguous
            reason[odd & (records.size == 0)] = _EMPTY
        for code in range(1, len(_REASONS)):
            if dropped := int((reason == code).sum()):
                counts.dropped[_REASONS[code].format(foreign_to(one))] = dropped
        if not records.keep.any():
            raise InputError(nothing_left(name, one, counts))
        letters = one.letters
        if how == "unknown" and odd.any():
            letters += one.unknown
        if self._options.gaps == "keep" and (records.gapped & records.keep).any():
            letters += GAP
        table = self._encoded(records, _places(one, letters, how), letters, columns, name)
        table.dropped = dict(counts.dropped)
        taken = f"The sequences were taken for {one.words}."
        if kind == "rna" and asked == "auto":
            taken = "The sequences were taken for RNA: they have U and no T (alphabet=dna reads U as T)."
        first, second = one.replaced
        if first and (replaced := int(self._seen[ord(first)])):
            taken = f"{taken} {first} was read as {second} ({replaced:,} times)."
        table.notes = [taken, *remarks(one, counts, how, self._options.gaps), *table.notes]
        return table

    def _told(self) -> str:
        """dna, rna or protein, from all letters; gaps, stops and masked letters do not count."""
        seen = {letter: int(self._seen[ord(letter)]) for letter in "ACGTU"}
        counted = int(self._seen.sum()) - sum(int(self._seen[ord(letter)]) for letter in GAPS + STOP + "NX")
        if sum(seen.values()) < _NUCLEIC_SHARE * counted:
            return "protein"
        return "rna" if seen["U"] and not seen["T"] else "dna"

    def _blocks(self, lengths: npt.NDArray[np.int64]) -> Iterator[tuple[slice, npt.NDArray[Any], npt.NDArray[Any]]]:
        """The records of a block, their letters and the record (from 0 in the block) of each letter."""
        self._file.seek(0)
        ends = np.cumsum(lengths)
        start, width = 0, np.dtype(self._type).itemsize
        while start < len(lengths):
            before = int(ends[start - 1]) if start else 0
            stop = max(start + 1, int(np.searchsorted(ends, before + _BLOCK, side="right")))
            stop = min(stop, start + _BLOCK // 8)
            raw = np.frombuffer(self._file.read((int(ends[stop - 1]) - before) * width), dtype=self._type)
            yield slice(start, stop), raw, np.repeat(np.arange(stop - start), lengths[start:stop])
            start = stop

    def _looked_at(self, lengths: npt.NDArray[np.int64], one: Alphabet, counts: Counts) -> _Records:
        records = _Records.of(lengths)
        for rows, letters, record in self._blocks(lengths):
            n, of_letter = rows.stop - rows.start, record
            raw = letters
            if one.replaced[0]:
                raw = np.where(raw == ord(one.replaced[0]), ord(one.replaced[1]), raw).astype(np.uint8)
            if one.letters == PROTEIN:
                records.inner[rows] = _without_stop(raw, record, lengths[rows], counts)
                inside = _position(lengths[rows], record) < records.inner[rows][record]
                raw, of_letter = raw[inside], record[inside]
            having = _Tally(raw, of_letter, n)
            total = np.bincount(of_letter, minlength=n)
            gaps, odd = having(one.gaps), having(one.ambiguous)
            foreign = total - having(one.letters) - gaps - odd
            why = np.zeros(n, dtype=np.int8)
            if one.nucleic:
                why[having(one.ambiguous.replace("N", "").replace("X", "")) > total / 2] = _MOSTLY
            why[foreign > 0] = _OTHER_LETTER
            if one.letters == PROTEIN:
                why[having(STOP) > 0] = _STOP_INSIDE
                why[(total >= _SURELY) & (having("ACGTUN" + GAPS) == total)] = _DNA_IN_PROTEINS
            why[total == 0] = _EMPTY
            wrong = why[of_letter] != _KEPT
            strange = wrong & ~_among(raw, one.letters + one.ambiguous + one.gaps)
            counts.foreign += len(np.unique(of_letter[strange]))
            for letter in np.unique(raw[strange]).tolist():
                counts.codes[chr(letter)] += len(np.unique(of_letter[strange & (raw == letter)]))
            with_gap = (why == _KEPT) & (gaps > 0)
            counts.gaps += int(with_gap.sum())
            if self._options.gaps == "drop":
                why[with_gap] = _WITH_GAP
            fine = why == _KEPT
            counts.ambiguous += int((fine & (odd > 0)).sum())
            several = raw[fine[of_letter] & _among(raw, one.ambiguous)]
            for letter, times in zip(*np.unique(several, return_counts=True), strict=True):
                counts.codes[chr(int(letter))] += int(times)
            left = total if self._options.gaps == "keep" else total - gaps
            why[fine & (left == 0)] = _EMPTY
            records.reason[rows], records.size[rows] = why, left
            records.ambiguous[rows], records.gapped[rows] = odd, gaps > 0
        return records

    def _encoded(
        self, records: _Records, place: npt.NDArray[np.int8], letters: str, columns: dict[str, CodedColumn], name: str
    ) -> ObservationTable:
        """The table of the records that are kept; `place` is the index of each letter, -2 where it is taken out."""
        lengths, inner, keep = records.lengths, records.inner, records.keep
        size = records.size[keep]
        length = min(self._options.length or int(size.max()), LONGEST)
        check_entries(len(size) * length // _FLOAT_BYTES, name)
        codes = self._room(len(size), length)
        target = 0
        for rows, raw, record in self._blocks(lengths):
            index = place[np.minimum(raw, len(place) - 1)]
            used = keep[rows][record] & (index > _GONE) & (_position(lengths[rows], record) < inner[rows][record])
            kept = np.cumsum(keep[rows]) - 1
            index, row = index[used], kept[record[used]]
            n = int(keep[rows].sum())
            column = _position(np.bincount(row, minlength=n), row)
            block = np.full((n, length), -1, dtype=np.int8)
            inside = column < length
            block[row[inside], column[inside]] = index[inside]
            codes[target : target + n] = block
            forget_pages(codes)
            target += n
        self._file.close()
        values, written, notes = {}, {}, []
        for header, one in columns.items():
            if one.lost:
                notes.append(f"The column {header!r} was left out: it has more than {DISTINCT_MAX:,} distinct words.")
                continue
            values[header], text = one.values(keep)
            if text is not None:
                written[header] = text
        table = ObservationTable(codes, values, modality="sequence", alphabet=letters, texts=written, notes=notes)
        table.notes += said_of_lengths(size, length)
        return table

    def _room(self, k: int, length: int) -> npt.NDArray[np.int8]:
        """An array (k, length) int8, in a file where it is large."""
        if k * length <= _IN_MEMORY or self._folder is None:
            return np.empty((k, length), dtype=np.int8)
        return np.lib.format.open_memmap(self._folder / "letters.npy", mode="w+", dtype=np.int8, shape=(k, length))

    def _of_characters(
        self, lengths: npt.NDArray[np.int64], columns: dict[str, CodedColumn], name: str
    ) -> ObservationTable:
        """Any text: its commonest characters are the alphabet, all others one letter more."""
        common = [character for character, _ in self._characters.most_common(CHARACTERS_MAX)]
        letters = "".join(sorted(map(chr, common)))
        rare = {one: n for one, n in self._characters.items() if one not in set(common)}
        unknown = next(one for one in "\N{REPLACEMENT CHARACTER}\N{WHITE SQUARE}" if one not in letters)
        place = np.full(max([*self._characters, 0]) + 1, len(letters), dtype=np.int8)
        place[[ord(letter) for letter in letters]] = np.arange(len(letters), dtype=np.int8)
        records = _Records.of(lengths)
        records.reason[lengths == 0] = _EMPTY
        if not records.keep.any():
            raise InputError(f"{name} holds no text in {len(lengths):,} records; check the column of the texts.")
        whole = letters + (unknown if rare else "")
        table = self._encoded(records, place, whole, columns, name)
        said = [f"The sequences were read as text of {len(letters)} characters, upper and lower case apart."]
        if rare:
            said.append(
                f"{len(rare):,} rarer characters ({sum(rare.values()):,} of {self._characters.total():,} letters) were "
                f"read as one, {unknown}."
            )
        if not records.keep.all():
            table.dropped["empty sequences"] = int((~records.keep).sum())
        table.notes = [*said, *table.notes]
        return table


class _Tally:
    """How many letters of a kind each of `n` records has."""

    def __init__(self, raw: npt.NDArray[np.uint8], record: npt.NDArray[np.int64], n: int) -> None:
        self._raw, self._record, self._n = raw, record, n

    def __call__(self, letters: str) -> npt.NDArray[np.int64]:
        return np.bincount(self._record[_among(self._raw, letters)], minlength=self._n)


def _among(raw: npt.NDArray[Any], letters: str) -> npt.NDArray[np.bool_]:
    chosen = np.zeros(256, dtype=bool)
    chosen[[ord(letter) for letter in letters]] = True
    return np.asarray(chosen[raw])


def _position(lengths: npt.NDArray[Any], record: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """The place of each letter in its record."""
    starts = np.cumsum(lengths) - lengths
    return np.asarray(np.arange(len(record)) - starts[record], dtype=np.int64)


def _without_stop(
    raw: npt.NDArray[Any], record: npt.NDArray[Any], lengths: npt.NDArray[Any], counts: Counts
) -> npt.NDArray[Any]:
    """How many letters each record has before its final stop and the gaps around that."""
    n = len(lengths)
    stops = np.bincount(record[raw == ord(STOP)], minlength=n)
    last = np.zeros(n, dtype=np.int64)
    solid = ~_among(raw, STOP + GAPS)
    np.maximum.at(last, record[solid], _position(lengths, record)[solid] + 1)
    behind = (raw == ord(STOP)) & (_position(lengths, record) >= last[record])
    counts.ended += int((np.bincount(record[behind], minlength=n) > 0).sum())
    return np.where(stops > 0, last, lengths)


def _places(one: Alphabet, letters: str, how: str) -> npt.NDArray[np.int8]:
    """(256,) the index of each letter, -2 where it is taken out."""
    place = np.full(256, _FOREIGN, dtype=np.int8)
    place[[ord(mark) for mark in one.gaps]] = letters.index(GAP) if GAP in letters else _GONE
    treated = letters.index(one.unknown) if how == "unknown" and one.unknown in letters else _GONE
    place[[ord(letter) for letter in one.ambiguous]] = treated
    place[[ord(letter) for letter in letters]] = np.arange(len(letters), dtype=np.int8)
    if one.replaced[0]:
        place[ord(one.replaced[0])] = place[ord(one.replaced[1])]
    return place


def _treatment(asked: str, one: Alphabet, counts: Counts, reason: npt.NDArray[np.int8]) -> str:
    """drop, unknown or remove: what becomes of ambiguous letters."""
    if asked != "auto":
        return asked
    kept = int((reason == _KEPT).sum())
    return "drop" if one.nucleic and counts.ambiguous <= _AMBIGUOUS_MOST * kept else "unknown"

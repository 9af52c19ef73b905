"""Sequences: FASTA, and the column of a table that holds them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from core.data.intake import archives
from core.data.intake.formats.base import CollectionFormat, CollectionSource, Head, formats
from core.data.intake.formats.observations import ObservationTable
from core.data.intake.formats.several import files_of, stems, with_files
from core.data.intake.letters import AMINO_CODES, GAPS, NUCLEOTIDE_CODES, PROTEIN, STOP, encode
from core.data.intake.tables import decode
from core.errors import InputError

_LETTERS = re.compile(r"[A-Za-z*.~\-]{4,}")
_HEADER_LONGEST = 2000
_FIELDS_LEAST = 0.1  # of the headers have a field that becomes a column
_WORDS_MOST = 8


@formats.register(
    "fasta",
    title="FASTA",
    kind="sets",
    help="DNA or proteins; key=value pairs of a header, its parts at | or its words become columns; several "
    "files or a zip of them, one a sample (column file).",
    source="FASTA",
)
class FastaFormat(CollectionFormat):
    """One observation a record."""

    companions = True

    @staticmethod
    def matches(head: Head) -> bool:
        return head.first.lstrip()[:1] == b">"

    @staticmethod
    def read(source: CollectionSource) -> ObservationTable:
        heads, notes = files_of(source, FastaFormat.matches)
        parts = [list(_records(head)) for head in heads]
        headers = [header for part in parts for header, _ in part]
        columns, said = header_columns(headers)
        names = [stem for stem, part in zip(stems(heads), parts, strict=True) for _ in part]
        several = len(heads) > 1
        if several:
            columns = with_files(columns, names)
        texts = [text for part in parts for _, text in part]
        table = encode(texts, columns, source.options, source.main.name)
        table.notes = [*notes, *said, *table.notes]
        table.a_file_a_set = several
        return table


def _records(head: Head) -> Iterator[tuple[str, str]]:
    header = ""
    parts: list[str] = []
    for number, raw in enumerate(archives.lines(head.path, head.name), 1):
        line = decode(raw).strip()
        if line.startswith(">"):
            if header or parts:
                yield header, "".join(parts)
            header, parts = line[1:].strip()[:_HEADER_LONGEST] or f"record {number}", []
        elif line and not line.startswith(";"):
            if not header:
                raise InputError(f"{head.name} has text before its first '>' (line {number}); FASTA is expected.")
            parts.append(line)
    if header:
        yield header, "".join(parts)


def header_columns(headers: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    """The columns that FASTA headers hold, "" where one lacks a part, and remarks.

    "record", the first word; each key of key=value; "field_i", the parts at | of headers that are divided so; and
    where there is neither, "word_i" of headers that all have the same few words.
    """
    columns: dict[str, list[str]] = {"record": [(h.split() or [""])[0] for h in headers]}
    notes = []
    pairs = [_pairs(h) for h in headers]
    for key in dict.fromkeys(k for p in pairs for k in p):
        columns[key] = [p.get(key, "") for p in pairs]
    divided = [h.split("|") for h in headers]
    bars = sum(len(parts) > 1 for parts in divided)
    if bars >= _FIELDS_LEAST * len(headers) and bars:
        lengths = Counter(map(len, divided))
        for i in range(max(lengths)):
            having = sum(n for length, n in lengths.items() if length > i)
            if having < _FIELDS_LEAST * len(headers):
                break
            columns[f"field_{i + 1}"] = [parts[i].strip() if i < len(parts) else "" for parts in divided]
            if having < len(headers):
                notes.append(f"{len(headers) - having:,} of {len(headers):,} headers have no part {i + 1} at |.")
        return columns, notes
    words = [h.split() for h in headers]
    if not any(pairs) and words and 1 < len(words[0]) <= _WORDS_MOST and len({len(one) for one in words}) == 1:
        columns |= {f"word_{i + 1}": [one[i] for one in words] for i in range(len(words[0]))}
    return columns, notes


def _pairs(header: str) -> dict[str, str]:
    """The pairs key=value of a header; a value ends at the next key, at | ; , or ], so that it may hold blanks."""
    found: dict[str, str] = {}
    for part in re.split(r"[|;\]]|,(?=\s*\w+=)", header):
        pieces = part.split("=")
        for left, right, last in zip(pieces, pieces[1:], range(len(pieces) - 2, -1, -1), strict=False):
            key = (left.split() or [""])[-1].strip("[\"'")
            value = right if last == 0 else " ".join(right.split()[:-1])
            if key:
                found.setdefault(key, value.split(" [")[0].strip().strip("\"'"))
    return found


def sequence_column(columns: dict[str, list[str]], not_these: tuple[str, ...]) -> str:
    """The column whose entries are long words of sequence letters, or "" where there is none."""
    known = set(PROTEIN + AMINO_CODES + NUCLEOTIDE_CODES + GAPS + STOP)
    for name, values in columns.items():
        some = [v for v in values[:200] if v]
        if name in not_these or len(some) < 2 or len(set(some)) < 0.2 * len(some):
            continue
        # A few entries may hold marks of out-of-frame reads or the like.
        fitting = sum(bool(_LETTERS.fullmatch(v)) and set(v.upper()) <= known for v in some)
        if fitting >= 0.9 * len(some):
            return name
    return ""

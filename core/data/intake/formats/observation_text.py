"""Sequences: FASTA and FASTQ, and the column of a table that holds them."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np

from core.data.intake import archives
from core.data.intake.alphabets import AMINO_CODES, GAPS, NUCLEOTIDE_CODES, PROTEIN, STOP
from core.data.intake.coded_columns import CodedColumn, coded
from core.data.intake.delimited import read_delimited
from core.data.intake.formats.base import CollectionFormat, CollectionSource, Head, formats
from core.data.intake.formats.observations import ObservationTable
from core.data.intake.formats.several import files_of, stems, with_files
from core.data.intake.letters import Letters, encode
from core.data.intake.tables import DELIMITERS, decode
from core.errors import InputError

_LETTERS = re.compile(r"[A-Za-z*.~\-]{4,}")
_HEADER_LONGEST = 2000
_FIELDS_LEAST = 0.1  # of the headers have a field that becomes a column
_WORDS_MOST = 8
BLOCK = 50_000  # records that are Python strings at a time
COLUMNS_MAX = 200


@formats.register(
    "fasta",
    title="FASTA",
    kind="sets",
    help="DNA, RNA or proteins; key=value pairs of a header, its parts at | or its words become columns; several "
    "files or a zip of them, one a sample (column file); a table beside one FASTA file has a row an observation, and "
    "says which record it is.",
    source="FASTA",
)
class FastaFormat(CollectionFormat):
    """One observation a record, or a row of the table that names its record."""

    companions = True

    @staticmethod
    def matches(head: Head) -> bool:
        return _first_record(head.first)[:1] == b">"

    @staticmethod
    def read(source: CollectionSource) -> ObservationTable:
        tables = [head for head in (source.main, *source.others) if _is_table(head)]
        if len(source.others) == 1 and len(tables) == 1 and FastaFormat.matches(source.main):
            return _joined_rows(source, tables[0])
        return read_records(source, FastaFormat.matches, fasta_records)


@formats.register(
    "fastq",
    title="FASTQ",
    kind="sets",
    help="Reads of a sequencer, without their qualities; headers as of FASTA; several files or a zip of them, one a "
    "sample (column file).",
    source="FASTQ",
)
class FastqFormat(CollectionFormat):
    """One observation a read."""

    companions = True

    @staticmethod
    def matches(head: Head) -> bool:
        lines = head.first.removeprefix(codecs.BOM_UTF8).lstrip().split(b"\n", 3)
        return len(lines) > 3 and lines[0][:1] == b"@" and lines[2][:1] == b"+"

    @staticmethod
    def read(source: CollectionSource) -> ObservationTable:
        return read_records(source, FastqFormat.matches, fastq_records)


def read_records(
    source: CollectionSource, fits: Callable[[Head], bool], records: Callable[[Head], Iterator[tuple[str, str]]]
) -> ObservationTable:
    """One observation a record of the files; texts and headers are Python strings for a block of records alone.

    Headers are divided into columns a block at a time; a column that a block has first is "" in those before it.
    """
    heads, notes = files_of(source, fits)
    letters = Letters(source.options, source.folder)
    several = len(heads) > 1
    columns: dict[str, CodedColumn] = {}
    count = 0
    every = ((stem, *one) for stem, head in zip(stems(heads), heads, strict=True) for one in records(head))
    while block := list(islice(every, BLOCK)):
        found, said = header_columns([header for _, header, _ in block])
        if several:
            found = with_files(found, [stem for stem, _, _ in block])
        notes += said if count == 0 else []
        for key in [key for key in found if key not in columns][: COLUMNS_MAX - len(columns)]:
            columns[key] = CodedColumn(count)
        for key, one in columns.items():
            one.add(found.get(key) or [""] * len(block))
        letters.add([text for _, _, text in block])
        count += len(block)
    if not count:
        raise InputError(f"{source.main.name} holds no record; a header and a sequence are expected: export it again.")
    table = letters.table(columns, source.main.name)
    table.notes = [*notes, *table.notes]
    table.a_file_a_set = several
    return table


def _first_record(start: bytes) -> bytes:
    """The beginning of a file without a byte order mark, empty lines and the comments (;) of old FASTA files."""
    text = start.removeprefix(codecs.BOM_UTF8).lstrip()
    while text.startswith(b";") and b"\n" in text:
        text = text.split(b"\n", 1)[1].lstrip()
    return text


def _is_table(head: Head) -> bool:
    first = head.first.lstrip()
    return b"\0" not in first[:2000] and first[:1] not in b">@" and any(d in first for d in (b",", b"\t", b";"))


def _joined_rows(source: CollectionSource, beside: Head) -> ObservationTable:
    """An observation a row of the table `beside`, its sequence being the record whose first word the row names.

    The column is the one in which most rows name a record. Rows that name none are dropped and counted, as are the
    observations whose sequence is dropped; records that no row names are counted in the notes.
    """
    name, options = source.main.name, source.options
    texts = {(header.split() or [""])[0]: text for header, text in fasta_records(source.main)}
    rows = read_delimited(beside.path, beside.name, DELIMITERS.get(options.delimiter, ""))
    hits = {key: sum(cell in texts for cell in cells) for key, cells in rows.columns.items()}
    key = max(hits, key=lambda one: hits[one])
    total = len(rows.columns[key])
    if not hits[key]:
        raise InputError(
            f"No column of {beside.name} ({', '.join(list(rows.columns)[:8])}) holds names of records of {name} (such "
            f"as {', '.join(list(texts)[:3])}); give a table with a column of them, or {name} alone."
        )
    found = [cell in texts for cell in rows.columns[key]]
    used = {cell for cell in rows.columns[key] if cell in texts}
    chosen = list(used)
    columns = {
        header: [c for c, some in zip(cells, found, strict=True) if some] for header, cells in rows.columns.items()
    }
    place = {cell: i for i, cell in enumerate(chosen)}
    # Each sequence is looked at once, however many rows have it; a mark tells which of them are left.
    unique = encode([texts[cell] for cell in chosen], {"place": [f"s{i}" for i in range(len(chosen))]}, options, name)
    left = np.full(len(chosen), -1)
    left[[int(one[1:]) for one in unique.text("place").tolist()]] = np.arange(len(unique.observations))
    row = left[[place[cell] for cell in columns[key]]]
    table = ObservationTable(
        unique.observations[row[row >= 0]], {}, modality="sequence", alphabet=unique.alphabet, notes=unique.notes
    )
    for header, one in coded(columns).items():
        table.columns[header], text = one.values(row >= 0)
        if text is not None:
            table.texts[header] = text
    if lost := int((row < 0).sum()):
        table.dropped["observations whose sequence is left out"] = lost
    if unnamed := total - sum(found):
        table.dropped[f"rows of {beside.name} whose {key} is no record of {name}"] = unnamed
    table.notes = [
        *rows.notes,
        f"The column {key!r} of {beside.name} names the records of {name} ({hits[key]:,} of {total:,} rows); a row is "
        f"an observation with the sequence of its record.",
        *(
            [f"{len(texts) - len(used):,} of {len(texts):,} records are named by no row."]
            if len(texts) > len(used)
            else []
        ),
        *table.notes,
    ]
    return table


def fasta_records(head: Head) -> Iterator[tuple[str, str]]:
    """Header and sequence of each record of a FASTA file."""
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


def fastq_records(head: Head) -> Iterator[tuple[str, str]]:
    """Header and sequence of each read; raises InputError where a record is not of four lines."""
    lines = archives.lines(head.path, head.name)
    number = 0
    for raw in lines:
        number += 1
        if not raw.strip():
            continue
        text, plus, quality = next(lines, b""), next(lines, b""), next(lines, None)
        if raw[:1] != b"@" or plus[:1] != b"+" or quality is None or len(quality.strip()) != len(text.strip()):
            raise InputError(
                f"{head.name} has no whole FASTQ record at line {number:,}; four lines are expected, @name, letters, + "
                "and as many qualities as letters: copy it again."
            )
        yield decode(raw[1:]).strip()[:_HEADER_LONGEST] or f"read {number}", decode(text).strip()
        number += 3


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
    if "=" not in header:
        return found
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


def text_column(columns: dict[str, list[str]]) -> str:
    """The column whose entries are the longest on average, most of them different; "" where they are single words."""
    mean = {
        name: sum(map(len, some)) / len(some)
        for name, values in columns.items()
        if (some := [v for v in values[:200] if v]) and len(set(some)) > 0.5 * len(some) and any(" " in v for v in some)
    }
    return max(mean, key=lambda name: mean[name], default="")

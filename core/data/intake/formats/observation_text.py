"""Sequences: FASTA, and the column of a table that holds them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from core.data.intake import archives
from core.data.intake.formats.base import CollectionFormat, CollectionSource, Head, formats
from core.data.intake.formats.observations import ObservationTable, check_entries
from core.data.intake.tables import decode
from core.data.intake.typed_columns import typed_column
from core.errors import InputError

DNA, PROTEIN = "ACGT", "ACDEFGHIKLMNPQRSTVWY"
LONGEST = 2000
_LETTERS = re.compile(r"[A-Za-z*.\-]{4,}")


@formats.register(
    "fasta",
    title="FASTA",
    kind="sets",
    help="FASTA; words key=value of a header, or its parts at |, become columns.",
    source="FASTA",
)
class FastaFormat(CollectionFormat):
    """One observation a record."""

    @staticmethod
    def matches(head: Head) -> bool:
        return head.first.lstrip()[:1] == b">"

    @staticmethod
    def read(source: CollectionSource) -> ObservationTable:
        records = list(_records(source.main))
        names, texts = [h for h, _ in records], [s for _, s in records]
        return encode(texts, _header_columns(names), source)


def encode(texts: list[str], columns: dict[str, list[str]], source: CollectionSource) -> ObservationTable:
    """Sequences as int8 indices into their alphabet; letters outside it (X, N, gaps) drop the observation, counted."""
    texts = [t.upper().replace("U", "T") if _is_nucleic(t) else t.upper() for t in texts]
    alphabet = DNA if sum(_is_nucleic(t) for t in texts[:200]) > 0.9 * min(len(texts), 200) else PROTEIN
    length = min(source.options.length or max(map(len, texts), default=0), LONGEST)
    check_entries(len(texts) * length * (len(alphabet) + 1), source.main.name)
    table = np.full(256, -2, dtype=np.int8)
    for i, letter in enumerate(alphabet):
        table[ord(letter)] = i
    codes = np.full((len(texts), max(length, 1)), -1, dtype=np.int8)
    for row, text in enumerate(texts):
        letters = table[np.frombuffer(text[:length].encode("latin-1", "replace"), dtype=np.uint8)]
        codes[row, : len(letters)] = letters
    good = (codes > -2).all(axis=1) & (codes[:, 0] >= 0)
    typed = {h: typed_column(v) for h, v in columns.items()}
    out = ObservationTable(
        codes,
        {h: v.strings() if v.numbers is None else v.numbers for h, v in typed.items()},
        modality="sequence",
        alphabet=alphabet,
        texts={h: v.strings() for h, v in typed.items() if v.numbers is not None},
    )
    if not good.all():
        out.dropped["sequences with letters outside the alphabet, or empty"] = int((~good).sum())
        out.rows(good)
    if not len(out.observations):
        raise InputError(f"{source.main.name} has no sequence of {alphabet} alone; DNA or protein is expected.")
    longer = sum(len(t) > length for t in texts)
    if longer:
        out.notes.append(f"{longer:,} sequences were cut at {length:,} letters.")
    return out


def _records(head: Head) -> Iterator[tuple[str, str]]:
    header = ""
    parts: list[str] = []
    for number, raw in enumerate(archives.lines(head.path, head.name), 1):
        line = decode(raw).strip()
        if line.startswith(">"):
            if header or parts:
                yield header, "".join(parts)
            header, parts = line[1:].strip() or f"record {number}", []
        elif line:
            if not header:
                raise InputError(f"{head.name} has text before its first '>' (line {number}); FASTA is expected.")
            parts.append(line)
    if header:
        yield header, "".join(parts)


def _header_columns(headers: list[str]) -> dict[str, list[str]]:
    columns: dict[str, list[str]] = {"record": [h.split()[0] for h in headers]}
    pairs = [dict(word.split("=", 1) for word in h.split() if "=" in word) for h in headers]
    for key in dict.fromkeys(k for p in pairs for k in p):
        columns[key] = [p.get(key, "") for p in pairs]
    if all("|" in h for h in headers):
        parts = [h.split("|") for h in headers]
        for i in range(min(map(len, parts))):
            columns[f"field_{i + 1}"] = [p[i].strip() for p in parts]
    return columns


def sequence_column(columns: dict[str, list[str]], not_these: tuple[str, ...]) -> str:
    """The column whose entries are long words of sequence letters, or "" where there is none."""
    for name, values in columns.items():
        some = [v for v in values[:200] if v]
        if name in not_these or len(some) < 2 or len(set(some)) < 0.2 * len(some):
            continue
        # A few entries may hold marks of out-of-frame reads or the like.
        fitting = sum(bool(_LETTERS.fullmatch(v)) and set(v.upper()) <= set(PROTEIN + "NX*-.U") for v in some)
        if fitting >= 0.9 * len(some):
            return name
    return ""


def _is_nucleic(text: str) -> bool:
    return set(text.upper()) <= set("ACGTUN-")

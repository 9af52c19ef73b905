"""What runs in the child process: recognise the files, read them, join the tables, filter, and write plain arrays."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.config.schema import from_dict
from core.data.genotypes import Genotypes
from core.data.intake import archives, exchange
from core.data.intake.cohort_options import ImportOptions
from core.data.intake.columns import ordered, require_labels
from core.data.intake.filters import apply_filters, count_genotypes, select_variants
from core.data.intake.formats import Format, Head, ReadResult, Source, formats
from core.data.intake.samples import SampleTable
from core.data.intake.variants import VariantTable
from core.errors import InputError
from core.registry import Entry

# What people give by mistake: first bytes (offset 0), what it is, what to give instead.
_REFUSED: tuple[tuple[bytes, str, str], ...] = (
    (b"\x80\x02", "a Python pickle, which may run code when read", "save the matrix with numpy.savez_compressed"),
    (b"\x80\x03", "a Python pickle, which may run code when read", "save the matrix with numpy.savez_compressed"),
    (b"\x80\x04", "a Python pickle, which may run code when read", "save the matrix with numpy.savez_compressed"),
    (b"\x80\x05", "a Python pickle, which may run code when read", "save the matrix with numpy.savez_compressed"),
    (b"\x89HDF", "an HDF5 file", "export the genotypes as VCF, PLINK bed or npz"),
    (b"PAR1", "a Parquet file", "export it as CSV"),
    (b"BAM\1", "a BAM file of reads", "call genotypes first and give the VCF"),
    (b"%PDF", "a PDF document", "give the data file itself"),
    (b"\x7fELF", "a program", "give the data file itself"),
    (b"\xfd7zXZ", "an xz archive", "unpack it first"),
    (b"BZh", "a bzip2 archive", "unpack it first"),
    (b"7z\xbc\xaf", "a 7-Zip archive", "unpack it first"),
    (b"Rar!", "a RAR archive", "unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", "unpack it first"),
    (b"l\x1b\x10", "a PLINK 2 pgen file", "write a bed with plink2 --make-bed"),
    (b"SQLite format", "a database", "export the genotypes as CSV"),
)
_MODEL_ENDINGS = (".pt", ".pth", ".pkl", ".pickle", ".joblib", ".ckpt")
_SORTED_NOTE = "Variants were put in the order of their positions within each contig."


def main(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The child's entry: {"task": "read" | "preview", "paths", "names", "samples", "variants", …} to a JSON answer."""
    given = [_head(Path(p), n) for p, n in zip(job["paths"], job["names"], strict=True)]
    people, variants = (_head(Path(job[k]), job[f"{k}_name"]) if k in job else None for k in ("samples", "variants"))
    table = SampleTable.read(people.path, people.name) if people else None
    entry, main_file, others = recognise(given, folder)
    source = Source(
        main=main_file,
        others=others,
        folder=folder,
        options=from_dict(ImportOptions, job["options"]),
        variants=variants,
        beside=given[0].path.parent,
        known_ids=table.ids() if table else frozenset(),
    )
    if job["task"] == "preview":
        return {"format": entry.name, **entry.value.preview(source)}
    result = finish(entry.value.read(source), source, table, job.get("label_columns"))
    exchange.write(folder, result.genotypes)
    return {"dropped": result.dropped, "notes": result.notes, "format": result.format}


def recognise(given: list[Head], folder: Path) -> tuple[Entry[type[Format]], Head, tuple[Head, ...]]:
    """The format that reads the files, the file by which it was recognised, and the others; zip files are unpacked.

    Raises InputError where no format fits.
    """
    heads = [head for one in given for head in _unpacked(one, folder)]
    found = _reader(heads)
    if found is None:
        raise InputError(
            f"{heads[0].name} is in no known genotype format; VCF, BCF, PLINK bed, npz, npy, hapt or a text table is "
            "expected: export it as one of them."
        )
    return found[0], found[1], tuple(head for head in heads if head is not found[1])


def _reader(heads: list[Head]) -> tuple[Entry[type[Format]], Head] | None:
    fallback: tuple[Entry[type[Format]], Head] | None = None
    for head in heads:
        for entry in formats:
            if entry.value.matches(head):
                if not entry.value.fallback:
                    return entry, head
                fallback = fallback or (entry, head)
    return fallback


def _head(path: Path, name: str) -> Head:
    if path.stat().st_size == 0:
        raise InputError(f"{name} is empty; a genotype file is expected: copy or export it again.")
    head = Head(path, name, archives.first_bytes(path))
    refuse_wrong_kind(head)
    return head


def refuse_wrong_kind(head: Head, *, allow_hdf5: bool = False) -> None:
    """Refuse what is given by mistake or may run code, by its first bytes and its name. Raises InputError."""
    name = head.name
    if not head.first:
        raise InputError(f"{name} looks like gzip but cannot be unfolded; copy or download it again.")
    if name.lower().endswith(_MODEL_ENDINGS):
        raise InputError(
            f"{name} is a Python or PyTorch file, which may run code when read; it is refused: "
            "save the matrix with numpy.savez_compressed."
        )
    for magic, what, advice in _REFUSED:
        if head.first.startswith(magic) and not (allow_hdf5 and magic == b"\x89HDF"):
            raise InputError(f"{name} is {what}; a data file is expected: {advice}.")


def _unpacked(head: Head, folder: Path) -> list[Head]:
    """The file itself, or the files inside a zip that is not an .npz."""
    if not head.first.startswith(b"PK"):
        return [head]
    members = [m.filename for m in archives.checked_zip(head.path, head.name)]
    if members and (head.suffix == ".npz" or all(m.endswith(".npy") for m in members)):
        return [replace(head, name=head.name if head.suffix == ".npz" else f"{head.name}.npz")]
    if any(m.endswith("data.pkl") for m in members):
        raise InputError(
            f"{head.name} is a PyTorch file, which may run code when read; save the matrix as .npz instead."
        )
    if any(m == "[Content_Types].xml" for m in members):
        raise InputError(f"{head.name} is an Office document; save the sheet as CSV and give that.")
    unpacked = [_head(path, name) for path, name in archives.unpack(head.path, head.name, folder)]
    if any(inner.first.startswith(b"PK") for inner in unpacked):
        raise InputError(f"{head.name} holds another zip file; give the inner one.")
    return unpacked


def finish(
    result: ReadResult, source: Source, table: SampleTable | None, label_columns: list[str] | None
) -> ReadResult:
    """Join the tables, check the ids, put the variants in order and filter: the same for every format."""
    genotypes, notes = result.genotypes, list(result.notes)
    _refuse_repeated_ids(genotypes, source.main.name)
    if source.variants:
        genotypes, said = VariantTable.read(source.variants.path, source.variants.name).join(genotypes)
        notes += said
    if table:
        genotypes, said = table.join(genotypes, label_columns)
        notes += said
    require_labels(genotypes.labels, label_columns)
    if label_columns is not None:
        genotypes = replace(genotypes, labels=ordered(genotypes.labels, label_columns))
    genotypes, said = _in_order(genotypes)
    genotypes, removed = apply_filters(genotypes, source.options)
    _check_minimum(genotypes, source.main.name)
    dropped = Counter(result.dropped) + Counter(removed)
    kept = {reason: dropped.get(reason, 0) for reason in [*result.dropped, *removed]}
    return ReadResult(genotypes, kept, notes + said + _remarks(genotypes), result.format)


def _refuse_repeated_ids(genotypes: Genotypes, name: str) -> None:
    ids = genotypes.sample_id.tolist()
    repeated = [one for one, count in Counter(ids).items() if count > 1]
    if repeated:
        raise InputError(
            f"{name} names {len(repeated):,} individuals more than once (such as {repeated[0]!r}); "
            "ids must be unique: rename or remove the repeats."
        )
    if any(not one.strip() for one in ids):
        raise InputError(f"{name} has individuals without an id; give each an id of its own.")


def _in_order(genotypes: Genotypes) -> tuple[Genotypes, list[str]]:
    """Variants by contig (in order of first appearance) and position, as windows and LD decay need them."""
    if not genotypes.has_positions:
        return genotypes, []
    _, first, code = np.unique(genotypes.variant_contig, return_index=True, return_inverse=True)
    order = np.lexsort((genotypes.variant_position, first[code.reshape(-1)]))
    if (order == np.arange(genotypes.m)).all():
        return genotypes, []
    return select_variants(genotypes, order), [_SORTED_NOTE]


def _check_minimum(genotypes: Genotypes, name: str) -> None:
    if genotypes.n < 2 or genotypes.m < 2:
        raise InputError(
            f"{name} gives {genotypes.n:,} individuals x {genotypes.m:,} variants; at least 2 x 2 are needed to speak "
            "of a population: give more data or relax the filters."
        )
    if int(genotypes.calls.max()) < 0:
        raise InputError(f"{name} has no call at all (every genotype is missing); check how missing calls are coded.")


def _remarks(genotypes: Genotypes) -> list[str]:
    repeated = genotypes.m - len(set(genotypes.variant_id.tolist()))
    notes = [f"{repeated:,} variants share the id of an earlier one."] if repeated else []
    counts = count_genotypes(genotypes)
    if ((counts.table > 0).sum(axis=1) <= 1).all():
        notes.append("No variant varies among the individuals: structure and linkage have no value here.")
    return notes

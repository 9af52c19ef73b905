"""What runs in the child process: recognise the files, read them, and write the population as plain arrays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from core.config.schema import from_dict
from core.data.intake import archives, cohort, collection
from core.data.intake.cohort_options import CohortOptions
from core.data.intake.collection_options import CollectionOptions
from core.data.intake.companions import Part, parts_of, without_junk
from core.data.intake.foreign import refuse_foreign
from core.data.intake.formats.base import CohortFormat, Format, Head, Source, formats
from core.data.intake.people import read_people
from core.data.intake.variants import VariantTable
from core.errors import InputError
from core.registry import Entry

_HDF5 = b"\x89HDF"
_PICKLE = ("a Python pickle, which may run code when read", "save the matrix with numpy.savez_compressed")
# What people give by mistake: first bytes (offset 0), what it is, what to give instead.
REFUSED: tuple[tuple[bytes, str, str], ...] = (
    *((bytes((0x80, protocol)), *_PICKLE) for protocol in (2, 3, 4, 5)),
    (_HDF5, "an HDF5 file", "export the genotypes as VCF, PLINK bed or npz"),
    (b"PAR1", "a Parquet file", "export it as CSV"),
    (b"BAM\1", "a BAM file of reads", "call genotypes first and give the VCF"),
    (b"%PDF", "a PDF document", "give the data file itself"),
    (b"\x7fELF", "a program", "give the data file itself"),
    (b"BZh", "a bzip2 archive", "unpack it first"),
    (b"7z\xbc\xaf", "a 7-Zip archive", "unpack it first"),
    (b"Rar!", "a RAR archive", "unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", "unpack it first"),
    (b"RDX", "an R workspace", "write the table as CSV, or cells as h5ad"),
    (b"X\n\0\0\0", "an R object (.rds)", "write the table as CSV, or cells as h5ad (zellkonverter)"),
    (b"MATLAB 5.0", "a MATLAB file", "write the matrix as CSV or npz"),
    (b"ARROW1", "an Arrow or Feather file", "write it as Parquet or CSV"),
    (b"SQLite format", "a database", "export the genotypes as CSV"),
)
_READ_AS_SETS = (_HDF5, b"PAR1", b"BAM\1")
# Binary formats that are written gzipped now and then, and whose readers need the file itself.
_UNFOLDED = (_HDF5, b"PAR1", b"FCS", b"PK")
EXPORTED_TABLE = ".samples.tsv"
"""Ending of the table of individuals that an export to VCF or bed comes with."""
_MODEL_ENDINGS = (".pt", ".pth", ".pkl", ".pickle", ".joblib", ".ckpt")
_OPTIONS: dict[str, Any] = {one.kind: one for one in (CohortOptions, CollectionOptions)}
# Kind → what a file should be, what its format should be, and the formats that are read.
_EXPECTED = {
    "genotypes": ("genotype file", "genotype format", "VCF, BCF, PLINK bed, npz, npy, hapt or a text table"),
    "sets": (
        "file of observations",
        "format of observations",
        "h5ad, 10x, loom, h5mu, FCS, npz, CSV, TSV, Parquet, FASTA, FASTQ, BAM or a zip of images",
    ),
}


def main(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The child's entry: {"task": "read" | "preview", "kind", "files", "tables", "options", "least"} to JSON.

    The population that was read goes to `folder` as files.
    """
    kind = job["kind"]
    given = [_head(Path(path), name, kind) for path, name in job["files"]]
    tables = {key: _head(Path(path), name, kind) for key, (path, name) in job["tables"].items()}
    heads = [head for i, one in enumerate(given) for head in _unpacked(one, folder / f"unpacked_{i}", kind)]
    people = [head for head in heads if head.name.lower().endswith(EXPORTED_TABLE)]
    if kind == "genotypes" and len(people) == 1 < len(heads):  # our own export writes it beside VCF and bed
        heads.remove(people[0])
        tables.setdefault("samples", people[0])
    entry, parts = recognise(heads, kind)
    samples, variants = tables.get("samples"), tables.get("variants")
    source: Source[Any] = Source(
        main=parts[0][0],
        others=parts[0][1],
        folder=folder,
        options=from_dict(_OPTIONS[kind], job["options"]),
        samples=read_people(samples.path, samples.name) if samples else None,
        variants=VariantTable.read(variants.path, variants.name) if variants else None,
        beside=given[0].path.parent,
        least=job.get("least", 2),
    )
    sources = [replace(source, main=main_file, others=others) for main_file, others in parts]
    told = {"format": entry.name, "title": entry.title}
    if kind == "sets":
        reader: Any = entry.value
        of_sets = collection.preview if job["task"] == "preview" else collection.read
        return {**told, **of_sets(reader, source)}
    of_cohort = cohort.preview if job["task"] == "preview" else cohort.read
    return {**told, **of_cohort(_cohort_format(entry), sources)}


def recognise(heads: list[Head], kind: str) -> tuple[Entry[type[Format]], list[Part]]:
    """The format of `kind` that reads the files, and each of its files with its companions (one of several files only
    where they are one cohort).

    Raises InputError where no format fits.
    """
    heads = without_junk(heads) if kind == "genotypes" else heads
    fitting = [(entry, head) for head in heads for entry in _readers(kind) if entry.value.matches(head)]
    if not fitting:
        _, expected, known = _EXPECTED[kind]
        raise InputError(f"{heads[0].name} is in no known {expected}; {known} is expected: export it as one of them.")
    entry, main_file = min(fitting, key=lambda one: one[0].value.fallback)  # the first of those that are no fallback
    if kind == "genotypes":
        return entry, parts_of(_cohort_format(entry), main_file, heads)
    return entry, [(main_file, tuple(head for head in heads if head is not main_file))]


def _cohort_format(entry: Entry[type[Format]]) -> type[CohortFormat]:
    if not issubclass(entry.value, CohortFormat):
        raise TypeError(f"{entry.name} is no format of genotypes")
    return entry.value


def _readers(kind: str) -> list[Entry[type[Format]]]:
    return [formats[name] for name in formats.names(kind)]


def _head(path: Path, name: str, kind: str) -> Head:
    if path.stat().st_size == 0:
        raise InputError(f"{name} is empty; a {_EXPECTED[kind][0]} is expected: copy or export it again.")
    head = Head(path, name, archives.first_bytes(path))
    _refuse_mistakes(head, kind)
    return head


def _refuse_mistakes(head: Head, kind: str) -> None:
    """Refuse what is given by mistake or may run code, by its first bytes and its name."""
    name = head.name
    if not head.first:
        raise InputError(f"{name} looks like gzip but cannot be unfolded; copy or download it again.")
    archives.require_utf8(head.first, name)
    if name.lower().endswith(_MODEL_ENDINGS):
        raise InputError(
            f"{name} is a Python or PyTorch file, which may run code when read; it is refused: "
            "save the matrix with numpy.savez_compressed."
        )
    for magic, what, advice in REFUSED:
        if head.first.startswith(magic) and not (kind == "sets" and magic in _READ_AS_SETS):
            raise InputError(f"{name} is {what}; a data file is expected: {advice}.")
    if head.first[257:262] == b"ustar":
        raise InputError(f"{name} is a tar archive; unpack it and give the files, or pack them as a zip.")
    if kind == "genotypes":
        if archives.is_xz(head.path):
            raise InputError(f"{name} is an xz archive; a data file is expected: unpack it first.")
        refuse_foreign(head)


def _unpacked(head: Head, folder: Path, kind: str) -> list[Head]:
    """The file itself, or the files inside a zip that no format reads as it is."""
    folder.mkdir(exist_ok=True)
    if kind == "sets" and head.first.startswith(_UNFOLDED):
        head = replace(head, path=archives.unfolded(head.path, head.name, folder))
    own = any(entry.value.zipped and entry.value.matches(head) for entry in _readers(kind))
    if own or not head.first.startswith(b"PK"):
        return [head]
    members = [m.filename for m in archives.checked_zip(head.path, head.name)]
    if members and all(m.endswith(".npy") for m in members):
        return [replace(head, name=f"{head.name}.npz")]
    if any(m.endswith("data.pkl") for m in members):
        raise InputError(
            f"{head.name} is a PyTorch file, which may run code when read; save the matrix as .npz instead."
        )
    if any(m.rsplit("/", 1)[-1] in (".zgroup", "zarr.json") for m in members):
        raise InputError(
            f"{head.name} is a zarr store (sgkit, VCF Zarr), which is not read: write it as VCF with vcztools view, or "
            "with sgkit's write_vcf."
        )
    if any(m == "[Content_Types].xml" for m in members):
        raise InputError(f"{head.name} is an Office document; save the sheet as CSV and give that.")
    unpacked = [_head(path, name, kind) for path, name in archives.unpack(head.path, head.name, folder)]
    if any(inner.first.startswith(b"PK") for inner in unpacked):
        raise InputError(f"{head.name} holds another zip file; give the inner one.")
    return unpacked

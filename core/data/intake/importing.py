"""Import of files: read in a resource-limited child process, then stored in the library."""

from __future__ import annotations

import re
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from core.config.access import refuse_if_only_read
from core.config.home import home, scratch_folder
from core.config.schema import to_dict
from core.data.dataset import DatasetMeta, Population
from core.data.intake import sandbox
from core.data.intake.cohort_options import CohortOptions
from core.data.intake.collection_options import CollectionOptions
from core.data.intake.formats.base import ReadResult
from core.data.intake.inbox import UserFile
from core.data.library import NAME_LENGTH, Library
from core.data.population_files import read_genotypes, read_sets
from core.errors import InputError

File = Path | UserFile
Options = CohortOptions | CollectionOptions

_READER = "core.data.intake.reader"
_ENDINGS = re.compile(
    r"(\.(gz|bgz|zip|vcf|bcf|bed|bim|fam|npz|npy|ped|map|tped|tfam|traw|gen|sample|geno|snp|ind|hmp|csv|tsv|txt|hapt|hap|h5ad|h5|h5mu|loom|zarr|fcs|parquet|mtx|fasta|fa|fastq|fq|pat|bam|xz))+$",
    re.IGNORECASE,
)
_ZARR = (".zgroup", "zarr.json")
_DEFAULTS = CohortOptions()


def import_file(
    files: Sequence[File],
    *,
    library: Library,
    options: Options = _DEFAULTS,
    name: str | None = None,
    samples: File | None = None,
    variants: File | None = None,
) -> DatasetMeta:
    """Read files and store the population in `library`; the same content again is the dataset that is there already.

    Args:
        files: one file, or those that belong together (bed, bim, fam; hap, legend, sample).
        options: CohortOptions where the files hold genotypes, CollectionOptions where they hold sets of observations.
        name: what to call the dataset; the first file's name without endings if not given.
        samples: a table of individuals with populations and phenotypes.
        variants: a table of variants with ids, positions and alleles.

    Raises InputError with one sentence on every input that cannot be read; the library is then unchanged.
    """
    if isinstance(options, CollectionOptions) and options.whole and not options.chunk:
        raise InputError(
            "The whole file is one set, and at least 2 sets are needed (3 to train): give --chunk N as well, to cut it "
            "into parts of N observations, or name a set column."
        )
    library.room()  # before the file is read
    result = read_file(files, options=options, samples=samples, variants=variants)
    shown = [_shown_name(file.name) for file in files]
    meta = library.add(
        result.population,
        name=name or _stem(shown[0]),
        source=", ".join(shown),
        dropped=result.dropped,
        notes=result.notes,
        import_options=to_dict(options) | result.applied | {"format": result.format},
    )
    if meta.notes[: len(result.notes)] == result.notes:
        return meta
    there = f"The library has the same content already, as {meta.name!r}; that was left as it is."
    return replace(meta, notes=[*result.notes, there])


def read_file(
    files: Sequence[File],
    *,
    options: Options = _DEFAULTS,
    samples: File | None = None,
    variants: File | None = None,
    least: int = 2,
) -> ReadResult[Population]:
    """Read files without storing them; arguments and errors as in `import_file`.

    Fewer than `least` individuals are refused: two make a population, one can be imputed.
    """
    tables = {key: file for key, file in (("samples", samples), ("variants", variants)) if file is not None}
    if tables and options.kind == "sets":
        raise InputError("Tables of samples and variants belong to genotypes; import sets from one file without them.")
    with _scratch() as folder:
        answer = sandbox.run(_READER, _job("read", files, options, tables, least), folder, _limits(files))
        sets = options.kind == "sets"
        population = read_sets(folder) if sets else read_genotypes(folder, answer["ploidy"])
        return ReadResult(population, answer["dropped"], answer["notes"], answer["format"], answer.get("applied", {}))


def preview(files: Sequence[File], options: Options = _DEFAULTS) -> dict[str, Any]:
    """What the files seem to be, for the upload page. Raises InputError.

    {"format", "title"} and, of genotypes, {"individuals", "variants" (None where only a full reading tells),
    "orientation", "rows" (the first cells, as strings), "notes"}; of observations, {"observations", "modality",
    "shape", "columns": {name: {"kind", "distinct", "examples"}}, "features", "layers", "notes"}, of vectors
    "normalise", and where `options` say what a set is, "built": {"sets", "observations", "least", "most", "dropped"}.
    """
    with _scratch() as folder:
        limits = sandbox.Limits(cpu_seconds=60, wall_seconds=120)
        return sandbox.run(_READER, _job("preview", files, options, {}), folder, limits)


def _job(
    task: str, files: Sequence[File], options: Options, tables: Mapping[str, File], least: int = 2
) -> dict[str, Any]:
    refuse_if_only_read()
    if not files:
        raise InputError("No file was given; name a file to import.")
    return {
        "task": task,
        "kind": options.kind,
        "files": [_place(file) for file in files],
        "tables": {key: _place(file) for key, file in tables.items()},
        "options": asdict(options),
        "least": least,
    }


def _limits(files: Sequence[File]) -> sandbox.Limits:
    """Those of any file, with more time where files are large: a second of the processor a megabyte."""
    usual = sandbox.Limits()
    sizes = [(file if isinstance(file, Path) else file.path).stat().st_size for file in files]
    more = max(0, sum(sizes) // 1_000_000 - usual.cpu_seconds)
    return replace(usual, cpu_seconds=usual.cpu_seconds + more, wall_seconds=usual.wall_seconds + 2 * more)


def _place(file: File) -> tuple[str, str]:
    """Where the file lies, and what to call it."""
    path = file if isinstance(file, Path) else file.path
    _check_regular(path)
    return str(path.resolve()), _shown_name(file.name)


@contextmanager
def _scratch() -> Iterator[Path]:
    folder = scratch_folder(home() / "cache", "import-")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _check_regular(path: Path) -> None:
    """Raise InputError for anything but a regular file that can be opened."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            path.open("rb").close()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "the name is not possible"
        raise InputError(f"{_shown_name(path.name)} cannot be opened ({reason}); check the path.") from None
    if stat.S_ISDIR(mode) and (path.suffix in (".zarr", ".vcz") or any((path / one).exists() for one in _ZARR)):
        raise InputError(
            f"{_shown_name(path.name)} is a folder of zarr (sgkit, VCF Zarr, AnnData), and a file is expected: write "
            "genotypes as VCF with vcztools view or sgkit's write_vcf, and give an AnnData store as zip."
        )
    if stat.S_ISDIR(mode):
        raise InputError(f"{_shown_name(path.name)} is a folder; give the file inside it.")
    if not stat.S_ISREG(mode):
        raise InputError(f"{_shown_name(path.name)} is no regular file; give a file on disk.")


def _shown_name(name: str) -> str:
    """A client's file name as it may be shown: its last part, printable, short, the ending kept."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    clean = "".join(c for c in last if c.isprintable()).strip() or "file"
    return clean if len(clean) <= 100 else f"{clean[:60]}...{clean[-30:]}"


def _stem(name: str) -> str:
    """The file name without the endings of data files, as long as a dataset's name may be."""
    return (_ENDINGS.sub("", name) or name)[:NAME_LENGTH]

"""Import of genotype files: read in a resource-limited child process, then stored in the library."""

from __future__ import annotations

import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.config.home import home
from core.config.schema import to_dict
from core.data.genotypes import Genotypes
from core.data.intake import exchange, sandbox
from core.data.intake.cohort_options import ImportOptions
from core.data.intake.sandbox import Limits
from core.data.library import DatasetMeta, Library
from core.errors import InputError

__all__ = ["ImportOptions", "Limits", "ReadResult", "import_file", "preview", "read_file"]

_ENDINGS = (
    ".gz",
    ".bgz",
    ".zip",
    ".vcf",
    ".bcf",
    ".bed",
    ".bim",
    ".fam",
    ".npz",
    ".npy",
    ".csv",
    ".tsv",
    ".txt",
    ".hapt",
    ".hap",
    ".h5ad",
    ".fasta",
    ".fa",
)
_STALE_SECONDS = 86_400  # a folder older than a day belongs to a process that died
_NAME_LONGEST = 80  # what the library takes
_DEFAULTS = ImportOptions()
_NO_NAMES: Mapping[str, str] = {}


@dataclass(frozen=True)
class ReadResult:
    """Genotypes of a file, what was dropped (reason → count), remarks, the format's name, and what reading cost.

    `peak_memory` is the child's largest resident set in bytes, `seconds` its wall time.
    """

    genotypes: Genotypes
    dropped: dict[str, int]
    notes: list[str]
    format: str
    peak_memory: int = 0
    seconds: float = 0.0


def import_file(
    paths: Sequence[Path],
    *,
    library: Library,
    name: str | None = None,
    samples: Path | None = None,
    variants: Path | None = None,
    label_columns: Sequence[str] | None = None,
    options: ImportOptions = _DEFAULTS,
    names: Sequence[str] | None = None,
    table_names: Mapping[str, str] = _NO_NAMES,
    limits: Limits | None = None,
) -> DatasetMeta:
    """Read genotype files and store them in `library`; the same content again is the dataset that is there already.

    Args:
        paths: one file, or those that belong together (bed, bim, fam; hap, legend, sample).
        name: what to call the dataset; the first file's name without endings if not given.
        samples: a table of individuals with populations and phenotypes.
        variants: a table of variants with ids, positions and alleles.
        label_columns: which columns are labels, the population first.
        names: what the user calls the files where `paths` are temporary ones; shown, never used as a path.
        table_names: the same for the tables, by "samples" and "variants".

    Raises InputError with one sentence on every input that cannot be read; the library is then unchanged.
    """
    result = read_file(
        paths,
        samples=samples,
        variants=variants,
        label_columns=label_columns,
        options=options,
        names=names,
        table_names=table_names,
        limits=limits,
    )
    shown = _names(paths, names)
    return library.add(
        result.genotypes,
        name=name or stem(shown[0]),
        source=", ".join(shown),
        dropped=result.dropped,
        notes=result.notes,
        import_options=to_dict(options) | {"format": result.format},
    )


def read_file(
    paths: Sequence[Path],
    *,
    samples: Path | None = None,
    variants: Path | None = None,
    label_columns: Sequence[str] | None = None,
    options: ImportOptions = _DEFAULTS,
    names: Sequence[str] | None = None,
    table_names: Mapping[str, str] = _NO_NAMES,
    limits: Limits | None = None,
) -> ReadResult:
    """Read genotype files without storing them; arguments and errors as in `import_file`."""
    with scratch_folder() as folder:
        job = _job("read", paths, names, options) | _tables(samples, variants, label_columns, table_names)
        outcome = sandbox.run("core.data.intake.cohort_reader", job, folder, limits)
        value = outcome.value
        return ReadResult(
            exchange.read(folder),
            value["dropped"],
            value["notes"],
            value["format"],
            outcome.peak_memory,
            outcome.seconds,
        )


def preview(
    paths: Sequence[Path], *, options: ImportOptions = _DEFAULTS, names: Sequence[str] | None = None
) -> dict[str, Any]:
    """What a file seems to be, for the upload page.

    {"format", "individuals", "variants" (None where only a full reading tells), "orientation", "rows" (the first cells,
    as strings), "notes"}. Raises InputError.
    """
    with scratch_folder() as folder:
        job = _job("preview", paths, names, options)
        return sandbox.run(
            "core.data.intake.cohort_reader", job, folder, Limits(cpu_seconds=60, wall_seconds=120)
        ).value


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for one reading, removed afterwards; those that a killed process left are removed after a day."""
    cache = home() / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for stale in cache.glob("import-*"):
        if time.time() - stale.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(stale, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix="import-", dir=cache))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _job(task: str, paths: Sequence[Path], names: Sequence[str] | None, options: ImportOptions) -> dict[str, Any]:
    if not paths:
        raise InputError("No file was given; name a genotype file to import.")
    for path in paths:
        check_regular(path)
    return {
        "task": task,
        "paths": [str(path.resolve()) for path in paths],
        "names": _names(paths, names),
        "options": asdict(options),
    }


def _tables(
    samples: Path | None, variants: Path | None, label_columns: Sequence[str] | None, names: Mapping[str, str]
) -> dict[str, Any]:
    tables: dict[str, Any] = {}
    for key, path in (("samples", samples), ("variants", variants)):
        if path is not None:
            check_regular(path)
            tables |= {key: str(path.resolve()), f"{key}_name": shown_name(names.get(key, path.name))}
    return tables | ({"label_columns": list(label_columns)} if label_columns is not None else {})


def check_regular(path: Path) -> None:
    """Raise InputError for anything but a regular file that can be opened."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            path.open("rb").close()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "the name is not possible"
        raise InputError(f"{shown_name(path.name)} cannot be opened ({reason}); check the path.") from None
    if stat.S_ISDIR(mode):
        raise InputError(f"{shown_name(path.name)} is a folder; give the file inside it.")
    if not stat.S_ISREG(mode):
        raise InputError(f"{shown_name(path.name)} is no regular file; give a file on disk.")


def _names(paths: Sequence[Path], names: Sequence[str] | None) -> list[str]:
    given = [path.name for path in paths] if names is None else list(names)
    if len(given) != len(paths):
        raise InputError(f"{len(paths)} files came with {len(given)} names; one name each is expected.")
    return [shown_name(one) for one in given]


def shown_name(name: str) -> str:
    """A client's file name as it may be shown: its last part, printable, short, the ending kept."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    clean = "".join(c for c in last if c.isprintable()).strip() or "file"
    return clean if len(clean) <= 100 else f"{clean[:60]}...{clean[-30:]}"


def stem(name: str) -> str:
    """The file name without the endings of data files, as long as a dataset's name may be."""
    short = name
    while short.lower().endswith(_ENDINGS):
        short = short.rsplit(".", 1)[0]
    return (short or name)[:_NAME_LONGEST]

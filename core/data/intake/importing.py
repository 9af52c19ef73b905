"""Import of files: read in a resource-limited child process, then stored in the library."""

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
from core.data.dataset import Population
from core.data.genotype_files import read_genotypes
from core.data.intake import sandbox
from core.data.intake.cohort_options import CohortOptions
from core.data.intake.collection_options import CollectionOptions
from core.data.intake.sandbox import Limits
from core.data.library import DatasetMeta, Library
from core.data.set_files import read_sets
from core.errors import InputError

Options = CohortOptions | CollectionOptions

_READER = "core.data.intake.reader"
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
_DEFAULTS = CohortOptions()
_NO_NAMES: Mapping[str, str] = {}
_PREVIEW = Limits(cpu_seconds=60, wall_seconds=120)


@dataclass(frozen=True)
class Reading:
    """What a file holds, what was dropped (reason → count), remarks, the format's name, and what reading cost.

    `peak_memory` is the child's largest resident set in bytes, `seconds` its wall time.
    """

    population: Population
    dropped: dict[str, int]
    notes: list[str]
    format: str
    peak_memory: int = 0
    seconds: float = 0.0


def import_file(
    paths: Sequence[Path],
    *,
    library: Library,
    options: Options = _DEFAULTS,
    name: str | None = None,
    samples: Path | None = None,
    variants: Path | None = None,
    names: Sequence[str] | None = None,
    table_names: Mapping[str, str] = _NO_NAMES,
    limits: Limits | None = None,
) -> DatasetMeta:
    """Read files and store the population in `library`; the same content again is the dataset that is there already.

    Args:
        paths: one file, or those that belong together (bed, bim, fam; hap, legend, sample).
        options: CohortOptions where the files hold genotypes, CollectionOptions where they hold sets of observations.
        name: what to call the dataset; the first file's name without endings if not given.
        samples: a table of individuals with populations and phenotypes.
        variants: a table of variants with ids, positions and alleles.
        names: what the user calls the files where `paths` are temporary ones; shown, never used as a path.
        table_names: the same for the tables, by "samples" and "variants".

    Raises InputError with one sentence on every input that cannot be read; the library is then unchanged.
    """
    reading = read_file(
        paths,
        options=options,
        samples=samples,
        variants=variants,
        names=names,
        table_names=table_names,
        limits=limits,
    )
    shown = _names(paths, names)
    return library.add(
        reading.population,
        name=name or _stem(shown[0]),
        source=", ".join(shown),
        dropped=reading.dropped,
        notes=reading.notes,
        import_options=to_dict(options) | {"format": reading.format},
    )


def read_file(
    paths: Sequence[Path],
    *,
    options: Options = _DEFAULTS,
    samples: Path | None = None,
    variants: Path | None = None,
    names: Sequence[str] | None = None,
    table_names: Mapping[str, str] = _NO_NAMES,
    limits: Limits | None = None,
) -> Reading:
    """Read files without storing them; arguments and errors as in `import_file`."""
    tables = {"samples": samples, "variants": variants}
    given = {key: (path, table_names.get(key, path.name)) for key, path in tables.items() if path is not None}
    if given and options.kind == "sets":
        raise InputError("Tables of samples and variants belong to genotypes; import sets from one file without them.")
    with _scratch_folder() as folder:
        outcome = sandbox.run(_READER, _job("read", paths, names, options) | _tables(given), folder, limits)
        answer = outcome.value
        return Reading(
            read_sets(folder) if options.kind == "sets" else read_genotypes(folder, answer["ploidy"]),
            answer["dropped"],
            answer["notes"],
            answer["format"],
            outcome.peak_memory,
            outcome.seconds,
        )


def preview(
    paths: Sequence[Path], *, options: Options = _DEFAULTS, names: Sequence[str] | None = None
) -> dict[str, Any]:
    """What the files seem to be, for the upload page. Raises InputError.

    Of genotypes: {"format", "individuals", "variants" (None where only a full reading tells), "orientation", "rows"
    (the first cells, as strings), "notes"}. Of observations: {"format", "observations", "modality", "shape", "columns":
    {name: {"kind", "distinct", "examples"}}, "features", "layers"}, and where `options` say what a set is, "built":
    {"sets", "observations", "least", "most", "dropped"}.
    """
    with _scratch_folder() as folder:
        return sandbox.run(_READER, _job("preview", paths, names, options) | _tables({}), folder, _PREVIEW).value


def _job(task: str, paths: Sequence[Path], names: Sequence[str] | None, options: Options) -> dict[str, Any]:
    if not paths:
        raise InputError("No file was given; name a file to import.")
    for path in paths:
        _check_regular(path)
    return {
        "task": task,
        "kind": options.kind,
        "paths": [str(path.resolve()) for path in paths],
        "names": _names(paths, names),
        "options": asdict(options),
    }


def _tables(given: Mapping[str, tuple[Path, str]]) -> dict[str, Any]:
    for path, _ in given.values():
        _check_regular(path)
    return {"tables": {key: (str(path.resolve()), _shown_name(name)) for key, (path, name) in given.items()}}


@contextmanager
def _scratch_folder() -> Iterator[Path]:
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


def _check_regular(path: Path) -> None:
    """Raise InputError for anything but a regular file that can be opened."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            path.open("rb").close()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "the name is not possible"
        raise InputError(f"{_shown_name(path.name)} cannot be opened ({reason}); check the path.") from None
    if stat.S_ISDIR(mode):
        raise InputError(f"{_shown_name(path.name)} is a folder; give the file inside it.")
    if not stat.S_ISREG(mode):
        raise InputError(f"{_shown_name(path.name)} is no regular file; give a file on disk.")


def _names(paths: Sequence[Path], names: Sequence[str] | None) -> list[str]:
    given = [path.name for path in paths] if names is None else list(names)
    if len(given) != len(paths):
        raise InputError(f"{len(paths)} files came with {len(given)} names; one name each is expected.")
    return [_shown_name(one) for one in given]


def _shown_name(name: str) -> str:
    """A client's file name as it may be shown: its last part, printable, short, the ending kept."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    clean = "".join(c for c in last if c.isprintable()).strip() or "file"
    return clean if len(clean) <= 100 else f"{clean[:60]}...{clean[-30:]}"


def _stem(name: str) -> str:
    """The file name without the endings of data files, as long as a dataset's name may be."""
    short = name
    while short.lower().endswith(_ENDINGS):
        short = short.rsplit(".", 1)[0]
    return (short or name)[:_NAME_LONGEST]

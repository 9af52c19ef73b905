"""A whole run or dataset as one zip file, to pass on: written with a list of its files, opened only where all fit."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from core.config.home import resolve_inside, scratch_folder
from core.data.dataset import Dataset, DatasetMeta
from core.data.digest import content_digest
from core.data.intake.archives import UNREADABLE, checked_zip
from core.data.library import Library
from core.errors import InputError
from core.runs.directory import Run
from core.runs.files import read_json, write_json
from core.runs.states import ACTIVE, State
from core.runs.store import RunStore

Kind = Literal["run", "dataset"]

SCHEMA = 1
_LIST = "popscape.json"
# What may lie in an archive: text, plain arrays and weights; nothing that runs when it is read.
_ENDINGS = (".json", ".jsonl", ".npy", ".npz", ".safetensors", ".txt")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DEPTH = 3
_PIECE = 1 << 20
_OF_A_MACHINE = ("pid", "process_started", "host", "machine", "handle", "queue", "attempt")


@dataclass(frozen=True)
class Packed:
    """What an archive holds: its kind, its id and name, and how many bytes it takes unpacked."""

    kind: Kind
    id: str
    name: str
    size: int


def pack(reference: str, out: Path, store: RunStore | None = None, library: Library | None = None) -> Packed:
    """Write the run or dataset called `reference` to `out`. Raises InputError.

    A run goes without its dataset, which is an archive of its own; both keep their ids, so that they find each other.
    """
    if out.suffix != ".zip":
        raise InputError(f"--out {out.name!r} does not end in .zip.")
    folder, packed = _found(reference, store or RunStore(), library or Library())
    files = sorted(p for p in folder.rglob("*") if p.is_file() and _kept(p.relative_to(folder)))
    listed = {path.relative_to(folder).as_posix(): _sha(path) for path in files}
    head = {"schema": SCHEMA, "kind": packed.kind, "id": packed.id, "name": packed.name, "files": listed}
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(f".{out.name}.part")
    try:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(_LIST, json.dumps(head, indent=1))
            for path in files:
                archive.write(path, path.relative_to(folder).as_posix())
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)
    return Packed(packed.kind, packed.id, packed.name, sum(path.stat().st_size for path in files))


def unpack(path: Path, store: RunStore | None = None, library: Library | None = None) -> Packed:
    """Put what `pack` wrote into this home. Raises InputError for anything else, and leaves nothing behind then.

    Every name is checked before a byte is written, every file against its digest, a dataset against the digest of its
    content, which is its id. What is there already is not touched. Owners stay behind: here it is the viewer's, without
    a login everybody's.
    """
    store, library = store or RunStore(), library or Library()
    members = checked_zip(path, path.name)
    head = _head(path, [member.filename for member in members])
    root = store.root if head["kind"] == "run" else library.root
    if resolve_inside(root, head["id"]).exists():
        raise InputError(f"The {head['kind']} {head['id'][:12]} is already here; delete it first, or keep it.")
    folder = scratch_folder(root, ".unpacked-")
    target = folder / head["id"]
    target.mkdir()
    try:
        with zipfile.ZipFile(path) as archive:
            for member in members:
                if member.filename != _LIST:
                    _extract(archive, member, target, head["files"][member.filename], path.name)
        owner = store.viewer.signature()
        name = _checked_run(target, owner) if head["kind"] == "run" else _checked_dataset(target, head["id"], owner)
        size = sum(p.stat().st_size for p in target.rglob("*") if p.is_file())
        target.rename(root / head["id"])
    except UNREADABLE as error:
        raise InputError(f"{path.name} is damaged ({error}); copy or pack it again.") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Packed(head["kind"], head["id"], name, size)


def _found(reference: str, store: RunStore, library: Library) -> tuple[Path, Packed]:
    """The folder of a dataset of that name or digest, else of a run."""
    if any(reference in (meta.name, meta.id) for meta in library.list()):
        meta = library.open(reference).meta
        root = library.embedded if meta.embedded else library.root
        return resolve_inside(root, meta.id), Packed("dataset", meta.id, meta.name, 0)
    run = store.get(reference)
    if run.state in ACTIVE:
        raise InputError(f"Run {run.id} is {run.state}; pack it when it has ended.")
    title = run.config.get("title") or run.config["model"]["name"]
    # A shipped run has a name for an id; what is unpacked elsewhere must not be mistaken for the one shipped there.
    return run.path, Packed("run", run.id if not run.embedded else _sha(run.path / "config.json")[:32], str(title), 0)


def _kept(path: Path) -> bool:
    return path.suffix in _ENDINGS and _fits(path.as_posix())


def _fits(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return 1 <= len(parts) <= _DEPTH and all(map(_NAME.fullmatch, parts)) and name.endswith(_ENDINGS)


def _head(path: Path, names: Iterable[str]) -> dict[str, Any]:
    """The list of an archive, once it and the names of the members agree. Raises InputError."""
    names = set(names)
    wrong = InputError(f"{path.name} is not an archive of a run or dataset; `python -m core pack` writes one.")
    if _LIST not in names:
        raise wrong
    try:
        with zipfile.ZipFile(path) as archive, archive.open(_LIST) as file:
            head = json.loads(file.read(1 << 24))
        files = {str(k): str(v) for k, v in head["files"].items()}
        known = head["kind"] in ("run", "dataset") and int(head["schema"]) <= SCHEMA and isinstance(head["id"], str)
    except (*UNREADABLE, KeyError, TypeError, AttributeError):
        raise wrong from None
    if not known:
        raise wrong
    strange = sorted(name for name in names - {_LIST} if name not in files or not _fits(name))
    if strange or set(files) - names:
        shown = (strange or sorted(set(files) - names))[0][:80]
        raise InputError(f"{path.name} and its own list differ at {shown!r}; nothing of it was taken.")
    return {"kind": head["kind"], "id": head["id"], "files": files}


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, digest: str, name: str) -> None:
    path = target / member.filename
    path.parent.mkdir(parents=True, exist_ok=True)
    sha, left = hashlib.sha256(), member.file_size
    with archive.open(member) as packed, path.open("wb") as file:
        while piece := packed.read(_PIECE):
            left -= len(piece)
            if left < 0:
                raise zipfile.BadZipFile("a member is larger than declared")
            sha.update(piece)
            file.write(piece)
    if sha.hexdigest() != digest:
        raise InputError(f"{member.filename!r} in {name} was changed after it was packed; nothing of it was taken.")


def _checked_run(folder: Path, owner: str) -> str:
    """Make an unpacked run one that has ended here; its title. Raises InputError."""
    run = Run(folder)
    config, status = run.config, read_json(folder / "status.json") or {}
    state = str(status.get("state", ""))
    if state in {one.value for one in ACTIVE} or state not in {one.value for one in State}:
        raise InputError(f"The packed run is {state or 'without a state'}; only one that has ended can be taken.")
    write_json(folder / "status.json", {k: v for k, v in status.items() if k not in (*_OF_A_MACHINE, "shared")})
    if "owner" in config or owner:
        write_json(folder / "config.json", config | {"owner": owner})
    for name in ("metrics.jsonl", "log.txt"):
        (folder / name).touch()
    (folder / "checkpoints").mkdir(exist_ok=True)
    return str(config.get("title") or config["model"]["name"])


def _checked_dataset(folder: Path, wanted: str, owner: str) -> str:
    """The name of an unpacked dataset whose content has the digest that it is called by. Raises InputError."""
    meta = DatasetMeta.read(folder)
    dataset = Dataset(meta, folder)
    population = dataset.collection() if meta.kind == "sets" else dataset.genotypes()
    if meta.id != wanted or content_digest(population) != wanted:
        raise InputError("The content of the packed dataset is not what its digest says; nothing of it was taken.")
    ours = replace(meta, owners=[owner] if owner else [], shared=False)
    write_json(folder / "meta.json", ours.to_dict())
    return meta.name


def _sha(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

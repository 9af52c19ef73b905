"""10x Genomics: the feature-barcode matrix as an .h5 file, or as a folder of matrix.mtx, barcodes and features."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO, Any

import numpy as np

from core.data.intake import archives
from core.data.intake.counts import CELLS
from core.data.intake.formats import hdf5
from core.data.intake.formats.base import CollectionFormat, CollectionSource, Head, formats
from core.data.intake.formats.cell_tables import join_tables
from core.data.intake.formats.observations import ObservationTable, check_entries
from core.data.intake.tables import decode
from core.errors import InputError

GENES = "Gene Expression"
_MATRIX = b"%%MatrixMarket"
_FOLDER = ("matrix.mtx", "matrix.mtx.gz")
_FEATURES = ("features.tsv", "genes.tsv")
_UNREADABLE = (ValueError, OSError, IndexError, KeyError, TypeError, OverflowError, StopIteration)


@formats.register(
    "tenx_h5",
    title="10x HDF5",
    kind="sets",
    help="10x feature-barcode matrix (.h5, Cell Ranger 2 and later), with a table of barcodes beside it.",
    source="Cell Ranger, molecule and matrix HDF5",
)
class TenxH5Format(CollectionFormat):
    """One feature type at a time: `layer` names it, genes where it is not given."""

    companions = True

    @staticmethod
    def matches(head: Head) -> bool:
        return head.first.startswith(hdf5.MAGIC) and bool(_h5_groups(head.path))

    @staticmethod
    def read(source: CollectionSource) -> ObservationTable:
        head = source.main
        groups = _h5_groups(head.path)
        with hdf5.opened(head.path, head.name) as file:
            parts = [_h5_part(file[key], key, head.name) for key in groups]
        if len(parts) > 1:
            parts = [_side_by_side(parts, head.name)]
        return _table(parts, source)


@formats.register(
    "tenx_folder",
    title="10x folder",
    kind="sets",
    help="10x matrix.mtx, barcodes.tsv and features.tsv (or genes.tsv), gzipped or not: as a zip, one folder a sample, "
    "or the three files together; a table of barcodes beside them says which sets they form.",
    source="Cell Ranger, feature-barcode matrices in the Market Exchange Format",
)
class TenxFolderFormat(CollectionFormat):
    """The folder of a matrix becomes the column "folder" where there are several."""

    zipped = True
    companions = True

    @staticmethod
    def matches(head: Head) -> bool:
        if head.first.startswith(b"PK"):
            try:
                members = archives.checked_zip(head.path, head.name)
            except InputError:
                return False
            return any(PurePosixPath(m.filename).name.endswith(_FOLDER) for m in members)
        return head.first.startswith(_MATRIX)

    @staticmethod
    def read(source: CollectionSource) -> ObservationTable:
        files = _files(source)
        folders: dict[str, dict[str, Path]] = {}
        tables: list[Head] = []
        for folder, name, path in files:
            part = _part_of(name)
            if part:
                stem = name[: name.lower().index(part)]  # GEO puts the sample before the name: GSM1_matrix.mtx.gz
                folders.setdefault("/".join(filter(None, (folder, stem.rstrip("_.-")))), {})[part] = path
            elif name.lower().endswith((".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")):
                tables.append(Head(path, name, archives.first_bytes(path)))
        parts = [_mtx_part(one, folder, source.main.name) for folder, one in folders.items() if "matrix.mtx" in one]
        return _table(parts, replace(source, others=tuple(tables)))


@dataclass
class _Part:
    """One matrix: cells × features with their names."""

    folder: str
    matrix: Any
    barcodes: list[str]
    ids: list[str]
    names: list[str]
    types: list[str]
    notes: list[str]


def _table(parts: list[_Part], source: CollectionSource) -> ObservationTable:
    from scipy import sparse

    name, layer = source.main.name, source.options.layer
    first = parts[0]
    for part in parts[1:]:
        if part.ids != first.ids:
            raise InputError(
                f"{name} holds matrices of different features ({first.folder!r} has {len(first.ids):,}, "
                f"{part.folder!r} {len(part.ids):,}); give samples that were counted with one reference."
            )
    types = list(dict.fromkeys(first.types))
    chosen = layer if layer != "X" else GENES if GENES in types else types[0]
    if chosen not in types:
        raise InputError(f"{name} has no {layer!r}; choose one of: {', '.join(types)}.")
    keep = np.array([one == chosen for one in first.types])
    matrix = sparse.vstack([part.matrix for part in parts], format="csr")
    barcodes = [barcode for part in parts for barcode in part.barcodes]
    table = ObservationTable(
        matrix[:, np.flatnonzero(keep)] if not keep.all() else matrix,
        {},
        feature=np.array(first.names, dtype=np.str_)[keep],
        layers=types,
        origin=CELLS,
        notes=first.notes,
        hint="since it is a 10x matrix, give a table with one row a barcode beside it",
    )
    if len(types) > 1:
        table.notes.append(f"Features are those of {chosen}; the file also holds {', '.join(set(types) - {chosen})}.")
    table.aliases = {one: i for i, one in enumerate(np.array(first.ids, dtype=np.str_)[keep].tolist())}
    if len(parts) > 1:
        folders = [part.folder or "." for part in parts for _ in part.barcodes]
        table.columns["folder"] = np.array(folders, dtype=np.str_)
    lanes = [barcode.rpartition("-")[2] if "-" in barcode else "" for barcode in barcodes]
    if len(set(lanes)) > 1:
        table.columns["lane"] = np.array(lanes, dtype=np.str_)
    join_tables(table, barcodes, source)
    return table


def _h5_groups(path: Path) -> list[str]:
    """The groups that hold a matrix of Cell Ranger: "matrix", or one for each genome before version 3."""
    import h5py

    keys = hdf5.keys_of(path)
    try:
        with h5py.File(path, "r") as file:
            return [
                key
                for key, group in keys.items()
                if group and all(part in file[key] for part in ("barcodes", "data", "indices", "indptr", "shape"))
            ]
    except hdf5.UNREADABLE:
        return []


def _h5_part(group: Any, key: str, name: str) -> _Part:
    from scipy import sparse

    def words(node: Any) -> list[str]:
        return [decode(v) if isinstance(v, bytes) else str(v) for v in np.asarray(node[()]).tolist()]

    features, cells = (int(n) for n in np.asarray(group["shape"][()]).tolist())
    check_entries(int(group["data"].shape[0]), name)
    arrays = tuple(np.asarray(group[one][()]) for one in ("data", "indices", "indptr"))
    matrix = sparse.csr_matrix(arrays, shape=(cells, features))  # columns of features × cells are rows of cells
    matrix.check_format(full_check=True)
    if "features" in group:
        ids, names = words(group["features"]["id"]), words(group["features"]["name"])
        types = words(group["features"]["feature_type"]) if "feature_type" in group["features"] else [GENES] * features
    else:
        ids, names, types = words(group["genes"]), words(group["gene_names"]), [GENES] * features
    if not len(ids) == len(names) == len(types) == features or len(group["barcodes"]) != cells:
        raise ValueError("its names do not fit its matrix")
    return _Part(key, matrix, words(group["barcodes"]), ids, names, types, [])


def _side_by_side(parts: list[_Part], name: str) -> _Part:
    """The matrices of several genomes over the same barcodes as one."""
    from scipy import sparse

    first = parts[0]
    if any(part.barcodes != first.barcodes for part in parts):
        raise InputError(f"{name} holds matrices of different barcodes; export one of them.")
    return _Part(
        first.folder,
        sparse.hstack([part.matrix for part in parts], format="csr"),
        first.barcodes,
        [one for part in parts for one in part.ids],
        [one for part in parts for one in part.names],
        [one for part in parts for one in part.types],
        [f"The genes of {len(parts)} genomes stand side by side."],
    )


def _files(source: CollectionSource) -> list[tuple[str, str, Path]]:
    """(folder, name, path) of every file that was given."""
    others = [("", head.name, head.path) for head in source.others]
    if not source.main.first.startswith(b"PK"):
        return [("", source.main.name, source.main.path), *others]
    members = archives.checked_zip(source.main.path, source.main.name)
    unpacked = archives.unpack(source.main.path, source.main.name, source.folder)
    files = []
    for member, (path, name) in zip(members, unpacked, strict=True):
        folder = PurePosixPath(member.filename.replace("\\", "/")).parent.as_posix()
        files.append(("" if folder == "." else folder, PurePosixPath(name).name, path))
    return [*files, *others]


def _part_of(name: str) -> str:
    """Which part of a 10x folder a file is, by the end of its name; "" where it is none."""
    plain = name.lower().removesuffix(".gz")
    return next((one for one in ("matrix.mtx", "barcodes.tsv", *_FEATURES) if plain.endswith(one)), "")


def _mtx_part(files: dict[str, Path], folder: str, name: str) -> _Part:
    from scipy import sparse
    from scipy.io import mmread

    features = next((files[one] for one in _FEATURES if one in files), None)
    if features is None or "barcodes.tsv" not in files:
        raise InputError(
            f"{name} is a Matrix Market file, whose rows and columns have no names; barcodes.tsv and features.tsv (or "
            "genes.tsv) are expected beside it: give the three files together, or zip their folder."
        )
    rows = [line.split("\t") for line in _lines(features, name)]
    barcodes = [line.split("\t")[0].strip('"') for line in _lines(files["barcodes.tsv"], name)]
    _check_size(files["matrix.mtx"], (len(rows), len(barcodes)), name)
    try:
        with _opened(files["matrix.mtx"]) as file:
            matrix = sparse.csr_matrix(mmread(file))
    except _UNREADABLE as error:
        why = archives.reason(error)
        raise InputError(f"The matrix of {name} is no Matrix Market file that can be read ({why}).") from None
    notes = []
    if matrix.shape == (len(barcodes), len(rows)) and len(barcodes) != len(rows):
        notes.append("The matrix holds cells in rows, which is not how 10x writes it.")
    else:
        matrix = matrix.T.tocsr()
    ids = [row[0].strip('"') for row in rows]
    names = [row[1].strip('"') if len(row) > 1 else row[0].strip('"') for row in rows]
    types = [row[2].strip('"') if len(row) > 2 and row[2] else GENES for row in rows]
    return _Part(folder, matrix, barcodes, ids, names, types, notes)


def _check_size(path: Path, names: tuple[int, int], name: str) -> None:
    """Hold the size that a matrix declares against the names beside it, before it is read. Raises InputError."""
    for raw in archives.lines(path, name):
        if raw.startswith(b"%") or not raw.strip():
            continue
        sizes = [int(word) for word in raw.split() if word.isdigit()]
        if tuple(sizes[:2]) not in (names, names[::-1]) or not all(sizes[:2]):
            declared = " x ".join(f"{size:,}" for size in sizes[:2]) or "of no size"
            raise InputError(
                f"The matrix of {name} is {declared}, but there are {names[0]:,} features and "
                f"{names[1]:,} barcodes; give the files of one matrix."
            )
        check_entries(sizes[2] if len(sizes) > 2 else sizes[0] * sizes[1], name)
        return
    raise InputError(f"The matrix of {name} has a header and no size; copy or export it again.")


def _lines(path: Path, name: str) -> list[str]:
    return [text for raw in archives.lines(path, name) if (text := decode(raw)).strip()]


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if packed else path.open("rb")  # type: ignore[return-value]

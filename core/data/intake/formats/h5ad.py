"""AnnData files (.h5ad): cells × genes with columns of observations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.intake.formats.base import CollectionFormat, CollectionSource, Head, formats
from core.data.intake.formats.observations import Column, ObservationTable, as_written
from core.errors import InputError

RATIO_MAX = 200  # declared bytes over file bytes: unwritten chunks of a hostile file count as zeros without end


@formats.register(
    "h5ad",
    title="h5ad",
    kind="sets",
    help="AnnData (.h5ad): X, a layer or an embedding, with obs columns.",
    source="anndata 0.12",
)
class H5adFormat(CollectionFormat):
    """Checked with h5py before anndata opens it: links to other files and lies about sizes are refused."""

    @staticmethod
    def matches(head: Head) -> bool:
        return head.first.startswith(b"\x89HDF")

    @staticmethod
    def read(source: CollectionSource) -> ObservationTable:
        check(source.main.path, source.main.name)
        import anndata

        name, options = source.main.name, source.options
        try:
            cells = anndata.read_h5ad(source.main.path)
        except (OSError, KeyError, ValueError, TypeError, AttributeError):
            raise InputError(f"{name} is HDF5 but not an h5ad that can be read; write it with AnnData.") from None
        matrix, genes, said = _matrix(cells, options.layer, name)
        columns = {str(c): _column(cells.obs[c].to_numpy()) for c in cells.obs.columns}
        texts = {key: as_written(cells.obs[key].to_numpy()) for key, v in columns.items() if v.dtype.kind == "f"}
        columns |= _memberships(cells)
        return ObservationTable(
            matrix, columns, feature=genes, layers=_layers(cells), notes=[said], texts=texts, origin="cells"
        )


def check(path: Path, name: str) -> None:
    """Refuse an HDF5 file that links outside itself or declares far more bytes than it has. Raises InputError."""
    import h5py

    declared = 0

    def visit(key: str, node: Any) -> None:
        nonlocal declared
        if isinstance(node, h5py.Dataset):
            if node.external or node.is_virtual:
                raise InputError(f"{name} keeps {key[:60]!r} in another file; write a self-contained h5ad.")
            declared += int(node.size) * max(node.dtype.itemsize, 1)

    try:
        with h5py.File(path, "r") as file:
            _refuse_links(file, name)
            file.visititems(visit)
    except (OSError, RuntimeError, KeyError):
        raise InputError(f"{name} is a damaged HDF5 file; copy or export it again.") from None
    if declared > max(RATIO_MAX * path.stat().st_size, 64 << 20):
        raise InputError(
            f"{name} declares {declared:,} bytes of data in a file of {path.stat().st_size:,}; "
            "write it anew with AnnData."
        )


def _refuse_links(group: Any, name: str, depth: int = 0) -> None:
    import h5py

    if depth > 20:
        raise InputError(f"{name} nests groups more than 20 deep; an h5ad does not: write it anew with AnnData.")
    for key in group:
        link = group.get(key, getlink=True)
        if isinstance(link, h5py.ExternalLink | h5py.SoftLink):
            raise InputError(f"{name} holds a link ({key[:60]!r}); write a self-contained h5ad.")
        if group.get(key, getclass=True) is h5py.Group:
            _refuse_links(group[key], name, depth + 1)


def _matrix(cells: Any, layer: str, name: str) -> tuple[Any, npt.NDArray[np.str_], str]:
    genes = np.array([str(g) for g in cells.var_names], dtype=np.str_)
    if layer == "X" and cells.X is not None:
        return cells.X, genes, "Features are those of X."
    if layer in cells.layers:
        return cells.layers[layer], genes, f"Features are those of the layer {layer}."
    if layer.startswith("obsm:") and layer.removeprefix("obsm:") in cells.obsm:
        matrix = cells.obsm[layer.removeprefix("obsm:")]
        stem = layer.removeprefix("obsm:").removeprefix("X_")
        return matrix, np.array([f"{stem}_{i + 1}" for i in range(matrix.shape[1])]), f"Features are {layer}."
    raise InputError(f"{name} has no {layer!r}; choose one of: {', '.join(_layers(cells))}.")


def _layers(cells: Any) -> list[str]:
    return ["X", *map(str, cells.layers), *(f"obsm:{key}" for key in cells.obsm)]


def _column(values: Any) -> Column:
    array = np.asarray(values)
    if array.dtype.kind in "fiu":
        return array.astype(np.float64)
    return np.array(["" if v is None or str(v) == "nan" else str(v) for v in array.tolist()], dtype=np.str_)


def _memberships(cells: Any) -> dict[str, Column]:
    """Each 0/1 matrix in obsm (cells × clones) as a column: the member's number, "" for cells of none."""
    found: dict[str, Column] = {}
    for key, value in cells.obsm.items():
        if "clone" not in str(key).lower() or not hasattr(value, "shape") or len(value.shape) != 2:
            continue
        dense = np.asarray(value.todense() if hasattr(value, "todense") else value)
        which = dense.argmax(axis=1)
        found[str(key).removeprefix("X_")] = np.array(
            [f"{key.removeprefix('X_')}_{w + 1}" if dense[i, w] > 0 else "" for i, w in enumerate(which)], dtype=np.str_
        )
    return found

"""AnnData files (.h5ad): cells × genes with columns of observations."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.data.intake.counts import CELLS, values_of
from core.data.intake.formats import hdf5
from core.data.intake.formats.base import CollectionFormat, CollectionSource, Head, formats
from core.data.intake.formats.elements import add_columns, frame_matrix, index_of, is_group, matrix_of
from core.data.intake.formats.loadings import loadings_of
from core.data.intake.formats.observations import ObservationTable
from core.errors import InputError

_GLIMPSE = 200_000  # entries of another layer that say whether it holds whole numbers
_LAYERS_NAMED = 6


@formats.register(
    "h5ad",
    title="h5ad",
    kind="sets",
    help="AnnData (.h5ad), also gzipped: X, a layer, raw or an embedding (obsm), with obs columns.",
    source="anndata 0.12",
)
class H5adFormat(CollectionFormat):
    """Checked with h5py first; any HDF5 file whose layout no other reader knows ends here."""

    fallback = 1

    @staticmethod
    def matches(head: Head) -> bool:
        return head.first.startswith(hdf5.MAGIC)

    @staticmethod
    def read(source: CollectionSource) -> ObservationTable:
        name = source.main.name
        with hdf5.opened(source.main.path, name) as file:
            if "obs" not in file or not ("X" in file or "layers" in file):
                raise InputError(
                    f"{name} is HDF5 but not an h5ad (it holds {', '.join(list(file)[:6]) or 'nothing'}); "
                    "write it with AnnData."
                )
            return read_anndata(file, source.options.layer, name)


def read_anndata(group: Any, layer: str, name: str, prefix: str = "") -> ObservationTable:
    """The cells of an AnnData group (h5py or zarr) with the matrix that `layer` names; only that and obs are read.

    `prefix` stands before the names of the layers where a file holds several modalities.
    """
    layers = [prefix + one for one in layers_of(group)]
    wanted = layer.removeprefix(prefix)
    if prefix + wanted not in layers:
        raise InputError(f"{name} has no {layer!r}; choose one of: {', '.join(layers) or 'nothing'}.")
    matrix, features, said = _matrix(group, wanted, name)
    table = ObservationTable(
        matrix, {}, feature=np.array(features, dtype=np.str_), layers=layers, notes=said, origin=CELLS
    )
    if wanted.startswith("obsm:"):
        table.origin = "table"
        stem = wanted.removeprefix("obsm:").removeprefix("X_")
        table.aliases = {f"{stem}_{i + 1}": i for i in range(len(features))}
        table.loadings, said = loadings_of(group, wanted.removeprefix("obsm:"), matrix, name)
        table.notes += said
    if table.observations.ndim == 2 and table.observations.shape[1] != len(features):
        raise InputError(
            f"{name} has {table.observations.shape[1]:,} features in {layer} and {len(features):,} names for them; "
            "write it anew with AnnData."
        )
    cells = len(index_of(group["obs"]))
    if table.observations.shape[0] != cells:
        raise InputError(
            f"{name} has {table.observations.shape[0]:,} rows in {layer} and {cells:,} in obs; write it anew."
        )
    add_columns(table, group["obs"], group.get("uns"))
    _add_memberships(table, group, name)
    other = _others(group, wanted, prefix)
    if other:
        table.notes.append(f"The file also holds {', '.join(other)}; layer=NAME takes one of them.")
    return table


def layers_of(group: Any) -> list[str]:
    """What of an AnnData group could be the observations: X, layers, raw, embeddings."""
    return [
        *(["X"] if "X" in group else []),
        *(list(group["layers"].keys()) if "layers" in group else []),
        *(["raw"] if _raw(group) is not None else []),
        *(f"obsm:{key}" for key in _embeddings(group)),
    ]


def _raw(group: Any) -> tuple[Any, Any] | None:
    """(matrix, var) of raw, as a group or as AnnData before 0.7 wrote it."""
    if "raw" in group and is_group(group["raw"]) and "X" in group["raw"]:
        return group["raw"]["X"], group["raw"]["var"]
    if "raw.X" in group and "raw.var" in group:
        return group["raw.X"], group["raw.var"]
    return None


def _embeddings(group: Any) -> list[str]:
    """Names in obsm; before AnnData 0.7 it was a compound array."""
    if "obsm" not in group:
        return []
    node = group["obsm"]
    return list(node.keys()) if is_group(node) else list(node.dtype.names or ())


def _matrix(group: Any, layer: str, name: str) -> tuple[Any, list[str], list[str]]:
    if layer.startswith("obsm:"):
        key = layer.removeprefix("obsm:")
        stem, node = key.removeprefix("X_"), group["obsm"][key]
        if is_group(node) and "encoding-type" in node.attrs and node.attrs["encoding-type"] == "dataframe":
            matrix, names, others = frame_matrix(node, f"{layer} of {name}")
            left = [f"Columns of {layer} without numbers were left out: {', '.join(others)}."] if others else []
            return matrix, names, [f"Features are {layer}.", *left]
        matrix = matrix_of(node, name)
        width = matrix.shape[1] if len(matrix.shape) > 1 else 0
        return matrix, [f"{stem}_{i + 1}" for i in range(width)], [f"Features are {layer}."]
    raw = _raw(group) if layer == "raw" and not ("layers" in group and "raw" in group["layers"]) else None
    if raw is not None:
        return matrix_of(raw[0], name), index_of(raw[1]), ["Features are those of raw."]
    genes = index_of(group["var"])
    if layer == "X":
        return matrix_of(group["X"], name), genes, ["Features are those of X."]
    return matrix_of(group["layers"][layer], name), genes, [f"Features are those of the layer {layer}."]


def _others(group: Any, layer: str, prefix: str) -> list[str]:
    """The other matrices of the genes, each with what its values look like at a glance."""
    found = []
    for one in layers_of(group):
        if one == layer or one.startswith("obsm:"):
            continue
        raw = _raw(group)
        node = group["X"] if one == "X" else raw[0] if one == "raw" and raw else group["layers"][one]
        try:
            part = node["data"][:_GLIMPSE] if is_group(node) else node[: max(1, _GLIMPSE // max(1, node.shape[1]))]
        except hdf5.UNREADABLE:
            continue
        values = values_of(np.asarray(part).reshape(1, -1))
        kind = "whole numbers" if values.whole else "fractions" if values.low >= 0 else "values below zero too"
        found.append(f"{prefix}{one} ({kind}, to {values.high:.4g})")
    return found[:_LAYERS_NAMED]


def _add_memberships(table: ObservationTable, group: Any, name: str) -> None:
    """Each 0/1 matrix in obsm (cells × clones) as a column: the member's number, "" for cells of none."""
    for key in _embeddings(group):
        if "clone" not in key.lower():
            continue
        matrix = matrix_of(group["obsm"][key], name)
        if len(matrix.shape) != 2:
            continue
        dense = matrix.toarray() if hasattr(matrix, "toarray") else matrix
        stem, which = key.removeprefix("X_"), dense.argmax(axis=1)
        words = [f"{stem}_{w + 1}" if dense[i, w] > 0 else "" for i, w in enumerate(which)]
        table.columns[stem] = np.array(words, dtype=np.str_)

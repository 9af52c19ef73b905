"""MuData files (.h5mu): several modalities of the same cells, of which one is taken."""

from __future__ import annotations

import numpy as np

from core.data.intake.formats import hdf5
from core.data.intake.formats.base import CollectionFormat, CollectionSource, Head, formats
from core.data.intake.formats.elements import add_columns, index_of
from core.data.intake.formats.h5ad import layers_of, read_anndata
from core.data.intake.formats.observations import ObservationTable
from core.errors import InputError

_GENES = ("rna", "gex", "RNA", "gene_expression")


@formats.register(
    "h5mu",
    title="h5mu",
    kind="sets",
    help="MuData (.h5mu): one modality, its X or a layer (such as rna:X or prot:counts), with the columns of both.",
    source="mudata 0.3",
)
class H5muFormat(CollectionFormat):
    """`layer` names the modality and the layer; without it the genes are taken, and what else there is, is said."""

    @staticmethod
    def matches(head: Head) -> bool:
        return head.first.startswith(hdf5.MAGIC) and hdf5.keys_of(head.path).get("mod") is True

    @staticmethod
    def read(source: CollectionSource) -> ObservationTable:
        name, layer = source.main.name, source.options.layer
        with hdf5.opened(source.main.path, name) as file:
            modalities = {str(key): file["mod"][key] for key in file["mod"]}
            if not modalities:
                raise InputError(f"{name} holds no modality; write it with mudata.")
            layers = [f"{key}:{one}" for key, group in modalities.items() for one in layers_of(group)]
            likely = next((key for key in _GENES if key in modalities), next(iter(modalities)))
            wanted = f"{likely}:X" if layer == "X" else f"{layer}:X" if layer in modalities else layer
            if wanted not in layers:
                raise InputError(f"{name} has no {layer!r}; choose one of: {', '.join(layers)}.")
            key = wanted.split(":", 1)[0]
            table = read_anndata(modalities[key], wanted, name, prefix=f"{key}:")
            table.layers = layers
            others = [one for one in modalities if one != key]
            if others:
                table.notes.insert(0, f"The modality {key} was taken; the file also holds {', '.join(others)}.")
            if "obs" in file:
                _add_common(table, file["obs"], index_of(modalities[key]["obs"]))
        return table


def _add_common(table: ObservationTable, frame: object, cells: list[str]) -> None:
    """The columns of all modalities together, by the names of the cells."""
    names = index_of(frame)
    place = {one: i for i, one in enumerate(names)}
    if not all(cell in place for cell in cells):
        return
    row = np.array([place[cell] for cell in cells], dtype=np.int64)
    common = ObservationTable(np.zeros((len(names), 1)), {})
    add_columns(common, frame)
    table.notes += common.notes
    for key, values in common.columns.items():
        if key not in table.columns:
            table.columns[key] = values[row]
            if key in common.texts:
                table.texts[key] = common.texts[key][row]

"""Loom files: genes × cells with attributes of both."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.data.intake.counts import CELLS
from core.data.intake.formats import hdf5
from core.data.intake.formats.base import CollectionFormat, CollectionSource, Head, formats
from core.data.intake.formats.elements import column_of
from core.data.intake.formats.observations import ObservationTable, check_entries
from core.errors import InputError

_GENE_NAMES = ("Gene", "gene", "gene_names", "GeneName", "var_names", "Accession", "index")
_CELL_NAMES = ("CellID", "cell_id", "obs_names", "cell_names", "index")


@formats.register(
    "loom",
    title="loom",
    kind="sets",
    help="Matrix or a layer, with the column attributes of its cells.",
    source="loompy, loom file format 3.0",
)
class LoomFormat(CollectionFormat):
    """Cells are the columns of a loom file."""

    @staticmethod
    def matches(head: Head) -> bool:
        if not head.first.startswith(hdf5.MAGIC):
            return False
        keys = hdf5.keys_of(head.path)
        return keys.get("matrix") is False and bool(keys.get("col_attrs") or keys.get("row_attrs"))

    @staticmethod
    def read(source: CollectionSource) -> ObservationTable:
        name, layer = source.main.name, source.options.layer
        with hdf5.opened(source.main.path, name) as file:
            layers = ["X", *(str(key) for key in file.get("layers", ()))]
            if layer not in layers:
                raise InputError(f"{name} has no {layer!r}; choose one of: {', '.join(layers)}.")
            node = file["matrix"] if layer == "X" else file["layers"][layer]
            check_entries(int(np.prod(node.shape, dtype=object)), name)
            genes = _names(file.get("row_attrs", {}), node.shape[0])
            table = ObservationTable(
                np.asarray(node[()]).T,
                {},
                feature=np.array(genes, dtype=np.str_),
                layers=layers,
                origin=CELLS,
                notes=[f"Features are those of {'the matrix' if layer == 'X' else f'the layer {layer}'}."],
            )
            for key in file.get("col_attrs", ()):
                values = np.asarray(file["col_attrs"][key][()])
                if values.shape != (node.shape[1],) or key in _CELL_NAMES:
                    continue
                column, text = column_of(values)
                table.columns[str(key)] = column
                if text is not None:
                    table.texts[str(key)] = text
        return table


def _names(attributes: Any, count: int) -> list[str]:
    key = next((one for one in _GENE_NAMES if one in attributes), None)
    if key is None:
        return [f"gene_{i + 1}" for i in range(count)]
    return [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in attributes[key][()].tolist()]

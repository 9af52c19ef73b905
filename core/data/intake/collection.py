"""What is done with observations once they are read: grouped into sets, or described before they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from core.data.intake.collection_options import CollectionOptions
from core.data.intake.counts import scale_of
from core.data.intake.dates import add_dates
from core.data.intake.formats.base import CollectionFormat, CollectionSource, only_file
from core.data.intake.formats.observations import Column, ObservationTable
from core.data.intake.formats.several import FILE
from core.data.intake.grouping import build_sets
from core.data.population_files import write_population
from core.errors import InputError

FEATURES = 500  # names of features in a preview


def read(reader: type[CollectionFormat], source: CollectionSource) -> dict[str, Any]:
    """Read the observations, group them and write the sets to the child's folder; {"dropped", "notes"}."""
    table = _table(reader, source)
    built = build_sets(table, _with_sets(table, source.options), source.main.name)
    write_population(source.folder, built.population)
    return {"dropped": built.dropped, "notes": built.notes, "applied": built.applied}


def preview(reader: type[CollectionFormat], source: CollectionSource) -> dict[str, Any]:
    """What the file holds, and the sets that the options would make of it where they say what a set is."""
    table = _table(reader, source)
    options = _with_sets(table, source.options)
    contents: dict[str, Any] = {
        "observations": table.observations.shape[0],
        "modality": table.modality,
        "shape": list(table.observations.shape[1:]),
        "columns": {name: _summary(values) for name, values in table.columns.items()},
        "features": [str(feature) for feature in table.feature[:FEATURES]],
        "layers": table.layers,
        "notes": list(table.notes),
    }
    if table.modality == "vector" and len(table.observations.shape) == 2:
        how, said = scale_of(table.observations, table, options.normalise)
        contents["normalise"] = how
        contents["notes"] += said
    if options.set_column or options.whole or options.neighbourhood or options.quantiles:
        # Components and scale change the features, not which observations belong together.
        built = build_sets(table, replace(options, components=0, scale=False), source.main.name)
        sizes = built.population.sizes
        counts = {"sets": built.population.s, "observations": built.population.k}
        contents["notes"] = built.notes
        contents["built"] = counts | {"least": int(sizes.min()), "most": int(sizes.max()), "dropped": built.dropped}
    return contents


def _table(reader: type[CollectionFormat], source: CollectionSource) -> ObservationTable:
    options = source.options
    if not reader.companions:
        only_file(source)
    for key, asked in (("delimiter", options.delimiter != "auto"), ("sequence_column", bool(options.sequence_column))):
        if asked and not reader.delimited:
            raise InputError(f"{source.main.name} is no text table, so {key} has no effect; leave it out.")
    table = reader.read(source)
    add_dates(table)
    if not table.observations.shape[0]:
        raise InputError(
            f"{source.main.name} has no observation that can be used; check the columns and the missing values."
        )
    return table


def _with_sets(table: ObservationTable, options: CollectionOptions) -> CollectionOptions:
    """The options, with the files as sets where several were given and nothing says what a set is."""
    if options.set_column or options.whole or options.neighbourhood or options.quantiles or not table.a_file_a_set:
        return options
    table.notes.append("Each file is a set, since no column was named for the sets.")
    table.applied["set_column"] = [FILE]
    return replace(options, set_column=(FILE,))


def _summary(values: Column) -> dict[str, Any]:
    """Kind and number of distinct values of a column, with the first few."""
    if values.dtype.kind == "f":
        return {"kind": "number", "distinct": len(np.unique(values[np.isfinite(values)]))}
    distinct = list(dict.fromkeys(values[:100_000].tolist()))
    return {"kind": "text", "distinct": len(distinct), "examples": [str(v) for v in distinct[:5]]}

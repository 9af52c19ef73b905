"""From what a file of observations seems to hold to what there is to choose at its import."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.data.intake import archives
from core.data.intake.formats.base import Head, formats
from core.errors import InputError

# Formats that hold sets of observations and never genotypes.
_UNMISTAKABLE = ("h5ad", "images", "fasta", "fastq", "pat", "fcs", "tenx_folder", "zarr")
# Words in the name of a column that tells which observations belong together, the likeliest first.
_LIKE_A_SET = (
    "clone",
    "sample",
    "set",
    "folder",
    "guide",
    "perturb",
    "field",
    "image",
    "donor",
    "patient",
    "month",
    "batch",
    "subject",
    "individual",
    "file",
    "plate",
    "well",
)

# Setting → the format or the modality outside of which it means nothing.
_ONLY_OF = {
    **dict.fromkeys(("sequence_column", "methylation_column"), "table"),
    "region_size": "aligned",
    **dict.fromkeys(("length", "ambiguous", "gaps", "alphabet"), "sequence"),
    **dict.fromkeys(("sizes", "frames"), "images"),
    "longest_side": "image",
    "channels": "npz",
    **dict.fromkeys(("features", "normalise", "variable_genes", "components", "scale"), "vector"),
    "layer": "layers",
    "delimiter": "table",
}
_ALIGNED = ("pat", "bam")  # formats of reads with a contig and a place


def surely_sets(path: Path, name: str) -> bool:
    """Whether the file is of a format that only sets of observations come in, by its first bytes."""
    try:
        head = Head(path, name, archives.first_bytes(path))
    except (InputError, OSError):
        return False
    return any(formats[one].value.matches(head) for one in _UNMISTAKABLE)


def relevant(found: Mapping[str, Any], names: list[str]) -> list[str]:
    """Those of the settings `names` that mean something for the file which the preview `found` describes."""
    there: tuple[Any, ...] = (None, found["format"], found["modality"], "layers" if found.get("layers") else "")
    there += ("aligned",) if found["format"] in _ALIGNED else ()
    return [name for name in names if _ONLY_OF.get(name) in there]


def choices(found: Mapping[str, Any]) -> dict[str, list[str]]:
    """What may be chosen for each setting that names a column, a layer or a feature of the file."""
    columns = list(found["columns"])
    numbers = [name for name, one in found["columns"].items() if one["kind"] == "number"]
    features = list(found["features"])
    if found["format"] == "table":  # any numeric column of a table is a feature until it is given another part
        columns, numbers = [*columns, *features], [*numbers, *features]
    return {
        "set_column": columns,
        "label_columns": columns,
        "unit": columns,
        "neighbourhood": numbers,
        "quantiles": numbers,
        "features": features,
        "layer": list(found.get("layers") or ["X"]),
        "sequence_column": columns,
        "methylation_column": columns,
    }


def suggested_sets(found: Mapping[str, Any]) -> list[str]:
    """The column that most likely says which observations belong together; empty where none looks like it.

    A column with a telling name may have up to half as many values as there are observations, another one a third.
    """
    columns, n = found["columns"], found["observations"]
    for word in _LIKE_A_SET:
        for name, one in columns.items():
            if word in name.lower() and 2 <= one["distinct"] <= n / 2:
                return [name]
    return [name for name, one in columns.items() if one["kind"] == "text" and 2 <= one["distinct"] <= n / 3][:1]

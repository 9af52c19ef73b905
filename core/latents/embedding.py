"""New sets through the eyes of a trained model: read as the training data were, in the same features."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from core.config.schema import from_dict
from core.data.intake.collection_options import CollectionOptions
from core.data.library import Library
from core.data.sets import SetCollection
from core.errors import InputError

# Choices of the import that decide what a feature is; components and scaling were fitted to the training file.
_READING = ("layer", "normalise", "sequence_column", "length")
_WITHOUT_LAYERS = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".npz", ".parquet", ".fcs")
_FITTED = ("components", "scale", "variable_genes")


def matching(dataset: str, options: CollectionOptions, name: str = "") -> CollectionOptions:
    """`options` with the reading choices that the dataset called `dataset` was imported with. Raises InputError.

    A new file called `name` that can have no layers (a text table, an array) holds the layer's features.
    A dataset whose features were fitted to its own file (components, scaling) cannot be matched by another file.
    """
    kept = Library().open(dataset).meta.import_options
    if "simulator" in kept:
        return options  # a simulator's settings, such as its scale, are not choices of an import
    known = {key: kept[key] for key in (*_READING, *_FITTED) if key in kept}
    fitted = [key for key in ("components", "scale") if known.get(key)]
    if fitted:
        raise InputError(
            f"The training features were made with {fitted[0]}, which was fitted to the training file; a new file has "
            "no such features: import the features themselves (layer=obsm:X_pca) and train on those."
        )
    given: Any = from_dict(CollectionOptions, {key: known[key] for key in _READING if key in known})
    reading = {key: getattr(given, key) for key in _READING}
    if name.lower().endswith(_WITHOUT_LAYERS):
        reading["layer"] = "X"
    return replace(options, **reading)


def aligned(training: SetCollection, new: SetCollection, i: int) -> npt.NDArray[Any]:
    """(k, *shape) observations of set i of `new` as the model takes them: features in the training order, by name.

    Features of the new file that training did not have are left out. Raises InputError for features that are
    missing, or for images or sequences of another shape.
    """
    if new.modality != training.modality:
        raise InputError(f"The file holds {new.modality}s; this model was trained on {training.modality}s.")
    own, theirs = ([str(name) for name in sets.feature] for sets in (training, new))
    return training.observation.matched(new.observation, np.asarray(new.observations_of(i)), own, theirs)

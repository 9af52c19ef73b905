"""The four shared files of real sets, imported with the options that docs/sets.md recommends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.data.intake.collection_options import CollectionOptions
from core.data.intake.importing import import_file
from core.data.library import Library
from core.data.stages import stages

CASES: dict[str, tuple[str, dict[str, Any], tuple[int, int, int]]] = {
    "larry": (
        "larry-clones/test_adata_preprocessed.h5ad",
        {
            "set_column": ("clone", "time_info"),
            "unit": "clone",
            "layer": "obsm:X_pca",
            "min_samples": 1,
            "label_columns": ("time_info", "clone"),
        },
        (473, 781, 40),
    ),
    "cropseq": (
        "cropseq-perturbations/cropseq_6229.h5ad",
        {"set_column": ("perturbation",), "layer": "obsm:X_pca"},
        (30, 4063, 20),
    ),
    "cytof": (
        "cytof-pbmc/pbmc_bcrxl_cytof.h5ad",
        {
            "set_column": ("patient_id", "condition"),
            "unit": "patient_id",
            "chunk": 60,
            "normalise": "arcsinh",
            "label_columns": ("condition", "patient_id"),
        },
        (91, 5428, 24),
    ),
    "blood": ("blood-cells/bccd_crops32.npz", {"set_column": ("image",), "unit": "image"}, (354, 4872, 3)),
    "blood_types": (
        "blood-cells/bccd_crops32.npz",
        {"set_column": ("image", "label"), "unit": "image"},
        (385, 4280, 3),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_real_file_is_imported_as_recommended(name: str, shared: Path, home: Path) -> None:
    file, options, (sets, observations, width) = CASES[name]
    path = shared / "data" / file
    if not path.is_file():
        pytest.skip(f"no {file} in the shared data")
    library = Library()
    meta = import_file([path], library=library, options=CollectionOptions(**options))
    dataset = library.open(meta.id)
    collection, split = dataset.collection(), dataset.split()
    assert (collection.s, collection.k, collection.shape[0]) == (sets, observations, width)
    assert min(len(split.train), len(split.holdout)) >= 6
    if collection.unit:
        unit = collection.labels[collection.unit]
        assert not set(unit[split.train]) & set(unit[split.holdout])
    if name == "larry":
        assert stages(collection)[0] == "time_info"
    if name == "cytof":
        assert float(np.asarray(collection.observations).max()) < 10  # counts in the thousands, before arcsinh

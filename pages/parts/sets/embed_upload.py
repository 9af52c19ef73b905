"""Embed a new set with a trained model and find its neighbours among the sets that the model was trained on."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from core.data.intake.collection_options import CollectionOptions
from core.errors import InputError
from pages.parts.frame import heavy, plain, refused_here
from pages.parts.sets.ends import warn_outside
from pages.parts.sets.runs import OF_RUN, SetRun, open_model
from pages.parts.sets.samples import neighbours

_TYPES = ["h5ad", "h5", "h5mu", "loom", "fcs", "parquet", "csv", "tsv", "txt", "npz", "fasta", "fa", "zip", "gz"]


def embed_upload(chosen: SetRun) -> None:
    """An upload, its latent's neighbours, and how far it lies outside of what the model knows."""
    if refused_here():
        return
    file = st.file_uploader(
        "A file of observations", type=_TYPES, key="embed_file",
        help="h5ad, CSV, npz, FASTA or a zip of images, with the features of the training data.",
    )  # fmt: skip
    column = st.text_input(
        "Column that names the sets (optional)", key="embed_column", help="Empty: the whole file is one set."
    )
    if file is None:
        st.caption("Nothing leaves this machine, and nothing is added to the library.")
        return
    try:
        found = _embedded(chosen, file.getvalue(), file.name, column.strip())
    except InputError as error:
        st.error(plain(error), icon=":material/error:")
        return
    name = st.selectbox("New set", list(found), key="embed_set") if len(found) > 1 else next(iter(found))
    z = found[name or next(iter(found))]
    warn_outside(chosen, "This set", z)
    neighbours(chosen, "", z)


@st.cache_data(max_entries=4, hash_funcs=OF_RUN, show_spinner="Embedding the sets…")
@heavy()
def _embedded(chosen: SetRun, content: bytes, name: str, column: str) -> dict[str, Any]:
    """Set name → its latent. Raises InputError."""
    from core.data.intake.importing import read_file
    from core.data.intake.inbox import UserFile
    from core.latents.embedding import aligned, matching

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload"
        path.write_bytes(content)
        imported = chosen.run.config["dataset"]["id"]
        options = CollectionOptions(set_column=(column,) if column else (), whole=not column, min_samples=1)
        sets = read_file([UserFile(name, path, len(content))], options=matching(imported, options, name)).population
        lens = open_model(chosen)
        return {str(sets.set_id[i]): lens.embed(np.asarray(aligned(chosen.sets, sets, i))) for i in range(sets.s)}

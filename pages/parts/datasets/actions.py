"""What can be done with a dataset: train on it, download it, rename it, remove it."""

from __future__ import annotations

import re
from functools import partial

import streamlit as st

from core.commands.child import exported
from core.config.access import ONLY_READ, only_read, viewer
from core.data.dataset import DatasetMeta
from core.data.library import Library
from core.errors import InputError
from pages.parts.frame import plain
from pages.parts.login import share_switch
from pages.parts.sections import link
from pages.parts.state import DATASET, DATASETS_SAID, go

FORMATS = {
    "npz: everything, for Python": ".npz",
    "CSV: a row an individual": ".csv",
    "VCF": ".vcf.gz",
    "PLINK bed": ".bed",
}
_PARTS = {"Everybody": "all", "Training individuals": "train", "Held-out individuals": "holdout"}
MOST_CALLS = 200_000_000  # the server holds a download in memory
_SHIPPED = "Shipped with Popscape: it cannot be changed."
_NOT_YOURS = "Only who brought it can change or remove it."


def actions(library: Library, meta: DatasetMeta) -> None:
    """A row of buttons for the dataset."""
    changes = viewer().changes(meta.owners)
    fixed = _SHIPPED if meta.embedded else ONLY_READ if only_read() else None if changes else _NOT_YOURS
    with st.container(horizontal=True):
        link("train", "Train a model on it")
        if meta.kind == "genotypes":
            with st.popover("Download", icon=":material/download:"):
                _download(meta)
        with st.popover("Rename", icon=":material/edit:", disabled=bool(fixed), help=fixed):
            _rename(library, meta, fixed=bool(fixed))
        with st.popover("Remove", icon=":material/delete:", disabled=bool(fixed), help=fixed):
            _remove(library, meta, fixed=bool(fixed))
        if not only_read():
            share_switch("dataset", meta.owners, meta.shared, meta.id, library.share)


def _download(meta: DatasetMeta) -> None:
    if meta.cohort.individuals * meta.cohort.variants > MOST_CALLS:
        st.caption("This dataset is too large for a download from the browser. On the command line:")
        st.code(f"python -m core export {meta.id} --out genotypes.vcf.gz", language=None, wrap_lines=True)
        return
    chosen = st.selectbox("Format", list(FORMATS), key=f"format_{meta.id}")
    part = st.selectbox("Individuals", list(_PARTS), key=f"part_{meta.id}")
    ending = FORMATS[chosen]
    several = ending == ".bed" or (ending == ".vcf.gz" and bool(meta.labels or meta.cohort.phenotypes))
    stem = re.sub(r"[^\w.-]+", "_", meta.name)
    st.download_button(
        "Download",
        partial(exported, meta.id, _PARTS[part], ending),
        f"{stem}.zip" if several else f"{stem}{ending}",
        on_click="ignore",
        key=f"download_{meta.id}",
        help="A zip: the genotypes, and a table of populations and phenotypes." if several else None,
    )


def _rename(library: Library, meta: DatasetMeta, *, fixed: bool) -> None:
    name = st.text_input("New name", meta.name, key=f"name_{meta.id}", max_chars=80)
    if st.button("Rename", key=f"rename_{meta.id}", disabled=fixed or name == meta.name):
        try:
            renamed = library.rename(meta.id, name)
        except InputError as error:
            st.error(plain(error))
            return
        st.session_state[DATASETS_SAID] = f"The dataset is now called {plain(renamed.name)}."
        go(**{DATASET: renamed.name})


def _remove(library: Library, meta: DatasetMeta, *, fixed: bool) -> None:
    st.markdown(f"Remove **{plain(meta.name)}** for good?")
    st.caption("Reports of runs on it stay. Those runs can no longer be resumed or sampled.")
    if st.button("Remove for good", key=f"remove_{meta.id}", type="primary", disabled=fixed):
        try:
            library.remove(meta.id)
        except InputError as error:
            st.error(plain(error))
            return
        st.session_state[DATASETS_SAID] = f"{plain(meta.name)} was removed."
        st.session_state.pop(DATASET, None)
        st.rerun()

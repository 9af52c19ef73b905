"""Import of sets: a file of cells, images or sequences is looked at, grouped into sets, and imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from core.config.schema import describe, from_dict
from core.data.description import size_of
from core.data.intake.collection import import_sets, preview_sets
from core.data.intake.collection_options import SetImportOptions
from core.data.intake.inbox import Arrived
from core.data.intake.suggestions import choices, relevant, suggested_sets
from core.data.library import Library
from core.errors import InputError
from core.words import count
from pages.parts.datasets.uploads import OBSERVATIONS, SET_FORM, chosen_files, clear_files
from pages.parts.frame import plain
from pages.parts.settings_form import settings_form
from pages.parts.state import DATASET, DATASETS_SAID, DATASETS_VIEW, go

_FORMATS = {"h5ad": "h5ad", "npz": "npz", "images": "Zip of images", "fasta": "FASTA", "table": "Table"}
_COLUMNS = 8  # columns of the file whose values are shown before the rest folds away


def import_sets_view(library: Library, back: str) -> None:
    """Choose a file, see what it holds, say what a set is, import; then show the view `back`."""
    files = chosen_files([OBSERVATIONS])[OBSERVATIONS]
    if not files:
        st.caption(
            "A set is one distribution seen through its samples: the cells of a clone, the images of a well, the "
            "sequences of a month. Upload the observations of all sets in one file, with a column that says which "
            "belong together; in a zip of images the folders do. Nothing is stored before you press Import; nothing "
            "leaves this machine. Larger files: `python -m core import FILE --kind sets --set-column COLUMN`."
        )
        return
    file = files[0]
    found = _looked(file.name, str(file.path), file.size, ())
    if "error" in found:
        st.error(plain(found["error"]), icon=":material/error:")
        return
    _show_contents(found)
    name = st.text_input("Name (optional)", key="import_name", max_chars=80, placeholder="from the file name")
    st.markdown("**What is a set, and what of an observation is kept**")
    chosen = _form(found)
    if not (chosen["set_column"] or chosen["whole"] or chosen["neighbourhood"]):
        st.info("Choose the column, or the columns, that say which observations form a set.", icon=":material/info:")
        return
    _show_sets(_looked(file.name, str(file.path), file.size, tuple(sorted(chosen.items()))))
    if st.button("Import", type="primary", icon=":material/upload:", key="import_start"):
        made = _import(library, file, name, chosen)
        if made:
            go(**{DATASET: made, DATASETS_VIEW: back})


def _form(found: dict[str, Any]) -> dict[str, Any]:
    """The settings that mean something for this file, with what it offers to choose from."""
    described = describe(SetImportOptions)
    wanted = relevant(found, [one["name"] for one in described])
    return settings_form(
        [one for one in described if one["name"] in wanted],
        SET_FORM,
        {"set_column": suggested_sets(found)},
        options=choices(found),
        bound=False,
    )


def _show_contents(found: dict[str, Any]) -> None:
    many, shape = found["observations"], found["shape"]
    holds = {
        "vector": lambda: f"{count(many, 'observation')} of {count(shape[0], 'feature')}",
        "image": lambda: f"{count(many, 'image')} of {shape[2]} × {shape[1]} pixels",
        "sequence": lambda: f"{count(many, 'sequence')} of up to {shape[0]:,} letters",
    }[found["modality"]]()
    st.markdown(f"Format **{_FORMATS.get(found['format'], found['format'])}**, {holds}.")
    rows = [
        {
            "Column": column,
            "Holds": "numbers" if one["kind"] == "number" else "words",
            "Distinct values": one["distinct"],
            "Such as": ", ".join(one.get("examples", [])),
        }
        for column, one in found["columns"].items()
    ]
    if rows:
        st.dataframe(
            rows,
            hide_index=True,
            height="auto" if len(rows) <= _COLUMNS else 320,
            alt=f"{len(rows)} columns of the file, with how many distinct values each has.",
        )
    elif found["format"] != "table":
        st.caption("The file has no columns beside the observations.")
    if found["features"]:
        st.caption(plain(f"Features: {', '.join(found['features'][:12])}{' …' if found['shape'][0] > 12 else ''}"))


def _show_sets(found: dict[str, Any]) -> None:
    if "error" in found:
        st.error(plain(found["error"]), icon=":material/error:")
        return
    built = found["built"]
    st.markdown(
        f":material/check: This makes **{count(built['sets'], 'set')}** of {built['least']:,} to {built['most']:,} "
        f"observations ({built['observations']:,} in all)."
    )
    for reason, n in built["dropped"].items():
        st.caption(plain(f"Left out: {reason}: {n:,}"))


@st.cache_data(max_entries=20, show_spinner="Looking at the file…")
def _looked(name: str, path: str, size: int, chosen: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    try:
        return preview_sets(Path(path), options=from_dict(SetImportOptions, dict(chosen)), shown=name)
    except InputError as error:
        return {"error": str(error)}


def _import(library: Library, file: Arrived, name: str, chosen: dict[str, Any]) -> str:
    """Import and say so; the name of the dataset, "" where the file was refused."""
    known = {meta.id for meta in library.list()}
    try:
        with st.spinner("Reading and grouping…", show_time=True):
            meta = import_sets(
                file.path,
                library=library,
                name=name.strip() or None,
                options=from_dict(SetImportOptions, chosen),
                shown=file.name,
            )
    except InputError as error:
        st.error(plain(error), title="Not imported; the library is unchanged", icon=":material/error:")
        return ""
    clear_files()
    again = "is in the library already" if meta.id in known else "imported"
    st.session_state[DATASETS_SAID] = f"{plain(meta.name)} {again}: {size_of(meta)}."
    return meta.name

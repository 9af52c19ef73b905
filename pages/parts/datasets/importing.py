"""How genotypes come in: files are looked at, filtered and imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from core.config.schema import describe, from_dict
from core.data.description import size_of
from core.data.intake.cohort import import_file, preview
from core.data.intake.cohort_options import ImportOptions
from core.data.intake.inbox import Arrived
from core.data.library import Library
from core.errors import InputError
from core.words import count
from pages.parts.datasets.importing_sets import import_sets_view
from pages.parts.datasets.uploads import COHORT, GENOTYPES, SAMPLES, SETS, VARIANTS, chosen_files, clear_files
from pages.parts.frame import plain
from pages.parts.settings_form import settings_form
from pages.parts.state import DATASET, DATASETS_IMPORT, DATASETS_SAID, DATASETS_VIEW, go


def import_view(library: Library, back: str) -> None:
    """Choose what the files hold, see what they seem to be, set filters, import; then show the view `back`."""
    kind = st.segmented_control(
        "What the files hold", [COHORT, SETS], default=COHORT, required=True, key=DATASETS_IMPORT, bind="query-params"
    )
    if kind == SETS:
        import_sets_view(library, back)
    else:
        _import_cohort_view(library, back)


def _import_cohort_view(library: Library, back: str) -> None:
    files = chosen_files([GENOTYPES, SAMPLES, VARIANTS])
    if not files[GENOTYPES]:
        st.caption(
            "Upload a genotype file to see what Popscape makes of it. Nothing is stored before you press Import, and "
            "nothing leaves this machine. Larger files: `python -m core import FILE`."
        )
        return
    seen = st.container()
    name, columns = st.columns(2)
    with name:
        wanted = st.text_input("Name (optional)", key="import_name", max_chars=80, placeholder="from the file name")
    with columns:
        labels = st.text_input(
            "Label columns (optional)", key="import_labels", placeholder="detected",
            help="Columns of the sample table that hold populations, the main one first, separated by commas.",
        )  # fmt: skip
    st.markdown("**Reading and filtering**")
    chosen = settings_form(describe(ImportOptions), "import", bound=False)
    with seen:
        _show_preview(files[GENOTYPES], chosen)
    if st.button("Import", type="primary", icon=":material/upload:", key="import_start"):
        made = _import(library, files, wanted, labels, chosen)
        if made:
            go(**{DATASET: made, DATASETS_VIEW: back})


def _show_preview(files: list[Arrived], chosen: dict[str, Any]) -> None:
    found = _previewed(tuple((one.name, str(one.path), one.size) for one in files), tuple(sorted(chosen.items())))
    if "error" in found:
        st.error(plain(found["error"]), icon=":material/error:")
        return
    size = " × ".join(
        count(found[what], what.removesuffix("s")) for what in ("individuals", "variants") if found.get(what)
    )
    turned = {"samples_in_rows": "individuals in rows", "samples_in_columns": "individuals in columns"}
    words = [
        f"Format **{plain(str(found['format']).replace('_', ' '))}**",
        size,
        turned.get(found.get("orientation") or "", ""),
    ]
    st.markdown(", ".join(word for word in words if word) + ". Not right? Change how it is read below.")
    for note in found.get("notes", []):
        st.caption(plain(note))
    rows = found.get("rows") or []
    if rows:
        st.dataframe(
            [{str(j + 1): cell for j, cell in enumerate(line)} for line in rows],
            hide_index=True,
            alt="The first cells of the file.",
        )


@st.cache_data(max_entries=20, show_spinner="Looking at the file…")
def _previewed(files: tuple[tuple[str, str, int], ...], chosen: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    try:
        return preview(
            [Path(path) for _, path, _ in files],
            options=from_dict(ImportOptions, dict(chosen)),
            names=[name for name, _, _ in files],
        )
    except InputError as error:
        return {"error": str(error)}


def _import(library: Library, files: dict[str, list[Arrived]], name: str, labels: str, chosen: dict[str, Any]) -> str:
    """Import and say so; the name of the dataset, "" where the files were refused."""
    known = {meta.id for meta in library.list()}
    table = {role: files[role][0] for role in (SAMPLES, VARIANTS) if files[role]}
    try:
        with st.spinner("Reading, filtering, checking for relatives…", show_time=True):
            meta = import_file(
                [one.path for one in files[GENOTYPES]],
                names=[one.name for one in files[GENOTYPES]],
                library=library,
                name=name.strip() or None,
                **{role: one.path for role, one in table.items()},
                table_names={role: one.name for role, one in table.items()},
                label_columns=[part.strip() for part in labels.split(",") if part.strip()] or None,
                options=from_dict(ImportOptions, chosen),
            )
    except InputError as error:
        st.error(plain(error), title="Not imported; the library is unchanged", icon=":material/error:")
        return ""
    clear_files()
    again = "is in the library already" if meta.id in known else "imported"
    st.session_state[DATASETS_SAID] = f"{plain(meta.name)} {again}: {size_of(meta)}."
    return meta.name

"""Files that a user gives: uploads, moved to disk at once, or files below the import folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.uploaded_file_manager import DeletedFile

from core.config.schema import from_dict
from core.data.intake.cohort_options import CohortOptions
from core.data.intake.collection_options import CollectionOptions
from core.data.intake.importing import preview
from core.data.intake.inbox import IMPORT_ROOT, UserFile, below, discard, import_root, importable, receive
from core.data.intake.suggestions import surely_sets
from core.errors import InputError
from core.words import count, size
from pages.parts.frame import plain
from pages.parts.state import DATASETS_IMPORT, choose

GENOTYPES, SAMPLES, VARIANTS, OBSERVATIONS = "genotypes", "samples", "variants", "observations"
SET_FORM = "import_sets"  # beginning of the keys of the form that asks what a set is
COHORT, SETS = "Genotypes", "Sets of cells, images or sequences"
OPTIONS: dict[str, type] = {COHORT: CohortOptions, SETS: CollectionOptions}
_ROLES = {
    GENOTYPES: (
        "Genotype files",
        "VCF, PLINK, Oxford, EIGENSTRAT, HapMap, npz, CSV and others (see below); files that belong together, or "
        "one a chromosome, together. At most 200 MB.",
    ),
    SAMPLES: ("Sample table (optional)", "CSV, TSV or panel with an id column; brings populations and phenotypes."),
    VARIANTS: (
        "Variant table (optional)",
        "Ids, positions and alleles, for formats that have none: legend, map, CSV.",
    ),
    OBSERVATIONS: (
        "Files of observations",
        "h5ad, 10x, loom, h5mu, FCS, npz, CSV, TSV, Parquet, FASTA, or a zip (images, 10x folders, zarr): one file, or "
        "together those that are one dataset (FCS samples, a 10x matrix and its table of barcodes). At most 200 MB.",
    ),
}
_SEVERAL = (GENOTYPES, OBSERVATIONS)  # roles in which several files may be one dataset
_TURN = "upload_turn"
_SHOWN = 6  # files that are named; a plate has hundreds


def chosen_files(roles: Sequence[str]) -> dict[str, list[UserFile]]:
    """Let the reader give files in `roles`, by upload or from the import folder; what is there, by role."""
    root = import_root()
    if root is not None:
        source = choose(
            "From", ["Upload", "Import folder"], default="Upload", key="import_source",
            help=f"The import folder is {IMPORT_ROOT}.",
        )  # fmt: skip
        if source == "Import folder":
            return _from_folder(root, roles)
    for column, role in zip(st.columns([2] + [1] * (len(roles) - 1)), roles, strict=True):
        with column:
            label, help = _ROLES[role]
            key = f"upload_{role}_{st.session_state.setdefault(f'{_TURN}_{role}', 0)}"
            st.file_uploader(
                label, accept_multiple_files=role in _SEVERAL, key=key, help=help, on_change=_take, args=(role, key)
            )
    with st.expander("Which files are read", icon=":material/folder_open:"):
        st.markdown(_formats(GENOTYPES if roles[0] == GENOTYPES else "sets"))
    files = {role: list(st.session_state.get(f"arrived_{role}", [])) for role in roles}
    for role, arrived in files.items():
        if arrived:
            st.caption(f":material/draft: {_ROLES[role][0].split(' (')[0]}: {_listed(arrived)}")
    if any(files.values()):
        st.button("Clear files", key="import_clear", on_click=clear_files, type="tertiary", icon=":material/close:")
    return files


def _listed(files: Sequence[UserFile]) -> str:
    """The files by name and size; of many the first, and how many more."""
    shown = files if len(files) <= _SHOWN else files[: _SHOWN - 1]
    names = [f"**{plain(one.name)}**, {size(one.size)}" for one in shown]
    rest = files[len(shown) :]
    more = [f"and {count(len(rest), 'more file')}, {size(sum(one.size for one in rest))}"] if rest else []
    return "; ".join([*names, *more])


@st.cache_data
def _formats(kind: str) -> str:
    """The formats of a kind as a list; the same as in docs/formats.md."""
    from core.data.intake.documentation import listed

    return "\n".join(f"* **{plain(title)}**: {plain(sentence)}" for title, sentence in listed(kind))


@st.cache_data(max_entries=20, show_spinner="Looking at the file…")
def looked(files: Sequence[UserFile], kind: str, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """What `core.data.intake.importing.preview` makes of the files with the settings `chosen`; {"error"} if refused."""
    try:
        options: Any = from_dict(OPTIONS[kind], chosen)
        return preview(files, options)
    except InputError as error:
        return {"error": str(error)}


def _from_folder(root: Path, roles: Sequence[str]) -> dict[str, list[UserFile]]:
    known = importable(root)
    chosen: dict[str, list[str]] = {}
    for role in roles:
        label, help = _ROLES[role]
        if role in _SEVERAL:
            forget = _forget_form if role == OBSERVATIONS else None
            chosen[role] = st.multiselect(label, known, key=f"folder_{role}", help=help, on_change=forget)
        else:
            one = st.selectbox(label, known, index=None, key=f"folder_{role}", help=help)
            chosen[role] = [one] if one else []
    try:
        return {role: [_in_place(root, name) for name in names] for role, names in chosen.items()}
    except InputError as error:
        st.error(plain(error))
        return {role: [] for role in roles}


def _in_place(root: Path, name: str) -> UserFile:
    path = below(root, name)
    return UserFile(path.name, path, path.stat().st_size)


def _take(role: str, key: str) -> None:
    """Move an upload out of the server's memory: to disk, and a fresh widget in place of the one that holds it.

    The widgets of the other roles stay as they are: something may be on its way to them.
    """
    given = st.session_state[key]
    files = [one for one in (given if isinstance(given, list) else [given]) if one is not None]
    if any(isinstance(one, DeletedFile) for one in files):
        # The server was started anew since, or a client names an upload that is not its own.
        st.error("The upload is not on the server any more; give the file again.", icon=":material/error:")
        return
    try:
        arrived = [receive(one, one.name) for one in files]
    except InputError as error:
        st.error(plain(error), icon=":material/error:")
        return
    st.session_state[f"{_TURN}_{role}"] += 1
    if role == GENOTYPES and len(arrived) == 1 and surely_sets(arrived[0].path, arrived[0].name):
        role = OBSERVATIONS
        st.session_state[DATASETS_IMPORT] = SETS
    before = st.session_state.get(f"arrived_{role}", [])
    if role != GENOTYPES:
        discard(before)
        before = []
    st.session_state[f"arrived_{role}"] = [*before, *arrived]
    if role == OBSERVATIONS:
        _forget_form()


def _forget_form() -> None:
    """Another file has other columns."""
    for key in [key for key in st.session_state if str(key).startswith(f"{SET_FORM}.")]:
        del st.session_state[key]


def clear_files() -> None:
    """Delete what was uploaded."""
    for role in _ROLES:
        discard(st.session_state.pop(f"arrived_{role}", []))
    _forget_form()

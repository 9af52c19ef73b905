"""Files that a user gives: uploads, moved to disk at once, or files below the import folder."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.data.inbox import IMPORT_ROOT, Arrived, below, discard, import_root, importable, receive
from core.errors import InputError
from core.plots.numbers import size
from pages.parts.frame import plain

GENOTYPES, SAMPLES, VARIANTS = "genotypes", "samples", "variants"
_ROLES = {
    GENOTYPES: (
        "Genotype files",
        "VCF, BCF, PLINK bed with bim and fam, hap or hapt, npz, npy, CSV or TSV; several files of one dataset "
        "together. At most 200 MB.",
    ),
    SAMPLES: ("Sample table (optional)", "CSV, TSV or panel with an id column; brings populations and phenotypes."),
    VARIANTS: (
        "Variant table (optional)",
        "Ids, positions and alleles, for formats that have none: legend, map, CSV.",
    ),
}
_TURN = "upload_turn"


def chosen_files() -> dict[str, list[Arrived]]:
    """Let the reader give files, by upload or from the import folder; what is there, by role."""
    root = import_root()
    if root is not None:
        source = st.segmented_control(
            "From", ["Upload", "Import folder"], default="Upload", required=True, key="import_source",
            help=f"The import folder is {IMPORT_ROOT}.",
        )  # fmt: skip
        if source == "Import folder":
            return _from_folder(root)
    for column, role in zip(st.columns([2, 1, 1]), _ROLES, strict=True):
        with column:
            label, help = _ROLES[role]
            key = f"upload_{role}_{st.session_state.setdefault(f'{_TURN}_{role}', 0)}"
            st.file_uploader(
                label, accept_multiple_files=role == GENOTYPES, key=key, help=help, on_change=_take, args=(role, key)
            )
    files = {role: list(st.session_state.get(f"arrived_{role}", [])) for role in _ROLES}
    for role, arrived in files.items():
        for one in arrived:
            st.caption(f":material/draft: {_ROLES[role][0].split(' (')[0]}: **{plain(one.name)}**, {size(one.size)}")
    if any(files.values()):
        st.button("Clear files", key="import_clear", on_click=clear_files, type="tertiary", icon=":material/close:")
    return files


def _from_folder(root: Path) -> dict[str, list[Arrived]]:
    known = importable(root)
    picked = st.multiselect("Genotype files", known, key="folder_genotypes", help=_ROLES[GENOTYPES][1])
    samples = st.selectbox("Sample table (optional)", known, index=None, key="folder_samples")
    variants = st.selectbox("Variant table (optional)", known, index=None, key="folder_variants")
    chosen = {GENOTYPES: picked, SAMPLES: [samples] if samples else [], VARIANTS: [variants] if variants else []}
    try:
        return {role: [_in_place(root, name) for name in names] for role, names in chosen.items()}
    except InputError as error:
        st.error(plain(error))
        return {role: [] for role in _ROLES}


def _in_place(root: Path, name: str) -> Arrived:
    path = below(root, name)
    return Arrived(path.name, path, path.stat().st_size)


def _take(role: str, key: str) -> None:
    """Move an upload out of the server's memory: to disk, and a fresh widget in place of the one that holds it.

    The widgets of the other roles stay as they are: something may be on its way to them.
    """
    given = st.session_state[key]
    arrived = [receive(one, one.name) for one in (given if isinstance(given, list) else [given]) if one is not None]
    before = st.session_state.get(f"arrived_{role}", [])
    if role != GENOTYPES:
        discard(before)
        before = []
    st.session_state[f"arrived_{role}"] = [*before, *arrived]
    st.session_state[f"{_TURN}_{role}"] += 1


def clear_files() -> None:
    """Delete what was uploaded."""
    for role in _ROLES:
        discard(st.session_state.pop(f"arrived_{role}", []))

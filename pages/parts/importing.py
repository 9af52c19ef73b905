"""How data come in: uploads, files below the import folder, simulated cohorts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from core.commands.child import ask, options
from core.config.catalogue import catalogue
from core.config.schema import describe, from_dict
from core.data.import_ import import_file, preview
from core.data.inbox import IMPORT_ROOT, Arrived, below, discard, import_root, importable, receive
from core.data.library import Library
from core.data.options import ImportOptions
from core.errors import InputError, PopscapeError
from core.plots.numbers import count
from pages.parts.frame import plain
from pages.parts.settings_form import settings_form
from pages.parts.state import DATASET, DATASETS_VIEW, go

_GENOTYPES, _SAMPLES, _VARIANTS = "genotypes", "samples", "variants"
_ROLES = {
    _GENOTYPES: (
        "Genotype files",
        "VCF, BCF, PLINK bed with bim and fam, hap or hapt, npz, npy, CSV or TSV; several files of one dataset "
        "together. At most 200 MB.",
    ),
    _SAMPLES: ("Sample table (optional)", "CSV, TSV or panel with an id column; brings populations and phenotypes."),
    _VARIANTS: (
        "Variant table (optional)",
        "Ids, positions and alleles, for formats that have none: legend, map, CSV.",
    ),
}
_TURN = "upload_turn"


def import_view(library: Library, back: str) -> None:
    """Choose files, see what they seem to be, set filters, import; then show the view `back`."""
    files = _chosen_files()
    if not files[_GENOTYPES]:
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
        _show_preview(files[_GENOTYPES], chosen)
    if st.button("Import", type="primary", icon=":material/upload:", key="import_start"):
        _import(library, files, wanted, labels, chosen, back)


def simulate_view(back: str) -> None:
    """Settings of a simulated cohort; then show the view `back`."""
    st.caption(
        "A cohort drawn from the coalescent with recombination (msprime), with known truth. The settings below "
        "take a few seconds."
    )
    name = st.text_input("Name (optional)", key="simulate_name", max_chars=80, placeholder="simulated")
    settings = catalogue()["simulate"]
    chosen = settings_form(settings, "simulate")
    if not st.button("Simulate", type="primary", icon=":material/play_arrow:", key="simulate_start"):
        return
    usual = {one["name"]: one["default"] for one in settings}
    different = {key: value for key, value in chosen.items() if value != usual[key]}
    try:
        with st.spinner("Simulating…", show_time=True):
            made = ask("simulate", *([f"--name={name}"] if name else []), *options(different))
    except PopscapeError as error:
        st.error(plain(error))
        return
    _done(made["name"], f"{plain(made['name'])}: {made['individuals']:,} × {made['variants']:,} simulated.", back)


def _chosen_files() -> dict[str, list[Arrived]]:
    root = import_root()
    if root is not None:
        source = st.segmented_control(
            "From", ["Upload", "Import folder"], default="Upload", required=True, key="import_source",
            help=f"The import folder is {IMPORT_ROOT}.",
        )  # fmt: skip
        if source == "Import folder":
            return _from_folder(root)
    turn = st.session_state.setdefault(_TURN, 0)
    for column, role in zip(st.columns([2, 1, 1]), _ROLES, strict=True):
        with column:
            label, help = _ROLES[role]
            key = f"upload_{role}_{turn}"
            st.file_uploader(
                label, accept_multiple_files=role == _GENOTYPES, key=key, help=help, on_change=_take, args=(role, key)
            )
    files = {role: list(st.session_state.get(f"arrived_{role}", [])) for role in _ROLES}
    for role, arrived in files.items():
        for one in arrived:
            st.caption(f":material/draft: {_ROLES[role][0].split(' (')[0]}: **{plain(one.name)}**, {_bytes(one.size)}")
    if any(files.values()):
        st.button("Clear files", key="import_clear", on_click=_clear, type="tertiary", icon=":material/close:")
    return files


def _from_folder(root: Path) -> dict[str, list[Arrived]]:
    known = importable(root)
    picked = st.multiselect("Genotype files", known, key="folder_genotypes", help=_ROLES[_GENOTYPES][1])
    samples = st.selectbox("Sample table (optional)", known, index=None, key="folder_samples")
    variants = st.selectbox("Variant table (optional)", known, index=None, key="folder_variants")
    chosen = {_GENOTYPES: picked, _SAMPLES: [samples] if samples else [], _VARIANTS: [variants] if variants else []}
    try:
        return {role: [_in_place(root, name) for name in names] for role, names in chosen.items()}
    except InputError as error:
        st.error(plain(error))
        return {role: [] for role in _ROLES}


def _in_place(root: Path, name: str) -> Arrived:
    path = below(root, name)
    return Arrived(path.name, path, path.stat().st_size)


def _take(role: str, key: str) -> None:
    """Move an upload out of the server's memory: to disk, and a fresh widget in place of the one that holds it."""
    given = st.session_state[key]
    arrived = [receive(one, one.name) for one in (given if isinstance(given, list) else [given]) if one is not None]
    before = st.session_state.get(f"arrived_{role}", [])
    if role != _GENOTYPES:
        discard(before)
        before = []
    st.session_state[f"arrived_{role}"] = [*before, *arrived]
    st.session_state[_TURN] += 1


def _clear() -> None:
    for role in _ROLES:
        discard(st.session_state.pop(f"arrived_{role}", []))


def _show_preview(files: list[Arrived], chosen: dict[str, Any]) -> None:
    found = _previewed(tuple((one.name, str(one.path), one.size) for one in files), tuple(sorted(chosen.items())))
    if "error" in found:
        st.error(plain(found["error"]), icon=":material/error:")
        return
    size = " × ".join(
        count(found[what], what.removesuffix("s")) for what in ("individuals", "variants") if found.get(what)
    )
    turned = {"samples_in_rows": "individuals in rows", "samples_in_columns": "individuals in columns"}
    words = [f"Format **{plain(found['format'])}**", size, turned.get(found.get("orientation") or "", "")]
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


def _import(
    library: Library, files: dict[str, list[Arrived]], name: str, labels: str, chosen: dict[str, Any], back: str
) -> None:
    known = {meta.id for meta in library.list()}
    table = {role: files[role][0] for role in (_SAMPLES, _VARIANTS) if files[role]}
    try:
        with st.spinner("Reading, filtering, checking for relatives…", show_time=True):
            meta = import_file(
                [one.path for one in files[_GENOTYPES]],
                names=[one.name for one in files[_GENOTYPES]],
                library=library,
                name=name.strip() or None,
                **{role: one.path for role, one in table.items()},
                table_names={role: one.name for role, one in table.items()},
                label_columns=[part.strip() for part in labels.split(",") if part.strip()] or None,
                options=from_dict(ImportOptions, chosen),
            )
    except InputError as error:
        st.error(plain(error), title="Not imported; the library is unchanged", icon=":material/error:")
        return
    _clear()
    size = f"{meta.individuals:,} individuals × {meta.variants:,} variants"
    again = "is in the library already" if meta.id in known else "imported"
    _done(meta.name, f"{plain(meta.name)} {again}: {size}.", back)


def _done(name: str, said: str, back: str) -> None:
    st.session_state["datasets_said"] = said
    go(**{DATASET: name, DATASETS_VIEW: back})


def _bytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"

"""How files come in: they are looked at, read as the reader says, and imported."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.config.schema import describe, from_dict
from core.data.description import size_of
from core.data.intake.cohort_options import CohortOptions
from core.data.intake.importing import import_file
from core.data.intake.inbox import UserFile
from core.data.library import Library
from core.errors import InputError
from core.words import count
from pages.parts.datasets.importing_sets import sets_form
from pages.parts.datasets.uploads import (
    COHORT,
    GENOTYPES,
    OBSERVATIONS,
    OPTIONS,
    SAMPLES,
    SETS,
    VARIANTS,
    chosen_files,
    clear_files,
    looked,
)
from pages.parts.frame import plain, refused_here
from pages.parts.settings_form import settings_form
from pages.parts.state import DATASET, DATASETS_IMPORT, DATASETS_SAID, DATASETS_VIEW, choose, go

_ROLES = {COHORT: [GENOTYPES, SAMPLES, VARIANTS], SETS: [OBSERVATIONS]}
_WELCOME = {
    COHORT: "Upload a genotype file to see what Popscape makes of it. Nothing is stored before you press Import, and "
    "nothing leaves this machine. Larger files: `python -m core import FILE`.",
    SETS: "A set is one distribution seen through its samples: the cells of a clone, the images of a well, the "
    "sequences of a month. Upload the observations of all sets in one file, with a column that says which belong "
    "together; in a zip of images the folders do. Nothing is stored before you press Import; nothing leaves this "
    "machine. Larger files: `python -m core import FILE --kind sets --set-column COLUMN`.",
}


def import_view(library: Library, back: str) -> None:
    """Choose what the files hold, see what they seem to be, say how to read them, import; then show the view `back`."""
    kind = choose("What the files hold", [COHORT, SETS], default=COHORT, key=DATASETS_IMPORT, bind="query-params")
    if refused_here():
        return
    files = chosen_files(_ROLES[kind])
    given = files[_ROLES[kind][0]]
    if not given:
        st.caption(_WELCOME[kind])
        return
    chosen = sets_form(given) if kind == SETS else _cohort_form(given)
    if chosen is None:
        return
    name = st.text_input("Name (optional)", key="import_name", max_chars=80, placeholder="from the file name")
    if st.button("Import", type="primary", icon=":material/upload:", key="import_start"):
        made = _import(library, files, name.strip(), kind, chosen)
        if made:
            go(**{DATASET: made, DATASETS_VIEW: back})


def _cohort_form(files: list[UserFile]) -> dict[str, Any]:
    """The settings of reading and filtering, below what the file seems to be."""
    seen = st.container()
    st.markdown("**Reading and filtering**")
    chosen = settings_form(describe(CohortOptions), "import", bound=False)
    with seen:
        _show_preview(looked(files, COHORT, chosen))
    return chosen


def _show_preview(found: dict[str, Any]) -> None:
    if "error" in found:
        st.error(plain(found["error"]), icon=":material/error:")
        return
    size = " × ".join(
        count(found[what], what.removesuffix("s")) for what in ("individuals", "variants") if found.get(what)
    )
    turned = {"samples_in_rows": "individuals in rows", "samples_in_columns": "individuals in columns"}
    words = [
        f"Format **{found['title']}**",
        size,
        turned.get(found.get("orientation") or "", ""),
    ]
    st.markdown(", ".join(word for word in words if word) + ". Not right? Change how it is read below.")
    if "read" in found:
        st.markdown(_described(found["read"], found["variants"]))
    for note in found.get("notes", []):
        st.caption(f":material/info: {plain(note)}")
    rows = found.get("rows") or []
    if rows:
        st.dataframe(
            [{str(j + 1): cell for j, cell in enumerate(line)} for line in rows if any(line)],
            hide_index=True,
            alt="The first cells of the file.",
        )


def _described(read: dict[str, Any], variants: int) -> str:
    """What was understood of a small file, which was read to its end: calls, alleles, individuals."""
    calls = f"{'Diploid' if read['ploidy'] == 2 else 'Haploid'} calls, {read['missing']:.2%} missing"
    alleles = read["alleles"]
    known = "both alleles known" if alleles == variants else f"both alleles known of {count(alleles, 'variant')}"
    places = "positions known" if read["positions"] else "positions not known"
    groups = [f"**{plain(name)}** ({plain(', '.join(values))})" for name, values in read["labels"].items()]
    measured = [f"**{plain(name)}**" for name in read["phenotypes"]]
    words = [f"{calls}; {known if alleles else 'alleles not known'}; {places}."]
    words.append(f"Groups: {', '.join(groups)}." if groups else "No populations or other groups.")
    words += [f"Phenotypes: {', '.join(measured)}."] if measured else []
    left = [f"{times:,} {plain(reason)}" for reason, times in read["dropped"].items()]
    words += [f"Left out: {', '.join(left)}."] if left else []
    return " ".join(words)


def _import(library: Library, files: dict[str, list[UserFile]], name: str, kind: str, chosen: dict[str, Any]) -> str:
    """Import and say so; the name of the dataset, "" where the files were refused."""
    known = {meta.id for meta in library.list()}
    main, *others = _ROLES[kind]
    tables = {role: files[role][0] for role in others if files[role]}
    try:
        with st.spinner("Reading and checking…", show_time=True):
            meta = import_file(
                files[main],
                library=library,
                name=name or None,
                **tables,
                options=from_dict(OPTIONS[kind], chosen),
            )
    except InputError as error:
        st.error(plain(error), title="Not imported; the library is unchanged", icon=":material/error:")
        return ""
    clear_files()
    again = "is in the library already" if meta.id in known else "imported"
    st.session_state[DATASETS_SAID] = f"{plain(meta.name)} {again}: {size_of(meta)}."
    return meta.name

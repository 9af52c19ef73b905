"""Datasets: what is in the library, what is wrong with it, and how to add more."""

import streamlit as st

from core.data.dataset import DatasetMeta
from core.data.description import kind_of, size_of
from core.data.library import Library
from core.words import ago
from pages.parts import state
from pages.parts.datasets.actions import actions
from pages.parts.datasets.cohort_profile import show_profile
from pages.parts.datasets.collection_profile import show_set_profile
from pages.parts.datasets.importing import import_view
from pages.parts.datasets.simulating import simulate_view
from pages.parts.frame import heading, nothing_yet, share, tabs
from pages.parts.login import whose
from pages.parts.viewer import required

LIBRARY, IMPORT, SIMULATE = "Library", "Import files", "Simulate"
TABLE_ROWS = 8


def row(meta: DatasetMeta) -> dict[str, object]:
    """A dataset as a line of the table."""
    labels = next(iter(meta.labels.items()), None)
    return {
        "Name": meta.name,
        "Kind": kind_of(meta),
        "Size": size_of(meta),
        "Labels": f"{labels[0]}: {len(labels[1]):,}" if labels else "",
        "Missing": "" if meta.kind == "sets" else f"{meta.cohort.missing:.2%}",
        "From": "shipped with Popscape" if meta.embedded else meta.source,
        "Added": "" if meta.embedded else ago(meta.created),
        **({"Whose": "" if meta.embedded else whose(meta.owners, meta.shared)} if required() else {}),
    }


def chosen_in_table(key: str, names: list[str]) -> None:
    """Show the dataset whose row was clicked."""
    rows = st.session_state[key]["selection"]["rows"]
    if rows:
        st.session_state[state.DATASET] = names[rows[0]]


def library_view(library: Library, metas: list[DatasetMeta]) -> None:
    """The table, and the profile of the chosen dataset."""
    names = [meta.name for meta in metas]
    slot = st.container()
    chosen = state.pick_followed("datasets", "Dataset", state.DATASET, names, "The dataset that is described below.")
    here = names.index(chosen)
    key = f"library_{metas[here].id}_{len(metas)}"
    with slot:
        rows = [row(meta) for meta in metas]
        st.dataframe(
            {name: [line[name] for line in rows] for name in rows[0]},
            key=key,
            hide_index=True,
            height="auto" if len(rows) <= TABLE_ROWS else 320,
            on_select=lambda: chosen_in_table(key, names),
            selection_mode="single-row",
            selection_default={"selection": {"rows": [here]}},
            column_config={
                "Name": st.column_config.TextColumn(pinned=True),
                "Labels": st.column_config.TextColumn(help="The first label column, and how many values it has"),
                "Missing": st.column_config.TextColumn(
                    help="Share of calls without a genotype; observations of sets are always complete"
                ),
            },
            alt=f"{len(metas)} datasets with their kind, size, labels and missing calls.",
        )
    dataset = library.open(metas[here].id)
    actions(library, dataset.meta)
    if dataset.meta.kind == "sets":
        show_set_profile(dataset)
    else:
        show_profile(dataset)


state.arrive()
library = Library()
metas = library.list()
top = heading("datasets")
view, place = tabs([LIBRARY, IMPORT, SIMULATE], state.DATASETS_VIEW, default=LIBRARY if metas else IMPORT)
with place:
    if said := st.session_state.pop(state.DATASETS_SAID, None):
        st.success(said, icon=":material/check_circle:")
    if view == IMPORT:
        import_view(library, LIBRARY)
    elif view == SIMULATE:
        simulate_view(LIBRARY)
    elif metas:
        library_view(library, metas)
    else:
        why = "Import genotypes or sets of cells, images or sequences, or simulate data with known truth."
        nothing_yet("The library is empty", why)
share(
    state.DATASETS_VIEW,
    state.DATASETS_IMPORT,
    state.DATASETS_SIMULATOR,
    state.DATASET,
    state.DATASETS_FIGURES,
    state.DATASETS_LABEL,
    state.DATASETS_PHENOTYPE,
    state.DATASETS_COVARIATE,
    place=top,
)

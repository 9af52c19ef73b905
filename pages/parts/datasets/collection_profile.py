"""The profile of a collection of sets: counts, what to check, what the import did, figures, and a few sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.data.dataset import Dataset, DatasetMeta
from core.data.description import shape_of
from core.data.library import Library
from core.data.profile.collection import Glimpse, glimpse, overview, spelled
from core.errors import InputError
from core.plots import collection as figures
from core.plots.figure import Figure
from core.plots.samples import strip
from core.words import sentence
from pages.parts.chart import chart
from pages.parts.datasets.cohort_profile import checks, history, pick, titled
from pages.parts.frame import fact, plain
from pages.parts.state import DATASETS_COVARIATE, DATASETS_LABEL

_IMAGES, _SEQUENCES = 12, 3  # shown of a set
_PIXELS = 380  # width of a strip of images


def show_set_profile(dataset: Dataset) -> None:
    """Everything that is known of a collection of sets."""
    meta = dataset.meta
    try:
        found = _overview(meta.id)
    except InputError as error:
        st.error(plain(error))
        return
    _counts(meta, found)
    checks(found["warnings"], "No small sets, features without variation or unbalanced labels found.")
    history(meta)
    _figures(meta, found)
    st.markdown("**A few sets**")
    _a_few(meta)


@st.cache_data(max_entries=50, show_spinner="Reading the sets…")
def _overview(dataset: str) -> dict[str, Any]:
    return overview(Library().open(dataset))


@st.cache_data(max_entries=10, show_spinner=False)
def _glimpse(dataset: str) -> tuple[Glimpse, str]:
    opened = Library().open(dataset)
    sets = opened.collection()
    return glimpse(sets, opened.split()), sets.alphabet


@st.cache_resource(max_entries=10, show_spinner=False)
def _some_sets(dataset: str) -> Figure:
    return figures.some_sets(_glimpse(dataset)[0])


def _counts(meta: DatasetMeta, found: dict[str, Any]) -> None:
    facts, sizes, unit = meta.collection, found["sizes"], found["unit"]
    with st.container(horizontal=True):
        fact("Sets", f"{facts.sets:,}")
        fact("Observations", f"{facts.observations:,}", f"{sizes['min']:,} to {sizes['max']:,} a set")
        fact("An observation", sentence(facts.modality), shape_of(facts))
        fact("Labels", f"{len(meta.labels):,}", help="Columns of words that describe a set.")
        fact("Covariates", f"{len(facts.covariates):,}", help="Numbers that describe a set.")
        fact(
            "To train / held out",
            f"{meta.n_train:,} / {meta.n_holdout:,}",
            f"by {plain(unit['column'])}" if unit else None,
            help="Sets, fixed at import"
            + (f"; all sets of one {unit['column']} stay on one side." if unit else ", in proportion within labels."),
        )


def _figures(meta: DatasetMeta, found: dict[str, Any]) -> None:
    drawn: list[tuple[str, Callable[[], Figure | None]]] = [("Sizes of the sets", lambda: figures.set_sizes(found))]
    if meta.labels:
        drawn.append(("Labels", lambda: figures.set_labels(found, pick("Label column", meta.labels, DATASETS_LABEL))))
    if names := meta.collection.covariates:
        drawn.append(("Covariates", lambda: figures.set_covariate(found, pick("Covariate", names, DATASETS_COVARIATE))))
    if found["features"]:
        drawn.append(("Features", lambda: figures.feature_ranges(found)))
    for first in range(0, len(drawn), 2):
        for column, (title, make) in zip(st.columns(2, gap="large"), drawn[first : first + 2], strict=False):
            with column:
                titled(title, make, meta)


def _a_few(meta: DatasetMeta) -> None:
    try:
        seen, alphabet = _glimpse(meta.id)
    except InputError as error:
        st.error(plain(error))
        return
    modality = meta.collection.modality
    if modality == "vector":
        chart(_some_sets(meta.id), key=f"profile_sets_{meta.id}")
    elif modality == "image":
        _strips(seen)
    else:
        rows = [
            {"Set": name, "Sequences": size, "Some of them": text}
            for name, size, codes in zip(seen.set_id, seen.sizes, seen.observations, strict=True)
            for text in spelled(codes[:_SEQUENCES], alphabet)
        ]
        st.dataframe(rows, hide_index=True, alt=f"The first letters of sequences of {len(seen.set_id)} sets.")


def _strips(seen: Glimpse) -> None:
    for first in range(0, len(seen.set_id), 2):
        for i, column in zip(range(first, min(first + 2, len(seen.set_id))), st.columns(2, gap="large"), strict=False):
            images = seen.observations[i][:_IMAGES]
            scale = max(1, _PIXELS // (_IMAGES * images.shape[-1]))
            with column:
                words = f"{seen.set_id[i]}: {seen.sizes[i]:,} images"
                st.image(strip(images, len(images), scale), alt=f"{len(images)} images of the set {words}.")
                st.caption(plain(words))

"""Which experiment to train on a cohort, and why."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.config.experiments import load
from core.data.dataset import DatasetMeta
from core.data.library import Library
from core.data.neighbour_linkage import neighbour_r2
from core.reports.recommendation import Shape, recommend
from core.runs.submission import by_role
from pages.parts.frame import plain
from pages.parts.sections import link
from pages.parts.state import DATASET, TRAIN_EXPERIMENT, TRAIN_ROLE, go


def advise(meta: DatasetMeta) -> None:
    """On Train: the recommended experiment with its reason, and a button that chooses it; nothing for sets."""
    if meta.kind != "genotypes":
        return
    experiment, words = _advice(meta)
    st.markdown(words)
    if st.button(f"Take {experiment['title']}", icon=":material/recommend:", key="advice"):
        go(**{TRAIN_EXPERIMENT: experiment["name"], TRAIN_ROLE: next(iter(by_role([experiment])))})


def advice_with_link(dataset: str) -> None:
    """The same in a tile of another page; nothing for a dataset that is gone or holds sets."""
    meta = next((meta for meta in Library().list() if meta.id == dataset), None)
    if meta is None or meta.kind != "genotypes":
        return
    experiment, words = _advice(meta)
    st.markdown(words)
    title = str(experiment["title"])
    link("train", f"Train {title}", {DATASET: meta.name, TRAIN_EXPERIMENT: title})


def _advice(meta: DatasetMeta) -> tuple[dict[str, Any], str]:
    """The experiment, and the sentence that recommends it."""
    found = recommend(meta.id, Shape(meta.n_train, meta.cohort.variants, _neighbour_r2(meta.id)))
    experiment = load(found.experiment)
    said = f"Recommended for **{plain(meta.name)}**: **{plain(experiment['title'])}**. {plain(found.why)}"
    return experiment, f":material/recommend: {said}"


@st.cache_data(show_spinner=False, max_entries=100)
def _neighbour_r2(dataset: str) -> float:
    return neighbour_r2(Library().open(dataset).genotypes())

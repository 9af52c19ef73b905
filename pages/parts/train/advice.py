"""Which experiment to train on a cohort, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.config.experiments import load
from core.data.dataset import DatasetMeta
from core.data.library import Library
from core.data.neighbour_linkage import neighbour_r2
from core.data.stages import stages
from core.reports.recommendation import ORDER, Recommendation, Shape, recommend, recommend_sets
from core.runs.submission import by_role
from pages.parts.frame import plain
from pages.parts.sections import link
from pages.parts.state import DATASET, TRAIN_EXPERIMENT, TRAIN_ROLE, go


def advise(meta: DatasetMeta) -> None:
    """On Train: the recommended experiment with its reason, and a button that chooses it, if one is recommended."""
    advice = _advice(meta)
    if advice is None:
        return
    experiment, words = advice
    st.markdown(words)
    if st.button(f"Take {experiment['title']}", icon=":material/recommend:", key="advice"):
        go(**{TRAIN_EXPERIMENT: experiment["name"], TRAIN_ROLE: next(iter(by_role([experiment])))})


def best_first(experiments: Sequence[dict[str, Any]], meta: DatasetMeta) -> list[dict[str, Any]]:
    """The recommended experiment first, the others of a cohort as benchmarks rank them, those of sets as they are."""
    found = _found(meta)
    ranked = (*((found.experiment,) if found else ()), *ORDER)
    return sorted(experiments, key=lambda one: ranked.index(one["name"]) if one["name"] in ranked else len(ranked))


def advice_with_link(dataset: str) -> None:
    """The same in a tile of another page; nothing for a dataset that is gone or holds sets."""
    meta = next((meta for meta in Library().list() if meta.id == dataset), None)
    if meta is None or meta.kind != "genotypes":
        return
    advice = _advice(meta)
    if advice is None:
        return
    experiment, words = advice
    st.markdown(words)
    title = str(experiment["title"])
    link("train", f"Train {title}", {DATASET: meta.name, TRAIN_EXPERIMENT: title})


def _advice(meta: DatasetMeta) -> tuple[dict[str, Any], str] | None:
    """The experiment, and the sentence that recommends it; None where none is recommended."""
    found = _found(meta)
    if found is None:
        return None
    experiment = load(found.experiment)
    said = f"Recommended for **{plain(meta.name)}**: **{plain(experiment['title'])}**. {plain(found.why)}"
    return experiment, f":material/recommend: {said}"


def _found(meta: DatasetMeta) -> Recommendation | None:
    if meta.kind == "sets":
        return recommend_sets(meta.collection.modality, meta.collection.sets, _followed(meta.id))
    return recommend(meta.id, Shape(meta.n_train, meta.cohort.variants, _neighbour_r2(meta.id)))


@st.cache_data(show_spinner=False, max_entries=100)
def _followed(dataset: str) -> bool:
    return stages(Library().open(dataset).collection())[1] is not None


@st.cache_data(show_spinner=False, max_entries=100)
def _neighbour_r2(dataset: str) -> float:
    return neighbour_r2(Library().open(dataset).genotypes())

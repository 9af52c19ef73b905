"""Step by step: a small training that waits for the reader, with its losses, weights and samples in view."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.config import catalogue
from core.config.quotas import computing
from core.data.library import Library
from core.errors import PopscapeError
from core.lessons.by_steps import ByStep
from core.plots import by_steps as figures
from core.plots.training import Curve, Look, losses
from pages.parts.chart import live_chart
from pages.parts.frame import fact, heavy, plain
from pages.parts.state import DATASET, STEPS_LAYER, STEPS_MODEL, STEPS_SEED

_TRAINING = "by_steps"  # of the visit: (what it is of, the training)
_DEMO = "demo"
_FIRST = "gan_published"  # begins from nothing, where ours begin near the data


def by_steps() -> None:
    """Choose a model and a cohort, then move it on by the buttons."""
    st.caption(
        "A small training on part of a cohort, in this window alone: nothing is stored, and it moves only when you "
        "press. To train in earnest, use the page Train."
    )
    names = {meta.name: meta.id for meta in Library().list() if meta.kind == "genotypes"}
    presets = {one["title"]: one["name"] for one in catalogue.catalogue()["experiments"] if _learns(one)}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        first = list(presets.values()).index(_FIRST)
        title = st.selectbox("Model", list(presets), index=first, key=STEPS_MODEL, bind="query-params")
        name = st.selectbox("Cohort", list(names), index=_place(names), key=DATASET, bind="query-params")
        seed = st.number_input("Seed", 1, 9999, 1, key=STEPS_SEED, bind="query-params")
    if not title or not name:
        return
    try:
        training = _training(presets[title], names[name], int(seed))
    except PopscapeError as error:
        st.error(plain(error))
        return
    _moves(training)
    if refused := st.session_state.pop("steps_refused", None):
        st.error(plain(refused))
    _shown(training, presets[title])


def _learns(experiment: dict[str, Any]) -> bool:
    return experiment["kind"] == "genotypes" and experiment["training"].get("epochs", 0) > 0


def _place(names: dict[str, str]) -> int:
    return list(names).index(_DEMO) if _DEMO in names else 0


def _training(preset: str, dataset: str, seed: int) -> ByStep:
    """The training of this visit; another model, cohort or seed begins anew."""
    wanted = (preset, dataset, seed)
    kept = st.session_state.get(_TRAINING)
    if kept is None or kept[0] != wanted:
        with st.spinner("Preparing the model."), heavy():
            kept = (wanted, ByStep(preset, Library().open(dataset), seed))
        st.session_state[_TRAINING] = kept
    training: ByStep = kept[1]
    return training


def _moves(training: ByStep) -> None:
    left = training.clock.steps_per_epoch - training.clock.position
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("One step", key="one_step", type="primary", on_click=_move, args=(training.advance, 1))
        st.button("Ten steps", key="ten_steps", on_click=_move, args=(training.advance, 10))
        st.button(
            "To the end of the epoch", key="one_epoch", on_click=_move, args=(training.advance, left),
            help=f"{left} more steps; an epoch has seen every individual once.",
        )  # fmt: skip
        st.button("Start again", key="step_again", type="tertiary", on_click=_forget, icon=":material/restart_alt:")


def _move(advance: Callable[[int], None], steps: int) -> None:
    try:
        with computing():
            advance(steps)
    except PopscapeError as error:
        st.session_state["steps_refused"] = str(error)


def _forget() -> None:
    st.session_state.pop(_TRAINING, None)


def _shown(training: ByStep, preset: str) -> None:
    layers = training.layers()
    clock = training.clock
    with st.container(horizontal=True):
        fact("Steps taken", f"{clock.step:,}")
        fact("Epoch", f"{clock.epoch + 1} of {clock.epochs}", f"step {clock.position} of {clock.steps_per_epoch} in it")
        for name, values in list(training.losses.items())[:3]:
            fact(catalogue.loss_title(preset, name), f"{values[-1]:.4g}")
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Losses**")
        curves = {name: Curve(range(1, len(v) + 1), v) for name, v in training.losses.items()}
        figure = losses(curves, preset, Look(smoothing=0.0, by="Step")) if curves else None
        live_chart(figure, "steps_losses", "The first values appear after the first step.")
    with right:
        st.markdown("**Samples**")
        live_chart(figures.samples(training.real, training.samples(), preset), "steps_samples", "")
        st.markdown("**Weights**")
        name = st.selectbox("Which", list(layers), key=STEPS_LAYER, label_visibility="collapsed")
        if name:
            st.caption(f"The last move changed them by {layers[name].change:.2%} of their size.")
            live_chart(figures.weights(name, layers[name].value, layers[name].before), "steps_weights", "")

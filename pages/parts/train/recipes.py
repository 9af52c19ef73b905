"""Recipes: a question to a dataset, the runs that answer it, and what was learned."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

import streamlit as st

from core.commands.child import ask
from core.config.experiments import load, names
from core.data.dataset import DatasetMeta
from core.data.library import Library
from core.errors import InputError, PopscapeError
from core.plots.recipe import finding as figure_of
from core.reports.finding import Finding
from core.runs.recipes.base import Done, Recipe, finding, recipes, standing
from core.runs.store import RunStore
from core.words import count
from pages.parts.chart import chart
from pages.parts.frame import plain, refused_here, share
from pages.parts.reports import label
from pages.parts.runs.table import MARKS
from pages.parts.sections import link
from pages.parts.state import DATASET, RECIPE, RECIPE_EXPERIMENT, RUN, TRAIN_VIEW, pick_followed

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

LOOK_EVERY = 2.0  # seconds between two looks at runs that live


def recipes_view(metas: Sequence[DatasetMeta], top: DeltaGenerator) -> None:
    """Choose a recipe and a dataset; start what is missing; see what was learned. The link stands at `top`."""
    entries = {entry.title: entry for entry in recipes}
    by_name = {meta.name: meta for meta in metas if meta.kind == "genotypes"}
    if not by_name:
        st.info("Recipes are about genotypes; import a cohort first.", icon=":material/info:")
        return
    data, question = st.columns([2, 3], gap="large")
    with data:
        name = pick_followed("train", "Dataset", DATASET, list(by_name), "The population that is asked.")
    with question:
        chosen = st.radio(
            "Recipe", list(entries), captions=[entry.help for entry in entries.values()], key=RECIPE,
            bind="query-params",
        )  # fmt: skip
    entry = entries[chosen or next(iter(entries))]
    meta = by_name[name]
    recipe, experiment = entry.value(), entry.value.about
    if experiment:
        titles = {str(load(one)["title"]): one for one in names("genotypes")}
        first = str(load(experiment)["title"])
        with data:
            title = st.selectbox(
                "Model", list(titles), index=list(titles).index(first), key=f"{RECIPE_EXPERIMENT}.{entry.name}",
                bind="query-params", help="The model that the question is about.",
            )  # fmt: skip
        experiment = titles[title or first]
    store = RunStore()
    try:
        steps = standing(recipe, meta, experiment, store)
    except InputError as error:
        st.info(plain(error), icon=":material/info:")
        return
    active = any(done.run and done.run.active for done in steps)
    live = st.fragment(_progress, run_every=LOOK_EVERY if active else None, key=f"recipe_{entry.name}")
    live(recipe, meta, experiment, was_active=active)
    said = f"python -m core recipe {entry.name} --dataset {shlex.quote(meta.name)}"
    said += f" --experiment {experiment}" if experiment and experiment != recipe.about else ""
    st.caption("The same from a terminal:")
    st.code(said, language="bash", wrap_lines=True)
    share(TRAIN_VIEW, DATASET, RECIPE, f"{RECIPE_EXPERIMENT}.{entry.name}", place=top)


def _progress(recipe: Recipe, meta: DatasetMeta, experiment: str, *, was_active: bool) -> None:
    """Where the runs stand, and what was learned once all have ended; called again while some live."""
    store = RunStore()
    steps = standing(recipe, meta, experiment, store)
    active = any(done.run and done.run.active for done in steps)
    if active != was_active:
        st.rerun()
    missing = [done for done in steps if done.run is None]
    st.markdown(
        f"The answer takes {count(len(steps), 'run')}, trained one after the other; runs that are there already are "
        "taken as they are. When the last one has ended, what was learned is said here in one sentence."
    )
    found = _learned(recipe, steps, experiment, meta, store)
    if found:
        st.success(plain(found.sentence), title="What was learned", icon=":material/lightbulb:")
        chart(figure_of(found), key="recipe_chart", otherwise="No run has a value to draw.")
    _runs(steps)
    if missing and not refused_here():
        words = f"Start {count(len(missing), 'training')}"
        if st.button(words, type="primary", icon=":material/play_arrow:", key="recipe_start"):
            try:
                for done in missing:
                    store.submit(done.config)
            except PopscapeError as error:
                st.error(plain(error), title="Not started", icon=":material/error:")
            else:
                st.rerun()


def _learned(
    recipe: Recipe, steps: Sequence[Done], experiment: str, meta: DatasetMeta, store: RunStore
) -> Finding | None:
    """What was learned; None while a run is missing."""
    runs = tuple(done.run.run for done in steps if done.finished and done.run)
    if len(runs) < len(steps):
        return None
    if not recipe.heavy:
        return finding(recipe, steps, experiment, Library().open(meta.id), store)
    with st.spinner("Reading what was learned…"):
        return _asked(_name_of(recipe), experiment, meta.id, runs)


@st.cache_data(show_spinner=False, max_entries=20)
def _asked(recipe: str, experiment: str, dataset: str, runs: tuple[str, ...]) -> Finding:
    """What the terminal says of these runs, which have all ended."""
    answer = ask("recipe", recipe, f"--dataset={dataset}", f"--experiment={experiment}")
    return Finding(**{field.name: answer[field.name] for field in fields(Finding)})


def _name_of(recipe: Recipe) -> str:
    return next(entry.name for entry in recipes if entry.value is type(recipe))


def _runs(steps: Sequence[Done]) -> None:
    """A line a step."""
    for done in steps:
        name = plain(done.step.label[:1].upper() + done.step.label[1:])
        with st.container(horizontal=True, vertical_alignment="center"):
            if done.run is None:
                st.markdown(f":grey[○ {name}: not trained yet]")
                continue
            st.markdown(f"{MARKS[done.run.state]} {name}: {plain(done.run.state)}")
            link("runs", "Look at it", {RUN: label(done.run)})

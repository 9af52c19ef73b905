"""Train: choose data and a model, see what will happen and whether it fits, start."""

import streamlit as st

from core.commands.child import ask
from core.config.catalogue import catalogue
from core.config.command import applied, changed, overrides, train_command
from core.config.experiments import load, names, presets
from core.config.resources import Resources
from core.config.schema import describe, from_dict
from core.data.description import size_of
from core.data.library import Library
from core.errors import PopscapeError
from core.runs.store import RunStore
from core.runs.submission import by_role, misfit, nearest_first, prepare
from core.words import ago
from pages.parts.frame import heading, nothing_yet, plain, refused_here, share, tabs
from pages.parts.reports import label
from pages.parts.settings_form import settings_form
from pages.parts.state import (
    DATASET,
    RESOURCES,
    RUN,
    TRAIN_EXPERIMENT,
    TRAIN_PRESET,
    TRAIN_ROLE,
    TRAIN_SEVERAL,
    TRAIN_SITES,
    TRAIN_VIEW,
    arrive,
    choose,
    pick_followed,
)
from pages.parts.train.advice import advise, best_first
from pages.parts.train.form import pick_role, training_form
from pages.parts.train.plan import show_estimate, show_plan
from pages.parts.train.recipes import recipes_view
from pages.parts.train.sites import train_at_sites
from pages.parts.train.sweep import sweep

arrive()
metas, waiting = Library().list(), sum(run.active for run in RunStore().list())
top = heading("train")
if not metas:
    why = "Import your own genotypes or sets of observations, or simulate some with known truth."
    nothing_yet("There is no dataset to train on yet", why, datasets="Add a dataset")
    st.stop()

view, place = tabs(("One model", "Recipes"), TRAIN_VIEW)
if view == "Recipes":
    with place:
        recipes_view(metas, top)
    st.stop()
with st.spinner("Listing the models…"):
    known = catalogue()
data, model = st.columns([2, 3], gap="large")
with data:
    by_name = {meta.name: meta for meta in metas}
    meta = by_name[pick_followed("train", "Dataset", DATASET, list(by_name), "The population to learn from.")]
    added = "shipped with Popscape" if meta.embedded else f"added {ago(meta.created)}"
    st.caption(f"{size_of(meta)}, {added}.")
    advise(meta)
    title = st.text_input(
        "Name of the run (optional)", key="train_title", max_chars=60,
        help="Shown in every table and figure, beside the model's colour.",
    ).strip()  # fmt: skip
# Models that learn by steps first; then those that are fitted at once.
loaded = sorted((load(name) for name in names(meta.kind)), key=lambda one: nearest_first(one, meta))
groups = by_role([one for one in loaded if not misfit(one, meta)])
with model:
    if not groups:
        st.info("No experiment takes such data yet.", icon=":material/info:")
        st.stop()
    role = pick_role(groups)
    experiments = {one["name"]: one for one in best_first(groups[role], meta)}
    chosen = st.radio(
        "Model",
        list(experiments),
        format_func=lambda name: experiments[name]["title"],
        captions=[one["help"] for one in experiments.values()],
        key=TRAIN_EXPERIMENT,
        bind="query-params",
    )
    sizes = presets(chosen)
    preset = "laptop" if len(sizes) < 2 else choose(
        "Sized for", sizes, default="laptop", key=TRAIN_PRESET, bind="query-params",
        format_func={"laptop": "A laptop", "gpu": "A GPU"}.get,
        help="The preset for a GPU is wider and trains longer; it is refused where there is no GPU.",
    ) or "laptop"  # fmt: skip
experiment = load(chosen, preset) | {"preset": preset}
form = training_form(known, experiment, meta)
changes = changed(experiment, form.asked, form.defaults)

st.subheader("What will happen")
defaults = {one["name"]: one["default"] for one in known["training"]}
training = {**defaults, **experiment["training"], **form.asked["training"]}
show_plan(meta, experiment, training, changes, learns=form.learns, waiting=waiting)
words = [*overrides(chosen, changes, preset=preset), f"--dataset={meta.id}"]
closed = refused_here()
if not closed and st.button(
    "Check time and memory", icon=":material/speed:", key="check", help="Trains a few real batches."
):
    with st.spinner("Trying a few real batches…", show_time=True):
        try:
            st.session_state["estimate"] = (words, ask("preflight", *words))
        except PopscapeError as error:
            st.session_state["estimate"] = (words, {"refused": str(error)})
checked, found = st.session_state.get("estimate", (None, {}))
if checked == words:
    show_estimate(found)
elif checked:
    st.caption("The settings have changed since the last check.")

share(
    DATASET,
    TRAIN_ROLE,
    TRAIN_EXPERIMENT,
    TRAIN_PRESET,
    TRAIN_SEVERAL,
    TRAIN_SITES,
    *(form.key(node, name) for node in changes for name in changes[node]),
    place=top,
)
if closed:
    st.stop()
resources = from_dict(Resources, settings_form(describe(Resources), RESOURCES, fold="Where it runs"))
if st.button("Start training", type="primary", icon=":material/play_arrow:", key="start"):
    try:
        run = RunStore().submit(prepare(applied(experiment, changes, title), meta.id), resources)
    except PopscapeError as error:
        st.error(plain(error), title="Not started", icon=":material/error:")
    else:
        summary = next(one for one in RunStore().list() if one.run == run.id)
        st.switch_page("pages/runs.py", query_params={RUN: label(summary)})
st.caption("The same from a terminal:")
said = train_command(overrides(chosen, changes, title, preset), meta.id, resources)
st.code(said, language="bash", wrap_lines=True)
with st.expander(
    "Try several values", icon=":material/grid_view:", key=TRAIN_SEVERAL, on_change="rerun", bind="query-params"
) as several:
    if several.open:
        settings = [f"{node}.{name}" for node in form.asked for name in form.asked[node] if name != "name"]
        sweep(overrides(chosen, changes, title, preset), settings, meta.id, meta.name, resources)
if meta.kind == "sets" and form.learns:
    train_at_sites(meta, applied(experiment, changes, title), overrides(chosen, changes, title, preset), resources)

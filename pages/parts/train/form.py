"""The settings of a training as a form: one part for each node of the experiment that the data make use of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from core.config.evaluation import SetEvaluationConfig
from core.config.schema import describe
from core.data.dataset import DatasetMeta
from core.data.selection import CohortViewConfig, SetViewConfig
from core.runs.submission import takes
from pages.parts.frame import plain
from pages.parts.settings_form import Settings, settings_form
from pages.parts.state import TRAIN_EXPERIMENT, TRAIN_ROLE, choose

PARTS = {
    "encoder": ("Encoder", "Turns a set into its latent."),
    "generator": ("Generator", "Draws new observations from a latent."),
    "mixer": ("Mixer", "Mixes training sets, so that there are more distributions to learn from."),
}


@dataclass
class Form:
    """What was chosen of an experiment.

    Attributes:
        asked: node → setting → value; the choice of a node is its "name".
        defaults: node → setting → value where neither experiment nor reader says otherwise.
        prefixes: node → beginning of the keys of its widgets.
        learns: the model learns by steps; False: it is fitted in closed form.
    """

    experiment: Mapping[str, Any]
    asked: dict[str, dict[str, Any]] = field(default_factory=dict)
    defaults: dict[str, dict[str, Any]] = field(default_factory=dict)
    prefixes: dict[str, str] = field(default_factory=dict)
    learns: bool = True

    @property
    def stem(self) -> str:
        """What every key begins with: a preset has defaults of its own, and so widgets of its own."""
        preset = self.experiment.get("preset", "laptop")
        return str(self.experiment["name"]) + ("" if preset == "laptop" else f"-{preset}")

    def key(self, node: str, setting: str) -> str:
        """The key of a widget, which is its query parameter."""
        if setting == "name":
            return ".".join(self.prefixes[node].split(".")[:2])
        return f"{self.prefixes[node]}.{setting}"


def pick_role(groups: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Let the reader choose what kind of models to see; a link to a model opens its kind."""
    if len(groups) == 1:
        return next(iter(groups))
    asked = st.query_params.get(TRAIN_EXPERIMENT)
    start = next((role for role, some in groups.items() if any(one["title"] == asked for one in some)), None)
    first = next(iter(groups))
    chosen = choose(
        "Models", list(groups), default=start or first, key=TRAIN_ROLE, bind="query-params",
        help="Ours are meant for use. Published ones train as their papers say, so that their known faults can be "
        "seen. Baselines are what a model must beat.",
    )  # fmt: skip
    return chosen if chosen in groups else first


def training_form(known: Mapping[str, Any], experiment: Mapping[str, Any], meta: DatasetMeta) -> Form:
    """Draw the form of an experiment on a dataset. `known` is the catalogue of what can be chosen and set."""
    form, title = Form(experiment), plain(experiment["title"])
    model = next(one["settings"] for one in known["models"] if one["name"] == experiment["model"]["name"])
    form.learns = experiment["training"].get("epochs", 1) > 0
    if meta.kind == "sets":
        _on_sets(form, known, model, meta)
        return form
    training = [one for one in known["training"] if form.learns or one["name"] in ("seed", "condition_on")]
    columns = {"condition_on": ["auto", "none", *meta.labels, *meta.cohort.phenotypes]}
    _node(form, "training", "Training", training, columns)
    _node(form, "model", title, model)
    populations = next(iter(meta.labels.values()), [])
    who = {"train_on": populations, "test_on": populations}
    _node(form, "dataset", "", describe(CohortViewConfig), who, fold="Which individuals are used", own={})
    _node(form, "evaluation", "", known["evaluation"], fold="How it is evaluated")
    return form


def _on_sets(form: Form, known: Mapping[str, Any], model: Settings, meta: DatasetMeta) -> None:
    """The form of a model of sets. What only steps make use of is shown where the chosen parts learn by steps."""
    experiment = form.experiment
    above = st.container()  # the parts, which stand below, say whether anything is learned by steps
    own = form.learns
    for part in ("encoder", "generator"):
        _part(form, part, known[f"{part}s"], meta)
        form.learns |= form.asked[part]["name"] != experiment[part]["name"]
    training = [one for one in known["training"] if one["name"] != "condition_on"]
    values = dict(experiment["training"])
    with above:
        if form.learns:
            if not own:  # another part than the experiment's is to learn, and needs epochs
                values["epochs"] = next(one["default"] for one in training if one["name"] == "epochs")
            _node(form, "training", "Training", training, own=values)
            columns = {"label": [*meta.labels, *meta.collection.covariates]}
            _node(form, "model", "Latent and objective", model, columns)
        else:
            st.markdown("**Training**")
            st.markdown(
                "Fitted in closed form: nothing is learned by steps, so there are no epochs, batches or learning rate "
                "to choose. Another encoder or generator below learns beside the exact latent."
            )
            few = [one for one in training if one["name"] in ("seed", "device")]
            _node(form, "training", "", few)
    if form.learns:
        _part(form, "mixer", known["mixers"], meta)
    controls = [value for column, values in meta.labels.items() if column != meta.collection.unit for value in values]
    if controls:
        _node(form, "evaluation", "Evaluation", describe(SetEvaluationConfig), {"control": controls})
    _node(form, "dataset", "", describe(SetViewConfig), fold="Which sets are used", own=_used(experiment, meta))


def _node(
    form: Form,
    node: str,
    head: str,
    settings: Settings,
    columns: Mapping[str, list[str]] | None = None,
    *,
    fold: str = "",
    own: Mapping[str, Any] | None = None,
) -> None:
    """Settings of a node, under a head or behind a fold; `own` are values to start from, else the experiment's."""
    experiment = form.experiment
    form.prefixes[node] = f"{form.stem}.{node}"
    form.defaults[node] = {one["name"]: one["default"] for one in settings}
    if not settings:
        return
    if head:
        st.markdown(f"**{head}**")
    values = experiment[node] if own is None else own
    form.asked[node] = settings_form(settings, form.prefixes[node], values, options=columns, fold=fold)


def _used(experiment: Mapping[str, Any], meta: DatasetMeta) -> dict[str, Any]:
    """The experiment's choice of sets, but none left out that the reader kept at import."""
    view = dict(experiment["dataset"])
    kept = meta.import_options.get("min_samples")
    return view if kept is None else view | {"min_samples": min(int(kept), int(view.get("min_samples", 1)))}


def _part(form: Form, part: str, entries: list[dict[str, Any]], meta: DatasetMeta) -> None:
    """The choice of a part of the model, and the settings of what was chosen."""
    head, help = PARTS[part]
    by_name = {one["name"]: one for one in entries}
    names = [one["name"] for one in entries if takes(one, meta.collection.modality)]
    experiment = form.experiment
    own = experiment[part]
    st.markdown(f"**{head}**")
    chosen = st.selectbox(
        head, names, index=names.index(own["name"]), key=f"{form.stem}.{part}", bind="query-params",
        format_func=lambda name: by_name[name]["title"], help=help, label_visibility="collapsed",
    )  # fmt: skip
    entry = by_name[chosen or own["name"]]
    st.caption(plain(entry["help"]))
    # A key holds the choice: the same setting of another encoder has its own default.
    form.prefixes[part] = f"{form.stem}.{part}.{entry['name']}"
    form.defaults[part] = {one["name"]: one["default"] for one in entry["settings"]}
    values = own if own["name"] == entry["name"] else None
    form.asked[part] = {"name": entry["name"], **settings_form(entry["settings"], form.prefixes[part], values)}

"""The same model at several sites that keep their sets, beside all sets in one place and each site alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.config.command import federate_command
from core.config.federation import LIMITS, MISSING, MOST_SITES, FederationConfig, flower
from core.config.resources import Resources
from core.config.schema import describe, from_dict
from core.data.dataset import DatasetMeta
from core.errors import PopscapeError
from core.runs.federated.plan import compared, federated
from core.runs.store import RunStore
from core.runs.submission import prepare
from pages.parts.frame import plain
from pages.parts.reports import label
from pages.parts.sections import link
from pages.parts.settings_form import settings_form
from pages.parts.state import RUN, TRAIN_SITES


def train_at_sites(
    meta: DatasetMeta, experiment: Mapping[str, Any], words: Sequence[str], resources: Resources
) -> None:
    """Choose who the sites are and start the run; `words` are the overrides that make the experiment."""
    with st.expander(
        "Train at several sites", icon=":material/hub:", key=TRAIN_SITES, on_change="rerun", bind="query-params"
    ) as sites:
        if not sites.open:
            return
        st.caption(
            f"Each site trains on its own sets, and after each round the weights are averaged (FedAvg). {LIMITS}"
        )
        columns = [column for column, values in meta.labels.items() if 2 <= len(set(values) - {""}) <= MOST_SITES]
        chosen = settings_form(describe(FederationConfig), TRAIN_SITES, options={"site_column": ["", *columns]})
        wish = from_dict(FederationConfig, chosen)
        compare = st.checkbox(
            "Also train on all sets in one place, and at each site alone", True, key="sites_compare",
            help="All with as many steps; Runs then shows them beside each other, judged on the same held-out sets.",
        )  # fmt: skip
        if not flower():
            st.info(MISSING, icon=":material/info:")
        if st.button("Start at the sites", icon=":material/play_arrow:", key="sites_start", disabled=not flower()):
            _start(meta, experiment, wish, resources, compare=compare)
        st.code(federate_command(words, meta.id, wish, resources, compare=compare), language="bash", wrap_lines=True)


def _start(
    meta: DatasetMeta, experiment: Mapping[str, Any], wish: FederationConfig, resources: Resources, *, compare: bool
) -> None:
    store = RunStore()
    try:
        config = federated(prepare(experiment, meta.id), wish)
        configs = [config, *(compared(config) if compare else ())]
        store.room(len(configs))
        runs = [store.submit(one, resources) for one in configs]
    except PopscapeError as error:
        st.error(plain(error), title="Not started", icon=":material/error:")
        return
    st.success(f"{len(runs)} run{'s are' if compare else ' is'} waiting or training.", icon=":material/check_circle:")
    summary = next(one for one in store.list() if one.run == runs[0].id)
    link("runs", "Watch the sites", {RUN: label(summary)})

"""Several values of one or two settings: a training for each combination, or a search in ranges."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.config.command import search_command, sweep_command
from core.config.overrides import MOST, expand
from core.config.resources import Resources
from core.errors import PopscapeError
from core.runs import search
from core.runs.store import RunStore
from core.runs.submission import prepare_sweep
from pages.parts.frame import plain
from pages.parts.sections import link
from pages.parts.settings_form import title
from pages.parts.state import COMPARE_VIEW, DATASET

_EVERY, _SEARCH = "Every combination", "Search"
_FIRST = {_EVERY: ("training.seed", "1, 2, 3"), _SEARCH: ("training.learning_rate", "1e-4..1e-2")}
_SAID = {
    _EVERY: f"Each combination of values is a run of its own, at most {MOST}; they are trained one after the other.",
    _SEARCH: "Optuna chooses the values of each run by the validation scores of those before, and stops runs that fall "
    "below the median early. The search goes on when this page is closed; the same search again goes on where it was.",
}
_HELP = {
    _EVERY: "A list goes into brackets: [256,256], [64]. range(8, 65, 8) counts.",
    _SEARCH: "A range low..high, by factors where it spans tenfold or more; or values parted by commas.",
}


def sweep(words: Sequence[str], settings: Sequence[str], dataset: str, name: str, resources: Resources) -> None:
    """Let the reader name values of `settings` ("training.seed") and train the experiment of `words` with them,
    each run where `resources` say."""
    how = st.segmented_control("How", [_EVERY, _SEARCH], default=_EVERY, required=True, key="sweep_how")
    st.caption(_SAID[how])
    named = _values(how, settings)
    swept = {one.partition("=")[0] for one in named}
    asked = [*(word for word in words if word.partition("=")[0] not in swept), *named]
    if how == _SEARCH:
        _search(asked, dataset, name, resources, ready=bool(named))
    else:
        _grid(asked, dataset, name, resources, ready=bool(named))


def _values(how: str, settings: Sequence[str]) -> list[str]:
    """`setting=values` of up to two settings, as they are written."""
    named = []
    options = ["", *settings]
    for k, start in enumerate((_FIRST[how][0], "")):
        left, right = st.columns([1, 2])
        setting = left.selectbox(
            "Setting" if k == 0 else "And a second one", options, index=options.index(start) if start in options else 0,
            key=f"{_key(how)}_setting_{k}", format_func=_titled,
        )  # fmt: skip
        values = right.text_input(
            "Values, parted by commas" if how == _EVERY else "Range", _FIRST[how][1] if k == 0 else "",
            key=f"{_key(how)}_values_{k}", disabled=not setting, help=_HELP[how],
        )  # fmt: skip
        if setting and values.strip():
            named.append(f"{setting}={values.strip()}")
    return named


def _grid(asked: Sequence[str], dataset: str, name: str, resources: Resources, *, ready: bool) -> None:
    try:
        number = len(expand(asked))
    except PopscapeError as error:
        st.error(plain(error), icon=":material/error:")
        return
    if st.button(f"Start {number} trainings" if number > 1 else "Start the training", key="sweep", disabled=not ready):
        try:
            configs = prepare_sweep(asked, dataset)
            RunStore().room(len(configs))
            runs = [RunStore().submit(config, resources) for config in configs]
        except PopscapeError as error:
            st.error(plain(error), title="Not started", icon=":material/error:")
        else:
            st.success(f"{len(runs)} runs are waiting or training.", icon=":material/check_circle:")
            _links(name)
    st.code(sweep_command(asked, dataset, resources), language="bash", wrap_lines=True)


def _search(asked: Sequence[str], dataset: str, name: str, resources: Resources, *, ready: bool) -> None:
    trials = st.number_input("Trainings", 2, search.MOST, 20, key="search_trials")
    if st.button("Start the search", key="search", disabled=not ready):
        try:
            wanted = search.plan(asked, dataset)
            search.launch(wanted, int(trials), resources)
        except PopscapeError as error:
            st.error(plain(error), title="Not started", icon=":material/error:")
        else:
            st.success(
                f"Sweep {wanted.sweep} begins: its first run appears in a moment.", icon=":material/check_circle:"
            )
            _links(name)
    st.code(search_command(asked, dataset, int(trials), resources), language="bash", wrap_lines=True)


def _links(name: str) -> None:
    link("runs", "Watch them")
    link("compare", "Compare them when they have ended", {DATASET: name, COMPARE_VIEW: "All runs"})


def _key(how: str) -> str:
    return "sweep" if how == _EVERY else "search"


def _titled(setting: str) -> str:
    """A setting as the form above calls it, after its part: "training.batch_size" -> "Training: Batch size"."""
    node, _, name = setting.partition(".")
    return f"{node.capitalize()}: {title(name)}" if name else "none"

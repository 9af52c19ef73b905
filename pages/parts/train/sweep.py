"""Several values of one or two settings: a training for each combination."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.config.command import sweep_command
from core.config.overrides import MOST, expand
from core.errors import PopscapeError
from core.runs.store import RunStore
from core.runs.submission import prepare_sweep
from pages.parts.frame import plain
from pages.parts.sections import link
from pages.parts.settings_form import title
from pages.parts.state import COMPARE_VIEW, DATASET

_FIRST = "training.seed"


def sweep(words: Sequence[str], settings: Sequence[str], dataset: str, name: str) -> None:
    """Let the reader name values of `settings` ("training.seed") and train the experiment of `words` with each."""
    st.caption(f"Each combination of values is a run of its own, at most {MOST}; they are trained one after the other.")
    named = []
    for k, start in enumerate((_FIRST, "")):
        left, right = st.columns([1, 2])
        options = ["", *settings]
        setting = left.selectbox(
            "Setting" if k == 0 else "And a second one", options, index=options.index(start) if start in options else 0,
            key=f"sweep_setting_{k}", format_func=_titled,
        )  # fmt: skip
        values = right.text_input(
            "Values, parted by commas", "1, 2, 3" if k == 0 else "", key=f"sweep_values_{k}", disabled=not setting,
            help="A list goes into brackets: [256,256], [64]. range(8, 65, 8) counts.",
        )  # fmt: skip
        if setting and values.strip():
            named.append(f"{setting}={values.strip()}")
    swept = {one.partition("=")[0] for one in named}
    asked = [*(word for word in words if word.partition("=")[0] not in swept), *named]
    try:
        number = len(expand(asked))
    except PopscapeError as error:
        st.error(plain(error), icon=":material/error:")
        return
    if st.button(f"Start {number} trainings" if number > 1 else "Start the training", key="sweep", disabled=not named):
        try:
            runs = [RunStore().submit(config) for config in prepare_sweep(asked, dataset)]
        except PopscapeError as error:
            st.error(plain(error), title="Not started", icon=":material/error:")
        else:
            st.success(f"{len(runs)} runs are waiting or training.", icon=":material/check_circle:")
            link("runs", "Watch them")
            link("compare", "Compare them when they have ended", {DATASET: name, COMPARE_VIEW: "All runs"})
    st.code(sweep_command(asked, dataset), language="bash", wrap_lines=True)


def _titled(setting: str) -> str:
    """A setting as the form above calls it, after its part: "training.batch_size" -> "Training: Batch size"."""
    node, _, name = setting.partition(".")
    return f"{node.capitalize()}: {title(name)}" if name else "none"

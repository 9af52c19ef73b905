"""What a set would become under another condition: the features that move most, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from core.data.split import Split
from core.errors import InputError
from core.plots.intervention import moved
from core.reports.interventions import ASSUMPTIONS, coverage_words
from core.runs.set_work import control_of_run
from core.words import count
from pages.parts.chart import chart
from pages.parts.frame import heavy, plain
from pages.parts.sets.ends import warn_outside
from pages.parts.sets.runs import OF_RUN, SetRun, open_model
from pages.parts.state import PREDICT_FROM, PREDICT_TO

if TYPE_CHECKING:
    from core.evaluation.sets.intervention import Intervention

_MOST = 30  # values of a condition; a column with more names something


def another_condition(chosen: SetRun) -> None:
    """Choose a set and a condition; see the change that the other units foretell, or why there is none."""
    conditions = _conditions(chosen)
    if not conditions:
        st.info(
            "No unit (such as a donor) is seen under two values of a label, so no change between conditions is known.",
            icon=":material/info:",
        )
        return
    left, right = st.columns(2)
    name = left.selectbox(
        "Set", chosen.names, key=PREDICT_FROM, bind="query-params", help="The set that is carried over."
    )
    place = chosen.names.index(name) if name in chosen.names else 0
    options = [
        f"{column}: {value}"
        for column, values in conditions.items()
        for value in values
        if value != str(chosen.sets.labels[column][place])
    ]
    target = right.selectbox(
        "Other condition",
        options,
        key=PREDICT_TO,
        bind="query-params",
        help="A value that other units have been seen with.",
    )
    column, after = str(target or options[0]).split(": ", 1)
    try:
        found = _carried(chosen, place, column, after)
    except InputError as error:
        st.info(plain(error), icon=":material/info:")
        return
    st.markdown(
        f"{plain(name)} with {plain(column)} {plain(after)} in place of {plain(found.before)}, by the mean latent step "
        f"of {count(found.units, 'other unit')}. {plain(ASSUMPTIONS)}"
    )
    warn_outside(chosen, "The predicted latent", found.latent)
    if found.missing:
        st.warning(plain(found.missing), icon=":material/warning:")
    note = f"{count(found.units, 'other unit')}; in deviations of a feature over all observations"
    chart(moved(found, f"{column} {after}"), key="moved", caption=chosen.report.provenance(note))
    known = chosen.report.analysis("interventions") or {"reason": "evaluate the run again."}
    st.caption(plain(coverage_words(known)))
    st.caption("The generated set as a file, on the command line:")
    command = f'python -m core intervene {chosen.run.id[:12]} "{name}" --column "{column}" --to "{after}" --out set.npz'
    st.code(command, language=None, wrap_lines=True)


def _conditions(chosen: SetRun) -> dict[str, list[str]]:
    """Label column → its values, for columns that vary within a unit."""
    sets = chosen.sets
    if not sets.unit:
        return {}
    unit = sets.labels[sets.unit]
    out = {}
    for name, values in sets.labels.items():
        distinct = sorted(set(values.tolist()) - {""})
        pairs = len(set(zip(unit.tolist(), values.tolist(), strict=True)))
        if name != sets.unit and 2 <= len(distinct) <= _MOST and pairs > len(np.unique(unit)):
            out[name] = distinct
    return out


@st.cache_data(max_entries=16, hash_funcs=OF_RUN, show_spinner="Carrying the set over…")
@heavy()
def _carried(chosen: SetRun, place: int, column: str, after: str) -> Any:
    """The intervention. Raises InputError."""
    from core.evaluation.sets.intervention import intervene

    side = chosen.report.arrays("latents")["split"]
    split = Split(*(np.flatnonzero(side == which) for which in ("train", "holdout")))
    control = control_of_run(chosen.run.config)
    subject = open_model(chosen).subject(chosen.sets, split, chosen.report.content["seed"], control)
    found: Intervention = intervene(subject, place, after, column)
    return found

"""Predict: what the latent of a set tells of it, against what the mean of its observations tells."""

import streamlit as st

from core.data.stages import times_first
from core.plots.predict import confusion, observed, probes
from core.words import interval, number
from pages.parts.chart import chart
from pages.parts.frame import plain, share, tabs
from pages.parts.sets.futures import carried_effects, early_and_late
from pages.parts.sets.next_set import next_set
from pages.parts.sets.runs import open_sets
from pages.parts.sets.units import of_units
from pages.parts.sets.unseen import unseen
from pages.parts.state import PREDICT_FROM, PREDICT_KIND, PREDICT_TARGET, PREDICT_TO, SET_RUN

VIEWS = ["Labels and covariates", "Early and late", "Next set", "Effects", "New perturbations", "Units"]

top, chosen = open_sets("predict")
rows = chosen.report.curve("probes")
scored = {row["target"]: row for row in rows if "latent" in row}
view, place = tabs(VIEWS, PREDICT_KIND)
with place:
    if view == VIEWS[0]:
        if not scored:
            st.info(
                "There is nothing to predict: the sets have no label or covariate that varies, or too few are held "
                "out. Name label columns at the import.",
                icon=":material/info:",
            )
        else:
            st.markdown(
                "A linear probe is fitted on the training sets and scored on held-out ones. Lines are 95% intervals; a "
                "latent is worth something where it beats the mean of the observations."
            )
        for kind in ("classification", "regression"):
            note = "ridge, penalty by leave-one-out; bootstrap over held-out sets; grey tick: chance"
            if (figure := probes(chosen.report, kind)) is not None:
                chart(figure, key=f"probes_{kind}", caption=chosen.report.provenance(note))
        if scored:
            names = times_first(scored)
            target = st.selectbox(
                "Look closer at", names, key=PREDICT_TARGET, bind="query-params",
                help="A label or covariate of the sets.",
            )  # fmt: skip
            row = scored[target if target in scored else names[0]]
            score = interval(row["latent"], row["latent_low"], row["latent_high"])
            unit = "accuracy" if row["kind"] == "classification" else "R²"
            words = (
                f"{row['n_train']:,} training and {row['n_holdout']:,} held-out sets; {unit} {score} from the latent, "
                f"{number(row['mean'])} from the mean"
            )
            if "mae" in row:
                error = interval(row["mae"], row["mae_low"], row["mae_high"])
                words += (
                    f"; mean absolute error {error} in the unit of {plain(row['target'])}, {number(row['mean_mae'])} "
                    f"from the mean of the observations, {number(row['null_mae'])} by chance"
                )
            drawn = confusion(row) if row["kind"] == "classification" else observed(row)
            chart(drawn, key="closer", caption=chosen.report.provenance(words), width="content")
        for row in rows:
            if "reason" in row:
                st.caption(f"{plain(row['target'])}: {plain(row['reason'])}")
    elif view == VIEWS[1]:
        early_and_late(chosen)
    elif view == VIEWS[2]:
        next_set(chosen)
    elif view == VIEWS[3]:
        carried_effects(chosen)
    elif view == VIEWS[4]:
        unseen(chosen)
    elif view == VIEWS[5]:
        of_units(chosen)
share(SET_RUN, PREDICT_KIND, PREDICT_TARGET, PREDICT_FROM, PREDICT_TO, place=top)

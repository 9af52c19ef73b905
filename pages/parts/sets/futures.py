"""Predictions beyond a probe: from the early set of a unit to its late one, and effects carried to new units."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.plots.predict import retrieval, shifts
from core.words import interval, number
from pages.parts.chart import chart
from pages.parts.frame import plain
from pages.parts.sets.analysis import analysis
from pages.parts.sets.another_condition import another_condition
from pages.parts.sets.runs import SetRun


def early_and_late(chosen: SetRun) -> None:
    """Whether the early set of a unit tells its late one, or why that cannot be asked."""
    found = analysis(chosen, "early_late")
    if not found:
        return
    unit = found["unit"]
    st.markdown(
        f"From the earliest set of a {plain(unit)} (by {plain(found['order'])}) the latest is predicted; then: is the "
        f"true latest set of this {plain(unit)} the nearest of all held-out ones?"
    )
    units = f"{found['n_train']} units to learn from, {found['n_holdout']} held out; grey: chance"
    chart(retrieval(found), key="retrieval", caption=chosen.report.provenance(units))
    left, right, *_ = st.columns(3)
    for place, title, prefix in ((left, "Information, latent", ""), (right, "Information, mean", "mean_")):
        place.metric(
            title, f"{number(found[f'{prefix}information'])} bits",
            f"null {number(found[f'{prefix}information_null'])}", delta_color="off", delta_arrow="off", border=True,
            help="Mutual information of early and late, estimated from the two leading whitened components; beside it "
            "the 95% point when the pairs are permuted: below that there is none.",
        )  # fmt: skip


def carried_effects(chosen: SetRun) -> None:
    """Whether the change between two conditions carries over to held-out units, or why that cannot be asked."""
    _new_units(chosen)
    st.subheader("Shift of held-out sets")
    _new_sets(chosen)
    st.subheader("Under another condition")
    another_condition(chosen)


def _new_units(chosen: SetRun) -> None:
    found = analysis(chosen, "effects")
    if not found:
        return
    rows = found["rows"]
    st.markdown(
        f"The latent of a held-out unit under another {plain(found['column'])} is predicted from its latent under "
        f"{plain(found['reference'])} and the mean change of the training units."
    )
    caption = chosen.report.provenance(f"{len(rows)} changes of held-out units")
    chart(shifts(rows), key="shifts", caption=caption)
    if pooled := found.get("pooled"):
        st.caption(f"All together: R² {_beside(pooled, 'r2', 'mean_r2', 'the mean shift')}.")
        st.markdown(_verdict(pooled, "the mean shift of the training units"))
    st.dataframe(
        [
            {
                "Unit": r["unit"], "From": r["from"], "To": r["to"],
                "R², latent": r["r2"], "R², mean shift": r["mean_r2"],
                "MSE, latent": r["mse"], "MSE, mean shift": r["mean_mse"],
            }
            for r in rows
        ],
        hide_index=True,
        column_config={
            name: st.column_config.NumberColumn(format="%.3f")
            for name in ("R², latent", "R², mean shift", "MSE, latent", "MSE, mean shift")
        },
        alt="Explained share and squared error of each predicted shift of the mean.",
    )  # fmt: skip


def _new_sets(chosen: SetRun) -> None:
    found = analysis(chosen, "held_effects")
    if not found:
        return
    pooled = found["pooled"]
    st.markdown(
        f"One half of a held-out {plain(found['column'])} is embedded; how far does it tell the shift of the *other* "
        f"half from {plain(found['control'])}?"
    )
    st.caption(
        f"All together: R² {_beside(pooled, 'latent', 'mean', 'the mean of the half')}; "
        f"{interval(pooled['training'], pooled['training_low'], pooled['training_high'])} from the mean shift of the "
        f"training sets; 0 from no shift; ceiling {number(pooled['ceiling'])}."
    )
    st.markdown(_verdict(pooled, "the plain mean of the half"))
    columns = {"R², latent": "latent", "R², mean of the half": "mean", "R², training sets": "training"}
    st.dataframe(
        [{"Set": r["set"], "Observations": r["n"], **{k: r[v] for k, v in columns.items()}} for r in found["rows"]],
        hide_index=True,
        column_config={name: st.column_config.NumberColumn(format="%.3f") for name in columns},
        alt="Explained share of the shift of each held-out set from the control.",
    )


def _beside(found: dict[str, Any], latent: str, mean: str, of: str) -> str:
    """Scores with their intervals in words."""
    ours, theirs = (interval(found[k], found[f"{k}_low"], found[f"{k}_high"]) for k in (latent, mean))
    return f"{ours} from the latent, {theirs} from {of}"


def _verdict(found: dict[str, Any], of: str) -> str:
    """Whether the latent is worth its model here, in one sentence."""
    low, high = found["difference_low"], found["difference_high"]
    if low is not None and low > 0:
        return f":green[:material/check:] The latent tells more than {of}."
    if high is not None and high < 0:
        return f":orange[:material/warning:] {of[0].upper()}{of[1:]} tells more than the latent: use it."
    return f":material/info: No difference from {of} can be told: {of} is enough here."

"""One level up: what the sets of a unit together tell of the unit."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.plots.predict import of_units as figure_of
from core.words import count, interval, number
from pages.parts.chart import chart
from pages.parts.frame import plain
from pages.parts.sets.analysis import analysis
from pages.parts.sets.runs import SetRun


def of_units(chosen: SetRun) -> None:
    """Labels and covariates of units, each left out in turn, or why they cannot be predicted."""
    found = analysis(chosen, "units")
    if not found:
        return
    unit = plain(found["unit"])
    st.markdown(
        f"A {unit} is described by mean and deviation of the latents of its sets; each {unit} in turn is left out and "
        "predicted from the others. The latents are worth something where they beat the mean of all its observations "
        "and the null."
    )
    scored = [row for row in found["rows"] if "latent" in row]
    dropped = f"; {count(found['dropped'], 'unit')} with one set left out" if found["dropped"] else ""
    note = f"{count(found['n_units'], 'unit')}{dropped}; ridge, bootstrap over units; grey tick: chance"
    for kind in ("classification", "regression"):
        if (figure := figure_of(found, kind)) is not None:
            chart(figure, key=f"units_{kind}", caption=chosen.report.provenance(note))
    st.dataframe([_line(row) for row in scored], hide_index=True, alt="Scores of each target of the units.")
    st.caption(
        f"Null: 95% point of the score when targets are permuted over units. The encoder has seen the sets of all but "
        f"{found['n_holdout']} of these units; *held out* is the score of those alone, where they are five or more."
    )
    for row in found["rows"]:
        if "reason" in row:
            st.caption(f"{plain(row['target'])}: {plain(row['reason'])}")
    st.caption("The latents as a dataset of their own, one level up, to train on, on the command line:")
    command = f"python -m core lift {chosen.run.id[:12]} --name {found['unit'].replace(' ', '_')}s"
    st.code(command, language=None, wrap_lines=True)


def _line(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "Target": row["target"],
        "Score": "accuracy" if row["kind"] == "classification" else "R²",
        "Latents": interval(row["latent"], row["latent_low"], row["latent_high"]),
        "Null": number(row["null"]),
        "Mean of all observations": interval(row["mean"], row["mean_low"], row["mean_high"]),
        "Difference": interval(row["difference"], row["difference_low"], row["difference_high"]),
        "Held out, latents": number(row.get("latent_held")),
        "Held out, mean": number(row.get("mean_held")),
    }

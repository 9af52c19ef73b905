"""The next set of a unit: how near each forecast comes to it, and the command that generates it."""

from __future__ import annotations

import streamlit as st

from core.plots.forecast import forecasts
from core.reports.forecasts import FEW, TITLES, verdict
from core.words import count, number
from pages.parts.chart import chart
from pages.parts.frame import plain
from pages.parts.sets.analysis import analysis
from pages.parts.sets.runs import SetRun


def next_set(chosen: SetRun) -> None:
    """Forecasts of the next set of held-out units beside no change and the floor, or why there are none."""
    found = analysis(chosen, "forecast")
    if not found:
        return
    unit, pooled = plain(found["unit"]), found["pooled"]
    of_dates = found["order"] == found["unit"]
    source = f"set before a held-out {unit}" if of_dates else f"set of a held-out {unit} at one {plain(found['order'])}"
    st.markdown(
        f"From the {source}, the next one is forecast and compared with "
        "what came. A forecast is worth something where it is nearer than *no change*; *two halves of the target* show "
        "the distance that sampling alone leaves."
    )
    good = ":green[:material/check:]" if found["best"] else ":orange[:material/warning:]"
    st.markdown(f"{good} {plain(verdict(found))}")
    if found["observations"] < FEW:
        st.warning(
            f"A distance rests on {number(found['observations'])} observations in the median pair: it is mostly noise, "
            "and forecasts that are too narrow look good. Read the ranking with care.",
            icon=":material/warning:",
        )
    drawn_again = (
        f"bootstrap over {count(found['units'], 'unit')}"
        if found["resampled"] == "units"
        else f"bootstrap over pairs ({count(found['units'], 'unit')}: the difference between units is not covered)"
    )
    chart(
        forecasts(found),
        key="next_set",
        caption=chosen.report.provenance(
            f"{found['n_train']} pairs to learn from, {found['n_holdout']} held out; {drawn_again}; "
            "dashed: no change, dotted: floor"
        ),
    )
    st.markdown(
        "*Mean shift*: the source with the mean step of the training pairs. *Linear flow*: the latent takes the step "
        "that a ridge regression predicts, and the model generates from it. *Conditioned transport*: a flow moves the "
        "source's own observations, steered by its latent and by the forecast one (Fishman et al. 2026). *Generated "
        "from the target itself* is what the model could do with a perfect forecast of the latent."
    )
    names = [key for key in TITLES if key in pooled]
    st.dataframe(
        [
            {"From": row["from"], "To": row["to"], "Observations": row["n"], **{TITLES[key]: row[key] for key in names}}
            for row in found["rows"]
        ],
        hide_index=True,
        column_config={TITLES[key]: st.column_config.NumberColumn(format="%.3f") for key in names},
        alt="W2 of each forecast to the next set, one row for each held-out pair.",
    )
    st.caption("The next sets of any set, as a file, on the command line:")
    example = found["rows"][0]["from"]
    command = f'python -m core forecast {chosen.run.id[:12]} --from "{example}" --out next.npz'
    st.code(command, language=None, wrap_lines=True)

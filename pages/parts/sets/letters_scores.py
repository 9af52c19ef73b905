"""The scores of generated sequences on held-out sets, each beside what needs no network."""

from __future__ import annotations

import streamlit as st

from core.words import number
from pages.parts.frame import plain
from pages.parts.sets.runs import SetRun

_METRICS = (
    "sequence_likelihood", "sequence_kmer_distance", "sequence_composition", "sequence_length_w1", "sequence_copies",
)  # fmt: skip
_COLUMNS = {
    "Generated": "From the latent of one half of a held-out set, against its other half; 95 % intervals over sets.",
    "Real half": "The other half of the real set in the place of what is generated: as good as it can get.",
    "Position weights, all sets": "Letter frequencies at each position over all training sequences: to be beaten.",
    "Position weights, own half": "The same of the half whose latent was taken, drawn towards those of all.",
}


def scores(chosen: SetRun) -> None:
    """A table of the metrics of sequences in the report, or why there is none."""
    metrics = {name: chosen.report.metric(name) for name in _METRICS if name in chosen.report.content["metrics"]}
    if not metrics:
        st.info("This report was made without these metrics; evaluate the run again.", icon=":material/info:")
        return
    rows = []
    for one in metrics.values():
        own = next(iter((one.baselines or {}).values()), None)
        values = [one.shown, *(number(value) if value is not None else "" for value in (one.ceiling, one.null, own))]
        rows.append({"Score": one.label, **dict(zip(_COLUMNS, values, strict=True))})
    st.dataframe(
        rows,
        hide_index=True,
        column_config={name: st.column_config.TextColumn(help=help) for name, help in _COLUMNS.items()},
        alt=f"{len(rows)} scores of generated sequences beside the real half and position weights.",
    )
    for one in metrics.values():
        st.caption(f"**{plain(one.label)}.** {plain(one.help)}")
    st.caption(chosen.report.provenance())

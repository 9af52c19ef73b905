"""The views of one phenotype on the page of associations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.plots import association, phenotypes
from core.plots.figure import csv
from core.reports import arrays
from core.reports.report import Report
from core.reports.standing import Candidate
from core.words import count, number
from pages.parts.chart import chart
from pages.parts.frame import fact

_WIDTHS = {"Contig": 50, "In locus": 60, "Allele": 50, "Same sign": 70, "Recovered": 78}  # pixels: the rest fits too
_GBLUP = "genomic best linear unbiased prediction (GBLUP) on all variants"


@dataclass(frozen=True)
class Chosen:
    """One phenotype in the report of one model.

    Attributes:
        study, scores: its rows of the curves "association" and "prediction".
        caption: how many individuals and variants were studied, and what was taken out.
    """

    candidate: Candidate
    phenotype: str
    study: Mapping[str, Any]
    scores: Mapping[str, Any]
    caption: str

    @property
    def report(self) -> Report:
        """The report of the model."""
        return self.candidate.report

    @property
    def stored(self) -> arrays.Association:
        """Both scans."""
        return arrays.associations(self.report)[self.phenotype]

    def rows(self, curve: str) -> list[dict[str, Any]]:
        """The rows of a curve that are about the phenotype."""
        return [row for row in self.report.curve(curve) if row["phenotype"] == self.phenotype]


def along_the_genome(one: Chosen) -> None:
    """The mirrored Manhattan plot and the table of real loci."""
    study, hits = one.study, one.rows("association_hits")
    with st.container(horizontal=True):
        fact("Loci found in real", f"{study['hits']:,}", help="Variants with p below 0.05 / variants, by linkage.")
        for label, key, help in (
            ("Recovered", "recovered", "Loci in which a variant passes the same threshold in synthetic individuals."),
            ("Same sign", "agreeing", "Loci whose strongest variant acts in the same direction; half do by chance."),
            ("Of the 10 strongest", "ranked", "The strongest real loci that are among the strongest synthetic ones."),
        ):
            fact(label, _share(study[key]), f"ceiling {_share(study[f'ceiling_{key}'])}", help=help)
    chart(association.manhattan(one.stored, one.candidate), key="manhattan", caption=one.caption)
    st.subheader("Loci of real individuals")
    if not hits:
        st.caption("No variant passes the threshold in real individuals: more of them would be needed.")
        return
    table = association.hit_table(hits)
    st.dataframe(
        table, hide_index=True, placeholder="–",
        alt=f"{len(hits)} loci associated with {one.phenotype} in real individuals.",
        column_config={"Variant": st.column_config.TextColumn(pinned=True)}
        | {name: st.column_config.Column(width=width) for name, width in _WIDTHS.items()}
        | {name: st.column_config.NumberColumn(format="%.3g") for name in ("Real effect", "Synthetic effect")},
    )  # fmt: skip
    st.download_button(
        "Loci (CSV)", csv(table), "loci.csv", "text/csv", on_click="ignore", icon=":material/download:"
    )  # fmt: skip
    st.caption("−log p: to the base 10. Effects: of one allele, in the unit of the phenotype.")


def quantiles_and_effects(one: Chosen) -> None:
    """How much stronger than chance, and whether each variant acts as it should."""
    study = one.study
    with st.container(horizontal=True):
        fact(
            "Effect correlation", number(study["effect_r"]), f"ceiling {number(study['ceiling_effect_r'])}",
            help=one.candidate.metric("gwas_effect_r").help,
        )  # fmt: skip
        help = "Inflation: 1 where nothing is associated. It grows with the number of individuals and of causes."
        fact("λ real", number(study["lambda_real"]), help=help)
        fact("λ synthetic", number(study["lambda_synthetic"]), help=help)
        control = count(study["control_hits"], "hit")
        fact("λ permuted", number(study["control_lambda"]), control, help="Negative control: it must be near 1.")
    left, right = st.columns(2)
    with left:
        figure = association.quantiles(one.rows("association_qq"), one.stored, one.candidate)
        chart(figure, key="quantiles", caption=one.caption)
    with right:
        figure = association.effects(one.stored, one.rows("association_hits"), one.candidate)
        chart(figure, key="effects", caption=one.caption)


def prediction(one: Chosen, stored: arrays.Prediction) -> None:
    """What synthetic individuals teach about real ones."""
    st.markdown(
        "A predictor learns the phenotype from synthetic individuals and is tested on real ones. If they keep what "
        "calls say of the phenotype, it does as well as one that learned from real individuals."
    )
    with st.container(horizontal=True):
        _score(one, "R², genomic prediction", "tstr_r2")
        _score(one, "R², boosted trees", "tstr_boosting_r2")
        _score(one, "R², permuted phenotype", "negative_control_r2")
    figure = phenotypes.predicted(stored, one.candidate)
    chart(figure, key="predicted", caption=one.report.provenance(_GBLUP))


def condition(one: Chosen, stored: arrays.Prediction) -> None:
    """Whether synthetic individuals are what they were asked to be."""
    st.markdown(
        "Every synthetic individual was made for a phenotype. A predictor that learned from real individuals reads "
        "it in their calls: does it find what was asked for?"
    )
    with st.container(horizontal=True):
        _score(one, "Correlation", "condition_r")
        _score(one, "Slope of asked on read", "condition_slope")
    figure = phenotypes.conditioned(stored, one.candidate)
    chart(figure, key="conditioned", caption=one.report.provenance(_GBLUP))


def _score(one: Chosen, label: str, name: str) -> None:
    """A score of the phenotype beside its null and its ceiling."""
    beside = f"ceiling {number(one.scores.get(f'ceiling_{name}'))}, null {number(one.scores.get(f'null_{name}'))}"
    fact(label, number(one.scores.get(name)), beside, help=one.candidate.metric(name).help)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"

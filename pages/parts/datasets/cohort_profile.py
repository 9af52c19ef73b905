"""The profile of a dataset: counts, what to check, what the import did, and the figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import streamlit as st

from core.data.dataset import Dataset, DatasetMeta
from core.errors import InputError
from core.plots import cohort as figures
from core.plots.figure import Figure
from core.words import count, sentence
from pages.parts.chart import chart
from pages.parts.frame import fact, plain, tabs
from pages.parts.state import DATASETS_FIGURES, DATASETS_LABEL, DATASETS_PHENOTYPE

_NOTHING = {
    "Missing calls": "Every call is known.",
    "Hardy-Weinberg equilibrium": "Haploid data have no heterozygotes to test.",
    "Heterozygosity": "Haploid data have no heterozygotes.",
    "Populations": "No individual has a value.",
    "Phenotypes": "No individual has a value.",
    "Labels": "Every set has its own value.",
    "Covariates": "No set has a value.",
}
_INDIVIDUALS = "Individuals"
_ICONS = {"warning": ":material/warning:", "note": ":material/info:"}


def show_profile(dataset: Dataset) -> None:
    """Everything that was found out about a dataset at import."""
    meta = dataset.meta
    try:
        profile = dataset.profile()
    except InputError as error:
        st.error(plain(error))
        return
    _counts(meta)
    checks(
        profile.get("warnings", []),
        "No unusual missingness, frequencies, departures from equilibrium or flips found.",
    )
    history(meta)
    _figures(meta, profile)


def _counts(meta: DatasetMeta) -> None:
    facts, populations = meta.cohort, next(iter(meta.labels.items()), None)
    contigs = count(len(facts.contigs), "contig") if facts.has_positions else "no positions"
    with st.container(horizontal=True):
        fact("Individuals", f"{facts.individuals:,}")
        fact("Variants", f"{facts.variants:,}", contigs)
        fact(
            sentence(populations[0]) if populations else "Populations",
            f"{len(populations[1]):,}" if populations else "none",
            f"{len(meta.labels)} label columns" if len(meta.labels) > 1 else None,
        )
        fact("Phenotypes", f"{len(facts.phenotypes):,}")
        fact("Missing calls", f"{facts.missing:.2%}")
        fact(
            "To train / held out",
            f"{meta.n_train:,} / {meta.n_holdout:,}",
            help="Fixed at import, in proportion within each population; close relatives stay on one side.",
        )


def checks(found: Sequence[dict[str, str]], nothing: str) -> None:
    """What to look at before training, gravest first; `nothing` where there is nothing."""
    if not found:
        st.caption(f":material/check: {nothing}")
    for one in found:
        st.markdown(
            f"{_ICONS.get(one['severity'], _ICONS['note'])} **{plain(one['text'])}** {plain(one.get('advice', ''))}"
        )


def history(meta: DatasetMeta) -> None:
    """Where the data came from, what the import left out and with which settings."""
    dropped = {reason: n for reason, n in meta.dropped.items() if n}
    settings = {name: value for name, value in meta.import_options.items() if value not in (None, "", "auto", [])}
    with st.expander(f"How it came in: {sum(dropped.values()):,} left out, {count(len(meta.notes), 'remark')}"):
        if meta.source:
            st.markdown(f"From **{plain(meta.source)}**; digest `{meta.id}`.")
        for note in meta.notes:
            st.markdown(f"- {plain(note)}")
        if dropped:
            st.dataframe(
                {"Left out because": list(dropped), "Number": list(dropped.values())},
                hide_index=True,
                width="content",
                alt="What the import left out, by reason.",
            )
        if settings:
            words = ", ".join(f"{name.replace('_', ' ')} = {value}" for name, value in settings.items())
            st.caption(f"Settings: {plain(words)}")


def _figures(meta: DatasetMeta, profile: dict[str, Any]) -> None:
    views: dict[str, dict[str, Callable[[], Figure | None]]] = {
        "Variants": {
            "Allele frequencies": lambda: figures.allele_frequencies(profile),
            "Missing calls": lambda: figures.missingness(profile),
        },
        "Heterozygotes": {
            "Hardy-Weinberg equilibrium": lambda: figures.hardy_weinberg(profile),
            "Heterozygosity": lambda: figures.heterozygosity(profile),
        },
        _INDIVIDUALS: {},
    }
    if meta.labels:
        views[_INDIVIDUALS]["Populations"] = lambda: figures.label_values(
            profile, pick("Label column", meta.labels, DATASETS_LABEL)
        )
    if meta.cohort.phenotypes:
        views[_INDIVIDUALS]["Phenotypes"] = lambda: figures.phenotype(
            profile, pick("Phenotype", meta.cohort.phenotypes, DATASETS_PHENOTYPE)
        )
    shown = [view for view in views if views[view]]
    # A link to a column opens the view that draws it.
    asked = _INDIVIDUALS in shown and (DATASETS_LABEL in st.query_params or DATASETS_PHENOTYPE in st.query_params)
    view, place = tabs(shown, DATASETS_FIGURES, default=_INDIVIDUALS if asked else None)
    for column, (title, make) in zip(place.columns(2, gap="large"), views[view].items(), strict=False):
        with column:
            titled(title, make, meta)


def titled(title: str, make: Callable[[], Figure | None], meta: DatasetMeta) -> None:
    """A figure of the profile under its title, or why there is nothing to draw."""
    st.markdown(f"**{title}**")
    chart(make(), key=f"profile_{title}_{meta.id}", otherwise=_NOTHING.get(title, ""))


def pick(label: str, names: Iterable[str], key: str) -> str:
    """Let the reader choose a column, where there are several."""
    options = list(names)
    if len(options) == 1:
        return options[0]
    return st.selectbox(label, options, key=key, bind="query-params") or options[0]

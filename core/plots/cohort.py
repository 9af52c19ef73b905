"""What a cohort is like, drawn from the profile made at import; histograms and label counts of any kind."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.plots.figure import Figure, columns_of, draw, typed
from core.plots.theme import REAL, VERMILLION, population_colours
from core.words import count, number

Profile = Mapping[str, Any]

HEIGHT = 260
HELD_OUT = 0.45  # opacity of what is held out
_MOST_BARS = 60  # values in one figure; the table behind it has them all
_ANSWERS = 10  # a phenotype with so few values has a bar for each
_MARGIN = {"t": 16, "b": 48, "l": 56, "r": 12}


def histogram(
    name: str, bins: Mapping[str, Any], *, x: str, y: str, alt: str, caption: str, log: bool = False, form: str = ".3~g"
) -> Figure:
    """Bars of {"edges", "counts"} with the titles of both axes; `form` writes an edge, `log` bends the count axis."""
    low, high = np.asarray(bins["edges"][:-1], dtype=float), np.asarray(bins["edges"][1:], dtype=float)
    counts = np.asarray(bins["counts"])
    bars = go.Bar(
        x=typed((low + high) / 2), y=typed(counts, "int32"), width=typed(high - low), marker={"color": REAL},
        customdata=typed(np.stack([low, high], axis=1)),
        hovertemplate=f"%{{customdata[0]:{form}}} to %{{customdata[1]:{form}}}<br>{y}: %{{y:,}}<extra></extra>",
    )  # fmt: skip
    up = {"title": f"{y} (log scale)" if log else y, "type": "log" if log else "linear", "rangemode": "tozero"}
    return Figure(
        name=name,
        plot=draw([bars], height=HEIGHT, margin=_MARGIN, bargap=0.04, yaxis=up, xaxis={"title": x, "showgrid": False}),
        alt=alt,
        table={"low": low, "high": high, "count": counts},
        caption=caption,
    )


def label_counts(label: Mapping[str, Any], about: str, *, noun: str = "individual", most: int = _MOST_BARS) -> Figure:
    """How many individuals, or sets, have each value of a label column, training and held out.

    `label` is what `core.data.profile.summaries.label_summary` counts; `about` begins the caption; `noun` is what
    carries the labels.
    """
    column, values = label["column"], label["values"]
    shown, more = values[:most], len(values) - most
    names = [str(one["value"]) for one in shown]
    colours = population_colours([one["value"] for one in values])
    parts = {
        "Training": [one["individuals"] - one["holdout"] for one in values],
        "Held out": [one["holdout"] for one in values],
    }
    bars = [
        go.Bar(
            y=names, x=typed(counts[:most], "int32"), name=part, orientation="h",
            marker={"color": [colours[name] for name in names], "opacity": 1 if part == "Training" else HELD_OUT},
            hovertemplate=f"<b>%{{y}}</b><br>{part}: %{{x:,}}<extra></extra>", showlegend=False,
        )
        for part, counts in parts.items()
    ]  # fmt: skip
    # The legend shows the two parts in grey: the colours are those of the values.
    keys = [
        go.Bar(x=[None], y=[None], name=part, marker={"color": REAL, "opacity": 1 if part == "Training" else HELD_OUT})
        for part in parts
    ]
    unlabelled = f" {count(label['missing'], noun)} without a value." if label["missing"] else ""
    rows = [
        {"value": one["value"], "part": part, f"{noun}s": n}
        for i, one in enumerate(values)
        for part, n in ((part, counts[i]) for part, counts in parts.items())
    ]
    return Figure(
        name=f"{noun}s_by_{column}",
        plot=draw(
            [*bars, *keys],
            height=90 + 20 * max(len(names), 2),
            barmode="stack",
            margin={**_MARGIN, "t": 36},
            xaxis={"title": f"{noun.capitalize()}s"},
            yaxis={"type": "category", "autorange": "reversed", "showgrid": False},
            legend={"traceorder": "normal"},
        ),
        alt=f"{noun.capitalize()}s by {column}: {len(values)} values, largest {names[0]} "
        f"({values[0]['individuals']:,}), smallest {values[-1]['value']} ({values[-1]['individuals']:,}).",
        table=columns_of(rows),
        caption=f"{about}.{unlabelled}" + (f" {more:,} smaller ones are in the CSV." if more > 0 else ""),
    )


def allele_frequencies(profile: Profile) -> Figure:
    """How many variants have which minor-allele frequency."""
    frequencies = profile["frequencies"]
    return histogram(
        "minor_allele_frequency",
        frequencies["maf_histogram"],
        x="Minor-allele frequency",
        y="Variants",
        alt=f"Minor-allele frequencies: {frequencies['below_5_percent']:,} of {profile['variants']:,} variants are "
        f"below 5 %, {frequencies['monomorphic']:,} do not vary.",
        caption=f"{_size(profile)}; bins of 0.02. {count(frequencies['monomorphic'], 'variant')} without variation, "
        f"{count(frequencies['singletons'], 'singleton')}.",
    )


def missingness(profile: Profile) -> Figure | None:
    """The share of missing calls in variants and in individuals, in bins that widen; None where all is known."""
    missing = profile["missing"]
    if not missing["fraction"]:
        return None
    bars, tables = [], []
    for what, opacity in (("variant", 1.0), ("individual", HELD_OUT)):
        edges, counts = missing[f"{what}_histogram"]["edges"], missing[f"{what}_histogram"]["counts"]
        names = [_bin(low, high) for low, high in pairwise(edges)]
        share = np.asarray(counts) / max(sum(counts), 1)
        bars.append(
            go.Bar(
                x=names, y=typed(share), name=f"{what.capitalize()}s", marker={"color": REAL, "opacity": opacity},
                customdata=typed(counts, "int32"),
                hovertemplate="<b>%{fullData.name}</b>, missing %{x}<br>%{customdata:,} (%{y:.1%})<extra></extra>",
            )
        )  # fmt: skip
        tables += [
            {"of": f"{what}s", "missing": name, "count": n, "share": s}
            for name, n, s in zip(names, counts, share.tolist(), strict=True)
        ]
    return Figure(
        name="missing_calls",
        plot=draw(
            bars,
            height=HEIGHT,
            margin={**_MARGIN, "t": 36, "b": 64},
            xaxis={"title": "Missing calls", "type": "category", "showgrid": False},
            yaxis={"title": "Share", "tickformat": ".0%"},
        ),
        alt=f"Missing calls: {missing['fraction']:.2%} of all; at most {missing['variant_largest']:.1%} in a variant "
        f"and {missing['individual_largest']:.1%} in an individual.",
        table=columns_of(tables),
        caption=f"{_size(profile)}; {missing['fraction']:.2%} of all calls are missing.",
    )


def hardy_weinberg(profile: Profile) -> Figure | None:
    """How strongly variants depart from Hardy-Weinberg proportions; None for haploid data."""
    test = profile["hardy_weinberg"]
    if not test.get("test"):
        return None
    departing, tested = test["departures_within"], test["populations_tested"]
    groups = f", least p over {count(tested, 'population')} times their number" if tested > 1 else ""
    figure = histogram(
        "hardy_weinberg",
        test["log10_histogram"],
        x="−log10 p of Hardy-Weinberg equilibrium",
        y="Variants",
        log=True,
        alt=f"Hardy-Weinberg test: {departing:,} of {profile['variants']:,} variants depart with p below 1e-6.",
        caption=f"{_size(profile)}; {test['test']} test{groups}. Line: p = 1e-6; "
        f"{count(departing, 'variant')} beyond it.",
    )
    figure.plot.add_vline(6, line={"color": VERMILLION, "dash": "dash", "width": 1.5})
    return figure


def heterozygosity(profile: Profile) -> Figure | None:
    """How heterozygous individuals are; None for haploid data."""
    summary = profile["heterozygosity"]
    if summary.get("observed") is None:
        return None
    observed, expected = number(summary["observed"]), number(summary["expected"])
    return histogram(
        "individual_heterozygosity",
        summary["individual_histogram"],
        x="Heterozygous calls of an individual (share)",
        y="Individuals",
        alt=f"Heterozygosity of individuals: mean {observed}, expected {expected}; "
        f"{len(summary['outliers'])} stand out.",
        caption=f"{_size(profile)}; mean {observed}, expected from the allele frequencies {expected} "
        f"(F = {number(summary['f'])}).",
    )


def label_values(profile: Profile, column: str) -> Figure | None:
    """How many individuals have each value of a label column, training and held out; None for an unknown column."""
    label = next((one for one in profile["labels"] if one["column"] == column), None)
    if label is None or not label["values"]:
        return None
    return label_counts(label, _size(profile))


def phenotype(profile: Profile, name: str) -> Figure | None:
    """The distribution of a phenotype; None where it is unknown or has no value."""
    values = next((one for one in profile["phenotypes"] if one["name"] == name), None)
    if values is None or "histogram" not in values:
        return None
    figure = distribution(f"phenotype_{name}", name, values, "individual")
    each = " One bar for each value." if values["distinct"] <= _ANSWERS else ""
    return Figure(figure.name, figure.plot, figure.alt, figure.table, figure.caption + each)


def distribution(name: str, title: str, values: Mapping[str, Any], noun: str) -> Figure:
    """A numeric column as `core.data.profile.summaries` sums it up: its histogram, mean and deviation in words."""
    mean, deviation = number(values["mean"]), number(values["sd"])
    return histogram(
        name,
        values["histogram"],
        x=title,
        y=f"{noun.capitalize()}s",
        alt=f"{title}: mean {mean}, standard deviation {deviation}, from {number(values['least'])} to "
        f"{number(values['most'])}.",
        caption=f"{count(values['individuals'], noun)} with a value; mean {mean}, standard deviation {deviation}.",
    )


def _bin(low: float, high: float) -> str:
    return "none" if low == 0 and high < 1e-6 else f"≤ {high * 100:g} %"


def _size(profile: Profile) -> str:
    return f"{count(profile['individuals'], 'individual')}, {count(profile['variants'], 'variant')}"

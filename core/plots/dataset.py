"""What a dataset is like, drawn from the profile that was computed at import."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.plots.histogram import HEIGHT, bar_tooltip, bars, histogram_figure, quantity
from core.plots.label_counts import HELD_OUT, label_counts
from core.plots.theme import REAL, VERMILLION
from core.plots.vega import Figure, columns_of
from core.words import count, number

Profile = Mapping[str, Any]

_ANSWERS = 10  # a phenotype with so few values has a bar for each


def allele_frequencies(profile: Profile) -> Figure:
    """How many variants have which minor-allele frequency."""
    found = profile["frequencies"]
    return histogram_figure(
        "minor_allele_frequency",
        found["maf_histogram"],
        x="Minor-allele frequency",
        y="Variants",
        alt=f"Minor-allele frequencies: {found['below_5_percent']:,} of {profile['variants']:,} variants are below "
        f"5 %, {found['monomorphic']:,} do not vary.",
        caption=f"{_size(profile)}; bins of 0.02. {count(found['monomorphic'], 'variant')} without variation, "
        f"{count(found['singletons'], 'singleton')}.",
    )


def missingness(profile: Profile) -> Figure | None:
    """The share of missing calls in variants and in individuals, in bins that widen; None where all is known."""
    found = profile["missing"]
    if not found["fraction"]:
        return None
    rows = []
    for what in ("variant", "individual"):
        edges, counts = found[f"{what}_histogram"]["edges"], found[f"{what}_histogram"]["counts"]
        total = max(sum(counts), 1)
        for low, high, n in zip(edges, edges[1:], counts, strict=False):
            rows.append({"of": f"{what.capitalize()}s", "missing": _bin(low, high), "count": n, "share": n / total})
    order = list(dict.fromkeys(row["missing"] for row in rows))
    return Figure(
        name="missing_calls",
        spec={
            "data": {"name": "missing"},
            "height": HEIGHT,
            "mark": {"type": "bar", "color": REAL},
            "encoding": {
                "x": {
                    "field": "missing",
                    "type": "ordinal",
                    "sort": order,
                    "title": "Missing calls",
                    "axis": {"labelAngle": -40},
                },
                "xOffset": {"field": "of", "sort": ["Variants", "Individuals"]},
                "y": {"field": "share", "type": "quantitative", "title": "Share", "axis": {"format": "%"}},
                "opacity": {
                    "field": "of",
                    "type": "nominal",
                    "scale": {"domain": ["Variants", "Individuals"], "range": [1, HELD_OUT]},
                    "legend": {"title": None, "orient": "top", "symbolFillColor": REAL, "symbolStrokeWidth": 0},
                },
                "tooltip": [
                    {"field": "of", "title": "Of"},
                    {"field": "missing", "title": "Missing calls"},
                    {"field": "count", "title": "Number", "format": ","},
                    {"field": "share", "title": "Share", "format": ".1%"},
                ],
            },
        },
        data={"missing": columns_of(rows)},
        alt=f"Missing calls: {found['fraction']:.2%} of all; at most {found['variant_largest']:.1%} in a variant and "
        f"{found['individual_largest']:.1%} in an individual.",
        caption=f"{_size(profile)}; {found['fraction']:.2%} of all calls are missing.",
    )


def hardy_weinberg(profile: Profile) -> Figure | None:
    """How strongly variants depart from Hardy-Weinberg proportions; None for haploid data."""
    found = profile["hardy_weinberg"]
    if not found.get("test"):
        return None
    histogram = bars(found["log10_histogram"])
    departing = found["departures_within"]
    bound = {"data": {"values": [{"bound": 6}]}, "mark": {"type": "rule", "color": VERMILLION, "strokeDash": [6, 3]}}
    drawn = {
        "data": {"name": "bars"},
        "mark": {"type": "bar", "color": REAL},
        "encoding": {
            "x": quantity("low", "−log10 p of Hardy-Weinberg equilibrium"),
            "x2": {"field": "high"},
            "y": {
                "field": "shown",
                "type": "quantitative",
                "title": "Variants (log scale)",
                "scale": {"type": "symlog"},
                "axis": {"values": [1, 10, 100, 1000, 10_000, 100_000]},
            },
            "tooltip": bar_tooltip("Variants"),
        },
    }
    tested = found["populations_tested"]
    groups = f", least p over {count(tested, 'population')} times their number" if tested > 1 else ""
    return Figure(
        name="hardy_weinberg",
        spec={
            "height": HEIGHT,
            "layer": [drawn, {**bound, "encoding": {"x": {"field": "bound", "type": "quantitative"}}}],
        },
        data={"bars": {**histogram, "shown": histogram["count"]}},
        alt=f"Hardy-Weinberg test: {departing:,} of {profile['variants']:,} variants depart with p below 1e-6.",
        caption=f"{_size(profile)}; {found['test']} test{groups}. Line: p = 1e-6; "
        f"{count(departing, 'variant')} beyond it.",
        table=histogram,
    )


def heterozygosity(profile: Profile) -> Figure | None:
    """How heterozygous individuals are; None for haploid data."""
    found = profile["heterozygosity"]
    if found.get("observed") is None:
        return None
    return histogram_figure(
        "individual_heterozygosity",
        found["individual_histogram"],
        x="Heterozygous calls of an individual (share)",
        y="Individuals",
        alt=f"Heterozygosity of individuals: mean {number(found['observed'])}, expected {number(found['expected'])}; "
        f"{len(found['outliers'])} stand out.",
        caption=f"{_size(profile)}; mean {number(found['observed'])}, expected from the allele frequencies "
        f"{number(found['expected'])} (F = {number(found['f'])}).",
    )


def label_values(profile: Profile, column: str) -> Figure | None:
    """How many individuals have each value of a label column, training and held out; None for an unknown column."""
    label = next((one for one in profile["labels"] if one["column"] == column), None)
    if label is None or not label["values"]:
        return None
    return label_counts(label, _size(profile))


def phenotype(profile: Profile, name: str) -> Figure | None:
    """The distribution of a phenotype; None where it is unknown or has no value."""
    found = next((one for one in profile["phenotypes"] if one["name"] == name), None)
    if found is None or "histogram" not in found:
        return None
    return histogram_figure(
        f"phenotype_{name}",
        found["histogram"],
        x=name,
        y="Individuals",
        alt=f"{name}: mean {number(found['mean'])}, standard deviation {number(found['sd'])}, "
        f"from {number(found['least'])} to {number(found['most'])}.",
        caption=f"{count(found['individuals'], 'individual')} with a value; mean {number(found['mean'])}, "
        f"standard deviation {number(found['sd'])}."
        + (" One bar for each value." if found["distinct"] <= _ANSWERS else ""),
    )


def _bin(low: float, high: float) -> str:
    if low == 0 and high < 1e-6:
        return "none"
    return f"≤ {high * 100:g} %"


def _size(profile: Profile) -> str:
    return f"{count(profile['individuals'], 'individual')}, {count(profile['variants'], 'variant')}"

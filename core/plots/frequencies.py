"""Frequencies of synthetic against real data: alleles, genotypes, curves over the frequency, departure from HWE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from core.plots.figure import Column, Figure, columns_of, draw, grid, points, translucent, typed
from core.plots.lines import REAL_LABEL, REFERENCES, lines, rows_of
from core.plots.theme import REAL, model_colour
from core.reports.arrays import Frequencies
from core.reports.standing import Candidate
from core.words import number

DRAWN = 50_000
"""Variants drawn at most, those with the largest differences among them; more would be one dark band."""

_GENOTYPES = ("Reference homozygotes", "Heterozygotes", "Alternate homozygotes")
_ALLELES = ("Reference allele", "Alternate allele")  # what the calls of haploids are
_UNIT = {"range": [-0.02, 1.02], "showgrid": False, "nticks": 6}
_BINS = np.linspace(-1, 1, 81)  # of F_IS

Floats = npt.NDArray[np.floating[Any]]


def alleles(frequencies: Frequencies, candidate: Candidate) -> Figure:
    """Real against synthetic allele frequency of each variant, over the band that sampling alone explains.

    The `customdata` of a point is its row in `frequencies`.
    """
    f = frequencies
    difference = np.asarray(f.synthetic - f.real)
    shown = _shown(difference)
    grid = np.linspace(0, 1, 101)
    copies = len(f.genotypes_real) - 1
    chance = 2 * np.sqrt(grid * (1 - grid) * (1 / (copies * f.n_real) + 1 / (copies * f.n_synthetic)))
    band = go.Scatter(
        x=typed([*grid, *grid[::-1]]), y=typed([*(grid - chance), *(grid + chance)[::-1]]), fill="toself",
        fillcolor=translucent(REAL, 0.25), line={"width": 0}, hoverinfo="skip", name="Explained by sampling",
    )  # fmt: skip
    outside = float(np.mean(np.abs(difference) > f.chance))
    return Figure(
        name="allele_frequencies",
        plot=draw(
            [band, _diagonal(), _variants(f, shown, f.real, f.synthetic, candidate)],
            height=520,
            xaxis={"title": "Allele frequency, real", **_UNIT},
            yaxis={"title": "Allele frequency, synthetic", **_UNIT},
            showlegend=False,
        ),
        alt=(
            f"Allele frequencies of {candidate.label}: r {number(candidate.metric('allele_frequency_r').value)},"
            f" RMSE {number(candidate.metric('allele_frequency_rmse').value)}; {outside:.0%} of variants differ by more"
            " than sampling explains (5% expected)."
        ),
        table={
            "variant": f.identifier,
            "real": f.real,
            "synthetic": f.synthetic,
            "difference": difference,
            "chance": f.chance,
        },
        caption=_note(shown, difference),
    )


def genotypes(frequencies: Frequencies, candidate: Candidate) -> Figure:
    """A panel a genotype: its frequency at each variant, real against synthetic; `customdata` as in `alleles`."""
    f = frequencies
    names = _names(f)
    shown = _shown(np.abs(f.genotypes_synthetic - f.genotypes_real).max(axis=0))
    errors = np.sqrt(np.nanmean((f.genotypes_synthetic - f.genotypes_real) ** 2, axis=1))
    table: dict[str, Column] = {"variant": f.identifier}
    plot = grid(1, len(names), [f"<b>{name}</b>" for name in names], height=350, horizontal_spacing=0.04)
    plot.update_xaxes(title="Real", **_UNIT).update_yaxes(**_UNIT).update_yaxes(title="Synthetic", col=1)
    plot.update_layout(showlegend=False)
    for k, name in enumerate(names):
        real, synthetic = f.genotypes_real[k], f.genotypes_synthetic[k]
        traces = [_diagonal(), _variants(f, shown, real, synthetic, candidate, panels=len(names))]
        plot.add_traces(traces, rows=1, cols=k + 1)
        column = name.lower().replace(" ", "_")
        table |= {f"{column}_real": real, f"{column}_synthetic": synthetic}
    says = ", ".join(f"{name.lower()} {number(float(e))}" for name, e in zip(names, errors, strict=True))
    return Figure(
        name="genotype_frequencies",
        plot=plot,
        alt=f"Root-mean-square error of genotype frequencies of {candidate.label}: {says}.",
        table=table,
        caption=_note(shown, f.real),
    )


def in_words(frequencies: Frequencies, variant: int) -> str:
    """The allele frequency of one variant in a sentence that begins after its name."""
    f = frequencies
    real, synthetic, chance = float(f.real[variant]), float(f.synthetic[variant]), float(f.chance[variant])
    size = "more than" if abs(synthetic - real) > chance else "within what"
    return (
        f"has its alternate allele at frequency {number(real)} in real and {number(synthetic)} in synthetic data: "
        f"a difference of {synthetic - real:+.3f}, {size} sampling alone explains (±{chance:.3f})."
    )


def genotype_table(frequencies: Frequencies, variant: int) -> dict[str, list[Any]]:
    """The genotype frequencies of one variant, real and synthetic."""
    f = frequencies
    real, synthetic = f.genotypes_real[:, variant], f.genotypes_synthetic[:, variant]
    return {
        "Genotype": list(_names(f)),
        "Real": [number(float(v)) for v in real],
        "Synthetic": [number(float(v)) for v in synthetic],
        "Difference": [f"{d:+.3f}" for d in synthetic - real],
    }


def by_frequency(candidates: Sequence[Candidate], curve: str, y: str, *, titles: tuple[str, str]) -> Figure | None:
    """A curve of the reports over the minor allele's frequency, a line a model; None where no report has it.

    A row of the curve holds "frequency", or the ends "low" and "high" of a bin; the model's value as `y` or
    "synthetic"; those of the references under "real", "null" or "ceiling", with `y` before or behind.
    """
    rows = rows_of(
        candidates, curve, "value", lambda row, key: {"frequency": _middle(row), "value": _value(row, key, y)}
    )
    if not rows:
        return None
    # A curve that is 0 everywhere needs an axis all the same.
    flat = not any(row["value"] for row in rows)
    lowest = {row["series"]: row["value"] for row in reversed(rows) if row["value"] is not None}
    named = [name for name in (REAL_LABEL, *(c.label for c in candidates)) if name in lowest]
    says = ", ".join(f"{name} {number(lowest[name])}" for name in named)
    return Figure(
        name=f"{curve}_{y}",
        plot=draw(
            lines(candidates, rows, "frequency", "value", hover="%{y:.4g} at frequency %{x:.3g}"),
            height=400,
            xaxis={"title": titles[0], "showgrid": False, "rangemode": "tozero"},
            yaxis={"title": titles[1]} | ({"range": [0, 0.1]} if flat else {}),
        ),
        alt=f"{titles[1]} in the lowest bin of {titles[0].lower()}: {says}.",
        table=columns_of(rows),
    )


def inbreeding(f_is: Mapping[str, Floats], candidate: Candidate) -> Figure:
    """Distribution over variants of F_IS = 1 − H_observed / 2p(1−p): real and null grey, synthetic in colour."""
    values = {name: f_is[key] for key, name in {**REFERENCES, "synthetic": candidate.label}.items() if key in f_is}
    rows = [{"series": name, **row} for name, one in values.items() for row in _shares(one)]
    means = ", ".join(f"{name} {number(float(np.nanmean(one)))}" for name, one in values.items())
    hover = "%{y:.2%} of variants with F_IS about %{x:.3f}"
    return Figure(
        name="inbreeding",
        plot=draw(
            lines([candidate], rows, "f_is", "share", hover=hover),
            height=340,
            xaxis={"title": "F_IS of a variant", "showgrid": False},
            yaxis={"title": "Share of variants", "tickformat": ".0%", "rangemode": "tozero"},
        ),
        alt=f"Mean F_IS: {means}.",
        table=columns_of(rows),
    )


def _names(f: Frequencies) -> tuple[str, ...]:
    return _GENOTYPES if len(f.genotypes_real) == 3 else _ALLELES


def _shown(difference: Floats) -> npt.NDArray[np.int64]:
    """The rows that are drawn: all, or the largest differences and an even choice of the others."""
    if len(difference) <= DRAWN:
        return np.arange(len(difference))
    order = np.argsort(-np.abs(np.nan_to_num(difference)))
    others = order[DRAWN // 10 :]
    even = others[np.linspace(0, len(others) - 1, DRAWN - DRAWN // 10).astype(np.int64)]
    return np.sort(np.concatenate([order[: DRAWN // 10], even]))


def _note(shown: npt.NDArray[np.int64], every: Floats) -> str:
    if len(shown) == len(every):
        return ""
    return f"Drawn are {len(shown):,} of {len(every):,} variants, those that differ most among them."


def _variants(
    f: Frequencies,
    shown: npt.NDArray[np.int64],
    real: Floats,
    synthetic: Floats,
    candidate: Candidate,
    *,
    panels: int = 1,
) -> Any:
    return points(
        np.stack([real[shown], synthetic[shown]], axis=1), len(shown) * panels, customdata=typed(shown, "int32"),
        text=[f.identifier[i] for i in shown], name=candidate.label,
        marker={"color": model_colour(candidate.model), "size": 5 if panels == 1 else 4, "opacity": 0.6},
        hovertemplate="<b>%{text}</b><br>real %{x:.3f}<br>synthetic %{y:.3f}<extra></extra>",
    )  # fmt: skip


def _diagonal() -> go.Scatter:
    """Where real and synthetic are equal."""
    return go.Scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": REAL, "width": 1.5}, hoverinfo="skip")


def _value(row: Mapping[str, Any], key: str, y: str) -> float | None:
    if key == "synthetic":
        return row.get(y, row.get(key))
    return next((row[k] for k in (key, f"{key}_{y}", f"{y}_{key}") if k in row), None)


def _middle(row: Mapping[str, Any]) -> float:
    return float(row["frequency"]) if "frequency" in row else (float(row["low"]) + float(row["high"])) / 2


def _shares(values: Floats) -> list[dict[str, Any]]:
    """Share of variants in each bin of F_IS between the first and the last that is used, with a bin on either side."""
    known = values[np.isfinite(values)]
    shares = np.histogram(np.clip(known, -1, 1), _BINS)[0] / max(1, len(known))
    used = np.flatnonzero(shares)
    kept = range(max(0, int(used[0]) - 1), min(len(shares), int(used[-1]) + 2)) if len(used) else range(0)
    return [{"f_is": float(_BINS[i : i + 2].mean()), "share": float(shares[i])} for i in kept]

"""Diversity along the genome, real and synthetic on one axis, and the joint site-frequency spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from core.plots.figure import Figure, columns_of, draw, typed
from core.plots.lines import REFERENCES, lines
from core.plots.theme import REAL, SEQUENTIAL
from core.reports.arrays import Diversity
from core.reports.standing import Candidate
from core.words import number
from core.words import position as base_pairs

STATISTICS = {
    "pi": "Nucleotide diversity π",
    "theta": "Watterson's θ",
    "tajima_d": "Tajima's D",
    "haplotype_diversity": "Haplotype diversity",
    "h12": "Garud's H12",
    "fst": "F_ST between populations",
}
METRICS = {
    "pi": "nucleotide_diversity_r",
    "theta": "watterson_theta_error",
    "tajima_d": "tajima_d_rmse",
    "haplotype_diversity": "haplotype_diversity_rmse",
    "h12": "garud_h12_rmse",
    "fst": "population_fst_r",
}
"""The metric that compares the windows of each statistic."""

_MARKERS = 60  # windows up to which each has a marker
_GAP = 0.01  # between contigs, of the genome


def along(items: Sequence[tuple[Candidate, Diversity]], statistic: str) -> Figure | None:
    """A statistic (a key of STATISTICS) in windows along the genome: real and null grey, a line a model.

    The real values and the null are those of the first report that has it; other models than that wait in the legend.
    None where no report has the statistic.
    """
    known = [(c, d) for c, d in items if "synthetic" in d.statistics.get(statistic, {})]
    if not known:
        return None
    first = known[0][1]
    alike = [(c, d) for c, d in known if len(d.low) == len(first.low)]
    place = _places(first)
    sides = [(REFERENCES[key], first.statistics[statistic][key]) for key in ("real", "null")]
    sides += [(c.label, d.statistics[statistic]["synthetic"]) for c, d in alike]
    rows = [row for name, values in sides for row in _rows(first, place, name, values)]
    traces = lines([c for c, _ in alike], rows, "x", "value", hover="%{y:.4g}<br>%{text}")
    said = [_window(first, i) for i in range(len(place))]
    for trace in traces:
        trace.update(text=_with_gaps(first, said, ""), connectgaps=False)
        if len(place) > _MARKERS:
            trace.update(mode="lines")
        if trace.name in {c.label for c, _ in alike[1:]}:
            trace.update(visible="legendonly")
    return Figure(
        name=f"windows_{statistic}",
        plot=draw(traces, height=420, xaxis=_axis(first, place), yaxis={"title": STATISTICS[statistic]}),
        alt=_alt(alike, statistic),
        table=columns_of([row for row in rows if row["value"] is not None]),
    )


def agreement(candidate: Candidate, stored: Diversity, statistic: str) -> Figure | None:
    """Each window at its real and its synthetic value; None where the report does not have the statistic."""
    sides = stored.statistics.get(statistic, {})
    if not {"real", "synthetic", "null"} <= set(sides):
        return None
    rows = [
        {"series": name, "window": _window(stored, i), "real": float(real), "value": float(value)}
        for name, values in ((REFERENCES["null"], sides["null"]), (candidate.label, sides["synthetic"]))
        for i, (real, value) in enumerate(zip(sides["real"], values, strict=True))
    ]
    traces = lines([candidate], rows, "real", "value", hover="real %{x:.4g}, here %{y:.4g}<br>%{text}")
    looks: list[dict[str, Any]] = [
        {"mode": "markers", "marker": {"color": REAL, "symbol": "circle-open", "size": 6}},
        {"mode": "markers"},
    ]
    said = [_window(stored, i) for i in range(len(stored.low))]
    for trace, look in zip(traces, looks, strict=True):
        trace.update(text=said, **look)
    values = np.concatenate(list(sides.values()))
    ends = [float(np.nanmin(values)), float(np.nanmax(values))] if np.isfinite(values).any() else [0.0, 1.0]
    equal = go.Scatter(x=ends, y=ends, mode="lines", line={"color": REAL, "width": 1.5}, hoverinfo="skip", name="Equal")
    title = STATISTICS[statistic]
    return Figure(
        name=f"agreement_{statistic}",
        plot=draw(
            [equal, *traces],
            height=420,
            xaxis={"title": f"{title}, real", "showgrid": False},
            yaxis={"title": f"{title}, synthetic"},
        ),
        alt=_alt([(candidate, stored)], statistic),
        table=columns_of(rows),
    )


def joint(candidate: Candidate, stored: Diversity) -> Figure | None:
    """Variants by their frequency in real and in synthetic individuals, shares on a log scale; None without calls."""
    if not stored.joint.any():
        return None
    steps = len(stored.joint) - 1
    grid = np.arange(steps + 1) / steps
    shown = np.where(stored.joint > 0, stored.joint, np.nan).T
    lost = float(stored.joint[1:steps, [0, steps]].sum() / max(stored.joint[1:steps].sum(), 1e-12))
    distance = np.abs(np.subtract.outer(grid, grid))
    low, high = float(np.log10(np.nanmin(shown))), float(np.log10(np.nanmax(shown)))
    ticks = np.arange(np.floor(low), 1)
    heat = go.Heatmap(
        x=typed(grid), y=typed(grid), z=typed(np.log10(shown)), colorscale=SEQUENTIAL, customdata=typed(shown),
        zmin=low, zmax=high,
        colorbar={"title": "Share of variants", "tickvals": ticks.tolist(), "ticktext": [f"{10**t:g}" for t in ticks]},
        hovertemplate="real %{x:.2f}, synthetic %{y:.2f}<br>%{customdata:.3%} of variants<extra></extra>",
    )  # fmt: skip
    diagonal = go.Scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": REAL, "width": 1}, hoverinfo="skip", showlegend=False
    )
    frequency = "Alternate-allele frequency"
    axis = {"range": [-0.5 / steps, 1 + 0.5 / steps], "showgrid": False, "constrain": "domain"}
    return Figure(
        name="joint_spectrum",
        plot=draw(
            [heat, diagonal],
            height=560,
            xaxis={"title": f"{frequency}, real", **axis},
            yaxis={"title": f"{frequency}, {escape(candidate.label)}", "scaleanchor": "x", **axis},
        ),
        alt=f"Mean difference of frequency {number(float((distance * stored.joint).sum()))}; {lost:.1%} of the "
        f"variants that vary in real individuals no longer do in {candidate.label}.",
        table={
            "real": np.repeat(grid, steps + 1),
            "synthetic": np.tile(grid, steps + 1),
            "share": stored.joint.ravel(),
        },
        caption=f"Frequencies in steps of {1 / steps:g}; cells without a variant are empty. On the line: as frequent.",
    )


def _places(stored: Diversity) -> npt.NDArray[np.float64]:
    """(w,) middle of each window along the genome, contig after contig; in base pairs, else in variants."""
    if not stored.placed:
        return np.asarray(np.cumsum(stored.variants) - stored.variants / 2, dtype=np.float64)
    middle = (stored.low + stored.high) / 2
    starts = _contigs(stored)
    if len(starts) == 1:
        return np.asarray(middle, dtype=np.float64)
    lengths = [float(stored.high[a:b].max()) for a, b in starts]
    offset, gap = 0.0, _GAP * sum(lengths)
    for (a, b), length in zip(starts, lengths, strict=True):
        middle[a:b] += offset
        offset += length + gap
    return np.asarray(middle, dtype=np.float64)


def _contigs(stored: Diversity) -> list[tuple[int, int]]:
    """First window and one past the last of each contig."""
    changes = (np.flatnonzero(stored.contig[1:] != stored.contig[:-1]) + 1).tolist()
    return list(zip([0, *changes], [*changes, len(stored.contig)], strict=True))


def _with_gaps(stored: Diversity, values: Sequence[Any], gap: Any) -> list[Any]:
    """The values with `gap` between contigs, where a line breaks."""
    parts = [[*values[a:b], gap] for a, b in _contigs(stored)]
    return [value for part in parts for value in part][:-1]


def _rows(
    stored: Diversity, place: npt.NDArray[np.float64], name: str, values: npt.NDArray[np.float32]
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {
            "series": name,
            "contig": str(stored.contig[i]),
            "low": int(stored.low[i]),
            "high": int(stored.high[i]),
            "variants": int(stored.variants[i]),
            "x": float(place[i]),
            "value": float(values[i]),
        }
        for i in range(len(place))
    ]
    return _with_gaps(stored, rows, {"series": name, "x": None, "value": None})


def _window(stored: Diversity, i: int) -> str:
    size = f"{int(stored.variants[i]):,} variants"
    contig = escape(str(stored.contig[i]))
    if not stored.placed:
        return f"{contig} {size}".strip()
    return f"{contig}: {base_pairs(float(stored.low[i]))} to {base_pairs(float(stored.high[i]))}, {size}".strip(": ")


def _axis(stored: Diversity, place: npt.NDArray[np.float64]) -> dict[str, Any]:
    contigs = _contigs(stored)
    if len(contigs) > 1:
        names = [escape(str(stored.contig[a])) for a, _ in contigs]
        middles = [float(place[a:b].mean()) for a, b in contigs]
        return {"title": "Contig", "tickvals": middles, "ticktext": names, "showgrid": False}
    unit = "Position (base pairs)" if stored.placed else "Variant"
    return {"title": unit, "showgrid": False, "exponentformat": "SI"}


def _alt(items: Sequence[tuple[Candidate, Diversity]], statistic: str) -> str:
    metric = items[0][0].metric(METRICS[statistic])
    says = ", ".join(f"{c.label} {number(c.metric(METRICS[statistic]).value)}" for c, _ in items)
    return f"{STATISTICS[statistic]} in {len(items[0][1].low)} windows; {metric.label}: {says}."

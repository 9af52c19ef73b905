"""Association: mirrored Manhattan plot, quantiles, effects, and predicted against true phenotypes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from core.plots.figure import Columns, Figure, columns_of, draw, points, translucent, typed
from core.plots.lines import REAL_LABEL
from core.plots.theme import (
    CEILING_DASH,
    CEILING_LABEL,
    NULL_DASH,
    NULL_LABEL,
    REAL,
    model_colour,
)
from core.reports.arrays import Association
from core.reports.standing import Candidate
from core.words import number, position

FULL = 20_000  # variants that are all drawn; of more, those that are strong on either side and every tenth other
_STRONG = 2.0  # −log10 p
_GAP = 0.02  # of the whole length, between contigs

Floats = npt.NDArray[Any]


def manhattan(a: Association, candidate: Candidate) -> Figure:
    """−log10 p along the genome, real above and synthetic below; `customdata` of a point is its variant."""
    x, axis, bands = _along(a)
    shown = np.arange(len(x))
    if len(x) > FULL:
        strong = (np.nan_to_num(a.real) > _STRONG) | (np.nan_to_num(a.synthetic) > _STRONG)
        shown = np.flatnonzero(strong | (shown % 10 == 0))
    threshold = float(a.summary["threshold"])
    traces = [
        _side(a, x, shown, a.real, 1, name=f"{REAL_LABEL} ({a.summary['n_real']:,})", color=REAL),
        _side(
            a, x, shown, a.synthetic, -1, name=f"{escape(candidate.label)} ({a.summary['n']:,})",
            color=model_colour(candidate.model),
        ),
    ]  # fmt: skip
    if len(a.causal):
        traces.append(_causes(a, x))
    top = float(np.nanmax([threshold, *a.real, *a.synthetic])) * 1.06
    ticks = _ticks(top)
    lines = [
        {
            "type": "line",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "y0": y,
            "y1": y,
            "line": {"dash": "dot", "width": 1.5, "color": REAL},
        }
        for y in (threshold, -threshold)
    ]
    zero = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0, "line": {"width": 1, "color": REAL}}
    left_out = f"{len(shown):,} of {len(x):,} variants are drawn: the strong ones and every tenth other. "
    causes = "Diamonds: the variants that truly act, as the simulation knows them. "
    notes = (causes if len(a.causal) else "") + (left_out if len(shown) < len(x) else "")
    return Figure(
        name="manhattan",
        plot=draw(
            traces, height=520, xaxis=axis, shapes=[*bands, *lines, zero], legend={"itemsizing": "constant"},
            yaxis={
                "title": "−log<sub>10</sub> p: real up, synthetic down", "range": [-top, top],
                "tickvals": [*-ticks[:0:-1], *ticks], "ticktext": [f"{v:g}" for v in [*ticks[:0:-1], *ticks]],
            },
        ),
        alt=(
            f"Association with {a.phenotype}: {a.summary['hits']} loci pass the threshold in real individuals, the "
            f"strongest at −log10 p {np.nanmax(a.real):.1f}; {candidate.label} reaches {np.nanmax(a.synthetic):.1f} "
            f"and recovers {_share(a.summary.get('recovered'))} of them."
        ),
        table={
            "variant": a.identifier, "contig": a.contig, "position": a.position, "real_log10_p": a.real,
            "synthetic_log10_p": a.synthetic, "real_effect": a.effect_real, "synthetic_effect": a.effect_synthetic,
        },
        caption=f"{notes}Dotted: 0.05 / variants (−log10 p {threshold:.2f}).",
    )  # fmt: skip


def quantiles(rows: Sequence[Mapping[str, Any]], a: Association, candidate: Candidate) -> Figure:
    """Observed against expected −log10 p of real, synthetic, null and control; `rows` are those of the phenotype."""
    looks: dict[str, tuple[str, dict[str, Any]]] = {
        "real": (REAL_LABEL, {"color": REAL, "width": 3}),
        "synthetic": (candidate.label, {"color": model_colour(candidate.model), "width": 3}),
        "ceiling": (CEILING_LABEL, {"color": REAL, "width": 2, "dash": CEILING_DASH}),
        "null": (NULL_LABEL, {"color": REAL, "width": 2, "dash": NULL_DASH}),
        "control": ("Permuted phenotype", {"color": model_colour(candidate.model), "width": 2, "dash": NULL_DASH}),
    }
    columns = {key: typed(np.array([row.get(key) for row in rows], dtype=float)) for key in ("expected", *looks)}
    x = columns["expected"]
    traces = [
        go.Scatter(
            x=x, y=columns[key], mode="lines", name=escape(name), line=line,
            hovertemplate="%{y:.2f} where chance expects %{x:.2f}<extra>%{fullData.name}</extra>",
        )
        for key, (name, line) in looks.items()
        if np.isfinite(columns[key]).any()
    ]  # fmt: skip
    top = float(x.max())
    chance = {"type": "line", "x0": 0, "y0": 0, "x1": top, "y1": top, "line": {"width": 1, "color": REAL}}
    s = a.summary
    return Figure(
        name="quantiles",
        plot=draw(
            traces, height=480, shapes=[chance], xaxis={"title": "Expected −log<sub>10</sub> p", "rangemode": "tozero"},
            yaxis={"title": "Observed −log<sub>10</sub> p", "rangemode": "tozero"},
            legend={"y": -0.2, "yanchor": "top"},
        ),
        alt=(
            f"Quantiles of association with {a.phenotype}: inflation {number(s['lambda_real'])} in real and "
            f"{number(s['lambda_synthetic'])} in synthetic individuals, {number(s['control_lambda'])} once the "
            "phenotype is permuted."
        ),
        table=columns_of(rows),
        caption="Thin grey line: chance.",
    )  # fmt: skip


def effects(a: Association, hits: Sequence[Mapping[str, Any]], candidate: Candidate) -> Figure:
    """Effect of each variant in real against synthetic individuals, the leads of real loci outlined."""
    both = np.stack([a.effect_real, a.effect_synthetic], axis=1)
    known = np.flatnonzero(np.isfinite(both).all(axis=1))
    shown = known if len(known) <= FULL else known[np.argsort(-np.abs(both[known]).max(axis=1))[:FULL]]
    leads = np.flatnonzero(np.isin(a.identifier, [hit["id"] for hit in hits]) & np.isfinite(both).all(axis=1))
    colour = model_colour(candidate.model)
    says = "%{text}<br>real %{x:.3f}, synthetic %{y:.3f}<extra></extra>"
    traces = [
        points(both[rows], len(shown), name=name, marker=marker, customdata=typed(rows, "int32"),
               text=[escape(str(i)) for i in a.identifier[rows]], hovertemplate=says)
        for rows, name, marker in (
            (shown, "All variants", {"color": colour, "size": 5, "opacity": 0.5}),
            (leads, "Leads of real loci", {"color": REAL, "size": 11, "symbol": "circle-open", "line": {"width": 2.5}}),
        )
        if len(rows)
    ]  # fmt: skip
    bound = float(np.abs(both[known]).max() if len(known) else 1.0) * 1.05
    diagonal = {
        "type": "line",
        "x0": -bound,
        "y0": -bound,
        "x1": bound,
        "y1": bound,
        "line": {"width": 1, "color": REAL},
    }
    r = a.summary.get("effect_r")
    return Figure(
        name="effects",
        plot=draw(
            traces, height=480, shapes=[diagonal],
            xaxis={"title": "Effect in real individuals (SD)", "range": [-bound, bound], "nticks": 6},
            yaxis={"title": "Effect in synthetic individuals (SD)", "range": [-bound, bound], "nticks": 6},
            legend={"y": -0.2, "yanchor": "top", "itemsizing": "constant"},
        ),
        alt=(
            f"Effects on {a.phenotype} in real against {candidate.label}: correlation {number(r)} "
            f"(real halves {number(a.summary.get('ceiling_effect_r'))}); {_share(a.summary.get('agreeing'))} of the "
            "leads have the same sign."
        ),
        table={"variant": a.identifier, "real_effect": a.effect_real, "synthetic_effect": a.effect_synthetic},
        caption="Standard deviations of the phenotype for one of the variant.",
    )  # fmt: skip


def hit_table(hits: Sequence[Mapping[str, Any]]) -> Columns:
    """The real loci, the strongest first: where, how strong on either side, effect per allele, whether found again."""
    return {
        "Variant": [hit["id"] for hit in hits],
        "Contig": [hit["contig"] for hit in hits],
        "Position": [position(hit["position"]) if hit["position"] else "–" for hit in hits],
        "In locus": [hit["variants"] for hit in hits],
        "Real −log p": [round(hit["real"], 2) for hit in hits],
        "Synthetic −log p": [None if hit["synthetic"] is None else round(hit["synthetic"], 2) for hit in hits],
        "Allele": [hit["allele"] or "alternate" for hit in hits],
        "Real effect": [hit["real_effect"] for hit in hits],
        "Synthetic effect": [hit["synthetic_effect"] for hit in hits],
        "Same sign": [hit["same_sign"] for hit in hits],
        "Recovered": [hit["recovered"] for hit in hits],
    }


def _side(a: Association, x: Floats, shown: Floats, strength: Floats, sign: int, *, name: str, color: str) -> Any:
    places = [f"{escape(str(a.contig[j]))}:{a.position[j]:,}" for j in shown]
    text = [
        f"<b>{escape(str(a.identifier[j]))}</b><br>{place}<br>−log10 p {strength[j]:.2f}"
        for j, place in zip(shown, places, strict=True)
    ]
    return points(
        np.stack([x[shown], sign * strength[shown]], axis=1), 2 * len(shown), name=name,
        marker={"color": color, "size": 5, "opacity": 0.75}, text=text, customdata=typed(shown, "int32"),
        hovertemplate="%{text}<extra>%{fullData.name}</extra>",
    )  # fmt: skip


def _causes(a: Association, x: Floats) -> Any:
    return go.Scatter(
        x=typed(x[a.causal], "float64"), y=typed(np.zeros(len(a.causal))), mode="markers", name="True causes",
        marker={"symbol": "diamond", "size": 10, "color": "#ffffff", "line": {"width": 2, "color": "#333333"}},
        text=[
            f"<b>{escape(str(a.identifier[j]))}</b> truly acts: {effect:+.3f} per allele"
            for j, effect in zip(a.causal, a.causal_effect, strict=True)
        ],
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip


def _along(a: Association) -> tuple[Floats, dict[str, Any], list[dict[str, Any]]]:
    """Where each variant stands, the axis, and a band under every other contig."""
    names = list(dict.fromkeys(a.contig.tolist()))
    if not (a.position > 0).any():
        axis = {"title": "Variant, in the order of the file", "showgrid": False}
        return np.arange(len(a.position), dtype=float), axis, []
    if len(names) == 1:
        axis = {"title": f"Position on contig {escape(names[0])} (Mb)", "showgrid": False}
        return a.position / 1e6, axis, []
    x, start, centres, bands = np.zeros(len(a.position)), 0.0, [], []
    spans = {name: (int(a.position[a.contig == name].min()), int(a.position[a.contig == name].max())) for name in names}
    gap = _GAP * sum(high - low for low, high in spans.values()) / len(names)
    for k, name in enumerate(names):
        here, (low, high) = a.contig == name, spans[name]
        x[here] = start + (a.position[here] - low) / 1e6
        end = start + (high - low) / 1e6
        centres.append((start + end) / 2)
        if k % 2:
            bands.append(
                {
                    "type": "rect", "yref": "paper", "y0": 0, "y1": 1, "x0": start - gap / 2e6, "x1": end + gap / 2e6,
                    "fillcolor": translucent(REAL, 0.12), "line": {"width": 0}, "layer": "below",
                }
            )  # fmt: skip
        start = end + gap / 1e6
    axis = {"title": "Contig", "showgrid": False, "tickvals": centres, "ticktext": [escape(n) for n in names]}
    return x, axis, bands


def _ticks(top: float) -> Floats:
    """Round values from 0 to below `top`, about four."""
    step = 10 ** np.floor(np.log10(top / 4))
    step *= next(factor for factor in (1, 2, 5, 10) if top / (factor * step) <= 5)
    return np.arange(0, top, step)


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.0%}"

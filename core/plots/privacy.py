"""Privacy: training individuals against the holdout, the membership attack, exposed individuals, their relatives."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.plots.figure import Columns, Figure, columns_of, draw, grid, points, translucent, typed
from core.plots.lines import REAL_LABEL, lines, rows_of
from core.plots.theme import NULL_LABEL, REAL, model_colour, model_symbol
from core.reports.arrays import Exposure
from core.reports.report import Report
from core.reports.standing import Candidate
from core.words import number

UNSEEN = "Real individuals never seen"
SIDES = {"train": "Training individuals", "holdout": "Holdout", "real": "Real individuals"}
_SHARE = {"tickformat": ".0%", "rangemode": "tozero"}


def sides(candidates: Sequence[Candidate]) -> Figure | None:
    """AATS of each model against the training individuals (filled) and the holdout (open); None without a holdout."""
    both = [
        (c, seen, unseen)
        for c in candidates
        if (seen := c.metric("aats_train").value) is not None and (unseen := c.metric("aats").value) is not None
    ]
    if not both:
        return None
    traces: list[Any] = []
    rows: list[dict[str, Any]] = []
    for c, seen, unseen in both:
        name, colour = escape(c.label), model_colour(c.model)
        line = {"color": colour, "width": 2}
        traces.append(go.Scatter(x=[seen, unseen], y=[name] * 2, mode="lines", line=line, hoverinfo="skip"))
        for side, metric, filled in (("train", c.metric("aats_train"), True), ("holdout", c.metric("aats"), False)):
            symbol = model_symbol(c.model) + ("" if filled else "-open")
            traces.append(
                go.Scatter(
                    x=[metric.value], y=[name], mode="markers", hoverinfo="text",
                    marker={"color": colour, "symbol": symbol, "size": 12, "line": {"width": 2}},
                    hovertext=f"<b>{name}</b><br>{SIDES[side]}: {metric.shown}",
                )
            )  # fmt: skip
            ends = {"value": metric.value, "low": metric.low, "high": metric.high}
            rows.append({"model": c.label, "side": SIDES[side], **ends})
    plot = draw(
        traces,
        height=120 + 30 * len(both),
        showlegend=False,
        xaxis={"title": "AATS: 0 copies, 0.5 cannot be told apart, 1 can always be told apart", "range": [-0.02, 1.02]},
        yaxis={"type": "category", "autorange": "reversed", "showgrid": False},
    )
    plot.add_vline(0.5, line={"color": REAL, "dash": "dash", "width": 1.5})
    gap = max(both, key=lambda one: one[2] - one[1])
    return Figure(
        name="aats_sides",
        plot=plot,
        alt=f"AATS against training individuals and holdout; the largest gap is that of {gap[0].label}: "
        f"{number(gap[1])} and {number(gap[2])}.",
        table=columns_of(rows),
        caption="Filled: against the training individuals; open: against the holdout.",
    )


def side_by_side(report: Report) -> Columns:
    """What is nearest to whom against each side there is, as a table; no rows where the report has none of it."""
    accuracy = {row["side"]: row for row in report.curve("adversarial_accuracy")}
    near = {row["side"]: row for row in report.curve("nearest_records")}
    known = [side for side in SIDES if side in accuracy or side in near]
    measures = {
        "AATS (0.5 cannot be told apart)": (accuracy, "aats"),
        "Real individuals whose nearest is real": (accuracy, "aa_truth"),
        "Synthetic individuals whose nearest is synthetic": (accuracy, "aa_synthetic"),
        "Synthetic individuals nearest to this side, at equal sizes": (near, "share"),
        "Synthetic individuals identical to one": (near, "identical"),
        "Median distance to the nearest": (near, "median"),
    }
    columns = {
        SIDES[side]: [
            *(number(rows.get(side, {}).get(key)) for rows, key in measures.values()),
            f"{near.get(side, accuracy.get(side, {}))['n']:,}",
        ]
        for side in known
    }
    return {"": [*measures, "Individuals compared with"]} | columns if columns else {}


def distances(candidate: Candidate) -> Figure | None:
    """Distances to the nearest training record: synthetic, unseen real, independent sites; None without the curve."""
    rows = _histogram(candidate, "nearest_distances")
    if not rows:
        return None
    return Figure(
        name="nearest_distances",
        plot=draw(
            _histogram_lines(candidate, rows, "%{y:.1%} of individuals about %{x:.3g} away"),
            height=340,
            xaxis={"title": "Distance to the nearest training individual", "showgrid": False, "rangemode": "tozero"},
            yaxis={"title": "Share of individuals", **_SHARE},
        ),
        alt=f"Distance of {candidate.label} to the nearest training individual: "
        f"{number(candidate.metric('nearest_record_ratio').value)} times that of real individuals never seen.",
        table=columns_of(rows),
    )


def roc(candidates: Sequence[Candidate], attack: str = "synthetic") -> Figure | None:
    """ROC of a membership attack ("synthetic" the plain one, or "calibrated"), linear and at few false alarms."""
    kept = rows_of(candidates, "membership_roc", "true", lambda row, key: {"true": _rate(row, key, attack), **_x(row)})
    if not kept:
        return None
    titles = ("<b>Members found against false alarms</b>", "<b>At few false alarms (log scales)</b>")
    plot = grid(1, 2, titles, height=430, horizontal_spacing=0.09)
    chance = np.array([1e-3, 1.0])
    for panel in (1, 2):
        plot.add_trace(
            go.Scatter(
                x=typed(chance if panel == 2 else [0, 1]), y=typed(chance if panel == 2 else [0, 1]), mode="lines",
                line={"color": REAL, "dash": "dash", "width": 1.5}, name="Guessing", showlegend=panel == 1,
                hoverinfo="skip",
            ),
            row=1, col=panel,
        )  # fmt: skip
        drawn = kept if panel == 1 else [{**row, "true": row["true"] or None} for row in kept]
        hover = "%{y:.1%} of members found at %{x:.1%} false alarms"
        traces = lines(candidates, drawn, "false", "true", hover=hover, legend=panel == 1)
        plot.add_traces([t.update(mode="lines") for t in traces], rows=1, cols=panel)
    plot.update_xaxes(title="Holdout individuals named", tickformat=".0%", range=[-0.02, 1.02], col=1)
    plot.update_yaxes(title="Training individuals named", tickformat=".0%", range=[-0.02, 1.02], col=1)
    log = {"type": "log", "range": [-2.5, 0.05], "tickvals": [0.01, 0.1, 1], "ticktext": ["1%", "10%", "100%"]}
    plot.update_xaxes(title="Holdout individuals named", col=2, **log)
    plot.update_yaxes(col=2, **log)
    plot.update_layout(legend={"y": -0.2, "yanchor": "top"})
    name = "membership_auc" if attack == "synthetic" else "membership_auc_calibrated"
    says = ", ".join(f"{c.label} {number(c.metric(name).value)}" for c in candidates)
    return Figure(name=f"roc_{attack}", plot=plot, alt=f"Area under the curve: {says}.", table=columns_of(kept))


def exposure_histogram(candidate: Candidate) -> Figure | None:
    """How likely chance brings an unseen individual as near as each synthetic one; None without the curve."""
    rows = [row for row in _histogram(candidate, "exposure") if row["series"] != NULL_LABEL]  # all of it at 1
    if not rows:
        return None
    hover = "%{y:.1%} of individuals with a probability about %{x:.2g}"
    return Figure(
        name="exposure",
        plot=draw(
            _histogram_lines(candidate, rows, hover),
            height=320,
            xaxis={"title": "Probability that an individual never seen comes as near", "range": [0, 1]},
            yaxis={"title": "Share of individuals", **_SHARE},
        ),
        alt=f"{number(candidate.metric('exposed_share').value)} of the individuals of {candidate.label} are nearer to "
        "a training individual than all but 5% of those never seen; chance gives 0.05.",
        table=columns_of(rows),
        caption="Without memory every bin of 0.05 holds 5%: the grey line.",
    )


def exposed(stored: Exposure, candidate: Candidate) -> Figure | None:
    """Each synthetic individual by its distances to the nearest training and holdout individual; None without holdout.

    The `customdata` of a point is its row in `exposed_table`.
    """
    if stored.holdout_distance is None:
        return None
    here = np.stack([stored.holdout_distance, stored.distance], axis=1)
    far = float(here.max()) * 1.04 or 1.0
    low = max(0.0, float(here.min()) - 0.08 * far) if here.min() > 0.2 * far else 0.0
    named = np.asarray(stored.probability) <= 0.05
    looks = {
        f"{candidate.label}": (~named, {"color": model_colour(candidate.model), "opacity": 0.55, "size": 5}),
        f"{candidate.label}, exposed": (
            named,
            {"color": model_colour(candidate.model), "size": 9, "symbol": "diamond"},
        ),
    }
    traces = [
        points(
            here[rows], len(here), name=escape(name), customdata=typed(np.flatnonzero(rows), "int32"), marker=marker,
            text=[f"{escape(str(a))}<br>nearest: {escape(str(b))}" for a, b in _pairs(stored, rows)],
            hovertemplate="<b>%{text}</b><br>%{y:.3g} from training, %{x:.3g} from holdout<extra></extra>",
        )
        for name, (rows, marker) in looks.items()
        if rows.any()
    ]  # fmt: skip
    diagonal = go.Scatter(
        x=typed([low, far]), y=typed([low, far]), mode="lines", line={"color": REAL, "width": 1.5, "dash": "dash"},
        name="Equally far", hoverinfo="skip",
    )  # fmt: skip
    nearer = float((stored.distance < stored.holdout_distance).mean())
    return Figure(
        name="exposed_individuals",
        plot=draw(
            [diagonal, *traces],
            height=480,
            dragmode="select",
            xaxis={"title": "Distance to the nearest holdout individual", "range": [low, far], "showgrid": False},
            yaxis={"title": "Distance to the nearest training individual", "range": [low, far], "showgrid": False},
        ),
        alt=f"{nearer:.0%} of the individuals of {candidate.label} lie nearer to a training individual than to one of "
        f"the holdout; {named.mean():.1%} are exposed.",
        table=exposed_table(stored),
        caption="Below the line: nearer to a training individual. Copies lie at the bottom.",
    )


def exposed_table(stored: Exposure, rows: Sequence[int] | None = None) -> Columns:
    """The synthetic individuals of `rows` (all by default), the most exposed first, with their nearest record."""
    chosen = np.arange(len(stored.distance)) if rows is None else np.sort(np.asarray(rows, dtype=np.int64))
    columns = {
        "synthetic individual": stored.synthetic_id,
        "nearest training individual": stored.record_id,
        "distance": stored.distance,
        "chance as near": stored.probability,
        "distance to holdout": stored.holdout_distance,
        "chance as near to holdout": stored.holdout_probability,
    }
    return {name: values[chosen] for name, values in columns.items() if values is not None}


def relatives(candidates: Sequence[Candidate]) -> Figure | None:
    """Individuals that look like a close relative of a training individual, by degree; None without the curve."""
    first = next((rows for c in candidates if (rows := c.report.curve("kinship_replay"))), [])
    if not first:
        return None
    references = [(UNSEEN, "real", {"color": REAL}), (NULL_LABEL, "null", {"color": translucent(REAL, 0.45)})]
    bars = [(name, [row[key] for row in first], marker) for name, key, marker in references]
    for c in candidates:
        rows = c.report.curve("kinship_replay")
        if rows:
            bars.append((c.label, [row["synthetic"] for row in rows], {"color": model_colour(c.model)}))
    degrees = [row["degree"] for row in first]
    table = [
        {"series": name, "degree": row["degree"], "kinship_above": row["kinship"], "share": share}
        for name, shares, _ in bars
        for row, share in zip(first, shares, strict=True)
    ]
    says = ", ".join(f"{name} {share:.1%}" for name, (share, *_), _ in bars)
    return Figure(
        name="kinship_replay",
        plot=draw(
            [
                go.Bar(
                    x=degrees, y=typed(shares), name=escape(name), marker=marker,
                    hovertemplate="<b>%{fullData.name}</b><br>%{y:.1%}: %{x}<extra></extra>",
                )
                for name, shares, marker in bars
            ],
            height=400,
            barmode="group",
            xaxis={"title": "Closest relative among the training individuals", "showgrid": False},
            yaxis={"title": "Share of individuals", "tickformat": ".0%", "range": [0, 1.02]},
        ),
        alt=f"Individuals with a relative of second degree or closer among the training individuals: {says}.",
        table=columns_of(table),
    )  # fmt: skip


def _histogram(candidate: Candidate, curve: str) -> list[dict[str, Any]]:
    """The bins of a curve as rows for lines: unseen real individuals, the null, the model."""
    names = {"real": REAL_LABEL, "null": NULL_LABEL, "synthetic": candidate.label}
    return [
        {"series": name, "middle": (row["low"] + row["high"]) / 2, "share": row[key]}
        for key, name in names.items()
        for row in candidate.report.curve(curve)
        if row.get(key) is not None
    ]


def _histogram_lines(candidate: Candidate, rows: Sequence[dict[str, Any]], hover: str) -> list[Any]:
    traces = lines([candidate], rows, "middle", "share", hover=hover)
    return [t.update(name=UNSEEN) if t.name == REAL_LABEL else t for t in traces]


def _rate(row: Any, key: str, attack: str) -> float | None:
    return row.get(attack if key == "synthetic" else key) if not (key == "null" and attack != "synthetic") else None


def _x(row: Any) -> dict[str, float]:
    return {"false": row["false_positives"]}


def _pairs(stored: Exposure, rows: Any) -> list[tuple[Any, Any]]:
    return list(zip(stored.synthetic_id[rows], stored.record_id[rows], strict=True))

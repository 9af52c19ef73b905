"""Allele and genotype frequencies of synthetic against real data, variant by variant."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from core.plots.theme import REAL, model_colour
from core.plots.vega import Figure, Spec
from core.reports.arrays import Frequencies
from core.reports.standing import Candidate
from core.words import number

POINTS = 3000
"""Variants drawn as points of their own; more are drawn as a map of counts, with the worst ones as points."""

_X, _Y = "Allele frequency, real", "Allele frequency, synthetic"
_TITLES = {"real": _X, "x": _X, "synthetic": _Y, "low": _Y, "y": _Y}
_WORST = 60
_CELLS = 60
Floats = npt.NDArray[np.floating[Any]]


def alleles(frequencies: Frequencies, candidate: Candidate, *, caption: str = "") -> Figure:
    """Real against synthetic allele frequency with the identity line and the band that sampling alone explains."""
    f = frequencies
    data: dict[str, Any] = {"band": _band(f)}
    low = f.real.shape[0] <= POINTS
    cloud = _points_layer(candidate) if low else _counts_layer()
    chosen = np.arange(len(f.real)) if low else np.argsort(-np.abs(np.nan_to_num(f.synthetic - f.real)))[:_WORST]
    data["variants"] = {
        "variant": [str(f.identifier[int(i)]) for i in chosen],
        "real": f.real[chosen],
        "synthetic": f.synthetic[chosen],
        "difference": (f.synthetic - f.real)[chosen],
    }
    if not low:
        data["counts"] = _counts(f)
    outside = float(np.mean(np.abs(f.synthetic - f.real) > f.chance))
    return Figure(
        name="allele_frequencies",
        spec={
            "height": 420,
            "layer": [
                {
                    "data": {"name": "band"},
                    "mark": {"type": "area", "color": REAL, "opacity": 0.25},
                    "encoding": {
                        "x": _axis("real"),
                        "y": _axis("low"),
                        "y2": {"field": "high"},
                    },
                },
                {
                    "data": {"name": "band"},
                    "mark": {"type": "line", "color": REAL, "strokeWidth": 1.5},
                    "encoding": {"x": _axis("real"), "y": _axis("real", _TITLES["synthetic"])},
                },
                *cloud,
            ],
        },
        data=data,
        alt=(
            f"Allele frequencies of {candidate.label}: r {number(_metric(candidate, 'allele_frequency_r'))},"
            f" RMSE {number(_metric(candidate, 'allele_frequency_rmse'))}; {outside:.0%} of variants differ by more"
            " than sampling explains (5% expected)."
        ),
        caption=caption,
        table={
            "variant": list(f.identifier),
            "real": f.real,
            "synthetic": f.synthetic,
            "difference": f.synthetic - f.real,
            "chance": f.chance,
        },
    )


def genotypes(frequencies: Frequencies, candidate: Candidate, *, width: int = 190, caption: str = "") -> Figure:
    """A panel a genotype: its frequency at each variant, real against synthetic."""
    f = frequencies
    names: tuple[str, ...] = ("Reference homozygotes", "Heterozygotes", "Alternate homozygotes")
    names = names if len(f.genotypes_real) == 3 else ("Reference allele", "Alternate allele")
    step = max(1, -(-f.real.shape[0] // 1500))
    data: dict[str, Any] = {"identity": {"x": [0.0, 1.0]}}
    panels = []
    for k, name in enumerate(names):
        data[name] = {
            "variant": list(f.identifier[::step]),
            "real": f.genotypes_real[k][::step],
            "synthetic": f.genotypes_synthetic[k][::step],
        }
        panels.append(_genotype_panel(name, candidate, width, titled=k == 0))
    errors = [
        float(np.sqrt(np.nanmean((f.genotypes_synthetic[k] - f.genotypes_real[k]) ** 2))) for k in range(len(names))
    ]
    said = ", ".join(f"{name.lower()} {number(e)}" for name, e in zip(names, errors, strict=True))
    note = f" Every {step}th variant is drawn." if step > 1 else ""
    table: dict[str, Any] = {"variant": list(f.identifier)}
    for k, name in enumerate(names):
        column = name.lower().replace(" ", "_")
        table |= {f"{column}_real": f.genotypes_real[k], f"{column}_synthetic": f.genotypes_synthetic[k]}
    return Figure(
        name="genotype_frequencies",
        spec={"hconcat": panels, "spacing": 16},
        data=data,
        alt=f"Root-mean-square error of genotype frequencies of {candidate.label}: {said}.",
        caption=caption + note,
        table=table,
    )


def _points_layer(candidate: Candidate) -> list[Spec]:
    return [
        {
            "data": {"name": "variants"},
            "mark": {
                "type": "point",
                "filled": True,
                "size": 16,
                "opacity": 0.6,
                "color": model_colour(candidate.model),
            },
            "encoding": {"x": _axis("real"), "y": _axis("synthetic"), "tooltip": _tips()},
        }
    ]


def _counts_layer() -> list[Spec]:
    cell = {"bin": "binned"}
    return [
        {
            "data": {"name": "counts"},
            "mark": {"type": "rect", "tooltip": True},
            "encoding": {
                "x": {**_axis("x"), **cell},
                "x2": {"field": "x2"},
                "y": {**_axis("y"), **cell},
                "y2": {"field": "y2"},
                "color": {
                    "field": "count",
                    "type": "quantitative",
                    "scale": {"type": "log", "scheme": "viridis"},
                    "legend": {"title": "Variants"},
                },
            },
        },
        {
            "data": {"name": "variants"},
            "mark": {"type": "point", "size": 22, "color": REAL},
            "encoding": {"x": _axis("real"), "y": _axis("synthetic"), "tooltip": _tips()},
        },
    ]


def _tips() -> list[Spec]:
    return [
        {"field": "variant", "title": "Variant"},
        {"field": "real", "title": "Real", "format": ".3f"},
        {"field": "synthetic", "title": "Synthetic", "format": ".3f"},
        {"field": "difference", "title": "Difference", "format": "+.3f"},
    ]


def _axis(field: str, title: str | None = None) -> Spec:
    named = title or _TITLES.get(field)
    scale = {"domain": [0, 1], "nice": False}
    return {
        "field": field,
        "type": "quantitative",
        "title": named,
        "scale": scale,
        "axis": {"grid": False, "tickCount": 6},
    }


def _band(f: Frequencies) -> dict[str, Any]:
    grid = np.linspace(0, 1, 41)
    copies = len(f.genotypes_real) - 1
    half = 2 * np.sqrt(grid * (1 - grid) * (1 / (copies * f.n_real) + 1 / (copies * f.n_synthetic)))
    return {"real": grid, "low": np.clip(grid - half, 0, 1), "high": np.clip(grid + half, 0, 1)}


def _counts(f: Frequencies) -> dict[str, Any]:
    both = np.isfinite(f.real) & np.isfinite(f.synthetic)
    edges = np.linspace(0, 1, _CELLS + 1)
    counts, _, _ = np.histogram2d(f.real[both], f.synthetic[both], bins=(edges, edges))
    x, y = np.nonzero(counts)
    return {"x": edges[x], "x2": edges[x + 1], "y": edges[y], "y2": edges[y + 1], "count": counts[x, y].astype(int)}


def _genotype_panel(name: str, candidate: Candidate, width: int, *, titled: bool) -> Spec:
    def axis(field: str, title: str | None) -> Spec:
        scale = {"domain": [0, 1], "nice": False}
        grid = {"grid": False, "tickCount": 3}
        return {"field": field, "type": "quantitative", "title": title, "scale": scale, "axis": grid}

    return {
        "title": {"text": name, "anchor": "start", "fontSize": 13},
        "width": width,
        "height": width,
        "layer": [
            {
                "data": {"name": "identity"},
                "mark": {"type": "line", "color": REAL},
                "encoding": {"x": axis("x", "Real"), "y": axis("x", "Synthetic" if titled else None)},
            },
            {
                "data": {"name": name},
                "mark": {
                    "type": "point",
                    "filled": True,
                    "size": 12,
                    "opacity": 0.5,
                    "color": model_colour(candidate.model),
                },
                "encoding": {
                    "x": axis("real", "Real"),
                    "y": axis("synthetic", "Synthetic" if titled else None),
                    "tooltip": [t for t in _tips() if t["field"] != "difference"],
                },
            },
        ],
    }


def _metric(candidate: Candidate, name: str) -> float | None:
    return candidate.metric(name).value

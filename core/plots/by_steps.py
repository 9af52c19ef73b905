"""A training one step at a time: the weights and what moved them, and the individuals that come out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from core.data.genotypes import Calls
from core.plots.figure import Figure, draw, grid, typed
from core.plots.theme import DIVERGING, REAL, model_colour, model_symbol
from core.words import number

Floats = npt.NDArray[np.float64]

_ROWS, _COLUMNS = 48, 96  # of a matrix in view
_HEIGHT = 400


def weights(name: str, value: Floats, before: Floats) -> Figure:
    """The corner of a matrix as it is, and beside it what the last move added; each on its own symmetric scale.

    Args:
        name: of the matrix in the model.
        value, before: (rows, columns) now and before the last move.
    """
    now, change = value[:_ROWS, :_COLUMNS], (value - before)[:_ROWS, :_COLUMNS]
    plot = grid(2, 1, ["Weights", "Change in the last move"], height=520, vertical_spacing=0.14)
    for panel, matrix in enumerate((now, change)):
        bound = float(np.abs(matrix).max()) or 1.0
        plot.add_trace(
            go.Heatmap(
                z=typed(matrix), zmin=-bound, zmax=bound, colorscale=DIVERGING,
                colorbar={"thickness": 10, "y": 0.79 - 0.57 * panel, "len": 0.45, "nticks": 5},
                hovertemplate="row %{y}, column %{x}: %{z:.3g}<extra></extra>",
            ),
            row=panel + 1,
            col=1,
        )  # fmt: skip
    plot.update_xaxes(showgrid=False)
    plot.update_xaxes(title="Column", row=2)
    plot.update_yaxes(title="Row", autorange="reversed", showgrid=False)
    rows, columns = value.shape
    cut = f" The first {now.shape[0]} × {now.shape[1]} are shown." if now.size < value.size else ""
    return Figure(
        name="weights_by_step",
        plot=plot,
        alt=f"Weights {name}, {rows} × {columns}; the last move changed them by at most "
        f"{number(float(np.abs(value - before).max()))}.",
        table={
            "row": np.repeat(np.arange(rows), columns), "column": np.tile(np.arange(columns), rows),
            "weight": value.ravel(), "change": (value - before).ravel(),
        },
        caption=f"{name}: {rows} × {columns}.{cut}",
    )  # fmt: skip


def samples(real: Calls, made: Calls, model: str) -> Figure:
    """Real individuals in grey and generated ones on the first two components of the real ones.

    Args:
        real, made: (n, m) and (k, m) calls.
        model: name of the model, for its colour.
    """
    mean = real.mean(axis=0)
    _, _, axes = np.linalg.svd(real - mean, full_matrices=False)
    places = {"Real": (real - mean) @ axes[:2].T, "Generated": (made - mean) @ axes[:2].T}
    looks = {
        "Real": {"color": REAL, "size": 6, "opacity": 0.6},
        "Generated": {"color": model_colour(model), "symbol": model_symbol(model), "size": 7, "opacity": 0.8},
    }
    traces = [
        go.Scatter(
            x=typed(xy[:, 0]), y=typed(xy[:, 1]), mode="markers", name=name, marker=looks[name],
            hovertemplate="%{x:.1f}, %{y:.1f}<extra>%{fullData.name}</extra>",
        )
        for name, xy in places.items()
    ]  # fmt: skip
    gap = np.abs(real.mean(axis=0) - made.mean(axis=0)).mean() / 2
    names = np.repeat(list(places), [len(xy) for xy in places.values()])
    xy = np.concatenate(list(places.values()))
    return Figure(
        name="samples_by_step",
        plot=draw(traces, height=_HEIGHT, xaxis={"title": "PC1"}, yaxis={"title": "PC2"}),
        alt=f"Generated individuals among real ones; mean difference of allele frequency {number(float(gap))}.",
        table={"individual": names, "pc1": xy[:, 0], "pc2": xy[:, 1]},
        caption=f"{len(real)} real, {len(made)} generated from the same noise at every move.",
    )

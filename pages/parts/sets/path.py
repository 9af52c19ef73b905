"""The whole way from A to B: small multiples, how long it is, how far it strays from transport, and its export."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from core.plots.sets_samples import strip
from core.plots.sets_walk import GENERATED, MIXTURE, TRANSPORT, straying, whole_way
from core.words import count, number
from pages.parts.chart import chart
from pages.parts.sets.axes import Drawing, axes_of
from pages.parts.sets.runs import SetRun, open_model
from pages.parts.sets.walk import walk

if TYPE_CHECKING:
    from core.latents.interpolation import Path

STEPS = 11
_VECTORS, _IMAGES = 400, 64
_ROWS = 4  # images of each source in the strip of the whole way


def whole_path(chosen: SetRun, a: str, b: str, drawn: Drawing) -> None:
    """Numbers, small multiples and the curve of the deviation, with the arrays to take home."""
    path, gaps = _path(str(chosen.run.path), a, b, drawn.seed, chosen)
    length, direct, strays, own = st.columns(4)
    length.metric(
        "Path length", number(path.length), border=True,
        help=f"Sum of W2 between {STEPS} neighbouring generated distributions, in {path.space}.",
    )  # fmt: skip
    direct.metric(
        "Distance of the ends", number(path.distance), border=True,
        help="W2 of the two generated ends: a path that is a shortest one is as long as this.",
    )  # fmt: skip
    strays.metric(
        "Deviation", f"{path.deviation:.1%}", border=True,
        help="From optimal transport: largest W2 from a generated distribution to the transport path, less what the "
        "ends already have by sampling and by the model's own error, as a share of the path length.",
    )  # fmt: skip
    own.metric(
        "Error at the ends", number(float(max(gaps[0][0], gaps[0][-1]))), border=True,
        help="W2 from the generated to the real set, the worse of A and B: the model's own error and sampling.",
    )  # fmt: skip
    n = path.generated.shape[1]
    pairs = count(path.transport.shape[1], "real pair")
    caption = f"{n:,} generated at each t with the same noise, {pairs}; seed {drawn.seed}"
    shown = range(0, STEPS, 2)
    rows = {GENERATED: path.generated, TRANSPORT: path.transport, MIXTURE: path.mixture}
    if chosen.image:
        _strips({name: part[list(shown)] for name, part in rows.items()}, path.t[list(shown)], caption)
    else:
        axes = axes_of(chosen)
        flat = {name: [axes.plane(part[i], drawn.x, drawn.y) for i in shown] for name, part in rows.items()}
        figure = whole_way(flat, [float(path.t[i]) for i in shown], caption=f"{drawn.x} and {drawn.y}; {caption}.")
        chart(figure, key="whole_way", width="content")
    each = min(n, path.transport.shape[1])
    off = (
        f"error of the model at the ends taken off: {number(float(gaps[0][0]))} at A, {number(float(gaps[0][-1]))} at B"
    )
    caption = f"W2 in {path.space}, {count(each, 'observation')} on each side; {off}; seed {drawn.seed}."
    chart(straying(path.t, *gaps, caption=caption), key="straying")
    st.download_button(
        "Path (npz)", lambda: _npz(path), f"path_{a}_{b}.npz", key="path_npz", on_click="ignore",
        icon=":material/download:", type="tertiary", help="t, latents, generated, transport and mixture as arrays.",
    )  # fmt: skip


def _strips(rows: dict[str, Any], t: Any, caption: str) -> None:
    """One board a source: a column for each t, the same noise along a row."""
    for place, (name, part) in zip(st.columns(len(rows)), rows.items(), strict=True):
        with place:
            st.markdown(f"**{name}**")
            pictures = part[:, :_ROWS].swapaxes(0, 1).reshape(-1, *part.shape[2:])
            scale = max(1, 260 // (part.shape[-1] * len(t)))
            st.image(
                strip(pictures, len(t), scale), width="stretch",
                alt=f"{name} at t = {', '.join(f'{s:g}' for s in t)}, one column each.",
            )  # fmt: skip
    st.caption(f"Columns: t = {', '.join(f'{s:g}' for s in t)}. {caption}.")


def _npz(path: Path) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **path.arrays())
    return stream.getvalue()


@st.cache_resource(max_entries=8, show_spinner="Walking the whole way…")
def _path(path: str, a: str, b: str, seed: int, _chosen: SetRun) -> Any:
    """The path and its distances from transport, kept for each pair of ends."""
    from core.latents.interpolation import interpolate
    from core.latents.walk import straying as gaps

    n = _IMAGES if _chosen.image else _VECTORS
    found = interpolate(open_model(_chosen), _chosen.sets, a, b, steps=STEPS, n=n, seed=seed)
    return found, gaps(found, *walk(_chosen, a, b, seed).real)

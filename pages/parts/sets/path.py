"""The whole way from A to B: small multiples, how long it is, how far it strays from transport, and its export."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from core.plots.samples import strip
from core.plots.sets_walk import GENERATED, MIXTURE, TRANSPORT, straying, whole_way
from core.words import count, number
from pages.parts.sets.axes import Drawing, axes_of
from pages.parts.sets.runs import SetRun
from pages.parts.sets.walk import walk
from pages.parts.vega_chart import chart

if TYPE_CHECKING:
    from core.latents.walk import Straying

_ROWS = 4  # images of each source in the strip of the whole way


def whole_path(chosen: SetRun, a: str, b: str, drawn: Drawing) -> None:
    """Numbers, small multiples and the curve of the deviation, with the arrays to take home."""
    path = _straying(str(chosen.run.path), a, b, drawn.n, drawn.seed, chosen)
    length, direct, strays, own = st.columns(4)
    length.metric(
        "Path length", number(path.length), border=True,
        help=f"Sum of W2 between {len(path.t)} neighbouring generated distributions, in {path.space}.",
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
        "Error at the ends", number(path.floor), border=True,
        help="W2 from the generated to the real set, the worse of A and B: the model's own error and sampling.",
    )  # fmt: skip
    first = path.moments[0]
    pairs = count(len(first.transport), "real pair")
    caption = f"{len(first.generated):,} generated at each t with the same noise, {pairs}; seed {drawn.seed}"
    shown = path.moments[:: (len(path.moments) - 1) // 5]
    t = [moment.t for moment in shown]
    rows = {
        GENERATED: [moment.generated for moment in shown],
        TRANSPORT: [moment.transport for moment in shown],
        MIXTURE: [moment.mixture for moment in shown],
    }
    if chosen.image:
        _strips({name: np.stack(part) for name, part in rows.items()}, t, caption)
    else:
        axes = axes_of(chosen)
        flat = {name: [axes.plane(x, drawn.x, drawn.y) for x in part] for name, part in rows.items()}
        chart(whole_way(flat, t, caption=f"{drawn.x} and {drawn.y}; {caption}."), key="whole_way", width="content")
    sides = f"{count(path.observations, 'observation')} on each side; {number(path.floor)} at the ends"
    caption = f"W2 in {path.space}, {sides}; seed {drawn.seed}."
    chart(straying(path.t, path.generated, path.mixture, caption=caption), key="straying")
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


def _npz(path: Straying) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **path.arrays())
    return stream.getvalue()


@st.cache_resource(max_entries=8, show_spinner="Walking the whole way…")
def _straying(path: str, a: str, b: str, n: int, seed: int, _chosen: SetRun) -> Straying:
    """The moments of the walk and their distances from transport, kept for each pair of ends."""
    return walk(_chosen, a, b, Drawing(n=n, seed=seed)).straying()

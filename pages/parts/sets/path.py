"""The whole way from A to B: how long it is, how far it strays from transport, small multiples, and its export."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from core.plots.samples import strip
from core.plots.walk import straying, whole_way
from core.words import count, number
from pages.parts.chart import chart
from pages.parts.frame import heavy
from pages.parts.sets.axes import Drawing
from pages.parts.sets.runs import OF_RUN, SetRun
from pages.parts.sets.walk import flat, panels, walk

if TYPE_CHECKING:
    from core.data.loadings import Loadings
    from core.latents.walk import Straying

_SHOWN = 6  # moments in the small multiples
_LONG = 1.5  # lengths of a path, in distances of its ends, from which it is no straight one
_ROWS = 4  # images of each source in them


def whole_path(chosen: SetRun, a: str, b: str, drawn: Drawing) -> None:
    """Numbers, the curve that they are read off, small multiples, and the arrays to take home."""
    way = _straying(chosen, a, b, drawn.n, drawn.seed)
    length, direct, strays, own = st.columns(4)
    length.metric(
        "Path length", number(way.length), border=True,
        help=f"Sum of W2 between {len(way.t)} neighbouring generated distributions, in {way.space}.",
    )  # fmt: skip
    direct.metric(
        "Distance of the ends", number(way.distance), border=True,
        help="W2 of the two generated ends: a path that is a shortest one is as long as this.",
    )  # fmt: skip
    strays.metric(
        "Deviation", f"{way.deviation:.1%}", border=True,
        help="From optimal transport: the highest point of the curve below, less the error at the ends, as a share of "
        "the distance of the ends.",
    )  # fmt: skip
    own.metric(
        "Error at the ends", number(way.floor), border=True,
        help="W2 from the generated to the real set, the worse of A and B: the model's own error and sampling.",
    )  # fmt: skip
    if way.length > _LONG * way.distance and chosen.run.config["generator"]["name"] == "local_bootstrap":
        st.caption(
            f"The path is {way.length / way.distance:.1f} times as long as its ends are apart: the local bootstrap "
            "draws other real deviations at each t, so the length grows with the number of moments and says little. "
            "Read the curve below against the error at the ends."
        )
    caption = f"W2 in {way.space}, {count(way.observations, 'observation')} on each side; seed {drawn.seed}."
    chart(straying(way.t, way.generated, way.mixture, way.floor), key="straying", caption=caption)
    shown = [way.moments[i] for i in np.linspace(0, len(way.moments) - 1, _SHOWN).round().astype(int)]
    parts, t = panels(shown), [moment.t for moment in shown]
    made, pairs = count(drawn.n, "observation"), count(len(shown[0].transport), "real pair")
    caption = f"{made} generated at each t with the same noise, {pairs}; seed {drawn.seed}."
    if chosen.image:
        _strips(parts, t, caption)
    elif drawn.x != drawn.y:
        caption = f"{drawn.x} and {drawn.y}; {caption}"
        chart(whole_way(flat(parts, chosen, drawn), t), key="whole_way", caption=caption)
    loadings = _way_to_genes(chosen, drawn.n * len(way.t))
    st.download_button(
        "Path (npz)", lambda: _npz(way, loadings), f"path_{a}_{b}.npz", key="path_npz", on_click="ignore",
        icon=":material/download:", type="tertiary",
        help="t, latents, generated, transport and mixture as arrays, and the two curves.",
    )  # fmt: skip


def _strips(parts: dict[str, list[Any]], t: list[float], caption: str) -> None:
    """One board a source: a column for each t, the same noise along a row."""
    for place, (name, samples) in zip(st.columns(len(parts)), parts.items(), strict=True):
        with place:
            st.markdown(f"**{name}**")
            rows = np.stack(samples)[:, :_ROWS].swapaxes(0, 1)
            pictures = rows.reshape(-1, *rows.shape[2:])
            times = ", ".join(f"{s:g}" for s in t)
            scale = max(1, 260 // (pictures.shape[-1] * len(t)))
            st.image(strip(pictures, len(t), scale), width="stretch", alt=f"{name} at t = {times}, one column each.")
    st.caption(f"Columns: t = {times}. {caption}")


def _way_to_genes(chosen: SetRun, cells: int) -> Loadings | None:
    """The loadings, where the dataset has some and the reader wants generated cells as genes in the download."""
    loadings = chosen.sets.loadings
    if loadings is None:
        return None
    fits = loadings.fits(cells)
    wanted = st.toggle(
        f"With {len(loadings.gene):,} genes of each generated cell", key="path_genes", disabled=not fits,
        help=f"By the loadings that the file had, {loadings.units}." if fits else "Too many numbers: draw fewer.",
    )  # fmt: skip
    return loadings if wanted and fits else None


def _npz(way: Straying, loadings: Loadings | None) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **way.arrays(loadings))  # type: ignore[arg-type]
    return stream.getvalue()


@st.cache_resource(max_entries=8, hash_funcs=OF_RUN, show_spinner="Measuring the whole way…")
@heavy()
def _straying(chosen: SetRun, a: str, b: str, n: int, seed: int) -> Straying:
    """The moments of the walk and their distances from transport, kept for each pair of ends."""
    return walk(chosen, a, b, n, seed).straying()

"""One moment of the walk from A to B, and the player that moves it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from core.plots.axes import Axes
from core.plots.samples import strip
from core.plots.sets_walk import GENERATED, MIXTURE, TRANSPORT, moment
from core.plots.vega import Figure
from core.words import count, number
from pages.parts.chart import chart as plotly_chart
from pages.parts.frame import plain, share
from pages.parts.sets.axes import IMAGES, Drawing, axes_of, densities
from pages.parts.sets.runs import SetRun, open_model
from pages.parts.state import (
    INTERPOLATE_BEYOND,
    INTERPOLATE_PLAYING,
    INTERPOLATE_POINTS,
    INTERPOLATE_SEED,
    INTERPOLATE_T,
    INTERPOLATE_VIEW,
    SET_A,
    SET_B,
    SET_RUN,
    SET_VIEW,
    SET_X,
    SET_Y,
)
from pages.parts.vega_chart import chart

if TYPE_CHECKING:
    from core.latents.walk import Walk

BEYOND = (-0.5, 1.5)
PACE = 0.4  # seconds between two frames
_STEP = 0.05
LINKED = (
    SET_RUN, SET_A, SET_B, INTERPOLATE_VIEW, INTERPOLATE_T, INTERPOLATE_BEYOND, INTERPOLATE_POINTS, INTERPOLATE_SEED,
    SET_VIEW, SET_X, SET_Y,
)  # fmt: skip


def player(chosen: SetRun, a: str, b: str, drawn: Drawing) -> None:
    """The slider over t, the play button and what the walk looks like at t; a fragment, which redraws by itself."""
    if st.session_state.get(INTERPOLATE_PLAYING):
        _advance()
    known = st.session_state.get(INTERPOLATE_T)
    # Before anything is drawn: what is shown then leaves together, and the browser lays it out once.
    samples = None if known is None else _samples(chosen, (a, b), _written(known), drawn)
    play, slide, further, linked = st.columns([1.3, 4.6, 2.4, 1.6], vertical_alignment="bottom")
    with further:
        beyond = st.toggle(
            "Beyond the ends", key=INTERPOLATE_BEYOND, bind="query-params", help="t from −0.5 to 1.5: extrapolation."
        )  # fmt: skip
    low, high = BEYOND if beyond else (0.0, 1.0)
    # Written only where it must change: a value that is written moves the slider, even under the reader's hand.
    if (now := st.session_state.get(INTERPOLATE_T)) is not None and not low <= float(now) <= high:
        st.session_state[INTERPOLATE_T] = min(max(float(now), low), high)
    playing = bool(st.session_state.get(INTERPOLATE_PLAYING))
    with play:
        if st.button(
            "Stop" if playing else "Play", key="walk_play", icon=f":material/{'stop' if playing else 'play_arrow'}:",
            help="Walk from A to B.", on_click=_toggle,
        ):  # fmt: skip
            st.rerun()
    with slide:
        t = st.slider(
            "t: 0 is A, 1 is B", low, high, 0.5, 0.01, key=INTERPOLATE_T, bind="query-params",
            help="The latent (1 − t) A + t B is given to the generator; the noise stays the same at every t.",
        )  # fmt: skip
    with linked:
        share(*LINKED)
    if samples is None or t != known:
        samples = _samples(chosen, (a, b), _written(t), drawn)
    _at(chosen, (a, b), _written(t), samples, drawn)
    if playing and t >= 1:
        st.session_state[INTERPOLATE_PLAYING] = False
        st.rerun()


def _written(t: float) -> float:
    """Ten steps of 0.01 need not add up to what a link writes."""
    return round(float(t), 2)


def _samples(chosen: SetRun, names: tuple[str, str], t: float, drawn: Drawing) -> dict[str, Any]:
    """The three answers to what lies at t: what the model generates, transport and mixture, each (n, *shape)."""
    moment = walk(chosen, *names, drawn).at(t)
    return {GENERATED: moment.generated, TRANSPORT: moment.transport, MIXTURE: moment.mixture}


def _toggle() -> None:
    playing = not st.session_state.get(INTERPOLATE_PLAYING, False)
    st.session_state[INTERPOLATE_PLAYING] = playing
    if playing and st.session_state.get(INTERPOLATE_T, 0.0) >= 1:
        st.session_state[INTERPOLATE_T] = 0.0


def _advance() -> None:
    now = float(st.session_state.get(INTERPOLATE_T, 0.0))
    st.session_state[INTERPOLATE_T] = round(min(1.0, now + _STEP), 2)


def _at(chosen: SetRun, names: tuple[str, str], t: float, samples: dict[str, Any], drawn: Drawing) -> None:
    """The answers drawn as the observations are: points, densities or images."""
    way = walk(chosen, *names, drawn)
    z = way.at(t).latent
    near = np.argsort(np.linalg.norm(chosen.latents - z, axis=1), kind="stable")[:3]
    if not 0 <= t <= 1:
        _warn(chosen, z)
    pairs = count(len(way.pairs[0]), "real pair")
    caption = (
        f"t = {t:g}; {drawn.n:,} generated, {pairs} in transport and mixture; noise {drawn.seed}. "
        f"Nearest known sets: {', '.join(chosen.names[i] for i in near)}."
    )
    if chosen.image:
        images(samples, f"t = {t:g} from {names[0]} to {names[1]}", caption)
        return
    axes = axes_of(chosen)
    reach = BEYOND if st.session_state.get(INTERPOLATE_BEYOND) else (0.0, 1.0)
    framed = [part for t in reach for part in (way.at(t).generated, way.at(t).transport)]
    if drawn.view == "Densities":
        plotly_chart(densities(axes, samples, caption, [*way.real, *framed]), key="moment_density")
        return
    made = np.mean(axes.plane(samples[GENERATED], drawn.x, drawn.y), axis=0)
    # The words for the picture are part of the drawing: were t among them, the browser would draw anew at each t.
    alt = (
        f"Between A ({names[0]}) and B ({names[1]}): what the model generates, optimal transport and the plain "
        "mixture, side by side. The text below says for which t, and where the generated observations lie."
    )
    caption = f"{caption} Generated around ({number(float(made[0]))}, {number(float(made[1]))})."
    figure = replace(_moment(axes, way, samples, framed, drawn), alt=alt, caption=caption)
    chart(figure, key="moment", width="content", moving=True)


def _moment(axes: Axes, way: Walk, samples: dict[str, Any], framed: list[Any], drawn: Drawing) -> Figure:
    return moment(
        {name: axes.plane(sample, drawn.x, drawn.y) for name, sample in samples.items()},
        {letter: axes.plane(real, drawn.x, drawn.y) for letter, real in zip("AB", way.real, strict=True)},
        (axes.title(drawn.x), axes.title(drawn.y)),
        framed=[axes.plane(sample, drawn.x, drawn.y) for sample in framed],
    )


def images(samples: dict[str, Any], what: str, caption: str) -> None:
    """A board of images for each source, side by side."""
    for place, (name, sample) in zip(st.columns(len(samples)), samples.items(), strict=True):
        with place:
            st.markdown(f"**{name}**")
            st.image(board(sample), width="stretch", alt=f"{name}: {what}.")
    st.caption(plain(caption))


def board(sample: Any) -> bytes:
    """PNG of at most 24 images in rows of six."""
    return strip(sample[:IMAGES], 6, max(1, 260 // (sample.shape[-1] * 6)))


def _warn(chosen: SetRun, z: Any) -> None:
    from core.latents.lens import outside

    far = outside(z, chosen.latents)
    st.warning(
        f"Extrapolation: this latent is {number(far)} times as far from the nearest known set as any known set is from "
        f"its own neighbour{'; the model has seen nothing like it' if far > 1 else ''}. Transport goes straight on; "
        "the mixture stays at its end.",
        icon=":material/warning:",
    )


def walk(chosen: SetRun, a: str, b: str, drawn: Drawing) -> Walk:
    """The prepared walk, kept for each pair of ends."""
    return _walk(str(chosen.run.path), a, b, drawn.n, drawn.seed, chosen)


@st.cache_resource(max_entries=8, show_spinner="Pairing the observations…")
def _walk(path: str, a: str, b: str, n: int, seed: int, _chosen: SetRun) -> Walk:
    from core.latents.walk import walk_between

    return walk_between(open_model(_chosen), _chosen.sets, a, b, n=n, seed=seed)

"""The walk from A to B, which the browser plays by itself once it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.evaluation.mutations import laid
from core.modalities.sequence import spell
from core.plots import walk as plots
from core.plots.figure import Figure
from core.plots.sequences import logo
from core.plots.walk import GENERATED, MIXTURE, TRANSPORT, Moments, Panels
from core.words import count, number
from pages.parts import state
from pages.parts.chart import chart
from pages.parts.frame import heavy, share
from pages.parts.sets.axes import Drawing, axes_of
from pages.parts.sets.letters import placed
from pages.parts.sets.runs import OF_RUN, SetRun, open_model

if TYPE_CHECKING:
    from core.latents.walk import Moment, Walk

BEYOND = (-0.5, 1.5)
LINKED = (
    state.SET_RUN, state.SET_A, state.SET_B, state.INTERPOLATE_VIEW, state.INTERPOLATE_T, state.INTERPOLATE_BEYOND,
    state.INTERPOLATE_POINTS, state.INTERPOLATE_SEED, state.SET_VIEW, state.SET_X, state.SET_Y,
)  # fmt: skip
_NEAR = 3
_WINDOW = 40  # positions of a logo
_LISTED = 50  # sequences as text


@st.fragment
def player(chosen: SetRun, a: str, b: str, drawn: Drawing) -> None:
    """Every moment of the walk in one figure; a fragment, since the place where the slider is let go comes back."""
    with st.container(horizontal=True, vertical_alignment="center"):
        beyond = st.toggle(
            "Beyond the ends", key=state.INTERPOLATE_BEYOND, bind="query-params", width="stretch",
            help="t from −0.5 to 1.5: extrapolation. Transport goes straight on; the mixture stays at its end.",
        )  # fmt: skip
        linked = st.container(width="content")
    low, high = BEYOND if beyond else (0.0, 1.0)
    way = walk(chosen, a, b, drawn.n, drawn.seed)
    moments = way.moments(low=low, high=high)
    if beyond:
        _warn(chosen, moments)
    t = [moment.t for moment in moments]
    figure = _figure(chosen, way, moments, _start((chosen.name, a, b, drawn, beyond), t), drawn)
    caption = (
        f"{count(way.n, 'observation')} generated, {count(len(way.pairs[0]), 'real pair')} in transport and mixture; "
        f"noise {drawn.seed}."
    )
    key = "walk_beyond" if beyond else "walk_within"
    place = chart(figure, key=key, caption=caption, watch=("slider",)).slider
    if place is not None:
        st.session_state[state.INTERPOLATE_T] = t[place]
        st.query_params[state.INTERPOLATE_T] = f"{t[place]:g}"
    with linked:
        share(*LINKED)


@st.fragment
def letters_between(chosen: SetRun, a: str, b: str, drawn: Drawing) -> None:
    """Logo of what is generated at t, as a slider moves t, and the first of its sequences as text."""
    alphabet, length = chosen.sets.alphabet, chosen.sets.observation.stored[0]
    moments = walk(chosen, a, b, drawn.n, drawn.seed).moments(low=0.0, high=1.0)
    places = {round(moment.t, 3): moment for moment in moments}
    st.markdown("**Letter by letter**")
    middle = list(places)[len(places) // 2]
    t = st.select_slider("t, from A to B", list(places), value=middle, key=state.INTERPOLATE_LETTERS)
    first = 1
    if length > _WINDOW:
        first = st.slider("First position", 1, length - _WINDOW + 1, 1, key=state.INTERPOLATE_FIRST)
    generated = places[t].generated
    real = np.concatenate(walk(chosen, a, b, drawn.n, drawn.seed).real)
    along, letters = laid({"Real": real, GENERATED: generated}, alphabet)
    note = f"{placed(along=letters != alphabet)}; information corrected for small samples."
    caption = f"{count(len(generated), 'sequence')} generated at t = {t:g}, noise {drawn.seed}; {note}"
    chart(logo({GENERATED: along[GENERATED]}, letters, first - 1, _WINDOW), key="walk_logo", caption=caption)
    words = spell(generated[:_LISTED], alphabet)
    st.dataframe(
        {f"Sequences generated at t = {t:g}": words}, hide_index=True, height=250,
        alt=f"{len(words)} sequences generated at t = {t:g}.",
    )  # fmt: skip


@st.cache_resource(max_entries=8, hash_funcs=OF_RUN, show_spinner="Pairing the observations…")
@heavy()
def walk(chosen: SetRun, a: str, b: str, n: int, seed: int) -> Walk:
    """The prepared walk, kept for each pair of ends."""
    from core.latents.walk import walk_between

    return walk_between(open_model(chosen), chosen.sets, a, b, n=n, seed=seed)


def panels(moments: Sequence[Moment]) -> dict[str, list[np.ndarray]]:
    """The three answers to what lies at each of `moments`, under their names."""
    fields = {GENERATED: "generated", TRANSPORT: "transport", MIXTURE: "mixture"}
    return {name: [getattr(moment, field) for moment in moments] for name, field in fields.items()}


def flat(parts: Panels, chosen: SetRun, drawn: Drawing) -> dict[str, list[np.ndarray]]:
    """Observations along the two axes that are drawn."""
    axes = axes_of(chosen)
    return {name: [axes.plane(part, drawn.x, drawn.y) for part in samples] for name, samples in parts.items()}


def _start(shown: tuple[object, ...], t: Sequence[float]) -> int:
    """The place of the moment that a figure begins with: that of the address when the figure was first `shown`.

    A figure that followed its own slider would be another one, and be drawn anew under the reader's hand.
    """
    try:
        linked = float(st.query_params.get(state.INTERPOLATE_T, ""))
    except ValueError:
        linked = 0.5
    known = st.session_state.get(state.INTERPOLATE_SHOWN)
    if known is None or known[0] != shown or linked != st.session_state.get(state.INTERPOLATE_T):
        known = (shown, int(np.abs(np.array(t) - linked).argmin()))
        st.session_state[state.INTERPOLATE_SHOWN] = known
        st.session_state[state.INTERPOLATE_T] = linked
    return int(known[1])


def _figure(chosen: SetRun, way: Walk, moments: Sequence[Moment], start: int, drawn: Drawing) -> Figure:
    """The walk as the reader wants observations drawn: points, densities or images."""
    from core.latents.lens import nearest

    parts = panels(moments)
    near = [nearest(moment.latent, chosen.latents)[0] for moment in moments]
    words = [f"nearest sets {', '.join(chosen.names[i] for i in order[:_NEAR])}" for order in near]
    t = [moment.t for moment in moments]
    if chosen.image:
        return plots.boards(Moments(t, words, start), parts)
    axes = axes_of(chosen)
    if drawn.view == "Densities":
        columns = {name: [axes.numbers(x) for x in samples] for name, samples in parts.items()}
        features = {axes.features[i]: i for i in axes.leading(plots.outermost(columns))}
        return plots.densities(Moments(t, words, start), columns, features)
    plane = flat(parts, chosen, drawn)
    ends = {letter: axes.plane(real, drawn.x, drawn.y) for letter, real in zip("AB", way.real, strict=True)}
    middles = [np.mean(part, axis=0) for part in plane[GENERATED]]
    words = [
        f"generated around ({number(float(x))}, {number(float(y))})  ·  {said}"
        for (x, y), said in zip(middles, words, strict=True)
    ]
    titles = (axes.title(drawn.x), axes.title(drawn.y))
    draw = plots.density_map if drawn.view == "Density map" else plots.points
    return draw(Moments(t, words, start), plane, ends, titles)


def _warn(chosen: SetRun, moments: Sequence[Moment]) -> None:
    from core.latents.lens import outside

    far = [outside(moment.latent, chosen.latents) for moment in (moments[0], moments[-1])]
    unlike = "; the model has seen nothing like it" if max(far) > 1 else ""
    st.warning(
        f"Extrapolation: at t = {moments[0].t:g} and {moments[-1].t:g} the latent is {number(far[0])} and "
        f"{number(far[1])} times as far from the nearest known set as any known set is from its own neighbour{unlike}.",
        icon=":material/warning:",
    )

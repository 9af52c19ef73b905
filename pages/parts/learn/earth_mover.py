"""Lesson 4: earth mover's distance."""

import streamlit as st

from core.lessons.earth_mover import STEPS, WAYS, Critics, piles
from core.plots.lessons.earth_mover import critics, distances, sand
from core.words import number
from pages.parts.chart import live_chart
from pages.parts.frame import fact
from pages.parts.learn.lesson import Check, Choice, Lesson, Seed, Seen, Slider, Step, Values

_SAND, _DISTANCES, _CRITIC = "Sand", "Distances", "Critic"
_KEPT, _PLAYING = "earth_mover critics", "earth_mover playing"
_EVERY = 0.3  # seconds between draws while critics learn
_STEPS = 8  # of them between two draws


def _draw(values: Values) -> None:
    playing = False
    if values["view"] == _CRITIC:
        playing = _learning(values)
    else:
        two = piles(values["shift"], values["width"])
        live_chart((sand if values["view"] == _SAND else distances)(two), key="lesson_earth_mover", otherwise="")
        with st.container(horizontal=True):
            fact("Earth mover's distance", number(two.earth_mover), help="Mass times the distance that it is pushed.")
            fact("Jensen–Shannon", f"{number(two.jensen_shannon)} nats", help="log 2 = 0.693 without any overlap.")
    if playing != st.session_state.get(_PLAYING, False):
        # How often the lesson draws by itself is settled where the whole page runs.
        st.session_state[_PLAYING] = playing
        st.rerun()


def _learning(values: Values) -> bool:
    """Let the critics take some steps; whether there are more to take."""
    state = tuple(values[key] for key in ("shift", "width", "lipschitz", "seed"))
    kept = st.session_state.get(_KEPT)
    if kept is None or kept[0] != state:
        shift, width, lipschitz, seed = state
        kept = st.session_state[_KEPT] = (state, Critics(piles(shift, width), lipschitz, seed))
    three: Critics = kept[1]
    three.train(_STEPS)
    live_chart(critics(three), key="lesson_earth_mover_critics", otherwise="")
    with st.container(horizontal=True):
        fact("λ times the distance", number(three.lipschitz * three.piles.earth_mover))
        for way, estimate in zip(WAYS, three.estimates[-1], strict=True):
            fact(way.capitalize(), number(float(estimate)))
        fact("Step", f"{three.step} of {STEPS}")
    return not three.finished


LESSON = Lesson(
    name="earth_mover",
    title="Earth mover's distance",
    question="How far apart are two distributions that do not overlap?",
    idea=(
        "Take both distributions as piles of sand. The **earth mover's distance** (or Wasserstein distance) is the "
        "least work that pushes one pile into the other: mass times way. A GAN asks a **critic** instead, a network "
        "that scores real places above synthetic ones; if its slope is at most λ, the difference of the mean scores "
        "is at most λ times that distance."
    ),
    icon="landscape",
    minutes=15,
    controls=(
        Choice("view", "Look at", _SAND, options=(_SAND, _DISTANCES, _CRITIC)),
        Slider("shift", "Shift", 2.0, "How far the synthetic pile lies to the right.", low=0.0, high=5.0, step=0.25),
        Slider("width", "Width of the synthetic pile", 2.0, "The real pile is 2 wide.", low=1.0, high=4.0, step=0.5),
        Slider("lipschitz", "Steepest slope λ", 1.0, "The Lipschitz constant that the critic is to keep.", low=0.5,
               high=3.0, step=0.5),
        Seed(help="The first weights of the critics; the piles do not depend on it."),
    ),
    draw=_draw,
    every=lambda: _EVERY if st.session_state.get(_PLAYING) else None,
    steps=(
        Step(
            "Push the sand by 2", {"view": _SAND, "shift": 2.0, "width": 2.0},
            "Every grain goes 2 to the right, so the work is 2. Move the shift: the distance is the shift itself.",
        ),
        Step(
            "Widen without a shift", {"view": _SAND, "shift": 0.0, "width": 4.0},
            "Both piles have one centre, yet sand must move: outwards, on both sides. No grain crosses the way of "
            "another; a plan that crosses is never cheaper.",
        ),
        Step(
            "Pull the piles apart", {"view": _DISTANCES, "shift": 4.0, "width": 2.0},
            "The earth mover's distance goes on in a straight line. Jensen–Shannon, which only compares heights place "
            "by place, is log 2 as soon as the piles no longer overlap, and flat from there: no slope tells a "
            "generator where to go.",
        ),
        Step(
            "Ask three critics", {"view": _CRITIC, "shift": 3.0, "width": 2.0, "lipschitz": 1.0},
            "Unrestrained, a critic makes the difference as large as it likes: it leaves the figure. Clipped weights "
            "keep the slope below λ but reach little more than half of the distance. The gradient penalty comes near "
            "it, a little above: it asks for the slope λ and does not force it.",
        ),
        Step(
            "Allow a steeper slope", {"view": _CRITIC, "shift": 3.0, "width": 2.0, "lipschitz": 3.0},
            "Scores may now fall three times as fast, and every restrained estimate is about three times as large. A "
            "critic measures λ times the distance, so its numbers compare only at one λ.",
        ),
    ),
    check=Check(
        "Synthetic samples lie far from all real ones. Which distance tells the generator in which direction to go?",
        ("Jensen–Shannon", "Earth mover's", "Both"),
        1,
        "Without overlap Jensen–Shannon is log 2 wherever the synthetic samples lie, so moving them changes nothing. "
        "The earth mover's distance falls with every step towards the real ones.",
    ),
    sources={
        "Arjovsky et al. 2017, Wasserstein GAN": "https://doi.org/10.48550/arXiv.1701.07875",
        "Gulrajani et al. 2017, the gradient penalty": "https://doi.org/10.48550/arXiv.1704.00028",
        "Peyré & Cuturi 2019, Computational Optimal Transport": "https://doi.org/10.1561/2200000073",
    },
    seen=(
        Seen("runs", "The Wasserstein estimate of a WGAN-GP in training"),
        Seen("structure", "Distances of populations along components"),
        Seen("interpolate", "Transport between two sets"),
    ),
)  # fmt: skip

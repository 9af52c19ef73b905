"""Lesson 6: mode collapse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.lessons.collapse import MOST_STEPS, Trainer, real_cohort
from core.plots.lessons.collapse import training
from pages.parts.chart import live_chart
from pages.parts.frame import fact, heavy
from pages.parts.learn.lesson import Check, Lesson, Seed, Seen, Slider, Step, Values

if TYPE_CHECKING:
    from collections.abc import MutableMapping

_TRAINER, _PLAYING, _BEGAN, _PLACE = "collapse trainer", "collapse playing", "collapse began", "collapse place"
_AT_ONCE = 5  # steps between two pictures
_SECONDS = 0.25  # between two of them

_real = st.cache_data(real_cohort, show_spinner=False)


def _draw(values: Values) -> None:
    visit = st.session_state
    if visit.get(_BEGAN) != (values["latent"], values["seed"]):
        # Another latent or seed is another generator: what was trained before has no place in it.
        visit[_BEGAN], visit[_TRAINER] = (values["latent"], values["seed"]), None
    steps = _buttons(visit)
    if steps:
        _train(visit, values, steps)
    trainer: Trainer | None = visit[_TRAINER]
    history = trainer.history if trainer else []
    last = len(history) - 1
    place = min(visit.get(_PLACE, last), last) if last > 0 else max(last, 0)
    live_chart(training(_real(), history, place), key="lesson_collapse", otherwise="")
    if last > 0:
        visit[_PLACE] = place
        st.slider(
            "Go back in the history", 0, last, key=_PLACE, help="Play goes on from here, with the settings of now.",
            format=" ",
        )  # fmt: skip
    with st.container(horizontal=True):
        shown = history[place] if history else None
        fact("Step", str(shown.step) if shown else "–")
        fact("Precision", f"{shown.precision:.2f}" if shown else "–")
        fact("Recall", f"{shown.recall:.2f}" if shown else "–")
        fact("Populations made", f"{shown.populations} of 5" if shown else "–", help="With at least a twentieth each.")
    if visit.get(_PLAYING) and trainer and trainer.step >= MOST_STEPS:
        visit[_PLAYING] = False
        st.rerun()


def _buttons(visit: MutableMapping[str, object]) -> int:
    """The buttons; returns the steps that are to be taken now."""
    playing = bool(visit.get(_PLAYING))
    with st.container(horizontal=True):
        if st.button(
            "Pause" if playing else "Play", key="collapse_play", type="primary",
            icon=":material/pause:" if playing else ":material/play_arrow:",
        ):  # fmt: skip
            visit[_PLAYING] = not playing
            st.rerun()  # the whole page: how often it draws by itself is asked there
        one = st.button("One step", key="collapse_one", disabled=playing)
        many = st.button("50 steps", key="collapse_many", disabled=playing)
        if st.button("From the beginning", key="collapse_begin", icon=":material/replay:"):
            visit[_TRAINER] = None
            visit.pop(_PLACE, None)
    return 1 if one else 50 if many else _AT_ONCE if playing else 0


def _train(visit: MutableMapping[str, object], values: Values, steps: int) -> None:
    trainer = visit[_TRAINER]
    if not isinstance(trainer, Trainer):
        with st.spinner("The networks are made …"), heavy():
            trainer = visit[_TRAINER] = Trainer(_real(), values["latent"], values["seed"])
        visit.pop(_PLACE, None)
    trainer.rewind(int(visit.get(_PLACE, len(trainer.history))))  # type: ignore[call-overload]
    for part in range(0, steps, _AT_ONCE):
        trainer.advance(min(_AT_ONCE, steps - part), values["critic_steps"], values["penalty"])
    visit[_PLACE] = len(trainer.history) - 1


LESSON = Lesson(
    name="collapse",
    title="Mode collapse",
    question="A generator learns five populations by deceiving a critic. When does it forget some of them, and which "
    "number notices first?",
    idea=(
        "A **generator** makes genotypes from random numbers, a **critic** learns to tell them from real ones, and the "
        "generator learns to please the critic. A weak critic can be pleased with a few kinds of individuals: the "
        "generator collapses onto them. The WGAN-GP below has 24 variants to learn and is trained while you watch."
    ),
    icon="compress",
    minutes=20,
    controls=(
        Slider(
            "critic_steps", "Critic steps", 3, "Steps of the critic before each step of the generator. Counts from the "
            "next step on.", low=1, high=5, step=1,
        ),
        Slider(
            "penalty", "Gradient penalty", 10.0, "Weight that keeps the slope of the critic near 1. 0: none. Counts "
            "from the next step on.", low=0.0, high=10.0, step=0.5,
        ),
        Slider(
            "latent", "Latent size", 8, "Random numbers from which an individual is made. Another size begins anew.",
            low=1, high=16, step=1,
        ),
        Seed(),
    ),
    draw=_draw,
    every=lambda: _SECONDS if st.session_state.get(_PLAYING) else None,
    steps=(
        Step(
            "Train with a good critic", {"critic_steps": 3, "penalty": 10.0, "latent": 8},
            "Press **From the beginning**, then **Play**. In 200 steps precision climbs above 0.5, and recall stays "
            "near the dashed line: the blue points settle on all five populations.",
        ),
        Step(
            "Make it collapse", {"critic_steps": 1, "penalty": 0.0, "latent": 2},
            "Press **From the beginning**, then **Play**. Recall turns down first. Precision still climbs while recall "
            "goes to a half of what it was or less, and falls only later, if at all. Populations vanish, come back, "
            "and others vanish.",
        ),
        Step(
            "Go back and save it", {"critic_steps": 3, "penalty": 10.0, "latent": 2},
            "Do not start anew. Pull the history to where recall is lowest and press **Play**: with three critic steps "
            "and the penalty the same generator finds all five populations again, within 100 steps.",
        ),
        Step(
            "The penalty alone", {"critic_steps": 1, "penalty": 10.0, "latent": 2},
            "From the beginning again. One critic step, but with the penalty: recall dips and comes back to some 0.8. "
            "It is the penalty that keeps the critic's slope finite wherever the generator goes.",
        ),
        Step(
            "More critic, no penalty", {"critic_steps": 5, "penalty": 0.0, "latent": 8},
            "From the beginning. Five critic steps do not replace the penalty: recall lasts longer, but precision lags "
            "far behind the good critic, and with some seeds never leaves 0.",
        ),
    ),
    check=Check(
        "During training precision rises and recall falls. What is happening?",
        (
            "The generator is still learning: recall will follow",
            "It makes fewer kinds of individuals, each of them more real: mode collapse",
            "The critic has become too strong",
        ),
        1,
        "Precision asks whether what is made looks real, and one perfect population is enough for that. Only recall "
        "asks who is missing.",
    ),
    sources={
        "Gulrajani et al. 2017, WGAN-GP": "https://doi.org/10.48550/arXiv.1704.00028",
        "Kynkäänniemi et al. 2019, improved precision and recall": "https://doi.org/10.48550/arXiv.1904.06991",
        "Balding & Nichols 1995, frequencies of populations": "https://doi.org/10.1007/BF01441146",
    },
    seen=(
        Seen("runs", "Precision and recall while a model trains"),
        Seen("precision_recall", "Recall of each population"),
    ),
)  # fmt: skip

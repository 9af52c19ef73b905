"""Lesson 5: precision, recall and k."""

import streamlit as st

from core.lessons.neighbourhoods import LARGEST, simulate
from core.plots.lessons.neighbourhoods import balls
from pages.parts.chart import live_chart
from pages.parts.learn.lesson import Check, Lesson, Seed, Seen, Slider, Step, Values

_simulated = st.cache_data(simulate, max_entries=64, show_spinner=False)


def _draw(values: Values) -> None:
    points = _simulated(values["shift"], values["spread"], values["missing"], values["seed"])
    live_chart(balls(points, values["k"]), key="lesson_neighbourhoods", otherwise="")


LESSON = Lesson(
    name="neighbourhoods",
    title="Precision, recall and k",
    question="Two numbers say whether synthetic individuals look real and whether anybody is left out. "
    "What can make both of them lie?",
    idea=(
        "Draw a ball around every real point that reaches to its k-th nearest real neighbour. **Precision** is the "
        "share of synthetic points that lie in at least one of these balls: do they look real? **Recall** turns it "
        "round: balls around synthetic points, and the share of real points inside: is everybody there?"
    ),
    icon="target",
    minutes=15,
    controls=(
        Slider(
            "k", "k", 5, "A ball reaches to the k-th nearest neighbour of its own cohort. There are 120 points, so "
            "at k = 60 every ball holds half of them.", low=1, high=LARGEST, step=1,
        ),
        Slider(
            "missing", "Populations missing", 0, "The generator never makes these; the others are larger instead.",
            low=0, high=4, step=1,
        ),
        Slider(
            "spread", "Spread", 1.0, "Spread of synthetic points around the middle of their population, real = 1.",
            low=0.1, high=2.5, step=0.1,
        ),
        Slider(
            "shift", "Shift to the middle", 0.0, "0: every synthetic population in its place. 1: all in one crowd "
            "between the real ones, a cohort without structure.", low=0.0, high=1.0, step=0.05,
        ),
        Seed(),
    ),
    draw=_draw,
    steps=(
        Step(
            "Leave two populations out", {"k": 5, "missing": 2, "spread": 1.0, "shift": 0.0},
            "Precision is near 1: every synthetic point looks real. Recall is near 3/5: the crosses at the right are "
            "the two populations that nobody generates.",
        ),
        Step(
            "Make only typical individuals", {"k": 5, "missing": 0, "spread": 0.3, "shift": 0.0},
            "All five populations are there, but only their middles. X also sees variety lost within a population.",
        ),
        Step(
            "Make wild ones", {"k": 5, "missing": 0, "spread": 2.0, "shift": 0.0},
            "Now it is the other way round: the synthetic points cover everybody, so recall is 1, but many lie where "
            "nobody real is, and precision falls.",
        ),
        Step(
            "Take all structure away", {"k": 5, "missing": 0, "spread": 2.5, "shift": 1.0},
            "One crowd between the populations: it resembles nobody. At k = 5 precision and recall both say so.",
        ),
        Step(
            "The same crowd at k = 60", {"k": 60, "missing": 0, "spread": 2.5, "shift": 1.0},
            "Not one point has moved. But a ball that holds half of the cohort reaches across the gaps between "
            "populations, and everything is inside: precision and recall are near 1.",
        ),
        Step(
            "Two missing, k = 60", {"k": 60, "missing": 2, "spread": 1.0, "shift": 0.0},
            "Recall is near 1 although two of five populations do not exist. The curve stays at 3/5 up to k = 39. From "
            "k = 40, the size of a synthetic population, no ball finds its k neighbours at home: all reach beyond.",
        ),
    ),
    check=Check(
        "A paper reports a recall of 0.99 at k = 60, with 120 individuals on either side. What do you conclude?",
        (
            "Nearly all of the real variety is there",
            "Little: at this k a cohort without structure has it too",
            "The generator has copied its training individuals",
        ),
        1,
        "Balls that hold half of a cohort cover nearly everything. Ask for the curve over k, small k (3 to 5) first, "
        "and for the same number of a generator that is known to be bad.",
    ),
    sources={
        "Kynkäänniemi et al. 2019, improved precision and recall": "https://doi.org/10.48550/arXiv.1904.06991",
        "Naeem et al. 2020, density and coverage": "https://doi.org/10.48550/arXiv.2002.09797",
    },
    seen=(
        Seen("precision_recall", "Precision and recall over k"),
        Seen("structure", "Who is missing, on the map of populations"),
    ),
)  # fmt: skip

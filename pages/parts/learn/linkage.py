"""Lesson 1: why linkage?"""

import streamlit as st

from core.lessons.linkage import Pair, simulate
from core.plots.lessons.linkage import VIEWS
from core.words import number
from pages.parts.chart import live_chart
from pages.parts.frame import fact
from pages.parts.learn.lesson import Check, Choice, Lesson, Seed, Seen, Slider, Step, Switch, Values

_simulated = st.cache_data(simulate, max_entries=64, show_spinner=False)


def _draw(values: Values) -> None:
    pair: Pair = _simulated(values["rate"], values["generations"], values["seed"])
    live_chart(VIEWS[values["view"]](pair), key="lesson_linkage", otherwise="")
    a, b = pair.shown
    with st.container(horizontal=True):
        fact("Largest difference in frequency", number(float(abs(a.frequency - b.frequency).max())))
        fact("r² of neighbours, A", number(a.neighbours))
        fact("r² of neighbours, B", number(b.neighbours))
    if values["reveal"]:
        real, other = ("A", "B") if pair.real_first else ("B", "A")
        st.success(
            f"**Cohort {real} is real.** In cohort {other} every variant was shuffled over the individuals: each "
            "allele occurs as often as before, but no longer together with its neighbours.",
            icon=":material/check_circle:",
        )


LESSON = Lesson(
    name="linkage",
    title="Why linkage?",
    question="Two cohorts have the same allele frequencies; in one of them the variants are shuffled. Which is real?",
    idea=(
        "Alleles that lie close together on a chromosome are inherited together until a crossover parts them. "
        "Both cohorts below have exactly the same frequency at each variant. One descends from a few founders through "
        "meiosis after meiosis, the other was made variant by variant, as a generator without linkage would."
    ),
    icon="link",
    minutes=10,
    controls=(
        Choice("view", "Look at", "Frequencies", options=tuple(VIEWS)),
        Slider(
            "rate", "Recombination rate", 1.0, "Crossovers for each 100 million base pairs and generation (cM per Mb).",
            low=0.1, high=2.0, step=0.1,
        ),
        Slider(
            "generations", "Generations since the founders", 20,
            "Each population descends from three founders; every generation since then has had its crossovers.",
            low=5, high=500, step=5,
        ),
        Switch("reveal", "Tell me which is real", False),
        Seed(),
    ),
    draw=_draw,
    steps=(
        Step(
            "Compare frequencies alone", {"view": "Frequencies", "reveal": False},
            "The bars are the same to the last digit. Whoever only compares frequencies cannot tell the cohorts apart.",
        ),
        Step(
            "Look at pairs of variants", {"view": "Linkage", "generations": 20, "rate": 1.0},
            "One cohort has bright blocks along its diagonal: variants that travel together. The other is dark off the "
            "diagonal. That is linkage disequilibrium, and it is what association studies and imputation live on.",
        ),
        Step(
            "Let 500 generations pass", {"view": "Decay", "generations": 500, "rate": 1.0},
            "Each generation breaks some blocks, and the curve falls to half. What stays at any distance is not broken "
            "by crossovers: it comes of taking two populations together. The flat line has none of either.",
        ),
        Step(
            "Turn crossovers down", {"view": "Linkage", "generations": 20, "rate": 0.1},
            "With a tenth of the crossovers whole stretches of chromosome stay as the founders had them.",
        ),
        Step(
            "See what it does to structure", {"view": "PCA", "generations": 200, "rate": 1.0},
            "Shuffling also mixes the populations: North and South fall into one round cloud, and no component holds "
            "more of the variance than chance gives it.",
        ),
    ),
    check=Check(
        "A synthetic cohort matches the real one at every allele frequency. What does that say of its linkage?",
        ("It must be right as well", "Nothing", "It is right for common variants only"),
        1,
        "Frequencies describe variants one by one; linkage is about pairs. A generator can have all of the first and "
        "none of the second, so both are measured.",
    ),
    sources={
        "Hill & Robertson 1968, linkage disequilibrium in finite populations": "https://doi.org/10.1007/BF01245622",
        "Rogers & Huff 2009, r² from genotypes": "https://doi.org/10.1534/genetics.108.093153",
        "Baumdicker et al. 2022, msprime 1.0": "https://doi.org/10.1093/genetics/iyab229",
    },
    seen=(
        Seen("linkage", "Linkage of real and synthetic cohorts"),
        Seen("structure", "Population structure"),
    ),
)  # fmt: skip

"""Lesson 7: the Matthew effect."""

import streamlit as st

from core.lessons.matthew import simulate
from core.plots.lessons.matthew import frequencies
from core.words import number
from pages.parts.chart import live_chart
from pages.parts.frame import fact
from pages.parts.learn.lesson import Check, Lesson, Seed, Seen, Slider, Step, Values

_simulated = st.cache_data(simulate, max_entries=64, show_spinner=False)


def _draw(values: Values) -> None:
    decoded = _simulated(values["temperature"], values["strength"], values["individuals"], values["seed"])
    live_chart(frequencies(decoded), key="lesson_matthew", otherwise="")
    with st.container(horizontal=True):
        kept = int((decoded.rare & decoded.survives).sum())
        fact("Alleles below 5 % that survive", f"{kept} of {int(decoded.rare.sum())}")
        fact("Correlation of frequencies", f"{decoded.correlation:.3f}")
        fact("Slope", number(decoded.slope), help="Of synthetic on real frequencies. Above 1: the frequent gain.")
        fact("Heterozygotes", f"{decoded.heterozygotes:.0%}", help="Heterozygous calls made for every 100 real ones.")


LESSON = Lesson(
    name="matthew",
    title="The Matthew effect",
    question="A generator knows every probability exactly. How can it still lose most rare alleles?",
    idea=(
        "A generator of genotypes ends in probabilities: this call is 0, 1 or 2 alternate alleles with 90, 9 and 1 %. "
        "To make an individual they must become one call. Either it takes the **likeliest** call (argmax), or it "
        "**draws** one (sampling). The generator below has nothing left to learn: its probabilities are those that "
        "made the real cohort."
    ),
    icon="trending_up",
    minutes=10,
    controls=(
        Slider(
            "temperature", "Temperature", 1.0, "0: always the likeliest call. 1: drawn from the probabilities as they "
            "are. Between: likely calls are preferred more than they should be. Above 1: less.",
            low=0.0, high=1.5, step=0.05,
        ),
        Slider(
            "strength", "What the latent tells", 1.0, "0: the latent says nothing, and a call's probabilities are the "
            "same for everybody. 6: it nearly fixes every call.", low=0.0, high=6.0, step=0.5,
        ),
        Slider(
            "individuals", "Synthetic individuals", 300, "The real cohort always has 300.", low=100, high=1000,
            step=100,
        ),
        Seed(),
    ),
    draw=_draw,
    steps=(
        Step(
            "Draw every call", {"temperature": 1.0, "strength": 1.0, "individuals": 300},
            "The points lie on the diagonal and nearly every rare allele survives, as in a second real cohort.",
        ),
        Step(
            "Take the likeliest call", {"temperature": 0.0, "strength": 1.0, "individuals": 300},
            "An allele at 2 % is hardly ever the likeliest: most rare alleles are gone. What is common becomes more "
            "common: to those who have, more is given. Yet the correlation still is .99.",
        ),
        Step(
            "Silence the latent as well", {"temperature": 0.0, "strength": 0.0, "individuals": 300},
            "Everybody is now the same individual. Frequencies fall on three stairs, 0, ½ and 1, no rare allele is "
            "left, and the correlation is still above .95: it is a poor alarm.",
        ),
        Step(
            "Make 1,000 individuals", {"temperature": 0.0, "strength": 1.0, "individuals": 1000},
            "More than three times as many individuals, and half of the rare alleles or more stay lost: not bad luck.",
        ),
        Step(
            "Go half of the way", {"temperature": 0.5, "strength": 1.0, "individuals": 300},
            "A low temperature looks like a compromise. About a third of the rare alleles is lost, and some quarter of "
            "the heterozygotes.",
        ),
        Step(
            "Let the latent tell all", {"temperature": 0.0, "strength": 6.0, "individuals": 300},
            "Now the likeliest call is nearly sure, and most rare alleles survive argmax. Heterozygotes still go: "
            "where the two homozygotes pull either way, the call between them is seldom the likeliest.",
        ),
    ),
    check=Check(
        "A variational autoencoder has learned its data perfectly and takes the likeliest call. What do you expect?",
        (
            "Frequencies as in the data, since its probabilities are right",
            "Rare alleles lost and fewer heterozygotes",
            "Too many rare alleles",
        ),
        1,
        "Right probabilities are not enough: one has to draw from them. Taking the likeliest call hands every minority "
        "over to the majority.",
    ),
    sources={
        "Yelmen et al. 2021, allele frequencies of artificial genomes": "https://doi.org/10.1371/journal.pgen.1009303",
        "Merton 1968, the Matthew effect in science": "https://doi.org/10.1126/science.159.3810.56",
        "Holtzman et al. 2020, what maximisation does to text": "https://doi.org/10.48550/arXiv.1904.09751",
    },
    seen=(
        Seen("frequencies", "Rare alleles of a model", {"frequencies": "Rare alleles"}),
        Seen("compare", "Which model loses alleles"),
    ),
)  # fmt: skip

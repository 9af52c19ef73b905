"""Lesson 12: diffusion in PCA space."""

import streamlit as st

from core.lessons.pca_diffusion import CLASSES, MOST, Diffusion, cohort, diffuse
from core.plots.lessons.pca_diffusion import clouds, rare_alleles
from pages.parts.chart import live_chart
from pages.parts.frame import fact
from pages.parts.learn.lesson import Check, Choice, Lesson, Seed, Seen, Slider, Step, Switch, Values

_CLOUD, _RARE = "Noise", "Rare alleles"
_cohort = st.cache_data(cohort, max_entries=16, show_spinner=False)


@st.cache_data(max_entries=64, show_spinner=False)
def _diffused(seed: int, components: int, thresholds: bool) -> Diffusion:
    return diffuse(_cohort(seed), components, thresholds)


def _draw(values: Values) -> None:
    one = _cohort(values["seed"])
    result = _diffused(values["seed"], values["components"], values["thresholds"])
    noise = values["noise"] / 100
    figure = clouds(one, result, noise) if values["view"] == _CLOUD else rare_alleles(one, result)
    live_chart(figure, key="lesson_pca_diffusion", otherwise="")
    with st.container(horizontal=True):
        fact("Variance in the components", f"{one.share(values['components']):.0%}")
        if values["view"] == _RARE:
            for name in CLASSES:
                fact(f"Carriers kept, {name}", f"{result.kept[name]:.0%}")


LESSON = Lesson(
    name="pca_diffusion",
    title="Diffusion in PCA space",
    question="How many components does it take to keep a rare allele?",
    idea=(
        "A **principal component** sums up many variants in one score, and a few dozen scores tell most of what "
        "differs between individuals. A **diffusion** model adds noise to the scores of a real cohort until nothing is "
        "left, learns to take it away again, and so turns fresh noise into new individuals. What the components left "
        "out no denoising brings back."
    ),
    icon="blur_on",
    minutes=15,
    controls=(
        Choice("view", "Look at", _CLOUD, options=(_CLOUD, _RARE)),
        Slider("noise", "Noise", 40, "Share of noise in the scores: 100 % is where generation begins.", low=0, high=100,
               step=5, format="%d %%"),
        Slider("components", "Components", 10, "How many of the leading principal components are kept.", low=2,
               high=MOST, step=2),
        Switch(
            "thresholds", "Cut by thresholds", False,
            "Off: an expected allele count is rounded. On: each variant is cut where its frequency is met.",
        ),
        Seed(),
    ),
    draw=_draw,
    steps=(
        Step(
            "Drown the cohort in noise", {"view": _CLOUD, "noise": 100, "components": 10},
            "On the left no population can be told any more. On the right the generated individuals (olive) are "
            "nothing but noise as well: here generation begins.",
        ),
        Step(
            "Take the noise away", {"view": _CLOUD, "noise": 0, "components": 10},
            "The generated individuals have gathered where the real populations (grey) lie. Move the noise slowly "
            "between 0 and 100: the large differences, between populations, come back first.",
        ),
        Step(
            "Look for rare alleles", {"view": _RARE, "components": 10, "thresholds": False},
            "Ten components hold more than half of the variance and most carriers of common alleles. Of alleles below "
            "2 % hardly a carrier is left: two people with an allele add next to nothing to the variance.",
        ),
        Step(
            "Take a hundred components", {"view": _RARE, "components": 100, "thresholds": False},
            "Now nearly every real carrier is found again. And still most rare alleles are in no generated individual: "
            "dozens of scores would have to fit together, and within a population each is drawn on its own.",
        ),
        Step(
            "Cut by thresholds", {"view": _RARE, "components": 10, "thresholds": True},
            "Each variant is cut where its own frequency is met, with noise for what the components left out. Most "
            "rare alleles are back even from ten components. Who carries them is left to chance.",
        ),
    ),
    check=Check(
        "A diffusion keeps the first ten components and rounds its calls. Which alleles vanish first?",
        ("Common ones", "Rare ones", "All alike"),
        1,
        "Components are sorted by variance, and an allele of frequency p has variance 2p(1 − p): rare ones come last. "
        "Rounding then turns their small expected counts into zeros.",
    ),
    sources={
        "Ho et al. 2020, denoising diffusion": "https://doi.org/10.48550/arXiv.2006.11239",
        "Lipman et al. 2023, flow matching": "https://doi.org/10.48550/arXiv.2210.02747",
        "Patterson et al. 2006, principal components of genotypes": "https://doi.org/10.1371/journal.pgen.0020190",
    },
    seen=(
        Seen("frequencies", "Rare alleles of a real and a synthetic cohort"),
        Seen("structure", "Principal components of both"),
        Seen("train", "Train a PCA diffusion"),
    ),
)  # fmt: skip

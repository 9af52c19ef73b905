"""Lesson 2: the Gumbel-Softmax."""

import streamlit as st

from core.lessons.gumbel import draw_calls, gradients
from core.plots.lessons.gumbel import gradient, one_call, simplex
from core.words import number
from pages.parts.chart import live_chart
from pages.parts.frame import fact
from pages.parts.learn.lesson import Check, Choice, Lesson, Seed, Seen, Slider, Step, Switch, Values

_ONE, _MANY, _GRADIENT = "One call", "Many calls", "Gradient"
_gradients = st.cache_data(gradients, max_entries=128, show_spinner=False)


def _draw(values: Values) -> None:
    chosen = (values["temperature"], values["frequency"], values["hard"], values["seed"])
    if values["view"] == _GRADIENT:
        result = _gradients(*chosen)
        live_chart(gradient(result), key="lesson_gumbel", otherwise="")
        with st.container(horizontal=True):
            fact("Exact gradient", number(result.exact))
            fact("Bias", number(result.bias), help="Mean of the single-sample gradients less the exact gradient.")
            fact("Standard deviation", number(float(result.samples.std())))
        return
    draws = draw_calls(*chosen)
    live_chart((one_call if values["view"] == _ONE else simplex)(draws), key="lesson_gumbel", otherwise="")
    with st.container(horizontal=True):
        if values["view"] == _ONE:
            fact("Winner", f"genotype {draws.winner[0]}")
            fact("Its share of the soft call", number(float(draws.soft[0].max())))
        else:
            fact("Largest share in a soft call, mean", number(draws.decided), help="⅓ is undecided, 1 is a hard call.")
            off = float(abs(draws.shares - draws.probability).max())
            fact("Winners against true probabilities, largest gap", number(off))


LESSON = Lesson(
    name="gumbel",
    title="Gumbel-Softmax",
    question="How does a discrete choice let gradients through?",
    idea=(
        "A generator of genotypes must choose 0, 1 or 2 at each variant, and a choice has no slope: nudge the "
        "probabilities a little and mostly the same genotype comes out. The Gumbel-Softmax adds random noise to each "
        "log-probability and lets the three genotypes share the call, more evenly at a high temperature. Shares have "
        "a slope."
    ),
    icon="casino",
    minutes=15,
    controls=(
        Choice("view", "Look at", _MANY, options=(_ONE, _MANY, _GRADIENT)),
        Slider(
            "temperature", "Temperature", 1.0, "Scores are divided by it before the softmax: low is close to a choice.",
            low=0.1, high=5.0, step=0.1,
        ),
        Slider(
            "frequency", "Allele frequency", 0.3,
            "Of the alternate allele; it gives the three genotypes their probabilities (Hardy–Weinberg).",
            low=0.1, high=0.9, step=0.05,
        ),
        Switch(
            "hard", "Hard calls", False,
            "The next network sees the winner only; the gradient is that of the soft call (straight-through).",
        ),
        Seed(),
    ),
    draw=_draw,
    steps=(
        Step(
            "Watch one call being drawn", {"view": _ONE, "temperature": 1.0, "hard": False},
            "Noise is added to each log-probability, and the largest sum wins. The softmax turns the sums into shares "
            "that add up to 1. Another seed brings other noise, and perhaps another winner.",
        ),
        Step(
            "Cool it down", {"view": _MANY, "temperature": 0.1, "hard": False},
            "Nearly all calls lie in a corner: one genotype has almost the whole share. The mean call is close to the "
            "true probabilities.",
        ),
        Step(
            "Heat it up", {"view": _MANY, "temperature": 5.0, "hard": False},
            "The calls crowd in the middle, a third of each genotype. But look at the winners: exactly as before. "
            "Temperature changes how a call is shared, never who wins it.",
        ),
        Step(
            "Ask for hard calls", {"view": _MANY, "temperature": 1.0, "hard": True},
            "Only corners are left, each as large as its share of calls, so the next network sees real genotypes. "
            "Backwards the gradient of the soft call is used as if nothing had been cut: straight-through.",
        ),
        Step(
            "Take a cold gradient", {"view": _GRADIENT, "temperature": 0.1, "frequency": 0.3, "hard": False},
            "On average it is nearly right: the dashed line is close to the grey one. But most samples say nothing at "
            "all and a few shout, so one sample tells little.",
        ),
        Step(
            "Take a warm gradient", {"view": _GRADIENT, "temperature": 5.0, "frequency": 0.3, "hard": False},
            "Now all samples agree, and they agree on a wrong answer: the mean is about a third of the exact gradient. "
            "In between lies the compromise that a training uses.",
        ),
    ),
    check=Check(
        "You lower the temperature. What becomes of the gradient?",
        ("Less biased and less noisy", "Less biased, but noisier", "More biased, but less noisy"),
        1,
        "A cold soft call is nearly the true choice, so the mean gradient is nearly the true one; but its slope is "
        "almost zero nearly everywhere and steep at the few calls that are close to a tie. That is why our GANs begin "
        "at temperature 1 and end at 0.5.",
    ),
    sources={
        "Jang et al. 2017, Gumbel-Softmax": "https://doi.org/10.48550/arXiv.1611.01144",
        "Maddison et al. 2017, the Concrete distribution": "https://doi.org/10.48550/arXiv.1611.00712",
        "Bengio et al. 2013, straight-through gradients": "https://doi.org/10.48550/arXiv.1308.3432",
    },
    seen=(
        Seen("train", "Set the temperature of a WGAN-GP"),
        Seen("frequencies", "Genotype frequencies of its calls"),
    ),
)  # fmt: skip

"""Lesson 3: the reparameterisation trick."""

import streamlit as st

from core.lessons.reparameterisation import REPARAMETERISATION, SCORE, STEPS, Training, cohort, gradients
from core.plots.lessons.reparameterisation import histograms, trainings
from core.words import number
from pages.parts.chart import live_chart
from pages.parts.frame import fact
from pages.parts.learn.lesson import Check, Choice, Lesson, Seed, Seen, Slider, Step, Switch, Values

_GRADIENTS, _VAE = "Gradients", "A VAE learning"
_KEPT, _PLAYING = "reparameterisation training", "reparameterisation playing"
_EVERY = 0.3  # seconds between draws while it trains
_STEPS = 4  # of each VAE between them
_cohort = st.cache_data(cohort, max_entries=16, show_spinner=False)


def _draw(values: Values) -> None:
    training = _vae(values) if values["view"] == _VAE else None
    playing = bool(training and values["play"] and not training.finished)
    if training is None:
        result = gradients(values["spread"], values["latents"], values["seed"])
        live_chart(histograms(result), key="lesson_reparameterisation", otherwise="")
        score, path = result.variances
        with st.container(horizontal=True):
            fact("Exact gradient", number(result.exact))
            fact("Variance, score function", number(score))
            fact("Variance, reparameterisation", number(path))
            fact("Ratio", number(result.ratio), help="Samples by score function that are worth one of the other.")
    if playing != st.session_state.get(_PLAYING, False):
        # How often the lesson draws by itself is settled where the whole page runs.
        st.session_state[_PLAYING] = playing
        st.rerun()


def _vae(values: Values) -> Training:
    seed = values["seed"]
    kept = st.session_state.get(_KEPT)
    if kept is None or kept.seed != seed:
        kept = st.session_state[_KEPT] = Training(_cohort(seed), seed)
    training: Training = kept
    if values["play"]:
        training.train(_STEPS)
    live_chart(trainings(training), key="lesson_reparameterisation_vae", otherwise="")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        fact("Step", f"{training.step} of {STEPS}")
        for way in (REPARAMETERISATION, SCORE):
            fact(f"Loss, {way.lower()}", number(training.losses[way][-1] if training.step else None))
        st.button("Start again", on_click=_forget, icon=":material/replay:")
    return training


def _forget() -> None:
    st.session_state.pop(_KEPT, None)


LESSON = Lesson(
    name="reparameterisation",
    title="The reparameterisation trick",
    question="How does a gradient pass through a random draw?",
    idea=(
        "A VAE draws its latent z from N(μ, σ²) and must learn μ from what came of the draw. The **score function** "
        "weighs the cost of each draw by how far it lay from μ. **Reparameterisation** writes z = μ + σε, with the "
        "noise ε drawn beforehand, and follows the slope of the cost. Both are right on average."
    ),
    icon="alt_route",
    minutes=15,
    controls=(
        Choice("view", "Look at", _GRADIENTS, options=(_GRADIENTS, _VAE)),
        Slider("spread", "Spread σ of a latent", 1.0, "Standard deviation of the draw.", low=0.1, high=3.0, step=0.1),
        Slider("latents", "Latents", 4, "Each of them explains one call; the gradient is that of the first.", low=1,
               high=32, step=1),
        Switch("play", "Train", False, "Train both VAEs; off is a pause."),
        Seed(),
    ),
    draw=_draw,
    every=lambda: _EVERY if st.session_state.get(_PLAYING) else None,
    steps=(
        Step(
            "Put one latent alone", {"view": _GRADIENTS, "latents": 1, "spread": 1.0},
            "Both heaps lie around the dashed line, the exact gradient, but the upper one is far wider: one sample of "
            "it says little.",
        ),
        Step(
            "Take 32 latents", {"view": _GRADIENTS, "latents": 32, "spread": 1.0},
            "The score function blames the first latent for the cost of all 32, and drowns in it. The slope by the "
            "first latent does not see the others: the lower variance is what it was.",
        ),
        Step(
            "Draw close to the mean", {"view": _GRADIENTS, "latents": 4, "spread": 0.1},
            "Over such small steps the cost hardly changes, yet the score function divides all of it by σ: its "
            "variance explodes. The slope hardly varies at all.",
        ),
        Step(
            "Train a VAE with each", {"view": _VAE, "play": True},
            "Same network, same start, same noise. On the left the populations part within a hundred steps; on the "
            "right the gradients are too noisy, and the dotted loss stays above the other.",
        ),
        Step(
            "Pause", {"view": _VAE, "play": False},
            "Training stands still. Compare both planes; turn Train on to go on, or choose another seed for another "
            "cohort and a fresh start.",
        ),
    ),
    check=Check(
        "Both gradients are right on average. Why do VAEs use reparameterisation?",
        (
            "The score function is biased",
            "Its variance is far smaller, so one draw for each individual is enough",
            "It needs no random numbers",
        ),
        1,
        "Averaging enough draws would make the score function as good, but by the ratio shown, and by more with every "
        "latent. Its advantage is that it needs no slope of the cost: it serves where a choice is discrete.",
    ),
    sources={
        "Kingma & Welling 2014, the VAE": "https://doi.org/10.48550/arXiv.1312.6114",
        "Williams 1992, the score function (REINFORCE)": "https://doi.org/10.1007/BF00992696",
        "Mohamed et al. 2020, gradient estimators": "https://doi.org/10.48550/arXiv.1906.10652",
    },
    seen=(
        Seen("latents", "The latent space of a trained VAE"),
        Seen("train", "Train a VAE on your own cohort"),
    ),
)  # fmt: skip

"""Lesson 10: walking between distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.config.home import PRETRAINED
from core.lessons.walking import PATHS, walk
from core.plots.lessons.walking import ways
from core.words import count, number
from pages.parts.chart import live_chart
from pages.parts.frame import fact
from pages.parts.learn.lesson import Check, Choice, Lesson, Seed, Seen, Slider, Step, Values

if TYPE_CHECKING:
    from core.latents.lens import Lens

MOMENTS, TRAINED = "Moments", "Trained"


@st.cache_resource(show_spinner="Loading the trained model…")
def _lens() -> Lens:
    """The shipped model of Gaussians in the plane; the first call of a server imports torch."""
    from core.latents.lens import open_lens

    return open_lens(PRETRAINED / "gaussians" / "checkpoints", sharing=True)


def _draw(values: Values) -> None:
    model = _lens() if values["latent"] == TRAINED else None
    moment = walk(values["t"], values["distance"], values["spread"], values["seed"], model)
    live_chart(ways(moment), key="lesson_walking", otherwise="")
    with st.container(horizontal=True):
        for name in PATHS:
            path = moment.paths[name]
            fact(name, count(path.humps, "hump"), f"spread {number(path.spread)}")
        fact("A and B", f"{count(1, 'hump')} each", "spread " + " and ".join(map(number, moment.spreads)))


LESSON = Lesson(
    name="walking",
    title="Walking between distributions",
    question="Half-way between two populations of cells: is it half of the cells of each, or cells half-way?",
    idea=(
        "A distribution is a cloud of cells; let A and B be two. A **mixture** walks from A to B by exchanging "
        "cells, **optimal transport** by moving each of them along the cheapest way. A **latent** walk draws a "
        "straight line between the numbers that stand for A and for B, and makes a cloud of what lies on it."
    ),
    icon="conversion_path",
    minutes=10,
    controls=(
        Slider("t", "How far from A to B, t", 0.25, "0 is A, 1 is B.", low=0.0, high=1.0, step=0.05),
        Slider("distance", "Distance of B from A", 2.5, "Between the centres.", low=0.0, high=3.5, step=0.1),
        Slider("spread", "Spread of B", 0.35, "Standard deviation; that of A is 0.35.", low=0.2, high=0.6, step=0.05),
        Choice(
            "latent", "Latent", MOMENTS,
            "Moments: mean and covariance, which tell a Gaussian exactly. Trained: the shipped model of Gaussians in "
            "the plane reads 500 cells of each and generates; the first time it takes some seconds to load.",
            options=(MOMENTS, TRAINED),
        ),
        Seed(),
    ),
    draw=_draw,
    steps=(
        Step(
            "Go half-way", {"t": 0.5, "distance": 2.5, "spread": 0.35, "latent": MOMENTS},
            "The mixture has two humps and nothing in the middle: half of the cells are still A, half are already B. "
            "Transport has one hump in the middle, as wide as A and B are.",
        ),
        Step(
            "Bring B close", {"t": 0.5, "distance": 0.6, "spread": 0.35, "latent": MOMENTS},
            "Two humps become one as soon as the centres are less than two spreads apart (0.7 here). Who only looks at "
            "near pairs does not see the difference.",
        ),
        Step(
            "Send B far away", {"t": 0.5, "distance": 3.5, "spread": 0.35, "latent": MOMENTS},
            "The spread of the mixture grows with the distance: its variance is that of A and B and the square of half "
            "the distance on top. Transport keeps its spread, wherever B is.",
        ),
        Step(
            "Make B wide", {"t": 0.5, "distance": 2.5, "spread": 0.6, "latent": MOMENTS},
            "Transport is as wide as the mean of both spreads, 0.475. The line between mean and covariance is a little "
            "wider, 0.491: it takes the mean of the variances. A straight line depends on the numbers one draws it in.",
        ),
        Step(
            "Let a trained model walk", {"t": 0.5, "distance": 2.5, "spread": 0.35, "latent": TRAINED},
            "This model was trained to give sets back, with distances between latents that follow optimal transport. "
            "It has seen no path, yet what it makes of the middle of two latents is one cloud in the middle, not two "
            "at the ends.",
        ),
    ),
    check=Check(
        "A model walks from day 2 to day 6 and half-way shows half of the cells at each end. What may that be?",
        (
            "A mixture: it says nothing of what cells look like on the way",
            "Optimal transport: cells on their way",
            "Proof that cells jump from one state to the other",
        ),
        0,
        "A mixture exchanges cells without moving any. Whether real cells do so (two fates) or move (a gradual change) "
        "no interpolation decides: a sample half-way does.",
    ),
    sources={
        "McCann 1997, displacement interpolation": "https://doi.org/10.1006/aima.1997.1634",
        "Dowson & Landau 1982, distance of Gaussians": "https://doi.org/10.1016/0047-259X(82)90077-X",
        "Schiebinger et al. 2019, transport of developing cells": "https://doi.org/10.1016/j.cell.2019.01.006",
    },
    seen=(
        Seen("interpolate", "Walk between two of your own sets"),
        Seen("geometry", "Do latent distances follow transport?"),
    ),
)  # fmt: skip

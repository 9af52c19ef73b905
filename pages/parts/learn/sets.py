"""Lesson 9: a set is not a vector."""

import streamlit as st

from core.lessons.sets import OPERATIONS, POOLINGS, Embedded, embed, slope
from core.plots.lessons.sets import embeddings
from core.words import number
from pages.parts.chart import live_chart
from pages.parts.frame import fact
from pages.parts.learn.lesson import Check, Choice, Lesson, Seed, Seen, Slider, Step, Values

_embedded = st.cache_data(embed, max_entries=128, show_spinner=False)


def _draw(values: Values) -> None:
    pooling, m = values["pooling"], values["cells"]
    embedded: Embedded = _embedded(pooling, values["operation"], m, values["seed"])
    live_chart(embeddings(embedded, pooling, m), key="lesson_sets", otherwise="")
    with st.container(horizontal=True):
        fact("The operation moved it by", f"{embedded.moved:.1%}", help="In percent of the embedding's length.")
        fact("Subsets are off by", f"{embedded.off:.1%}", help="Their mean, from the embedding of the whole set.")
        fact("Subsets scatter by", f"{embedded.scatter:.1%}", help="Around their own mean.")
        fact("Slope of its line", number(slope(embedded.distance[pooling])), help="−0.5 is the law 1/√m.")


LESSON = Lesson(
    name="sets",
    title="A set is not a vector",
    question="Which pooling tells what a set of cells is like, and neither their order nor their number?",
    idea=(
        "To compare clones, an encoder turns the cells of each into a few numbers, its **embedding**. A table lists "
        "the cells in some order, and somebody measured some number of them; neither is biology. Here a small "
        "fixed network makes two features of each cell, and a **pooling** joins the features of all cells."
    ),
    icon="bubble_chart",
    minutes=10,
    controls=(
        Choice(
            "pooling", "Pooling", "Sum",
            "By row: each row of the table has a weight of its own, as in a network that takes it as one long vector.",
            options=POOLINGS,
        ),
        Choice(
            "operation", "Do to the table", "Shuffle",
            "Shuffle the rows; double: list each cell twice; halve: keep one half, drawn by chance.",
            options=OPERATIONS,
        ),
        Slider("cells", "Cells in a subset", 25, "m: 200 subsets of so many are embedded.", low=5, high=500, step=5),
        Seed(),
    ),
    draw=_draw,
    steps=(
        Step(
            "Shuffle a table read by row", {"pooling": "By row", "operation": "Shuffle"},
            "The same cells, yet the embedding (cross) has left its place (diamond) by about half of its length: it "
            "also told how the table was sorted.",
        ),
        Step(
            "Double the set under a sum", {"pooling": "Sum", "operation": "Double"},
            "A sum forgets the order, but counts: with each cell listed twice it is twice as large, 100 % away. "
            "The biology is what it was.",
        ),
        Step(
            "Double it under a mean", {"pooling": "Mean", "operation": "Double"},
            "The cross stays on the diamond, exactly: a mean depends on the distribution of the cells alone. "
            "Shuffling does not move it either.",
        ),
        Step(
            "Maximum of a few cells", {"pooling": "Max", "operation": "Double", "cells": 25},
            "Doubling moves nothing here either. But the cloud of subsets lies to one side of the whole set: the more "
            "cells, the larger their maximum. It knows how many were measured.",
        ),
        Step(
            "Take the mean of 25 cells", {"pooling": "Mean", "operation": "Halve", "cells": 25},
            "Subsets scatter around the whole set to all sides and are off by almost nothing. Remember their scatter. "
            "Half of the set is one such subset, of 300 cells, and lies close.",
        ),
        Step(
            "Take four times as many", {"pooling": "Mean", "operation": "Halve", "cells": 100},
            "The scatter is about half of what it was: it falls as 1/√m, the dotted line of slope −½. The ring is "
            "where you are.",
        ),
    ),
    check=Check(
        "You want the mean-pooled embedding of a clone twice as exact. How many times as many cells do you measure?",
        ("Twice as many", "Four times as many", "It does not depend on the number of cells"),
        1,
        "The scatter of a mean falls as one over the root of the number of cells: half of it needs four times as many. "
        "What the mean aims at, however, does not depend on how many there are.",
    ),
    sources={
        "Zaheer et al. 2017, Deep sets": "https://doi.org/10.48550/arXiv.1703.06114",
        "Wagstaff et al. 2019, what sums of features can represent": "https://doi.org/10.48550/arXiv.1901.09006",
        "Muandet et al. 2017, kernel mean embeddings": "https://doi.org/10.1561/2200000060",
    },
    seen=(
        Seen("geometry", "Do latents depend on the size of sets?"),
        Seen("atlas", "The map of your own sets"),
    ),
)  # fmt: skip

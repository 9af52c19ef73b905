"""Lesson 8: is synthetic private?"""

import streamlit as st

from core.lessons.privacy import GENERATORS, simulate
from core.plots.lessons.privacy import audit
from pages.parts.chart import live_chart
from pages.parts.frame import fact
from pages.parts.learn.lesson import Check, Choice, Lesson, Seed, Seen, Slider, Step, Values

_MEMORY, _MIXTURE, _AVERAGE = GENERATORS

_simulated = st.cache_data(simulate, max_entries=64, show_spinner=False)


def _draw(values: Values) -> None:
    found = _simulated(values["generator"], values["memory"], values["variants"], values["seed"])
    live_chart(audit(found), key="lesson_privacy", otherwise="")
    with st.container(horizontal=True):
        fact("AATS, holdout", f"{found.holdout.aats:.2f}")
        fact("AATS, training", f"{found.train.aats:.2f}")
        fact("Privacy loss", f"{found.privacy_loss:.2f}", help="AATS to the holdout minus AATS to the training side.")
        fact("AUC of the attack", f"{found.auc:.2f}", help="0.5 is guessing, 1 finds everybody.")
        fact("Named at 1 % false alarms", f"{found.named:.0%}", help="Members found while 1 % of others are accused.")


LESSON = Lesson(
    name="privacy",
    title="Is synthetic private?",
    question="Nobody in a synthetic cohort exists. Can it still betray who was in the training data?",
    idea=(
        "An attacker has somebody's genotype and the synthetic cohort, and guesses: whoever has a very near synthetic "
        "individual was in the training data. **AATS** asks for nearest neighbours too: the share of real individuals "
        "whose nearest neighbour is real, the same for synthetic ones, and the mean of both. It is 0.5 when the two "
        "cohorts cannot be told apart and 0 when one copies the other."
    ),
    icon="shield_person",
    minutes=15,
    controls=(
        Choice(
            "generator", "Generator", _MEMORY, "Memory: every individual remembers a training individual, as much as "
            "the slider says. Mix: 44 % copies, the others far from everybody. Mean: all individuals are the "
            "same, the average one.", options=GENERATORS,
        ),
        Slider(
            "memory", "Memory", 0.0, "Of the first generator: share of an individual's calls that are those "
            "of one training individual; the others are drawn fresh. 0: honest. 1: a copier.",
            low=0.0, high=1.0, step=0.05,
        ),
        Slider("variants", "Variants", 300, "How many variants everybody knows.", low=50, high=600, step=50),
        Seed(),
    ),
    draw=_draw,
    steps=(
        Step(
            "Be honest", {"generator": _MEMORY, "memory": 0.0, "variants": 300},
            "Training and holdout individuals are equally far from the synthetic ones. The attack is no better than "
            "guessing, and AATS is near 0.5 on both sides.",
        ),
        Step(
            "Copy", {"generator": _MEMORY, "memory": 1.0, "variants": 300},
            "Every training individual has a synthetic one at distance 0. AATS to the training side is 0. To the "
            "holdout it is still near 0.5: who only looks there praises a copier.",
        ),
        Step(
            "Remember a quarter", {"generator": _MEMORY, "memory": 0.25, "variants": 300},
            "Three of four calls are fresh, yet AATS to the training side falls to some 0.1, and the attack names many "
            "members with hardly a false alarm. An overfit model need not copy to give people away.",
        ),
        Step(
            "The same with 50 variants", {"generator": _MEMORY, "memory": 0.25, "variants": 50},
            "With few variants the same memory hardly shows: strangers are as alike by chance. It is the many variants "
            "that make people recognisable.",
        ),
        Step(
            "Mix copies with nonsense", {"generator": _MIXTURE, "memory": 0.0, "variants": 300},
            "AATS to the training side is near 0.5, as for an honest generator. But its parts are 0 for the copies and "
            "1 for the rest, and the attack names all who were copied.",
        ),
        Step(
            "Make one average for all", {"generator": _AVERAGE, "memory": 0.0, "variants": 300},
            "AATS is 0.5 on both sides, and every synthetic individual is the same. Its halves tell: for every real "
            "individual the average is nearest (0), and synthetic ones have only each other (1). Private, and useless.",
        ),
    ),
    check=Check(
        "A report gives an AATS of 0.50 to the holdout and nothing else. Is the synthetic cohort private?",
        (
            "Yes: it cannot be told from real data",
            "One cannot say: AATS to the training individuals and both halves are needed",
            "No: it should be 1",
        ),
        1,
        "A copier of all training individuals has 0.5 to the holdout as well. Compare both sides, look at the halves, "
        "and run the attack.",
    ),
    sources={
        "Yale et al. 2020, AATS and privacy loss": "https://doi.org/10.1016/j.neucom.2019.12.136",
        "Chen et al. 2020, GAN-Leaks": "https://doi.org/10.1145/3372297.3417238",
        "Carlini et al. 2022, membership inference at few false alarms": "https://doi.org/10.1109/SP46214.2022.9833649",
    },
    seen=(Seen("privacy", "Privacy of a model"), Seen("precision_recall", "Whether it is of use at all")),
)  # fmt: skip

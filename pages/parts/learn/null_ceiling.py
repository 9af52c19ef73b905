"""Lesson 11: null and ceiling."""

import streamlit as st

from core.lessons.null_ceiling import ALLELES, GENOTYPES, LINKAGE, MOST, judge
from core.plots.lessons.null_ceiling import draws
from pages.parts.chart import live_chart
from pages.parts.frame import fact
from pages.parts.learn.lesson import Check, Choice, Lesson, Seed, Seen, Slider, Step, Values

_METRICS = {"Alleles": ALLELES, "Genotypes": GENOTYPES, "Linkage": LINKAGE}
_judged = st.cache_data(judge, max_entries=128, show_spinner=False)


def _draw(values: Values) -> None:
    metric, n = _METRICS[values["metric"]], values["individuals"]
    judged = _judged(metric, values["linkage"], n, values["seed"])
    live_chart(draws(judged, metric, n), key="lesson_null_ceiling", otherwise="")
    with st.container(horizontal=True):
        fact("Null, mean", f"{judged.null.mean():.3f}")
        fact("The candidate", f"{judged.value:.3f}")
        fact("Ceiling, mean", f"{judged.ceiling.mean():.3f}")
        share = judged.share
        fact(
            "From null to ceiling", "–" if share is None else f"{share:.0%}",
            "they cannot be told apart" if share is None else None,
            help="0 % is what no linkage gives, 100 % what real individuals give.",
        )  # fmt: skip


LESSON = Lesson(
    name="null_ceiling",
    title="Null and ceiling",
    question="A generator scores 0.99. Is that good?",
    idea=(
        "A score means nothing by itself. The **null** is what a worthless candidate gets: real individuals with each "
        "variant shuffled on its own, so that no linkage is left. The **ceiling** is what the best gets: other real "
        "individuals. Both have chance in them, so each is drawn many times, from new halves of the real cohort."
    ),
    icon="straighten",
    minutes=10,
    controls=(
        Choice(
            "metric", "Compare", "Linkage",
            "Correlation between real and candidate of allele frequencies, of genotype frequencies, or of r² over "
            "pairs of variants (LD r).",
            options=tuple(_METRICS),
        ),
        Slider(
            "linkage", "Linkage that the candidate keeps", 0.5,
            "Chance that two neighbouring variants of a candidate come from one real individual: 0 shuffles, 1 copies.",
            low=0.0, high=1.0, step=0.05,
        ),
        Slider("individuals", "Individuals in each half", 300, "Of 1,000 real ones.", low=50, high=MOST, step=50),
        Seed(),
    ),
    draw=_draw,
    steps=(
        Step(
            "Score without any linkage", {"metric": "Alleles", "linkage": 0.0, "individuals": 300},
            "Above 0.99, for a generator that has lost every link between variants. Null and ceiling lie on top of "
            "each other: this number cannot tell it from real individuals.",
        ),
        Step(
            "Give it all its linkage back", {"metric": "Alleles", "linkage": 1.0, "individuals": 300},
            "Not a digit has changed. A number that is the same for the worst and the best says nothing of what lies "
            "between them.",
        ),
        Step(
            "Compare linkage instead", {"metric": "Linkage", "linkage": 0.0, "individuals": 300},
            "Now null and ceiling are far apart, near 0 and near 0.9, and the candidate stands where it belongs: in "
            "the null.",
        ),
        Step(
            "Keep half of the links", {"metric": "Linkage", "linkage": 0.5, "individuals": 300},
            "Between the two, and its place tells how much is achieved. It looks worse than 0.99 and says far more.",
        ),
        Step(
            "Take 50 individuals", {"metric": "Linkage", "linkage": 1.0, "individuals": 50},
            "The ceiling falls to between 0.45 and 0.7: few individuals measure linkage badly. The candidate, copied "
            "from real ones, gets about as much. Whoever hopes for 0.9 here hopes for what no real cohort reaches.",
        ),
    ),
    check=Check(
        "A paper reports a correlation of allele frequencies of 0.99 for its generator. What must you ask for?",
        (
            "Nothing: it is nearly 1",
            "The same number for independent sites, and for real against real",
            "The same number for a larger synthetic cohort",
        ),
        1,
        "Only beside its null and its ceiling does a number have a meaning. Here the null has 0.99 as well.",
    ),
    sources={
        "Yelmen et al. 2021, artificial human genomes": "https://doi.org/10.1371/journal.pgen.1009303",
        "Rogers & Huff 2009, r² from genotypes": "https://doi.org/10.1534/genetics.108.093153",
        "Efron 1979, resampling": "https://doi.org/10.1214/aos/1176344552",
    },
    seen=(
        Seen("compare", "Null and ceiling of every metric of a model"),
        Seen("linkage", "Linkage of real and synthetic cohorts"),
    ),
)  # fmt: skip

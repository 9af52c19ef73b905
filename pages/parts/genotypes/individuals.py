"""A trained model that gives every individual a latent: choose its run, open it, and choose the ends of a walk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.config.catalogue import encodes
from core.data.genotypes import Genotypes
from core.errors import PopscapeError
from core.plots.cohort_latents import Individuals, Path, cohort_map
from core.runs.store import RunStore
from core.runs.summary import RunSummary
from pages.parts.chart import chart
from pages.parts.frame import heading, heavy, nothing_yet, plain
from pages.parts.reports import all_runs, dataset_name, label
from pages.parts.state import (
    LATENTS_A,
    LATENTS_B,
    LATENTS_COLUMN,
    LATENTS_FROM,
    LATENTS_KIND,
    LATENTS_RUN,
    LATENTS_TO,
    arrive,
    choose,
    go,
)

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from core.latents.individuals import CohortMap, End, IndividualLens

MOVES = "latents_moves"  # which letter the next click on the map moves
INDIVIDUALS, POPULATIONS = "Two individuals", "Two populations"


@dataclass(frozen=True)
class Opened:
    """A run whose model encodes, on the CPU, with the map of its cohort."""

    run: RunSummary
    lens: IndividualLens
    cohort: CohortMap

    @property
    def genotypes(self) -> Genotypes:
        """The cohort, training and held-out individuals."""
        return self.lens.genotypes

    def names(self, places: Sequence[int] | None = None) -> list[str]:
        """Names of the individuals on the map, or of those at `places` on it."""
        rows = self.cohort.rows if places is None else self.cohort.rows[list(places)]
        return [str(name) for name in self.genotypes.sample_id[rows]]


def open_latents(page: str) -> tuple[DeltaGenerator, Opened]:
    """Begin the page: its heading and the run that the reader chooses; the page ends here where there is none."""
    runs = [run for run in all_runs() if run.kind == "genotypes" and run.has_report and encodes(run.model)]
    top = heading(page)
    arrive()
    if not runs:
        nothing_yet(
            "There is no model with a latent space yet",
            "A variational autoencoder (VAE) gives every individual a place on a map and decodes what lies between "
            "two of them. Train one; it takes minutes on the demo cohort: `python -m core train experiment=vae`.",
            train="Train a VAE",
            datasets="Bring your own data",
        )
        st.stop()
    by_label = {label(run): run for run in runs}
    chosen = st.selectbox(
        "Model", list(by_label), key=LATENTS_RUN, bind="query-params",
        help="A trained model that gives every individual a latent: a short vector that it can be decoded from.",
    )  # fmt: skip
    run = by_label.get(chosen) or runs[0]
    from core.runs.work import dataset_of

    try:
        dataset_of(RunStore().open(run))  # what is kept of it for all visitors is for those who see it
        lens, cohort = _opened(run.run, run.ended)
    except PopscapeError as error:
        st.error(plain(error), icon=":material/error:")
        st.stop()
    return top, Opened(run, lens, cohort)


@st.cache_resource(max_entries=4, show_spinner="Placing the individuals on the map…")
def _opened(run: str, _ended: str) -> tuple[IndividualLens, CohortMap]:
    from core.latents.individuals import open_individuals
    from core.runs.work import dataset_of

    here = RunStore().get(run)
    lens = open_individuals(here.checkpoints, dataset_of(here).genotypes(), sharing=True)
    return lens, lens.cohort_map()


def pick_ends(opened: Opened) -> tuple[Individuals, tuple[End, End]]:
    """Let the reader choose what lies at A and at B, by name or by clicks on the map; the map and the two ends."""
    genotypes = opened.genotypes
    columns = [name for name, values in genotypes.labels.items() if len(_values(values)) > 1]
    left, right = st.columns([2, 3], gap="large")
    with left:
        column = st.selectbox(
            "Colour", columns, key=LATENTS_COLUMN, bind="query-params", help="The label that colours the map."
        ) if columns else ""  # fmt: skip
        column = column or next(iter(columns), "")
        kinds = [POPULATIONS, INDIVIDUALS] if column else [INDIVIDUALS]
        kind = choose(
            "Walk between", kinds, default=kinds[0], key=LATENTS_KIND, bind="query-params",
            help="A population stands for the mean of its latents.",
        )  # fmt: skip
        ends = _populations(opened, column) if kind == POPULATIONS else _individuals(opened)
        letters = choose("A click on the map moves", ["A", "B"], default="A", key=MOVES)
    labels = genotypes.labels[column][opened.cohort.rows] if column else np.full(len(opened.cohort.rows), "")
    cohort = opened.cohort
    everybody = Individuals(np.array(opened.names()), labels, column, cohort.places, cohort.explained)
    with right:
        figure = cohort_map(everybody, dict(zip("AB", cohort.place(np.stack([e.latent for e in ends])), strict=True)))
        caption = f"{len(everybody.names):,} of {genotypes.n:,} individuals of {plain(dataset_name(opened.run))}."
        picked = chart(figure, key="latents_map", caption=caption, select=("points",)).points
    if len(picked) == 1:
        _move(letters or "A", kind == POPULATIONS, opened.names(picked)[0], str(labels[picked[0]]), ends)
    return everybody, ends


def walk(opened: Opened, ends: tuple[End, End]) -> Path:
    """What the model expects between the ends."""
    with st.spinner("Decoding what lies between…"), heavy():
        way = opened.lens.walk(*ends)
    return Path(
        model=opened.run.experiment or opened.run.model,
        names=(ends[0].name, ends[1].name),
        observed=np.stack([end.frequency for end in ends]),
        variants=opened.genotypes.variant_id,
        t=way.t,
        places=opened.cohort.place(way.latents),
        frequency=way.frequency,
        heterozygosity=way.heterozygosity,
    )


def _populations(opened: Opened, column: str) -> tuple[End, End]:
    from core.latents.individuals import far_apart

    labels = opened.genotypes.labels[column]
    names = _values(labels[opened.cohort.rows])
    codes = {name: i for i, name in enumerate(names)}
    groups = np.array([codes.get(name, -1) for name in labels[opened.cohort.rows].tolist()])
    first, last = far_apart(opened.cohort, groups)
    a, b = (
        _choose(f"Population {letter}", names, start, key, "Every value of the label that colours the map.")
        for letter, start, key in (("A", first, LATENTS_FROM), ("B", last, LATENTS_TO))
    )
    return opened.lens.population(column, a), opened.lens.population(column, b)


def _individuals(opened: Opened) -> tuple[End, End]:
    from core.latents.individuals import far_apart

    names = opened.names()
    first, last = far_apart(opened.cohort)
    a, b = (
        _choose(f"Individual {letter}", names, start, key, "Type to search, or click a point on the map.")
        for letter, start, key in (("A", first, LATENTS_A), ("B", last, LATENTS_B))
    )
    return opened.lens.individual(a), opened.lens.individual(b)


def _choose(title: str, names: list[str], start: int, key: str, help: str) -> str:
    chosen = st.selectbox(title, names, index=start, key=key, bind="query-params", help=help)
    return chosen if chosen in names else names[start]


def _move(letter: str, populations: bool, name: str, population: str, ends: tuple[End, End]) -> None:
    """Put what was clicked at the end called `letter`, and let the next click move the other."""
    wanted = population if populations else name
    if not wanted or wanted in (ends[0].name, ends[1].name):
        return
    keys = {"A": LATENTS_FROM, "B": LATENTS_TO} if populations else {"A": LATENTS_A, "B": LATENTS_B}
    go(**{keys[letter]: wanted, MOVES: "B" if letter == "A" else "A"})


def _values(labels: np.ndarray) -> list[str]:
    return sorted(set(labels.tolist()) - {""})

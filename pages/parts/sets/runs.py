"""Runs on sets: choose one, read its report and arrays, and open its model on the CPU when a page must compute."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from core.data.sets import SetCollection
from core.errors import PopscapeError
from core.plots.map import MANY, SetMap
from core.reports.report import Report
from core.runs.directory import Run
from core.runs.store import RunStore
from core.runs.summary import RunSummary
from pages.parts.frame import heading, nothing_yet, plain
from pages.parts.reports import all_runs, label, with_reports
from pages.parts.state import SET_RUN, arrive

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from core.latents.lens import Lens


@dataclass(frozen=True)
class SetRun:
    """A finished run on sets: its directory, report, label and the sets that it was trained on."""

    run: Run
    name: str
    report: Report
    sets: SetCollection

    @property
    def image(self) -> bool:
        """Whether observations are images."""
        return self.sets.modality == "image"

    @property
    def features(self) -> list[str]:
        """Names of the numbers of an observation: features, pixels, or k-mers ("ACG")."""
        return self.sets.observation.coordinates([str(f) for f in self.sets.feature])

    @property
    def names(self) -> list[str]:
        """Names of the sets."""
        return [str(name) for name in self.sets.set_id]

    @property
    def latents(self) -> Any:
        """(s, latent) of all sets, each from all its observations."""
        return self.report.arrays("latents")["z"]

    def observations(self, i: int) -> Any:
        """(k, *stored) observations of set i."""
        return np.asarray(self.sets.observations_of(int(i)))


OF_RUN = {SetRun: lambda chosen: str(chosen.run.path)}
"""What tells one run from another where Streamlit keeps a result of it (`hash_funcs`)."""


def open_sets(page: str) -> tuple[DeltaGenerator, SetRun]:
    """Begin a page on sets: its heading, and the finished run that the reader chooses; the page ends without one.

    Returns the place for `share`, and the run.
    """
    runs = with_reports(all_runs(), "sets")
    top = heading(page)
    arrive()
    if not runs:
        nothing_yet(
            "There is no model of sets yet",
            "Bring sets of cells, images or sequences, or take a demo collection, and train a model on them: "
            "`python -m core train experiment=lineage_tracing`.",
            train="Train a model",
            datasets="Bring your own data",
        )
        st.stop()
    by_label = {label(run): run for run in runs}
    chosen = st.selectbox(
        "Model", list(by_label), key=SET_RUN, bind="query-params", help="A trained model of sets, with its dataset."
    )
    try:
        run = open_set_run(by_label.get(chosen) or runs[0])
    except PopscapeError as error:
        st.error(plain(error), icon=":material/error:")
        st.stop()
    if run is None:
        st.stop()
    return top, run


def open_set_run(summary: RunSummary) -> SetRun | None:
    """A run with its report and sets; None where the report cannot be read. Raises PopscapeError without the sets."""
    from core.runs.work import dataset_of

    run = RunStore().open(summary)
    dataset_of(run)  # what is kept of it for all visitors is for those who see it
    report = run.report()
    return None if report is None else SetRun(run, label(summary), report, _sets(str(run.path), summary.dataset))


def the_map(chosen: SetRun) -> SetMap:
    """The maps of a report with every label and covariate of the sets, those first whose colours can be told apart."""
    stored, latents = chosen.report.arrays("maps"), chosen.report.arrays("latents")
    columns = {**chosen.sets.labels, **chosen.sets.covariates, "set size": chosen.sets.sizes.astype(float)}
    return SetMap(
        places={key: stored[key][:, :3] for key in ("umap", "pca", "mds") if key in stored},
        set_id=latents["set_id"],
        split=latents["split"],
        size=chosen.sets.sizes,
        columns=dict(sorted(columns.items(), key=lambda item: not _tells_groups(item[1]))),
        explained=stored.get("pca_variance", np.zeros(3)),
    )


def _tells_groups(values: Any) -> bool:
    return values.dtype.kind != "f" and 2 <= len(np.unique(values)) <= MANY


def open_model(chosen: SetRun) -> Lens:
    """The model of a run on the CPU, loaded once; the first call of a server imports torch.

    Where it cannot be loaded, says why and ends the page.
    """
    checkpoint = chosen.run.checkpoints
    changed = max((p.stat().st_mtime_ns for p in checkpoint.rglob("*.json")), default=0)
    try:
        return _lens(chosen.run.id, changed)
    except PopscapeError as error:
        st.error(plain(error), icon=":material/error:")
        st.stop()


@st.cache_resource(max_entries=4, show_spinner="Loading the model…")
def _lens(run: str, _changed: int) -> Lens:
    from core.latents.lens import open_lens

    return open_lens(RunStore().get(run).checkpoints, sharing=True)


@st.cache_resource(max_entries=4, show_spinner=False)
def _sets(path: str, _dataset: str) -> SetCollection:
    from core.runs.set_work import sets_of
    from core.runs.work import dataset_of

    run = Run(Path(path))
    return sets_of(run, dataset_of(run))[0]

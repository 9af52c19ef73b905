"""Which pages there are: the one table behind the navigation and every link between pages."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

_FOLDER = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Section:
    """A page as the navigation shows it: file stem below pages/, section, title, icon, and the question it answers."""

    name: str
    section: str
    title: str
    icon: str
    answers: str


SECTIONS = (
    Section("home", "Start", "Home", "home", "What is running, what failed, and which model is best."),
    Section("datasets", "Data", "Datasets", "dataset", "What did I load, and what is wrong with it?"),
    Section("train", "Train", "Train", "model_training", "What will happen, how long will it take, will it fit?"),
    Section("runs", "Train", "Runs", "monitoring", "Is it learning, and can I stop it?"),
    Section("compare", "Genotypes", "Compare", "leaderboard", "Which model wins on what, and is the gap real?"),
    Section("frequencies", "Genotypes", "Frequencies", "bar_chart", "Does every allele occur as often as it should?"),
    Section("linkage", "Genotypes", "Linkage", "grid_on", "Do neighbouring variants stay together as they should?"),
    Section(
        "precision_recall", "Genotypes", "Precision & recall", "target",
        "Do synthetic individuals look real, and is all the real variety there?",
    ),
    Section("structure", "Genotypes", "Structure", "bubble_chart", "Are the populations where they should be?"),
    Section("atlas", "Distributions", "Atlas", "map", "Which sets are alike, and does a latent give its set back?"),
    Section("interpolate", "Distributions", "Interpolate", "conversion_path", "What lies between one set and another?"),
    Section("geometry", "Distributions", "Geometry", "square_foot", "Do latent distances mean anything?"),
    Section("predict", "Distributions", "Predict", "online_prediction", "What does a latent tell of its set?"),
)  # fmt: skip


@cache
def exists(name: str) -> bool:
    """Whether the page is part of this installation."""
    return (_FOLDER / f"{name}.py").is_file()


def about(name: str) -> Section:
    """The entry of a page."""
    return next(section for section in SECTIONS if section.name == name)


def navigation() -> StreamlitPage:
    """Register the pages with Streamlit; returns the one to run.

    The entries have no icons and no help: the browser draws all of them anew at every switch between pages.
    """
    return st.navigation({name: [copy(page) for page in pages] for name, pages in _pages().items()}, expanded=True)


@cache
def _pages() -> dict[str, list[StreamlitPage]]:
    """The pages by section, looked up on disk once; Streamlit marks the one to run, so each run takes copies."""
    pages: dict[str, list[StreamlitPage]] = {}
    for section in SECTIONS:
        if exists(section.name):
            page = st.Page(_FOLDER / f"{section.name}.py", title=section.title, default=section.name == "home")
            pages.setdefault(section.section, []).append(page)
    return pages


def link(name: str, label: str | None = None, view: Mapping[str, str] | None = None) -> None:
    """A link to another page, with the widgets there as `view` has them; nothing where that page is not there."""
    if exists(name):
        section = about(name)
        st.page_link(
            f"pages/{name}.py", label=label or section.title, icon=f":material/{section.icon}:", help=section.answers,
            query_params=view,
        )  # fmt: skip

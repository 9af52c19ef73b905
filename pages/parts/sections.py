"""Which pages there are: the one table behind the navigation and every link between pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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

    @property
    def symbol(self) -> str:
        """The icon as Streamlit writes it."""
        return f":material/{self.icon}:"


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
    Section(
        "latents", "Genotypes", "Latent space", "scatter_plot",
        "Where does the model see each individual, and what lies between two of them?",
    ),
    Section("diversity", "Genotypes", "Diversity", "ssid_chart", "Is the genome as varied everywhere as it should be?"),
    Section(
        "association", "Genotypes", "Association", "genetics",
        "Would a study of synthetic individuals find what a study of real ones finds?",
    ),
    Section(
        "impute", "Genotypes", "Impute", "extension", "What are the calls that a file lacks, and how sure are they?"
    ),
    Section(
        "judge", "Genotypes", "Judge a file", "fact_check",
        "Are the synthetic individuals of a file, whatever made it, like the real ones?",
    ),
    Section("privacy", "Genotypes", "Privacy", "shield_person", "Does the model give its training individuals away?"),
    Section("atlas", "Distributions", "Atlas", "map", "Which sets are alike, and does a latent give its set back?"),
    Section("interpolate", "Distributions", "Interpolate", "conversion_path", "What lies between one set and another?"),
    Section(
        "sequences", "Distributions", "Sequences", "abc",
        "Are the generated sequences of a set like its real ones, letter by letter?",
    ),
    Section("geometry", "Distributions", "Geometry", "square_foot", "Do latent distances mean anything?"),
    Section("predict", "Distributions", "Predict", "online_prediction", "What does a latent tell of its set?"),
    Section("learn", "Learn", "Lessons", "school", "One idea a page: real models and metrics, moved by hand."),
)  # fmt: skip


def about(name: str) -> Section:
    """The entry of a page."""
    return next(section for section in SECTIONS if section.name == name)


def navigation(*, hidden: bool = False) -> StreamlitPage:
    """Register the pages with Streamlit; returns the one to run. `hidden`: without the menu at the side."""
    pages: dict[str, list[StreamlitPage]] = {}
    for section in SECTIONS:
        page = st.Page(
            _FOLDER / f"{section.name}.py", title=section.title, icon=section.symbol, default=section.name == "home"
        )
        pages.setdefault(section.section, []).append(page)
    return st.navigation(pages, position="hidden" if hidden else "sidebar", expanded=True)


def link(name: str, label: str | None = None, view: Mapping[str, str] | None = None) -> None:
    """A link to another page, with the widgets there as `view` has them."""
    section = about(name)
    st.page_link(
        f"pages/{name}.py", label=label or section.title, icon=section.symbol, help=section.answers, query_params=view
    )

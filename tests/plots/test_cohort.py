"""Figures of a dataset's profile: their numbers against the cohort itself, and that each can be drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.data.genotypes import MISSING, Genotypes
from core.data.library import Library
from core.plots import cohort as figures
from core.plots.figure import Figure
from tests.plots.checks import valid


def profile_of(genotypes: Genotypes, folder: Path) -> dict[str, Any]:
    library = Library(folder, embedded=folder / "none")
    return library.open(library.add(genotypes, name="cohort").id).profile()


@pytest.fixture
def profile(tiny: Genotypes, tmp_path: Path) -> dict[str, Any]:
    return profile_of(tiny, tmp_path)


def drawn(profile: dict[str, Any]) -> list[Figure]:
    found = [
        figures.allele_frequencies(profile),
        figures.missingness(profile),
        figures.hardy_weinberg(profile),
        figures.heterozygosity(profile),
        figures.label_values(profile, "population"),
        figures.phenotype(profile, "height"),
    ]
    return [figure for figure in found if figure]


def test_every_figure_can_be_drawn_and_told(profile: dict[str, Any]) -> None:
    for figure in drawn(profile):
        assert valid(figure).caption
    assert len(drawn(profile)) == 6


def test_histograms_count_everybody(profile: dict[str, Any], tiny: Genotypes) -> None:
    frequencies, _, _, heterozygosity, labels, phenotype = drawn(profile)
    for figure, total in ((frequencies, tiny.m), (heterozygosity, tiny.n), (labels, tiny.n), (phenotype, tiny.n)):
        heights = [bar.x if bar.orientation == "h" else bar.y for bar in figure.plot.data]
        assert sum(int(np.sum([v for v in bar if v is not None])) for bar in heights) == total


def test_missing_shares_are_those_of_the_calls(profile: dict[str, Any], tiny: Genotypes) -> None:
    figure = figures.missingness(profile)
    assert figure
    rows = figure.table
    complete = {
        of: n for of, missing, n in zip(rows["of"], rows["missing"], rows["count"], strict=True) if missing == "none"
    }
    gone = np.asarray(tiny.calls) == MISSING
    assert complete == {"variants": int((~gone.any(axis=0)).sum()), "individuals": int((~gone.any(axis=1)).sum())}


def test_training_and_held_out_add_up(profile: dict[str, Any], tiny: Genotypes) -> None:
    figure = figures.label_values(profile, "population")
    assert figure
    table = figure.table
    held_out = sum(n for part, n in zip(table["part"], table["individuals"], strict=True) if part == "Held out")
    assert held_out == profile["split"]["holdout"]


def test_what_is_not_there_is_no_figure(tiny: Genotypes, tmp_path: Path) -> None:
    calls = np.clip(np.asarray(tiny.calls), 0, 1)
    profile = profile_of(replace(tiny, calls=calls, ploidy=1, labels={}, phenotypes={}), tmp_path)
    assert figures.missingness(profile) is None
    assert figures.hardy_weinberg(profile) is None
    assert figures.heterozygosity(profile) is None
    assert figures.label_values(profile, "population") is None
    assert figures.phenotype(profile, "height") is None


def test_many_populations_are_cut_in_the_figure_and_not_in_the_table(tiny: Genotypes, tmp_path: Path) -> None:
    labels = np.array([f"P{i:03d}" for i in range(tiny.n)])
    profile = profile_of(replace(tiny, labels={"village": labels}), tmp_path)
    figure = figures.label_values(profile, "village")
    assert figure
    assert len(figure.plot.data[0].y) == 60
    assert len(figure.table["value"]) == 2 * tiny.n
    assert "20 smaller ones" in figure.caption

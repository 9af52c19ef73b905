"""Latent space: what it says without a run, its map, its walk, its clicks, and the link that restores it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.cli import main
from core.data.library import Library
from tests.conftest import tiny_cohort
from tests.pages.set_home import Open, alts, select, words

SMALL = [
    "training.epochs=4", "training.batch_size=40", "training.device=cpu", "model.latent=4",
    "model.encoder_widths=[16]", "model.decoder_widths=[16,6]", "model.neighbours=4", "evaluation.bootstrap=0",
    "evaluation.umap_individuals=0",
]  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one finished VAE on a small cohort."""
    home = tmp_path_factory.mktemp("trained_vae")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POPSCAPE_HOME", str(home))
        Library(home / "datasets").add(tiny_cohort(n=100, m=40), name="small", source="small.vcf")
        assert main(["train", "experiment=vae", "--dataset", "small", *SMALL]) == 0
    return home


@pytest.fixture
def vae(home: Path, trained: Path) -> None:
    """That home as the home of the test."""
    shutil.copytree(trained, home, dirs_exist_ok=True)


def figure(shown: AppTest, begins: str) -> Any:
    """A chart as the browser gets it."""
    return json.loads(next(c.proto.spec for c in shown.get("plotly_chart") if c.proto.alt.startswith(begins)))


def test_without_such_a_run_the_page_says_how_to_get_one(app: Open, runs: Callable[[int], None]) -> None:
    runs(2)
    shown = app("latents")
    assert not shown.exception and not alts(shown)
    assert "no model with a latent space yet" in words(shown) and "experiment=vae" in words(shown)


@pytest.mark.usefixtures("vae")
def test_the_map_and_the_walk_between_populations(app: Open) -> None:
    shown = app("latents")
    assert not shown.exception
    assert [chart.split(" ")[0] for chart in alts(shown)] == ["100", "The", "Expected"]
    assert {shown.selectbox(key=key).value for key in ("from_population", "to_population")} == {"NORTH", "SOUTH"}
    assert "(50 individuals)" in words(shown)
    drawn = figure(shown, "The walk from")
    (slider,) = drawn["layout"]["sliders"]
    assert len(slider["steps"]) == len(drawn["frames"]) == 21
    assert slider["steps"][0]["label"].startswith("0  ·  expected heterozygosity 0.")
    assert {step["method"] for step in slider["steps"]} == {"animate"}
    for frame in drawn["frames"]:
        assert len(frame["traces"]) == len(frame["data"]) == 3


@pytest.mark.usefixtures("vae")
def test_a_click_on_the_map_moves_the_ends_in_turn(app: Open) -> None:
    shown = app("latents", between="Two individuals")
    names = [shown.selectbox(key=key).value for key in ("from_individual", "to_individual")]
    everybody = shown.selectbox(key="from_individual").options
    others = [i for i, name in enumerate(everybody) if name not in names]
    for clicked in others[:2]:
        select(shown, "latents_map", clicked)
        assert not shown.exception
    chosen = [shown.selectbox(key=key).value for key in ("from_individual", "to_individual")]
    assert chosen == [everybody[i] for i in others[:2]]


@pytest.mark.usefixtures("vae")
def test_a_link_restores_the_ends(app: Open) -> None:
    cohort = tiny_cohort(n=100, m=40)
    a, b = str(cohort.sample_id[7]), str(cohort.sample_id[90])
    shown = app("latents", between="Two individuals", from_individual=a, to_individual=b)
    assert not shown.exception
    assert f"From A, {a}, to B, {b}" in words(shown)
    shown.session_state["copy_link"] = True
    link = next(code.value for code in shown.run().code)
    assert f"from_individual={a}" in link and f"to_individual={b}" in link
    same = app("latents", between="Two individuals", from_individual=a, to_individual=a)
    assert not same.exception and "choose two that differ" in words(same)


@pytest.mark.usefixtures("vae")
def test_a_cohort_that_is_gone_is_said_in_a_sentence(app: Open, home: Path) -> None:
    from pages.parts.genotypes import individuals

    individuals._opened.clear()
    shutil.rmtree(home / "datasets")
    shown = app("latents")
    assert not shown.exception
    assert "is not in the library; import it again" in words(shown)


@pytest.mark.usefixtures("vae")
def test_what_is_drawn_is_what_the_model_decodes(app: Open, home: Path) -> None:
    from core.latents.individuals import open_individuals

    shown = app("latents", from_population="NORTH", to_population="SOUTH")
    drawn = figure(shown, "Expected allele frequencies")
    (run,) = (home / "runs").glob("*/checkpoints")
    lens = open_individuals(run, tiny_cohort(n=100, m=40))
    ends = lens.population("population", "NORTH"), lens.population("population", "SOUTH")
    frequency = lens.walk(*ends).frequency
    first = np.abs(frequency[-1] - frequency[0]).argmax()
    assert drawn["data"][0]["name"] == str(lens.genotypes.variant_id[first])

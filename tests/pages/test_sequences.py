"""The page of sequences on a tiny run of DNA with planted motifs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.cli import main
from tests.pages.set_home import Open, Put, alts, tables, words

TINY = [
    "dataset.sets=16", "dataset.observations=24", "dataset.letters=50", "training.epochs=1", "training.batch_size=8",
    "encoder.channels=8", "model.latent=4", "model.query=8", "model.context_max=16",
]  # fmt: skip
VIEWS = ("Logo", "k-mers", "Lengths and composition", "Motifs", "Mutations", "Methylation", "Nearest real")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one finished run on 16 sets of DNA."""
    home = tmp_path_factory.mktemp("trained_sequences")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POPSCAPE_HOME", str(home))
        assert main(["train", "experiment=synthetic_dna", "generator=position_weights", *TINY]) == 0
    return home


@pytest.fixture
def sequences(home: Path, trained: Path) -> None:
    shutil.copytree(trained / "datasets", home / "datasets", dirs_exist_ok=True)
    shutil.copytree(trained / "runs", home / "runs", dirs_exist_ok=True)


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_draws(app: Open, sequences: None, view: str) -> None:
    shown = app("sequences", sequences=view)
    assert not shown.exception, shown.exception
    if view == "Methylation":
        assert "methylated C" in words(shown)
    elif view == "Nearest real":
        table = tables(shown)[0]
        assert len(table["Generated"]) == 24 and min(table["Edit distance"]) >= 0
        assert "equal a sequence of the dataset" in words(shown)
    else:
        assert all(alts(shown)) and alts(shown)


def test_the_slider_moves_the_logo_and_a_second_set_stands_below(app: Open, sequences: None) -> None:
    shown = app("sequences", beside="set_0002")
    assert len(alts(shown)) == 2
    assert "positions 1 to 40" in alts(shown)[0]
    shown.slider(key="first").set_value(5).run()
    assert "positions 5 to 44" in alts(shown)[0]


def test_motifs_of_a_file_are_counted_and_a_wrong_file_ends_in_a_sentence(app: Open, sequences: None) -> None:
    shown = app("sequences", sequences="Motifs")
    jaspar = b">MA1 mine\nA [ 9 0 0 9 0 9 9 ]\nC [ 0 9 0 0 0 0 0 ]\nG [ 0 0 9 0 0 0 0 ]\nT [ 0 0 0 0 9 0 0 ]\n"
    shown.file_uploader(key="motif_file").upload("one.jaspar", jaspar, "text/plain").run()
    assert "MA1 mine" in alts(shown)[0]
    shown.file_uploader(key="motif_file").upload("two.txt", b"hello", "text/plain").run()
    assert "No motif was found" in words(shown)


def test_other_observations_end_in_a_sentence(app: Open, set_runs: Put) -> None:
    set_runs(1)
    shown = app("sequences")
    assert not shown.exception
    assert "Choose a model of sequences" in words(shown)


def test_between_two_sets_a_slider_moves_the_logo(app: Open, sequences: None) -> None:
    shown = app("interpolate")
    assert not shown.exception, shown.exception
    assert any("Logos of positions 1 to 40" in alt for alt in alts(shown))
    shown.select_slider(key="letters_t").set_value(1.0).run()
    assert not shown.exception
    assert "Sequences generated at t = 1" in tables(shown)[0]


def test_letters_are_not_added(app: Open, sequences: None) -> None:
    shown = app("interpolate", walk="A − B + C")
    assert not shown.exception, shown.exception
    assert "Letters cannot be added" in words(shown)

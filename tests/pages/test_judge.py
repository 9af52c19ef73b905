"""Judge a file: what a foreign generator made, against a cohort of the library."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.data.export import write
from core.data.library import Library
from tests.conftest import tiny_cohort
from tests.pages.routed import routed  # noqa: F401
from tests.pages.set_home import Open, alts, tables, words


@pytest.fixture
def real(home: Path) -> None:
    """A cohort in the library of the test."""
    Library(home / "datasets").add(tiny_cohort(n=80, m=30), name="real", source="real.vcf")


@pytest.mark.usefixtures("real")
def test_copies_are_found_in_a_file(app: Open, tmp_path: Path) -> None:
    write(tiny_cohort(n=80, m=30).individuals(np.arange(40)), tmp_path / "made.npz", {})
    shown = app("judge", dataset="real")
    assert not shown.exception and "matched by id" in words(shown)
    shown.file_uploader(key="judge_file").upload("made.npz", (tmp_path / "made.npz").read_bytes()).run()
    shown.button(key="judge_start").click().run()
    assert not shown.exception and not shown.error
    assert len(alts(shown)) == 1
    assert "equal a training individual" in words(shown)
    copies = dict(zip(tables(shown)[0]["Metric"], tables(shown)[0]["made.npz"], strict=True))
    assert any(str(value).startswith("1") for name, value in copies.items() if "opies" in str(name))
    assert any(b.proto.label.startswith("Report with all charts") for b in shown.get("download_button"))


@pytest.mark.usefixtures("real")
def test_a_file_of_other_variants_ends_in_a_sentence(app: Open) -> None:
    shown = app("judge", dataset="real")
    shown.file_uploader(key="judge_file").upload("made.csv", b"id,a,b\nx,0,1\ny,2,1\n").run()
    shown.button(key="judge_start").click().run()
    assert not shown.exception and len(shown.error) == 1


def test_without_a_cohort_the_page_says_what_to_do(app: Open, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Library, "list", lambda self: [])
    assert "no real individuals" in words(app("judge"))

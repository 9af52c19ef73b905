"""Impute: without a run, held-out individuals with hidden variants, a file of the reader's, what is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.cli import main
from core.data.export import write
from core.data.library import Library
from tests.conftest import tiny_cohort
from tests.pages.routed import routed  # noqa: F401
from tests.pages.set_home import Open, alts, tables, words

SMALL = ["training.device=cpu", "evaluation.bootstrap=0", "evaluation.umap_individuals=0"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one finished mosaic of a small cohort."""
    home = tmp_path_factory.mktemp("trained_mosaic")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POPSCAPE_HOME", str(home))
        Library(home / "datasets").add(tiny_cohort(n=100, m=40), name="small", source="small.vcf")
        assert main(["train", "experiment=haplotype_mosaic", "--dataset", "small", *SMALL]) == 0
    return home


@pytest.fixture
def mosaic(home: Path, trained: Path) -> None:
    """That home as the home of the test."""
    shutil.copytree(trained, home, dirs_exist_ok=True)


def test_without_such_a_run_the_page_says_how_to_get_one(app: Open, set_runs: Callable[[int], None]) -> None:
    set_runs(1)
    shown = app("impute")
    assert not shown.exception and "no model that imputes yet" in words(shown)
    assert "Hidden Chow–Liu tree" in words(shown) and "Haplotype mosaic" in words(shown)


@pytest.mark.usefixtures("mosaic")
def test_hidden_variants_of_held_out_individuals_are_imputed_at_the_push_of_a_button(app: Open) -> None:
    shown = app("impute")
    assert not shown.exception and not alts(shown)
    shown.button(key="impute_start").click().run()
    assert not shown.exception and not shown.error
    assert alts(shown)[0].startswith("Squared correlation of imputed and true dosages by minor-allele frequency: ")
    facts = {metric.label: metric.value for metric in shown.metric}
    assert (facts["Individuals"], facts["Hidden variants"]) == ("20", "20")
    assert float(facts["r²"]) > 0.3
    (table,) = tables(shown)
    assert sum(map(int, table["Variants"])) == 20
    assert [button.proto.label.split(" (")[0] for button in shown.get("download_button")][-1] == "Imputed genotypes"


@pytest.mark.usefixtures("mosaic")
def test_a_file_of_the_reader(app: Open, tmp_path: Path) -> None:
    cohort = tiny_cohort(n=100, m=40)
    chip = cohort.variants(np.arange(0, 40, 2)).individuals(np.arange(10))
    (path, *_) = write(chip, tmp_path / "chip.vcf.gz")
    shown = app("impute", impute="A file of mine")
    assert not shown.exception and "contig, position and alleles" in words(shown)
    shown.file_uploader(key="impute_file").set_value(("chip.vcf.gz", path.read_bytes(), "application/gzip")).run()
    shown.button(key="impute_start").click().run()
    assert not shown.exception and not shown.error
    facts = {metric.label: metric.value for metric in shown.metric}
    assert (facts["Individuals"], facts["Variants in the file"]) == ("10", "20")
    assert not alts(shown) and "r²" not in facts
    assert "bear the name of a training individual" in words(shown)
    shown.file_uploader(key="impute_file").set_value(("notes.csv", b"hello", "text/csv")).run()
    shown.button(key="impute_start").click().run()
    assert not shown.exception and len(shown.error) == 1 and "notes.csv" in words(shown)

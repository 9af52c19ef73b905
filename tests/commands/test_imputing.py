"""impute from end to end: a file with swapped alleles, absent variants and missing calls; accuracy; what is refused."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cyvcf2 import VCF

from core import cli
from core.data.export import write
from core.data.genotypes import Genotypes
from tests.conftest import end_workers, tiny_cohort

QUICK = [
    "training.device=cpu",
    "evaluation.bootstrap=0",
    "evaluation.neighbours=[3,5]",
    "evaluation.umap_individuals=0",
]
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def cohort() -> Genotypes:
    return tiny_cohort(n=120, m=40)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, cohort: Genotypes) -> Iterator[Path]:
    """A home with the dataset "tiny" of 100 individuals and a mosaic of them; files of the other 20 lie beside it."""
    folder = tmp_path_factory.mktemp("imputing")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POPSCAPE_HOME", str(folder / "home"))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.chdir(folder)
        new = np.arange(0, 120, 6)
        write(cohort.individuals(np.setdiff1d(np.arange(120), new)), folder / "tiny.npz")
        truth = cohort.individuals(new)
        write(truth, folder / "truth.vcf.gz")
        write(_chip(truth), folder / "chip.vcf.gz")
        write(replace(truth, variant_contig=np.full(40, "X")), folder / "strange.npz")
        assert cli.main(["import", "tiny.npz"]) == 0
        for experiment in ("haplotype_mosaic", "resample"):
            assert cli.main(["train", f"experiment={experiment}", "--dataset", "tiny", *QUICK]) == 0
        yield folder
        end_workers(folder / "home")


def _chip(truth: Genotypes) -> Genotypes:
    """Two of three variants, in another order and with other ids; the first four count the other allele."""
    chip = truth.variants(np.flatnonzero(np.arange(truth.m) % 3 != 1)[::-1])
    allele, calls = chip.variant_allele.copy(), chip.calls.copy()
    allele[-4:] = allele[-4:, ::-1]
    calls[:, -4:] = np.where(calls[:, -4:] < 0, -1, 2 - calls[:, -4:])
    names = np.array([f"chip{j}" for j in range(chip.m)])
    return replace(chip, calls=calls, variant_allele=allele, variant_id=names)


@pytest.fixture
def call(world: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.setenv("POPSCAPE_HOME", str(world / "home"))
    monkeypatch.chdir(world)

    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = cli.main(list(words))
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def answer(told: tuple[int, str, str]) -> dict[str, Any]:
    status, out, err = told
    assert status == 0, err
    value: dict[str, Any] = json.loads(out.splitlines()[-1])
    return value


def a_run(call: Call, model: str) -> str:
    found = answer(call("runs", "--json"))["runs"]
    return str(next(r["run"] for r in found if r["model"] == model and r["dataset_name"] == "tiny"))


def test_a_file_is_imputed_on_the_variants_of_the_run(call: Call, world: Path, cohort: Genotypes) -> None:
    words = ["impute", a_run(call, "haplotype_mosaic"), str(world / "chip.vcf.gz")]
    found = answer(call(*words, "--truth", str(world / "truth.vcf.gz"), "--out", str(world / "o.vcf.gz"), "--json"))
    absent = np.arange(40) % 3 == 1
    assert (found["individuals"], found["variants"]) == (20, 40)
    assert (found["matched"], found["absent"], found["left"], found["trained_on"]) == (27, 13, 0, 0)
    assert "4 variants with swapped alleles" in " ".join(found["notes"])
    judged = found["accuracy"]["all"]
    assert judged["r2"] > 0.5 > judged["null_r2"] and judged["concordance"] > judged["null_concordance"]

    truth = cohort.individuals(np.arange(0, 120, 6))
    records = list(VCF(str(world / "o.vcf.gz")))
    assert [r.POS for r in records] == truth.variant_position.tolist()
    assert [r.INFO.get("IMP") is not None for r in records] == absent.tolist()
    for j, record in enumerate(records):
        probability, dosage = record.format("GP"), record.format("DS")[:, 0]
        np.testing.assert_allclose(probability.sum(1), 1, atol=1e-5)
        np.testing.assert_allclose(dosage, probability @ [0, 1, 2], atol=1e-3)
        likely = record.genotype.array()[:, :2].sum(1)
        np.testing.assert_array_equal(likely, probability.argmax(1))
        known = (truth.calls[:, j] >= 0) & ~absent[j]
        np.testing.assert_array_equal(likely[known], truth.calls[known, j])
        assert absent[j] == (record.INFO.get("R2") is not None) or not known.all()
    header = gzip.decompress((world / "o.vcf.gz").read_bytes()).decode().split("#CHROM")[0]
    assert 'ID=imputed,Value="chip.vcf.gz"' in header and 'ID=kind,Value="imputed individuals"' in header


def test_hiding_half_of_the_variants_and_dosages_as_csv(call: Call, world: Path) -> None:
    run = a_run(call, "haplotype_mosaic")
    found = answer(call("impute", run, "--mask", "0.5", "--out", str(world / "o.csv"), "--json"))
    bins = found["accuracy"]["bins"]
    assert sum(b["variants"] for b in bins) == found["accuracy"]["all"]["variants"] == 20
    rows = [line.split(",") for line in (world / "o.csv").read_text().splitlines() if not line.startswith("#")]
    assert rows[0][:2] == ["sample_id", "variant_1"] and len(rows) == found["individuals"] + 1
    assert all(0 <= float(cell) <= 2 for row in rows[1:] for cell in row[1:])
    status, out, _ = call("impute", run, str(world / "chip.vcf.gz"), "--mask", "0.2", "--hide", "calls")
    assert status == 0 and "minor-allele frequency" in out and "promise r²" in out


def test_one_individual_is_enough(call: Call, world: Path, cohort: Genotypes) -> None:
    write(cohort.individuals(np.array([6])).variants(np.arange(0, 40, 2)), world / "one.vcf.gz")
    found = answer(call("impute", a_run(call, "haplotype_mosaic"), "one.vcf.gz", "--out", "one.out.vcf", "--json"))
    assert (found["individuals"], found["absent"], found["expected_r2"]) == (1, 20, None)
    assert len(list(VCF(str(world / "one.out.vcf")))) == 40


def test_individuals_that_were_trained_on_are_told(call: Call, world: Path) -> None:
    found = answer(call("impute", a_run(call, "haplotype_mosaic"), str(world / "tiny.npz"), "--mask", "0.5", "--json"))
    assert 50 < found["trained_on"] < 100 and "prove nothing" in " ".join(found["notes"])


@pytest.mark.parametrize(
    ("model", "words", "said"),
    [
        ("resample", ["chip.vcf.gz", "--out", "o.vcf"], "cannot impute; train one of: "),
        ("haplotype_mosaic", ["chip.vcf.gz", "--out", "o.bed"], "no ending"),
        ("haplotype_mosaic", ["chip.vcf.gz"], "give --out"),
        ("haplotype_mosaic", ["--out", "o.vcf"], "give a FILE"),
        ("haplotype_mosaic", ["chip.vcf.gz", "--mask", "1.5"], "between 0 and 1"),
        ("haplotype_mosaic", ["none.vcf", "--out", "o.vcf"], "cannot be opened"),
        ("haplotype_mosaic", ["strange.npz", "--out", "o.vcf"], "None of the 40 variants of strange.npz"),
        ("haplotype_mosaic", ["chip.vcf.gz", "--truth", "tiny.npz"], "None of the 20 individuals is in tiny.npz"),
    ],
)
def test_what_cannot_be_imputed_is_refused_in_one_sentence(call: Call, model: str, words: list[str], said: str) -> None:
    status, _, err = call("impute", a_run(call, model), *words)
    assert status == 2 and said in err and "Traceback" not in err

"""The whole report: its shape, its seeds, its nulls and ceilings, and the figures known for real data."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.config.evaluation import EvaluationConfig
from core.data.genotypes import Genotypes, from_calls
from core.errors import InputError
from core.evaluation.registry import metrics
from core.evaluation.report import evaluate
from core.reports.files import read_report
from core.reports.report import Report
from tests.conftest import REPOSITORY, tiny_cohort
from tests.evaluation.cohorts import mosaic, noise

QUICK = EvaluationConfig(bootstrap=40, neighbours=(3, 5, 10), projections=16)
NAMES = {
    "allele_frequency_r", "genotype_frequency_r", "fst", "ld_r", "ld_decay_rmse", "precision", "recall", "density",
    "coverage", "aa_truth", "aa_synthetic", "aats", "privacy_loss", "pca_wasserstein",
}  # fmt: skip


@pytest.fixture(scope="module")
def with_holdout(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, Path]:
    """A report of honest synthetic individuals against a holdout, and the folder that it was written to."""
    out = tmp_path_factory.mktemp("report")
    population = tiny_cohort(n=240, m=60)
    train, holdout = population.individuals(np.arange(0, 240, 3)), population.individuals(np.arange(1, 240, 3))
    made = population.individuals(np.arange(2, 240, 3))
    names = {"real": "cohort", "synthetic": "run 1"}
    return evaluate(train, made, holdout=holdout, seed=3, options=QUICK, out=out, names=names), out


def test_every_metric_has_every_field(with_holdout: tuple[Report, Path]) -> None:
    report, _ = with_holdout
    assert set(report.metrics) == set(metrics.names("genotypes")) >= NAMES
    for name, one in report.metrics.items():
        assert (one.value is None) == bool(one.reason), name
        assert one.label and one.help and one.source and one.family != "Other", name
        assert (one.target is not None) == (one.direction == "target"), name
        if one.value is not None:
            assert one.null is not None, name
            # Half of the individuals may find no hit where all of them do.
            assert one.ceiling is not None or metrics[name].value.pooled, name
        if one.low is not None:
            assert one.low - 1e-9 <= one.value <= one.high + 1e-9, name


def test_what_is_written_is_what_is_returned(with_holdout: tuple[Report, Path]) -> None:
    report, out = with_holdout
    assert json.loads((out / "report.json").read_text()) == report.content
    assert read_report(out) == report
    facts = {"schema": 1, "real": "cohort", "synthetic": "run 1", "holdout": "holdout", "seed": 3}
    assert facts.items() <= report.content.items()
    assert report.judged == "holdout"
    assert report.n == {"real": 80, "synthetic": 80, "holdout": 80, "reference": 80, "variants": 60}
    assert report.content["seconds"] > 0
    files = sorted((out / "arrays").iterdir())
    assert {"nearest.npz", "structure.npz"} <= {f.name for f in files}
    for file in files:
        with np.load(file, allow_pickle=False) as stored:
            assert stored.files
    assert [row["k"] for row in report.curve("precision_recall")] == [3, 5, 10]


def test_honest_individuals_stand_between_null_and_ceiling(with_holdout: tuple[Report, Path]) -> None:
    found = with_holdout[0].metrics
    assert abs(found["precision"].value - found["precision"].ceiling) < 0.2
    assert found["precision"].value > found["precision"].null + 0.1
    assert abs(found["aats"].value - 0.5) < 0.12
    assert abs(found["privacy_loss"].value) < 0.15
    assert found["copies"].value == 0


def test_the_same_seed_gives_the_same_report_and_another_seed_another() -> None:
    real, made = mosaic(60, 40, 1), mosaic(50, 40, 2)
    reports = [evaluate(real, made, seed=s, options=QUICK) for s in (1, 1, 2)]
    one, same, other = ({**report.content, "seconds": 0, "seed": 0} for report in reports)
    assert one == same != other


def test_a_copier_is_named_by_its_numbers() -> None:
    train, holdout = mosaic(150, 100, 1), mosaic(75, 100, 2)
    copied = train.individuals(np.random.default_rng(0).integers(0, 150, 150))
    found = evaluate(train, copied, holdout=holdout, options=QUICK).metrics
    assert found["copies"].value == 1
    assert found["copies"].ceiling == 0
    assert found["privacy_loss"].low > 0.2
    assert abs(found["privacy_loss"].ceiling) < 0.15
    assert found["nearest_train_share"].value == 1
    assert found["precision"].value > 0.7  # which fidelity metrics cannot see


def test_without_a_holdout_value_and_null_are_repeated_at_the_size_of_the_ceiling() -> None:
    report = evaluate(mosaic(100, 60, 1), mosaic(100, 60, 2), options=QUICK)
    assert report.judged == "real"
    one = report.metric("precision")
    assert one.params["n"] == 100
    assert one.matched["n"] == 50
    assert one.matched["value"] > one.matched["null"]
    assert report.metric("aats_train").reason


@pytest.mark.parametrize("ending", [".npz", ".csv", ".vcf.gz", ".bed"])
def test_exported_and_imported_individuals_give_the_same_numbers(ending: str, tmp_path: Path, home: Path) -> None:
    from core.data import export
    from core.data.intake.importing import read_file

    real, made = tiny_cohort(n=120, m=40, seed=1), tiny_cohort(n=90, m=40, seed=2)
    made = replace(made, sample_id=np.array([f"made {i}" for i in range(90)]), variant_position=real.variant_position)
    written = export.write(made, tmp_path / f"made{ending}", {"model": "a model"})
    table = written[-1] if ending in (".vcf.gz", ".bed") else None
    again = read_file([written[0]], samples=table).population
    assert isinstance(again, Genotypes)
    before, after = (evaluate(real, one, options=QUICK) for one in (made, again))
    assert [name for name, one in before.metrics.items() if one.family in ("Association", "Prediction") and one.value]
    assert {n: one.value for n, one in before.metrics.items()} == {n: one.value for n, one in after.metrics.items()}
    assert before.curve("association_hits") == after.curve("association_hits")


@pytest.mark.parametrize(("n_real", "n_made", "m"), [(1, 1, 1), (2, 9, 3), (3, 2, 50), (9, 1, 20)])
def test_hardly_any_data_gives_reasons_not_errors(n_real: int, n_made: int, m: int) -> None:
    report = evaluate(from_calls(noise(n_real, m, 1)), from_calls(noise(n_made, m, 2)), options=QUICK)
    assert all(one.value is not None or one.reason for one in report.metrics.values())


@pytest.mark.parametrize("fill", [-1, 0, 2])
def test_constant_or_missing_matrices_give_reasons_not_errors(fill: int) -> None:
    real = mosaic(40, 30, 1)
    made = from_calls(np.full((40, 30), fill, dtype=np.int8))
    for first, second in ((real, made), (made, real), (made, made)):
        report = evaluate(first, second, options=QUICK)
        assert all(one.value is not None or one.reason for one in report.metrics.values())


def test_haploid_calls_are_measured_too() -> None:
    real, made = (from_calls(noise(60, 40, s, ploidy=1), ploidy=1) for s in (1, 2))
    found = evaluate(real, made, options=QUICK).metrics
    assert found["aats"].value == pytest.approx(0.5, abs=0.15)
    assert found["precision"].null is not None


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(InputError, match="at least one of each"):
        evaluate(from_calls(np.zeros((0, 5), dtype=np.int8)), from_calls(noise(4, 5, 1)), options=QUICK)
    with pytest.raises(InputError, match="ploidy"):
        evaluate(from_calls(noise(9, 5, 1)), from_calls(noise(9, 5, 1, ploidy=1), ploidy=1), options=QUICK)


def test_metrics_are_listed_without_torch() -> None:
    """Pages list the metrics; torch is loaded where one is computed."""
    program = (
        "import sys; from core.evaluation.registry import metrics; print(len(metrics.names()), 'torch' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    count, loaded = answer.stdout.split()
    assert int(count) >= len(NAMES)
    assert loaded == "False"


def thousand_genomes(shared: Path) -> Genotypes:
    """2504 individuals × 805 SNPs, haplotypes paired."""
    with zipfile.ZipFile(shared / "data/human-1kg-805snp/805_SNP_1000G_real.hapt.zip") as archive:
        text = archive.read("805_SNP_1000G_real.hapt").decode()
    haplotypes = np.array([line.split()[2:] for line in text.splitlines() if line], dtype=np.int8)
    return from_calls(haplotypes[0::2] + haplotypes[1::2])


@pytest.mark.parametrize("seed", [0, 1])
def test_halves_of_the_thousand_genomes(shared: Path, seed: int) -> None:
    """Two disjoint halves cannot be told apart, and small k leaves room above and below."""
    everyone = thousand_genomes(shared)
    order = np.random.default_rng(seed).permutation(everyone.n)
    halves = [everyone.individuals(np.sort(part)) for part in (order[:1252], order[1252:])]
    report = evaluate(*halves, options=EvaluationConfig(bootstrap=0))
    found = {name: one.value for name, one in report.metrics.items()}
    rows = {row["k"]: row for row in report.curve("precision_recall")}
    assert 0.46 <= found["aats"] <= 0.54
    for name in ("precision", "recall"):
        assert 0.72 <= rows[5][name] <= 0.80
        assert 0.84 <= rows[10][name] <= 0.91
        assert rows[5][name] == found[name]
    assert 0.98 <= found["ld_r"] <= 0.99

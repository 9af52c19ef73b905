"""The benchmark of models: what is measured agrees with a report, what was done is kept, and who is first is said."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import child
from core.bench import model_measures, model_table, model_trials, models
from core.bench.code import code_digest
from core.bench.model_standings import Row, Standings
from core.bench.model_trials import Job, halves, keep_cohort
from core.child import Ended
from core.config.experiments import load
from core.data.digest import content_digest
from core.data.export import write
from core.data.genotypes import Genotypes, number_ids
from core.errors import InputError
from core.evaluation.registry import metrics
from core.evaluation.report import evaluate
from core.reports import recommendation
from tests.conftest import tiny_cohort

QUICK = ["--models", "resample,gaussian_copula,independent_sites", "--seeds", "1"]


@pytest.fixture
def file(home: Path, tmp_path: Path) -> str:
    """A small cohort as a file."""
    return str(write(tiny_cohort(), tmp_path / "tiny.npz")[0])


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The trials that were done, in this process: a child takes seconds to load torch."""
    names: list[str] = []

    def run(module: str, folder: str, **options: Any) -> Ended:
        names.append(Path(folder).name)
        return Ended(model_trials.main(Path(folder)), "", "")

    monkeypatch.setattr(child, "run", run)
    return names


@pytest.fixture
def table(file: str, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Run the benchmark on the file and read its JSON."""

    def run(*words: str) -> dict[str, Any]:
        capsys.readouterr()
        models.main(["--data", file, *QUICK, *words, "--json"])
        value: dict[str, Any] = json.loads(capsys.readouterr().out)
        return value

    return run


def test_it_ranks_models_between_null_and_ceiling(
    table: Callable[..., dict[str, Any]], done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "names", lambda kind: QUICK[1].split(","))
    value = table("--models", "")
    by_name = {one["name"]: one["trials"]["0"]["metrics"] for one in value["models"]}
    assert set(by_name) == {"ceiling", "null", "resample", "gaussian_copula", "independent_sites"}
    for found in by_name.values():
        assert all(found[name]["value"] is not None for name in model_measures.SCORES)
    assert by_name["ceiling"]["ld_r"]["value"] > by_name["gaussian_copula"]["ld_r"]["value"]
    assert by_name["gaussian_copula"]["ld_r"]["value"] > by_name["null"]["ld_r"]["value"] + 0.2
    assert by_name["resample"]["membership_auc"]["value"] > 0.65 > by_name["null"]["membership_auc"]["value"]
    # A copy looks perfect, and the null is right in its frequencies by construction: neither is ranked.
    assert set(value["first"].values()) == {"gaussian_copula"}
    assert value["recommended"] == "gaussian_copula"
    assert "training individuals come back: Resampled" in " ".join(value["sentences"])

    digest = content_digest(tiny_cohort())
    kept = recommendation.measured(digest)
    assert kept is not None and kept.experiment == "gaussian_copula" and kept.measured
    assert recommendation.recommend(digest, recommendation.Shape(64, 40, 0.0)) == kept
    assert len(done) == 4
    # A benchmark of a few models changes nothing in what is recommended.
    recommendation.keep(digest, recommendation.Recommendation("resample", "It was asked for.", measured=True))
    table()
    still = recommendation.measured(digest)
    assert still is not None and still.experiment == "resample"


def test_what_was_done_is_kept_and_an_interrupted_table_goes_on(
    table: Callable[..., dict[str, Any]], done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = child.run

    def interrupted(*words: Any, **options: Any) -> Ended:
        if len(done) == 2:
            raise KeyboardInterrupt
        return run(*words, **options)

    monkeypatch.setattr(child, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        table()
    monkeypatch.setattr(child, "run", run)
    first, before = table(), len(done)
    assert before == 4 and len(set(done)) == 4
    assert table() == first and len(done) == before
    table("--labels")
    assert len(done) == before + 3  # null and ceiling have no labels to use


def test_a_training_is_cut_off_by_its_minutes_and_says_how_far_it_came(
    table: Callable[..., dict[str, Any]], done: list[str], file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--models", "wgan_gp_published", "--minutes", "0.0001", "--validation", "0.2"]
    (found,) = [one for one in table(*words)["models"] if one["name"] == "wgan_gp_published"]
    trained = found["trials"]["0"]["trained"]
    assert trained["epochs"] == 1 and trained["of"] == 1000 and trained["seconds"] > 0
    assert models.main(["--data", file, *QUICK, *words, "--markdown"]) == 0
    said = capsys.readouterr().out
    assert "1 of 1000" in said and "| error of r²" in said and "Goals:" in said
    assert not list(Path(done[0]).glob("checkpoints"))


def test_a_trial_that_fails_is_said_and_tried_again(
    table: Callable[..., dict[str, Any]], done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise InputError("It does not learn.")

    with monkeypatch.context() as broken:
        broken.setattr(model_trials, "_train", fail)
        value = table()
    assert value["recommended"] is None
    assert {one["failures"].get("0") for one in value["models"][2:]} == {"It does not learn."}
    assert table()["recommended"] == "gaussian_copula"


def test_a_child_process_does_a_trial(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """For real: the process that the others are spared."""
    assert models.main(["--data", file, "--models", "resample", "--seeds", "1"]) == 0
    assert "Resampled training individuals" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--models", "digits"], "is of sets"),
        (["--models", "vea"], "no experiment called 'vea'"),
        (["--seeds", "0"], "--seeds is at least 1"),
        (["--phenotypes", "weight"], "no phenotype 'weight'; the cohort has: height"),
        (["--preset", "gpu", "--models", "resample", "--data", "nothing"], "There is no dataset 'nothing'"),
    ],
)
def test_wrong_input_is_one_sentence(file: str, words: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        models.main(["--data", file, *words])


def test_a_cohort_too_small_to_divide_is_refused(home: Path, tmp_path: Path) -> None:
    few = write(tiny_cohort(12, 40), tmp_path / "few.npz")[0]
    with pytest.raises(InputError, match="12 individuals; 16 are needed"):
        models.main(["--data", str(few)])


def test_halves_are_disjoint_complete_and_of_one_size(tiny: Genotypes) -> None:
    train, holdout = halves(tiny, 3)
    assert train.n == holdout.n == tiny.n // 2
    assert not set(train.sample_id) & set(holdout.sample_id)
    assert (tiny.calls == -1).any() and not (train.calls == -1).any() and not (holdout.calls == -1).any()
    index = np.searchsorted(tiny.sample_id, train.sample_id, sorter=np.argsort(tiny.sample_id))
    original = tiny.calls[np.argsort(tiny.sample_id)[index]]
    assert np.array_equal(train.calls[original >= 0], original[original >= 0])
    again = halves(tiny, 3)
    assert np.array_equal(again[0].calls, train.calls) and np.array_equal(again[1].sample_id, holdout.sample_id)
    assert not np.array_equal(halves(tiny, 4)[0].sample_id, train.sample_id)


def test_table_and_report_agree(tiny: Genotypes) -> None:
    """Value, null and ceiling of every metric are those that a report gives for the same individuals."""
    train, holdout = halves(tiny, 0)
    synthetic = replace(train, calls=np.random.default_rng(0).permutation(train.calls), labels={}, phenotypes={})
    report = evaluate(train, synthetic, holdout=holdout, seed=5, options=model_measures.CONFIG)
    found = {"value": model_measures.measure(train, synthetic, holdout, 5), **model_measures.frame(train, holdout, 5)}
    checked = 0
    unpooled = [n for n in model_measures.SCORES + model_measures.OTHERS if not metrics[n].value.pooled]
    for name in unpooled:
        for side in ("value", "null", "ceiling"):
            if (expected := getattr(report.metric(name), side)) is not None:
                assert found[side]["metrics"][name]["value"] == pytest.approx(expected, abs=1e-12), (name, side)
                checked += 1
    assert checked > 50
    rows = {row["k"]: row for row in report.curve("precision_recall")}
    assert found["value"]["metrics"]["recall_10"]["value"] == rows[10]["recall"]
    assert [one["error"] for one in found["value"]["ld"]] == [
        row["synthetic"] for row in report.curve("ld_r2_error_by_distance")
    ]


def test_phenotypes_are_studied_where_models_are_conditioned_on_them(tiny: Genotypes) -> None:
    """As a report pools the real individuals for it: value, null and ceiling agree."""
    train, holdout = halves(tiny, 0)
    synthetic = replace(train, sample_id=number_ids("s", train.n))
    report = evaluate(train, synthetic, holdout=holdout, seed=5, options=model_measures.CONFIG)
    found = {"value": model_measures.measure(train, synthetic, holdout, 5), **model_measures.frame(train, holdout, 5)}
    for side in ("value", "null", "ceiling"):
        expected = getattr(report.metric("gwas_effect_r"), side)
        assert found[side]["metrics"]["gwas_effect_r"]["value"] == pytest.approx(expected, abs=1e-9)
    assert found["value"]["metrics"]["gwas_effect_r"]["value"] > 0.4


def test_only_code_counts_in_the_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "somecode"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "a.py").write_text("from somecode import b\nfrom json import loads\nX = b.Y\n")
    (package / "b.py").write_text('"""Words."""\nY = 1\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    first = code_digest(["somecode.a"], "somecode")
    (package / "b.py").write_text('"""Other words."""\n\n# A reason.\nY   =   1\n')
    assert code_digest(["somecode.a"], "somecode") == first
    (package / "b.py").write_text('"""Words."""\nY = 2\n')
    assert code_digest(["somecode.a"], "somecode") != first


def test_settings_and_seed_are_another_trial_and_words_are_not(home: Path, tiny: Genotypes) -> None:
    folder, experiment = keep_cohort(tiny, "tiny"), load("wgan_gp")
    job = Job(folder, 0, experiment)
    assert Job(folder, 0, {**experiment, "help": "other words"}).folder == job.folder
    others = [
        Job(folder, 1, experiment),
        Job(folder, 0, experiment, minutes=2.0),
        Job(folder, 0, experiment, condition_on="auto"),
        Job(folder, 0, {**experiment, "model": {**experiment["model"], "latent": 3}}),
    ]
    assert len({one.folder for one in [job, *others]}) == 5
    job.write()
    assert Job.read(job.folder) == job


def trial(**values: float) -> dict[str, Any]:
    """A result with these metrics."""
    return {"metrics": {name: {"value": value, "params": {}} for name, value in values.items()}, "ld": []}


def row(name: str, *trials: dict[str, Any]) -> Row:
    return Row(name, name.capitalize(), dict(enumerate(trials)))


def test_first_places_shares_and_goals() -> None:
    fine = {"precision": 0.8, "recall": 0.76, "aats": 0.5, "aats_train": 0.48, "ld_r": 0.985, "fst": 1e-4}
    fine |= {"copies": 0.0}
    fine |= {"aats_apart": 0.02}
    good = row("good", trial(**fine), trial(**{**fine, "precision": 0.7}))
    poor = {**fine, "recall": 0.3, "aats_apart": 0.4, "fst": -1e-5}
    bad = row("bad", trial(**poor), trial(**{**fine, "recall": 0.4}))
    copier = row("copier", trial(**{**fine, "precision": 1.0, "copies": 1.0}))
    best = row("ceiling", trial(precision=0.8, recall=0.8, ld_r=0.99, copies=0.0, fst=8e-5))
    # Scattered wide enough, noise has the best recall there is, and AA 0 and 1 average to 0.5.
    noise = row("noise", trial(**{**fine, "precision": 0.0, "recall": 1.0, "aats": 0.5, "aats_apart": 0.5}))
    standings = Standings([bad, good, copier, noise], row("null", trial(precision=0.0)), best)
    assert standings.first("precision") is bad and standings.first("recall") is good
    assert standings.first("fst") is bad and standings.first("aats") is good
    assert standings.share(good, "precision") == pytest.approx(0.75 / 0.8)
    assert math.isnan(standings.share(good, "fst"))
    assert standings.quality(good) == pytest.approx((0.75 / 0.8 * 0.95 * 0.985 / 0.99) ** (1 / 3))
    assert standings.recommended is good and copier not in standings.ranked and noise not in standings.ranked
    assert "is as good as absent: Noise." in " ".join(standings.sentences())
    assert [met for _, _, met in standings.goals(good)] == [False, True, True, True, True, True]
    lines = model_table.scores(standings).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert "0.750 ± 0.071 (94%)" in lines[4] and "**0.760 ± 0.000 (95%)**" in lines[4]
    assert lines[5].endswith("not ranked |") and "±" not in lines[5]


def test_every_rule_names_an_experiment_and_some_rule_always_holds() -> None:
    for _, experiment, why in recommendation.RULES:
        assert load(experiment)["kind"] == "genotypes"
        assert why(recommendation.Shape(100, 50, 0.2)).endswith(".")
    chosen = {
        recommendation.by_rule(recommendation.Shape(n, m, r2)).experiment
        for n in (2, 1000, 100_000)
        for m in (1, 1000, 100_000)
        for r2 in (0.0, 0.05, 0.5)
    }
    assert {"vae", "gan", "pca_diffusion"} <= chosen

"""Predict: probes, observed against predicted, early and late, effects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from core.cli import main
from core.runs.store import RunStore
from tests.pages.set_home import Open, Put, alts, words

EARLY = {
    "unit": "clone", "order": "day", "n_train": 30, "n_holdout": 10, "retrieval_top1": 0.4, "retrieval_top5": 0.9,
    "mean_retrieval_top1": 0.3, "mean_retrieval_top5": 0.7, "chance_top1": 0.1, "chance_top5": 0.5,
    "information": 1.5, "information_null": 0.2, "mean_information": 1.1, "mean_information_null": 0.2,
}  # fmt: skip
SHIFT = {
    "unit": "p1", "from": "control", "to": "treated", "r2": 0.8, "mse": 0.1, "mean_r2": 0.6, "mean_mse": 0.2,
    "w2": 1.0, "mean_w2": 1.3, "unchanged_w2": 2.0,
}  # fmt: skip
W2 = {"unchanged": 2.0, "mean_shift": 1.8, "linear_flow": 1.4, "regenerated": 1.2, "floor": 1.0}
NEXT = {
    "order": "day", "unit": "clone", "n_train": 30, "n_holdout": 10, "units": 5, "observations": 20.0,
    "resampled": "units", "best": "linear_flow", "rows": [{"from": "a 2", "to": "a 4", "n": 20, **W2}],
    "pooled": {
        **W2, **{f"{k}_{end}": v + d for k, v in W2.items() for end, d in (("low", -0.1), ("high", 0.1))},
        "share_linear_flow": 0.6, "share_linear_flow_low": 0.5, "share_linear_flow_high": 0.7,
        "linear_flow_gain": 0.4, "linear_flow_gain_low": 0.2, "linear_flow_gain_high": 0.6,
    },
}  # fmt: skip


def with_curves(home: Path, **curves: Any) -> None:
    """Give the report of the run these curves; None takes one away."""
    (path,) = home.glob("runs/*/report.json")
    report = json.loads(path.read_text())
    report["curves"] = {k: v for k, v in {**report["curves"], **curves}.items() if v is not None}
    path.write_text(json.dumps(report))


def test_probes_stand_beside_the_mean_and_one_is_looked_at_closely(app: Open, set_runs: Put) -> None:
    set_runs(1)
    shown = app("predict", target="mean_2")
    assert not shown.exception
    assert alts(shown)[0].startswith("R² on held-out sets: mean_1") and "(mean " in alts(shown)[0]
    assert alts(shown)[1].startswith("Predicted against observed mean_2 of 8 held-out sets")
    assert "32 training and 8 held-out sets" in words(shown)


def test_early_and_late_with_information_against_its_null(app: Open, set_runs: Put, home: Path) -> None:
    set_runs(1)
    with_curves(home, early_late=EARLY)
    shown = app("predict", predict="Early and late")
    assert not shown.exception
    assert "40% of the held-out units" in alts(shown)[0] and "10% by chance" in alts(shown)[0]
    assert [m.value for m in shown.metric] == ["1.50 bits", "1.10 bits"]
    assert shown.metric[0].delta == "null 0.200"


def test_effects_on_held_out_units(app: Open, set_runs: Put, home: Path) -> None:
    set_runs(1)
    with_curves(home, effects={"column": "condition", "reference": "control", "rows": [SHIFT]})
    shown = app("predict", predict="Effects")
    assert not shown.exception
    assert "for 1 of 1 changes" in alts(shown)[0]
    assert shown.dataframe[0].value["Unit"].tolist() == ["p1"]


def test_what_cannot_be_asked_says_why(app: Open, set_runs: Put, home: Path) -> None:
    set_runs(1)
    with_curves(home, early_late={"reason": "The sets name no unit."}, effects=None)
    assert "The sets name no unit." in words(app("predict", predict="Early and late"))
    assert "made without this analysis" in words(app("predict", predict="Effects"))
    with_curves(home, probes=[{"target": "donor", "kind": "classification", "reason": "One value only."}])
    text = words(app("predict"))
    assert "There is nothing to predict" in text and "donor: One value only." in text


def test_the_next_set_between_no_change_and_the_floor(app: Open, set_runs: Put, home: Path) -> None:
    set_runs(1)
    with_curves(home, forecast=NEXT)
    shown = app("predict", predict="Next set")
    assert not shown.exception
    assert alts(shown)[0].startswith("Mean W2 to the next set of 1 held-out pairs: No change 2.00; Mean shift 1.80")
    assert "closes 60% of the gap between no change and the floor and is nearer than the mean shift" in words(shown)
    assert "mostly noise" not in words(shown)
    assert shown.dataframe[0].value["Linear flow of the latent"].tolist() == [1.4]
    with_curves(home, forecast=NEXT | {"best": "", "observations": 2.0})
    text = words(app("predict", predict="Next set"))
    assert "None of the forecasts is nearer" in text and "rests on 2.00 observations" in text


def test_the_command_line_generates_the_next_sets(home: Path, tmp_path: Path, capsys: Any) -> None:
    run = next(run.run for run in RunStore().list() if "clones" in str(RunStore().get(run.run).path))
    out = tmp_path / "next.npz"
    options = ["--from", "clone_005_day4", "--steps", "2", "--n", "30", "--out", str(out), "--json"]
    assert main(["forecast", run, *options]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["stage"] == [6.0, 8.0] and "No training set is later than day 6" in found["warnings"][0]
    with np.load(out) as made:
        assert made["X"].shape == (60, 12) and made["day"].tolist() == [6.0] * 30 + [8.0] * 30
    assert main(["forecast", run, "--from", "clone_5", "--out", str(out)]) == 2
    assert "There is no set called 'clone_5'" in capsys.readouterr().err


def test_a_set_under_another_condition_on_the_page_and_on_the_command_line(
    app: Open, home: Path, tmp_path: Path, capsys: Any
) -> None:
    """Nine donors at rest and stimulated: imported, fitted, and one carried over."""
    rng = np.random.default_rng(0)
    lines = ["donor,state,gene1,gene2"]
    for donor in range(9):
        base = rng.normal(size=2)
        for state, shift in (("rest", 0.0), ("stimulated", 3.0)):
            lines += [f"d{donor},{state},{a + shift:.3f},{b:.3f}" for a, b in base + rng.normal(size=(40, 2))]
    (tmp_path / "cells.csv").write_text("\n".join(lines))
    options = ["--kind", "sets", "--set-column", "donor,state", "--unit", "donor", "--label-columns", "state,donor"]
    assert main(["import", str(tmp_path / "cells.csv"), *options, "--normalise", "none", "--name", "donors"]) == 0
    assert main(["train", "experiment=perturbseq", "--dataset", "donors"]) == 0
    assert "under another condition: In " in capsys.readouterr().err
    run = next(run.run for run in RunStore().list() if not run.embedded)
    name = next(str(n) for n in np.load(next((home / "runs").glob("*/arrays/latents.npz")))["set_id"] if "rest" in n)
    out = tmp_path / "set.npz"
    assert main(["intervene", run, name, "--to", "stimulated", "--n", "200", "--out", str(out), "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["units"] == 8 and found["features"][0]["feature"] == "gene1"
    assert found["features"][0]["low"] > 0.5 and found["features"][1]["low"] < 0 < found["features"][1]["high"]
    with np.load(out) as made:
        assert made["X"].shape == (200, 2) and made["feature"].tolist() == ["gene1", "gene2"]
    assert main(["intervene", run, name, "--to", "frozen", "--out", str(out)]) == 2
    assert "No set has the label value 'frozen'" in capsys.readouterr().err

    shown = app("predict", predict="Effects", carried=name, condition="state: stimulated")
    assert not shown.exception
    assert alts(shown)[-1].startswith("Predicted to move most under state stimulated: gene1 +")
    assert "independently of their state" in words(shown) and "95% intervals held" in words(shown)
    assert "core intervene" in str(shown.code[-1].value)


def test_units_left_out_one_by_one_beside_the_mean_and_the_null(app: Open, set_runs: Put, home: Path) -> None:
    set_runs(1)
    values = {"latent": 0.9, "mean": 0.5, "difference": 0.4}
    scores = {f"{k}{end}": v + d for k, v in values.items() for end, d in (("", 0), ("_low", -0.1), ("_high", 0.1))}
    row = {"target": "fate", "kind": "classification", "null": 0.4, "mean_null": 0.41, "chance": 0.3, **scores}
    still = {"target": "batch", "kind": "classification", "reason": "One value."}
    found = {"unit": "clone", "n_units": 30, "n_holdout": 6, "dropped": 2, "rows": [row, still]}
    with_curves(home, units=found)
    shown = app("predict", predict="Units")
    assert not shown.exception
    assert alts(shown)[0] == "Accuracy on units left out: fate 0.900 (mean 0.500)."
    assert shown.dataframe[0].value["Null"].tolist() == ["0.400"]
    assert "all but 6 of these units" in words(shown) and "batch: One value." in words(shown)
    assert "2 units with one set left out" in words(shown) and "core lift" in str(shown.code[0].value)


def test_the_latents_of_a_run_become_a_dataset_that_is_trained_on(home: Path, capsys: Any) -> None:
    run = next(run.run for run in RunStore().list() if "clones" in str(RunStore().get(run.run).path))
    assert main(["lift", run, "--name", "clones-up", "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (found["sets"], found["observations"], found["holdout"]) == (120, 360, 24)
    assert found["labels"] == ["fate"] and "held out here too" in found["notes"][1]
    assert main(["train", "experiment=cytometry", "--dataset", "clones-up", "dataset.min_samples=1"]) == 0


def test_new_perturbations_are_foretold_from_a_table(app: Open, home: Path, tmp_path: Path, capsys: Any) -> None:
    """Cells of 14 drugs whose dose moves one gene: imported, fitted, and a drug of another dose foretold."""
    rng = np.random.default_rng(0)
    doses = {"NT": 0.0, **{f"drug{i}": float(i) for i in range(1, 14)}}
    lines = ["drug,gene1,gene2"]
    for drug, dose in doses.items():
        lines += [f"{drug},{a + dose / 3:.3f},{b:.3f}" for a, b in rng.normal(size=(40, 2))]
    (tmp_path / "cells.csv").write_text("\n".join(lines))
    table = "\n".join(["drug,dose", *(f"{drug},{dose}" for drug, dose in doses.items()), "stronger,18"])
    (tmp_path / "drugs.csv").write_text(table)
    options = ["--kind", "sets", "--set-column", "drug", "--label-columns", "drug", "--normalise", "none"]
    assert main(["import", str(tmp_path / "cells.csv"), *options, "--name", "screen"]) == 0
    assert main(["train", "experiment=perturbseq", "--dataset", "screen"]) == 0
    run = next(run.run for run in RunStore().list() if not run.embedded)
    out = tmp_path / "new.npz"
    assert main(["unseen", run, str(tmp_path / "drugs.csv"), "--n", "50", "--out", str(out), "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["pooled"]["latent"] > 0.9 and found["pooled"]["difference_low"] > 0.1
    with np.load(out) as made:
        assert made["X"].shape == (50, 2) and set(made["set"].tolist()) == {"stronger"}
        assert 4.5 < made["X"][:, 0].mean() < 7.5

    shown = app("predict", predict="New perturbations")
    shown.file_uploader(key="unseen_table").upload("drugs.csv", table.encode(), "text/csv").run()
    assert not shown.exception
    assert "These features foretell more than the mean shift" in words(shown)
    assert f"python -m core unseen {run[:12]} drugs.csv" in str(shown.code[0].value)
    shown.file_uploader(key="unseen_table").upload("drugs.csv", b"drug,dose\nx,1\ny,2\n", "text/csv").run()
    assert "0 of the 2 described perturbations are among the values" in words(shown)

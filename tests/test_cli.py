"""Every verb of the command line: what it prints, what `--json` holds, its exit status."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import cli
from core.commands.child import sampled
from core.config.home import REPOSITORY
from core.data.export import write
from tests.conftest import end_workers, tiny_cohort
from tests.waiting import PATIENCE

SMALL = ["training.device=cpu", "evaluation.bootstrap=0", "evaluation.neighbours=[3,5]"]

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with a dataset "tiny" and a finished run, shared by the tests of this file; files lie beside it."""
    folder = tmp_path_factory.mktemp("cli")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POPSCAPE_HOME", str(folder / "home"))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.chdir(folder)
        cohort = tiny_cohort()
        write(cohort, folder / "tiny.npz")
        write(cohort.individuals(np.arange(0, 80, 2)), folder / "half.vcf.gz")
        write(cohort.individuals(np.arange(1, 80, 2)), folder / "other.npz")
        assert cli.main(["import", "tiny.npz"]) == 0
        assert cli.main(["train", "experiment=independent_sites", "--dataset", "tiny", *SMALL]) == 0
        yield folder
        end_workers(folder / "home")


@pytest.fixture
def call(world: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = cli.main(list(words))
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def answer(told: tuple[int, str, str]) -> dict[str, Any]:
    """The object on the last line, of a command that succeeded."""
    status, out, err = told
    assert status == 0, err
    value: dict[str, Any] = json.loads(out.splitlines()[-1], parse_constant=lambda c: pytest.fail(f"{c} is no JSON"))
    return value


def the_run(call: Call) -> str:
    runs = answer(call("runs", "--json"))["runs"]
    return str(next(r["run"] for r in runs if r["dataset_name"] == "tiny" and r["state"] == "succeeded"))


def test_import(call: Call) -> None:
    found = answer(call("import", "half.vcf.gz", "--samples", "half.samples.tsv", "--name", "half", "--json"))
    assert {"dataset", "individuals", "variants", "populations", "dropped"} <= found.keys()
    assert (found["individuals"], found["variants"], found["populations"]) == (40, 40, 2)
    again = answer(call("import", "half.vcf.gz", "--samples", "half.samples.tsv", "--json"))
    assert again["dataset"] == found["dataset"]
    filtered = answer(call("import", "tiny.npz", "--maf-min", "0.3", "--name", "common", "--json"))
    assert filtered["variants"] < 40
    assert sum(filtered["dropped"].values()) == 40 - filtered["variants"]


def test_simulate_and_export(call: Call, world: Path) -> None:
    words = ["--individuals", "20,20,20", "--length", "100000", "--variants", "30", "--seed", "3"]
    found = answer(call("simulate", "--name", "made", *words, "--json"))
    assert (found["name"], found["individuals"]) == ("made", 60)
    out = answer(call("export", "made", "--part", "holdout", "--out", str(world / "made.csv"), "--json"))
    assert out["individuals"] == found["holdout"]
    assert Path(out["files"][0]).is_file()


def test_the_individuals_of_a_report_are_exported_and_judged_again(call: Call, world: Path) -> None:
    run = the_run(call)
    out = answer(call("sample", run, "--out", str(world / "made.vcf.gz"), "--json"))
    kept = np.load(world / "home" / "runs" / run / "synthetic.npz")["call_genotype"]
    assert (out["individuals"], out["variants"]) == kept.shape
    answer(call("sample", run, "--out", str(world / "made.npz"), "--json"))
    quick = ["--bootstrap", "0", "--projections", "8"]
    reports = [
        answer(call("evaluate", "--real", "tiny.npz", "--synthetic", f"made{ending}", *quick, "--json"))
        for ending in (".vcf.gz", ".npz")
    ]
    values = [{name: one["value"] for name, one in report["metrics"].items()} for report in reports]
    assert values[0] == values[1] and values[0]["gwas_effect_r"] is not None
    assert call("sample", run, "--seed", "3", "--out", "x.npz")[0] == 2
    # What the button of the browser gives: the VCF with the table of its individuals.
    with zipfile.ZipFile(io.BytesIO(sampled(run, ".vcf.gz"))) as archive:
        assert sorted(archive.namelist()) == ["synthetic.samples.tsv", "synthetic.vcf.gz"]
        header = gzip.decompress(archive.read("synthetic.vcf.gz")).decode()
    assert (
        f'##popscape=<ID=run,Value="{run}">' in header and '##popscape=<ID=model,Value="Independent sites">' in header
    )


def test_evaluate_writes_a_page_with_its_associations(call: Call, world: Path) -> None:
    words = ["--real", "tiny.npz", "--synthetic", "other.npz", "--bootstrap", "0", "--projections", "8"]
    answer(call("evaluate", *words, "--out", str(world / "page.html"), "--json"))
    text = (world / "page.html").read_text()
    assert "Association with height" in text and "chart-manhattan" in text
    assert not (world / "arrays").exists()


def test_simulate_sets(call: Call, world: Path) -> None:
    words = ["--simulator", "family", "--family", "normal", "--sets", "6", "--observations", "8"]
    found = answer(call("simulate", *words, "--json"))
    assert (found["name"], found["sets"], found["observations"]) == ("normal", 6, 48)
    status, _, said = call("simulate", *words, "--hotspots", "0.5")
    assert status == 2 and "--hotspots is no setting of the simulator 'family'" in said
    status, _, said = call("export", "normal", "--out", str(world / "sets.csv"))
    assert status == 2 and "holds sets" in said and said.count("\n") == 1


def test_datasets(call: Call) -> None:
    listed = answer(call("datasets", "--json"))["datasets"]
    assert {"tiny", "demo"} <= {d["name"] for d in listed}
    assert "tiny" in call("datasets")[1]


def test_runs(call: Call) -> None:
    listed = answer(call("runs", "--json"))["runs"]
    assert all({"run", "state", "reason", "model", "dataset", "created"} <= run.keys() for run in listed)
    assert "independent_sites" in call("runs")[1]


@pytest.mark.parametrize("verb", ["models", "metrics", "experiments"])
def test_what_can_be_chosen(call: Call, verb: str) -> None:
    listed = answer(call(verb, "--json"))[verb]
    text = call(verb)[1]
    assert listed
    assert all(entry["name"] in text and entry["help"] for entry in listed)


def test_train_and_its_report(call: Call) -> None:
    status, out, err = call("train", "experiment=resample", "--dataset", "tiny", *SMALL, "--json")
    told = json.loads(out.splitlines()[-1])
    assert (status, told["state"]) == (0, "succeeded")
    assert {"run", "state"} <= told.keys()
    assert "ceiling" in err
    assert "recall" in err
    report = answer(call("report", told["run"], "--json"))
    assert {"metrics", "curves", "flags", "seed"} <= report.keys()
    entry = report["metrics"]["recall"]
    assert {"value", "low", "high", "null", "ceiling", "direction", "target", "params", "reason"} <= entry.keys()
    assert answer(call("delete", told["run"], "--json")) == {"run": told["run"], "deleted": True}


def test_a_sweep_trains_every_combination_and_shows_what_differs(call: Call) -> None:
    told = call("sweep", "experiment=independent_sites", "training.seed=1,2", "--dataset", "tiny", *SMALL, "--json")
    assert [run["state"] for run in answer(told)["runs"]] == ["succeeded", "succeeded"]
    assert answer(told)["runs"][1]["title"] == "Independent sites, seed 2"
    assert "training.seed" in told[2].splitlines()[-3]
    status, _, err = call("sweep", "experiment=independent_sites", "training.seed=1,x", "--dataset", "tiny")
    assert (status, "Traceback" in err) == (2, False)


def test_train_detached_stop_resume_logs(call: Call) -> None:
    network = ["model.latent=4", "model.generator_widths=[8]", "model.critic_widths=[8]", "training.batch_size=16"]
    words = ["experiment=wgan_gp", "training.epochs=100000", "training.evaluate_every=100000", *network, *SMALL]
    run = answer(call("train", "--dataset", "tiny", *words, "--detach", "--json"))
    assert run["state"] in ("queued", "starting", "running")
    stopped = answer(call("stop", run["run"], "--now", "--json"))
    assert stopped["state"] == "cancelled"
    assert answer(call("resume", run["run"], "--detach", "--json"))["state"] != "cancelled"
    assert answer(call("stop", run["run"][:8], "--now", "--json"))["state"] == "cancelled"
    assert "succeeded" in answer(call("logs", the_run(call), "--json"))["log"]
    assert call("stop", run["run"])[0] == 2


def test_a_failed_run_is_status_1(call: Call) -> None:
    found = answer(call("import", "other.npz", "--name", "doomed", "--json"))
    from core.data.library import Library
    from core.runs.store import RunStore

    Library().remove(found["dataset"])
    config = RunStore().get(the_run(call)).config
    run = RunStore().submit({**config, "dataset": {"id": found["dataset"], "name": "doomed"}})
    status, out, err = call("stop", run.id)
    assert "Traceback" not in out + err
    status, out, err = call("resume", run.id, "--json")
    assert status == 1
    assert json.loads(out.splitlines()[-1])["state"] == "failed"
    assert "doomed" in err


def test_sample(call: Call, world: Path) -> None:
    run = the_run(call)
    out = str(world / "made.vcf.gz")
    made = answer(call("sample", run, "--n", "7", "--condition", "population=SOUTH", "--out", out, "--json"))
    assert (made["individuals"], made["variants"]) == (7, 40)
    assert answer(call("import", out, "--name", "sampled", "--json"))["individuals"] == 7
    for condition, word in (("population=EAST", "NORTH, SOUTH"), ("planet=x", "not conditioned"), ("x", "KEY=VALUE")):
        status, _, err = call("sample", run, "--n", "7", "--condition", condition, "--out", out)
        assert (status, word in err) == (2, True), err
    assert call("sample", run, "--n", "0", "--out", out)[0] == 2
    assert call("sample", run, "--n", "3", "--out", str(world / "made.h5ad"))[0] == 2


def test_evaluate_files_and_datasets(call: Call, world: Path) -> None:
    quick = ["--bootstrap", "0", "--neighbours", "3,5", "--json"]
    out = world / "judged" / "mine.json"
    report = answer(call("evaluate", "--real", "half.vcf.gz", "--synthetic", "other.npz", "--out", str(out), *quick))
    assert report["metrics"]["allele_frequency_r"]["value"] > 0.8
    assert json.loads(out.read_text())["metrics"].keys() == report["metrics"].keys()
    assert any((out.parent / "arrays").glob("*.npz"))
    page = world / "judged" / "page.html"
    by_run = answer(call("evaluate", "--real", "tiny", "--synthetic", the_run(call), "--out", str(page), *quick))
    assert "Recall" in page.read_text(encoding="utf-8")
    assert by_run["judged"] == "holdout"
    assert by_run["n"]["real"] + by_run["n"]["holdout"] == 80
    held = answer(call("evaluate", "--real", "tiny", "--synthetic", "other.npz", "--holdout", "half.vcf.gz", *quick))
    assert held["holdout"] == "half.vcf.gz"
    other = answer(call("evaluate", "--real", "half.vcf.gz", "--synthetic", "tiny", *quick))
    assert (other["synthetic"], other["n"]["synthetic"], other["judged"]) == ("tiny", 80, "real")


def test_doctor(call: Call) -> None:
    found = answer(call("doctor", "--json"))
    assert {"versions", "devices", "backends", "disk_free_bytes", "home"} <= found.keys()
    assert "torch" in found["versions"]


def test_preflight(call: Call) -> None:
    found = answer(call("preflight", "experiment=independent_sites", "--dataset", "tiny", *SMALL, "--json"))
    assert {"seconds_low", "seconds_high", "memory_bytes", "device", "parameters"} <= found.keys()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["trian"], "did you mean 'train'"),
        (["import"], "required"),
        (["import", "absent.vcf"], "absent.vcf"),
        (["import", "tiny.npz", "--maf-min", "high"], "of type float"),
        (["import", "tiny.npz", "--maf-min", "0.9"], "at most 0.5"),
        (["import", "tiny.npz", "--kind", "cats"], "invalid choice"),
        (["datasets", "--verbose"], "--verbose"),
        (["train", "experiment=wgan_gp", "training.epochz=3"], "training.epochz"),
        (["train", "experiment=wgan_gp", "training.epochs=-3"], "at least 0"),
        (["train", "experiment=wgan_gp", "model.latnt=3"], "model.latnt"),
        (["train", "experiment=wgan_gp", "model=gann"], "no model called 'gann'"),
        (["train", "experiment=wgan_gp", "evaluation.kk=3"], "evaluation.kk"),
        (["train", "experiment=wgan_gp", "--dataset", "absent"], "no dataset 'absent'"),
        (["resume", "absent"], "no run 'absent'"),
        (["stop", "../../etc"], "is not an id"),
        (["logs", "a/b"], "is not an id"),
        (["report", "0123456789"], "no run"),
        (["sample", "absent", "--n", "x", "--out", "a.npz"], "invalid int"),
        (["evaluate", "--real", "absent.npz", "--synthetic", "other.npz"], "no file 'absent.npz'"),
        (["evaluate", "--real", "tiny", "--synthetic", "absent"], "no run 'absent'"),
        (["evaluate", "--real", "tiny", "--synthetic", "other.npz", "--out", "x.txt"], "does not end in .json"),
        (["export", "tiny", "--out", "x.docx"], "no ending"),
        (["bench", "nothing"], "no benchmark called"),
    ],
)
def test_wrong_input_is_one_sentence_and_status_2(call: Call, words: list[str], sentence: str) -> None:
    status, out, err = call(*words)
    assert (status, out) == (2, "")
    assert sentence in err
    assert len(err.strip().splitlines()) == 1, err


def test_a_fault_of_the_program_is_one_sentence_and_a_log(
    call: Call, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.data.library import Library

    def broken(self: Library) -> list[Any]:
        raise ZeroDivisionError("boom")

    monkeypatch.setattr(Library, "list", broken)
    status, out, err = call("datasets")
    assert (status, out) == (1, "")
    assert len(err.splitlines()) == 1
    log = Path(err.strip().rsplit(" ", 1)[1].rstrip("."))
    assert "ZeroDivisionError: boom" in log.read_text()


def test_help(call: Call) -> None:
    status, out, _ = call()
    assert status == 0
    assert all(verb in out for verb in cli.VERBS if verb != "worker")
    with pytest.raises(SystemExit) as ended:
        call("import", "--help")
    assert ended.value.code == 0


def test_light_verbs_load_no_torch(world: Path) -> None:
    code = (
        "import sys; from core.cli import main\n"
        "status = [main([verb]) for verb in ('runs', 'datasets', 'experiments')]\n"
        "heavy = [n for n in ('torch', 'streamlit', 'pandas', 'hydra', 'cyvcf2', 'msprime') if n in sys.modules]\n"
        "print(status, heavy, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[0, 0, 0] []"


def test_ctrl_c_in_the_foreground_stops_the_run_cleanly(world: Path) -> None:
    import signal

    network = ["model.latent=4", "model.generator_widths=[8]", "model.critic_widths=[8]", "training.batch_size=16"]
    words = ["experiment=wgan_gp", "training.epochs=100000", "training.evaluate_every=100000", *network, *SMALL]
    process = subprocess.Popen(
        [sys.executable, "-m", "core", "train", *words, "--dataset", "tiny", "--json"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("running"):
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert json.loads(out.splitlines()[-1])["state"] == "cancelled"
    assert "Stopping" in err

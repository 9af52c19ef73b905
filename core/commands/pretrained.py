"""pretrained: train again what is shipped, from fixed seeds, so that the first launch shows a finished comparison."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from core.commands.answer import FAILED, Answer, Command
from core.commands.follow import follow
from core.config.experiments import compose
from core.config.home import PRETRAINED
from core.errors import InputError, RunError
from core.runs.directory import Run
from core.runs.files import write_json
from core.runs.states import State
from core.runs.store import RunStore
from core.runs.submission import prepare

BASELINES = ("independent_sites", "gaussian_copula", "haplotype_mosaic", "neighbour_mosaic", "resample")
FAMILIES = ("vae", "gan", "wgan_gp", "pca_diffusion", "rbm", "hidden_tree", "masked_transformer")
# Folder in pretrained/ → what is trained; the models of sets stand for the kinds of demo collections.
EXPERIMENTS: dict[str, list[str]] = {
    **{n: [f"experiment={n}"] for n in BASELINES},
    **{name: [f"experiment={name}"] for name in FAMILIES},
    "gaussians": ["experiment=gaussians"],
    "digits": ["experiment=digits"],
    "clones": ["experiment=lineage_tracing"],
    "promoters": ["experiment=gpra_dna"],
    "proteins": ["experiment=synthetic_protein"],
}
# What a reader of a finished run needs; the log, the heartbeat and the checkpoint for resuming stay behind.
_FILES = ("config.json", "report.json", "metrics.jsonl")
_IF_ANY = ("synthetic.npz",)  # runs on sets keep their samples in the arrays of the report
_FOLDERS = ("arrays", "checkpoints/best")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("experiments", nargs="*", metavar="EXPERIMENT", help=f"default: {', '.join(EXPERIMENTS)}")
    parser.add_argument("--judge", action="store_true", help="write the reports anew, without training")


def _pretrained(options: argparse.Namespace) -> Answer:
    store = RunStore()
    shipped: dict[str, str] = {}
    unknown = [name for name in options.experiments if name not in EXPERIMENTS]
    if unknown:
        raise InputError(f"{unknown[0]!r} is not shipped; choose among: {', '.join(EXPERIMENTS)}.")
    for name in options.experiments or EXPERIMENTS:
        if options.judge:
            folder = PRETRAINED / name
            if folder.is_dir():
                shipped[name] = str(judge_again(folder))
            continue
        # On the CPU, so that whoever repeats it gets the same numbers.
        run = store.submit(prepare(compose([*EXPERIMENTS[name], "training.device=cpu"])))
        run = follow(store, run, stop_on_interrupt=True)
        if run.state is not State.SUCCEEDED:
            return Answer({"run": run.id, "state": run.state}, f"{name}: {run.state}. {run.status['reason']}", FAILED)
        shipped[name] = str(ship(run, PRETRAINED / name))
        store.delete(run.id)
    return Answer({"shipped": shipped}, "\n".join(f"{name}: {folder}" for name, folder in shipped.items()))


def judge_again(folder: Path) -> Path:
    """Write the report of a shipped run anew, from its weights or its kept individuals, with the metrics of today."""
    from core.runs import set_work
    from core.runs.work import dataset_of, judge

    run = Run(folder, embedded=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as draft:
        if run.config["kind"] == "sets":
            set_work.evaluate(run, dataset_of(run), "cpu", Path(draft))  # as they were trained
        else:
            judge(run, Path(draft), lambda _: None)
        shutil.rmtree(folder / "arrays")
        for made in Path(draft).iterdir():
            made.replace(folder / made.name)
    return folder


def ship(run: Run, folder: Path) -> Path:
    """Copy what a reader needs of a finished run into `folder`, in place of what is there. Raises RunError."""
    if run.report() is None:
        raise RunError(f"Run {run.id} has no report; only a run that was evaluated can be shipped.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.with_name(f".{folder.name}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    for name in _FILES:
        shutil.copyfile(run.path / name, draft / name)
    for name in _IF_ANY:
        if (run.path / name).is_file():
            shutil.copyfile(run.path / name, draft / name)
    for name in _FOLDERS:
        shutil.copytree(run.path / name, draft / name, copy_function=shutil.copyfile)
    # Neither this machine's name nor its paths leave it.
    status = {k: run.status[k] for k in ("state", "created", "started", "ended")}
    write_json(draft / "status.json", {**status, "reason": f"Shipped with Popscape. {run.status['reason']}"})
    env = {k: v for k, v in run.env.items() if k in ("versions", "commit", "device", "cpus")}
    write_json(draft / "env.json", env)
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    return folder


COMMANDS: dict[str, Command] = {"pretrained": (_arguments, _pretrained)}

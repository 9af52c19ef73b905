"""intervene: what a set would become under another condition, with intervals and as a file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.commands.answer import Answer, Command
from core.commands.tables import number, table
from core.errors import InputError
from core.evaluation.sets.intervention import intervene
from core.latents.lens import open_lens, outside
from core.latents.walk import place_of
from core.reports.interventions import ASSUMPTIONS, coverage_words
from core.runs.store import RunStore

if TYPE_CHECKING:
    from core.evaluation.sets.intervention import Intervention
    from core.runs.directory import Run


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="id of a run on sets, or its first six letters or more")
    parser.add_argument("set", metavar="SET", help="name of the set")
    parser.add_argument("--to", required=True, metavar="VALUE", help="the other condition, a value of a label")
    parser.add_argument("--column", default="", help="label column of the condition (default: the one with this value)")
    parser.add_argument("--n", type=int, default=500, help="observations that are generated (default 500)")
    parser.add_argument("--seed", type=int, default=0, help="of their noise (default 0)")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="file ending in .npz")


def _intervene(options: argparse.Namespace) -> Answer:
    from core.runs.set_work import control_of_run, sets_of
    from core.runs.work import dataset_of

    if options.out.suffix != ".npz":
        raise InputError(f"--out {options.out.name!r} does not end in .npz; sets are written as a NumPy archive.")
    if options.n < 1:
        raise InputError(f"--n is {options.n}; at least 1 is expected.")
    run = RunStore().get(options.run)
    lens = open_lens(run.checkpoints)
    sets, split = sets_of(run, dataset_of(run))
    subject = lens.subject(sets, split, int(run.config["seed"]), control_of_run(run.config))
    found = intervene(subject, place_of(sets, options.set), options.to, options.column)
    made = lens.generate(found.latent[None], options.n, options.seed)[0]
    arrays: dict[str, Any] = {"X": made, "latent": found.latent, "feature": np.array(found.feature, dtype=np.str_)}
    spans = ("change", "low", "high", "average_low", "average_high", "observed")
    arrays |= {name: value for name in spans if (value := getattr(found, name)) is not None}
    arrays |= sets.observation.spelled(made)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with options.out.open("wb") as file:
        np.savez_compressed(file, **arrays)
    far = outside(found.latent, subject.latents[subject.train])
    lines = [
        f"{options.set} with {found.column} {found.after} in place of {found.before}, by the mean latent step of "
        f"{found.units} other {'unit' if found.units == 1 else 'units'}; {options.n} observations written to "
        f"{options.out}. Features that move most, in deviations:",
        _table(found),
        *([f"No interval: {found.missing}"] if found.missing else ["Each interval is for one feature alone."]),
        *(
            [f"Warning: the latent lies {far:.1f} times as far from the training sets as any of them."]
            if far > 1
            else []
        ),
        _coverage(run),
        ASSUMPTIONS,
    ]
    rows = [
        {"feature": found.feature[i], **{name: float(arrays[name][i]) for name in spans if name in arrays}}
        for i in found.top
    ]
    value = {
        "run": run.id, "set": options.set, "column": found.column, "from": found.before, "to": found.after,
        "units": found.units, "outside": far, "missing": found.missing, "features": rows, "file": str(options.out),
    }  # fmt: skip
    return Answer(value, "\n".join(lines))


def _table(found: Intervention) -> str:
    header = ["feature", "change"]
    header += ["95% interval, this set", "95% interval, average effect"] if found.low is not None else []
    header += ["what happened"] if found.observed is not None else []
    rows = []
    for i in found.top:
        row = [found.feature[i], f"{found.change[i]:+.3f}"]
        for low, high in ((found.low, found.high), (found.average_low, found.average_high)):
            if low is not None and high is not None:
                row.append(f"{number(float(low[i]))} to {number(float(high[i]))}")
        rows.append(row + ([] if found.observed is None else [f"{found.observed[i]:+.3f}"]))
    return table(header, rows)


def _coverage(run: Run) -> str:
    report = run.report()
    found = None if report is None else report.analysis("interventions")
    return coverage_words(found or {"reason": "the report of this run was made without this analysis."})


COMMANDS: dict[str, Command] = {"intervene": (_arguments, _intervene)}

"""One model at several sites without exchanging sets, on all sets in one place, and at each site alone.

All of one seed are judged on the same held-out sets, in the same halves, so that their differences are taken set by
set: an interval of a difference does not hold what makes one set harder than another.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from core.bench.gde_trials import ended, machine
from core.config.experiments import compose
from core.config.federation import ALONE, FEDERATED, POOLED, FederationConfig, role
from core.config.home import home
from core.errors import InputError
from core.evaluation.registry import measurement, metrics
from core.evaluation.sets.reconstruction import reconstructions
from core.evaluation.sets.resampling import resamples
from core.latents.lens import Lens
from core.models.gde.gde import GDE
from core.runs import set_work, work
from core.runs.directory import Run, create
from core.runs.ending import Ending
from core.runs.federated.plan import compared, federated
from core.runs.intervals import Intervals
from core.runs.submission import prepare
from core.training.load import load_trained

SCORE = "reconstruction_fraction"
ROLES = (ALONE, POOLED, FEDERATED)
ERRORS = ("w2", "floor", "mean_only")  # of a held-out set; the score is where the first lies between the others
LOW = 0.025
Array = npt.NDArray[np.float64]
STATES = {"last": "last", "kept": "best"}  # after as many steps each; chosen by the held-out loss, as in a report


def main(arguments: Sequence[str]) -> int:
    """Print one line a training and the differences; exit status 1 where, after as many steps, federated is not as good
    as pooled and better than alone."""
    parser = argparse.ArgumentParser(prog="bench federated", description=__doc__)
    parser.add_argument("--experiment", default="lineage_tracing")
    parser.add_argument("--dataset", default="demo-clones")
    parser.add_argument("--sites", type=int, default=3)
    parser.add_argument("--site-column", default="")
    parser.add_argument("--local-epochs", type=int, default=0, help="as for `federate`, with as many epochs in all")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each kind; they deal out the sets anew, too")
    parser.add_argument("--quick", action="store_true", help="a tenth of the epochs: a look, not a measurement")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args(arguments)
    if options.seeds < 1:
        raise InputError("One seed or more, please.")
    print(f"{SCORE}, 0 floor and 1 mean only, of the {' and the '.join(STATES)} state", flush=True)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["POPSCAPE_HOME"] = folder  # the trainings leave nothing in the library
        for seed in range(1, options.seeds + 1):
            for config in trainings(options, seed):
                rows.append({"seed": seed, **measure(config)})
                print(line(rows[-1]), flush=True)
    for state in STATES:
        lines, passed = summary(rows, state)
        print(f"{state} state: goal {'met' if passed else 'missed'}")
        print("\n".join(f"  {name}: {text}" for name, text in lines.items()))
    print(machine())
    return ended("federated", rows, summary(rows, "last")[1], options)


def trainings(options: argparse.Namespace, seed: int) -> list[dict[str, Any]]:
    """The configs of one seed: federated, pooled, each site alone."""
    words = [f"experiment={options.experiment}", "training.device=cpu", f"training.seed={seed}"]
    if options.quick:
        words.append(f"training.epochs={max(1, compose(words)['training']['epochs'] // 10)}")
    config = prepare(compose(words), options.dataset)
    rounds = 0
    if options.local_epochs:  # as many steps at a site as by default
        rounds = max(1, config["training"]["epochs"] * options.sites // options.local_epochs)
    wish = FederationConfig(options.sites, options.site_column, rounds, options.local_epochs)
    config = federated(config, wish)
    return [config, *compared(config)]


def measure(config: dict[str, Any]) -> dict[str, Any]:
    """Train one as its worker would, and judge it. Raises RunError where it fails."""
    run, started = create(home() / "runs", config), time.monotonic()
    work.train(run, Intervals.from_environment().poll, Ending(run))
    return judged(run) | {"seconds": time.monotonic() - started}


def judged(run: Run) -> dict[str, Any]:
    """The score of a trained run as its report has it, of its last state and of the one that it keeps."""
    config = run.config
    sets, split = set_work.sets_of(run, work.dataset_of(run))
    row: dict[str, Any] = {"role": role(config), "site": config["federation"].get("site", "")}
    for state, folder in STATES.items():
        model = load_trained(run.checkpoints / folder, "cpu")
        assert isinstance(model, GDE)  # no other is trained at several sites
        subject = Lens(model, "cpu").subject(sets, split, int(config["seed"]))
        score = measurement(metrics[SCORE], metrics[SCORE].value(subject))
        row[state] = {key: getattr(score, key) for key in ("value", "low", "high")}
        found = reconstructions(subject)
        place = [int(np.flatnonzero(sets.set_id == one["set"])[0]) for one in found]
        row[state] |= {key: [one[key] for one in found] for key in ERRORS}
        row[state]["unit"] = [str(sets.labels[sets.unit][i]) for i in place] if sets.unit else place
    return row


def line(row: dict[str, Any]) -> str:
    """One row of the table."""
    shown = (f"{row[state]['value']:.3f} ({row[state]['low']:.3f} to {row[state]['high']:.3f})" for state in STATES)
    return f"{row['seed']:>4} {row['role']:>10} {row['site']:>12} " + " ".join(f"{text:>24}" for text in shown)


def summary(rows: Sequence[dict[str, Any]], state: str) -> tuple[dict[str, str], bool]:
    """The differences of each seed and of all seeds together, set by set, with 95 % intervals over their units.

    A site alone counts as the mean of all sites of its seed. Passed: in every seed the federated score lies within the
    interval of the pooled one or below it, and alone is worse than federated by more than the interval of all seeds.
    """
    lines, inside, every = {}, [], []
    for seed in sorted({row["seed"] for row in rows}):
        of = {kind: [r[state] for r in rows if (r["seed"], r["role"]) == (seed, kind)] for kind in ROLES}
        (pooled,), (together,) = of[POOLED], of[FEDERATED]
        inside.append(together["value"] <= pooled["high"])
        every.append([paired([together], [pooled], seed), paired(of[ALONE], [together], seed)])
        lines[f"seed {seed}"] = _differences(every[-1])
    joint = [np.mean(over_seeds, axis=0) for over_seeds in zip(*every, strict=True)]
    lines["all seeds"] = _differences(joint)
    lines["federated within the interval of pooled, or better"] = f"{sum(inside)} of {len(inside)} seeds"
    return lines, all(inside) and bool(np.quantile(joint[1][1:], LOW) > 0)


def paired(worse: Sequence[dict[str, Any]], better: Sequence[dict[str, Any]], seed: int) -> Array:
    """(1 + draws,) mean score of `worse` less that of `better`: of all held-out sets, then of resampled units of them.

    Raises ValueError where they were not judged on the same sets.
    """
    units = {tuple(state["unit"]) for state in (*worse, *better)}
    if len(units) != 1:
        raise ValueError("not judged on the same sets")
    group = np.unique(units.pop(), return_inverse=True)[1]
    draws = [np.arange(len(group)), *resamples(group, np.random.default_rng(seed))[0]]
    scores = [
        np.mean([[_fraction(state, index) for index in draws] for state in side], axis=0) for side in (worse, better)
    ]
    return np.asarray(scores[0] - scores[1], dtype=np.float64)


def _fraction(state: Mapping[str, Any], index: npt.NDArray[np.int64]) -> float:
    error, floor, null = (float(np.sqrt(np.square(np.asarray(state[key])[index]).mean())) for key in ERRORS)
    return (error - floor) / (null - floor)


def _differences(both: Sequence[Array]) -> str:
    names = ("federated - pooled", "alone - federated")
    ends = (np.quantile(one[1:], (LOW, 1 - LOW)) for one in both)
    return ", ".join(
        f"{name} {one[0]:+.3f} ({low:+.3f} to {high:+.3f})"
        for name, one, (low, high) in zip(names, both, ends, strict=True)
    )

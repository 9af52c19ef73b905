"""How much of the variance of a set each generator keeps: trainings of the presets, judged by their reports."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from typing import Any

from core.bench.gde_trials import ended, machine
from core.config.experiments import compose
from core.errors import InputError, RunError
from core.runs.files import seconds_between
from core.runs.states import ACTIVE, State
from core.runs.store import RunStore
from core.runs.submission import prepare

# An experiment of vectors, one of images → the generators of ours that can make them.
OURS = ("flow", "cvae", "sliced_wasserstein", "sinkhorn", "mmd", "energy")
GENERATORS = {"gaussians": OURS, "digits": (*OURS, "pixel_flow")}
PUBLISHED = "cvae_published"
GOAL = (0.95, 1.05)
METRICS = ("variance_ratio", "reconstruction_fraction", "latent_w2_spearman", "cycle_error")


def main(arguments: Sequence[str]) -> int:
    """Print one line a training; exit status 1 where a generator of ours misses the goal."""
    parser = argparse.ArgumentParser(prog="bench gde_variance", description=__doc__)
    parser.add_argument("--experiments", nargs="+", choices=GENERATORS, default=list(GENERATORS))
    parser.add_argument("--generators", nargs="+", choices=(*GENERATORS["digits"], PUBLISHED), help="default: all")
    parser.add_argument("--quick", action="store_true", help="a tenth of the epochs: a look, not a measurement")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args(arguments)
    print(f"{'experiment':>12} {'generator':>20} " + " ".join(f"{m:>24}" for m in METRICS) + "  seconds", flush=True)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["POPSCAPE_HOME"] = folder  # the trainings leave nothing in the library
        for experiment in options.experiments:
            for generator in (*GENERATORS[experiment], PUBLISHED):
                if options.generators is None or generator in options.generators:
                    rows.append(measure(experiment, generator, options.quick))
                    print(line(rows[-1]), flush=True)
    if not rows:
        raise InputError("None of these generators can make what these experiments are trained on.")
    passed = all(GOAL[0] <= r["variance_ratio"]["value"] <= GOAL[1] for r in rows if r["generator"] != PUBLISHED)
    print(f"{machine()}; every generator of ours between {GOAL[0]} and {GOAL[1]}: {'yes' if passed else 'no'}")
    return ended("gde_variance", rows, passed, options)


def measure(experiment: str, generator: str, quick: bool) -> dict[str, Any]:
    """Train the preset with another generator and take the metrics of its report. Raises RunError where it fails."""
    words = [f"experiment={experiment}", f"generator={generator}", "training.device=cpu"]
    if quick:
        words.append(f"training.epochs={compose(words)['training']['epochs'] // 10}")
    store = RunStore()
    run = store.submit(prepare(compose(words)))
    while (run := store.get(run.id)).state in ACTIVE:
        time.sleep(1)
    report = run.report()
    if run.state is not State.SUCCEEDED or report is None:
        raise RunError(f"{experiment}, {generator}: {run.state}. {run.status['reason']}")
    seconds = seconds_between(run.status["started"], run.status["ended"])
    found = {m: {k: getattr(report.metric(m), k) for k in ("value", "low", "high")} for m in METRICS}
    return {"experiment": experiment, "generator": generator, "seconds": seconds, **found}


def line(row: dict[str, Any]) -> str:
    """One row of the table."""
    values = [f"{row[m]['value']:.3f} ({row[m]['low']:.3f}-{row[m]['high']:.3f})" for m in METRICS]
    return (
        f"{row['experiment']:>12} {row['generator']:>20} "
        + " ".join(f"{v:>24}" for v in values)
        + f"  {row['seconds']:7.0f}"
    )

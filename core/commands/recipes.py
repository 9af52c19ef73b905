"""recipe: a question to a dataset, answered by a few runs and one sentence."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict

from core.commands.answer import Answer, Command
from core.commands.follow import follow
from core.commands.tables import number, table
from core.data.library import Library
from core.errors import InputError, RunError
from core.reports.files import plain
from core.reports.finding import Finding
from core.runs.recipes.base import finding, recipes, standing
from core.runs.states import State
from core.runs.store import RunStore

DATASET = "demo"


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="which recipe; without one they are listed")
    parser.add_argument("--dataset", default=DATASET, help=f"name or digest (default {DATASET})")
    parser.add_argument("--experiment", help="the model that it is about, where a recipe is about one of your choice")


def _recipe(options: argparse.Namespace) -> Answer:
    if options.name is None:
        rows = [[one.name, one.value.about or "–", one.help] for one in recipes]
        listed = [{"name": one.name, "title": one.title, "about": one.value.about, "help": one.help} for one in recipes]
        return Answer({"recipes": listed}, table(["recipe", "about", "what it asks"], rows))
    entry = recipes[options.name]
    if options.experiment and not entry.value.about:
        raise InputError(f"The recipe {entry.name!r} is about experiments of its own; leave --experiment out.")
    recipe, experiment = entry.value(), options.experiment or entry.value.about
    store, dataset = RunStore(), Library().open(options.dataset)
    meta = dataset.meta
    steps = standing(recipe, meta, experiment, store)
    for place, done in enumerate(steps, 1):
        if done.finished:
            continue
        print(f"[{place}/{len(steps)}] {done.step.label}", file=sys.stderr, flush=True)
        active = done.run is not None and done.run.active
        run = store.open(done.run) if active and done.run else store.submit(done.config)
        run = follow(store, run, stop_on_interrupt=not active)
        if run.state is not State.SUCCEEDED:
            raise RunError(f"{done.step.label}: the run {run.id[:12]} is {run.state}. {run.status['reason']}")
    steps = standing(recipe, meta, experiment, store)
    found = finding(recipe, steps, experiment, dataset, store)
    if found is None:
        raise RunError("A report of this recipe cannot be read; delete its run and ask again.")
    runs = {done.step.label: done.run.run for done in steps if done.run}
    value = {"recipe": entry.name, "dataset": meta.id, "runs": runs, **asdict(found)}
    return Answer(plain(value), "\n\n".join(filter(None, (_points(found), found.sentence))))


def _points(found: Finding) -> str:
    """The points as a table; those of lines are for the chart, and for --json."""
    if found.numeric:
        return ""
    rows = [[p["series"], p["x"], number(p["y"]), number(p.get("low")), number(p.get("high"))] for p in found.points]
    return table(["", "", found.y, "low", "high"], rows)


COMMANDS: dict[str, Command] = {"recipe": (_arguments, _recipe)}

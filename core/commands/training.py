"""preflight, train, resume, stop, logs, delete: the life of a run, from the terminal."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from core.commands.answer import DONE, FAILED, Answer, Command
from core.commands.follow import follow
from core.commands.predictions import predictions
from core.commands.settings import add_run, add_settings, read_settings
from core.commands.tables import number, report_table, table
from core.config.experiments import compose
from core.config.resources import Resources
from core.data.library import Library
from core.data.selection import unknown_labels
from core.errors import RunError
from core.runs import comparing
from core.runs.directory import Run
from core.runs.states import State
from core.runs.store import RunStore
from core.runs.submission import prepare, prepare_sweep


def _experiment_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "overrides",
        nargs="+",
        metavar="KEY=VALUE",
        help="experiment=NAME, then choices (model=resample) and settings (training.epochs=20)",
    )
    parser.add_argument("--dataset", help="name or digest; default: the experiment's own")


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    _experiment_arguments(parser)
    parser.add_argument("--detach", action="store_true", help="return at once; the run goes on by itself")
    add_settings(parser, Resources, "where it runs")


def _sweep_arguments(parser: argparse.ArgumentParser) -> None:
    _train_arguments(parser)
    parser.add_argument("--search", type=int, metavar="N", help="search ranges (key=low..high) with N trainings")
    parser.add_argument("--at-once", type=int, default=1, metavar="K", help="trainings of a search side by side")


def _train(options: argparse.Namespace) -> Answer:
    store, config = RunStore(), prepare(compose(options.overrides), options.dataset)
    _say_what_is_not_known(config)
    return _ended(store, store.submit(config, read_settings(options, Resources)), detach=options.detach)


def _say_what_is_not_known(config: dict[str, Any]) -> None:
    """Print which labels the experiment asks for that the sets do not have."""
    where = config["dataset"].get("view", {}).get("where", [])
    for label in unknown_labels(where, Library().open(config["dataset"]["id"]).meta) if where else []:
        print(f"The sets of {config['dataset']['name']} have no label {label!r}; all are used.", file=sys.stderr)


def _sweep(options: argparse.Namespace) -> Answer:
    if options.search is not None:
        return _search(options)
    store = RunStore()
    resources = read_settings(options, Resources)
    configs = prepare_sweep(options.overrides, options.dataset)
    store.room(len(configs))
    runs = [store.submit(config, resources) for config in configs]
    if not options.detach:
        runs = [follow(store, run, stop_on_interrupt=True) for run in runs]
    _print_compared(runs)
    told = [_named(run) for run in runs]
    text = "\n".join(f"Run {one['run']}: {one['state']}. {one['title']}" for one in told)
    broken = any(run.state in (State.FAILED, State.LOST) for run in runs)
    return Answer({"runs": told}, text, FAILED if broken else DONE)


def _search(options: argparse.Namespace) -> Answer:
    from core.runs import search

    resources = read_settings(options, Resources)
    wanted = search.plan(options.overrides, options.dataset)
    if options.detach:
        search.launch(wanted, options.search, resources, at_once=options.at_once)
        return Answer({"sweep": wanted.sweep}, f"Sweep {wanted.sweep} goes on by itself; `runs` lists its trainings.")
    try:
        found = search.search(
            wanted, options.search, RunStore(), resources, at_once=options.at_once,
            tell=lambda text: print(text, file=sys.stderr, flush=True),
        )  # fmt: skip
    except KeyboardInterrupt:
        raise RunError(
            f"Sweep {wanted.sweep} was left; its trainings end by themselves. The same command goes on."
        ) from None
    _print_compared(found.runs)
    value = {
        "sweep": found.sweep, "runs": [_named(run) for run in found.runs], "pruned": found.pruned,
        "failed": found.failed, "best": None if found.best is None else found.best.id, "score": found.score,
        "values": found.values,
    }  # fmt: skip
    if not found.values:
        return Answer(value, f"Sweep {found.sweep}: no training has a score; `logs RUN` says why.", FAILED)
    best = "a run that was deleted" if found.best is None else f"run {found.best.id}"
    words = " ".join(f"{key}={item}" for key, item in found.values.items())
    text = f"Sweep {found.sweep}: {best} is best, score {found.score:.4g}: {words}. {found.pruned} stopped early."
    return Answer(value, text)


def _print_compared(runs: Sequence[Run]) -> None:
    """The runs that have a report beside each other, with the settings in which they differ."""
    entries = [one for run in runs if (one := comparing.entry(run, str(run.config["title"]))) is not None]
    if entries:
        names = [name for name, one in entries[0].report.metrics.items() if one.headline]
        columns = comparing.table(entries, names, comparing.differing(entries))
        rows = [[number(value) for value in row] for row in zip(*columns.values(), strict=True)]
        print(table(list(columns), rows), file=sys.stderr, flush=True)


def _named(run: Run) -> dict[str, str]:
    return {"run": run.id, "state": run.state.value, "title": str(run.config["title"])}


def _preflight(options: argparse.Namespace) -> Answer:
    from core.config.schema import from_dict
    from core.config.training import TrainingConfig
    from core.data.selection import cohort_split
    from core.runs.set_work import settings_of, viewed
    from core.training.preflight import estimate, estimate_sets

    config = prepare(compose(options.overrides), options.dataset)
    training = from_dict(TrainingConfig, config["training"], where="training")
    dataset = Library().open(config["dataset"]["id"])
    if config["kind"] == "sets":
        found = estimate_sets(*viewed(config, dataset), settings_of(config), training)
    else:
        found = estimate(dataset, config["model"], training, cohort_split(dataset, config))
    low, high = found["seconds_low"], found["seconds_high"]
    time = "time unknown" if low is None else f"{low:,.0f} to {high:,.0f} seconds"
    words = [
        f"{found['parameters']:,} parameters on {found['device']}: {time}, "
        f"{found['memory_bytes'] / 1e9:.1f} GB of memory ({found['memory_available_bytes'] / 1e9:.1f} GB free), "
        f"{found['disk_bytes'] / 1e9:.1f} GB on disk.",
        *found["advice"],
    ]
    return Answer(found, "\n".join(words))


def _resume_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument("--detach", action="store_true", help="return at once; the run goes on by itself")


def _resume(options: argparse.Namespace) -> Answer:
    store = RunStore()
    return _ended(store, store.resume(options.run), detach=options.detach)


def _stop_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument("--now", action="store_true", help="without a report")
    parser.add_argument("--detach", action="store_true", help="do not wait until it has stopped")


def _stop(options: argparse.Namespace) -> Answer:
    store = RunStore()
    run = store.stop(options.run, now=options.now)
    if not options.detach:
        run = follow(store, run, stop_on_interrupt=False)
    return _told(run)


def _logs_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument("--lines", type=int, default=200, help="how many of the last lines (default 200)")


def _logs(options: argparse.Namespace) -> Answer:
    run = RunStore().get(options.run)
    log = run.log_tail(options.lines)
    return Answer({"run": run.id, "log": log}, log or "The worker has written nothing.")


def _delete(options: argparse.Namespace) -> Answer:
    store = RunStore()
    run = store.get(options.run)
    store.delete(run.id)
    return Answer({"run": run.id, "deleted": True}, f"Run {run.id} is deleted.")


def _ended(store: RunStore, run: Run, *, detach: bool) -> Answer:
    if detach:
        return _told(run)
    run = follow(store, run, stop_on_interrupt=True)
    report = run.report()
    if report is not None and run.state is State.SUCCEEDED:
        print("\n".join(filter(None, (report_table(report), predictions(report)))), file=sys.stderr, flush=True)
    return _told(run)


def _told(run: Run) -> Answer:
    state, reason = run.state, run.status["reason"]
    status = FAILED if state in (State.FAILED, State.LOST) else DONE
    return Answer({"run": run.id, "state": state.value, "reason": reason}, f"Run {run.id}: {state}. {reason}", status)


COMMANDS: dict[str, Command] = {
    "preflight": (_experiment_arguments, _preflight),
    "train": (_train_arguments, _train),
    "sweep": (_sweep_arguments, _sweep),
    "resume": (_resume_arguments, _resume),
    "stop": (_stop_arguments, _stop),
    "logs": (_logs_arguments, _logs),
    "delete": (add_run, _delete),
}

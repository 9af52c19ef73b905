"""federate: one model trained at several sites that keep their data, and what it is compared with."""

from __future__ import annotations

import argparse
import sys

from core.commands.answer import FAILED, Answer, Command
from core.commands.follow import follow
from core.commands.settings import add_settings, read_settings
from core.commands.tables import table
from core.config.experiments import compose
from core.config.federation import FederationConfig
from core.config.resources import Resources
from core.runs.federated.plan import compared, federated, members
from core.runs.states import State
from core.runs.store import RunStore
from core.runs.submission import prepare

_SCORES = ("reconstruction_fraction", "reconstruction_w2", "variance_ratio")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", help="name or digest of a dataset of sets")
    parser.add_argument(
        "overrides", nargs="+", metavar="KEY=VALUE", help="experiment=NAME, then choices and settings, as for `train`"
    )
    parser.add_argument(
        "--compare", action="store_true", help="train on all sets in one place and at each site alone, too"
    )
    parser.add_argument("--detach", action="store_true", help="return at once; the runs go on by themselves")
    add_settings(parser, FederationConfig, "sites")
    add_settings(parser, Resources, "where it runs")


def _federate(options: argparse.Namespace) -> Answer:
    store, resources = RunStore(), read_settings(options, Resources)
    config = prepare(compose(options.overrides), options.dataset)
    config = federated(config, read_settings(options, FederationConfig))
    configs = [config, *(compared(config) if options.compare else ())]
    store.room(len(configs))
    runs = [store.submit(one, resources) for one in configs]
    if not options.detach:
        runs = [follow(store, run, stop_on_interrupt=True) for run in runs]
        rows = []
        for run in members(runs[0], store):
            report = run.report()
            assert report is not None  # members have one
            metrics = [report.metric(name) for name in _SCORES]
            rows.append([str(run.config["title"]), run.id[:6], *(m.shown for m in metrics)])
        if rows:
            print(table(["Run", "", *_SCORES], rows), file=sys.stderr, flush=True)
    told = [{"run": r.id, "state": r.state.value, "title": str(r.config["title"])} for r in runs]
    text = "\n".join(
        f"Run {one['run']}: {one['state']}. {one['title']}. {run.status['reason']}"
        for one, run in zip(told, runs, strict=True)
    )
    broken = any(run.state in (State.FAILED, State.LOST) for run in runs)
    return Answer({**told[0], "runs": told}, text, FAILED if broken else 0)


COMMANDS: dict[str, Command] = {"federate": (_arguments, _federate)}

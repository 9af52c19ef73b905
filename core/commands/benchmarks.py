"""bench: the measurements behind docs/benchmarks.md."""

from __future__ import annotations

import argparse

from core.commands.answer import Answer, Command


def _arguments(parser: argparse.ArgumentParser) -> None:
    from core.bench import BENCHMARKS

    parser.add_argument("name", metavar="NAME", help="; ".join(f"{k}: {v}" for k, v in BENCHMARKS.items()))
    parser.set_defaults(passes_on=True)


def _bench(options: argparse.Namespace) -> Answer:
    from core import bench

    status = bench.run(options.name, options.rest + (["--json"] if options.json else []))
    return Answer(None, "", status)


COMMANDS: dict[str, Command] = {"bench": (_arguments, _bench)}

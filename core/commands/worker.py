"""worker: what the backends start."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.commands.answer import Answer, Command


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", type=Path, metavar="RUN_DIR", help="the run directory")


def _worker(options: argparse.Namespace) -> Answer:
    from core.runs import worker

    return Answer({"run": options.directory.name}, "", worker.main(options.directory))


COMMANDS: dict[str, Command] = {"worker": (_arguments, _worker)}

"""The command line: the same verbs as the browser. Each verb's module is loaded when the verb is called."""

from __future__ import annotations

import argparse
import importlib
import json
import math
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

from core.commands.answer import DONE, FAILED, WRONG_INPUT, Command
from core.config.home import home, home_fault
from core.errors import InputError, PopscapeError

# verb → (module of core.commands, what it does)
VERBS = {
    "import": ("importing", "read genotypes or sets of observations into the library"),
    "simulate": ("importing", "simulate a cohort, or sets with known truth, into the library"),
    "export": ("importing", "write a dataset to a file"),
    "datasets": ("listing", "list the datasets"),
    "runs": ("listing", "list the runs"),
    "models": ("listing", "list the models and their settings"),
    "metrics": ("listing", "list the metrics"),
    "formats": ("listing", "list the formats of files that are read, and those that are refused by name"),
    "experiments": ("listing", "list the experiments"),
    "catalogue": ("listing", "everything that can be chosen and set, as JSON"),
    "preflight": ("training", "estimate time and memory of a training"),
    "train": ("training", "train a model"),
    "sweep": ("training", "train a model with every combination of several values"),
    "federate": ("federating", "train one model at several sites that keep their data"),
    "resume": ("training", "go on with a run that failed, was stopped or was lost"),
    "stop": ("training", "stop a run; its checkpoint stays usable"),
    "logs": ("training", "what the worker of a run wrote"),
    "delete": ("training", "delete a run that has ended"),
    "sample": ("judging", "draw synthetic individuals from a run"),
    "impute": ("imputing", "fill missing calls and absent variants of a genotype file with the model of a run"),
    "evaluate": ("judging", "judge synthetic individuals against real ones"),
    "report": ("judging", "the report of a run"),
    "recipe": ("recipes", "answer a question to a dataset by a few runs and one sentence"),
    "interpolate": ("walking", "walk from one set to another through the latents of a run"),
    "unseen": ("perturbing", "effects of perturbations that nobody has tried, from a table that describes them"),
    "forecast": ("forecasting", "generate the next sets of a set by the linear flow of its latent"),
    "intervene": ("intervening", "what a set would become under another condition, with intervals"),
    "lift": ("lifting", "the latents of a run's sets as sets of their units, a dataset one level up"),
    "pack": ("keeping", "write a whole run or dataset to one file"),
    "unpack": ("keeping", "take a run or dataset that `pack` wrote into this home"),
    "gc": ("keeping", "what could be deleted, and how much that frees; deletes only what is named"),
    "doctor": ("doctor", "devices, versions, disk, backends: what to paste into an issue"),
    "bench": ("benchmarks", "measure speed and quality: the numbers of docs/benchmarks.md"),
    "pretrained": ("pretrained", "train again what is shipped in pretrained/"),
    "worker": ("worker", "do the work of a run directory (started by the backends)"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 the run failed, 2 the input was wrong (one sentence on stderr)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _call(arguments[0] if arguments else "help", arguments[1:])
    except BrokenPipeError:  # the reader (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - nobody should read a traceback
        if isinstance(error, OSError) and (sentence := home_fault(error)):
            error = InputError(sentence)
        print(_one_sentence(error), file=sys.stderr)
        return WRONG_INPUT if isinstance(error, InputError) else FAILED


def _one_sentence(error: BaseException) -> str:
    """Our errors speak for themselves; a fault of the program says where its traceback is kept."""
    if isinstance(error, PopscapeError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "Interrupted."
    return f"The program failed ({type(error).__name__}); details are in {_write_fault()}."


def _call(verb: str, arguments: list[str]) -> int:
    if verb in ("help", "-h", "--help"):
        _say(_overview())
        return DONE
    if verb not in VERBS:
        import difflib

        near = difflib.get_close_matches(verb, VERBS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose one of: {', '.join(VERBS)}."
        raise InputError(f"There is no command {verb!r}; {hint}")
    module, help = VERBS[verb]
    commands: dict[str, Command] = importlib.import_module(f"core.commands.{module}").COMMANDS
    declare, run = commands[verb]
    parser = _Parser(prog=f"python -m core {verb}", description=help.capitalize() + ".", allow_abbrev=False)
    parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")
    declare(parser)
    options, rest = parser.parse_known_intermixed_args(arguments)
    if rest and not getattr(options, "passes_on", False):
        parser.error(f"unknown argument {rest[0]!r}")
    options.rest = rest
    answer = run(options)
    if options.json and answer.value is not None:
        _say(json.dumps(_plain(answer.value), allow_nan=False))
    elif answer.text:
        _say(answer.text)
    return answer.status


class _Parser(argparse.ArgumentParser):
    """argparse, but a wrong argument is an InputError: one sentence instead of a usage text."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message[:1].upper()}{message[1:]}; see `{self.prog} --help`.")


def _overview() -> str:
    width = max(map(len, VERBS))
    lines = [f"  {verb:<{width}}  {help}" for verb, (_, help) in VERBS.items() if verb != "worker"]
    return "\n".join(["usage: python -m core COMMAND …", "", *lines, "", "`COMMAND --help` tells its arguments."])


def _plain(value: Any) -> Any:
    """JSON types only; numbers that are not finite become null, which every reader of JSON understands."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _say(text: str) -> None:
    print(text, flush=True)


def _write_fault() -> str:
    """Keep the traceback where the user can find it, and say where."""
    path = home() / "cache" / f"fault-{os.getpid()}.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(traceback.format_exc(), encoding="utf-8")
    except OSError:
        traceback.print_exc()
        return "the lines above"
    return str(path)

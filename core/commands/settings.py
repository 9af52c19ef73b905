"""Command-line options made from the settings of a config dataclass."""

from __future__ import annotations

import argparse
from typing import Any, TypeVar

from core.config.schema import TYPES, describe, from_dict
from core.errors import InputError

C = TypeVar("C")


def add_run(parser: argparse.ArgumentParser) -> None:
    """The argument that names a run."""
    parser.add_argument("run", metavar="RUN", help="id of the run, or its first six letters or more")


def add_settings(parser: argparse.ArgumentParser, cls: type, title: str, leave_out: tuple[str, ...] = ()) -> None:
    """An option --setting-name for each setting of `cls`, with its help, range and default.

    Settings in `leave_out` have an option of that name already.
    """
    group = parser.add_argument_group(title)
    for one in describe(cls):
        if one["name"] in leave_out:
            continue
        kind = one["type"].removesuffix("?")
        words = [one["help"].replace("%", "%%")]
        if one.get("choices"):
            words.append(f"One of: {', '.join(one['choices'])}.")
        if one["default"] not in (None, ""):
            words.append(f"Default: {one['default']}.")
        name, help = f"--{one['name'].replace('_', '-')}", " ".join(words)
        if kind == "bool":
            group.add_argument(name, dest=one["name"], action=argparse.BooleanOptionalAction, default=None, help=help)
        else:
            group.add_argument(name, dest=one["name"], metavar=one["name"].upper(), default=None, help=help)


def read_settings(options: argparse.Namespace, cls: type[C]) -> C:
    """The `cls` that the options ask for; what was not given keeps its default. Raises InputError."""
    given: dict[str, Any] = {}
    for one in describe(cls):
        value = getattr(options, one["name"])
        if value is not None:
            given[one["name"]] = _value(one["name"], value, one["type"].removesuffix("?"))
    return from_dict(cls, given)


def _value(name: str, text: Any, kind: str) -> Any:
    if kind == "bool":
        return text
    if kind.startswith("list["):
        return [_value(name, part, kind[5:-1]) for part in str(text).split(",") if part]
    try:
        return TYPES[kind](text)
    except ValueError:
        raise InputError(f"--{name.replace('_', '-')} is {text!r}; a value of type {kind} is expected.") from None

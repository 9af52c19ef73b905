"""The command line that does what a form does: changed settings spelled in the override grammar."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from core.config.federation import FederationConfig
from core.config.resources import Resources
from core.config.schema import to_dict

_PLAIN = re.compile(r"[A-Za-z_][\w.:/-]*")
_READ_OTHERWISE = re.compile(r"true|false|null|nan|inf", re.IGNORECASE)

Changes = Mapping[str, Mapping[str, Any]]
"""Node → setting → value, for the settings that differ from the experiment's."""


def changed(experiment: Mapping[str, Any], chosen: Changes, defaults: Changes) -> dict[str, dict[str, Any]]:
    """What in `chosen` differs from the experiment, and where that is silent, from `defaults`.

    The choice of a node is its "name": another choice than the experiment's starts from `defaults` alone.
    """
    found: dict[str, dict[str, Any]] = {}
    for node, settings in chosen.items():
        own = experiment.get(node, {})
        kept = {} if "name" in settings and settings["name"] != own.get("name") else own
        preset = {**defaults.get(node, {}), **kept}
        different = {key: value for key, value in settings.items() if key not in preset or preset[key] != value}
        if different:
            found[node] = different
    return found


def applied(experiment: Mapping[str, Any], changes: Changes, title: str = "") -> dict[str, Any]:
    """The experiment with the changed choices and settings, and the title if there is one, in place."""
    nodes = {
        node: dict(settings) if "name" in settings else {**experiment.get(node, {}), **settings}
        for node, settings in changes.items()
    }
    return {**experiment, **nodes, **({"title": title} if title else {})}


def overrides(experiment: str, changes: Changes, title: str = "", preset: str = "laptop") -> list[str]:
    """`experiment=NAME`, `node=choice` and `node.setting=value` for each change, as `compose` reads them."""
    words = [f"experiment={experiment}", *([] if preset == "laptop" else [f"preset={preset}"])]
    for node, values in changes.items():
        words += [f"{node if key == 'name' else f'{node}.{key}'}={_spelled(value)}" for key, value in values.items()]
    return [*words, f"title={_spelled(title)}"] if title else words


def train_command(words: Sequence[str], dataset: str, resources: Resources | None = None) -> str:
    """The shell command that starts the run that the `overrides` mean."""
    return shlex.join(["python", "-m", "core", "train", *words, "--dataset", dataset, *_asked(resources)])


def _asked(resources: Resources | None) -> list[str]:
    """The options that ask for what differs from the defaults."""
    usual, wish = to_dict(Resources()), to_dict(resources or Resources())
    return [f"--{name.replace('_', '-')}={value}" for name, value in wish.items() if value != usual[name]]


def sweep_command(words: Sequence[str], dataset: str, resources: Resources | None = None) -> str:
    """The shell command that trains every combination of the values in `words`."""
    return shlex.join(["python", "-m", "core", "sweep", *words, "--dataset", dataset, *_asked(resources)])


def federate_command(
    words: Sequence[str], dataset: str, wish: FederationConfig, resources: Resources | None = None, *, compare: bool
) -> str:
    """The shell command that trains at several sites, and with `compare` what that is compared with."""
    usual, asked = to_dict(FederationConfig()), to_dict(wish)
    options = [f"--{name.replace('_', '-')}={value}" for name, value in asked.items() if value != usual[name]]
    beside = ["--compare"] if compare else []
    return shlex.join(["python", "-m", "core", "federate", dataset, *words, *options, *beside, *_asked(resources)])


def search_words(
    words: Sequence[str], dataset: str | None, trials: int, resources: Resources | None = None, *, at_once: int = 1
) -> list[str]:
    """The arguments of `python -m core` that search the ranges in `words`."""
    where = ["--dataset", dataset] if dataset else []
    beside = [f"--at-once={at_once}"] if at_once > 1 else []
    return ["sweep", f"--search={trials}", *words, *where, *beside, *_asked(resources)]


def search_command(words: Sequence[str], dataset: str, trials: int, resources: Resources | None = None) -> str:
    """The shell command that searches the ranges in `words`."""
    return shlex.join(["python", "-m", "core", *search_words(words, dataset, trials, resources)])


def _spelled(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"[{','.join(_spelled(item) for item in value)}]"
    text = str(value)
    if _PLAIN.fullmatch(text) and not _READ_OTHERWISE.fullmatch(text):
        return text
    # In Hydra's quoted strings a backslash is itself, but for those before a quote.
    escaped = re.sub(r'(\\*)("|$)', lambda found: 2 * found[1] + ('\\"' if found[2] else ""), text)
    return f'"{escaped}"'

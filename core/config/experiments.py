"""Experiments: named presets of dataset, model and training, and what the command line changes in them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from core.config.overrides import parse
from core.errors import InputError

FOLDER = Path(__file__).with_suffix("")
TRAININGS = FOLDER.parent / "trainings"

# Names that the published system has for settings of ours.
_ALIASES = {"training.num_epochs": "training.epochs"}

# "laptop" is what a file says; another preset is a node of that name in it, whose settings replace those.
PRESETS = ("laptop", "gpu")

# Every experiment has these nodes, even where its file leaves them at their defaults.
_COMMON = ("dataset", "training", "evaluation")
# What a user may set beside the nodes.
_WORDS = ("title",)


def names(kind: str | None = None) -> list[str]:
    """The experiments, sorted; of one kind of data if `kind` is given."""
    found = sorted(path.stem for path in FOLDER.glob("*.yaml"))
    return [name for name in found if kind in (None, _read(name)["kind"])]


def presets(name: str) -> list[str]:
    """The presets that the experiment `name` has, "laptop" first. Raises InputError."""
    load(name)
    return [preset for preset in PRESETS if preset == "laptop" or preset in _written(name)]


def load(name: str, preset: str = "laptop") -> dict[str, Any]:
    """The experiment `name`: name, title, kind, help, budget, and the nodes dataset, model, training, evaluation, ….

    A node that is a choice holds its name and its settings: {"name": "wgan_gp", "latent": 128}. `preset` "gpu" takes
    the settings that the experiment has for a GPU. Raises InputError.
    """
    known = names()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose one of: {', '.join(known)}."
        raise InputError(f"There is no experiment called {name!r}; {hint}")
    config = {k: dict(v) if isinstance(v, dict) else v for k, v in _read(name).items()}
    if preset not in PRESETS or (preset != "laptop" and preset not in _written(name)):
        offered = ", ".join(p for p in PRESETS if p == "laptop" or p in _written(name))
        raise InputError(f"The experiment {name!r} has no preset {preset!r}; choose one of: {offered}.")
    for key, value in ({} if preset == "laptop" else _written(name)[preset]).items():
        # Another part than the laptop's has other settings, of which it keeps none.
        same = isinstance(value, dict) and value.get("name", config[key].get("name")) == config[key].get("name")
        config[key] = {**config[key], **value} if same else value
    return config


def compose(overrides: Sequence[str]) -> dict[str, Any]:
    """The experiment that `experiment=NAME` names, with the other overrides applied.

    `preset=gpu` takes the experiment's settings for a GPU, `training=optimal` the published ones. `group=choice`
    replaces a node by {"name": choice} (a choice that is already made keeps its settings), `node.setting=value` sets.
    Choices come before settings, whatever their order. Names of nodes are checked here, names of settings where the
    node's schema is known. Raises InputError.
    """
    parsed = parse(overrides)
    chosen = [value for key, value in parsed if key == "experiment"]
    if len(chosen) != 1:
        raise InputError(f"Name one experiment, such as experiment=wgan_gp; there are: {', '.join(names())}.")
    wanted = [str(value) for key, value in parsed if key == "preset"]
    config = load(str(chosen[0]), *wanted[-1:])
    rest = [(_ALIASES.get(key, key), value) for key, value in parsed if key not in ("experiment", "preset")]
    for key, value in sorted(rest, key=lambda one: "." in one[0]):
        _apply(config, key, value)
    return config


@cache
def _written(name: str) -> dict[str, Any]:
    import yaml

    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


def _read(name: str) -> dict[str, Any]:
    config = {key: value for key, value in _written(name).items() if key not in PRESETS}
    dataset = config.get("dataset")
    config["dataset"] = {"name": dataset} if isinstance(dataset, str) else dict(dataset or {})
    return {**config, **{node: dict(config.get(node) or {}) for node in _COMMON}}


def _apply(config: dict[str, Any], key: str, value: Any) -> None:
    node, _, setting = key.partition(".")
    if node in _WORDS and not setting:
        config[node] = str(value)
    elif not isinstance(config.get(node), dict):
        raise InputError(f"There is no setting {key!r} in this experiment; {_hint(config, node)}")
    elif setting:
        config[node][setting] = value
    elif isinstance(value, dict):
        config[node] = {**config[node], **value}
    elif node == "training":
        for part, settings in _training(str(value), config).items():
            config[part] = {**config[part], **settings}
    elif "name" not in config[node]:
        raise InputError(f"{node!r} is a group of settings, not a choice; write {node}.setting=value.")
    elif config[node]["name"] != value:
        config[node] = {"name": str(value)}


def _training(name: str, config: dict[str, Any]) -> dict[str, Any]:
    """The settings of the file `name` in `TRAININGS`, by node. Raises InputError."""
    import yaml

    known = sorted(path.stem for path in TRAININGS.glob("*.yaml"))
    if name not in known:
        raise InputError(f"There is no training {name!r}; choose one of: {', '.join(known)}.")
    if config["kind"] != "sets":
        raise InputError(f"training={name} is for models of sets; {config['name']} is a model of {config['kind']}.")
    settings: dict[str, Any] = yaml.safe_load((TRAININGS / f"{name}.yaml").read_text(encoding="utf-8"))
    return settings


def _hint(config: dict[str, Any], node: str) -> str:
    nodes = [key for key, value in config.items() if isinstance(value, dict)]
    near = difflib.get_close_matches(node, nodes, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"its groups of settings are {', '.join(nodes)}: write one of them, a dot, and the setting."

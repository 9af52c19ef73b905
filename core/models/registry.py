"""The models that can be chosen by name, and how one is built from plain settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.config.schema import from_dict, to_dict
from core.config.training import TrainingConfig
from core.models.base import Trainable
from core.registry import Registry

models: Registry[type[Trainable]] = Registry("model", "core.models.genotype", "core.models.gde")

# Nodes that a model of sets is put together from, beside its own settings.
PARTS = ("encoder", "generator", "mixer")


def validate(node: Mapping[str, Any]) -> dict[str, Any]:
    """The `model` node of a run's config with every setting filled in; `node` is {"name": …, settings…}.

    Raises InputError for an unknown model, an unknown setting, a wrong type or a value out of range.
    """
    name = str(node.get("name", ""))
    settings = {key: value for key, value in node.items() if key != "name"}
    return {"name": name, **to_dict(configure(name, settings))}


def configure(name: str, settings: Mapping[str, Any]) -> Any:
    """The config dataclass of the model `name` with `settings` in place of its defaults. Raises InputError."""
    return from_dict(models[name].config or NoSettings, settings, where="model")


def build(name: str, settings: Mapping[str, Any], spec: Any, training: TrainingConfig) -> Any:
    """The untrained model `name` for data of the given spec; `settings` may be partial. Raises InputError.

    The settings of a model of sets hold the nodes of its parts too. Weights are drawn from torch's global generator:
    seed it first.
    """
    own = {key: value for key, value in settings.items() if key not in ("name", *PARTS)}
    parts = {key: settings[key] for key in PARTS if key in settings}
    config = configure(name, own)
    make: Any = models[name].value
    return make(config, spec, training, parts) if parts else make(config, spec, training)


@dataclass(frozen=True)
class NoSettings:
    """The settings of a model that has none."""

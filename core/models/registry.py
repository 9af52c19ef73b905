"""The models that can be chosen by name, and how one is built from plain settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.config.schema import from_dict
from core.config.training import TrainingConfig
from core.models.base import Trainable
from core.registry import Registry

models: Registry[type[Trainable]] = Registry("model", "core.models.genotype", "core.models.gde")

# Nodes that a model of sets is put together from, beside its own settings.
PARTS = ("encoder", "generator", "mixer")


def build(name: str, settings: Mapping[str, Any], spec: Any, training: TrainingConfig) -> Any:
    """The untrained model `name` for data of the given spec; `settings` may be partial. Raises InputError.

    The settings of a model of sets hold the nodes of its parts too. Weights are drawn from torch's global generator:
    seed it first.
    """
    own = {key: value for key, value in settings.items() if key not in ("name", *PARTS)}
    parts = {key: settings[key] for key in PARTS if key in settings}
    model: Any = models[name]
    config = from_dict(model.config, own, where="model")
    return model.value(config, spec, training, parts) if parts else model.value(config, spec, training)

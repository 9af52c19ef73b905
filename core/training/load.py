"""A trained model from its checkpoint, ready to sample."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from core.config.schema import from_dict
from core.config.training import TrainingConfig
from core.errors import InputError
from core.models.base import OPTIMISER, DataSpec, Model, Trainable
from core.models.registry import build
from core.training import checkpoints


def load_model(folder: Path, device: torch.device | str = "cpu") -> Model:
    """The genotype model of a checkpoint; see `load_trained`. Raises InputError for a model of sets."""
    model = load_trained(folder, device)
    if not isinstance(model, Model):
        raise InputError("This run is of a model of sets; individuals are sampled from models of genotypes.")
    return model


def load_trained(folder: Path, device: torch.device | str = "cpu") -> Trainable:
    """The model of the checkpoint in `folder` ("…/checkpoints/best" or "…/last") on `device`, in evaluation mode.

    torch's global random state is left as it was. Raises InputError where the checkpoint cannot be read.
    """
    tensors, facts = checkpoints.load(folder)
    spec = _spec(facts)
    training = from_dict(TrainingConfig, facts["training"], where="training")
    with torch.random.fork_rng(devices=[]):
        model: Trainable = build(facts["model"]["name"], facts["model"], spec, training)
    try:
        model.load({name: tensor for name, tensor in tensors.items() if not name.startswith(OPTIMISER)})
    except RuntimeError as error:  # what torch raises for tensors of other names or shapes
        raise InputError(
            "The checkpoint does not fit this version of its model, which was trained by another; train it again."
        ) from error
    return model.to(device).eval()


def _spec(facts: dict[str, Any]) -> Any:
    if facts.get("kind", "genotypes") == "genotypes":
        return DataSpec.from_dict(facts["spec"])
    from core.models.gde.data import SetSpec

    return SetSpec.from_dict(facts["spec"])

"""A trained model from its checkpoint, ready to sample."""

from __future__ import annotations

from pathlib import Path

import torch

from core.config.schema import from_dict
from core.config.training import TrainingConfig
from core.models.base import OPTIMISER, DataSpec, Model
from core.models.registry import build
from core.training import checkpoints


def load_model(folder: Path, device: torch.device | str = "cpu") -> Model:
    """The model of the checkpoint in `folder` ("…/checkpoints/best" or "…/last") on `device`, in evaluation mode.

    torch's global random state is left as it was. Raises InputError where the checkpoint cannot be read.
    """
    tensors, facts = checkpoints.load(folder)
    spec = DataSpec.from_dict(facts["spec"])
    training = from_dict(TrainingConfig, facts["training"], where="training")
    with torch.random.fork_rng(devices=[]):
        model = build(facts["model"]["name"], facts["model"], spec, training)
    model.load({name: tensor for name, tensor in tensors.items() if not name.startswith(OPTIMISER)})
    return model.to(device).eval()

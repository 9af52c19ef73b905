"""Every random state that a resume must put back."""

from __future__ import annotations

import torch
from torch import Tensor

PREFIX = "random."


def states(epoch_start: Tensor) -> dict[str, Tensor]:
    """torch's generators (CPU, and the GPU in use) and the shuffling generator as it was when the epoch began."""
    kept = {PREFIX + "shuffle": epoch_start, PREFIX + "cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        kept[PREFIX + "cuda"] = torch.cuda.get_rng_state()
    return kept


def restore(tensors: dict[str, Tensor]) -> Tensor:
    """Set torch's generators as `states` found them; returns the shuffling generator's state."""
    torch.set_rng_state(tensors[PREFIX + "cpu"])
    if torch.cuda.is_available() and PREFIX + "cuda" in tensors:
        torch.cuda.set_rng_state(tensors[PREFIX + "cuda"])
    return tensors[PREFIX + "shuffle"]

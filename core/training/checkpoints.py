"""Checkpoints: tensors as safetensors, everything else as JSON; a crash at any moment leaves the previous one whole."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from core.errors import InputError, RunError

INDEX = "checkpoint.json"
RANDOM = "random."  # begins the names of the random states


def save(folder: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Write a checkpoint into `folder` ("…/last", "…/best"), replacing the one that is there.

    The tensors go into a new file first; renaming the JSON that names it is the one moment at which the new
    checkpoint becomes the checkpoint. `facts` are plain JSON types. Raises RunError where the disk is full.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        weights = folder / f"weights-{facts.get('clock', {}).get('step', 0)}-{os.urandom(4).hex()}.safetensors"
        plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
        save_file(plain, weights)
        _sync(weights)
        draft = folder / f"{INDEX}.{os.getpid()}"
        draft.write_text(json.dumps({"schema": 1, **facts, "weights": weights.name}))
        _sync(draft)
        draft.replace(folder / INDEX)
    except (OSError, SafetensorError) as error:
        raise _disk_error(folder, error) from error
    finally:
        _sweep(folder)


def exists(folder: Path) -> bool:
    """Whether a whole checkpoint is there."""
    return (folder / INDEX).is_file()


def load_facts(folder: Path) -> dict[str, Any]:
    """The JSON part alone. Raises InputError where there is no checkpoint or it cannot be read."""
    try:
        facts: dict[str, Any] = json.loads((folder / INDEX).read_text())
    except FileNotFoundError:
        raise InputError(
            f"There is no checkpoint {folder.name!r} in this run; train it until its first checkpoint, then try again."
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"The checkpoint {folder.name!r} cannot be read ({error}); train the run again.") from error
    return facts


def load(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """(tensors on the CPU, facts) as `save` wrote them. Raises InputError where they cannot be read."""
    facts = load_facts(folder)
    try:
        return load_file(folder / Path(facts["weights"]).name), facts
    except (OSError, KeyError, SafetensorError) as error:
        raise InputError(f"The weights of {folder.name!r} cannot be read ({error}); train the run again.") from error


def random_states(epoch_start: Tensor) -> dict[str, Tensor]:
    """torch's generators (CPU, and the GPU in use) and the shuffling generator as it was when the epoch began."""
    kept = {RANDOM + "shuffle": epoch_start, RANDOM + "cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        kept[RANDOM + "cuda"] = torch.cuda.get_rng_state()
    return kept


def restore_random(tensors: dict[str, Tensor]) -> Tensor:
    """Set torch's generators as `random_states` found them; returns the shuffling generator's state."""
    torch.set_rng_state(tensors[RANDOM + "cpu"])
    if torch.cuda.is_available() and RANDOM + "cuda" in tensors:
        torch.cuda.set_rng_state(tensors[RANDOM + "cuda"])
    return tensors[RANDOM + "shuffle"]


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _sweep(folder: Path) -> None:
    """Remove drafts and the weights that no index names any more; a full disk may have left either."""
    try:
        named = json.loads((folder / INDEX).read_text())["weights"] if exists(folder) else None
        for path in folder.iterdir():
            if path.name not in (INDEX, named):
                path.unlink(missing_ok=True)
    except OSError:
        return  # a leftover costs space only, and the next save sweeps again


def _disk_error(folder: Path, error: Exception) -> RunError:
    full = (errno.ENOSPC, errno.EDQUOT)
    if getattr(error, "errno", None) in full or "No space left" in str(error) or "quota" in str(error).lower():
        return RunError(
            f"The disk is full: the checkpoint {folder.name!r} could not be written; the one before it is whole. "
            "Free some space, then resume the run."
        )
    return RunError(f"The checkpoint {folder.name!r} could not be written ({error}); check the folder, then resume.")

"""A training by several processes that torchrun starts, or by one: `python -m tests.training.shared_training OUT`."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from core.config.training import TrainingConfig
from core.models.base import Trainable, TrainingSplit
from core.models.gde.data import prepare_sets
from core.models.gde.gde import GDE, GDEConfig
from core.models.registry import build
from core.training.loop import fit
from core.training.team import ALONE, joined
from tests.sets import from_groups
from tests.training.test_loop import Recorder, cohort

CONFIG = TrainingConfig(epochs=3, batch_size=25, device="cpu", learning_rate=1e-2, score="last")
SETTINGS: dict[str, dict[str, Any]] = {
    "vae": {"encoder_widths": [16], "decoder_widths": [16], "latent": 4},
    "pca_diffusion": {"process": "ddpm", "diffusion_steps": 51, "widths": [16]},
    "masked_transformer": {"width": 16, "layers": 1, "heads": 2},
}


def silent(steps: Any) -> Any:
    """Steps whose noise is constant, so that it is the same for each individual however a batch is divided."""

    def constant(value: float) -> Any:
        return lambda *size, **_: torch.full(size[0] if size and not isinstance(size[0], int) else size, value)

    def middle(*words: Any, **_: Any) -> Tensor:
        return torch.full(words[-1], (words[-2] - 1) // 2)

    def taken(batch: Any, clock: Any) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(torch, "rand", constant(0.5))
            patch.setattr(torch, "randn", constant(0.0))
            patch.setattr(torch, "randn_like", lambda x, **_: torch.zeros_like(x))
            patch.setattr(torch, "randint", middle)
            return steps(batch, clock)

    return taken


def prepared(name: str) -> tuple[Trainable, TrainingSplit]:
    torch.manual_seed(0)
    if name != "gde":
        data = cohort()
        return build(name, SETTINGS[name], data.spec, CONFIG), data
    rng = np.random.default_rng(0)
    x = rng.normal(np.repeat(rng.normal(size=60), 30)[:, None], 1, (1800, 2)).astype(np.float32)
    sets = prepare_sets(from_groups(x, np.repeat([f"s{i}" for i in range(60)], 30)), np.arange(60))
    parts = {"encoder": {"name": "deep_sets"}, "generator": {"name": "flow"}, "mixer": {"name": "none"}}
    # The metric loss compares the sets of a batch with each other, and processes do not see each other's.
    return GDE(GDEConfig(latent=4, context_max=16, query=8, metric_weight=0.0), sets.spec, CONFIG, parts), sets


def main(out: Path, names: list[str]) -> None:
    alone = "RANK" not in os.environ
    with contextlib.nullcontext(ALONE) if alone else joined("cpu") as team:
        for name in names:
            model, data = prepared(name)
            if name != "masked_transformer":  # which masks another share of the calls of each individual of a batch
                model.steps = silent(model.steps)  # type: ignore[method-assign]
            run = Recorder(out / f"{name}-{team.size}-{team.rank}")
            fit(run, model, data, None, CONFIG, resume=False, name=name, team=team)
            weights = {key: value.detach().clone() for key, value in model.named_parameters()}
            save_file(weights, out / f"{name}-{team.size}-{team.rank}.safetensors")
            (out / f"{name}-{team.size}-{team.rank}.json").write_text(json.dumps(run.rows))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])

"""What one site of a federated training does: a few epochs on its own sets, from weights that came to it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from core.config.training import TrainingConfig
from core.models.base import OPTIMISER, WEIGHTS, Trainable, TrainingSplit
from core.training import devices
from core.training.clock import TrainingClock
from core.training.loop import VALIDATION_SEED, Validate
from core.training.scoring import HELD_OUT

Tensors = dict[str, Tensor]


class Left(Exception):
    """The training was left in the middle of a round, which then counts for nothing."""


class Site:
    """A model beside the data of one site.

    Weights come and go; the moments of the optimiser stay, and noise and order of a round follow from seed, round and
    site alone, so that a round that is trained again is the same.
    """

    def __init__(
        self,
        model: Trainable,
        data: TrainingSplit,
        holdout: TrainingSplit | None,
        config: TrainingConfig,
        *,
        local_epochs: int,
        number: int,
        validate: Validate,
    ) -> None:
        """`number` tells the site from the others; `config.epochs` are those of all rounds together."""
        self.device = devices.choose(config.device)
        self.model, self.data, self.holdout = model.to(self.device), data.to(self.device), holdout
        self.config, self.local_epochs, self.number, self.validate = config, local_epochs, number, validate
        self.batch_size = min(config.batch_size, len(data))
        self.clock = TrainingClock(config.epochs, max(1, len(data) // self.batch_size), self.device)
        self.model.prepare(self.data)
        self.step = devices.stepper(self.model, config, self.device)

    @property
    def weights(self) -> Tensors:
        """All that leaves the site: weights and buffers by name, no moment of the optimiser."""
        return {name: tensor for name, tensor in self.model.state().items() if name.startswith(WEIGHTS)}

    @property
    def moments(self) -> Tensors:
        """What stays at the site between rounds: the moments of the optimiser."""
        return {name: tensor for name, tensor in self.model.state().items() if name.startswith(OPTIMISER)}

    def train(
        self, weights: Tensors, round_number: int, *, left: Callable[[], bool], moments: Tensors | None = None
    ) -> dict[str, float]:
        """Train round `round_number`, from 1, from these weights; the mean of each loss. Raises Left.

        `moments`: those after the round before, where this is another process; without them the optimiser goes on.
        """
        self.model.load(weights | (moments or {}))
        self.model.train()
        streams = np.random.SeedSequence([self.config.seed, round_number, self.number]).generate_state(2, np.uint64)
        torch.manual_seed(int(streams[0] >> np.uint64(1)))
        shuffle = torch.Generator().manual_seed(int(streams[1] >> np.uint64(1)))
        before, b = (round_number - 1) * self.local_epochs, self.batch_size
        self.clock.restore({"step": before * self.clock.steps_per_epoch, "epoch": before, "position": 0})
        sums: dict[str, float] = {}
        for _ in range(self.local_epochs):
            order = torch.randperm(len(self.data), generator=shuffle).to(self.device)
            for i in range(self.clock.steps_per_epoch):
                if left():
                    raise Left
                losses = self.step(self.data.index(order[i * b : (i + 1) * b]), self.clock)
                for name, value in losses.values.items():
                    sums[name] = sums.get(name, 0.0) + float(value)
                self.clock.tick()
        return {name: total / (self.local_epochs * self.clock.steps_per_epoch) for name, total in sums.items()}

    def held_out(self, weights: Tensors) -> float:
        """The loss of these weights on the sets that this site holds out; 0 where it holds out none."""
        if self.holdout is None or not len(self.holdout):
            return 0.0
        self.model.load(weights)
        self.model.eval()
        self.model.settle()
        noise = torch.Generator(self.device).manual_seed(self.config.seed + VALIDATION_SEED)
        return float(self.validate(self.model, self.holdout, noise)[HELD_OUT])

"""A small training that goes on only when it is asked to: what a step does to losses, weights and samples."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.config import experiments
from core.config.schema import from_dict
from core.config.training import TrainingConfig
from core.data.dataset import Dataset
from core.data.genotypes import Calls
from core.data.split import Split
from core.errors import InputError, RunError

if TYPE_CHECKING:
    from torch import Tensor

Floats = npt.NDArray[np.float64]

INDIVIDUALS, VARIANTS = 300, 80  # at most, so that a step is over before one has let go of the button
BATCH, EPOCHS = 32, 40  # the schedules of a model (learning rate, temperature) run over so many epochs
SAMPLES = 150

# Training draws from torch's global generator, which every visitor of this server shares.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Layer:
    """One matrix of weights, as it is and as it was before the last move.

    Attributes:
        value, before: (rows, columns); a vector is one row.
    """

    value: Floats
    before: Floats

    @property
    def change(self) -> float:
        """Norm of the change as a share of the norm of the weights."""
        size = float(np.linalg.norm(self.before))
        return float(np.linalg.norm(self.value - self.before)) / size if size else 0.0


class ByStep:
    """A model at its first step, on a part of a cohort, and every step since.

    Attributes:
        losses: name → one value a step taken.
        real: (n, m) the training calls.
        moved: steps of the last move.

    Raises InputError for a preset that takes no steps; `advance` raises RunError once a loss is not a number.
    """

    def __init__(self, preset: str, dataset: Dataset, seed: int) -> None:
        import torch

        from core.models.registry import build
        from core.training import devices
        from core.training.clock import TrainingClock
        from core.training.data import prepare_split

        config = experiments.load(preset)
        genotypes = dataset.genotypes()
        order = np.random.default_rng(seed).permutation(dataset.split().train)[:INDIVIDUALS]
        part = genotypes.individuals(np.sort(order)).variants(np.arange(min(VARIANTS, genotypes.m)))
        self.training = replace(
            from_dict(TrainingConfig, config["training"], where="training"),
            seed=seed, epochs=EPOCHS, batch_size=min(BATCH, part.n), device="cpu",
        )  # fmt: skip
        self.data, _ = prepare_split(part, Split(np.arange(part.n), np.arange(0)), self.training)
        self.real: Calls = self.data.calls.numpy()
        self.clock = TrainingClock(EPOCHS, max(1, len(self.data) // self.training.batch_size))
        self.losses: dict[str, list[float]] = {}
        self.moved = 0
        self._shuffle = torch.Generator().manual_seed(seed)
        with _one_at_a_time, torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = build(config["model"]["name"], config["model"], self.data.spec, self.training)
            self.model.prepare(self.data)
            self._noise = torch.get_rng_state()
        if self.model.closed_form:
            raise InputError(f"{preset} is fitted in closed form and takes no steps; choose a model that learns.")
        self._step = devices.stepper(self.model, self.training, torch.device("cpu"))
        self._order = self._shuffled()
        self._before = self._weights()

    def advance(self, steps: int) -> None:
        """Take so many steps; beyond the last epoch the schedules stay where they end."""
        import torch

        self._before = self._weights()
        self.moved = steps
        self.model.train()
        with _one_at_a_time, torch.random.fork_rng(devices=[]):
            torch.set_rng_state(self._noise)
            for _ in range(steps):
                self._take()
            self._noise = torch.get_rng_state()

    def epoch(self) -> None:
        """Go on to the end of the epoch."""
        self.advance(self.clock.steps_per_epoch - self.clock.position)

    def layers(self) -> dict[str, Layer]:
        """The matrices and vectors of weights by name, the largest first."""
        now = self._weights()
        named = sorted(now, key=lambda name: -now[name].size)
        return {name: Layer(now[name], self._before[name]) for name in named}

    def samples(self) -> Calls:
        """(SAMPLES, m) individuals from the same noise at each call, so that a point is followed as it moves."""
        import torch

        self.model.eval()
        self.model.settle()
        with torch.no_grad():
            drawn: Tensor = self.model.sample(SAMPLES, None, torch.Generator().manual_seed(self.training.seed))
        return np.asarray(drawn.cpu().numpy(), dtype=np.int8)

    def _take(self) -> None:
        at, size = self.clock.position, self.training.batch_size
        losses = self._step(self.data.index(self._order[at * size : (at + 1) * size]), self.clock)
        for name, value in losses.values.items():
            self.losses.setdefault(name, []).append(float(value))
        if not all(np.isfinite(values[-1]) for values in self.losses.values()):
            raise RunError(f"Step {self.clock.step + 1} gave a loss that is not a number; start again.")
        if self.clock.tick():
            self._order = self._shuffled()

    def _shuffled(self) -> Tensor:
        import torch

        return torch.randperm(len(self.data), generator=self._shuffle)

    def _weights(self) -> dict[str, Floats]:
        # A model that counts rather than descends keeps what it learned in buffers.
        learned = dict(self.model.named_parameters()) or {
            n: b for n, b in self.model.named_buffers() if b.is_floating_point()
        }
        named = {name: tensor.detach().double().numpy().copy() for name, tensor in learned.items() if tensor.numel()}
        return {name: w.reshape(len(w), -1) if w.ndim > 1 else w.reshape(1, -1) for name, w in named.items()}

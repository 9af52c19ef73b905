"""Lesson 6: a small WGAN-GP trained on five populations step by step, with a history that can be gone back in."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Calls
from core.evaluation.manifold import indicators
from core.evaluation.neighbours import neighbours_of

if TYPE_CHECKING:
    from torch import Tensor

    from core.models.genotype.wgan_gp import WganGp

Floats = npt.NDArray[np.float64]

POPULATIONS, EACH, VARIANTS = 5, 40, 24
K = 5  # of precision and recall
MOST_STEPS = 600
_DIFFERENTIATION = 0.6  # F_ST of the populations: far apart, so that one sees which are made
_COHORT_SEED = 286  # the data are the same for everybody: a draw whose populations lie apart on two components
_BATCH, _RATE, _WIDTH, _TEMPERATURE = 50, 1e-2, 32, 0.7
_AVERAGE = 0.8  # decay of the weights that are sampled: some five steps

_MADE = 0.05  # share from which a population counts as made; a fifth would be right

# Training takes its noise from torch's one global generator: the trainers of several visitors take turns.
_TURN = threading.Lock()


@dataclass(frozen=True)
class RealCohort:
    """Five populations, and their first two principal components.

    Attributes:
        calls: (n, m) int8. population: (n,) 0 to 4.
        mean: (m,); axes: (m, 2); points: (n, 2) on these axes.
        precision, recall: of a second cohort from the same populations: what can be reached.
    """

    calls: Calls
    population: npt.NDArray[np.int64]
    mean: Floats
    axes: Floats
    points: Floats
    precision: float
    recall: float


@dataclass(frozen=True)
class Snapshot:
    """The generator after a number of steps.

    Attributes:
        step: steps of the generator so far.
        points: (n, 2) of as many generated individuals as there are real ones, on the axes of the real cohort.
        shares: (POPULATIONS,) of them by the population whose mean is nearest.
        precision, recall: at K, over all variants.
        critic, generator: losses of the last step; NaN before the first.
    """

    step: int
    points: Floats
    shares: Floats
    precision: float
    recall: float
    critic: float
    generator: float

    @property
    def populations(self) -> int:
        """How many populations have a share of at least _MADE."""
        return int((self.shares >= _MADE).sum())


def real_cohort() -> RealCohort:
    """Allele frequencies of each population by Balding & Nichols 1995, calls in Hardy–Weinberg proportions."""
    rng = np.random.default_rng(_COHORT_SEED)
    scale = (1 - _DIFFERENTIATION) / _DIFFERENTIATION
    ancestral = rng.uniform(0.2, 0.8, VARIANTS)
    frequency = rng.beta(ancestral * scale, (1 - ancestral) * scale, (POPULATIONS, VARIANTS)).clip(0.02, 0.98)
    population = np.repeat(np.arange(POPULATIONS), EACH)
    calls, again = (rng.binomial(2, frequency[population]).astype(np.int8) for _ in range(2))
    mean = calls.mean(axis=0)
    axes = np.linalg.svd(calls - mean, full_matrices=False)[2][:2].T
    precision, recall = _measured(calls, again)
    return RealCohort(calls, population, mean, axes, (calls - mean) @ axes, precision, recall)


class Trainer:
    """The WGAN-GP of the product at toy size: dense, unconditional, and without what keeps it from collapsing.

    Our preset starts from a closed form, is conditioned on populations or latent classes, and is held to genotype
    frequencies and linkage; all of that is off here, as in the published model.

    Attributes:
        history: snapshots, one at the beginning and one after each call of `advance`.
    """

    history: list[Snapshot]
    _states: list[tuple[dict[str, Tensor], Tensor]]
    _noise: Tensor

    def __init__(self, real: RealCohort, latent: int, seed: int) -> None:
        self.real, self.latent, self.seed = real, latent, seed
        self._begin()

    @property
    def step(self) -> int:
        """Steps taken."""
        return self.history[-1].step

    def advance(self, steps: int, critic_steps: int, penalty: float) -> None:
        """Train on; nothing happens beyond MOST_STEPS.

        Args:
            steps: of the generator. critic_steps: of the critic before each of them.
            penalty: weight of the gradient penalty.
        """
        import torch

        steps = min(steps, MOST_STEPS - self.step)
        if steps <= 0:
            return
        self._model.config = replace(self._model.config, critic_steps=critic_steps, gradient_penalty=penalty)
        clock: Any = SimpleNamespace(step=0, epoch=0, progress=torch.zeros(()))
        with _turn():
            torch.set_rng_state(self._noise)
            for _ in range(steps):
                losses = self._model.steps(self._data.index(torch.randint(len(self._data), (_BATCH,))), clock)
            self._noise = torch.get_rng_state()
            self._keep(self.step + steps, {name: float(value) for name, value in losses.values.items()})

    def rewind(self, place: int) -> None:
        """Go back to a place in the history; training goes on from there exactly as it did."""
        if place >= len(self.history) - 1:
            return
        if place <= 0:
            self._begin()
            return
        del self.history[place + 1 :], self._states[place + 1 :]
        state, self._noise = self._states[place]
        self._model.load(state)

    def _begin(self) -> None:
        import torch

        self.history = []
        self._states = []
        with _turn():
            torch.manual_seed(self.seed)
            self._model, self._data = _model(self.real.calls, self.latent)
            self._noise = torch.get_rng_state()
            self._keep(0, {})

    def _keep(self, step: int, losses: dict[str, float]) -> None:
        """A snapshot and the state to come back to. The same latents each time, so that points move and do not jump."""
        import torch

        real = self.real
        made = self._model.sample(len(real.calls), None, torch.Generator().manual_seed(self.seed)).numpy()
        means = np.stack([real.calls[real.population == p].mean(axis=0) for p in range(POPULATIONS)])
        nearest = np.square(made[:, None] - means[None]).sum(axis=2).argmin(axis=1)
        precision, recall = _measured(real.calls, made)
        self.history.append(
            Snapshot(
                step=step,
                points=(made - real.mean) @ real.axes,
                shares=np.bincount(nearest, minlength=POPULATIONS) / len(made),
                precision=precision,
                recall=recall,
                critic=losses.get("critic", np.nan),
                generator=losses.get("generator", np.nan),
            )
        )
        self._states.append(({name: value.clone() for name, value in self._model.state().items()}, self._noise))


@contextmanager
def _turn() -> Iterator[None]:
    """One trainer at a time, on one thread: layers of 32 units lose by sharing (tenfold on a busy machine)."""
    import torch

    with _TURN, torch.random.fork_rng(devices=[]):
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def _measured(real: Calls, made: Calls) -> tuple[float, float]:
    found = neighbours_of(real.astype(np.float32), made.astype(np.float32), (K,))
    return float(indicators(found, "precision", K).mean()), float(indicators(found, "recall", K).mean())


def _model(calls: Calls, latent: int) -> tuple[WganGp, Any]:
    """The model, started, and its training data."""
    import torch

    from core.config.training import TrainingConfig
    from core.models.base import Condition, DataSpec, TrainData
    from core.models.genotype.wgan_gp import WganGp, WganGpConfig

    n, m = calls.shape
    nowhere = np.zeros(m, dtype=np.int64)
    spec = DataSpec(m, 3, {}, {}, nowhere, nowhere, n)
    config = WganGpConfig(
        latent=latent, generator_widths=(_WIDTH,), critic_widths=(_WIDTH,), structured=False, hidden=0.0,
        frequency_weight=0.0, linkage_weight=0.0, average=_AVERAGE, rate_decay=1.0, beta2=0.9,
        temperature_start=_TEMPERATURE, temperature_end=_TEMPERATURE,
    )  # fmt: skip
    model = WganGp(config, spec, TrainingConfig(learning_rate=_RATE, batch_size=_BATCH))
    nothing = Condition(torch.empty(n, 0, dtype=torch.int64), torch.empty(n, 0))
    data = TrainData(torch.from_numpy(calls), nothing, spec)
    model.prepare(data)
    return model, data

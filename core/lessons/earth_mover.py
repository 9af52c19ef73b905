"""Lesson 4: two piles of sand on a line, what it costs to push one into the other, and critics that guess that cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

Floats = npt.NDArray[np.float64]

BIN = 0.25
PLACES: Floats = np.arange(0, 11 + BIN / 2, BIN)  # middles of the bins
HERE = 3.0  # centre of the first pile
WIDTH = 2.0  # of the first pile
SHIFTS: Floats = np.arange(0, 5 + BIN / 2, BIN)

NOTHING, CLIPPING, PENALTY = "nothing", "weight clipping", "gradient penalty"
WAYS = (NOTHING, CLIPPING, PENALTY)
STEPS = 200  # of a training
PENALTY_WEIGHT = 10.0  # that of our WGAN-GP
_HIDDEN = 24  # units of each of the two hidden layers of a critic
_SLOPE = 0.2  # of LeakyReLU
_RATE = 0.01
_PAIRS = 64  # of a real and a synthetic place, between which the penalty is taken in each step


@dataclass(frozen=True)
class Piles:
    """Real and synthetic sand.

    Attributes:
        real, synthetic: (b,) mass at each of PLACES, 1 in total.
        plan: (b, b) mass that goes from each place of the real pile to each of the synthetic, at the least cost.
        shift, width: of the synthetic pile.
    """

    real: Floats
    synthetic: Floats
    plan: Floats
    shift: float
    width: float

    @property
    def earth_mover(self) -> float:
        """W1, mass times the distance that it goes."""
        return earth_mover(self.real, self.synthetic)

    @property
    def jensen_shannon(self) -> float:
        """Nats."""
        return jensen_shannon(self.real, self.synthetic)


def piles(shift: float, width: float) -> Piles:
    """The first pile where it always is, the second as wide as asked for and moved to the right by `shift`."""
    real, synthetic = pile(HERE, WIDTH), pile(HERE + shift, width)
    return Piles(real, synthetic, transport_plan(real, synthetic), shift, width)


def pile(centre: float, width: float) -> Floats:
    """(b,) a parabola that ends within a bin beyond width / 2 on either side; its mass is 1."""
    height = np.clip(1 - np.square((PLACES - centre) / (width / 2 + BIN)), 0, None)
    return height / height.sum()


def transport_plan(real: Floats, synthetic: Floats) -> Floats:
    """(b, b) the plan that keeps the order of the grains: optimal on a line (Peyré & Cuturi 2019, §2.6)."""
    first, second = (np.concatenate([[0.0], np.cumsum(mass)]) for mass in (real, synthetic))
    left = np.maximum(first[:-1, None], second[None, :-1])
    right = np.minimum(first[1:, None], second[None, 1:])
    return np.clip(right - left, 0, None)


def earth_mover(real: Floats, synthetic: Floats) -> float:
    """W1 = ∫ |F − G| of the distribution functions (Peyré & Cuturi 2019, §2.6)."""
    return float(np.abs(np.cumsum(real - synthetic)).sum() * BIN)


def jensen_shannon(real: Floats, synthetic: Floats) -> float:
    """Mean of the Kullback–Leibler divergences from the middle of both, nats; log 2 where they do not overlap."""
    middle = (real + synthetic) / 2

    def divergence(mass: Floats) -> float:
        held = mass > 0
        return float((mass[held] * np.log(mass[held] / middle[held])).sum())

    return (divergence(real) + divergence(synthetic)) / 2


def along(width: float) -> tuple[Floats, Floats]:
    """W1 and Jensen–Shannon divergence at each of SHIFTS."""
    pairs = [(pile(HERE, WIDTH), pile(HERE + shift, width)) for shift in SHIFTS]
    return np.array([earth_mover(*pair) for pair in pairs]), np.array([jensen_shannon(*pair) for pair in pairs])


def best_critic(two: Piles, lipschitz: float) -> Floats:
    """(b,) the λ-Lipschitz f with the largest E_real f − E_synthetic f, which is λ W1 (Kantorovich and Rubinstein).

    f' = −λ sign(F − G); where both distribution functions agree any slope is as good, and 0 is taken.
    """
    apart = np.cumsum(two.real - two.synthetic)[:-1]
    slope = -lipschitz * np.sign(np.where(np.abs(apart) > 1e-12, apart, 0.0))
    score = np.concatenate([[0.0], np.cumsum(slope * BIN)])
    return score - (two.real + two.synthetic) @ score / 2


class Critics:
    """Three critics of one start, which learn to score real sand above synthetic, each restrained in its own way.

    Nothing: maximise E_real f − E_synthetic f. Weight clipping: the same, and after each step every weight is cut to
    ±c (Arjovsky et al. 2017), with c³ H² = λ, which keeps the slope below λ in a network of two hidden layers of H
    units. Gradient penalty: less 10 E (|f'(x)| − λ)² between real and synthetic places (Gulrajani et al. 2017, eq. 3).

    Attributes:
        step: steps taken, of STEPS.
        estimates: (3,) E_real f − E_synthetic f of each of WAYS, at each step.
    """

    def __init__(self, two: Piles, lipschitz: float, seed: int) -> None:
        import torch

        self.piles, self.lipschitz, self.seed = two, lipschitz, seed
        self.step = 0
        self.estimates: list[Floats] = []
        self._noise = np.random.default_rng(seed)
        hidden = _HIDDEN
        # The last layer starts at 0: two-sided, the penalty could hold a critic that starts with the wrong sign there.
        shapes = ((1, hidden, 1.0), (1, hidden, 2.0), (hidden, hidden, hidden**-0.5), (1, hidden, hidden**-0.5))
        start = [self._noise.uniform(-reach, reach, shape) for *shape, reach in shapes]
        start.append(np.zeros((hidden, 1)))
        self._weights = [
            torch.from_numpy(values).float().expand(3, *values.shape).clone().requires_grad_() for values in start
        ]
        self._adam = torch.optim.Adam(self._weights, lr=_RATE, betas=(0.5, 0.9))
        self._places = torch.from_numpy(PLACES - PLACES.mean()).float()[None, :, None]
        self._difference = torch.from_numpy(two.real - two.synthetic).float()
        self._clip = float((lipschitz / hidden**2) ** (1 / 3))

    @property
    def finished(self) -> bool:
        """Whether all STEPS are taken."""
        return self.step >= STEPS

    def train(self, steps: int) -> None:
        """Up to `steps` steps of Adam of all three."""
        import torch

        clipped, penalised = WAYS.index(CLIPPING), WAYS.index(PENALTY)
        for _ in range(min(steps, STEPS - self.step)):
            estimate = (self._scores(self._places, slice(None)) * self._difference).sum(1)
            between = torch.from_numpy(self._between()).float()[None, :, None].requires_grad_()
            score = self._scores(between, slice(penalised, penalised + 1))
            (slope,) = torch.autograd.grad(score.sum(), between, create_graph=True)
            penalty = (slope.abs() - self.lipschitz).square().mean()
            gradients = torch.autograd.grad(PENALTY_WEIGHT * penalty - estimate.sum(), self._weights)
            for weight, gradient in zip(self._weights, gradients, strict=True):
                weight.grad = gradient
            self._adam.step()
            with torch.no_grad():
                for weight in self._weights:
                    weight[clipped].clamp_(-self._clip, self._clip)
            self.estimates.append(estimate.detach().double().numpy())
            self.step += 1

    def scores(self) -> Floats:
        """(3, b) of each place, by each of WAYS, with mean 0 over both piles."""
        score = self._scores(self._places, slice(None)).detach().double().numpy()
        return np.asarray(score - score @ ((self.piles.real + self.piles.synthetic) / 2)[:, None])

    def _scores(self, x: Tensor, which: slice) -> Tensor:
        """(critics, places) of places (1, places, 1) by those of WAYS at `which`."""
        from torch.nn.functional import leaky_relu

        first, bias, second, bias2, last = (weight[which] for weight in self._weights)
        hidden = leaky_relu(leaky_relu(x @ first + bias, _SLOPE) @ second + bias2, _SLOPE)
        return (hidden @ last).squeeze(2)

    def _between(self) -> Floats:
        """(_PAIRS,) places, each at random between a real and a synthetic one."""
        real, synthetic = (
            self._noise.choice(PLACES, _PAIRS, p=mass) for mass in (self.piles.real, self.piles.synthetic)
        )
        mix = self._noise.random(_PAIRS)
        return np.asarray(mix * real + (1 - mix) * synthetic - PLACES.mean())

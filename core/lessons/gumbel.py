"""Lesson 2: one call of 0, 1 or 2 drawn by the Gumbel-Softmax, and the gradient that comes back through it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

CALLS = 400  # points of the simplex
SAMPLES = 10_000  # single-sample gradients at each temperature
TEMPERATURES = (0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2, 1.7, 2.4, 3.5, 5.0)


@dataclass(frozen=True)
class Draws:
    """Calls drawn at one temperature.

    Attributes:
        frequency: of the alternate allele.
        probability: (3,) of the genotypes 0, 1, 2 in Hardy–Weinberg proportions.
        score: (n, 3) log-probability plus Gumbel noise; the largest wins.
        soft: (n, 3) softmax(score / temperature).
        call: (n, 3) what the next network sees: `soft`, or one-hot where calls are hard.
        temperature, hard: as asked for.
    """

    frequency: float
    probability: Floats
    score: Floats
    soft: Floats
    call: Floats
    temperature: float
    hard: bool

    @property
    def winner(self) -> npt.NDArray[np.intp]:
        """(n,) the genotype with the largest score."""
        return np.argmax(self.score, axis=1)

    @property
    def shares(self) -> Floats:
        """(3,) how often each genotype wins."""
        return np.bincount(self.winner, minlength=3) / len(self.score)

    @property
    def decided(self) -> float:
        """Mean of the largest share within a soft call: 1/3 is undecided, 1 is one-hot."""
        return float(self.soft.max(axis=1).mean())


@dataclass(frozen=True)
class Gradients:
    """Single-sample gradients of E[loss] with respect to the log-odds of the allele frequency.

    The loss of a call is the square of its alternate alleles, 0, 1 or 4.

    Attributes:
        exact: the gradient of Σ_k p_k loss(k), in closed form.
        temperature: (t,) and, at each, `mean` (t,) and `deviation` (t,) of SAMPLES gradients.
        samples: (SAMPLES,) at the temperature `now`.
        now, hard, frequency: as asked for.
    """

    exact: float
    temperature: Floats
    mean: Floats
    deviation: Floats
    samples: Floats
    now: float
    hard: bool
    frequency: float

    @property
    def bias(self) -> float:
        """Of the samples."""
        return float(self.samples.mean() - self.exact)


def genotypes(frequency: float) -> Floats:
    """(3,) probabilities of 0, 1 and 2 alternate alleles in Hardy–Weinberg proportions."""
    other = 1 - frequency
    return np.array([other**2, 2 * frequency * other, frequency**2])


def draw_calls(temperature: float, frequency: float, hard: bool, seed: int) -> Draws:
    """CALLS calls by the Gumbel-Softmax that GAN and WGAN-GP use; the seed fixes the noise, whatever else moves."""
    import torch

    from core.models.gumbel import gumbel_softmax

    uniform = _noise(CALLS, seed)
    logits = np.log(genotypes(frequency))
    planes = torch.from_numpy(logits)[None, :, None].expand(CALLS, 3, 1), torch.from_numpy(uniform)[:, :, None]
    soft, call = (gumbel_softmax(*planes, temperature, kind)[:, :, 0].numpy() for kind in (False, hard))
    return Draws(frequency, genotypes(frequency), logits - np.log(-np.log(uniform)), soft, call, temperature, hard)


def exact_gradient(frequency: float) -> float:
    """d/dθ of 2p(1 − p) · 1 + p² · 4 at p = sigmoid(θ)."""
    return 2 * frequency * (1 - frequency) * (1 + 2 * frequency)


def gradients(temperature: float, frequency: float, hard: bool, seed: int) -> Gradients:
    """Gradients at one temperature and, with the same noise, along TEMPERATURES."""
    path = np.array(TEMPERATURES)
    along = sampled_gradients(path, frequency, hard, seed)
    samples = sampled_gradients(np.array([temperature]), frequency, hard, seed)[:, 0]
    exact = exact_gradient(frequency)
    return Gradients(exact, path, along.mean(axis=0), along.std(axis=0), samples, temperature, hard, frequency)


def sampled_gradients(temperature: Floats, frequency: float, hard: bool, seed: int) -> Floats:
    """(SAMPLES, t): of the loss of one call each, by backpropagation through the Gumbel-Softmax, at each temperature.

    Every sample has a log-odds of its own, so that one backward pass gives all their gradients.
    """
    import torch
    from torch.nn.functional import logsigmoid

    from core.models.gumbel import gumbel_softmax

    start = float(np.log(frequency / (1 - frequency)))
    log_odds = torch.full((SAMPLES, 1, len(temperature)), start, requires_grad=True)
    alternate, other = logsigmoid(log_odds), logsigmoid(-log_odds)
    logits = torch.cat([2 * other, alternate + other + float(np.log(2)), 2 * alternate], dim=1)
    uniform = torch.from_numpy(_noise(SAMPLES, seed)).float()[:, :, None]
    call = gumbel_softmax(logits, uniform, torch.from_numpy(temperature).float(), hard)
    dosage = call[:, 1] + 2 * call[:, 2]
    (slope,) = torch.autograd.grad(dosage.square().sum(), log_odds)
    return slope[:, 0].double().numpy()


def _noise(n: int, seed: int) -> Floats:
    """(n, 3) uniform, off 0 and 1 by more than float32 can tell."""
    return np.clip(np.random.default_rng(seed).random((n, 3)), 1e-7, 1 - 1e-7)

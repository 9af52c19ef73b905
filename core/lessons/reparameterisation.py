"""Lesson 3: the gradient of an expectation by score function and by reparameterisation, and a VAE trained with each."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.data.simulators.coalescent import SimulationConfig, simulate

if TYPE_CHECKING:
    from core.data.genotypes import Genotypes
    from core.models.base import Batch
    from core.models.genotype.vae import Vae

Floats = npt.NDArray[np.float64]

SAMPLES = 5_000  # single-sample gradients
REPARAMETERISATION, SCORE = "Reparameterisation", "Score function"
STEPS = 300  # of a training
_WIDTH = 32  # of the hidden layer of encoder and decoder
_RATE = 1e-2
# Noise of a training comes from torch's one generator for all threads; visitors must not draw from each other's.
_NOISE = Lock()


@dataclass(frozen=True)
class Gradients:
    """Single-sample gradients of E[f(z)] by the mean μ of the first latent, at μ = 0.

    z ~ N(0, σ² I) in `latents` dimensions; f(z) = −Σ_i log P(call i is 2 | z_i) = Σ_i 2 log(1 + exp(−z_i)): what it
    costs a decoder to explain one call by each latent, with P(alternate allele) = sigmoid(z_i).

    Attributes:
        exact: by quadrature.
        score: (n,) f(z) (z_1 − μ) / σ² (Williams 1992).
        path: (n,) ∂f/∂z_1 at z = μ + σ ε (Kingma & Welling 2014, §2.4).
        spread, latents: σ and the number of latents.
    """

    exact: float
    score: Floats
    path: Floats
    spread: float
    latents: int

    @property
    def variances(self) -> tuple[float, float]:
        """Of a sample by score function and by reparameterisation."""
        return float(self.score.var()), float(self.path.var())

    @property
    def ratio(self) -> float:
        """How many samples of the score function are worth one by reparameterisation."""
        score, path = self.variances
        return score / path


def gradients(spread: float, latents: int, seed: int) -> Gradients:
    """SAMPLES gradients by either way, from the same noise."""
    noise = np.random.default_rng(seed).standard_normal((SAMPLES, latents))
    z = spread * noise
    cost = 2 * np.logaddexp(0, -z).sum(axis=1)
    return Gradients(
        exact=exact_gradient(spread),
        score=cost * noise[:, 0] / spread,
        path=-2 / (1 + np.exp(z[:, 0])),
        spread=spread,
        latents=latents,
    )


def exact_gradient(spread: float) -> float:
    """E[−2 sigmoid(−z)] of z ~ N(0, σ²) by Gauss–Hermite quadrature; the other latents have no part in it."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    return float(weights @ (-2 / (1 + np.exp(spread * nodes))) / weights.sum())


def cohort(seed: int) -> Genotypes:
    """50 individuals of each of three populations (YRI, CEU, CHB), 60 variants of 1 Mb."""
    return simulate(SimulationConfig(individuals=(50,), length=1e6, variants=60, maf_min=0.05, seed=seed))


class Training:
    """The product's VAE with two latents, trained twice from one start on one cohort with the same noise.

    Attributes:
        step: steps taken, of STEPS.
        population: (n,) of the individuals.
        losses: way → negative evidence lower bound at each step, nats per individual.
    """

    def __init__(self, genotypes: Genotypes, seed: int) -> None:
        import torch

        from core.config.training import TrainingConfig
        from core.models.base import Condition, DataSpec, TrainData
        from core.models.genotype.vae import Vae, VaeConfig
        from core.training.clock import TrainingClock

        n, m = genotypes.calls.shape
        spec = DataSpec(m, 3, {}, {}, genotypes.variant_position, np.zeros(m, dtype=np.int64), n)
        nothing = Condition(torch.zeros(n, 0, dtype=torch.int64), torch.zeros(n, 0))
        data = TrainData(torch.from_numpy(genotypes.calls), nothing, spec)
        # What the product adds to the published VAE is left out: here the latent is all that the decoder knows.
        config = VaeConfig(
            latent=2, encoder_widths=(_WIDTH,), decoder_widths=(_WIDTH,), neighbours=0, kl_weight=1.0, warm_up=0.0,
            free_nats=0.0, mask=0.0, components=0, calibrate=False,
        )  # fmt: skip
        self.seed, self.step = seed, 0
        self.population = genotypes.labels["population"]
        self.losses: dict[str, list[float]] = {REPARAMETERISATION: [], SCORE: []}
        self._clock = TrainingClock(STEPS, 1)
        self._batch: Batch = data.index(slice(None))
        self._models: dict[str, Vae] = {}
        for way, kind in ((REPARAMETERISATION, Vae), (SCORE, _score_vae())):
            with _NOISE, torch.random.fork_rng(devices=[]):
                torch.default_generator.manual_seed(seed)
                model = kind(config, spec, TrainingConfig(learning_rate=_RATE))
            model.prepare(data)
            self._models[way] = model.train()

    @property
    def finished(self) -> bool:
        """Whether all STEPS are taken."""
        return self.step >= STEPS

    def train(self, steps: int) -> None:
        """Up to `steps` steps of each, on the whole cohort; the noise of a step depends on seed and step alone."""
        import torch

        for _ in range(min(steps, STEPS - self.step)):
            for way, model in self._models.items():
                with _NOISE, torch.random.fork_rng(devices=[]):
                    torch.default_generator.manual_seed(self.seed * STEPS + self.step)
                    values = model.steps(self._batch, self._clock).values
                self.losses[way].append(float(values["reconstruction"]) + float(values["kl"]))
            self._clock.tick()
            self.step += 1

    def latents(self) -> dict[str, Floats]:
        """Way → (n, 2) posterior means of all individuals."""
        calls, condition = self._batch.calls, self._batch.condition
        return {w: model.encode(calls, condition).double().numpy() for w, model in self._models.items()}


def _score_vae() -> type[Vae]:
    """The VAE whose encoder learns by the score function: no gradient passes through the latent."""
    from torch import Tensor, randn_like

    from core.models.genotype.vae import Vae

    class ScoreVae(Vae):
        def losses(self, batch: Batch) -> tuple[Tensor, Tensor]:
            """As of `Vae`; the gradient of the first by the encoder is E[−log p(x | z) ∇ log q(z | x)]."""
            calls = batch.calls
            mean, log_variance = self.encoder(calls, calls >= 0)
            z = (mean + randn_like(mean) * (log_variance / 2).exp()).detach()
            logits = self.decoder(z, batch.condition)
            chosen = logits.gather(1, calls[:, None].long()).squeeze(1)
            cost = (logits.logsumexp(1) - chosen).sum(1)
            log_density = -0.5 * ((z - mean).square() / log_variance.exp() + log_variance).sum(1)
            score = cost.detach() * log_density
            divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean()
            # Its value is the cost, its gradient that of the cost by the decoder and of the score by the encoder.
            return (cost + score - score.detach()).mean(), divergence

    return ScoreVae

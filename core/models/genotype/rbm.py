"""Restricted Boltzmann machine: calls and binary hidden units, sampled by Gibbs from chains that are never reset."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from core.config.schema import more, setting
from core.config.training import TrainingConfig
from core.models.ancestry import known, latent
from core.models.base import Batch, Clock, Condition, DataSpec, Losses, Model, TrainData
from core.models.optimisation import cosine_rate
from core.models.populations import population_codes, population_count, uniform
from core.models.registry import models

START = 0.005  # standard deviation of the first weights: the machine begins as its classes alone
RARE = 1e-4  # added to a genotype's share before its logarithm is taken
FARTHEST = 40.0  # drive of an allele beyond which its square would overflow
SAMPLING_BATCH = 256  # individuals swept at once; their odds then stay in cache


@dataclass(frozen=True)
class RbmConfig:
    """Settings of the restricted Boltzmann machine."""

    hidden: int = setting(50, "Binary hidden units.", low=1, high=4096)
    classes: int = setting(32, "Most latent classes of individuals where they have no label.", low=1, high=256)
    chains: int = more(1024, "Gibbs chains that are kept from step to step.", low=2, high=65536)
    chain_sweeps: int = more(1, "Gibbs sweeps of the chains in each training step.", low=1, high=1000)
    sampling_sweeps: int = setting(50, "Gibbs sweeps from a chain to a new individual.", low=1, high=100_000)
    weight_decay: float = more(0.01, "Share of the weights that is lost with each unit of the rate.", low=0.0, high=1.0)
    momentum: float = more(0.5, "Share of the step before that is taken again.", low=0.0, high=0.99)
    bias_rate: float = more(0.4, "Rate of the classes' biases as a multiple of the weights'.", low=0.0, high=100.0)


@models.register(
    "rbm",
    title="Restricted Boltzmann machine",
    colour="#c2452d",
    kind="genotypes",
    help="Calls and binary hidden units that explain each other; learned and sampled by Gibbs chains.",
    source="Yelmen et al. 2021, PLoS Genetics 17:e1009303; Tieleman 2008, ICML (persistent chains)",
    config=RbmConfig,
)
class Rbm(Model):
    r"""P(g, h | c) ∝ exp( Σ_j b_cj(g_j) + Σ_j g_j d_cj + Σ_jk (g_j − μ_cj) W_jk (h_k − ½) + Σ_k a_k h_k ).

    g are calls 0..ploidy (one unit of as many values each, linear in the allele count), h binary, c the class of an
    individual: its first label or a latent class (`core.models.ancestry`). With W = 0 calls are independent within a
    class, at its drift-smoothed frequencies (μ is their mean count): learning begins there. W and a follow the
    likelihood by persistent contrastive divergence; d holds each class's mean counts at μ. Both sides of W are
    centred, which makes its gradient free of the biases' (Melchior et al. 2016).

    The published machine has binary haplotypes and no classes. Chains keep their class, so that they need not cross
    between populations, where Gibbs sampling hardly ever does. Phenotypes are ignored.
    """

    training_only: ClassVar[tuple[str, ...]] = ("velocity",)
    loss_titles: ClassVar[Mapping[str, str]] = {
        "free_energy_gap": "Free energy of the chains less that of the data",
        "weight": "Standard deviation of the weights",
    }

    config: RbmConfig
    velocity: Tensor  # (m, hidden)
    bias: Tensor  # (categories, C, m), b
    tilt: Tensor  # (C, m), d
    mean: Tensor  # (C, m), μ
    share: Tensor  # (C,)
    chain: Tensor  # (chains, m) int8
    chain_class: Tensor  # (chains,), ascending

    def __init__(self, config: RbmConfig, spec: DataSpec, training: TrainingConfig) -> None:
        super().__init__(config, spec, training)
        self.weight = nn.Parameter(START * torch.randn(spec.variants, config.hidden), requires_grad=False)
        self.threshold = nn.Parameter(torch.zeros(config.hidden), requires_grad=False)
        self.register_buffer("velocity", torch.zeros_like(self.weight))
        for name in ("bias", "tilt", "mean", "share"):
            self.register_buffer(name, torch.zeros(0))
        self.register_buffer("chain", torch.zeros(0, spec.variants, dtype=torch.int8))
        self.register_buffer("chain_class", torch.zeros(0, dtype=torch.int64))
        self.member = torch.zeros(0)  # (n,) classes of the training individuals: data, not state
        self.calls = torch.zeros(0)

    @property
    def closed_form(self) -> bool:
        return False

    def prepare(self, data: TrainData) -> None:
        """Classes, biases at their frequencies, chains that start as independent draws from them."""
        super().prepare(data)
        calls, ploidy, device = data.calls, self.spec.ploidy, data.calls.device
        populations = population_count(self.spec)
        code = population_codes(data.condition)
        ancestry = (
            known(calls, ploidy, code, populations) if populations else latent(calls, ploidy, self.config.classes)
        )
        self.member, self.calls = ancestry.member, calls
        self.share = torch.bincount(self.member, minlength=len(ancestry.frequency)) / len(calls)
        self.mean = ploidy * ancestry.frequency
        self.tilt = torch.zeros_like(self.mean)
        self.bias = self._biases(calls, ancestry.frequency)
        noise = torch.Generator().manual_seed(self.training_config.seed)
        pick = torch.randint(len(calls), (self.config.chains,), generator=noise).to(device)
        self.chain_class = self.member[pick].sort().values
        half = torch.full((len(pick), self.config.hidden), 0.5, device=device)
        self.chain = self._calls_given(half, self.chain_class, noise)

    def _biases(self, calls: Tensor, frequency: Tensor) -> Tensor:
        """log binomial probabilities, and for all classes what the cohort departs from their mixture (inbreeding)."""
        k = torch.arange(self.spec.categories, device=calls.device)[:, None, None]
        choose = torch.tensor(
            [math.comb(self.spec.ploidy, i) for i in range(self.spec.categories)], device=calls.device
        )
        binomial = choose[:, None, None] * frequency**k * (1 - frequency) ** (self.spec.ploidy - k)
        mixture = torch.einsum("kcm,c->km", binomial, self.share)
        observed = torch.stack([(calls == i).float().mean(0) for i in range(self.spec.categories)])
        return binomial.log() + ((observed + RARE) / (mixture + RARE)).log()[:, None]

    def free_energy(self, calls: Tensor, member: Tensor) -> Tensor:
        """(b,) −log Σ_h exp(−E(g, h | c)) of calls (b, m) in classes (b,)."""
        drive = (calls - self.mean[member]) @ self.weight
        pick = calls.long()[None]
        visible = self.bias[:, member].gather(0, pick)[0].sum(1) + (calls * self.tilt[member]).sum(1)
        return 0.5 * drive.sum(1) - visible - nn.functional.softplus(self.threshold + drive).sum(1)

    def hidden_given(self, calls: Tensor, member: Tensor) -> Tensor:
        """(b, hidden) probabilities of the hidden units."""
        return torch.sigmoid(self.threshold + (calls - self.mean[member]) @ self.weight)

    def _calls_given(self, hidden: Tensor, member: Tensor, noise: torch.Generator | None) -> Tensor:
        """(b, m) int8 calls drawn given the hidden units (b, hidden)."""
        drive = (hidden - 0.5) @ self.weight.T + self.tilt[member]
        # Odds against no allele: one exponential a call in place of one a genotype.
        step = power = drive.clamp(-FARTHEST, FARTHEST).exp()
        bounds = [torch.ones_like(step)]
        for odds in (self.bias[1:] - self.bias[0]).exp():
            bounds.append(bounds[-1] + odds[member] * power)
            power = power * step
        draw = _random(drive.shape, noise, drive.device) * bounds.pop()
        return torch.stack([draw > bound for bound in bounds]).sum(0, dtype=torch.int8)

    def sweep(self, calls: Tensor, member: Tensor, sweeps: int, noise: torch.Generator | None = None) -> Tensor:
        """(b, m) int8 after so many Gibbs sweeps; without `noise` from torch's global generator."""
        for _ in range(sweeps):
            chance = self.hidden_given(calls.float(), member)
            hidden = (_random(chance.shape, noise, chance.device) < chance).float()
            calls = self._calls_given(hidden, member, noise)
        return calls

    def correlations(self, calls: Tensor, member: Tensor) -> tuple[Tensor, Tensor]:
        """(m, hidden) and (hidden,) mean of −∂F/∂W and −∂F/∂a over calls (b, m)."""
        hidden = self.hidden_given(calls, member)
        return (calls - self.mean[member]).T @ (hidden - 0.5) / len(calls), hidden.mean(0)

    @torch.no_grad()
    def steps(self, batch: Batch, clock: Clock) -> Losses:
        """A step uphill on the likelihood: data less chains, which move on by `chain_sweeps` first.

        Individuals are drawn from all training ones, as many as the batch has, with the class that `prepare` gave them.
        """
        c = self.config
        rate = self.training_config.learning_rate * cosine_rate(clock.progress, floor=0.05)
        pick = torch.randperm(len(self.calls))[: len(batch.calls)].to(self.calls.device)
        data, member = self.calls[pick].float(), self.member[pick]
        self.chain = self.sweep(self.chain, self.chain_class, c.chain_sweeps)
        chain = self.chain.float()
        (up, on), (down, off) = self.correlations(data, member), self.correlations(chain, self.chain_class)
        gap = self.free_energy(chain, self.chain_class).mean() - self.free_energy(data, member).mean()
        self.velocity.mul_(c.momentum).add_(up - down)
        self.weight.add_(rate * (self.velocity - c.weight_decay * self.weight))
        self.threshold.add_(rate * (on - off))
        excess = torch.zeros_like(self.tilt).index_add_(0, self.chain_class, chain - self.mean[self.chain_class])
        self.tilt -= c.bias_rate * rate * len(self.share) * excess / len(chain)
        return Losses({"free_energy_gap": gap, "weight": self.weight.std()})

    @torch.no_grad()
    def sample(self, n: int, condition: Condition | None, generator: torch.Generator) -> Tensor:
        device = self.mean.device
        code = population_codes(self.complete(n, condition, generator)).to(device)
        drawn = torch.searchsorted(self.share.cumsum(0), uniform((n,), generator, device)).clamp(
            max=len(self.share) - 1
        )
        member = torch.where(code < 0, drawn, code)
        count = torch.bincount(self.chain_class, minlength=len(self.share))
        begin = count.cumsum(0) - count
        # A class without a chain starts from anybody's, and its biases draw the calls to it.
        size = torch.where(count > 0, count, len(self.chain))[member]
        start = torch.where(count > 0, begin, 0)[member] + (uniform((n,), generator, device) * size).long()
        start = start.clamp(max=len(self.chain) - 1)
        parts = [self.chain[:0]]
        for i in range(0, n, SAMPLING_BATCH):
            rows = slice(i, i + SAMPLING_BATCH)
            parts.append(self.sweep(self.chain[start[rows]], member[rows], self.config.sampling_sweeps, generator))
        return torch.cat(parts)


def _random(shape: torch.Size, noise: torch.Generator | None, device: torch.device) -> Tensor:
    return torch.rand(shape, device=device) if noise is None else uniform(tuple(shape), noise, device)

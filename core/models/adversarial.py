"""What GAN and WGAN-GP share: generator, critic, their start, their optimisers, and sampling.

A generator makes calls from random numbers, a critic scores how real calls look, and they learn in turns. The two
models differ in what each net is told about the other, which is what their own files say.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor, nn

from core.config.schema import more, setting
from core.config.training import TrainingConfig
from core.models import factors
from core.models.base import UNKNOWN, Batch, Clock, Condition, DataSpec, Losses, Model, TrainData
from core.models.dense import Critic, DenseGenerator, published_widths
from core.models.factor_generator import FactorGenerator
from core.models.gumbel import draw, gumbel_softmax, one_hot, planes_softmax
from core.models.moments import Moments
from core.models.optimisation import average, cosine_rate
from core.models.populations import normal, uniform
from core.models.principal_components import for_a_fit
from core.models.softening import FrozenNoise

MOST_CLASSES = 32  # latent classes where individuals have no label
CLASS_SIZE = 60  # individuals a class should have on average, so that its frequencies are known to some 5 %
SAMPLING_BATCH = 1024  # individuals sampled at once; bounds the memory of their logits
CALIBRATION = 2048  # individuals whose mean frequencies are corrected; their own sampling error stays, about 1 %


@dataclass(frozen=True)
class AdversarialConfig:
    """Settings of both models; the defaults are our presets, `gan_published` and `wgan_gp_published` set theirs."""

    latent: int = setting(64, "Length of the random vector that an individual is generated from.", low=1, high=4096)
    generator_widths: tuple[int, ...] = setting((128, 128), "Widths of the generator's hidden layers; empty: a rule.")
    critic_widths: tuple[int, ...] = setting((256, 128), "Widths of the critic's hidden layers; empty: a rule.")
    generator_divisors: tuple[int, ...] = more((24, 12, 6), "Published rule of the generator's widths: 3L//c.")
    critic_divisors: tuple[int, ...] = more((8, 16, 32), "Published rule of the critic's widths: 3L//c.")
    structured: bool = more(
        True, "Generate by few factors, thresholds and neighbours' noise, from a closed-form start; else densely."
    )
    reach: int = more(32, "Variants on each side that a call shares noise with.", unit="variants", low=0, high=96)
    condition_output: bool = more(False, "Feed the condition to the dense generator's output layer too.")
    embedding: int = more(16, "Length of the learned vector of each label.", low=1, high=512)
    temperature_start: float = setting(1.0, "Gumbel-Softmax temperature at the start.", low=0.01, high=10.0)
    temperature_end: float = setting(0.5, "Gumbel-Softmax temperature at the end.", low=0.01, high=10.0)
    straight_through: bool = more(True, "Hard calls forward, soft gradients backward: no soft call meets the critic.")
    real_noise: float = more(0.0, "Upper end of the noise that softens one-hot real calls.", low=0.0, high=0.3)
    hidden: float = more(0.5, "Share of the variants hidden from the critic, others for each pair.", low=0.0, high=0.9)
    critic_rate: float = more(1.0, "Critic's learning rate as a multiple of the generator's.", low=0.01, high=100.0)
    beta1: float = more(0.5, "Decay of Adam's first moment.", low=0.0, high=0.999)
    beta2: float = more(0.99, "Decay of Adam's second moment.", low=0.0, high=0.9999)
    rate_decay: float = more(0.05, "Learning rate at the end as a share of the start (cosine).", low=0.0, high=1.0)
    average: float = more(0.995, "Decay of the averaged weights that are sampled; 0: none.", low=0.0, high=0.99999)
    frequency_weight: float = setting(100.0, "Weight of the penalty on genotype frequencies.", low=0.0, high=1e6)
    linkage_weight: float = setting(100.0, "Weight of the penalty on linkage.", low=0.0, high=1e6)


class Adversarial(Model):
    """A generator and a critic that learn in turns; subclasses say what a step is.

    Our presets add to what was published: a closed-form start, straight-through hard calls, a penalty on the generator
    for wrong genotype frequencies and linkage (U-statistics of the batch, `Moments`), and sampling from averaged
    weights. A critic alone learns structure well, but frequencies and local linkage slowly. A departure of the
    published presets: labels are embedded, not raw numbers.
    """

    capturable: ClassVar[bool] = True
    in_memory: ClassVar[str] = ""
    undivided: ClassVar[str] = (
        "a step has two networks with an optimiser each, and penalties on the moments of the whole batch"
    )
    training_only: ClassVar[tuple[str, ...]] = ("generator.", "critic.")
    config: AdversarialConfig
    updates: Tensor  # steps of the generator
    shares: Tensor  # (classes,) of the latent classes; none where there are labels
    frequency: Tensor  # (categories, m) genotype frequencies of the training individuals
    thresholds: Tensor  # (categories - 1, m) with which a structured generator samples

    def __init__(self, config: AdversarialConfig, spec: DataSpec, training: TrainingConfig) -> None:
        super().__init__(config, spec, training)
        c = config
        labelled = bool(spec.label_columns) or not c.structured
        classes = 0 if labelled else min(MOST_CLASSES, max(1, spec.n_train // CLASS_SIZE))
        names = {"latent class": [str(i) for i in range(classes)]} if classes else spec.label_columns
        known = replace(spec, label_columns=names)
        widths = c.generator_widths or published_widths(spec, c.generator_divisors)
        self.generator: FactorGenerator | DenseGenerator
        if c.structured:
            self.generator = FactorGenerator(known, c.latent, widths, c.embedding, c.reach)
        else:
            self.generator = DenseGenerator(known, c.latent, widths, c.embedding, condition_output=c.condition_output)
        self.critic = Critic(spec, c.critic_widths or published_widths(spec, c.critic_divisors), c.embedding)
        self.averaged = deepcopy(self.generator).requires_grad_(False).eval()
        self.register_buffer("updates", torch.zeros(()))
        self.register_buffer("shares", torch.zeros(classes))
        self.register_buffer("frequency", torch.zeros(spec.categories, spec.variants))
        self.register_buffer("thresholds", torch.zeros(spec.categories - 1, spec.variants))
        self.softening = FrozenNoise(spec, c.real_noise)
        self.moments: list[Moments] = []  # a list, not a submodule: its targets are data, not state
        self._optimisers: dict[str, torch.optim.Optimizer] = {}

    def prepare(self, data: TrainData) -> None:
        """Closed-form start of the generator; targets of the moment penalties."""
        super().prepare(data)
        c, classes = self.config, len(self.shares)
        self.frequency.copy_(factors.frequencies(data.calls, self.spec.categories))
        if isinstance(self.generator, FactorGenerator):
            labels = data.condition.labels
            group = labels[:, 0] - UNKNOWN if labels.shape[1] else None
            model, members = factors.fit(data, group, len(self.generator.mean), c.latent, c.reach)
            self.generator.start(model)
            self.shares.copy_(members[1 : classes + 1] / members.sum())
        self.averaged.load_state_dict(self.generator.state_dict())
        if c.frequency_weight or c.linkage_weight:
            some = for_a_fit(data)
            self.moments = [Moments(some.calls, some.condition, self.spec.categories)]

    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam for both nets, made on the device that the parameters are on by then."""
        if not self._optimisers:
            c, gpu = self.config, self.updates.is_cuda
            for name, net in (("generator", self.generator), ("critic", self.critic)):
                self._optimisers[name] = torch.optim.Adam(
                    net.parameters(),
                    lr=self._rate(name, torch.zeros_like(self.updates)),
                    betas=(c.beta1, c.beta2),
                    fused=True,
                    capturable=gpu,
                )
        return self._optimisers

    def steps(self, batch: Batch, clock: Clock) -> Losses:
        """The critic's turn and then the generator's, on the same individuals."""
        c = self.config
        temperature = c.temperature_start + (c.temperature_end - c.temperature_start) * clock.progress
        for name, optimiser in self.optimisers().items():
            optimiser.param_groups[0]["lr"].copy_(self._rate(name, clock.progress))
        real = self.softening(one_hot(batch.calls, self.spec.categories), batch.calls)
        return Losses({**self.turns(real, batch.condition, temperature)})

    @abstractmethod
    def turns(self, real: Tensor, condition: Condition, temperature: Tensor) -> Mapping[str, Tensor]:
        """Train both nets on real individuals (b, categories, m); the losses by name, detached."""

    @abstractmethod
    def fooled(self, score: Tensor) -> Tensor:
        """The generator's loss, given the critic's scores (b,) of its individuals."""

    def generator_step(self, condition: Condition, temperature: Tensor) -> dict[str, Tensor]:
        """One step of the generator, with the penalties on moments, and of its average."""
        fake, logits = self.generate(condition, temperature)
        loss = self.fooled(self.critic(self.veiled(fake, fake)[0], condition))
        losses = {"generator": loss.detach()}
        for moments in self.moments:
            errors = moments(planes_softmax(logits), condition)
            weights = (self.config.frequency_weight, self.config.linkage_weight)
            loss = loss + weights[0] * errors["frequency"] + weights[1] * (errors["linkage"] + errors["association"])
            losses |= {f"{name}_error": error.detach() for name, error in errors.items()}
        self.descend("generator", loss)
        average(self.averaged, self.generator, self.updates, self.config.average)
        return losses

    def generate(self, condition: Condition, temperature: Tensor) -> tuple[Tensor, Tensor]:
        """Calls with gradients and their logits, (b, categories, m)."""
        asked = self._classed(condition, torch.rand(len(condition), device=condition.labels.device))
        logits = self._logits(self.generator, asked, None)
        return gumbel_softmax(logits, torch.rand_like(logits), temperature, self.config.straight_through), logits

    def _classed(self, condition: Condition, uniform: Tensor) -> Condition:
        """What the generator is conditioned on: the condition or, without labels, a class drawn by its share."""
        if len(self.shares) == 0:
            return condition
        drawn = torch.searchsorted(self.shares.cumsum(0), uniform).clamp(max=len(self.shares) - 1)
        return Condition(drawn[:, None], condition.phenotypes)

    def veiled(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Both (b, categories, m) with the same random variants hidden, others in each row.

        A critic that sees all variants of an individual can learn it by heart; of a part it must learn what holds for
        many. Real and generated individuals are hidden alike, so the generator does not learn to hide (Zhao et al.
        2020).
        """
        if not self.config.hidden:
            return real, fake
        b, _, m = real.shape
        kept = (torch.rand(b, 1, m, device=real.device) >= self.config.hidden).float() / (1 - self.config.hidden)
        return real * kept, fake * kept

    def descend(self, name: str, loss: Tensor) -> None:
        """One Adam step on one net; gradients are taken for its parameters only, never for the other net's."""
        parameters = list(self.get_submodule(name).parameters())
        for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            parameter.grad = gradient
        self.optimisers()[name].step()

    def _rate(self, name: str, progress: Tensor) -> Tensor:
        start = self.training_config.learning_rate * (self.config.critic_rate if name == "critic" else 1.0)
        return start * cosine_rate(progress, floor=self.config.rate_decay)

    @torch.no_grad()
    def settle(self) -> None:
        """Find the thresholds at which a large sample has the training frequencies."""
        if isinstance(self.averaged, FactorGenerator):
            noise = torch.Generator(self.updates.device).manual_seed(self.training_config.seed)
            known = self._drawn(CALIBRATION, None, noise)
            latent = normal((CALIBRATION, self.config.latent), noise, self.updates.device)
            self.thresholds.copy_(self.averaged.recut(latent, known, self.frequency))

    @torch.no_grad()
    def sample(self, n: int, condition: Condition | None, generator: torch.Generator) -> Tensor:
        """int8 (n, m) from the averaged generator; what the condition leaves unknown is drawn as it is in training."""
        asked = self._drawn(n, condition, generator)
        parts = [self.frequency.new_empty(0, self.spec.variants, dtype=torch.int8)]
        for first in range(0, n, SAMPLING_BATCH):
            logits = self._logits(self.averaged, asked.index(slice(first, first + SAMPLING_BATCH)), generator)
            parts.append(draw(logits, uniform(tuple(logits.shape), generator, logits.device)))
        return torch.cat(parts)

    def _drawn(self, n: int, condition: Condition | None, noise: torch.Generator) -> Condition:
        """A whole condition for each of n individuals."""
        # One draw in each n-th of [0, 1): classes come in their shares, as populations do in a stratified holdout.
        strata = torch.randperm(n, generator=noise, device=noise.device)
        place = (strata + torch.rand(n, generator=noise, device=noise.device)) / n
        return self._classed(self.complete(n, condition, noise), place.to(self.updates.device))

    def _logits(self, net: nn.Module, known: Condition, noise: torch.Generator | None) -> Tensor:
        """(b, categories, m) float32 of a generator from latents that it draws, of the averaged one as it samples."""
        shapes = [(len(known), self.config.latent), (len(known), self.spec.variants)][: 1 + self.config.structured]
        device = known.labels.device
        latents = [torch.randn(s, device=device) if noise is None else normal(s, noise, device) for s in shapes]
        own = [self.thresholds] if self.config.structured and net is self.averaged else []
        logits: Tensor = net(*latents, known, *own)
        return logits.float()

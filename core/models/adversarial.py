"""What GAN and WGAN-GP share: generator, critic, their start, their optimisers, and sampling.

A generator makes calls from random numbers, a critic scores how real calls look, and they learn in turns. The two
models differ in what each net is told about the other, which is what their own files say.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn

from core.config.schema import more, setting
from core.config.training import TrainingConfig
from core.models import factors
from core.models.base import UNKNOWN, Batch, Clock, Condition, DataSpec, Losses, Model, TrainData
from core.models.conditioning import Conditioning
from core.models.gumbel import draw, gumbel_softmax, one_hot, planes_softmax
from core.models.moments import Moments
from core.models.optimisation import average, cosine_rate
from core.models.softening import FrozenNoise

MOST_CLASSES = 32  # latent classes where individuals have no label
CLASS_SIZE = 60  # individuals a class should have on average, so that its frequencies are known to some 5 %
SAMPLING_BATCH = 1024  # individuals sampled at once; bounds the memory of their logits
CALIBRATION = 2048  # individuals whose mean frequencies are corrected; their own sampling error stays, about 1 %
CALIBRATION_ROUNDS = 20


@dataclass(frozen=True)
class AdversarialConfig:
    """Settings of both models; the defaults are our presets, `gan_published` and `wgan_gp_published` set theirs."""

    latent: int = setting(128, "Length of the random vector that an individual is generated from.", low=1, high=4096)
    generator_widths: tuple[int, ...] = setting((256, 256), "Widths of the generator's hidden layers; empty: a rule.")
    critic_widths: tuple[int, ...] = setting((256, 128), "Widths of the critic's hidden layers; empty: a rule.")
    generator_divisors: tuple[int, ...] = more((24, 12, 6), "Published rule of the generator's widths: 3L//c.")
    critic_divisors: tuple[int, ...] = more((8, 16, 32), "Published rule of the critic's widths: 3L//c.")
    normalisation: str = more("layer", "Normalisation in the generator.", choices=("batch", "layer"))
    latent_skip: bool = more(True, "Feed the latent to the generator's output layer too.")
    condition_output: bool = more(True, "Feed the condition to the generator's output layer too.")
    closed_form_start: bool = more(True, "Start from a logistic factor model with exact frequencies by population.")
    embedding: int = more(16, "Length of the learned vector of each label.", low=1, high=512)
    temperature_start: float = setting(1.0, "Gumbel-Softmax temperature at the start.", low=0.01, high=10.0)
    temperature_end: float = setting(0.5, "Gumbel-Softmax temperature at the end.", low=0.01, high=10.0)
    straight_through: bool = more(True, "Hard calls forward, soft gradients backward: no soft call meets the critic.")
    real_noise: float = more(0.0, "Upper end of the noise that softens one-hot real calls.", low=0.0, high=0.3)
    critic_rate: float = more(4.0, "Critic's learning rate as a multiple of the generator's.", low=0.01, high=100.0)
    beta1: float = more(0.5, "Decay of Adam's first moment.", low=0.0, high=0.999)
    beta2: float = more(0.99, "Decay of Adam's second moment.", low=0.0, high=0.9999)
    rate_decay: float = more(0.05, "Learning rate at the end as a share of the start (cosine).", low=0.0, high=1.0)
    average: float = more(0.995, "Decay of the averaged weights that are sampled; 0: none.", low=0.0, high=0.99999)
    calibrate: bool = more(True, "Correct the output bias for sampling until the genotype frequencies are right.")
    frequency_weight: float = setting(100.0, "Weight of the penalty on genotype frequencies.", low=0.0, high=1e6)
    linkage_weight: float = setting(100.0, "Weight of the penalty on linkage.", low=0.0, high=1e6)


class Leaky(nn.Module):
    """LeakyReLU with the published slope 0.05, as a product with a constant mask.

    Autograd then knows that the slope does not depend on x, and the gradient penalty's second backward pass skips the
    whole forward path, which it would otherwise fill with zeros.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Any shape."""
        # The slope from the sign: on a CPU a comparison and a choice take ten times as long.
        return x * x.detach().sign().clamp_(min=0.05)


def block(width: int, norm: type[nn.Module] | None) -> nn.Sequential:
    """What a residual block adds to its input: Linear, norm, LeakyReLU, Linear, norm."""
    norms = [[norm(width)] if norm else [] for _ in range(2)]
    return nn.Sequential(nn.Linear(width, width), *norms[0], Leaky(), nn.Linear(width, width), *norms[1])


def _joined(x: Tensor, condition: Tensor) -> Tensor:
    """Both side by side; without a condition x itself, which spares a copy of the widest matrix."""
    return torch.cat([x, condition], dim=1) if condition.shape[1] else x


class Trunk(nn.Module):
    """Linear, norm, LeakyReLU; then a residual block and a resizing layer for each further width.

    The condition is concatenated to the input and again before every block, as published.
    """

    def __init__(self, inputs: int, widths: Sequence[int], condition: int, norm: type[nn.Module] | None = None) -> None:
        super().__init__()
        self.first = nn.Linear(inputs + condition, widths[0])
        self.norm = norm(widths[0]) if norm else nn.Identity()
        self.blocks = nn.ModuleList(block(width + condition, norm) for width in widths[:-1])
        self.resize = nn.ModuleList(nn.Linear(a + condition, b) for a, b in pairwise(widths))
        self.leaky = Leaky()

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """(b, inputs) and (b, condition) to (b, last width)."""
        return self.rest(self.enter(x, condition), condition)

    def enter(self, x: Tensor, condition: Tensor) -> Tensor:
        """What enters the first activation, (b, first width): linear in x where there is no norm."""
        return self.norm(self.first(_joined(x, condition)))

    def rest(self, entered: Tensor, condition: Tensor) -> Tensor:
        """From what `enter` gave to (b, last width)."""
        x: Tensor = self.leaky(entered)
        for residual, resize in zip(self.blocks, self.resize, strict=True):
            x = _joined(x, condition)
            x = self.leaky(resize(self.leaky(x + residual(x))))
        return x


def published_widths(spec: DataSpec, divisors: Sequence[int]) -> list[int]:
    """The published rule 3L//c (2L//c for haplotypes), never below 8."""
    return [max(8, spec.categories * spec.variants // c) for c in divisors]


class Generator(nn.Module):
    """From a latent and a condition to the logits of every call."""

    def __init__(self, config: AdversarialConfig, spec: DataSpec) -> None:
        super().__init__()
        self.config = config
        self.shape = (spec.categories, spec.variants)
        self.condition = Conditioning(spec, config.embedding)
        norm = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}[config.normalisation]
        widths = config.generator_widths or published_widths(spec, config.generator_divisors)
        self.width = widths[-1]
        self.trunk = Trunk(config.latent, widths, self.condition.width, norm)
        inputs = widths[-1] + config.latent * config.latent_skip + self.condition.width * config.condition_output
        self.output = nn.Linear(inputs, spec.categories * spec.variants)
        # Logits of each population (or latent class) beside those of everybody; row 0 is an unknown population.
        groups = len(next(iter(spec.label_columns.values()), [])) + 1
        self.offsets = nn.Embedding(groups, self.output.out_features) if config.closed_form_start else None

    def forward(self, latent: Tensor, condition: Condition) -> Tensor:
        """(b, latent) to (b, categories, m): one plane a category, so that softmax is a few vector operations."""
        known = self.condition(condition)
        parts = [self.trunk(latent, known)]
        parts += [latent] * self.config.latent_skip + [known] * self.config.condition_output
        logits: Tensor = self.output(torch.cat(parts, dim=1))
        if self.offsets is not None:
            logits = logits + self.offsets(condition.labels[:, 0] - UNKNOWN)
        return logits.reshape(-1, *self.shape)

    @torch.no_grad()
    def start(self, calls: Tensor, group: Tensor) -> None:
        """Set the output layer to a logistic factor model of calls (n, m) in groups (n,), 0 for unknown.

        The trunk then has to learn only what such a model misses.
        """
        if self.offsets is None:
            return
        latent = self.config.latent if self.config.latent_skip else 1
        model = factors.fit(calls, group, self.offsets.num_embeddings, self.shape[0], latent)
        self.output.bias.copy_(model.intercepts[0].flatten())
        self.offsets.weight.copy_((model.intercepts - model.intercepts[0]).flatten(1))
        if self.config.latent_skip:
            self.output.weight *= 0.1  # what the untrained trunk adds is noise: keep it below the factors
            dose = torch.arange(self.shape[0], device=calls.device)[:, None, None]
            first = self.width
            self.output.weight[:, first : first + latent] = (dose * model.slopes).flatten(0, 1)


class Critic(nn.Module):
    """From one-hot calls and a condition to a score, the higher the more real: no normalisation, no sigmoid.

    WGAN-GP calls it critic; for a GAN it is the discriminator, and the score is its logit.
    """

    def __init__(self, config: AdversarialConfig, spec: DataSpec) -> None:
        super().__init__()
        self.condition = Conditioning(spec, config.embedding)
        widths = config.critic_widths or published_widths(spec, config.critic_divisors)
        self.inputs = spec.categories * spec.variants
        self.trunk = Trunk(self.inputs, widths, self.condition.width)
        self.output = nn.Linear(widths[-1], 1)

    def forward(self, calls: Tensor, condition: Condition) -> Tensor:
        """(b, categories, m) to (b,) unbounded scores; the higher the more real."""
        return self.judge(self.enter(calls, condition), condition)

    def enter(self, calls: Tensor, condition: Condition) -> Tensor:
        """The first layer before its activation, (b, width): linear in the calls."""
        return self.trunk.enter(calls.flatten(1), self.condition(condition))

    def judge(self, entered: Tensor, condition: Condition) -> Tensor:
        """(b,) scores from what `enter` gave."""
        score: Tensor = self.output(self.trunk.rest(entered, self.condition(condition)))
        return score.squeeze(1)

    def slope(self, entered: Tensor, condition: Condition) -> Tensor:
        """(b, categories m) slope of each score in its calls, itself differentiable; `entered` must need a gradient.

        The first layer is linear: the slope in the calls is the slope after it times its weights.
        """
        (slope,) = torch.autograd.grad(self.judge(entered, condition).sum(), entered, create_graph=True)
        weight: Tensor = self.trunk.first.weight[:, : self.inputs]
        return slope @ weight


class Adversarial(Model):
    """A generator and a critic that learn in turns; subclasses say what a step is.

    Our presets add to what was published: a closed-form start, straight-through hard calls, a penalty on the generator
    for wrong genotype frequencies and linkage (U-statistics of the batch, `Moments`), and sampling from averaged
    weights. A critic alone learns structure well, but frequencies and local linkage slowly. A departure of the
    published presets: labels are embedded, not raw numbers.
    """

    capturable: ClassVar[bool] = True
    training_only: ClassVar[tuple[str, ...]] = ("generator.", "critic.")
    config: AdversarialConfig
    updates: Tensor  # steps of the generator
    shares: Tensor  # (classes,) of the latent classes; none where there are labels
    frequency: Tensor  # (categories, m) genotype frequencies of the training individuals
    correction: Tensor  # (categories, m) added to the logits in sampling

    def __init__(self, config: AdversarialConfig, spec: DataSpec, training: TrainingConfig) -> None:
        super().__init__(config, spec, training)
        labelled = bool(spec.label_columns) or not config.closed_form_start
        classes = 0 if labelled else min(MOST_CLASSES, max(1, spec.n_train // CLASS_SIZE))
        names = {"latent class": [str(i) for i in range(classes)]} if classes else spec.label_columns
        self.generator = Generator(config, replace(spec, label_columns=names))
        self.critic = Critic(config, spec)
        self.averaged = deepcopy(self.generator).requires_grad_(False).eval()
        self.register_buffer("updates", torch.zeros(()))
        self.register_buffer("shares", torch.zeros(classes))
        self.register_buffer("frequency", torch.zeros(spec.categories, spec.variants))
        self.register_buffer("correction", torch.zeros(spec.categories, spec.variants))
        self.noise = FrozenNoise(spec, config.real_noise)
        self.moments: list[Moments] = []  # a list, not a submodule: its targets are data, not state
        self._optimisers: dict[str, torch.optim.Optimizer] = {}

    def prepare(self, data: TrainData) -> None:
        """Closed-form start of the generator; targets of the moment penalties."""
        super().prepare(data)
        if self.config.closed_form_start:
            classes = len(self.shares)
            group = factors.classes(data.calls, classes) if classes else data.condition.labels[:, 0]
            self.shares.copy_(torch.bincount(group, minlength=classes)[:classes] / len(data))
            self.generator.start(data.calls, group - UNKNOWN)
        self.averaged.load_state_dict(self.generator.state_dict())
        count = one_hot(data.calls, self.spec.categories).sum(0)
        self.frequency.copy_((count + 0.5) / (len(data) + 0.5 * self.spec.categories))
        if self.config.frequency_weight or self.config.linkage_weight:
            self.moments = [Moments(data.calls, data.condition, self.spec.categories)]

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
        real = self.noise(one_hot(batch.calls, self.spec.categories), batch.calls)
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
        loss = self.fooled(self.critic(fake, condition))
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
        latent = torch.randn(len(condition), self.config.latent, device=condition.labels.device)
        asked = self._classed(condition, torch.rand(len(condition), device=condition.labels.device))
        logits = self.generator(latent, asked).float()
        return gumbel_softmax(logits, torch.rand_like(logits), temperature, self.config.straight_through), logits

    def _classed(self, condition: Condition, uniform: Tensor) -> Condition:
        """What the generator is conditioned on: the condition or, without labels, a class drawn by its share."""
        if len(self.shares) == 0:
            return condition
        drawn = torch.searchsorted(self.shares.cumsum(0), uniform).clamp(max=len(self.shares) - 1)
        return Condition(drawn[:, None], condition.phenotypes)

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
        """Find the correction of the output bias at which a large sample has the training frequencies."""
        if not self.config.calibrate:
            return
        self.averaged.eval()
        noise = torch.Generator(self.updates.device).manual_seed(self.training_config.seed)
        self.correction.zero_()
        known = self.complete(CALIBRATION, None, noise)
        self.correction.copy_(bias_correction(self._logits(known, noise), self.frequency))

    @torch.no_grad()
    def sample(self, n: int, condition: Condition | None, generator: torch.Generator) -> Tensor:
        """int8 (n, m) from the averaged generator; what the condition leaves unknown is drawn as it is in training."""
        asked = self.complete(n, condition, generator)
        parts = [self.correction.new_empty(0, self.spec.variants, dtype=torch.int8)]
        for first in range(0, n, SAMPLING_BATCH):
            known = asked.index(slice(first, first + SAMPLING_BATCH))
            logits = self._logits(known, generator)
            noise = torch.rand(logits.shape, generator=generator, device=generator.device)
            parts.append(draw(logits, noise.to(logits.device)))
        return torch.cat(parts)

    def _logits(self, known: Condition, noise: torch.Generator) -> Tensor:
        """(n, categories, m) of the averaged generator, with latents from `noise`."""
        n, device = len(known), self.updates.device
        latent = torch.randn(n, self.config.latent, generator=noise, device=noise.device).to(device)
        # One draw in each n-th of [0, 1): classes come in their shares, as populations do in a stratified holdout.
        strata = torch.randperm(n, generator=noise, device=noise.device)
        uniform = ((strata + torch.rand(n, generator=noise, device=noise.device)) / n).to(device)
        return self.averaged(latent, self._classed(known, uniform)).float() + self.correction


def bias_correction(logits: Tensor, frequency: Tensor) -> Tensor:
    """(categories, m) to add to logits (n, categories, m) so that their mean softmax is `frequency` (categories, m)."""
    correction = torch.zeros_like(frequency)
    for _ in range(CALIBRATION_ROUNDS):
        mean = planes_softmax(logits + correction).mean(0)
        correction += frequency.log() - mean.clamp(min=1e-6).log()
    return correction

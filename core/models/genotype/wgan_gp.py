"""A Wasserstein GAN with gradient penalty whose generator emits discrete calls by Gumbel-Softmax."""

from __future__ import annotations

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
from core.models.registry import models

MOST_CLASSES = 32  # latent classes where individuals have no label
CLASS_SIZE = 60  # individuals a class should have on average, so that its frequencies are known to some 5 %
SAMPLING_BATCH = 1024  # individuals sampled at once; bounds the memory of their logits
CALIBRATION = 2048  # individuals whose mean frequencies are corrected; their own sampling error stays, about 1 %
CALIBRATION_ROUNDS = 20


@dataclass(frozen=True)
class WganGpConfig:
    """Settings of WGAN-GP; the defaults are our preset, the experiment `wgan_gp_published` sets the published ones."""

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
    gradient_penalty: float = setting(10.0, "Weight lambda of the gradient penalty.", low=0.0, high=1000.0)
    critic_steps: int = setting(3, "Critic steps on each minibatch before one generator step.", low=1, high=20)
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

    def __init__(self, config: WganGpConfig, spec: DataSpec) -> None:
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
    """From one-hot calls and a condition to a score: no normalisation, no sigmoid."""

    def __init__(self, config: WganGpConfig, spec: DataSpec) -> None:
        super().__init__()
        self.condition = Conditioning(spec, config.embedding)
        widths = config.critic_widths or published_widths(spec, config.critic_divisors)
        self.trunk = Trunk(spec.categories * spec.variants, widths, self.condition.width)
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


@models.register(
    "wgan_gp",
    title="WGAN-GP",
    colour="#2f7fc1",
    kind="genotypes",
    help="Generator against critic: learns structure and linkage together, by population and phenotype where given.",
    source="Gulrajani et al. 2017, eq. 3; Jang et al. 2017, eq. 1; Xie et al. 2025",
    config=WganGpConfig,
)
class WganGp(Model):
    """Critic loss E[C(G(z))] - E[C(x)] + lambda E[(|grad C(x')| - 1)^2], generator loss -E[C(G(z))].

    x' lies between a real and a generated individual. Our preset differs from the published procedure in what it adds:
    a closed-form start, straight-through hard calls, a penalty on the generator for wrong genotype frequencies and
    linkage (U-statistics of the batch, `Moments`), and sampling from averaged weights. A critic alone learns
    structure well, but frequencies and local linkage slowly. Departures of the published preset: labels are embedded,
    not raw numbers, and the noise that softens real calls is drawn anew in every step.
    """

    capturable: ClassVar[bool] = True
    training_only: ClassVar[tuple[str, ...]] = ("generator.", "critic.")
    loss_titles: ClassVar[Mapping[str, str]] = {
        "critic": "Critic loss",
        "generator": "Generator loss",
        "wasserstein": "Wasserstein estimate",
    }
    updates: Tensor  # steps of the generator
    shares: Tensor  # (classes,) of the latent classes; none where there are labels
    frequency: Tensor  # (categories, m) genotype frequencies of the training individuals
    correction: Tensor  # (categories, m) added to the logits in sampling

    def __init__(self, config: WganGpConfig, spec: DataSpec, training: TrainingConfig) -> None:
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
        """`critic_steps` critic steps and one generator step on the batch; only the generator's noise differs."""
        c = self.config
        temperature = c.temperature_start + (c.temperature_end - c.temperature_start) * clock.progress
        for name, optimiser in self.optimisers().items():
            optimiser.param_groups[0]["lr"].copy_(self._rate(name, clock.progress))
        condition = batch.condition
        real = self._soften(one_hot(batch.calls, self.spec.categories))
        losses: dict[str, float | Tensor] = {}
        for _ in range(c.critic_steps):
            losses |= self._critic_step(real, condition, temperature)
        losses |= self._generator_step(condition, temperature)
        return Losses(losses)

    def _soften(self, real: Tensor) -> Tensor:
        """Published: each 0 becomes u ~ U(0, real_noise) and the 1 loses their sum, which keeps the simplex."""
        if not self.config.real_noise:
            return real
        noise = torch.rand_like(real) * self.config.real_noise * (1 - real)
        return real + noise - real * noise.sum(1, keepdim=True)

    def _critic_step(self, real: Tensor, condition: Condition, temperature: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():  # the critic's loss needs no path into the generator
            fake = self._generate(condition, temperature)[0]
        mix = torch.rand(len(real), 1, 1, device=real.device)
        loss, distance, penalty = self.critic_loss(real, fake, condition, mix)
        self._descend("critic", loss)
        return {"critic": loss.detach(), "wasserstein": distance.detach(), "gradient_penalty": penalty.detach()}

    def critic_loss(
        self, real: Tensor, fake: Tensor, condition: Condition, mix: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(loss, Wasserstein estimate, penalty) of real and fake (b, categories, m); mix (b, 1, 1) places x'.

        One pass scores real and fake together: the critic has no batch statistics that would mix them. The first layer
        is linear, so that of x' is mixed from theirs, and the slope in x' is the slope after it times its weights.
        """
        both = Condition(condition.labels.repeat(2, 1), condition.phenotypes.repeat(2, 1))
        entered = self.critic.enter(torch.cat([real, fake]), both)
        on_real, on_fake = self.critic.judge(entered, both).chunk(2)
        distance = on_real.mean() - on_fake.mean()
        of_real, of_fake = entered.detach().chunk(2)
        between = torch.lerp(of_fake, of_real, mix.flatten(1)).requires_grad_()
        (slope,) = torch.autograd.grad(self.critic.judge(between, condition).sum(), between, create_graph=True)
        slope = slope @ self.critic.trunk.first.weight[:, : real[0].numel()]
        penalty = ((slope.norm(dim=1) - 1) ** 2).mean()
        return self.config.gradient_penalty * penalty - distance, distance, penalty

    def _generator_step(self, condition: Condition, temperature: Tensor) -> dict[str, Tensor]:
        fake, logits = self._generate(condition, temperature)
        loss = -self.critic(fake, condition).mean()
        losses = {"generator": loss.detach()}
        for moments in self.moments:
            errors = moments(planes_softmax(logits), condition)
            weights = (self.config.frequency_weight, self.config.linkage_weight)
            loss = loss + weights[0] * errors["frequency"] + weights[1] * (errors["linkage"] + errors["association"])
            losses |= {f"{name}_error": error.detach() for name, error in errors.items()}
        self._descend("generator", loss)
        average(self.averaged, self.generator, self.updates, self.config.average)
        return losses

    def _generate(self, condition: Condition, temperature: Tensor) -> tuple[Tensor, Tensor]:
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

    def _descend(self, name: str, loss: Tensor) -> None:
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

"""A Wasserstein GAN with gradient penalty whose generator emits discrete calls by Gumbel-Softmax."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from core.config.schema import setting
from core.config.training import TrainingConfig
from core.models.base import UNKNOWN, Batch, Clock, Condition, DataSpec, Losses, Model, TrainData
from core.models.moments import Moments
from core.models.registry import models


@dataclass(frozen=True)
class WganGpConfig:
    """Settings of WGAN-GP; the defaults are our preset, `wgan_gp_published` sets the published procedure."""

    latent: int = setting(256, "Length of the random vector that an individual is generated from.", low=1, high=4096)
    generator_widths: tuple[int, ...] = setting(
        (384, 512), "Widths of the generator's hidden layers; empty: the rule below."
    )
    critic_widths: tuple[int, ...] = setting((512, 256), "Widths of the critic's hidden layers; empty: the rule below.")
    generator_divisors: tuple[int, ...] = setting(
        (24, 12, 6), "Published rule: hidden widths are 3L//c for these c (L variants).", advanced=True
    )
    critic_divisors: tuple[int, ...] = setting(
        (8, 16, 32), "Published rule for the critic's widths, 3L//c.", advanced=True
    )
    normalisation: str = setting("layer", "Normalisation in the generator.", choices=("batch", "layer"), advanced=True)
    latent_skip: bool = setting(
        True, "Feed the latent to the output layer too: a linear path for linkage.", advanced=True
    )
    condition_output: bool = setting(True, "Feed the condition to the generator's output layer too.", advanced=True)
    embedding: int = setting(16, "Length of the learned vector of each label.", low=1, high=512, advanced=True)
    condition_dropout: float = setting(
        0.1,
        "Share of individuals whose condition is hidden, so that 'unknown' is learned.",
        low=0.0,
        high=1.0,
        advanced=True,
    )
    temperature_start: float = setting(1.0, "Gumbel-Softmax temperature at the start.", low=0.01, high=10.0)
    temperature_end: float = setting(
        0.5, "Gumbel-Softmax temperature at the end; linear in between.", low=0.01, high=10.0
    )
    straight_through: bool = setting(
        True, "Hard calls forward, soft gradients backward: the critic never sees soft calls.", advanced=True
    )
    real_noise: float = setting(
        0.0, "Upper end of the uniform noise that softens the one-hot real calls.", low=0.0, high=0.3, advanced=True
    )
    gradient_penalty: float = setting(10.0, "Weight lambda of the gradient penalty.", low=0.0, high=1000.0)
    critic_steps: int = setting(2, "Critic steps on each minibatch before one generator step.", low=1, high=20)
    critic_rate: float = setting(
        2.0, "Critic's learning rate as a multiple of the generator's.", low=0.01, high=100.0, advanced=True
    )
    beta1: float = setting(0.5, "First moment decay of Adam.", low=0.0, high=0.999, advanced=True)
    beta2: float = setting(0.9, "Second moment decay of Adam.", low=0.0, high=0.9999, advanced=True)
    rate_decay: float = setting(
        0.1,
        "Learning rate at the end as a share of the start (cosine); 1 keeps it constant.",
        low=0.0,
        high=1.0,
        advanced=True,
    )
    average: float = setting(
        0.995,
        "Decay of the moving average of the generator that is sampled; 0 samples the last weights.",
        low=0.0,
        high=0.99999,
        advanced=True,
    )
    frequency_bias: bool = setting(True, "Start the output bias at the log genotype frequencies.", advanced=True)
    moment_weight: float = setting(
        1.0, "Weight of the penalty on allele frequencies and linkage of the generated batch.", low=0.0, high=1000.0
    )
    fw: float = setting(10.0, "x")


class Conditioning(nn.Module):
    """Labels as learned vectors (one more for 'unknown'), phenotypes as standardised values (unknown: the mean, 0)."""

    def __init__(self, spec: DataSpec, embedding: int) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(len(v) + 1, embedding) for v in spec.label_columns.values())
        self.width = embedding * len(self.tables) + len(spec.phenotypes)

    def forward(self, condition: Condition) -> Tensor:
        """(b, width) float32."""
        parts = [table(condition.labels[:, i] - UNKNOWN) for i, table in enumerate(self.tables)]
        return torch.cat([*parts, condition.phenotypes.nan_to_num(0.0)], dim=1)


class Residual(nn.Module):
    """Linear, norm, LeakyReLU, Linear, norm, plus the input, LeakyReLU."""

    def __init__(self, width: int, normalise: Any) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(width, width), *normalise(width), leaky(), nn.Linear(width, width), *normalise(width)
        )
        self.activation = leaky()

    def forward(self, x: Tensor) -> Tensor:
        """(b, width) to (b, width)."""
        out: Tensor = self.activation(x + self.body(x))
        return out


class Trunk(nn.Module):
    """Linear, norm, LeakyReLU; then a residual block and a narrowing or widening layer for each further width.

    The condition is concatenated to the input and before every block, as published.
    """

    def __init__(self, inputs: int, widths: Sequence[int], condition: int, normalise: Any) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Linear(inputs + condition, widths[0]), *normalise(widths[0]), leaky())
        self.blocks = nn.ModuleList(
            nn.Sequential(Residual(a + condition, normalise), nn.Linear(a + condition, b), leaky())
            for a, b in zip(widths[:-1], widths[1:], strict=True)
        )

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """(b, inputs) and (b, condition) to (b, last width)."""
        x = self.first(torch.cat([x, condition], dim=1))
        for block in self.blocks:
            x = block(torch.cat([x, condition], dim=1))
        return x


class Generator(nn.Module):
    """From a latent and a condition to the logits of every call, (b, categories, m)."""

    def __init__(self, config: WganGpConfig, spec: DataSpec) -> None:
        super().__init__()
        self.condition = Conditioning(spec, config.embedding)
        norms = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}
        widths = config.generator_widths or published_widths(spec, config.generator_divisors)
        self.trunk = Trunk(config.latent, widths, self.condition.width, lambda w: [norms[config.normalisation](w)])
        self.latent_skip, self.condition_output = config.latent_skip, config.condition_output
        inputs = widths[-1] + config.latent * config.latent_skip + self.condition.width * config.condition_output
        self.output = nn.Linear(inputs, spec.categories * spec.variants)
        self.shape = (spec.categories, spec.variants)

    def forward(self, latent: Tensor, condition: Condition) -> Tensor:
        """(b, latent) to (b, categories, m): planes of one category each, so that softmax is a few vector operations."""
        known = self.condition(condition)
        parts = [self.trunk(latent, known)]
        parts += [latent] * self.latent_skip + [known] * self.condition_output
        logits: Tensor = self.output(torch.cat(parts, dim=1))
        return logits.unflatten(1, self.shape)


class Critic(nn.Module):
    """From one-hot calls (b, categories, m) and a condition to a score (b,): no normalisation, no sigmoid."""

    def __init__(self, config: WganGpConfig, spec: DataSpec) -> None:
        super().__init__()
        self.condition = Conditioning(spec, config.embedding)
        widths = config.critic_widths or published_widths(spec, config.critic_divisors)
        self.trunk = Trunk(spec.categories * spec.variants, widths, self.condition.width, lambda w: [])
        self.output = nn.Linear(widths[-1], 1)

    def forward(self, calls: Tensor, condition: Condition) -> Tensor:
        """(b,) unbounded scores; the higher the more real."""
        score: Tensor = self.output(self.trunk(calls.flatten(1), self.condition(condition)))
        return score.squeeze(1)


def leaky() -> nn.Module:
    """The published activation, slope 0.05."""
    return nn.LeakyReLU(0.05)


def published_widths(spec: DataSpec, divisors: Sequence[int]) -> list[int]:
    """The rule 3L//c (2L//c for haplotypes), never below 8."""
    return [max(8, spec.categories * spec.variants // c) for c in divisors]


def one_hot(calls: Tensor, categories: int) -> Tensor:
    """int8 (b, m) to float32 (b, categories, m)."""
    return torch.stack([(calls == k).float() for k in range(categories)], dim=1)


def gumbel_softmax(logits: Tensor, uniform: Tensor, temperature: Tensor | float, hard: bool) -> Tensor:
    """y = softmax((logits - log(-log u)) / temperature) over dim 1 (Jang et al. 2017, eq. 1).

    `uniform` has the shape of `logits`, u in (0, 1). With `hard` the value is the one-hot argmax and the gradient that of y.
    """
    y = planes_softmax((logits - (-uniform.log()).log()) / temperature)
    if not hard:
        return y
    best = y.detach().argmax(dim=1)
    return one_hot(best, y.shape[1]) - y.detach() + y


def planes_softmax(x: Tensor) -> Tensor:
    """Softmax over dim 1 of (b, categories, m), written out: two or three planes are too few for the general kernel."""
    planes = x.unbind(1)
    top = planes[0].detach()
    for plane in planes[1:]:
        top = torch.maximum(top, plane.detach())
    exps = [(plane - top).exp() for plane in planes]
    total = sum(exps[1:], exps[0])
    return torch.stack([e / total for e in exps], dim=1)


@models.register(
    "wgan_gp",
    kind="genotypes",
    help="Generator against critic: learns structure and linkage jointly, conditional on populations and phenotypes.",
    source="Gulrajani et al. 2017, eq. 3; Jang et al. 2017, eq. 1; Xie et al. 2025",
    config=WganGpConfig,
)
class WganGp(Model):
    """The critic's loss is E[C(G(z))] - E[C(x)] + lambda E[(|grad C(x')| - 1)^2], the generator's -E[C(G(z))]."""

    capturable: ClassVar[bool] = True
    moments: Moments | None

    def __init__(self, config: WganGpConfig, spec: DataSpec, training: TrainingConfig) -> None:
        super().__init__(config, spec, training)
        self.generator = Generator(config, spec)
        self.critic = Critic(config, spec)
        self.averaged = deepcopy(self.generator).requires_grad_(False).eval()
        self.register_buffer("updates", torch.zeros(()))
        self._optimisers: dict[str, torch.optim.Optimizer] = {}
        self.moments = None

    def prepare(self, data: TrainData) -> None:
        """Output bias at the log genotype frequencies; targets of the moment penalty."""
        super().prepare(data)
        if self.config.frequency_bias:
            counts = one_hot(data.calls, self.spec.categories).sum(0)
            bias = ((counts + 0.5) / (len(data) + 0.5 * self.spec.categories)).log().flatten()
            self.generator.output.bias.data.copy_(bias)
        self.averaged.load_state_dict(self.generator.state_dict())
        if self.config.moment_weight:
            object.__setattr__(self, "moments", Moments(data.calls))

    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam for each net; rates are tensors on a GPU, where a captured graph must see them change."""
        if not self._optimisers:
            c, rate = self.config, self.training_config.learning_rate
            for name, net, factor in (("generator", self.generator, 1.0), ("critic", self.critic, c.critic_rate)):
                self._optimisers[name] = torch.optim.Adam(
                    net.parameters(), lr=rate * factor, betas=(c.beta1, c.beta2), fused=True
                )
        return self._optimisers

    def steps(self, batch: Batch, clock: Clock) -> Losses:
        c = self.config
        temperature = c.temperature_start + (c.temperature_end - c.temperature_start) * clock.progress
        self._set_rates(clock)
        condition = self._hide(batch.condition)
        real = self._soften(one_hot(batch.calls, self.spec.categories))
        losses: dict[str, float | Tensor] = {}
        for _ in range(c.critic_steps):
            losses |= self._critic_step(real, condition, temperature)
        losses |= self._generator_step(condition, temperature)
        return Losses(losses)

    def _critic_step(self, real, condition, temperature):
        b = len(real)
        with torch.no_grad():
            fake, _ = self._generate(condition, temperature)
        both = Condition(condition.labels.repeat(2, 1), condition.phenotypes.repeat(2, 1))
        scores = self.critic(torch.cat([real, fake]), both)
        distance = scores[:b].mean() - scores[b:].mean()
        penalty = self._penalty(real, fake, condition)
        loss = self.config.gradient_penalty * penalty - distance
        self._descend("critic", loss)
        return {"critic": loss.detach(), "wasserstein": distance.detach(), "gradient_penalty": penalty.detach()}

    def _penalty(self, real, fake, condition):
        mix = torch.rand(len(real), 1, 1, device=real.device)
        between = torch.lerp(fake, real, mix).requires_grad_()
        score = self.critic(between, condition).sum()
        (slope,) = torch.autograd.grad(score, between, create_graph=True)
        return ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean()

    def _generator_step(self, condition, temperature):
        fake, logits = self._generate(condition, temperature)
        score = self.critic(fake, condition).mean()
        loss = -score
        out = {"generator": loss.detach()}
        if self.moments is not None:
            f, l = self.moments(planes_softmax(logits))
            loss = loss + self.config.moment_weight * (f * self.config.fw + l * self.spec.variants)
            out |= {"frequency_error": f.detach(), "linkage_error": l.detach()}
        self._descend("generator", loss)
        self._average()
        return out

    def _generate(self, condition, temperature):
        latent = torch.randn(len(condition), self.config.latent, device=condition.labels.device)
        logits = self.generator(latent, condition)
        return gumbel_softmax(logits, torch.rand_like(logits), temperature, self.config.straight_through), logits

    def _descend(self, name, loss):
        opt = self.optimisers()[name]
        grads = torch.autograd.grad(loss, opt.param_groups[0]["params"])
        for p, g in zip(opt.param_groups[0]["params"], grads):
            p.grad = g
        opt.step()

    def _set_rates(self, clock):
        d = self.config.rate_decay
        import math

        f = d + (1 - d) * 0.5 * (1 + math.cos(math.pi * float(clock.progress)))
        for name, factor in (("generator", 1.0), ("critic", self.config.critic_rate)):
            self.optimisers()[name].param_groups[0]["lr"] = self.training_config.learning_rate * factor * f

    def _average(self):
        self.updates += 1
        w = torch.clamp(9.0 / (9.0 + self.updates), min=1 - self.config.average)
        for a, p in zip(self.averaged.parameters(), self.generator.parameters()):
            a.lerp_(p.detach(), w)
        for a, p in zip(self.averaged.buffers(), self.generator.buffers()):
            a.copy_(p)

    def _hide(self, condition):
        c = self.config
        hidden = torch.rand(len(condition), 1, device=condition.labels.device) < c.condition_dropout
        return Condition(
            torch.where(hidden, UNKNOWN, condition.labels), torch.where(hidden, torch.nan, condition.phenotypes)
        )

    def _soften(self, real):
        if not self.config.real_noise:
            return real
        noise = torch.rand_like(real) * self.config.real_noise * (1 - real)
        return real + noise - real * noise.sum(1, keepdim=True)

    @torch.no_grad()
    def sample(self, n, condition, generator):
        condition = self.draw_condition(n, generator) if condition is None else condition
        dev = next(self.averaged.parameters()).device
        out = []
        for i in range(0, n, 1024):
            c = condition.index(slice(i, i + 1024)).to(dev)
            z = torch.randn(len(c), self.config.latent, generator=generator, device=generator.device).to(dev)
            logits = self.averaged(z, c)
            u = torch.rand(logits.shape, generator=generator, device=generator.device).to(dev)
            out.append((logits - (-u.log()).log()).argmax(1).to(torch.int8))
        return torch.cat(out)

"""Generator and critic of the WGAN-GP: dense residual networks that take a condition."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from core.models import factors
from core.models.base import UNKNOWN, Condition, DataSpec

if TYPE_CHECKING:
    from core.models.genotype.wgan_gp import WganGpConfig


class Conditioning(nn.Module):
    """Labels as learned vectors (one more for "unknown"), phenotypes as standardised values (unknown: the mean, 0)."""

    def __init__(self, spec: DataSpec, embedding: int) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(len(v) + 1, embedding) for v in spec.label_columns.values())
        self.width = embedding * len(self.tables) + len(spec.phenotypes)

    def forward(self, condition: Condition) -> Tensor:
        """(b, width) float32."""
        parts = [table(condition.labels[:, i] - UNKNOWN) for i, table in enumerate(self.tables)]
        return torch.cat([*parts, condition.phenotypes.nan_to_num(0.0)], dim=1)


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
        entered: Tensor = self.norm(self.first(_joined(x, condition)))
        return entered

    def rest(self, entered: Tensor, condition: Tensor) -> Tensor:
        """From what `enter` gave to (b, last width)."""
        x: Tensor = self.leaky(entered)
        for residual, resize in zip(self.blocks, self.resize, strict=True):
            x = _joined(x, condition)
            x = self.leaky(resize(self.leaky(x + residual(x))))
        return x


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


def published_widths(spec: DataSpec, divisors: Sequence[int]) -> list[int]:
    """The published rule 3L//c (2L//c for haplotypes), never below 8."""
    return [max(8, spec.categories * spec.variants // c) for c in divisors]


def _joined(x: Tensor, condition: Tensor) -> Tensor:
    """Both side by side; without a condition x itself, which spares a copy of the widest matrix."""
    return torch.cat([x, condition], dim=1) if condition.shape[1] else x

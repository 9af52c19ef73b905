"""The dense networks of the published GAN and WGAN-GP: residual trunks between two wide layers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from core.models.base import Condition, DataSpec
from core.models.conditioning import Conditioning


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


def joined(x: Tensor, condition: Tensor) -> Tensor:
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
        return self.norm(self.first(joined(x, condition)))

    def rest(self, entered: Tensor, condition: Tensor) -> Tensor:
        """From what `enter` gave to (b, last width)."""
        x: Tensor = self.leaky(entered)
        for residual, resize in zip(self.blocks, self.resize, strict=True):
            x = joined(x, condition)
            x = self.leaky(resize(self.leaky(x + residual(x))))
        return x


def published_widths(spec: DataSpec, divisors: Sequence[int]) -> list[int]:
    """The published rule 3L//c (2L//c for haplotypes), never below 8."""
    return [max(8, spec.categories * spec.variants // c) for c in divisors]


class DenseGenerator(nn.Module):
    """From a latent and a condition to the logits of every call, as published."""

    def __init__(
        self, spec: DataSpec, latent: int, widths: Sequence[int], embedding: int, *, condition_output: bool
    ) -> None:
        super().__init__()
        self.shape = (spec.categories, spec.variants)
        self.condition = Conditioning(spec, embedding)
        self.condition_output = condition_output
        self.trunk = Trunk(latent, widths, self.condition.width, nn.BatchNorm1d)
        self.output = nn.Linear(
            widths[-1] + self.condition.width * self.condition_output, spec.categories * spec.variants
        )

    def forward(self, latent: Tensor, condition: Condition) -> Tensor:
        """(b, latent) to (b, categories, m): one plane a category, so that softmax is a few vector operations."""
        known = self.condition(condition)
        hidden = self.trunk(latent, known)
        logits: Tensor = self.output(joined(hidden, known) if self.condition_output else hidden)
        return logits.reshape(-1, *self.shape)


class Critic(nn.Module):
    """From one-hot calls and a condition to a score, the higher the more real: no normalisation, no sigmoid.

    WGAN-GP calls it critic; for a GAN it is the discriminator, and the score is its logit.
    """

    def __init__(self, spec: DataSpec, widths: Sequence[int], embedding: int) -> None:
        super().__init__()
        self.condition = Conditioning(spec, embedding)
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

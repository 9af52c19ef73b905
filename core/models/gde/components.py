"""Scale and principal components of the observations: the coordinates in which sets are embedded and generated."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from core.models.gde.gaussian_moments import FULL_UP_TO
from core.models.gde.layers import full_precision
from core.models.gde.tails import Tails

MOST = 512  # components that are kept: of 32 × 32 photographs they hold 99.5 % of the variance
FARTHEST = 1e4  # deviations of the training sets
ENTRIES = 50_000_000  # numbers from which the axes are fitted


class Standardiser(nn.Module):
    """x ↦ (t(x) − mean) / scale with one mean and scale per feature (per channel of an image), from the training sets.

    t is the identity, but where it is to be `robust` for features with heavy tails (`Tails`). What lies further than
    `FARTHEST` from the training sets is cut off there: the square of a distance must not overflow.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, shape: tuple[int, ...], *, robust: bool = False) -> None:
        super().__init__()
        self.tails = Tails(shape[0]) if robust else None
        # An image has one mean and scale a channel, a vector one a feature.
        axes = (shape[0], *[1] * (len(shape) - 1))
        self.register_buffer("mean", torch.zeros(axes))
        self.register_buffer("scale", torch.ones(axes))

    def fit(self, x: Tensor) -> None:
        """Tails and moments of (k, *shape); a feature that does not vary gets scale 1."""
        axes = [0, *range(2, x.ndim)]
        x = x.float()
        if self.tails is not None:
            self.tails.fit(x)
            x = self.tails(x)
        deviation, mean = torch.std_mean(x, dim=axes, keepdim=True)
        self.mean = mean[0]
        self.scale = torch.where(deviation > 1e-8, deviation, torch.ones_like(deviation))[0]

    def forward(self, x: Tensor) -> Tensor:
        if self.tails is None:
            return (x.float() - self.mean) / self.scale
        return ((self.tails(x.float()) - self.mean) / self.scale).clamp(-FARTHEST, FARTHEST)

    def inverse(self, x: Tensor) -> Tensor:
        """Back to the data's own units."""
        y = x * self.scale + self.mean
        return y if self.tails is None else self.tails.inverse(y)


class PrincipalComponents(nn.Module):
    """u = g Aᵀ (x − c): features rotated so that the leading ones hold the most variance; A orthonormal.

    Distances are kept but for the factor g, which gives the leading components variance 1 on average, and for what
    lies beyond the kept components. Covariances are full among the leading FULL_UP_TO, and those are now the ones
    that matter; a network sees a few hundred inputs and not every pixel.
    """

    centre: Tensor
    axes: Tensor
    gain: Tensor

    def __init__(self, d: int, most: int = MOST) -> None:
        super().__init__()
        self.d, self.r = d, min(d, most)
        self.register_buffer("centre", torch.zeros(d))
        self.register_buffer("axes", torch.eye(d, self.r))
        self.register_buffer("gain", torch.ones(()))

    @torch.no_grad()
    def fit(self, x: Tensor) -> None:
        """From observations (k, d). With fewer than r of them the last components stay at zero."""
        rows = x[torch.randperm(len(x), device=x.device)[: max(ENTRIES // self.d, 2)]].float()
        self.centre = rows.mean(dim=0)
        centred = rows - self.centre
        if min(centred.shape) <= 2048:
            _, values, v = torch.linalg.svd(centred, full_matrices=False)
        else:
            _, values, basis = torch.svd_lowrank(centred, q=self.r + 16, niter=4)
            v = basis.T
        rank = int((values > 1e-5 * values[0]).sum().clamp(1, self.r))
        self.axes = torch.zeros_like(self.axes)
        self.axes[:, :rank] = v[:rank].T
        leading = values[: min(rank, FULL_UP_TO)].square().mean() / len(rows)
        self.gain = leading.clamp_min(1e-12).rsqrt()

    def forward(self, x: Tensor) -> Tensor:
        """(b, k, *shape) observations → (b, k, r)."""
        with full_precision(x):
            return (x.flatten(2).float() - self.centre) @ (self.gain * self.axes)

    def inverse(self, u: Tensor) -> Tensor:
        """(b, k, r) → (b, k, d)."""
        with full_precision(u):
            return u.float() @ (self.axes / self.gain).T + self.centre


def halves(x: Tensor) -> tuple[Tensor, Tensor]:
    """The observations (s, k, …) of some sets in two parts; a set of one observation is both of its own halves."""
    first, second = x.tensor_split(2, dim=1) if x.shape[1] > 1 else (x, x)
    return first, second


class MomentSkip(nn.Module):
    """z = V c + b from the moments c of a set: latents that start as Gaussian transport has them.

    With as many latents as moments V is an isometry; with fewer, it holds the axes along which sets differ most.
    """

    def __init__(self, moments: int, latent: int) -> None:
        super().__init__()
        self.linear = nn.Linear(moments, latent)
        nn.init.orthogonal_(self.linear.weight, gain=max(1.0, math.sqrt(moments / latent)))
        nn.init.zeros_(self.linear.bias)

    @torch.no_grad()
    def start(self, first: Tensor, second: Tensor) -> None:
        """From the moments (s, moments) of two halves of some sets; as many latents as moments need no fitting.

        Moments of a few observations are mostly noise, and the noise would fill the axes of largest variance. Between
        the moments of two halves of a set it has no covariance: the axes are those of what the halves share.
        """
        latent, moments = self.linear.weight.shape
        if latent >= moments:
            return
        first, second = first.double(), second.double()
        centre = 0.5 * (first + second).mean(dim=0)
        shared = (first - first.mean(dim=0)).T @ (second - second.mean(dim=0)) / len(first)
        axes = torch.linalg.eigh(shared + shared.T).eigenvectors.flip(1)[:, :latent].T
        self.linear.weight.copy_(axes)
        self.linear.bias.copy_(-(axes @ centre))

    def forward(self, c: Tensor) -> Tensor:
        return self.linear(c)

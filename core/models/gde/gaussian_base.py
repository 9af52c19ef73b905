"""A Gaussian whose mean and covariance are read off a latent: the coordinates in which our generators work."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from core.models.gde.layers import mlp

FULL_UP_TO = 24  # d(d+1)/2 outputs and a triangular solve per set stay cheap up to here; beyond it, diagonal


class GaussianBase(nn.Module):
    """x = μ(z) + L(z) y with y near N(0, I): generators model y, which is near standard normal for every set.

    μ and L are fitted by maximum likelihood beside the generator's own loss. A set far from the origin or much
    narrower than the whole data is then no harder to generate than any other, and a Gaussian set needs no
    generator at all.
    """

    def __init__(self, d: int, latent: int, width: int) -> None:
        super().__init__()
        self.d, self.full = d, d <= FULL_UP_TO
        self.mean_linear = nn.Linear(latent, d)
        self.mean_curved = mlp([latent, width, width, d])
        self.scale = mlp([latent, width, width, d + (d * (d - 1) // 2 if self.full else 0)])
        for last in (self.mean_curved[-1], self.scale[-1]):
            nn.init.zeros_(last.weight)  # type: ignore[arg-type]
            nn.init.zeros_(last.bias)  # type: ignore[arg-type]
        self.register_buffer(
            "rows", torch.tril_indices(d, d, -1) if self.full else torch.zeros(2, 0, dtype=torch.int64)
        )

    def parameters_of(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """z (b, latent) → mean (b, d) and scale: lower-triangular (b, d, d), or (b, d) beyond FULL_UP_TO features."""
        mean = self.mean_linear(z) + self.mean_curved(z)
        raw = self.scale(z)
        # Soft-bounded log scales: a set of one repeated observation must not send the likelihood to infinity.
        diagonal = (5 * torch.tanh(raw[:, : self.d] / 5)).exp()
        if not self.full:
            return mean, diagonal
        lower = torch.diag_embed(diagonal)
        rows: Tensor = self.rows  # type: ignore[assignment]
        lower[:, rows[0], rows[1]] = raw[:, self.d :]
        return mean, lower

    def whiten(self, x: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        """(b, k, d) observations → y = L⁻¹(x − μ)."""
        centred = x - mean[:, None]
        if not self.full:
            return centred / scale[:, None]
        solved: Tensor = torch.linalg.solve_triangular(scale, centred.mT, upper=False)
        return solved.mT

    def colour(self, y: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        """The inverse of `whiten`."""
        return mean[:, None] + (y @ scale.mT if self.full else y * scale[:, None])

    def negative_log_likelihood(self, y: Tensor, scale: Tensor) -> Tensor:
        """Mean over observations and features of −log N(x; μ, LLᵀ), from y = L⁻¹(x − μ)."""
        log_diagonal = (scale.diagonal(dim1=1, dim2=2) if self.full else scale).log()
        return 0.5 * y.square().mean() + log_diagonal.mean() + 0.5 * math.log(2 * math.pi)

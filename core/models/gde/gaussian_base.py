"""A Gaussian whose mean and covariance are read off a latent: the coordinates in which our generators work."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from core.modalities.base import Observation
from core.models.gde.base import Generator
from core.models.gde.gaussian_moments import FULL_UP_TO, Blocks, roots, spread, unpacked
from core.models.gde.layers import full_precision, mlp

FAR = 10.0  # deviations of a set beyond which an observation is far from it: none in a million million is
FARTHEST = 1e4
NARROWEST = 1e-3  # smallest deviation of a generated set, in units of the whole data's
EXPLAINED = 0.98  # share of the roots' spread that a latent must explain linearly for the base to be read off it so


Affine = tuple[Tensor, Tensor]  # weight and bias


class GaussianBase(nn.Module):
    """x = μ(z) + L(z) y with y near N(0, I): generators model y, which is near standard normal for every set.

    μ and L are fitted by maximum likelihood beside the generator's own loss. A set far from the origin or much
    narrower than the whole data is then no harder to generate than any other, and a Gaussian set needs no
    generator at all. L is a triangle among the f leading features and diagonal beyond them (`Blocks`).

    Where the latent holds the root R of the covariance (encoders that see moments, and room for them), L(z) =
    chol(R(z)²) T(z), R linear and T the identity at the start: exact for every set before the first step. Elsewhere
    such an R would cross zero between sets; then the logarithms of L's diagonal are linear instead.
    """

    mask: Tensor
    rooted: Tensor
    rows: Tensor

    def __init__(self, d: int, latent: int, width: int, leading: int = FULL_UP_TO) -> None:
        super().__init__()
        self.d, self.f = d, min(d, leading)
        self.mean_linear = nn.Linear(latent, d)
        self.mean_curved = mlp([latent, width, width, d])
        # The diagonal of L, then what lies below it among the leading features.
        entries = d + self.f * (self.f - 1) // 2
        self.scale_linear = nn.Linear(latent, entries)
        self.scale_curved = mlp([latent, width, width, entries])
        for last in (self.mean_curved[-1], self.scale_curved[-1], self.scale_linear):
            nn.init.zeros_(last.weight)  # type: ignore[arg-type]
            nn.init.zeros_(last.bias)  # type: ignore[arg-type]
        self.register_buffer("rows", torch.tril_indices(self.f, self.f, -1))
        self.register_buffer("mask", torch.ones(latent), persistent=False)
        self.register_buffer("rooted", torch.zeros((), dtype=torch.bool))

    @torch.no_grad()
    def start(self, x: Tensor, z: Tensor) -> None:
        """Set the linear parts by ridge regression of the moments of sets x (s, k, d) on their latents (s, latent).

        A mean encoder's latent gives the mean back from the first step on; others start near it.
        """
        k, mean = x.shape[1], x.mean(dim=1)
        _regress(self.mean_linear, z, mean)
        root = self._entries(roots(spread(x, mean, self.f)))
        _regress(self.scale_linear, z, root)
        left = (self.scale_linear(z) - root).square().mean()
        varied = (root - root.mean(dim=0)).square().mean()
        # With few sets any latent explains anything, and roots that do not vary are explained by none.
        self.rooted.fill_(len(z) >= 4 * z.shape[1] and bool(left < (1 - EXPLAINED) * varied) and bool(varied > 1e-5))
        if not self.rooted:
            # Around the mean that the latent gives: a set of one observation has no spread around its own. Each
            # set leans on all, as far as its observations are few for its features.
            leading, rest = spread(x, self.mean_linear(z), self.f)
            leading = _leaning(leading, k, self.f + 1, 1e-4 * torch.eye(self.f, device=x.device))
            rest = _leaning(rest, k, 2, 1e-4)
            entries = self._entries((torch.linalg.cholesky(leading), rest.sqrt()))
            entries[:, : self.d] = entries[:, : self.d].log()
            _regress(self.scale_linear, z, entries)

    def know(self, exact: int) -> None:
        """μ(z) and R(z) are read off so many leading entries of z and not learned; all else is learned off the rest.

        With few sets a network that sees the exact entries learns the sets by heart.
        """
        self.mask[:exact] = 0
        for part in (self.mean_linear, self.mean_curved, self.scale_linear):
            part.requires_grad_(False)

    def learned(self, z: Tensor) -> Tensor:
        """z with its exact entries at 0: what networks see of it."""
        return z * self.mask

    @torch.no_grad()
    def read_off(self, mean: Affine, root: Affine) -> None:
        """μ(z) and R(z) are these (weight, bias); for after `know`.

        mean: (d, latent), (d,). root: (entries, latent), (entries,), the root of the covariance as `packed`.
        """
        self.mean_linear.weight.copy_(mean[0])
        self.mean_linear.bias.copy_(mean[1])
        weight = self._entries(unpacked(root[0].T, self.f)).T
        self.scale_linear.weight.copy_(weight)
        self.scale_linear.bias.copy_(self._entries(unpacked(root[1][None], self.f))[0])
        self.rooted.fill_(True)

    def parameters_of(self, z: Tensor) -> tuple[Tensor, Blocks]:
        """z (b, latent) → mean (b, d) and L: lower triangles (b, f, f), and (b, d − f) deviations."""
        z = z.to(self.mean_linear.weight.dtype)
        with full_precision(z):
            mean = self.mean_linear(z) + self.mean_curved(z)
            linear, curved = self.scale_linear(z), self.scale_curved(self.learned(z))
            if not self.rooted:
                raw = linear + curved
                return mean, self._filled(self._bounded(raw), raw[:, self.d :])
            root, rest = self._filled(linear[:, : self.d], linear[:, self.d :])
            root = root + root.tril(-1).mT
            covariance = root @ root
            # As much on the diagonal as single precision needs to take a root.
            least = NARROWEST**2 + 1e-5 * covariance.detach().diagonal(dim1=1, dim2=2).mean(dim=1)
            lower = torch.linalg.cholesky(covariance + torch.diag_embed(least[:, None].expand(-1, self.f)))
            turn, stretch = self._filled(self._bounded(curved), curved[:, self.d :])
            return mean, (lower @ turn, (rest.square() + NARROWEST**2).sqrt() * stretch)

    def _bounded(self, raw: Tensor) -> Tensor:
        """Diagonal (b, d) from its logarithms: a set of one repeated observation must not end at infinity."""
        return (5 * torch.tanh(raw[:, : self.d] / 5)).exp()

    def _entries(self, matrix: Blocks) -> Tensor:
        """The diagonal (b, d), then what lies below it among the leading features."""
        leading, rest = matrix
        return torch.cat([leading.diagonal(dim1=1, dim2=2), rest, leading[:, self.rows[0], self.rows[1]]], dim=1)

    def _filled(self, diagonal: Tensor, below: Tensor) -> Blocks:
        """The inverse of `_entries`, for triangles."""
        triangle = torch.diag_embed(diagonal[:, : self.f])
        triangle[:, self.rows[0], self.rows[1]] = below
        return triangle, diagonal[:, self.f :]

    def whiten(self, x: Tensor, mean: Tensor, scale: Blocks) -> Tensor:
        """(b, k, d) observations → y = L⁻¹(x − μ)."""
        centred = x - mean[:, None]
        solved: Tensor = torch.linalg.solve_triangular(scale[0], centred[..., : self.f].mT, upper=False).mT
        # Errors grow from row to row of a triangle that was read off a latent far from those of training.
        solved = solved.nan_to_num(nan=FARTHEST, posinf=FARTHEST, neginf=-FARTHEST).clamp(-FARTHEST, FARTHEST)
        return torch.cat([solved, centred[..., self.f :] / scale[1][:, None]], dim=-1)

    def colour(self, y: Tensor, mean: Tensor, scale: Blocks) -> Tensor:
        """The inverse of `whiten`."""
        with full_precision(y):
            y = y.to(mean.dtype)
            leading, rest = y[..., : self.f] @ scale[0].mT, y[..., self.f :] * scale[1][:, None]
            return mean[:, None] + torch.cat([leading, rest], dim=-1)

    def points(self, count: int, extra: int = 0) -> Tensor:
        """Fixed noise (count, d + extra) for `standardise`: its first d coordinates have mean 0 and variance 1, and the
        leading ones covariance I.

        Quasi-random (scrambled Sobol): as many independent draws would misjudge the variance of every set alike by
        1/√count of it and more.
        """
        f, d = self.f, self.d
        draws = torch.quasirandom.SobolEngine(d + extra, scramble=True, seed=0).draw(count)  # type: ignore[no-untyped-call]
        noise = torch.erfinv((2 * draws - 1).clamp(-1 + 1e-6, 1 - 1e-6)) * math.sqrt(2)
        noise = noise - noise.mean(dim=0)
        noise[:, f:d] /= noise[:, f:d].square().mean(dim=0).sqrt()
        if count > 2 * f:
            own = noise[:, :f]
            root = torch.linalg.cholesky(own.T @ own / count)
            noise[:, :f] = torch.linalg.solve_triangular(root, own.T, upper=False).T
        return noise

    def standardise(self, y: Tensor, reference: Tensor) -> Tensor:
        """(b, n, d) → with the mean and covariance (beyond the leading features: deviations) of `reference` at 0 and I.

        Mean and covariance of a set belong to the base, which maximum likelihood fits; a generator whose output
        for `points` has others than 0 and I is bent back, so that a short training costs shape, never variance.
        """
        with full_precision(y):
            mean = reference.mean(dim=1, keepdim=True)
            centred, y = reference - mean, y - mean
            leading = centred[..., : self.f]
            values, vectors = torch.linalg.eigh(leading.mT @ leading / reference.shape[1])
            inverse = (vectors * values.clamp_min(1e-3).rsqrt()[:, None]) @ vectors.mT
            rest = centred[..., self.f :].square().mean(dim=1, keepdim=True).sqrt().clamp_min(1e-3)
            return torch.cat([y[..., : self.f] @ inverse, y[..., self.f :] / rest], dim=-1)

    def negative_log_likelihood(self, y: Tensor, scale: Blocks, weights: Tensor | None = None) -> Tensor:
        """Mean over observations and features of −log N(x; μ, LLᵀ), from y = L⁻¹(x − μ).

        `weights` (k,), of mean 1, say how much each observation counts. Beyond `FAR` deviations it grows linearly
        (Huber 1964): a few observations that the Gaussian does not cover must not decide on it alone.
        """
        log_diagonal = torch.cat([scale[0].diagonal(dim1=1, dim2=2), scale[1]], dim=1).log()
        far = y.abs()
        squares = torch.where(far > FAR, FAR * (2 * far - FAR), y.square())
        squares = squares if weights is None else squares * weights[:, None]
        return 0.5 * squares.mean() + log_diagonal.mean() + 0.5 * math.log(2 * math.pi)


class BasedGenerator(Generator):
    """A generator that works in the coordinates y of a Gaussian base: x = μ(z) + L(z) y."""

    calibration: Tensor

    def __init__(
        self,
        config: Any,
        observation: Observation,
        latent: int,
        points: int,
        *,
        extra: int = 0,
        leading: int = FULL_UP_TO,
    ) -> None:
        """Noise has d + `extra` coordinates; so many `points` tell mean and covariance of what `transformed` gives."""
        super().__init__(config, observation, latent)
        self.base = GaussianBase(observation.d, latent, config.width, leading)
        self.register_buffer("calibration", self.base.points(points, extra), persistent=False)

    @abstractmethod
    def transformed(self, noise: Tensor, z: Tensor) -> Tensor:
        """Noise (b, k, d + extra) and latents (b, latent) → y (b, k, d)."""

    def prepare(self, x: Tensor, z: Tensor) -> None:
        self.base.start(x.flatten(2), z)

    def whitened(self, x: Tensor, z: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
        """y (b, k, d) of observations (b, k, *shape), without gradient, and the base's negative log-likelihood.

        The base is fitted by its likelihood alone: a generator must not bend it to make its own task easy.
        """
        mean, scale = self.base.parameters_of(z)
        y = self.base.whiten(x.flatten(2), mean, scale)
        return near(y.detach()), self.base.negative_log_likelihood(y, scale, weights)

    @torch.no_grad()
    def sample(self, z: Tensor, n: int, generator: torch.Generator) -> Tensor:
        mean, scale = self.base.parameters_of(z)
        count, width = self.calibration.shape
        noise = torch.randn(len(z), n, width, generator=generator, device=generator.device).to(z.device)
        y = self.transformed(torch.cat([self.calibration.expand(len(z), -1, -1), noise], dim=1), z)
        y = self.base.standardise(y[:, count:], y[:, :count])
        return self.base.colour(y, mean, scale).reshape(len(z), n, *self.shape)


def near(y: Tensor) -> Tensor:
    """Whitened observations; what is further than `FAR` is drawn in to FAR + log(1 + |y| − FAR).

    A generator's loss is about where most of a set lies.
    """
    far = y.abs()
    return torch.where(far > FAR, y.sign() * (FAR + (far - FAR).clamp_min(0).log1p()), y)


def _leaning(own_spread: Tensor, k: int, own: int, least: Tensor | float) -> Tensor:
    """Spreads (s, …) of k observations each, drawn towards their mean as if that were `own` observations more."""
    return (k * own_spread + own * (own_spread.mean(dim=0) + least)) / (k + own)


def _regress(layer: nn.Linear, z: Tensor, target: Tensor) -> None:
    """Weights and bias of `layer` such that layer(z) is the ridge regression of `target` on z."""
    centre, goal = z.double().mean(dim=0), target.double().mean(dim=0)
    a, b = z.double() - centre, target.double() - goal
    gram = a.T @ a
    # Roots vary far less than means: a strong ridge would wipe them out, and is needed only where sets are few.
    share = 1e-6 if len(z) >= 4 * z.shape[1] else 1e-3
    ridge = share * gram.diagonal().mean() + 1e-9
    weight = torch.linalg.solve(gram + ridge * torch.eye(len(gram), device=z.device, dtype=gram.dtype), a.T @ b).T
    layer.weight.copy_(weight)
    layer.bias.copy_(goal - weight @ centre)

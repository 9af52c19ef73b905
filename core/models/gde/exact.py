"""Mean and spread of a set as a part of its latent that nothing has to learn, drawn towards those of all sets."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor, nn

from core.models.gde.base import Chunks
from core.models.gde.components import halves
from core.models.gde.gaussian_moments import FULL_UP_TO, Blocks, covariances, packed, products, roots, spread
from core.models.gde.layers import full_precision, weighted_mean

MEANS = 64  # leading features whose mean passes through
SPREADS = 24  # axes at most along which the spread of sets does
MOST_SETS, MOST_OBSERVATIONS = 2000, 4096  # from which the law of the sets is fitted
LEAST = 8  # observations of a set whose halves have a covariance
FOLDS = 5
# The covariance of set means is taken for a mixture of what was seen and of a multiple of that within sets, so that
# the mean of an unseen set may lie in any direction; and larger or smaller than was seen.
ROUND, LARGER = (0.02, 0.1, 0.3, 0.6, 1.0), (0.1, 0.3, 1.0, 3.0)
# Observations that the spread of all sets is worth beside that of a set itself.
WORTH = (2.0, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0, 1280.0, 1e6)


def widths(d: int, sets: int) -> tuple[int, int]:
    """Latents for the mean and for the spread of sets of d features: few sets cannot tell in which ways sets differ."""
    return min(d, MEANS), min(SPREADS, max(2, sets // 6))


@dataclass(frozen=True)
class SetMoments:
    """What is known of s sets: means (s, e), sizes (s,), which belong together (s,), and the pooled covariance."""

    mean: Tensor
    size: Tensor
    group: Tensor
    within: Tensor


class ExactMoments(nn.Module):
    """z = [m̃, W (c̃ − c₀)]: the mean of a set, and the root of its covariance along the axes in which sets differ.

    Both are empirical Bayes estimates. By the central limit theorem the mean of n observations is N(m, V/n) around that
    of the set, V the covariance within sets; means of sets are N(μ, B). So m̃ = μ + B (B + V/n)⁻¹ (m̂ − μ): a mean of
    few observations is drawn towards all sets, most in the directions in which sets do not differ. The covariance is
    (n Ĉ + ν C₀)/(n − 1 + ν), C₀ that within all sets. B and ν are those that best foretell sets (groups of sets, where
    they belong together) that were left out. Robbins 1956; Efron & Morris 1973 (means); Ledoit & Wolf 2004
    (covariances).

    Distances between such latents are those of Gaussian transport, nearly (`gaussian_moments.coordinates`).
    """

    centre: Tensor
    into: Tensor
    back: Tensor
    ratio: Tensor
    pooled_leading: Tensor
    pooled_rest: Tensor
    worth: Tensor
    axes: Tensor
    spread_centre: Tensor

    def __init__(self, d: int, sets: int) -> None:
        super().__init__()
        self.d, self.f = d, min(d, FULL_UP_TO)
        self.e, self.q = widths(d, sets)
        self.width = self.e + self.q
        entries = self.f * (self.f + 1) // 2 + d - self.f
        buffers = {
            "centre": torch.zeros(self.e),
            "into": torch.eye(self.e),
            "back": torch.eye(self.e),
            "ratio": torch.full((self.e,), torch.inf),
            "pooled_leading": torch.eye(self.f),
            "pooled_rest": torch.ones(d - self.f),
            "worth": torch.zeros(()),
            "axes": torch.zeros(self.q, entries),
            "spread_centre": torch.zeros(entries),
        }
        for name, value in buffers.items():
            self.register_buffer(name, value)

    def forward(self, x: Tensor, n: Tensor, weights: Tensor | None = None) -> Tensor:
        """Observations (b, k, d), of which n (b,) were seen, and optional weights (b, k) → (b, width)."""
        with full_precision(x):
            return self._head(weighted_mean(self._averaged(x.float()), weights), n)

    @torch.no_grad()
    def encode_stream(self, chunks: Chunks, n: int) -> Tensor:
        """(width,) of one set that is read chunk by chunk."""
        sums, sizes = zip(
            *((self._averaged(x[None].float())[0].sum(dim=0, dtype=torch.float64), len(x)) for x in chunks()),
            strict=True,
        )
        mean = (torch.stack(sums).sum(dim=0) / sum(sizes)).float()
        return self._head(mean[None], torch.tensor([float(n)], device=mean.device))[0]

    @torch.no_grad()
    def fit(self, sets: list[Tensor], group: Tensor) -> None:
        """The law of the sets from their observations (k_i, d), and from which of them belong together (s,)."""
        known = self._moments(sets, group)
        shift, prior = chosen_prior(known)
        factor, vectors, values = _together(prior, known.within)
        self.centre = shift.float()
        self.into, self.back = (vectors.T @ torch.linalg.inv(factor)).float(), (factor @ vectors).float()
        self.ratio = values.float()
        large = [x for x in sets if len(x) >= LEAST]
        if large:
            self._fit_spread(large)

    def linear_maps(self, width: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """(weight, bias) of the mean (d,) and of the root of the covariance, `packed`, as maps of a latent (width,)."""
        mean = self.centre.new_zeros(self.d, width)
        mean[: self.e, : self.e] = torch.eye(self.e)
        root = self.axes.new_zeros(self.axes.shape[1], width)
        root[:, self.e : self.width] = self.axes.T
        return (mean, mean.new_zeros(self.d)), (root, self.spread_centre)

    def uncertainty(self, n: int) -> Tensor:
        """(e, e) covariance of what the mean of a set may be, given that of n observations: (B⁻¹ + n V⁻¹)⁻¹."""
        return (self.back * (self.ratio / (1 + self.ratio * n))) @ self.back.T

    def _averaged(self, x: Tensor) -> Tensor:
        return torch.cat([x, products(x)], dim=-1)

    def _head(self, pooled: Tensor, n: Tensor) -> Tensor:
        mean = pooled[:, : self.d]
        spread_ = self._spread(covariances(mean, pooled[:, self.d :]), n)
        return torch.cat([self._mean(mean[:, : self.e], n), (spread_ - self.spread_centre) @ self.axes.T], dim=1)

    def _mean(self, mean: Tensor, n: Tensor) -> Tensor:
        share = 1 / (1 + 1 / (self.ratio * n[:, None]))  # 1 where the ratio is infinite: before it is fitted
        return self.centre + (share * ((mean - self.centre) @ self.into.T)) @ self.back.T

    def _spread(self, own: Blocks, n: Tensor) -> Tensor:
        """(b, entries) roots of the covariances of n (b,) observations each, drawn towards that of all sets."""
        weight = (n / (n - 1 + self.worth).clamp_min(1e-6))[:, None]
        rest = (self.worth / (n - 1 + self.worth).clamp_min(1e-6))[:, None]
        leading = weight[..., None] * own[0] + rest[..., None] * self.pooled_leading
        return packed(roots((leading, weight * own[1] + rest * self.pooled_rest)))

    def _moments(self, sets: list[Tensor], group: Tensor) -> SetMoments:
        mean = torch.stack([x[:, : self.e].double().mean(dim=0) for x in sets])
        size = torch.tensor([float(len(x)) for x in sets], dtype=torch.float64, device=mean.device)
        deviations = torch.cat([x.double() - x.double().mean(dim=0) for x in sets])
        freedom = max(float(size.sum()) - len(sets), 1.0)
        leading = deviations[:, : self.f].T @ deviations[:, : self.f] / freedom
        self.pooled_leading = leading.float()
        self.pooled_rest = (deviations[:, self.f :].square().sum(dim=0) / freedom).float()
        some = deviations[:, : self.e]
        within = some.T @ some / freedom
        ridge = 1e-4 * within.diagonal().mean().clamp_min(1e-8) * torch.eye(self.e, dtype=within.dtype).to(within)
        return SetMoments(mean, size, group, within + ridge)

    def _fit_spread(self, sets: list[Tensor]) -> None:
        """ν by how well one half of a set foretells the covariance of the other; axes by what both halves say."""
        pairs = [halves(x[None, torch.randperm(len(x), device=x.device)].float()) for x in sets]
        first, second = (_stacked([spread(h, h.mean(dim=1)) for h in side]) for side in zip(*pairs, strict=True))
        n = torch.tensor([float(a.shape[1]) for a, _ in pairs], device=self.centre.device)
        pooled = self.pooled_leading
        losses = []
        for worth in WORTH:
            weight = (n / (n - 1 + worth))[:, None, None]
            foretold = weight * first[0] + (worth / (n - 1 + worth))[:, None, None] * pooled
            later = second[0] * (n / (n - 1))[:, None, None]
            losses.append(float((foretold - later).square().sum()))
        self.worth = torch.tensor(WORTH[min(range(len(WORTH)), key=losses.__getitem__)]).to(self.centre)
        one, other = (self._spread(side, n).double() for side in (first, second))
        self.spread_centre = packed(roots((pooled[None], self.pooled_rest[None])))[0]
        shared = (one - one.mean(dim=0)).T @ (other - other.mean(dim=0)) / len(one)
        values, vectors = torch.linalg.eigh(shared + shared.T)
        # Chance gives as many negative values as positive ones: only what exceeds them is shared.
        real = values.flip(0)[: self.q] > values[0].abs()
        axes = vectors.flip(1)[:, : self.q].T * real[:, None]
        self.axes = torch.zeros_like(self.axes)
        self.axes[: len(axes)] = axes.float()


def chosen_prior(known: SetMoments) -> tuple[Tensor, Tensor]:
    """μ (e,) and B (e, e) of the law N(μ, B) of set means, by the likelihood of the groups that are left out."""
    groups = torch.unique(known.group)
    order = torch.randperm(len(groups), generator=torch.Generator().manual_seed(0)).to(groups)
    folds = [torch.isin(known.group, part) for part in groups[order].tensor_split(min(FOLDS, len(groups)))]
    scores = dict.fromkeys(product(ROUND, LARGER), 0.0)
    for left in folds if len(folds) > 1 else []:
        shift, between = _between(known.mean[~left], known.size[~left], known.within)
        for share in ROUND:
            factor, vectors, values = _together(_rounded(between, known.within, share), known.within)
            y = torch.linalg.solve_triangular(factor, (known.mean[left] - shift).T, upper=False).T @ vectors
            for times in LARGER:
                variance = times * values + 1 / known.size[left, None]
                scores[share, times] -= float((y.square() / variance + variance.log()).sum())
    share, times = max(scores, key=scores.__getitem__)
    shift, between = _between(known.mean, known.size, known.within)
    return shift, times * _rounded(between, known.within, share)


def _between(mean: Tensor, size: Tensor, within: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and covariance of the means of sets, less what the sampling of n observations adds (method of moments)."""
    weight = size / (size + 1)
    weight = weight / weight.sum()
    shift = weight @ mean
    centred = mean - shift
    covariance = (centred * weight[:, None]).T @ centred - (weight / size).sum() * within
    values, vectors = torch.linalg.eigh(covariance)
    return shift, (vectors * values.clamp_min(0)) @ vectors.T


def _rounded(between: Tensor, within: Tensor, share: float) -> Tensor:
    ratio = torch.linalg.solve(within, between).diagonal().mean().clamp_min(1e-4)
    return (1 - share) * between + share * ratio * within


def _together(between: Tensor, within: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """L, Q and λ with within = L Lᵀ and between = L Q diag(λ) Qᵀ Lᵀ."""
    factor = torch.linalg.cholesky(within)
    inverse = torch.linalg.inv(factor)
    values, vectors = torch.linalg.eigh(inverse @ between @ inverse.T)
    return factor, vectors, values.clamp_min(1e-6)


def _stacked(blocks: list[Blocks]) -> Blocks:
    return torch.cat([a for a, _ in blocks]), torch.cat([b for _, b in blocks])

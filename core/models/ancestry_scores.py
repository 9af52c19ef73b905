"""Where an individual stands in the population: a few scores that tell its ancestry, and how they are distributed."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from core.models.base import UNKNOWN, Condition
from core.models.principal_components import MOST, components, standardised

FOLDS = 5  # parts of the training individuals, each scored on axes that the others gave
NEAREST = 20  # neighbours whose spread is the local unit of a smoothed draw
LEAST = 1e-3  # smallest standard deviation of a draw, where individuals are all alike
ROUNDS = 30  # fixed-point rounds for the level of noise
RIDGE = 1.0  # individuals' worth of shrinkage in the trend of phenotypes on scores


class Ancestry(nn.Module):
    """Principal scores of genotypes and their smoothed distribution among the training individuals.

    The scores of training individuals are cross-fitted: the axes come from the other folds, turned to agree with those
    of all (orthogonal Procrustes), so that a score holds no more of an individual's own noise than that of a new one
    does. The last score is the share of heterozygous calls, which tells inbreeding.
    """

    mean: Tensor  # (m,) dosage
    axes: Tensor  # (m, D) from centred dosages to scores
    centre: Tensor  # (D + 1,)
    scale: Tensor  # (D + 1,) infinite where a score does not vary
    scores: Tensor  # (n, D + 1) standardised, of the training individuals
    local: Tensor  # (n, D + 1) mean of the nearest
    spread: Tensor  # (n, D + 1) standard deviation of the nearest
    trend: Tensor  # (D + 2, P) phenotypes as a linear function of scores and 1
    rest: Tensor  # (P,) standard deviation of a phenotype about its trend

    def __init__(self, variants: int, phenotypes: int, most: int, smoothing: float) -> None:
        super().__init__()
        self.most, self.smoothing = most, smoothing
        sizes = {"mean": (variants,), "axes": (variants, most), "centre": (most + 1,), "scale": (most + 1,)}
        sizes |= {"scores": (0, most + 1), "local": (0, most + 1), "spread": (0, most + 1)}
        sizes |= {"trend": (most + 2, phenotypes), "rest": (phenotypes,)}
        for name, size in sizes.items():
            self.register_buffer(name, torch.ones(size))

    @property
    def width(self) -> int:
        """D + 1, the number of scores."""
        return self.most + 1

    def fit(self, calls: Tensor, condition: Condition) -> None:
        """Find the axes of calls (n, m) int8 without missing entries, the scores and their trends."""
        n, x = len(calls), calls.float()
        order = torch.randperm(n, generator=torch.Generator().manual_seed(0)).to(calls.device)
        fold = torch.arange(n, device=calls.device) % FOLDS
        self.mean, self.axes = x.mean(0), principal_axes(x[order[:MOST]], self.most)
        scores = x.new_zeros(n, self.most)
        for k in range(FOLDS):
            own, others = order[fold == k], order[fold != k][:MOST]
            if len(own) and len(others) > 1:
                axes = principal_axes(x[others], self.most)
                scores[own] = (x[own] - x[others].mean(0)) @ axes @ _rotation(axes, self.axes)
        raw = torch.cat([scores, (calls == 1).float().mean(1, keepdim=True)], 1)
        self.centre, deviation = raw.mean(0), raw.std(0, correction=0)
        self.scale = torch.where(deviation > 1e-5, deviation, torch.inf)
        self.scores = (raw - self.centre) / self.scale
        others = self.scores[order[:MOST]]
        size = min(NEAREST, len(others))
        blocks = [self.scores[first : first + 1024] for first in range(0, n, 1024)]
        near = others[torch.cat([torch.cdist(block, others).topk(size, largest=False).indices for block in blocks])]
        self.local, self.spread = near.mean(1), near.std(1, correction=0)
        self._fit_trend(condition.phenotypes)

    def _fit_trend(self, phenotypes: Tensor) -> None:
        """Ridge regression of standardised phenotypes (n, P) on the scores; an unknown value counts as the mean."""
        y = phenotypes.nan_to_num(0.0)
        design = torch.cat([self.scores, torch.ones_like(self.scores[:, :1])], 1)
        ridge = RIDGE * torch.eye(design.shape[1], device=y.device)
        self.trend = torch.linalg.solve(design.T @ design + ridge, design.T @ y)
        self.rest = (y - design @ self.trend).square().mean(0).sqrt().clamp(min=0.1)

    def forward(self, calls: Tensor) -> Tensor:
        """(n, D + 1) standardised scores of complete calls (n, m)."""
        raw = torch.cat([(calls.float() - self.mean) @ self.axes, (calls == 1).float().mean(1, keepdim=True)], 1)
        scores: Tensor = (raw - self.centre) / self.scale
        return scores

    def log_weights(self, asked: Condition, training: Condition) -> Tensor:
        """(b, n) how likely each training individual's scores are under what is asked, in logs that sum to 1.

        Its labels are those asked for (where any training individual has them), and phenotypes are as far from the
        trend of its scores as they would be.
        """
        differ = (asked.labels[:, None] != training.labels[None]) & (asked.labels != UNKNOWN)[:, None]
        logs = -30.0 * differ.sum(2).float()
        if asked.phenotypes.shape[1]:
            expected = torch.cat([self.scores, torch.ones_like(self.scores[:, :1])], 1) @ self.trend
            misses = (asked.phenotypes[:, None] - expected[None]) / self.rest
            logs = logs - 0.5 * misses.nan_to_num(0.0).square().sum(2)
        return logs.log_softmax(1)

    def draw(self, row: Tensor, noise: Tensor) -> Tensor:
        """Scores near those of training individuals `row` (b,), local mean and spread kept; noise (b, D + 1) normal."""
        return self._kept()[row] + (self.smoothing * self.spread[row]).clamp(min=LEAST) * noise

    def log_density(self, scores: Tensor, log_weights: Tensor) -> Tensor:
        """(b,) log density of scores (b, D + 1) as `draw` gives them, if rows come by `log_weights` (b, n)."""
        varies = self.scale.isfinite()
        kept, deviation = self._kept()[:, varies], (self.smoothing * self.spread[:, varies]).clamp(min=LEAST)
        logs = log_weights - deviation.log().sum(1) - 0.5 * math.log(2 * math.pi) * kept.shape[1]
        for d in range(kept.shape[1]):
            logs = logs - 0.5 * ((scores[:, varies][:, d, None] - kept[None, :, d]) / deviation[None, :, d]).square()
        return logs.logsumexp(1)

    def blurred(self, scores: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Scores with noise as wide as a draw's, and the log density (b,) of that noise; noise (b, D + 1) normal.

        The scores of an individual are where it was drawn up to this much, which is what a bound of its likelihood
        averages over.
        """
        varies = self.scale.isfinite()
        deviation = (self.smoothing * self.spread.mean(0)).clamp(min=LEAST)
        density = -0.5 * noise.square() - deviation.log() - 0.5 * math.log(2 * math.pi)
        return torch.where(varies, scores + deviation * noise, scores), density[:, varies].sum(1)

    def _kept(self) -> Tensor:
        """Where a draw is centred: drawn in towards the neighbours by as much as the noise adds."""
        return self.local + math.sqrt(1 - self.smoothing**2) * (self.scores - self.local)


def principal_axes(x: Tensor, number: int) -> Tensor:
    """(m, number) from centred dosages x (n, m) to scores: eigenvectors of standardised dosages, over the deviations.

    Only those whose eigenvalue is above what noise gives (Marchenko & Pastur 1967); the other columns are zero.
    """
    n, m = x.shape
    z = standardised(x)
    values, left = components(z)
    right = z.T @ left[:, :number] / (n * values[:number]).sqrt()
    deviation = x.std(0, correction=0).clamp(min=1e-6)
    out = x.new_zeros(m, number)
    out[:, : right.shape[1]] = right / deviation[:, None] * (values[:number] > _edge(values, n, m))
    return out


def _edge(values: Tensor, n: int, m: int) -> Tensor:
    """The largest eigenvalue that noise of m variants gives, from those below it: each is then part of its level."""
    edge = values[0] + 1
    for _ in range(ROUNDS):
        below = values[values < edge]
        signals = len(values) - len(below)
        edge = below.sum() / max(1, m - signals) * (1 + math.sqrt(m / n)) ** 2
    return edge


def _rotation(axes: Tensor, reference: Tensor) -> Tensor:
    """(D, D) orthogonal, by which `axes` (m, D) come nearest to `reference` (Schönemann 1966)."""
    u, _, v = torch.linalg.svd(axes.T @ reference)
    rotation: Tensor = u @ v
    return rotation

"""Gaussian copula: exact genotype frequencies, pairwise linkage, and nothing of higher order."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from core.config.schema import more, setting
from core.config.training import TrainingConfig
from core.models.base import Condition, DataSpec, Model, TrainData
from core.models.genotype.independent_sites import count_exceeded
from core.models.latent_correlation import latent_correlation, nearest_correlation, square_root, thresholds
from core.models.populations import (
    genotype_frequencies,
    group_codes,
    membership,
    normal,
    population_count,
    row_blocks,
)
from core.models.registry import models

# Added to the unit variances of a block before the next one is regressed on it. Neighbouring variants are nearly
# collinear; without it the chain carries noise onwards (of 128-variant blocks of a 140 kb region: recall 0.56,
# with it 0.91, as with a single block).
RIDGE = 0.2


@dataclass(frozen=True)
class GaussianCopulaConfig:
    """Settings of the Gaussian copula."""

    within_population: bool = setting(
        True, "Genotype frequencies of each population and the correlation within populations, where labels are known."
    )
    block: int = setting(
        512,
        "Neighbouring variants fitted together; up to twice as many are fitted at once, longer genomes as a chain.",
        unit="variants",
        low=2,
        high=4096,
    )
    projection_rounds: int = more(20, "Rounds of the search for the nearest valid correlation matrix.", low=0, high=200)


@models.register(
    "gaussian_copula",
    title="Gaussian copula",
    colour="#009e73",
    kind="genotypes",
    help="A normal variable under each call, cut at the genotype frequencies and correlated like the data.",
    source="Emrich & Piedmonte 1991, American Statistician 45:302 (thresholds and latent correlation); Higham 2002",
    config=GaussianCopulaConfig,
)
class GaussianCopula(Model):
    r"""z ~ N(0, R), g_j = #{c : z_j ≥ t_kjc}, Φ(t_kjc) = f_kj(0) + … + f_kj(c) for an individual of population k.

    Frequencies: exact, since each z_j is standard normal. R: for each pair of variants the latent correlation that
    gives the mean within-population covariance of the calls (`core.models.latent_correlation`); with the differences
    of frequency between populations the covariance of the whole cohort comes out right too. Before that the sample
    correlation r of ν = n − k degrees of freedom is shrunk to r · max(0, 1 − 1 / (ν r²)) (positive-part James–Stein):
    noise between unlinked variants vanishes, strong linkage stays. R is then the nearest correlation matrix
    (Higham 2002). What no Gaussian can hold is lost in that step, mostly the complete linkage of rare variants.

    With more than 2 · `block` variants z is a chain of blocks in file order, z_b = A_b z_{b-1} + F_b ε: each block is
    fitted with its predecessor, memory is m · block, and linkage further away is what the chain carries along.
    Phenotypes are ignored. Without labels the structure of the cohort is part of R.
    """

    config: GaussianCopulaConfig
    thresholds: Tensor
    members: Tensor
    carry: Tensor
    factor: Tensor

    def __init__(self, config: GaussianCopulaConfig, spec: DataSpec, training: TrainingConfig) -> None:
        super().__init__(config, spec, training)
        self.populations = population_count(spec) if config.within_population else 0
        single = spec.variants <= 2 * config.block
        self.width = max(1, spec.variants) if single else config.block
        blocks = -(-spec.variants // self.width)
        groups = self.populations + 1
        self.register_buffer("thresholds", torch.zeros(groups, spec.variants, spec.ploidy))
        self.register_buffer("members", torch.zeros(groups, dtype=torch.int64))
        # A_b and F_b; the last block is padded with zero rows.
        self.register_buffer("carry", torch.zeros(max(0, blocks - 1), self.width, self.width))
        self.register_buffer("factor", torch.zeros(blocks, self.width, self.width))

    def prepare(self, data: TrainData) -> None:
        """Fit thresholds, then the latent correlation block by block."""
        super().prepare(data)
        member = membership(data.condition, self.populations)
        frequency = genotype_frequencies(data.calls, member, self.spec.categories)
        self.members = member.sum(1).long()
        self.thresholds = thresholds(frequency).float()
        _Fit(data.calls, member, thresholds(frequency), self.config.projection_rounds).fill(self.carry, self.factor)

    def sample(self, n: int, condition: Condition | None, generator: torch.Generator) -> Tensor:
        device, m = self.factor.device, self.spec.variants
        group = torch.zeros(n, dtype=torch.int64, device=device)
        if self.populations:
            group = group_codes(condition or self.draw_condition(n, generator), self.members)
        calls = torch.empty(n, m, dtype=torch.int8, device=device)
        for rows in row_blocks(n, m):
            latent = torch.zeros(rows.stop - rows.start, self.width, device=device)
            for b, factor in enumerate(self.factor):
                noise = normal(tuple(latent.shape), generator, device) @ factor.T
                latent = noise + latent @ self.carry[b - 1].T if b else noise
                columns = slice(b * self.width, min(m, (b + 1) * self.width))
                value = latent[:, : columns.stop - columns.start]
                calls[rows, columns] = count_exceeded(value, self.thresholds[:, columns], group[rows])
        return calls


class _Fit:
    """The closed-form fit of the chain of blocks; one pair of neighbouring blocks in memory at a time."""

    def __init__(self, calls: Tensor, member: Tensor, cut: Tensor, rounds: int) -> None:
        self.calls, self.rounds = calls, rounds
        labelled = member[:-1].sum(0) > 0
        # Individuals of unknown population are a group of their own, cut at everybody's frequencies.
        self.member = torch.cat([member[:-1], (~labelled).double()[None]])
        self.cut = cut
        self.size = self.member.sum(1)
        self.freedom = max(1.0, float(self.size.sum() - (self.size > 0).sum()))

    def fill(self, carry: Tensor, factor: Tensor) -> None:
        """Write A_b into `carry` and F_b into `factor`, so that every latent variable has unit variance."""
        width, m = factor.shape[-1], self.calls.shape[1]
        fitted = torch.empty(0, 0, dtype=torch.float64, device=factor.device)
        for b, start in enumerate(range(0, m, width)):
            stop, before = min(m, start + width), max(0, start - width)
            own = start - before
            joint = nearest_correlation(self._correlation(slice(before, stop)), self.rounds)
            past, cross, here = joint[:own, :own], joint[own:, :own], joint[own:, own:]
            ahead = torch.linalg.solve(past + RIDGE * torch.eye(own).to(past), cross.T).T
            rest = square_root(here - ahead @ past @ ahead.T)
            covariance = ahead @ fitted @ ahead.T + rest @ rest.T
            scale = covariance.diagonal().clamp(min=1e-12).rsqrt()[:, None]
            fitted = covariance * scale * scale.T
            factor[b, : stop - start, : stop - start] = (scale * rest).float()
            if own:
                carry[b - 1, : stop - start] = (scale * ahead).float()

    def _correlation(self, columns: slice) -> Tensor:
        """The latent correlation of some variants before it is made valid, (a, a) float64."""
        calls = self.calls[:, columns].double()
        mean = (self.member @ calls) / self.size.clamp(min=1)[:, None]
        centred = calls - self.member.T @ mean
        covariance = centred.T @ centred / len(calls)
        scale = covariance.diagonal().clamp(min=1e-12).rsqrt()
        square = (covariance * scale[:, None] * scale[None, :]).square()
        kept = (1 - 1 / (self.freedom * square).clamp(min=1e-12)).clamp(min=0)
        cut = self.cut[:, columns]
        latent = latent_correlation(covariance * kept, cut, cut, self.size / self.size.sum())
        latent = (latent + latent.T) / 2
        return latent.fill_diagonal_(1.0)

"""Resampled training individuals: the best fit that there can be, and the worst case of privacy."""

from __future__ import annotations

import torch
from torch import Tensor

from core.config.schema import NoSettings
from core.config.training import TrainingConfig
from core.models.base import Condition, DataSpec, Model, TrainData
from core.models.populations import group_codes, membership, population_count, row_blocks, uniform
from core.models.registry import models


@models.register(
    "resample",
    title="Resampled training individuals",
    colour="#d55e00",
    kind="genotypes",
    help="Training individuals drawn with replacement: every statistic right, nothing new; the privacy worst case.",
    source="the bootstrap: Efron 1979, Annals of Statistics 7:1, section 2 (the empirical distribution)",
    config=NoSettings,
)
class Resample(Model):
    """P(g) = 1/n Σ_i 1[g = g_i]: the empirical distribution of the training individuals.

    Asked for a population, it draws among that population's training individuals. Asked for phenotypes too, it takes
    the individual of that population whose standardised phenotypes lie nearest (squared difference over the phenotypes
    that are asked for; an individual without the phenotype counts as two, the expected value for a random pair), ties
    broken at random. Conditions drawn from the training individuals therefore give the bootstrap of genotypes and
    phenotypes together. The checkpoint holds the training genotypes themselves: share it as you would share the data.
    """

    calls: Tensor
    members: Tensor

    def __init__(self, config: NoSettings, spec: DataSpec, training: TrainingConfig) -> None:
        super().__init__(config, spec, training)
        self.populations = population_count(spec)
        self.register_buffer("calls", torch.empty(0, spec.variants, dtype=torch.int8))
        self.register_buffer("members", torch.zeros(self.populations + 1, dtype=torch.int64))

    def prepare(self, data: TrainData) -> None:
        """Keep the training individuals."""
        super().prepare(data)
        self.calls = data.calls.to(torch.int8).clone()
        self.members = membership(data.condition, self.populations).sum(1).long()

    def sample(self, n: int, condition: Condition | None, generator: torch.Generator) -> Tensor:
        """(n, m) int8 calls, each row one of the training rows."""
        wish = (condition or self.draw_condition(n, generator)).to(self.calls.device)
        group = group_codes(wish, self.members)
        kept = Condition(self.condition_labels, self.condition_phenotypes)
        belongs = membership(kept, self.populations) > 0
        picks = []
        for rows in row_blocks(n, len(self.calls)):
            distance = _phenotype_distance(wish.phenotypes[rows], self.condition_phenotypes)
            distance = distance.masked_fill(~belongs[group[rows]], torch.inf)
            nearest = distance <= distance.min(1, keepdim=True).values
            draw = uniform(tuple(nearest.shape), generator, self.calls.device)
            picks.append(draw.masked_fill(~nearest, -1.0).argmax(1))
        return self.calls[torch.cat(picks)]


def _phenotype_distance(wish: Tensor, known: Tensor) -> Tensor:
    """(b, n) squared difference of the phenotypes asked for (b, P) and known (n, P); zero where P is 0."""
    distance = torch.zeros(len(wish), len(known), device=wish.device)
    for asked, has in zip(wish.unbind(1), known.unbind(1), strict=True):
        gap = (asked[:, None] - has[None, :]).square()
        gap = torch.where(has.isnan()[None, :], 2.0, gap)
        distance += torch.where(asked.isnan()[:, None], 0.0, gap)
    return distance

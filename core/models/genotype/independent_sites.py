"""Independent sites: the null that knows every genotype frequency and no linkage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from core.config.schema import setting
from core.config.training import TrainingConfig
from core.models.base import Condition, DataSpec, Model, TrainData
from core.models.populations import (
    genotype_frequencies,
    group_codes,
    membership,
    population_count,
    row_blocks,
    uniform,
)
from core.models.registry import models


@dataclass(frozen=True)
class IndependentSitesConfig:
    """Settings of independent sites."""

    within_population: bool = setting(
        False,
        "Draw from the genotype frequencies of the individual's own population instead of the whole cohort's; "
        "the differences between populations then show as linkage.",
    )


@models.register(
    "independent_sites",
    title="Independent sites",
    colour="#e69f00",
    kind="genotypes",
    help="Each variant drawn on its own at its genotype frequency: perfect frequencies, no linkage; the null.",
    source="linkage equilibrium: P(g) = prod_j f_j(g_j), f_j the observed genotype frequencies",
    config=IndependentSitesConfig,
)
class IndependentSites(Model):
    r"""P(g | population k) = ∏_j f_kj(g_j), with f_kj(c) = #{i in k : g_ij = c} / n_k.

    f_kj → `cumulative[k, j]`, the sums f_kj(0), f_kj(0) + f_kj(1), …; a call is the number of these sums that a
    uniform number exceeds. Without `within_population` every individual is drawn from the whole cohort.
    Phenotypes are ignored: by construction no variant is associated with any.
    """

    in_memory: ClassVar[str] = ""
    config: IndependentSitesConfig
    cumulative: Tensor
    members: Tensor

    def __init__(self, config: IndependentSitesConfig, spec: DataSpec, training: TrainingConfig) -> None:
        super().__init__(config, spec, training)
        self.populations = population_count(spec) if config.within_population else 0
        groups = self.populations + 1
        self.register_buffer("cumulative", torch.ones(groups, spec.variants, spec.ploidy))
        self.register_buffer("members", torch.zeros(groups, dtype=torch.int64))

    def prepare(self, data: TrainData) -> None:
        """Count the genotypes of each group."""
        super().prepare(data)
        member = membership(data.condition, self.populations)
        frequency = genotype_frequencies(data.calls, member, self.spec.categories)
        self.cumulative = frequency.cumsum(-1)[..., :-1].float()
        self.members = member.sum(1).long()

    def sample(self, n: int, condition: Condition | None, generator: torch.Generator) -> Tensor:
        device = self.cumulative.device
        group = torch.zeros(n, dtype=torch.int64, device=device)
        if self.populations:
            group = group_codes(condition or self.draw_condition(n, generator), self.members)
        calls = torch.empty(n, self.spec.variants, dtype=torch.int8, device=device)
        for rows in row_blocks(n, self.spec.variants):
            draw = uniform((rows.stop - rows.start, self.spec.variants), generator, device)
            calls[rows] = count_exceeded(draw, self.cumulative, group[rows])
        return calls


def count_exceeded(value: Tensor, threshold: Tensor, group: Tensor) -> Tensor:
    """(b, m) int8 number of thresholds that each value reaches; value (b, m), threshold (G, m, ploidy), group (b,)."""
    calls = torch.zeros(value.shape, dtype=torch.int8, device=value.device)
    for code in torch.unique(group).tolist():
        rows = group == code
        for step in threshold[code].unbind(-1):
            calls[rows] += (value[rows] >= step).to(torch.int8)
    return calls

"""Haplotype mosaic: new individuals pieced together from the haplotypes of training individuals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from core.config.schema import more, setting
from core.config.training import TrainingConfig
from core.models.base import Condition, DataSpec, Model, TrainData
from core.models.copying import CopyingRates, estimate, gaps, miscopy_probability, switch_probability, watterson_theta
from core.models.copying_imputation import copied_probabilities
from core.models.phasing import phase
from core.models.populations import (
    genotype_frequencies,
    group_codes,
    membership,
    population_codes,
    population_count,
    row_blocks,
    uniform,
)
from core.models.registry import models

DONORS = 64  # training haplotypes that an individual to be imputed copies; time grows with their square


@dataclass(frozen=True)
class HaplotypeMosaicConfig:
    """Settings of the haplotype mosaic."""

    switch_rate: float | None = setting(
        None,
        "How often the copied haplotype changes; empty: from the data, or from the effective size.",
        unit="per base pair",
        low=0.0,
        high=1.0,
    )
    miscopy_rate: float | None = setting(
        None, "Share of alleles that are copied wrongly; empty: from the data.", low=0.0, high=0.5
    )
    effective_size: float | None = more(
        None,
        "Effective population size N: the switch rate is then 4 N r / K for recombination rate r and K haplotypes.",
        unit="individuals",
        low=1.0,
        high=1e9,
    )
    recombination_rate: float = more(
        1e-8, "Recombination rate r used with the effective size.", unit="per base pair", low=0.0, high=1.0
    )
    within_population: bool = setting(True, "Copy only from the individual's own population, where labels are known.")
    phasing_window: int = more(
        64, "Variants consulted to place a heterozygous call's alleles.", unit="variants", low=1, high=1024
    )


@models.register(
    "haplotype_mosaic",
    title="Haplotype mosaic",
    colour="#cc79a7",
    kind="genotypes",
    help="New haplotypes that copy stretches of the training haplotypes, switching at a rate per base pair.",
    source="Li & Stephens 2003, Genetics 165:2213, eqs. A1-A3",
    config=HaplotypeMosaicConfig,
)
class HaplotypeMosaic(Model):
    r"""Each new haplotype copies one of K training haplotypes of its population along the genome:

        P(switch between variants j-1 and j) = 1 − exp(−ρ d_j / K),  then any of the K with equal chance
        P(allele copied wrongly) = θ / (2 (K + θ))

    d_j is the distance in base pairs; contigs are unlinked. **Where any position is unknown** d_j is 1: the rate is
    then per variant, in file order. ρ and θ maximise the likelihood of held-out training haplotypes
    (`core.models.copying`; errors of phase count as switches) unless the settings give them; `switch_rate` is ρ / K.

    Diploid calls carry no phase: training individuals are phased statistically first (`core.models.phasing`). Copying
    stretches of whole diploid individuals would need no phase, but over a short region it returns training individuals,
    where pairs of haplotypes are new individuals. The two haplotypes of a new individual are drawn independently, but
    for the share F = max(0, 1 − H_observed / H_expected) of a population's individuals, whose second haplotype repeats
    the first: inbred lines stay inbred. Haploid data are copied as they are.

    Phenotypes are ignored. With n much above ρ · length most copies are long: privacy is weak in a short region. The
    checkpoint holds the phased training genotypes: share it as you would share the data.
    """

    imputes: ClassVar[bool] = True

    config: HaplotypeMosaicConfig
    panel: Tensor
    offset: Tensor
    inbreeding: Tensor
    rates: Tensor
    members: Tensor

    def __init__(self, config: HaplotypeMosaicConfig, spec: DataSpec, training: TrainingConfig) -> None:
        super().__init__(config, spec, training)
        self.populations = population_count(spec) if config.within_population else 0
        groups = self.populations + 1
        # Haplotypes sorted by group, so that each population is a range of rows.
        self.register_buffer("panel", torch.empty(0, spec.variants, dtype=torch.int8))
        self.register_buffer("offset", torch.zeros(groups, dtype=torch.int64))
        self.register_buffer("members", torch.zeros(groups, dtype=torch.int64))
        self.register_buffer("inbreeding", torch.zeros(groups))
        self.register_buffer("rates", torch.zeros(groups, 2, dtype=torch.float64))
        self.gap = torch.from_numpy(gaps(spec.position, spec.contig))

    def prepare(self, data: TrainData) -> None:
        """Phase, then estimate the rates."""
        super().prepare(data)
        device = data.calls.device
        member = membership(data.condition, self.populations)
        code = population_codes(data.condition).clamp(max=self.populations - 1)
        code = torch.where(code < 0, self.populations, code)
        order = code.argsort(stable=True)
        haplotypes = data.calls[order].to(torch.int8)
        if self.spec.ploidy == 2:
            contig = torch.from_numpy(self.spec.contig)
            haplotypes = phase(haplotypes, contig, self.config.phasing_window)
        owner = torch.arange(len(order), device=device).repeat_interleave(self.spec.ploidy)
        self.panel = haplotypes
        self.members = member.sum(1).long() * self.spec.ploidy
        starts = torch.searchsorted(code[order], torch.arange(self.populations, device=device))
        self.offset = torch.cat([starts, starts.new_zeros(1)]) * self.spec.ploidy
        self.inbreeding = _inbreeding(data.calls, member, self.spec.ploidy)
        self._set_rates(_estimate_or_given(self.config, haplotypes, code[order][owner], owner, self.gap.to(device)))

    def _set_rates(self, rates: CopyingRates) -> None:
        """Switch rate and miscopy probability of each group, for the size of its panel."""
        size = self.members.clamp(min=1).double()
        switch = rates.rho / size
        if self.config.switch_rate is not None:
            switch = torch.full_like(size, self.config.switch_rate)
        miscopy = miscopy_probability(rates.theta, size)
        if self.config.miscopy_rate is not None:
            miscopy = torch.full_like(size, self.config.miscopy_rate)
        self.rates = torch.stack([switch, miscopy], 1)

    def sample(self, n: int, condition: Condition | None, generator: torch.Generator) -> Tensor:
        device = self.panel.device
        group = torch.zeros(n, dtype=torch.int64, device=device)
        if self.populations:
            group = group_codes(condition or self.draw_condition(n, generator), self.members)
        calls = torch.empty(n, self.spec.variants, dtype=torch.int8, device=device)
        for rows in row_blocks(n, self.spec.variants):
            first = self._copy(group[rows], generator)
            calls[rows] = first
            if self.spec.ploidy == 2:
                second = self._copy(group[rows], generator)
                inbred = uniform((len(first),), generator, device) < self.inbreeding[group[rows]]
                calls[rows] += torch.where(inbred[:, None], first, second)
        return calls

    @torch.no_grad()
    def impute(self, calls: Tensor, condition: Condition | None, generator: torch.Generator) -> Tensor:
        """Exact for the nearest `DONORS` training haplotypes of any population; draws nothing."""
        switch = switch_probability(self.rates[-1:, :1], self.gap.to(self.panel.device)[None, :])[0]
        miscopy = float(self.rates[-1, 1])
        return copied_probabilities(calls, self.panel, switch, miscopy, ploidy=self.spec.ploidy, donors=DONORS)

    def _copy(self, group: Tensor, generator: torch.Generator) -> Tensor:
        """(b, m) int8 alleles of one new haplotype for each of b individuals."""
        b, m, device = len(group), self.spec.variants, self.panel.device
        columns = torch.arange(m, device=device)
        chance = switch_probability(self.rates[:, :1], self.gap.to(device)[None, :])[group]
        switch = uniform((b, m), generator, device) < chance
        start = torch.where(switch, columns, 0).cummax(1).values
        size = self.members[group, None]
        source = (uniform((b, m), generator, device).double() * size).long().clamp(max=size - 1)
        source = self.offset[group, None] + source.gather(1, start)
        allele = self.panel[source, columns]
        wrong = uniform((b, m), generator, device) < self.rates[group, 1:]
        return torch.where(wrong, 1 - allele, allele)


def _estimate_or_given(
    config: HaplotypeMosaicConfig, haplotypes: Tensor, group: Tensor, owner: Tensor, gap: Tensor
) -> CopyingRates:
    """ρ and θ from the settings where these decide both, else from the data; ρ is 4 N r where N is given."""
    theta = watterson_theta(len(haplotypes))
    given = CopyingRates(4 * (config.effective_size or 0.0) * config.recombination_rate, theta)
    decided = config.switch_rate is not None or config.effective_size is not None
    if decided and config.miscopy_rate is not None:
        return given
    found = estimate(haplotypes, group, owner, gap)
    return CopyingRates(given.rho if config.effective_size is not None else found.rho, found.theta)


def _inbreeding(calls: Tensor, member: Tensor, ploidy: int) -> Tensor:
    """(G,) float32 F of each group, 1 − H_observed / H_expected summed over variants, at least 0; 0 for haploids."""
    if ploidy != 2:
        return torch.zeros(len(member), device=calls.device)
    frequency = genotype_frequencies(calls, member, 3)
    allele = frequency[..., 1] / 2 + frequency[..., 2]
    size = member.sum(1).clamp(min=1)
    expected = (2 * allele * (1 - allele)).sum(1) * 2 * size / (2 * size - 1)
    return (1 - frequency[..., 1].sum(1) / expected.clamp(min=1e-12)).clamp(0.0, 1.0).float()

"""Neighbourhood mosaic: each new individual copies short stretches from training individuals of like ancestry."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from core.config.schema import more, setting
from core.config.training import TrainingConfig
from core.models.ancestry import classes
from core.models.base import UNKNOWN, Condition, DataSpec, Model, TrainData
from core.models.copying import CopyingRates, estimate, gaps, miscopy_probability, switch_probability
from core.models.phasing import phase
from core.models.populations import row_blocks, uniform
from core.models.registry import models

DONORS = 512  # the heaviest donors that are kept of each individual's; the others have a millionth of the weight
BALANCING = 40  # rounds of Sinkhorn's algorithm; sums of columns are then even to a few per mille
VARIANTS = 20_000  # on which the components rest at most, every so many-th of them
TRIED = 1600  # individuals on whose halves neighbours and length are chosen
NEIGHBOURS = (10, 30, 100)
LENGTHS = (1.0, 5.0, 25.0)
GROUP = 60  # individuals of like ancestry, among whom the rates of copying are estimated


@dataclass(frozen=True)
class NeighbourMosaicConfig:
    """Settings of the neighbourhood mosaic."""

    components: int = setting(
        12, "Principal components, at most, in which individuals are near or far; those of noise are left out.", low=1
    )
    neighbours: int | None = setting(
        None,
        "The kernel is as wide as the distance to this neighbour: more mix further and remember less; empty: chosen on "
        "two halves of the training individuals.",
        low=1,
    )
    stretch: float | None = setting(
        None,
        "Mean length of what is copied from one donor; empty: chosen in the same way.",
        unit="base pairs",
        low=1.0,
        high=1e12,
    )
    phasing_window: int = more(
        64, "Variants consulted to place a heterozygous call's alleles.", unit="variants", low=1, high=1024
    )


@models.register(
    "neighbour_mosaic",
    title="Neighbourhood mosaic",
    colour="#7b61c4",
    kind="genotypes",
    help="Copies short stretches from training individuals that are near in principal components: needs no labels.",
    source="Li & Stephens 2003, eqs. A2-A3; kernel: Zelnik-Manor & Perona 2004, eq. 3; balance: Sinkhorn 1964",
    config=NeighbourMosaicConfig,
)
class NeighbourMosaic(Model):
    r"""A new individual takes the place of a training individual i, and copies from those around i:

        w_ij ∝ exp(−d²_ij / (σ_i σ_j)),  w_ii = 0,  rows and columns of w scaled to sum to one

    d is the distance in standardised principal components, σ_i that from i to its `neighbours`-th neighbour. Each of
    the two haplotypes copies a donor j, drawn from w_i, until it switches, and then draws the next one (as the
    haplotype mosaic, whose donors are everybody of one population). Where an allele is copied wrongly, it is that of
    anybody: θ / (2 (K + θ)) of all alleles change by it, as there, and no frequency does. Individuals between two
    populations, which no label describes, are so drawn from donors between them. Even columns mean that every training
    individual gives as much as any other, so that expected allele frequencies are those of the training individuals.
    The individual in whose place a new one stands gives nothing.

    How far the kernel reaches and how long stretches are is settled on halves A and B of the training individuals: of
    `NEIGHBOURS` × `LENGTHS` that pair whose copies of A are told from B least, and lie little nearer to A than to B
    (AATS, Yale et al. 2020). Lengths are multiples of that which the likelihood of the copying
    process gives: errors of phase count as switches there, but a copy of a wrongly phased haplotype has them already.

    A condition on labels chooses among the individuals that have them; phenotypes are ignored. Two parents never
    share a stretch by descent but by chance: close relatives and inbreeding are weaker than in the data. The
    checkpoint holds the phased training genotypes: share it as you would share the data.
    """

    config: NeighbourMosaicConfig
    panel: Tensor  # (ploidy · n, m) int8 haplotypes, an individual's in a row
    donors: Tensor  # (n, q) int32 individuals, the heaviest first
    weights: Tensor  # (n, q) float32 cumulative weights of the donors
    rates: Tensor  # (2,) float64: mean switches a unit of distance, share of alleles that come from anybody

    def __init__(self, config: NeighbourMosaicConfig, spec: DataSpec, training: TrainingConfig) -> None:
        super().__init__(config, spec, training)
        self.register_buffer("panel", torch.empty(0, spec.variants, dtype=torch.int8))
        self.register_buffer("donors", torch.empty(0, 0, dtype=torch.int32))
        self.register_buffer("weights", torch.empty(0, 0))
        self.register_buffer("rates", torch.zeros(2, dtype=torch.float64))
        self.gap = torch.from_numpy(gaps(spec.position, spec.contig))

    def prepare(self, data: TrainData) -> None:
        """Phase, find the donors, estimate how long stretches are."""
        super().prepare(data)
        device, ploidy = data.calls.device, self.spec.ploidy
        self.panel = data.calls.to(torch.int8)
        if ploidy == 2:
            contig = torch.from_numpy(self.spec.contig)
            self.panel = phase(self.panel, contig, self.config.phasing_window)
        places = scores(data.calls, self.config.components)
        owner = torch.arange(len(data), device=device).repeat_interleave(ploidy)
        alike = classes(data.calls, max(1, min(32, len(data) // GROUP)))
        rates = estimate(self.panel, alike[owner], owner, self.gap.to(device))
        self._set_donors(places, *self._chosen(data.calls, places, rates), rates)

    def _set_donors(self, places: Tensor, neighbours: int, length: float, rates: CopyingRates) -> None:
        """Donors among individuals at `places` (n, d), and rates of copying with stretches `length` times as long."""
        weight = affinity(places, neighbours)
        top = weight.topk(min(DONORS, len(places)), dim=1)
        self.donors = top.indices.int()
        self.weights = (top.values / top.values.sum(1, keepdim=True)).cumsum(1)
        # As many haplotypes as would be copied with equal weights.
        size = self.spec.ploidy * (1 / weight.square().sum(1)).median().double()
        switch = rates.rho / size / length
        if self.config.stretch is not None:
            switch = torch.full_like(size, 1 / self.config.stretch)
        frequency = self.panel.double().mean(0)
        changed = (2 * frequency * (1 - frequency)).mean().clamp(min=1e-6)
        self.rates = torch.stack([switch, (miscopy_probability(rates.theta, size) / changed).clamp(max=1.0)])

    def _chosen(self, calls: Tensor, places: Tensor, rates: CopyingRates) -> tuple[int, float]:
        """Neighbours and length that serve best between halves of at most `TRIED` training individuals."""
        neighbours = [self.config.neighbours] if self.config.neighbours else NEIGHBOURS
        lengths = [1.0] if self.config.stretch else LENGTHS
        options = list(product(neighbours, lengths))
        if len(options) == 1 or len(calls) < GROUP:  # halves of fewer tell nothing
            return options[0]
        noise = torch.Generator(calls.device).manual_seed(self.training_config.seed)
        order = torch.randperm(len(calls), generator=noise, device=calls.device)[:TRIED]
        seen, unseen = order.chunk(2)
        panel = self.panel
        strands = torch.arange(self.spec.ploidy, device=calls.device)
        self.panel = panel[(seen[:, None] * self.spec.ploidy + strands).flatten()]
        errors = []
        for option in options:
            self._set_donors(places[seen], *option, rates)
            copies = self._copies(torch.arange(len(seen), device=calls.device), noise)
            errors.append(_told_apart(copies, calls[seen], calls[unseen]))
        self.panel = panel
        return options[errors.index(min(errors))]

    def sample(self, n: int, condition: Condition | None, generator: torch.Generator) -> Tensor:
        """int8 (n, m); without a condition every training individual is replaced as often as any other."""
        places = self._places(n, condition, generator)
        return self._copies(places, generator)

    def _copies(self, places: Tensor, generator: torch.Generator) -> Tensor:
        """(n, m) int8 individuals in the given places."""
        calls = torch.zeros(len(places), self.spec.variants, dtype=torch.int8, device=places.device)
        for rows in row_blocks(*calls.shape):
            for _ in range(self.spec.ploidy):
                calls[rows] += self._copy(places[rows], generator)
        return calls

    def _places(self, n: int, condition: Condition | None, generator: torch.Generator) -> Tensor:
        """(n,) training individuals in whose place the new ones stand: of the labels that are asked for, if any are."""
        total, device = len(self.donors), self.panel.device
        order = [torch.randperm(total, generator=generator, device=generator.device) for _ in range(-(-n // total))]
        places = torch.cat(order)[:n].to(device)
        if condition is None:
            return places
        labels = condition.labels.to(device)
        for asked in torch.unique(labels, dim=0):
            fits = ((asked == UNKNOWN) | (self.condition_labels == asked)).all(1).nonzero()[:, 0]
            rows = (labels == asked).all(1).nonzero()[:, 0]
            if len(fits) and bool((asked != UNKNOWN).any()):
                pick = torch.randint(len(fits), (len(rows),), generator=generator, device=generator.device)
                places[rows] = fits[pick.to(device)]
        return places

    def _copy(self, places: Tensor, generator: torch.Generator) -> Tensor:
        """(b, m) int8 alleles of one new haplotype in each of b places."""
        b, m, device = len(places), self.spec.variants, self.panel.device
        columns = torch.arange(m, device=device)
        chance = switch_probability(self.rates[:1, None], self.gap.to(device)[None, :])
        switch = uniform((b, m), generator, device) < chance
        start = torch.where(switch, columns, 0).cummax(1).values
        drawn = torch.searchsorted(self.weights[places], uniform((b, m), generator, device))
        donor = self.donors[places].long().gather(1, drawn.clamp(max=self.donors.shape[1] - 1))
        strand = (uniform((b, m), generator, device) * self.spec.ploidy).long()
        source = (donor * self.spec.ploidy + strand).gather(1, start)
        anybody = (uniform((b, m), generator, device) * len(self.panel)).long()
        wrong = uniform((b, m), generator, device) < self.rates[1]
        return self.panel[torch.where(wrong, anybody, source), columns]


def scores(calls: Tensor, components: int) -> Tensor:
    """(n, d) float32 principal component scores of calls (n, m) whose variants are scaled to variance one.

    d is at least 1, at most `components`: those that spread further than the first component of shuffled calls (each
    variant by itself; Horn 1965). In a linked region all do.
    """
    x = calls[:, :: -(-calls.shape[1] // VARIANTS)].float()
    x = (x - x.mean(0)) / x.std(0, correction=0).clamp(min=1e-6)
    d = max(1, min(components, len(x) - 1, x.shape[1]))
    u, values, _ = torch.svd_lowrank(x, min(d + 10, *x.shape), niter=6)
    shuffled = x.gather(0, torch.rand_like(x).argsort(0))
    edge = torch.svd_lowrank(shuffled, min(11, *x.shape), niter=6)[1][0]
    d = max(1, int((values[:d] > edge).sum()))
    return u[:, :d] * values[:d]


def affinity(places: Tensor, neighbours: int) -> Tensor:
    """(n, n) weights of individuals at `places` (n, d) for each other: even rows and columns, nothing to oneself."""
    n = len(places)
    if n == 1:
        return torch.ones(1, 1, device=places.device)
    squared = torch.cdist(places, places).square()
    squared.fill_diagonal_(torch.inf)
    width = squared.sort(1).values[:, min(neighbours, n - 1) - 1].clamp(min=1e-12).sqrt()
    weight = torch.exp(-squared / (width[:, None] * width[None, :]))
    for _ in range(BALANCING):
        weight = weight / weight.sum(1, keepdim=True).clamp(min=1e-30)
        weight = weight / weight.sum(0, keepdim=True).clamp(min=1e-30)
    return weight / weight.sum(1, keepdim=True).clamp(min=1e-30)


def _told_apart(copies: Tensor, seen: Tensor, unseen: Tensor) -> float:
    """How far copies of `seen` are from `unseen` in both parts of AATS, plus twice how much nearer they are to `seen`.

    The second term weighs as much as two parts: what looks like the unseen only by copying the seen gains nothing.
    """
    own = _nearest(copies, copies)[0]
    parts = []
    for real in (unseen, seen):
        to_real, to_copies = _nearest(copies, real)
        parts.append(((_nearest(real, real)[0] < to_copies).float().mean(), (own < to_real).float().mean()))
    (truth, made), near = parts[0], sum(parts[1]) / 2
    return float((truth - 0.5).abs() + (made - 0.5).abs() + 2 * ((truth + made) / 2 - near).abs())


def _nearest(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Distance to the nearest of b from each of a, and of a from each of b; no individual is its own neighbour."""
    distance = torch.cdist(a.float(), b.float())
    if a is b:
        distance.fill_diagonal_(torch.inf)
    return distance.amin(1), distance.amin(0)

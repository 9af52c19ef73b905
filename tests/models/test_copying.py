"""Li and Stephens' likelihood against enumeration, rates against simulated mosaics, phasing against the truth."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from core.models.copying import estimate, log_likelihood, miscopy_probability, switch_probability, watterson_theta
from core.models.phasing import phase


def enumerated(target: list[int], panel: list[list[int]], switch: list[float], miscopy: float) -> float:
    """The likelihood as a sum over every path of copied haplotypes."""
    size, total = len(panel), 0.0
    for path in itertools.product(range(size), repeat=len(target)):
        chance = 1 / size
        for j, source in enumerate(path):
            if j:
                chance *= switch[j] / size + (1 - switch[j]) * (path[j - 1] == source)
            chance *= 1 - miscopy if panel[source][j] == target[j] else miscopy
        total += chance
    return math.log(total)


def test_the_forward_algorithm_sums_over_all_paths() -> None:
    panel, targets = [[0, 1, 0, 1], [1, 1, 0, 0], [0, 0, 1, 1]], [[0, 1, 1, 1], [1, 1, 0, 1]]
    switch, miscopy = torch.tensor([[0.0, 0.1, 0.9, 0.3], [0.0, 0.0, 1.0, 0.5]]), torch.tensor([0.05, 0.2])
    found = log_likelihood(torch.tensor(targets), torch.tensor(panel), switch, miscopy)
    for r in range(2):
        expected = sum(enumerated(t, panel, switch[r].tolist(), miscopy[r].item()) for t in targets)
        assert found[r].item() == pytest.approx(expected, rel=1e-6)


def test_rates_of_a_simulated_mosaic_are_found() -> None:
    rng = np.random.default_rng(5)
    m, size, switch, miscopy = 600, 60, 0.05, 0.01
    founders = (rng.random((size, m)) < 0.4).astype(np.int8)
    jump = rng.random((40, m)) < switch
    jump[:, 0] = True
    start = np.maximum.accumulate(np.where(jump, np.arange(m), 0), axis=1)
    copies = founders[np.take_along_axis(rng.integers(0, size, (40, m)), start, 1), np.arange(m)]
    copies ^= (rng.random((40, m)) < miscopy).astype(np.int8)
    # The true panel as it stands, the mosaics as targets: the likelihood is greatest near the rates that made them.
    grid = torch.tensor([0.25, 0.5, 1, 2, 4]) * switch
    fits = log_likelihood(
        torch.tensor(copies), torch.tensor(founders), grid[:, None].expand(5, m), torch.full((5,), miscopy)
    )
    assert int(fits.argmax()) == 2


def test_rho_is_a_rate_of_the_population_and_not_of_the_panel() -> None:
    rng = np.random.default_rng(6)
    ancestors = (rng.random((8, 400)) < 0.5).astype(np.int8)
    jump = rng.random((160, 400)) < 0.02
    jump[:, 0] = True
    start = np.maximum.accumulate(np.where(jump, np.arange(400), 0), axis=1)
    haplotypes = torch.tensor(ancestors[np.take_along_axis(rng.integers(0, 8, (160, 400)), start, 1), np.arange(400)])
    owner, group = torch.arange(80).repeat_interleave(2), torch.zeros(160, dtype=torch.int64)
    torch.manual_seed(0)
    per_step = estimate(haplotypes, group, owner, torch.full((400,), 1.0))
    torch.manual_seed(0)
    per_base = estimate(haplotypes, group, owner, torch.full((400,), 1000.0))
    assert per_base.rho == pytest.approx(per_step.rho / 1000, rel=1e-6)
    # True switches happen at 0.02 a step; a copier of 150 descendants needs some of them, and seldom more.
    assert 0.002 < per_step.rho / 148 < 0.04
    assert float(miscopy_probability(per_step.theta, torch.tensor(148.0))) < 0.01


def test_too_few_haplotypes_copy_whole_haplotypes() -> None:
    few = estimate(torch.zeros(4, 10, dtype=torch.int8), torch.zeros(4), torch.arange(4), torch.ones(10))
    assert few.rho == 0
    assert few.theta == watterson_theta(4)


def test_contigs_are_unlinked_and_equal_positions_completely_linked() -> None:
    chance = switch_probability(torch.tensor([[0.0], [0.5]]), torch.tensor([[torch.inf, 0.0, 2.0]]))
    expected = torch.tensor([[1.0, 0.0, 0.0], [1.0, 0.0, 1 - math.exp(-1.0)]])
    torch.testing.assert_close(chance, expected)


def founders_cohort(n: int, m: int, seed: int) -> torch.Tensor:
    """(2n, m) haplotypes, long copies of ten founders: strongly linked."""
    rng = np.random.default_rng(seed)
    founders = (rng.random((10, m)) < rng.uniform(0.1, 0.9, m)).astype(np.int8)
    jump = rng.random((2 * n, m)) < 0.02
    jump[:, 0] = True
    start = np.maximum.accumulate(np.where(jump, np.arange(m), 0), axis=1)
    return torch.tensor(founders[np.take_along_axis(rng.integers(0, 10, (2 * n, m)), start, 1), np.arange(m)])


def switch_error(found: torch.Tensor, truth: torch.Tensor) -> float:
    """Share of successive heterozygous calls between which the found phase changes against the true one."""
    wrong = pairs = 0
    for a, b, c in zip(found[::2], truth[::2], truth[1::2], strict=True):
        site = torch.nonzero(b != c)[:, 0]
        agrees = a[site] == b[site]
        wrong += int((agrees[1:] != agrees[:-1]).sum())
        pairs += max(0, len(site) - 1)
    return wrong / pairs


def test_haplotypes_add_up_to_the_calls_and_follow_the_truth() -> None:
    truth = founders_cohort(300, 120, seed=1)
    calls = truth[::2] + truth[1::2]
    torch.manual_seed(0)
    found = phase(calls, torch.zeros(120, dtype=torch.int64), window=32)
    assert torch.equal(found[::2] + found[1::2], calls)
    assert switch_error(found, truth) < 0.15


def test_phase_is_a_coin_where_a_contig_begins() -> None:
    calls = torch.ones(400, 2, dtype=torch.int8)
    torch.manual_seed(0)
    first = phase(calls, torch.tensor([0, 1]), window=8)[::2].float()
    assert abs(float(torch.corrcoef(first.T)[0, 1])) < 0.2
    assert 0.4 < float(first.mean()) < 0.6


def test_real_haplotypes_are_phased_better_than_one_in_ten(shared: Path) -> None:
    cyvcf2 = pytest.importorskip("cyvcf2")
    path = shared / "data" / "human-1kg-chr1" / "example.vcf.gz"
    columns = []
    for record in cyvcf2.VCF(str(path)):
        alleles = record.genotype.array()[:1000, :2]
        if record.is_snp and len(record.ALT) == 1 and 0.05 < alleles.mean() < 0.95:
            columns.append(alleles.reshape(-1))
        if len(columns) == 200:
            break
    truth = torch.tensor(np.array(columns).T.astype(np.int8))
    found = phase(truth[::2] + truth[1::2], torch.zeros(truth.shape[1], dtype=torch.int64), window=64)
    assert switch_error(found, truth) < 0.1

"""Imputation by copying against enumeration of every path of donors, and on copies of founders."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from core.models import copying_imputation
from core.models.copying_imputation import copied_probabilities, nearest
from tests.models.test_baselines import fitted, train_data

PANEL = [[0, 1, 0, 1, 1], [1, 1, 0, 0, 0], [0, 0, 1, 1, 0]]
SWITCH = torch.tensor([1.0, 0.1, 0.9, 0.3, 0.0])
MISCOPY = 0.07


def haplotype(alleles: tuple[int, ...]) -> float:
    """P(alleles) as a sum over every path of copied donors."""
    size, total = len(PANEL), 0.0
    for path in itertools.product(range(size), repeat=len(alleles)):
        chance = 1 / size
        for j, donor in enumerate(path):
            if j:
                r = float(SWITCH[j])
                chance *= r / size + (1 - r) * (path[j - 1] == donor)
            chance *= 1 - MISCOPY if PANEL[donor][j] == alleles[j] else MISCOPY
        total += chance
    return total


def enumerated(calls: list[int], ploidy: int) -> torch.Tensor:
    """(m, ploidy + 1) posterior of each genotype: every pair of haplotypes that agrees with the known calls."""
    m = len(calls)
    every = {a: haplotype(a) for a in itertools.product((0, 1), repeat=m)}
    result = torch.zeros(m, ploidy + 1)
    for strands in itertools.product(every.items(), repeat=ploidy):
        genotype = np.sum([alleles for alleles, _ in strands], axis=0)
        if all(c in (-1, g) for c, g in zip(calls, genotype, strict=True)):
            weight = float(np.prod([p for _, p in strands]))
            for j, g in enumerate(genotype):
                result[j, g] += weight
    return result / result.sum(1, keepdim=True)


@pytest.mark.parametrize(
    ("calls", "ploidy"), [([1, -1, 0, -1, 1], 2), ([-1, 2, -1, 1, -1], 2), ([-1] * 5, 2), ([1, -1, 0, -1, -1], 1)]
)
def test_the_posterior_is_that_of_every_pair_of_paths(calls: list[int], ploidy: int) -> None:
    panel, matrix = torch.tensor(PANEL, dtype=torch.int8), torch.tensor([calls], dtype=torch.int8)
    found = copied_probabilities(matrix, panel, SWITCH, MISCOPY, ploidy=ploidy, donors=3)[0]
    torch.testing.assert_close(found, enumerated(calls, ploidy), rtol=1e-4, atol=1e-5)


def test_memory_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    panel = torch.tensor(rng.integers(0, 2, (30, 50)).astype(np.int8))
    calls = torch.tensor(rng.integers(-1, 3, (9, 50)).astype(np.int8))
    switch = torch.full((50,), 0.1)
    whole = copied_probabilities(calls, panel, switch, 0.01, ploidy=2, donors=10)
    monkeypatch.setattr(copying_imputation, "ENTRIES", 1)
    torch.testing.assert_close(copied_probabilities(calls, panel, switch, 0.01, ploidy=2, donors=10), whole)
    torch.testing.assert_close(whole.sum(2), torch.ones(9, 50))


def test_donors_are_those_that_the_homozygous_calls_do_not_rule_out() -> None:
    panel = torch.tensor([[0, 0, 0, 0], [1, 1, 1, 1], [1, 0, 1, 0]], dtype=torch.int8)
    calls = torch.tensor([[2, 1, 2, 0], [0, -1, 0, 1]], dtype=torch.int8)
    assert nearest(calls, panel, 2, 1)[:, 0].tolist() == [2, 0]


def test_a_mosaic_finds_the_hidden_calls_of_copies_of_founders() -> None:
    rng = np.random.default_rng(3)
    founders = (rng.random((8, 60)) < 0.5).astype(np.int8)
    jump = rng.random((440, 60)) < 0.03
    jump[:, 0] = True
    start = np.maximum.accumulate(np.where(jump, np.arange(60), 0), axis=1)
    strands = founders[np.take_along_axis(rng.integers(0, 8, (440, 60)), start, 1), np.arange(60)]
    calls = strands[::2] + strands[1::2]
    model = fitted("haplotype_mosaic", train_data(calls[:200]))
    truth = torch.tensor(calls[200:])
    masked = truth.clone()
    masked[:, ::3] = -1
    dosage = model.impute(masked, None, torch.Generator()) @ torch.arange(3.0)
    r = [np.corrcoef(dosage[:, j], truth[:, j])[0, 1] for j in range(0, 60, 3)]
    assert np.mean(np.square(r)) > 0.75
    assert torch.equal(dosage[masked >= 0], truth[masked >= 0].float())

"""The closed-form start: exact frequencies, linkage near the data's, classes where populations are."""

from __future__ import annotations

import numpy as np
import torch

from core.models import factors
from core.models.adversarial import bias_correction
from core.models.base import Condition
from core.models.gumbel import one_hot, planes_softmax
from core.models.moments import Moments


def linked(n: int, seed: int = 0) -> torch.Tensor:
    """60 variants in blocks of three, linked within a block by a common normal factor."""
    rng = np.random.default_rng(seed)
    common = np.repeat(rng.normal(size=(n, 20)), 3, axis=1)
    liability = 0.9 * common + np.sqrt(1 - 0.81) * rng.normal(size=(n, 60))
    cuts = np.sort(rng.uniform(-1, 1, (2, 60)), axis=0)
    return torch.from_numpy((liability[None] > cuts[:, None]).sum(0).astype(np.int8))


def simulate(model: factors.Factors, n: int, group: int) -> torch.Tensor:
    dose = torch.arange(model.intercepts.shape[1])[None, :, None]
    latent = torch.randn(n, model.slopes.shape[1], generator=torch.Generator().manual_seed(1))
    return planes_softmax(model.intercepts[group] + dose * (latent @ model.slopes.T)[:, None])


def test_frequencies_of_each_group_are_exact_and_linkage_is_near() -> None:
    calls = linked(2000)
    group = torch.arange(2000) % 2 + 1
    calls[group == 2] = 2 - calls[group == 2]
    model = factors.fit(calls, group, 3, 3, 30)
    wanted = factors.group_frequencies(calls, group, 3, 3)
    for a in (1, 2):
        p = simulate(model, 8_000, a)
        torch.testing.assert_close(p.mean(0), wanted[a], atol=0.03, rtol=0)
    p = simulate(model, 8_000, 1)
    expected = p[:, 1] + 2 * p[:, 2]
    covariance = torch.cov(expected.T)
    real = torch.cov(calls[group == 1].float().T)
    block = [(i, i + 1) for i in range(0, 60, 3)]
    ratio = sum(covariance[i, j] for i, j in block) / sum(real[i, j] for i, j in block)
    assert 0.85 < float(ratio) < 1.1


def test_independent_variants_get_no_factor() -> None:
    calls = torch.from_numpy(np.random.default_rng(2).binomial(2, 0.4, (2000, 50)).astype(np.int8))
    model = factors.fit(calls, torch.zeros(2000, dtype=torch.int64), 1, 3, 20)
    assert float(model.slopes.square().sum(1).mean()) < 0.05


def test_classes_find_separate_populations() -> None:
    rng = np.random.default_rng(3)
    frequency = rng.uniform(0.05, 0.95, (3, 200))
    truth = np.repeat([0, 1, 2], 100)
    calls = torch.from_numpy(rng.binomial(2, frequency[truth]).astype(np.int8))
    found = factors.classes(calls, 3).numpy()
    assert len({(a, b) for a, b in zip(truth, found, strict=True)}) == 3


def test_moment_errors_vanish_on_the_data_and_see_what_is_wrong() -> None:
    calls = linked(2000)
    nobody = Condition(torch.empty(2000, 0, dtype=torch.int64), torch.empty(2000, 0))
    moments = Moments(calls, nobody, 3)
    right = moments(one_hot(calls, 3), nobody)
    assert abs(float(right["frequency"])) < 1e-3
    assert abs(float(right["linkage"])) < 1e-3
    shuffled = torch.stack([calls[torch.randperm(2000), j] for j in range(60)], dim=1)
    unlinked = moments(one_hot(shuffled, 3), nobody)
    assert float(unlinked["linkage"]) > 0.01
    shifted = moments(one_hot(torch.zeros_like(calls), 3), nobody)
    assert float(shifted["frequency"]) > 0.1


def test_bias_correction_makes_frequencies_exact() -> None:
    logits = torch.randn(500, 3, 40) * 2
    target = torch.rand(3, 40) + 0.05
    target = target / target.sum(0)
    correction = bias_correction(logits, target)
    torch.testing.assert_close(planes_softmax(logits + correction).mean(0), target, atol=2e-3, rtol=0)

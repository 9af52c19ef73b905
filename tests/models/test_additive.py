"""Additive effects: their ridge against the textbook form, and Bayes' rule where it can be written out."""

from __future__ import annotations

import numpy as np
import torch

from core.models.additive import AdditiveEffects


def cohort(n: int = 400, m: int = 40, heritability: float = 0.6) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(0)
    calls = rng.binomial(2, rng.uniform(0.2, 0.8, m), (n, m))
    value = calls @ rng.normal(size=m)
    value = (value - value.mean()) / value.std()
    y = heritability**0.5 * value + (1 - heritability) ** 0.5 * rng.normal(size=n)
    y = (y - y.mean()) / y.std()
    return torch.from_numpy(calls).to(torch.int8), torch.from_numpy(y)[:, None].float(), torch.from_numpy(value).float()


def test_effects_are_those_of_ridge_regression_and_predict_the_genetic_value() -> None:
    calls, y, value = cohort()
    model = AdditiveEffects(40, 1)
    model.fit(calls, y)
    x = calls.double() - calls.double().mean(0)
    gram, target = x.T @ x, x.T @ (y.double() - y.double().mean())
    ridges = [r * x.var(0, correction=0).sum() for r in (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)]
    ours = model.effects.double()
    best = min(float((torch.linalg.solve(gram + r * torch.eye(40), target) - ours).abs().max()) for r in ridges)
    assert best < 1e-4
    assert np.corrcoef(model(calls)[:, 0], value)[0, 1] > 0.9
    assert 0.35 < float(model.noise) < 0.6  # 0.4 and what is uncertain of the effects


def test_a_phenotype_of_noise_and_one_that_is_unknown_change_nothing() -> None:
    calls, _, _ = cohort()
    nothing = torch.stack([torch.full((400,), torch.nan), torch.zeros(400)], 1)
    model = AdditiveEffects(40, 2)
    model.fit(calls, nothing)
    assert float(model.effects.abs().max()) == 0.0
    assert float(model.tilt(torch.rand(3, 3, 40), torch.ones(3, 2)).abs().max()) == 0.0
    fitted = AdditiveEffects(40, 1)
    fitted.fit(calls, cohort()[1])
    assert float(fitted.tilt(torch.rand(3, 3, 40), torch.full((3, 1), torch.nan)).abs().max()) == 0.0


def test_the_tilt_is_bayes_rule_for_many_independent_calls() -> None:
    """With small effects g given y is normal to first order: E[β'g | y] = μ + V (y − μ) / (V + σ²)."""
    m = 400
    model = AdditiveEffects(m, 1)
    model.effects[:] = 0.04 * torch.randn(m, 1, generator=torch.Generator().manual_seed(0))
    model.mean[:] = 1.0
    model.noise[:] = 0.5
    probabilities = torch.tensor([0.25, 0.5, 0.25])[None, :, None].expand(1, 3, m)
    variance = float(0.5 * model.effects.square().sum())
    for y in (-2.0, 0.0, 1.0):
        tilted = (probabilities.log() + model.tilt(probabilities, torch.tensor([[y]]))).softmax(1)
        dosage = tilted[:, 1] + 2 * tilted[:, 2]
        value = float((dosage - 1) @ model.effects)
        np.testing.assert_allclose(value, y * variance / (variance + 0.5), rtol=0.05, atol=1e-5)

"""The training benchmark runs on a toy; how fast it is, is for the benchmark itself to say."""

from __future__ import annotations

import json

import pytest
import torch

from core.bench import training
from core.bench.published import Plain, PlainGan, PlainPcaDiffusion, PlainVae, PlainWganGp
from core.config.experiments import names
from core.errors import InputError

FAMILIES = [name for name in training.FAMILIES if name in names("genotypes")]


@pytest.mark.parametrize("family", FAMILIES)
def test_it_reports_both_sides(family: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--families", family, "--variants", "40", "--individuals", "256", "--epochs", "1", "--json"]
    status = training.main(words)
    result = json.loads(capsys.readouterr().out)
    assert status == (0 if result["passed"] else 1)
    row = result["families"][family]
    assert min(row["ratio"], row["seconds_ours"], row["seconds_plain"], row["teraflops"]) > 0
    assert "times as fast" in training.summary(row)


def test_a_family_without_a_plain_twin_is_refused() -> None:
    with pytest.raises(InputError, match="no plain implementation of 'resample'"):
        training.main(["--families", "resample"])


@pytest.mark.parametrize(
    "plain",
    [
        PlainVae(30, 4, [16, 8], [8, 16]),
        PlainGan(30, 8, [16, 16], [16, 8]),
        PlainWganGp(30, 8, [16, 16], [16, 8]),
        PlainPcaDiffusion(6, 50, 9),
    ],
    ids=lambda plain: type(plain).__name__,
)
def test_the_plain_implementations_learn(plain: Plain) -> None:
    """The loss of what they train first falls, or the comparison would be with something that does not train."""
    torch.manual_seed(0)
    loader = plain.loader(torch.randint(0, 3, (256, 30), dtype=torch.int8), 64)
    real = next(iter(loader))[0]

    def loss() -> float:
        torch.manual_seed(1)
        if isinstance(plain, PlainWganGp):
            return float(plain.critic_loss(real, plain.fake(plain.noise(64)), torch.full((64, 1, 1), 0.5)).detach())
        if isinstance(plain, PlainGan):
            return float((plain.loss(real, 1.0) + plain.loss(plain.fake(plain.noise(64)), 0.0)).detach())
        assert isinstance(plain, PlainVae | PlainPcaDiffusion)
        return float(plain.loss(real).detach())

    first = loss()
    for _ in range(6):
        for _ in plain.epoch(loader):
            pass
    assert loss() < first


def test_real_calls_are_softened_on_the_simplex() -> None:
    calls = torch.randint(0, 3, (64, 30), dtype=torch.int8)
    (real,) = next(iter(PlainGan(30, 8, [16], [16]).loader(calls, 64)))
    assert torch.allclose(real.sum(-1), torch.ones(64, 30), atol=1e-5)
    assert float(real.max(-1).values.min()) > 0.9 and 0 < float(real.min()) < 0.025


def test_the_plain_diffusion_trains_on_scores_that_hold_the_variance() -> None:
    calls = torch.randint(0, 3, (64, 8), dtype=torch.int8)
    (scores,) = next(iter(PlainPcaDiffusion(8, 50, 8).loader(calls, 64)))
    assert float(scores.var(0).sum()) == pytest.approx(float(calls.double().var(0).sum()), rel=1e-5)


def test_products_are_counted_through_a_gradient_of_a_gradient() -> None:
    """y = (x W)^2: the forward product, two for its gradient to x, which is kept, and their own."""
    x, w = torch.randn(4, 3, requires_grad=True), torch.randn(3, 5, requires_grad=True)
    with training.Products() as counter:
        y = (x @ w).square().sum()
        assert counter.total == 2 * 4 * 3 * 5
        (slope,) = torch.autograd.grad(y, x, create_graph=True)
        assert counter.total == 2 * 2 * 4 * 3 * 5
        torch.autograd.grad(slope.square().sum(), w)
    assert counter.total >= 4 * 2 * 4 * 3 * 5

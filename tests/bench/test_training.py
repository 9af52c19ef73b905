"""The training benchmark runs on a toy and counts its products; how fast it is, is for the benchmark itself to say."""

from __future__ import annotations

import json

import pytest
import torch

from core.bench import training
from core.bench.published import PlainWganGp


def test_it_reports_both_sides(capsys: pytest.CaptureFixture[str]) -> None:
    status = training.main(["--variants", "40", "--individuals", "256", "--epochs", "1", "--json"])
    result = json.loads(capsys.readouterr().out)
    assert status == (0 if result["passed"] else 1)
    assert result["ratio"] > 0
    assert result["seconds_ours"] > 0
    assert result["seconds_plain"] > 0
    assert "times as fast" in training.summary(result)


def test_the_plain_implementation_learns() -> None:
    """Its critic's loss falls, or the comparison would be with something that does not train."""
    torch.manual_seed(0)
    plain = PlainWganGp(30, 8, [16, 16], [16, 8])
    loader = plain.loader(torch.randint(0, 3, (256, 30), dtype=torch.int8), 64)
    real = next(iter(loader))[0]
    assert torch.allclose(real.sum(-1), torch.ones(64, 30), atol=1e-5)
    before = [p.clone() for p in plain.generator.parameters()]

    def loss() -> float:
        fake = plain.fake(torch.randn(64, 8), 1.0)
        return float(plain.critic_loss(real, fake, torch.full((64, 1, 1), 0.5)).detach())

    first = loss()
    for _ in range(4):
        for _ in plain.epoch(loader, 1.0):
            pass
    assert loss() < first
    assert any(not torch.equal(a, b) for a, b in zip(before, plain.generator.parameters(), strict=True))

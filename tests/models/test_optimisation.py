"""The course of the learning rate and the average of the weights, against their formulas."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from core.models.optimisation import average, cosine_rate


def test_the_rate_rises_in_a_line_and_falls_along_a_cosine() -> None:
    progress = torch.linspace(0, 1, 101)
    rate = cosine_rate(progress, floor=0.05, warm_up=0.1)
    assert rate[0] > 0 and rate[10] == pytest.approx(1.0)
    torch.testing.assert_close(rate[:11].diff(), rate[:11].diff().mean().expand(10))
    torch.testing.assert_close(rate[10:], 0.05 + 0.475 * (1 + torch.cos(math.pi * (progress[10:] - 0.1) / 0.9)))
    assert (cosine_rate(progress, floor=1.0) == 1).all()


@pytest.mark.parametrize(("decay", "share"), [(0.0, 1.0), (0.99, 9 / 19), (0.3, 0.7)])
def test_the_average_forgets_its_first_weights_and_keeps_no_buffer_of_its_own(decay: float, share: float) -> None:
    averaged, present, updates = nn.BatchNorm1d(2), nn.BatchNorm1d(2), torch.full((), 9.0)
    nn.init.constant_(averaged.weight, 0.0)
    present.running_mean = torch.tensor([1.0, 2.0])
    average(averaged, present, updates, decay)
    torch.testing.assert_close(averaged.weight, torch.full((2,), share))
    assert updates == 10 and torch.equal(averaged.running_mean, torch.tensor([1.0, 2.0]))

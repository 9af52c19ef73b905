"""A training by steps: the same as the loop's own, however it is cut, and without touching anybody else's chance."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.data.library import Library
from core.errors import InputError
from core.lessons.by_steps import ByStep


@pytest.mark.parametrize("preset", ["vae", "gan_published", "wgan_gp", "pca_diffusion_published", "rbm", "hidden_tree"])
def test_ten_steps_are_ten_times_one(preset: str) -> None:
    demo = Library().open("demo")
    whole, cut = ByStep(preset, demo, 3), ByStep(preset, demo, 3)
    before = torch.get_rng_state()
    whole.advance(10)
    for _ in range(10):
        cut.advance(1)
    assert torch.equal(torch.get_rng_state(), before)
    for name, layer in whole.layers().items():
        # Equal but for the order in which a processor adds up, which depends on where an array lies in memory.
        np.testing.assert_allclose(layer.value, cut.layers()[name].value, rtol=0, atol=1e-6)
    assert all(len(values) == 10 for values in whole.losses.values())
    assert any(layer.change > 0 for layer in whole.layers().values())
    np.testing.assert_array_equal(whole.samples(), whole.samples())


def test_an_epoch_ends_where_every_individual_was_seen_and_another_begins() -> None:
    training = ByStep("gan_published", Library().open("demo"), 1)
    training.advance(2)
    training.epoch()
    assert (training.clock.epoch, training.clock.position, training.moved) == (1, 0, training.clock.steps_per_epoch - 2)
    training.epoch()
    assert training.clock.epoch == 2


def test_learning_brings_the_frequencies_of_a_model_from_nothing_nearer() -> None:
    training = ByStep("gan_published", Library().open("demo"), 1)

    def gap() -> float:
        return float(np.abs(training.samples().mean(axis=0) - training.real.mean(axis=0)).mean())

    first = gap()
    training.advance(200)
    assert gap() < 0.7 * first  # .47 and .54 of it with two seeds


def test_a_model_in_closed_form_takes_no_steps() -> None:
    with pytest.raises(InputError, match="closed form"):
        ByStep("gaussian_copula", Library().open("demo"), 1)

"""One walk: its number, its curve and its picture are the same arrays, and its ends are the real sets."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from core.errors import InputError
from core.evaluation.transport import sample_w2
from core.latents.walk import OBSERVATIONS, Walk, far_apart, walk_between
from core.modalities.image import Image
from core.modalities.vector import Vector
from tests.sets import from_groups


class Mean:
    """A lens whose latent is the mean, and which generates noise around it and around a detour on the way."""

    def embed(self, x: Any) -> Any:
        return x.reshape(len(x), -1).mean(axis=0).astype(np.float32)

    def generate(self, z: Any, n: int, seed: int, alike: bool = False) -> Any:
        noise = np.random.default_rng(seed).normal(size=(n, z.shape[1]))
        bend = 3 * np.sin(z[:, :1] / 5 * np.pi) * [0, 1]
        return (z[:, None] + noise + bend[:, None]).astype(np.float32)


LENS: Any = Mean()


@pytest.fixture
def walk() -> Walk:
    rng = np.random.default_rng(0)
    return Walk(LENS, Vector((2,)), rng.normal(size=(60, 2)), rng.normal([5, 0], size=(80, 2)), n=50, seed=3)


def test_transport_and_mixture_begin_and_end_at_the_real_sets(walk: Walk) -> None:
    first, half, last = walk.moments(3)
    for end, real in ((first, walk.real[0]), (last, walk.real[1])):
        rows = set(map(tuple, real.astype(np.float32)))
        assert set(map(tuple, end.transport)) <= rows and set(map(tuple, end.mixture)) <= rows
    # Half of the mass has moved half of the way: transport passes between, the mixture does not.
    assert np.abs(half.transport[:, 0] - 2.5).mean() < 1.2 and np.abs(half.mixture[:, 0] - 2.5).mean() > 2
    share = sample_w2(first.transport, half.transport) / sample_w2(first.transport, last.transport)
    assert share == pytest.approx(0.5, abs=1e-6)


def test_number_curve_and_picture_are_the_same_arrays(walk: Walk) -> None:
    straying = walk.straying(5)
    scale = np.concatenate(walk.real).std(axis=0)
    k = straying.observations
    assert straying.t.tolist() == [0, 0.25, 0.5, 0.75, 1] and k == 50
    for i, t in enumerate(straying.t):
        drawn = walk.at(t)
        assert drawn is straying.moments[i]
        for part, curve in (("generated", straying.generated), ("mixture", straying.mixture)):
            a, b = (np.asarray(x, dtype=float) / scale for x in (getattr(drawn, part), drawn.transport))
            size = k if part == "generated" else len(b)
            assert curve[i] == pytest.approx(sample_w2(a[:size], b[:size]))
    largest, ends = max(straying.generated), max(straying.generated[0], straying.generated[-1])
    assert straying.deviation == (largest - ends) / straying.distance > 0.1
    assert straying.mixture[0] == straying.mixture[-1] == 0
    exported = straying.arrays()
    np.testing.assert_array_equal(exported["generated"][2], walk.at(0.5).generated)
    assert exported["generated_gap"] is straying.generated


def test_the_noise_is_the_same_at_every_moment_and_the_ends_can_be_left(walk: Walk) -> None:
    noise = [m.generated[:, 0] - m.latent[0] for m in walk.moments(5, -0.5, 1.5)]
    np.testing.assert_allclose(noise, [noise[0]] * 5, atol=1e-5)
    before, after = walk.at(-0.5), walk.at(1.5)
    np.testing.assert_array_equal(before.mixture, walk.at(0).mixture)
    np.testing.assert_allclose(
        after.transport - walk.at(1).transport, walk.at(0).transport - before.transport, atol=1e-5
    )


def test_images_stay_images() -> None:
    rng = np.random.default_rng(1)
    dark, light = rng.integers(0, 99, (9, 1, 1, 2)), rng.integers(99, 255, (7, 1, 1, 2))

    class Pixels(Mean):
        def generate(self, z: Any, n: int, seed: int, alike: bool = False) -> Any:
            return np.repeat(z[:, None].reshape(-1, 1, 1, 1, 2), n, axis=1)

    walk = Walk(Pixels(), Image((1, 1, 2)), dark, light, n=4)  # type: ignore[arg-type]
    assert walk.at(0.5).transport.shape == (7, 1, 1, 2) and walk.at(0.5).generated.shape == (4, 1, 1, 2)
    pixels = np.concatenate([dark, light])
    assert walk.straying(3).mixture[1] == pytest.approx(
        sample_w2(*(m.reshape(7, -1) for m in (walk.at(0.5).mixture, walk.at(0.5).transport)))
        / np.sqrt(pixels.var(axis=0).mean())
    )


def test_sets_are_found_by_name_and_large_ones_are_thinned() -> None:
    x = np.random.default_rng(2).normal(size=(1000, 2)).astype(np.float32)
    sets = from_groups(x, np.repeat(["left", "right"], 500))
    assert len(walk_between(LENS, sets, "left", "right", n=10).pairs[0]) == OBSERVATIONS
    assert len(walk_between(LENS, sets, "left", "right", n=400).pairs[0]) == 400
    with pytest.raises(InputError, match="'left'"):
        walk_between(LENS, sets, "lef", "right")


def test_a_walk_begins_with_sets_that_have_observations() -> None:
    latents = np.array([[90.0], [0], [99], [5], [-80], [6]])
    sets: Any = SimpleNamespace(set_id=np.array(list("abcdef")), sizes=np.array([1, 12, 1, 30, 1, 15]))
    assert far_apart(sets, latents) == ("b", "f", "d")
    sets.sizes = np.ones(6)
    assert far_apart(sets, latents)[:2] == ("a", "e")

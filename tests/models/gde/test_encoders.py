"""Every encoder depends on the empirical distribution alone."""

import pytest
import torch

from core.modalities.base import Observation
from core.modalities.image import Image
from core.modalities.sequence import Sequence
from core.modalities.vector import Vector
from core.models.gde.base import Encoder, encoders

VECTORS = (5,)
IMAGES = (2, 12, 12)
LETTERS = (20,)
LATENT = 6


def observation_for(name: str) -> Observation:
    takes = encoders[name].takes
    return Image(IMAGES) if "image" in takes else Sequence(LETTERS, "ACGT") if "sequence" in takes else Vector(VECTORS)


def drawn(observation: Observation, *count: int) -> torch.Tensor:
    """Observations: normal numbers, or letters of sequences of which every third ends before the last place."""
    if not isinstance(observation, Sequence):
        return torch.randn(*count, *observation.shape)
    x = torch.randint(0, 4, (*count, *observation.stored))
    x[:, ::3, 14:] = -1
    return x


def build(name: str) -> tuple[Encoder, torch.Tensor]:
    torch.manual_seed(1)
    entry = encoders[name]
    assert entry.config is not None
    observation = observation_for(name)
    encoder = entry.value(entry.config(), observation, LATENT)
    encoder.prepare(drawn(observation, 20, 15))
    return encoder.eval(), drawn(observation, 3, 24)


@pytest.fixture(params=[name for name in encoders.names() if name != "none"])
def encoder_and_sets(request: pytest.FixtureRequest) -> tuple[Encoder, torch.Tensor]:
    return build(request.param)


def close(a: torch.Tensor, b: torch.Tensor) -> None:
    torch.testing.assert_close(a, b, atol=3e-6, rtol=1e-5)


def test_permuting_the_observations_changes_nothing(encoder_and_sets: tuple[Encoder, torch.Tensor]) -> None:
    encoder, x = encoder_and_sets
    close(encoder(x), encoder(x[:, torch.randperm(x.shape[1])]))


@pytest.mark.parametrize("copies", [2, 3, 7])
def test_repeating_every_observation_changes_nothing(
    encoder_and_sets: tuple[Encoder, torch.Tensor], copies: int
) -> None:
    encoder, x = encoder_and_sets
    close(encoder(x), encoder(x.repeat_interleave(copies, dim=1)))


def test_a_latent_does_not_depend_on_its_batch(encoder_and_sets: tuple[Encoder, torch.Tensor]) -> None:
    encoder, x = encoder_and_sets
    for mode in (encoder.eval(), encoder.train()):
        close(mode(x)[1:2], mode(x[1:2]))


def test_weights_count_as_repetitions(encoder_and_sets: tuple[Encoder, torch.Tensor]) -> None:
    encoder, x = encoder_and_sets
    times = torch.randint(1, 4, (x.shape[1],))
    weighted = encoder(x, times.float().expand(len(x), -1))
    close(weighted, encoder(x.repeat_interleave(times, dim=1)))


def test_another_distribution_has_another_latent(encoder_and_sets: tuple[Encoder, torch.Tensor]) -> None:
    encoder, x = encoder_and_sets
    other = x.clamp_max(2) if encoder.letters else x + 0.5
    assert (encoder(x) - encoder(other)).abs().max() > 1e-3


@pytest.mark.parametrize(
    "name", [n for n in encoders.names() if n not in ("none", "set_transformer", "wormhole", "median_gnn")]
)
def test_a_streamed_set_has_the_latent_of_the_whole(name: str) -> None:
    encoder, x = build(name)
    streamed = encoder.encode_stream(lambda: iter(x[0].split(5)))
    close(streamed, encoder(x[:1])[0].detach())


@pytest.mark.parametrize("name", ["set_transformer", "wormhole", "median_gnn"])
def test_a_streamed_set_comes_near_the_latent_of_the_whole(name: str) -> None:
    encoder, _ = build(name)
    x = torch.randn(1, 4096, *VECTORS)
    whole, streamed = encoder(x)[0], encoder.encode_stream(lambda: iter(x[0].split(512)))
    other = encoder(torch.randn(1, 512, *VECTORS))[0]
    assert (whole - streamed).norm() < (whole - other).norm()


@pytest.mark.parametrize("name", ["mean", "pca_mean"])
def test_mean_encoders_are_blind_to_the_covariance(name: str) -> None:
    encoder, _ = build(name)
    x = torch.randn(1, 500, *VECTORS)
    x -= x.mean(dim=1, keepdim=True)
    close(encoder(x), encoder(3 * x))


def test_the_kernel_mean_distance_is_the_maximum_mean_discrepancy() -> None:
    torch.manual_seed(0)
    entry = encoders["kernel_mean"]
    assert entry.config is not None
    encoder = entry.value(entry.config(), Vector((3,)), 4000)
    a, b = torch.randn(1, 200, 3), torch.randn(1, 200, 3) + 0.7
    pooled = torch.cat([a[0], b[0]])
    encoder.prepare(pooled[None])
    # The bandwidth that `prepare` chose is the median distance; the kernel in closed form with it is the oracle.
    sigma = torch.pdist(pooled).median()
    kernel = lambda u, v: torch.exp(-torch.cdist(u, v).square() / (2 * sigma**2)).mean()  # noqa: E731
    exact = (kernel(a[0], a[0]) + kernel(b[0], b[0]) - 2 * kernel(a[0], b[0])).sqrt()
    # z averages cos and sin features over 2000 frequencies each: ‖z − z'‖ estimates the MMD.
    torch.testing.assert_close((encoder(a) - encoder(b)).norm(), exact, rtol=0.08, atol=0)

"""Generators: shapes, determinism, moments after a short real training, and the mathematics they stand on."""

import math
from dataclasses import replace

import pytest
import torch

from core.modalities.image import Image
from core.modalities.vector import Vector
from core.models.gde.base import Generator, generators
from core.models.gde.gaussian_base import GaussianBase
from core.models.gde.gaussian_moments import FULL_UP_TO, coordinates, products
from core.models.gde.generators.ddpm import DDPMConfig, DDPMGenerator
from core.models.gde.generators.flow import FlowConfig, FlowGenerator

LATENT = 3
PIXELS = ("pixel_flow",)
REMEMBERING = "local_bootstrap"  # it has nothing to learn: test_exact.py
OF_NUMBERS = [entry.name for entry in generators if "sequence" not in entry.takes and entry.name != REMEMBERING]
OURS = ["flow", "cvae", "sliced_wasserstein", "sinkhorn", "mmd", "energy"]


def build(name: str, shape: tuple[int, ...] = (2,), **settings: object) -> Generator:
    torch.manual_seed(0)
    entry = generators[name]
    assert entry.config is not None
    observation = Image(shape) if len(shape) == 3 else Vector(shape)
    return entry.value(entry.config(**{"width": 32, **settings}), observation, LATENT)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        (entry.name, shape)
        for entry in generators
        for modality, shape in (("vector", (2,)), ("vector", (40,)), ("image", (1, 8, 8)))
        if entry.name in OF_NUMBERS and modality in entry.takes
    ],
)
def test_samples_have_the_shape_asked_for_and_follow_the_seed(name: str, shape: tuple[int, ...]) -> None:
    generator = build(name, shape, **({"diffusion_steps": 20} if name == "ddpm" else {})).eval()
    z = torch.randn(3, LATENT)
    a, b, c = (generator.sample(z, 5, rng(seed)) for seed in (0, 0, 1))
    assert a.shape == (3, 5, *shape)
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_the_loss_reaches_every_weight_and_the_latent(name: str) -> None:
    shape = (1, 4, 4) if name in PIXELS else (2,)
    generator = build(name, shape)
    z = torch.randn(4, LATENT, requires_grad=True)
    for _ in range(3):  # layers that start at zero pass gradient on only after a first step
        generator.zero_grad()
        generator.loss(torch.randn(4, 16, *shape), z)["loss"].backward()
        with torch.no_grad():
            for weight in generator.parameters():
                if weight.grad is not None:
                    weight.sub_(0.05 * weight.grad)
    without = [n for n, p in generator.named_parameters() if p.grad is None]
    assert not without
    assert z.grad is not None and z.grad.abs().sum() > 0


def bananas(b: int, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Curved, shifted, rotated sets; the latent is their true parameters."""
    z = torch.rand(b, LATENT) * 2 - 1
    n = torch.randn(b, k, 2)
    bent = torch.stack([n[..., 0], 0.3 * n[..., 1] + 0.5 * (n[..., 0] ** 2 - 1)], dim=-1)
    angle = z[:, 2] * math.pi / 2
    turn = torch.stack([torch.stack([angle.cos(), -angle.sin()], -1), torch.stack([angle.sin(), angle.cos()], -1)], 1)
    return 0.3 * bent @ turn.mT + z[:, None, :2], z


@pytest.mark.parametrize("name", OURS)
def test_our_generators_keep_mean_and_variance(name: str) -> None:
    generator = build(name, width=64)
    optimiser = torch.optim.Adam(generator.parameters(), lr=3e-3)
    steps = 300
    for step in range(steps):
        x, z = bananas(32, 32)
        optimiser.param_groups[0]["lr"] = 3e-3 * (1 - step / steps) + 1e-5
        optimiser.zero_grad()
        generator.loss(x, z)["loss"].backward()
        optimiser.step()
    x, z = bananas(64, 2000)
    y = generator.eval().sample(z, 2000, rng())
    assert (y.mean(dim=1) - x.mean(dim=1)).square().mean().sqrt() < 0.06
    total = lambda s: s.var(dim=1).sum(dim=1)  # noqa: E731
    ratio = (total(y) / total(x)).mean().item()
    assert 0.93 < ratio < 1.07, ratio


@pytest.mark.parametrize(("name", "shape"), [("flow", (2,)), ("pixel_flow", (1, 4, 4))])
def test_whatever_a_flow_has_learned_it_keeps_the_deviations_of_its_base(name: str, shape: tuple[int, ...]) -> None:
    generator = build(name, shape).eval()
    with torch.no_grad():
        for weight in generator.net.parameters():  # type: ignore[union-attr]
            weight.add_(0.15 * torch.randn_like(weight))
    z, noise = torch.randn(2, LATENT), torch.randn(2, 2000, math.prod(shape), generator=rng())
    mean, scale = generator.base.parameters_of(z)  # type: ignore[union-attr, operator]
    wanted = torch.cat([scale[0].square().sum(dim=2), scale[1].square()], dim=1)
    with torch.no_grad():
        bent = generator.transformed(noise, z).var(dim=1)  # type: ignore[operator]
    made = generator.sample(z, 2000, rng()).flatten(2)
    assert (bent - 1).abs().max() > 0.5
    assert (made.var(dim=1) / wanted - 1).abs().mean() < 0.15
    assert ((made.mean(dim=1) - mean) / wanted.sqrt()).abs().mean() < 0.1


def test_the_published_cvae_loses_variance() -> None:
    generator = build("cvae_published", width=64)
    optimiser = torch.optim.Adam(generator.parameters(), lr=1e-3)
    for _ in range(400):
        x, z = bananas(32, 32)
        optimiser.zero_grad()
        generator.loss(x, z)["loss"].backward()
        optimiser.step()
    x, z = bananas(64, 1000)
    y = generator.sample(z, 1000, rng())
    assert (y.var(dim=1).sum(dim=1) / x.var(dim=1).sum(dim=1)).mean() < 0.85


def test_the_gaussian_base_round_trips_and_its_likelihood_is_the_normal_density() -> None:
    torch.manual_seed(0)
    base = GaussianBase(3, LATENT, 16).double()
    torch.nn.init.normal_(base.scale_curved[-1].weight, std=0.3)  # type: ignore[arg-type]
    z = torch.randn(4, LATENT, dtype=torch.float64)
    x = torch.randn(4, 9, 3, dtype=torch.float64)
    mean, scale = base.parameters_of(z)
    y = base.whiten(x, mean, scale)
    torch.testing.assert_close(base.colour(y, mean, scale), x)
    law = torch.distributions.MultivariateNormal(mean[:, None], scale_tril=scale[0][:, None])
    torch.testing.assert_close(base.negative_log_likelihood(y, scale), -law.log_prob(x).mean() / 3)


@pytest.mark.parametrize("d", [2, 6, 30])
def test_the_base_starts_at_the_moments_of_every_set(d: int) -> None:
    torch.manual_seed(0)
    s, k = 400, 300
    f = min(d, FULL_UP_TO)
    root = 0.3 * torch.eye(f) + torch.randn(s, f, f) * (0.2 / f**0.5)
    noise, narrow = torch.randn(s, k, d), torch.rand(s, 1, d - f) + 0.1
    x = 3 * torch.randn(s, 1, d) + torch.cat([noise[..., :f] @ root.mT, noise[..., f:] * narrow], dim=-1)
    z = coordinates(x.mean(dim=1), products(x).mean(dim=1))
    base = GaussianBase(d, z.shape[1], 16)
    base.start(x, z)
    mean, scale = base.parameters_of(z)
    torch.testing.assert_close(mean, x.mean(dim=1), atol=0.05, rtol=0)
    made = scale[0].square().sum(dim=(1, 2)) + scale[1].square().sum(dim=1)
    ratio = made / x.var(dim=1, correction=0).sum(dim=1)
    # With 30 features there are as many moments as sets, and a set leans on the others.
    assert (ratio - 1).abs().max() < (0.05 if d < 30 else 0.15)


def test_weights_count_observations_in_the_likelihood() -> None:
    base, y = GaussianBase(2, LATENT, 8), torch.randn(3, 4, 2)
    scale = (torch.eye(2).expand(3, 2, 2), torch.zeros(3, 0))
    only = base.negative_log_likelihood(y, scale, torch.tensor([2.0, 2.0, 0.0, 0.0]))
    torch.testing.assert_close(only, base.negative_log_likelihood(y[:, :2], scale))


def test_steps_of_the_flow_converge_to_the_exact_path() -> None:
    generator = build("flow").eval()
    assert isinstance(generator, FlowGenerator)
    torch.nn.init.normal_(generator.net.out.weight, std=0.3)  # type: ignore[union-attr, arg-type]
    noise, z = torch.randn(2, 200, 2), torch.randn(2, LATENT)
    paths = {}
    for steps in (80, 160, 1280):
        generator.config = replace(generator.config, steps=steps)
        paths[steps] = generator.transformed(noise, z)
    errors = [(paths[steps] - paths[1280]).square().mean().sqrt() for steps in (80, 160)]
    # Second order: half the step, a quarter of the error.
    assert errors[1] < errors[0] / 2.5
    assert errors[0] < 0.02


def test_an_untrained_flow_on_its_base_is_exactly_gaussian() -> None:
    generator = FlowGenerator(FlowConfig(width=16, steps=8), Vector((2,)), LATENT).eval()
    y = generator.sample(torch.zeros(1, LATENT), 200_000, rng())[0]
    mean, scale = generator.base.parameters_of(torch.zeros(1, LATENT))
    torch.testing.assert_close(y.mean(dim=0), mean[0], atol=0.02, rtol=0)
    torch.testing.assert_close(torch.cov(y.T), (scale[0] @ scale[0].mT)[0], atol=0.03, rtol=0.02)


class ExactNoise(DDPMGenerator):
    """A diffusion model of N(m, s²) whose noise prediction is the known posterior mean."""

    mean, variance = 2.5, 0.14

    def noise_of(self, x: torch.Tensor, t: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        a = self.alpha_bar[t][..., None]
        return (1 - a).sqrt() * (x - a.sqrt() * self.mean) / (a * self.variance + 1 - a)


@pytest.mark.parametrize("calls", [0, 50])
def test_diffusion_with_the_exact_noise_recovers_a_gaussian(calls: int) -> None:
    model = ExactNoise(DDPMConfig(width=8, schedule="cosine", sampling_steps=calls), Vector((1,)), LATENT)
    x = model.sample(torch.zeros(1, LATENT), 40_000, rng())
    assert x.mean().item() == pytest.approx(2.5, abs=0.02)
    # DDIM in 50 calls carries a discretisation error that ancestral sampling over all steps does not.
    assert x.var().item() == pytest.approx(0.14, rel=0.1 if calls else 0.05)


def test_checkpointing_gives_the_same_gradients() -> None:
    grads = []
    for checkpointing in (False, True):
        generator = build("flow", checkpointing=checkpointing).train()
        torch.manual_seed(5)
        generator.loss(torch.randn(2, 8, 2), torch.randn(2, LATENT))["loss"].backward()
        grads.append([p.grad.clone() for p in generator.parameters() if p.grad is not None])
    for a, b in zip(*grads, strict=True):
        torch.testing.assert_close(a, b)

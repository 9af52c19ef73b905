"""PCA diffusion: the processes against closed forms, guidance, decoding, resume, and what a short training must do."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from core.config.experiments import load
from core.config.schema import from_dict, to_dict
from core.config.training import TrainingConfig
from core.models.base import Condition, TrainData
from core.models.genotype.pca_diffusion import (
    Denoising,
    Flow,
    Network,
    PcaDiffusion,
    PcaDiffusionConfig,
    Predictor,
    dropped,
    spread_normal,
)
from core.models.registry import build
from core.training.clock import TrainingClock
from core.training.loop import fit
from tests.models.test_wgan_gp import cohort, spec_of
from tests.training.test_loop import Recorder, tensors

PUBLISHED = from_dict(
    PcaDiffusionConfig, {k: v for k, v in load("pca_diffusion_published")["model"].items() if k != "name"}
)
SMALL = {"widths": [32, 32], "time_embedding": 16}
QUICK = dataclasses.replace(PUBLISHED, diffusion_steps=20, time_embedding=16)


def nobody(n: int) -> Condition:
    return Condition(torch.empty(n, 0, dtype=torch.int64), torch.empty(n, 0))


class Exact(Predictor):
    """What the best network of any width says, in closed form."""

    def __init__(self, rule: Any) -> None:
        self.rule = rule

    def __call__(self, x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        return torch.as_tensor(self.rule(x, time))


def trained(data: TrainData, taken: int = 30, rate: float = 2e-3, **settings: Any) -> PcaDiffusion:
    torch.manual_seed(0)
    training = TrainingConfig(batch_size=64, learning_rate=rate)
    model = PcaDiffusion(PcaDiffusionConfig(**settings), data.spec, training)
    model.prepare(data)
    clock = TrainingClock(epochs=1, steps_per_epoch=max(1, taken))
    model.train()
    for _ in range(taken):
        model.steps(data.index(torch.randint(len(data), (64,))), clock)
        clock.tick()
    model.settle()
    return model.eval()


# --- Processes --------------------------------------------------------------------------------------------------------


def test_the_published_schedule_leaves_the_published_signal() -> None:
    """√ᾱ_T is 5.1e-4 at 1,500 steps and 2.3e-3 at 1,200 of the same end points."""
    for steps, signal in ((1500, 5.1e-4), (1200, 2.3e-3)):
        assert float(Denoising(steps, torch.device("cpu")).signal[-1].sqrt()) == pytest.approx(signal, rel=0.03)


def test_noise_has_the_moments_of_the_closed_form() -> None:
    process = Denoising(100, torch.device("cpu"))
    x, noise = 3.0 + 2.0 * torch.randn(200_000, 1), torch.randn(200_000, 1)
    for t in (0, 1, 40, 100):
        noisy = process.noisy(x, noise, torch.full((200_000,), t))
        signal = float(process.signal[t])
        assert float(noisy.mean()) == pytest.approx(3.0 * signal**0.5, abs=0.03)
        assert float(noisy.var()) == pytest.approx(4.0 * signal + 1 - signal, rel=0.02)


def test_published_times_are_antithetic_and_never_the_first_of_sampling() -> None:
    torch.manual_seed(0)
    t = Denoising(50, torch.device("cpu")).times(100_000)
    assert (t[:50_000] + t[50_000:] == 49).all()
    assert int(t.min()) == 0 and int(t.max()) == 49
    assert len(Denoising(50, torch.device("cpu")).times(7)) == 7


def test_denoising_of_a_gaussian_is_a_gaussian() -> None:
    """Of N(2, 0.5²) the best prediction of the noise is linear in x_t."""
    process = Denoising(400, torch.device("cpu"))
    mean, variance = 2.0, 0.25

    def noise(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        a = process.signal[t.long()][:, None]
        return (1 - a).sqrt() * (x - a.sqrt() * mean) / (a * variance + 1 - a)

    draw = torch.Generator().manual_seed(1)
    made = process.sample(Exact(noise), torch.randn(20_000, 1, generator=draw), draw)
    assert float(made.mean()) == pytest.approx(mean, abs=0.03)
    # The fresh noise of variance β_t is the larger of the two that Ho et al. offer: some per cent too much.
    assert float(made.std()) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("steps", [10, 25])
def test_flow_of_a_gaussian_is_that_gaussian(steps: int) -> None:
    """Standard normal scores are exact with nothing learned; others through their own closed form."""
    start = torch.randn(4000, 3)
    flow, draw = Flow(steps), torch.Generator()
    same = flow.sample(Exact(lambda x, t: torch.zeros_like(x)), start, draw)
    torch.testing.assert_close(same, start, atol=0.05, rtol=0.02)
    mean, variance = 1.5, 0.3

    def rest(x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        t = time[:, None] / flow.SCALE
        slope = (t * variance - (1 - t)) / (t**2 * variance + (1 - t) ** 2)
        return mean + slope * (x - t * mean) - flow.normal_velocity(x, t[:, 0])

    made = flow.sample(Exact(rest), start, draw)
    torch.testing.assert_close(made, mean + variance**0.5 * start, atol=0.06, rtol=0.03)


def test_the_loss_is_least_at_the_best_velocity() -> None:
    torch.manual_seed(3)
    x = torch.randn(20_000, 2)
    flow = Flow(10)
    best, worse = (flow.loss(Exact(lambda x, t, s=s: s * x), x) for s in (0.0, 0.3))
    # E‖(x - ε) - v*‖² of a standard normal: the mean of 2 - (2t - 1)² / ((1 - t)² + t²) over t, π/2.
    assert float(best) == pytest.approx(torch.pi / 2, abs=0.03)
    assert float(worse) > float(best) + 0.03


def test_spread_noise_is_normal_and_more_even_than_independent_draws() -> None:
    noise = spread_normal(1000, 6, torch.Generator().manual_seed(2))
    assert all(stats.kstest(column.numpy(), "norm").pvalue > 0.01 for column in noise.T)
    assert float(noise.mean(0).abs().max()) < 0.01  # independent: 0.03
    assert not torch.equal(noise, spread_normal(1000, 6, torch.Generator().manual_seed(3)))


# --- Conditions and guidance ------------------------------------------------------------------------------------------


def test_guidance_goes_from_unconditional_to_conditional_and_beyond() -> None:
    torch.manual_seed(1)
    spec = spec_of(9, 40, {"population": ["A", "B"]}, phenotypes=1)
    network = Network(4, PcaDiffusionConfig(**SMALL), spec).eval()
    condition = Condition(torch.tensor([[0], [1], [1]]), torch.tensor([[0.3], [0.0], [torch.nan]]))
    x, t = torch.randn(3, 4), torch.rand(3)
    unknown = Condition(torch.full((3, 1), -1), torch.full((3, 1), torch.nan))
    without, known = network(x, t, unknown), network(x, t, condition)
    assert not torch.allclose(without, known)
    torch.testing.assert_close(Predictor(network, condition, 0.0)(x, t), without)
    torch.testing.assert_close(Predictor(network, condition, 1.0)(x, t), known)
    torch.testing.assert_close(Predictor(network, condition, 2.5)(x, t), without + 2.5 * (known - without))
    # A phenotype of exactly the mean is not an unknown one.
    mean = network(x, t, Condition(unknown.labels, torch.zeros(3, 1)))
    assert not torch.allclose(mean, without)


def test_dropped_conditions_are_unknown() -> None:
    condition = Condition(torch.tensor([[2], [1]]), torch.tensor([[0.5], [1.0]]))
    rest = dropped(condition, torch.tensor([True, False]))
    assert rest.labels.tolist() == [[-1], [1]]
    assert rest.phenotypes[0].isnan().all() and float(rest.phenotypes[1]) == 1.0


def test_populations_and_phenotypes_are_kept() -> None:
    data = cohort(512, 60)
    model = trained(data, taken=200, condition_dropout=0.4)
    n = 1500
    for population in (0, 1):
        rows = data.condition.labels[:, 0] == population
        wish = Condition(torch.full((n, 1), population), torch.full((n, 1), torch.nan))
        made = model.sample(n, wish, torch.Generator().manual_seed(1)).float()
        error = made.mean(0) / 2 - data.calls[rows].float().mean(0) / 2
        assert float(error.square().mean().sqrt()) < 0.06
    # Ignored, the condition gives everybody; the thresholds are set for the guidance that is sampled with.
    model.config = dataclasses.replace(model.config, guidance=0.0)
    model.settle()
    wish = Condition(torch.zeros(n, 1, dtype=torch.int64), torch.full((n, 1), torch.nan))
    made = model.sample(n, wish, torch.Generator().manual_seed(1)).float().mean(0) / 2
    assert float((made - data.calls.float().mean(0) / 2).square().mean().sqrt()) < 0.06


# --- Training and sampling --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [PcaDiffusionConfig(**SMALL), QUICK])
@pytest.mark.parametrize("k", [2, 3])
def test_both_presets_train_and_sample(config: PcaDiffusionConfig, k: int) -> None:
    model = trained(cohort(128, 12, k=k), taken=3, **dataclasses.asdict(config))
    made = model.sample(50, None, torch.Generator().manual_seed(0))
    assert made.dtype == torch.int8
    assert int(made.min()) >= 0 and int(made.max()) == k - 1
    assert torch.equal(made, model.sample(50, None, torch.Generator().manual_seed(0)))
    assert not torch.equal(made, model.sample(50, None, torch.Generator().manual_seed(1)))


def test_frequencies_are_right_however_little_was_learned() -> None:
    data = cohort(400, 20)
    made = trained(data, taken=1, **SMALL).sample(8000, None, torch.Generator().manual_seed(4))
    for value in range(3):
        wanted = (data.calls == value).float().mean(0)
        assert float(((made == value).float().mean(0) - wanted).abs().max()) < 0.03


def test_rounding_adds_heterozygotes_where_thresholds_do_not() -> None:
    """The failure of the published decoding: exact scores, less than all of the variance."""
    data = cohort(600, 40)
    rounded = trained(data, taken=0, signal=0.0, variance=0.7, decoding="round", **SMALL)
    scores = rounded._scores(data.calls)
    value = rounded._expected(scores).round().clamp(0, 2)
    real = float((data.calls == 1).float().mean())
    assert float((value == 1).float().mean()) > 1.1 * real
    kept = trained(data, taken=0, signal=0.0, variance=0.7, **SMALL)
    kept.decoder.calibrate(kept._expected(scores))
    drawn = kept.decoder(kept._expected(scores), torch.Generator().manual_seed(0))
    assert float((drawn == 1).float().mean()) == pytest.approx(real, rel=0.05)


def test_components_that_hold_in_nobody_else_are_left_out() -> None:
    """Few individuals, many independent variants: all axes but the populations' are chance."""
    population, rng = np.repeat([0, 1], 30), np.random.default_rng(5)
    calls = rng.binomial(2, rng.uniform(0.1, 0.9, (2, 200))[population]).astype(np.int8)
    data = TrainData(torch.from_numpy(calls), nobody(60), spec_of(200, 60))
    model = trained(data, taken=0, **SMALL)
    everything = trained(data, taken=0, signal=0.0, **SMALL)
    assert model.components.width < everything.components.width / 2
    assert (model.spread <= model.unit * (1 + 1e-5)).all()
    # What is left out comes back as noise: no call has lost variance.
    made = model.sample(4000, None, torch.Generator().manual_seed(0)).float()
    assert float(made.var(0).sum() / data.calls.float().var(0).sum()) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("shape", [(2, 1), (3, 4), (5, 2)])
@pytest.mark.parametrize("config", [PcaDiffusionConfig(**SMALL), QUICK])
def test_tiny_cohorts(shape: tuple[int, int], config: PcaDiffusionConfig) -> None:
    data = cohort(*(shape[0], max(2, shape[1] // 2 * 2)))
    model = trained(data, taken=2, **dataclasses.asdict(config))
    assert model.sample(5, None, torch.Generator()).shape == (5, data.calls.shape[1])


@pytest.mark.parametrize("preset", ["ours", "published"])
def test_resume_equals_never_having_stopped(tmp_path: Path, preset: str) -> None:
    settings = to_dict(PcaDiffusionConfig(**SMALL) if preset == "ours" else QUICK)
    data = cohort(70, 12)

    def train(run: Recorder, resume: bool = False) -> None:
        config = TrainingConfig(epochs=4, batch_size=16, device="cpu", checkpoint_every=1, score="last")
        torch.manual_seed(config.seed)
        model = build("pca_diffusion", settings, data.spec, config)
        fit(run, model, data, None, config, resume=resume, name="pca_diffusion")

    train(Recorder(tmp_path / "whole"))
    train(Recorder(tmp_path / "parts", 6))
    torch.rand(100)
    train(Recorder(tmp_path / "parts"), resume=True)
    one, two = tensors(tmp_path / "whole"), tensors(tmp_path / "parts")
    assert one.keys() == two.keys()
    assert any(name.startswith("optimiser.") for name in one)
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_a_checkpoint_samples_what_the_model_samples() -> None:
    data = cohort(64, 12)
    model = trained(data, taken=3, **SMALL)
    again = build("pca_diffusion", model.settings(), data.spec, TrainingConfig())
    again.load({k: v.clone() for k, v in model.state(optimisers=False).items()})
    one, two = (m.eval().sample(30, None, torch.Generator().manual_seed(1)) for m in (model, again))
    assert torch.equal(one, two)


def test_the_published_network_has_the_published_size() -> None:
    """ENSEMBL: 2,026 components, sex and height: 43.6 million parameters (there sex has 2 codes and no "unknown")."""
    config = dataclasses.replace(PUBLISHED, widths=(4096, 4096, 2048))
    with torch.device("meta"):
        network = Network(2026, config, spec_of(3493, 100, {"sex": ["F", "M"]}, phenotypes=1))
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(43.6, abs=0.2)
    training = load("pca_diffusion_published")["training"]
    assert (training["epochs"], training["learning_rate"]) == (20000, 3e-4)

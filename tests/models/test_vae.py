"""The VAE: its losses against closed forms, the published arithmetic, linkage that is kept, and argmax that loses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from core.config.experiments import load
from core.config.schema import from_dict
from core.config.training import TrainingConfig
from core.models.base import Batch, Condition, TrainData
from core.models.genotype.vae import Residual, Vae, VaeConfig, bias_correction, stack
from core.models.registry import build
from core.training import checkpoints
from core.training.clock import TrainingClock
from core.training.load import load_model
from core.training.loop import fit
from tests.models.test_wgan_gp import cohort, nobody, spec_of
from tests.training.test_loop import Recorder

PUBLISHED = {k: v for k, v in load("vae_published")["model"].items() if k != "name"}
SMALL = {"latent": 4, "encoder_widths": [32], "decoder_widths": [32, 6], "neighbours": 4}


def unlabelled(calls: np.ndarray[Any, Any]) -> TrainData:
    n, m = calls.shape
    return TrainData(torch.from_numpy(calls.astype(np.int8)), nobody(n), spec_of(m, n))


def chain(n: int = 600, m: int = 24, seed: int = 0) -> TrainData:
    """Two populations; along each haplotype an allele equals the one before it in nine cases of ten."""
    rng = np.random.default_rng(seed)
    frequency = np.where(rng.integers(0, 2, n)[:, None], 0.25, 0.6)
    haplotypes = rng.random((2, n, m)) < frequency
    for j in range(1, m):
        same = rng.random((2, n)) < 0.9
        haplotypes[..., j] = np.where(same, haplotypes[..., j - 1], haplotypes[..., j])
    return unlabelled(haplotypes.sum(0))


def trained(data: TrainData, epochs: int, published: bool = False, **settings: Any) -> Vae:
    torch.manual_seed(0)
    own = {**PUBLISHED, "latent": 16, "encoder_widths": [64], "decoder_widths": [64]} if published else SMALL
    rate = 5e-4 if published else 5e-3
    model: Vae = build("vae", {**own, **settings}, data.spec, TrainingConfig(batch_size=64, learning_rate=rate))
    model.prepare(data)
    clock = TrainingClock(epochs, len(data) // 64)
    while not clock.finished:
        model.steps(data.index(torch.randint(len(data), (64,))), clock)
        clock.tick()
    model.settle()
    return model.eval()


def draw(model: Vae, n: int = 2000, condition: Condition | None = None) -> torch.Tensor:
    return model.sample(n, condition, torch.Generator().manual_seed(1))


def neighbour_r(calls: torch.Tensor) -> float:
    r = np.nan_to_num(np.corrcoef(calls.float().numpy().T))
    return float(np.diag(r, 1).mean())


# --- Losses -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", ["ordinal", "free"])
def test_losses_are_torchs_cross_entropy_and_kl_divergence(output: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = cohort(64, 12)
    model = Vae(VaeConfig(latent=3, neighbours=0, output=output), data.spec, TrainingConfig()).eval()
    model.prepare(data)
    batch = data.index(slice(None))
    noise = torch.randn(64, 3)
    monkeypatch.setattr(torch, "randn_like", lambda x: noise)
    reconstruction, divergence = model.losses(batch)
    mean, log_variance = model.encoder(batch.calls, batch.calls >= 0)
    posterior = Normal(mean, (log_variance / 2).exp())
    prior = Normal(model.prior(model.conditioning(batch.condition)), 1.0)
    torch.testing.assert_close(divergence, kl_divergence(posterior, prior).sum(1).mean())
    logits = model.decoder(mean + posterior.stddev * noise, batch.condition)
    expected = torch.nn.functional.cross_entropy(logits, batch.calls.long(), reduction="none").sum(1).mean()
    torch.testing.assert_close(reconstruction, expected)


def test_without_conditions_the_prior_is_the_published_one() -> None:
    data = unlabelled(np.random.default_rng(0).integers(0, 3, (40, 9)))
    model = Vae(from_dict(VaeConfig, {**PUBLISHED, "encoder_widths": [8]}), data.spec, TrainingConfig()).eval()
    mean, log_variance = model.encoder(data.calls, data.calls >= 0)
    closed = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(1).mean()
    torch.testing.assert_close(model.losses(data.index(slice(None)))[1], closed)


def test_ordinal_output_is_binomial_where_its_intercepts_are() -> None:
    data = cohort(64, 12)
    model = Vae(VaeConfig(latent=3), data.spec, TrainingConfig()).eval()
    with torch.no_grad():
        model.decoder.intercept.copy_(torch.tensor([1.0, 2.0, 1.0]).log()[:, None].expand(3, 12))
    z = torch.randn(5, 3)
    p = model.decoder(z, data.condition.index(slice(0, 5))).softmax(1)
    allele = p[:, 1] / 2 + p[:, 2]
    torch.testing.assert_close(p[:, 1], 2 * allele * (1 - allele))
    torch.testing.assert_close(p[:, 2], allele**2)


def test_effects_of_neighbours_are_sums_over_the_contig() -> None:
    data = unlabelled(np.random.default_rng(0).integers(0, 3, (20, 9)))
    data.spec.contig[5:] = 1
    model = Vae(VaeConfig(neighbours=3), data.spec, TrainingConfig())
    model.prepare(data)
    near = model.neighbours
    with torch.no_grad():
        near.weight.normal_()
    x = (data.calls.float() - near.mean) / near.deviation
    expected = torch.zeros(20, 9)
    for j in range(9):
        for w in range(1, 4):
            if j - w >= 0 and data.spec.contig[j] == data.spec.contig[j - w]:
                expected[:, j] += near.weight[j, 3 - w] * x[:, j - w]
    torch.testing.assert_close(near(data.calls), expected)


def test_correction_gives_the_wanted_frequencies() -> None:
    logits, wanted = 2 * torch.randn(3, 500), torch.tensor([0.9, 0.08, 0.02])
    torch.testing.assert_close(
        (logits + bias_correction(logits, wanted)[:, None]).softmax(0).mean(1), wanted, atol=2e-3, rtol=0
    )


# --- The published arithmetic -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variants", "latent", "encoder", "millions"),
    [
        (1771, 128, [1024, 512, 256], 12.3),
        (3493, 128, [1024, 512, 512, 256], 23.4),
        (42409, 256, [4096, 2048, 2048, 2048, 1024, 1024, 1024, 512], 1086.0),
    ],
)
def test_published_widths_give_the_published_parameter_counts(
    variants: int, latent: int, encoder: list[int], millions: float
) -> None:
    settings = {**PUBLISHED, "latent": latent, "encoder_widths": encoder, "decoder_widths": encoder[::-1]}
    with torch.device("meta"):
        model = build("vae", settings, spec_of(variants, 100), TrainingConfig())
    count = sum(p.numel() for p in model.parameters()) / 1e6
    assert count == pytest.approx(millions, rel=5e-3)


def test_three_equal_widths_are_a_layer_and_a_residual_block() -> None:
    def residuals(*widths: int) -> int:
        return sum(isinstance(layer, Residual) for layer in stack(8, widths, torch.nn.BatchNorm1d))

    assert [residuals(8, 8), residuals(4, 4, 4), residuals(4, 4, 2), residuals(6, 6, 6, 3, 3, 3)] == [0, 1, 0, 2]
    linear = next(layer for layer in stack(8, (4,), torch.nn.BatchNorm1d) if isinstance(layer, torch.nn.Linear))
    assert torch.equal(linear.bias, torch.full((4,), 0.01))


# --- Training and sampling --------------------------------------------------------------------------------------------


def test_neighbours_keep_the_linkage_that_independent_decoding_loses() -> None:
    data = chain()
    real = neighbour_r(data.calls)
    ours, alone = (neighbour_r(draw(trained(data, 60, neighbours=reach))) for reach in (4, 0))
    assert real > 0.85
    assert ours > 0.9 * real
    assert alone < 0.85 * ours


def test_the_likeliest_genotype_loses_minorities_and_sampling_keeps_them() -> None:
    rng = np.random.default_rng(3)
    data = unlabelled(rng.binomial(2, rng.uniform(0.02, 0.3, 40), (512, 40)))
    real = data.calls.float()
    published, ours = draw(trained(data, 30, published=True)), draw(trained(data, 30))
    heterozygosity = [(calls == 1).float().mean() / (real == 1).float().mean() for calls in (published, ours)]
    assert float(heterozygosity[0]) < 0.7
    assert float(heterozygosity[1]) == pytest.approx(1.0, abs=0.05)
    rare = real.mean(0) < 0.2
    assert int(((published == 0).all(0) & rare).sum()) > 0.7 * int(rare.sum())
    assert int(((ours == 0).all(0) & rare).sum()) == 0


def test_a_short_training_keeps_frequencies_and_populations() -> None:
    data = cohort(512)
    model = trained(data, 60)
    assert float((draw(model, 4000).float().mean(0) - data.calls.float().mean(0)).abs().max()) < 0.1
    for population in (0, 1):
        rows = data.condition.labels[:, 0] == population
        wish = Condition(torch.full((3000, 1), population), torch.full((3000, 1), torch.nan))
        error = draw(model, 3000, wish).float().mean(0) / 2 - data.calls[rows].float().mean(0) / 2
        assert float(error.square().mean().sqrt()) < 0.06


def test_a_phenotype_keeps_its_variant() -> None:
    data = cohort(1500, 12)
    calls = draw(trained(data, 20), 3000, Condition(torch.full((3000, 1), -1), torch.linspace(-2, 2, 3000)[:, None]))
    real = np.corrcoef(data.calls[:, 0].numpy(), data.condition.phenotypes[:, 0].numpy())[0, 1]
    made = np.corrcoef(calls[:, 0].numpy(), np.linspace(-2, 2, 3000))[0, 1]
    assert made > 0.6 * real > 0.3


def test_latents_tell_populations_apart_and_decode_to_their_frequencies() -> None:
    data = cohort(512)
    model = trained(data, 60)
    z = model.encode(data.calls, data.condition)
    assert z.shape == (512, 4)
    label = data.condition.labels[:, 0]
    middle = torch.stack([z[label == k].mean(0) for k in (0, 1)])
    assert float((torch.cdist(z, middle).argmin(1) == label).float().mean()) > 0.95
    p = model.decode(middle, data.condition.index(slice(0, 2)))
    assert p.shape == (2, 30, 3)
    torch.testing.assert_close(p.sum(2), torch.ones(2, 30))
    for k in (0, 1):
        expected = data.calls[label == k].float().mean(0)
        assert float(np.corrcoef((p[k, :, 1] + 2 * p[k, :, 2]).numpy(), expected.numpy())[0, 1]) > 0.95
    assert torch.equal(p, model.decode(middle, data.condition.index(slice(0, 2))))


def test_missing_calls_hardly_move_a_latent() -> None:
    data = cohort(512)
    model = trained(data, 20)
    gaps = data.calls.clone()
    gaps[torch.rand(gaps.shape, generator=torch.Generator().manual_seed(0)) < 0.2] = -1
    z, other = model.encode(data.calls, data.condition), model.encode(gaps, data.condition)
    assert float((z - other).square().mean()) < 0.3 * float((z - z.roll(1, 0)).square().mean())


@pytest.mark.parametrize("published", [True, False])
@pytest.mark.parametrize("k", [2, 3])
def test_both_presets_take_haplotypes_and_diploids(published: bool, k: int) -> None:
    calls = draw(trained(cohort(128, 12, k=k), 1, published), 50)
    assert int(calls.min()) >= 0 and int(calls.max()) <= k - 1


def test_a_monomorphic_variant_and_a_single_variant_are_harmless() -> None:
    data = cohort(128, 12)
    data.calls[:, 3] = 0
    assert float(draw(trained(data, 2))[:, 3].float().mean()) < 0.05
    one = TrainData(data.calls[:, :1], data.condition, spec_of(1, 128, {"population": ["A", "B"]}, 1))
    assert draw(trained(one, 2), 3).shape == (3, 1)


def test_sampling_depends_on_the_generator_alone() -> None:
    model = trained(cohort(128, 12), 1)
    first = draw(model)
    torch.rand(10)
    assert torch.equal(first, draw(model))
    assert not torch.equal(first, model.sample(2000, None, torch.Generator().manual_seed(6)))


def test_settling_is_a_function_of_the_weights_alone() -> None:
    model = trained(cohort(128, 12), 2)
    kept = {name: tensor.clone() for name, tensor in model.state().items()}
    noise = torch.get_rng_state()
    model.settled = -1.0
    model.train().settle()
    assert model.training and torch.equal(noise, torch.get_rng_state())
    assert all(torch.equal(kept[name], tensor) for name, tensor in model.state().items())


def test_resume_equals_never_having_stopped(tmp_path: Path) -> None:
    config = TrainingConfig(epochs=3, batch_size=32, device="cpu", checkpoint_every=1)
    data = cohort(96, 12)

    def run(folder: Path, stop: int | None = None, resume: bool = False) -> None:
        torch.manual_seed(0)
        model = build("vae", SMALL, data.spec, config)
        fit(Recorder(folder, stop), model, data, None, config, resume=resume, name="vae")

    run(tmp_path / "whole")
    run(tmp_path / "parts", stop=5)
    torch.rand(100)
    run(tmp_path / "parts", resume=True)
    one, two = (checkpoints.load(tmp_path / name / "last")[0] for name in ("whole", "parts"))
    assert one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)
    loaded = load_model(tmp_path / "whole" / "best")
    assert loaded.encodes and torch.equal(draw(loaded), draw(load_model(tmp_path / "parts" / "last")))


def test_the_lowest_kl_divergence_costs_nothing() -> None:
    """With more free nats than the latent uses, the divergence has no gradient."""
    data = cohort(64, 12)
    model = Vae(VaeConfig(latent=3, free_nats=1000.0, warm_up=0.0), data.spec, TrainingConfig())
    model.prepare(data)
    model.steps(Batch(data.calls, data.condition), TrainingClock(1, 1))
    assert model.prior is not None and float(model.prior.weight.grad.abs().max()) == 0.0

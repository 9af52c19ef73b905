"""The start of GAN and WGAN-GP: ordered probit, number of factors, local noise, and the model that joins them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from torch.nn.functional import nll_loss

from core.models import factors, local_linkage, ordered, spectrum
from core.models.ancestry import classes
from core.models.base import Condition, TrainData
from core.models.factor_generator import FactorGenerator
from core.models.gumbel import one_hot
from core.models.moments import Moments
from core.models.principal_components import standardised
from tests.models.test_wgan_gp import cohort, nobody, spec_of


def linked(n: int, seed: int = 0) -> torch.Tensor:
    """60 variants in blocks of three, linked within a block by a common normal factor."""
    rng = np.random.default_rng(seed)
    common = np.repeat(rng.normal(size=(n, 20)), 3, axis=1)
    liability = 0.9 * common + np.sqrt(1 - 0.81) * rng.normal(size=(n, 60))
    cuts = np.sort(rng.uniform(-1, 1, (2, 60)), axis=0)
    return torch.from_numpy((liability[None] > cuts[:, None]).sum(0).astype(np.int8))


def structured(n: int, m: int, rank: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Calls (n, m) of unlinked variants under `rank` normal factors, and the loadings (m, rank)."""
    noise = torch.Generator().manual_seed(seed)
    loadings = 0.35 * torch.randn(m, rank, generator=noise)
    liability = torch.randn(n, rank, generator=noise) @ loadings.T + torch.randn(n, m, generator=noise)
    return (liability[None] > torch.tensor([-0.2, 0.9])[:, None, None]).sum(0).to(torch.int8), loadings


# --- Ordered probit ---------------------------------------------------------------------------------------------------


def test_probabilities_are_differences_of_the_normal_distribution() -> None:
    thresholds, liability = torch.tensor([[-0.5, 0.2], [0.7, 1.5]]), torch.tensor([[0.3, -1.0], [2.0, 0.0]])
    p = ordered.probabilities(thresholds, liability, torch.tensor([0.5, 1.0])).numpy()
    for b in range(2):
        for j, scale in enumerate((0.5, 1.0)):
            edges = stats.norm.cdf(thresholds[:, j].numpy(), float(liability[b, j]), scale)
            assert p[b, :, j] == pytest.approx(np.diff([0.0, *edges, 1.0]), abs=1e-6)


def test_noise_shared_by_variants_leaves_the_frequencies_as_they_are() -> None:
    frequency = torch.tensor([[0.7, 0.1], [0.2, 0.3], [0.1, 0.6]])
    share = torch.tensor([0.9, 0.4])
    noise = torch.randn(200_000, 2, generator=torch.Generator().manual_seed(0)) * share.sqrt()
    p = ordered.probabilities(ordered.cuts(frequency), noise, (1 - share).sqrt()).mean(0)
    torch.testing.assert_close(p, frequency, atol=4e-3, rtol=0)


def test_fit_is_the_optimum_of_the_penalised_likelihood() -> None:
    """Autograd's gradient of the same objective vanishes at the fit; frequencies are exact."""
    calls, _ = structured(600, 40, 2)
    design = torch.randn(600, 3, generator=torch.Generator().manual_seed(4))
    design[:, 0] += calls[:, :10].float().mean(1)
    design = (design - design.mean(0)) / design.std(0)
    precision = torch.tensor([5.0, 50.0, 500.0])
    frequency = factors.frequencies(calls, 3)
    thresholds, slopes = ordered.fit(calls, design, precision, frequency)
    slopes.requires_grad_()
    p = ordered.probabilities(thresholds, design @ slopes.T)
    torch.testing.assert_close(p.detach().mean(0), frequency, atol=1e-4, rtol=0)
    loss = nll_loss(p.log(), calls.long(), reduction="sum") + 0.5 * (slopes.square() * precision).sum()
    (gradient,) = torch.autograd.grad(loss, slopes)
    curvature = 600 * ordered.information(thresholds, design @ slopes.detach().T)[:, None] + precision
    assert float((gradient / curvature).abs().max()) < 5e-3


def test_expected_noise_is_the_slope_of_the_log_likelihood() -> None:
    calls, _ = structured(50, 8, 1)
    thresholds = ordered.cuts(factors.frequencies(calls, 3))
    liability = torch.randn(50, 8, requires_grad=True)
    loss = -nll_loss(ordered.probabilities(thresholds, liability).log(), calls.long(), reduction="sum")
    (slope,) = torch.autograd.grad(loss, liability)
    torch.testing.assert_close(
        ordered.expected_noise(calls, thresholds, liability.detach()), slope, atol=1e-3, rtol=1e-3
    )


# --- Number of factors ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "m"), [(300, 900), (900, 300)])
def test_the_number_of_factors_is_found_and_noise_has_none(n: int, m: int) -> None:
    calls, _ = structured(n, m, 4)
    assert spectrum.factors(standardised(calls), 20).scores.shape[1] == 4
    shuffled = torch.stack(
        [calls[torch.randperm(n, generator=torch.Generator().manual_seed(j)), j] for j in range(m)], 1
    )
    assert spectrum.factors(standardised(shuffled), 20).scores.shape[1] == 0


def test_linkage_of_neighbours_is_no_factor() -> None:
    """600 variants in blocks of six that are all but equal: many large eigenvalues, no structure of individuals."""
    rng = np.random.default_rng(1)
    calls = np.repeat(rng.binomial(2, 0.4, (200, 100)), 6, axis=1)
    flips = rng.random(calls.shape) < 0.05
    calls[flips] = rng.binomial(2, 0.4, int(flips.sum()))
    assert spectrum.factors(standardised(torch.from_numpy(calls.astype(np.int8))), 20).scores.shape[1] <= 1


def test_shrinkage_is_the_true_variance_times_the_cosine_with_the_truth() -> None:
    """Thirty times more individuals tell the eigenvalues and directions that there are without noise."""
    n, m = 250, 1000
    calls, _ = structured(n, m, 2)
    many = standardised(structured(8_000, m, 2)[0])
    values, directions = torch.linalg.eigh(many.T @ many / len(many))
    x = standardised(calls)
    found = spectrum.factors(x, 2)
    sample = found.scores.T @ x / n
    cosine = (sample / sample.norm(dim=1, keepdim=True) @ directions[:, -2:]).norm(dim=1)
    kept = sample.square().sum(1) * found.shrinkage.square()
    assert (kept / (values[-2:].flip(0) - 1)).tolist() == pytest.approx(cosine.tolist(), rel=0.12)
    assert float(found.shrinkage.max()) < 0.98


# --- Local noise ------------------------------------------------------------------------------------------------------


def test_spread_is_a_matrix_of_neighbours() -> None:
    kernels, noise = torch.randn(9, 5), torch.randn(4, 9)
    matrix = torch.zeros(9, 9)
    for j in range(9):
        for offset in range(-2, 3):
            if 0 <= j + offset < 9:
                matrix[j, j + offset] = kernels[j, offset + 2]
    torch.testing.assert_close(local_linkage.spread(kernels, noise), noise @ matrix.T)


def test_kernels_reproduce_correlations_and_stop_at_a_contig() -> None:
    rng = np.random.default_rng(0)
    n, m = 4000, 150
    apart = np.abs(np.subtract.outer(np.arange(m), np.arange(m)))
    r = 0.8**apart
    contig = torch.from_numpy((np.arange(m) >= 70).astype(np.int64))
    r[:70, 70:] = r[70:, :70] = 0.0
    noise = torch.from_numpy(rng.multivariate_normal(np.zeros(m), r, n)).float()
    kernels = local_linkage.kernels(noise, contig, 16)
    rows = local_linkage.spread(kernels, torch.eye(m)).T
    made = rows @ rows.T
    target = torch.from_numpy(r).float()
    near = torch.from_numpy((apart > 0) & (apart < 4))
    assert float((made - target)[near].abs().mean()) < 0.06
    assert float(made[:70, 70:].abs().max()) == 0.0
    assert float(made.diagonal().max()) <= local_linkage.CAP + 1e-5
    alone = local_linkage.kernels(torch.randn(n, m, generator=torch.Generator().manual_seed(0)), contig, 16)
    assert float(alone.square().sum(1).mean()) < 0.02


# --- The model --------------------------------------------------------------------------------------------------------


def started(data: TrainData, latent: int = 16, reach: int = 4) -> FactorGenerator:
    generator = FactorGenerator(data.spec, latent, (8,), 4, reach)
    labels = data.condition.labels[:, 0] + 1 if data.condition.labels.shape[1] else None
    generator.start(factors.fit(data, labels, len(generator.mean), latent, reach)[0])
    return generator.eval()


def test_frequencies_of_populations_linkage_and_association_stand_at_the_start() -> None:
    data = cohort(2000)
    generator = started(data)
    n = 8000
    noise = torch.Generator().manual_seed(1)
    for population in (0, 1):
        rows = data.condition.labels[:, 0] == population
        wish = Condition(torch.full((n, 1), population), torch.zeros(n, 1))
        logits = generator(torch.randn(n, 16, generator=noise), torch.randn(n, 30, generator=noise), wish)
        p = logits.exp().detach()
        error = (p[:, 1] / 2 + p[:, 2]).mean(0) - data.calls[rows].float().mean(0) / 2
        assert float(error.square().mean().sqrt()) < 0.03
        real = torch.corrcoef(data.calls[rows].float().T)
        made = torch.multinomial(p.transpose(1, 2).reshape(-1, 3), 1, generator=noise).reshape(n, 30).float()
        pairs = [(i, i + 1) for i in range(0, 30, 2)]
        ratio = sum(torch.corrcoef(made.T)[i, j] for i, j in pairs) / sum(real[i, j] for i, j in pairs)
        assert 0.8 < float(ratio) < 1.1
    effects = generator.effects.weight[:, -1].detach()
    assert int(effects.argmax()) in (0, 1)  # variant 0 causes the trait, 1 is linked to it
    assert float(effects[0]) > 0.2


def test_independent_variants_get_no_factor_and_no_neighbour() -> None:
    calls = torch.from_numpy(np.random.default_rng(2).binomial(2, 0.4, (2000, 50)).astype(np.int8))
    generator = started(TrainData(calls, nobody(2000), spec_of(50, 2000, {"class": ["0"]})))
    assert float(generator.slopes.detach().abs().max()) == 0.0
    assert float(generator.kernels.detach().square().sum(1).mean()) < 0.02


def test_recut_makes_frequencies_exact() -> None:
    data = cohort(500)
    generator = started(data)
    target = factors.frequencies(data.calls, 3) + 0.3 * torch.rand(3, 30, generator=torch.Generator().manual_seed(0))
    target = target / target.sum(0)
    latent, everyone = torch.randn(500, 16), data.condition
    thresholds = generator.recut(latent, everyone, target)
    p = ordered.probabilities(thresholds, generator.liability(latent, everyone)).mean(0)
    torch.testing.assert_close(p, target, atol=1e-3, rtol=0)


def test_classes_find_separate_populations() -> None:
    rng = np.random.default_rng(3)
    frequency = rng.uniform(0.05, 0.95, (3, 200))
    truth = np.repeat([0, 1, 2], 100)
    calls = torch.from_numpy(rng.binomial(2, frequency[truth]).astype(np.int8))
    found = classes(calls, 3).numpy()
    assert len({(a, b) for a, b in zip(truth, found, strict=True)}) == 3


def test_moment_errors_vanish_on_the_data_and_see_what_is_wrong() -> None:
    calls = linked(2000)
    moments = Moments(calls, nobody(2000), 3)
    right = moments(one_hot(calls, 3), nobody(2000))
    assert abs(float(right["frequency"])) < 1e-3
    assert abs(float(right["linkage"])) < 1e-3
    shuffled = torch.stack([calls[torch.randperm(2000), j] for j in range(60)], dim=1)
    unlinked = moments(one_hot(shuffled, 3), nobody(2000))
    assert float(unlinked["linkage"]) > 0.01
    shifted = moments(one_hot(torch.zeros_like(calls), 3), nobody(2000))
    assert float(shifted["frequency"]) > 0.1

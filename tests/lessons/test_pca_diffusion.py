"""Lesson 12: fewer components lose rare alleles first; thresholds bring their frequency back."""

from __future__ import annotations

import numpy as np
import pytest

from core.lessons.pca_diffusion import CLASSES, COUNTS, cohort, diffuse

SEEDS = range(1, 5)
RARE, LOW, COMMON = CLASSES


@pytest.mark.parametrize("seed", SEEDS)
def test_fewer_components_lose_rare_alleles_first(seed: int) -> None:
    one = cohort(seed)
    for fewer, more in ((RARE, LOW), (LOW, COMMON)):
        assert np.all(one.kept[fewer] <= one.kept[more])
        assert np.all(one.kept[fewer] < one.kept[more], where=np.array(COUNTS) <= 50)
    # Half of the carriers of a rare allele need more than 32 components, of a common one not even two.
    kept = {name: dict(zip(COUNTS, shares, strict=True)) for name, shares in one.kept.items()}
    assert kept[RARE][12] < 0.05 and kept[RARE][32] < 0.5 and kept[COMMON][2] > 0.5
    assert all(shares[COUNTS[-1]] == pytest.approx(1, abs=0.01) for shares in kept.values())


@pytest.mark.parametrize("seed", SEEDS)
def test_rounding_loses_alleles_that_thresholds_bring_back(seed: int) -> None:
    one = cohort(seed)
    rounded, cut = (diffuse(one, 10, thresholds) for thresholds in (False, True))
    assert rounded.lost[RARE] > 0.9 and rounded.lost[COMMON] < 0.1
    # An allele of two carriers is missing from as many new individuals with probability e⁻² = 0.14, if drawn freely.
    assert cut.lost[RARE] < 0.3 and cut.lost[COMMON] == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_noise_becomes_the_scores_of_the_populations(seed: int) -> None:
    one = cohort(seed)
    result = diffuse(one, 10, False)
    start, end = result.denoised(1.0), result.denoised(0.0)
    # Standard normal scores at first; at last each population where it is, a third of the individuals in each.
    assert np.abs(start.mean(axis=0)).max() < 0.1 and np.abs(start.std(axis=0) - 1).max() < 0.1
    labels = list(dict.fromkeys(one.population.tolist()))
    centres = np.array([result.real[one.population == label].mean(axis=0) for label in labels])
    nearest = np.argmin(np.square(end[:, None] - centres).sum(axis=2), axis=1)
    # Four standard errors of a share of 180 are 0.14, and Sobol points stray less.
    assert np.abs(np.bincount(nearest, minlength=3) / len(end) - 1 / 3).max() < 0.14
    for k, centre in enumerate(centres):
        assert np.abs(end[nearest == k].mean(axis=0) - centre)[:2].max() < 0.3
    np.testing.assert_allclose(result.noised(0.0), result.real)
    np.testing.assert_allclose(result.noised(1.0), result.noise)

"""The latents of individuals: the map is a PCA, ends are what was observed, walks are what the model decodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from core.config.training import TrainingConfig
from core.data.split import Split
from core.errors import InputError
from core.latents.individuals import IndividualLens, far_apart, open_individuals
from core.models.registry import build
from core.training.data import prepare_split
from core.training.loop import fit
from tests.conftest import tiny_cohort
from tests.training.test_loop import Recorder

SMALL = {"latent": 4, "encoder_widths": [32], "decoder_widths": [32, 6], "neighbours": 4}


def trained(folder: Path, name: str = "vae", **settings: Any) -> Path:
    """The checkpoints of a short training on the tiny cohort."""
    genotypes = tiny_cohort()
    config = TrainingConfig(epochs=40 if name == "vae" else 0, batch_size=40, learning_rate=5e-3, device="cpu")
    every = np.arange(genotypes.n)
    data, _ = prepare_split(genotypes, Split(every, every[:0]), config)
    torch.manual_seed(0)
    model = build(name, settings, data.spec, config)
    fit(Recorder(folder / "checkpoints"), model, data, None, config, resume=False, name=name)
    return folder / "checkpoints"


@pytest.fixture(scope="module")
def lens(tmp_path_factory: pytest.TempPathFactory) -> IndividualLens:
    return open_individuals(trained(tmp_path_factory.mktemp("run"), **SMALL), tiny_cohort())


def test_the_map_is_the_principal_components_of_the_latents(lens: IndividualLens) -> None:
    cohort = lens.cohort_map()
    pca = PCA(2).fit(cohort.latents.astype(float))
    np.testing.assert_allclose(cohort.explained, pca.explained_variance_ratio_, atol=1e-4)
    theirs = pca.transform(cohort.latents.astype(float))
    np.testing.assert_allclose(np.abs(cohort.places), np.abs(theirs), atol=1e-3)
    np.testing.assert_allclose(cohort.place(cohort.latents[:5]), cohort.places[:5], atol=1e-5)


def test_populations_lie_apart_and_the_farthest_two_are_named(lens: IndividualLens) -> None:
    cohort = lens.cohort_map()
    south = (lens.genotypes.labels["population"] == "SOUTH").astype(int)
    middle = np.stack([cohort.latents[south == k].mean(0) for k in (0, 1)])
    nearest = np.linalg.norm(cohort.latents[:, None] - middle, axis=2).argmin(1)
    assert (nearest == south).mean() > 0.9
    assert set(far_apart(cohort, south)) == {0, 1}
    a, b = far_apart(cohort)
    apart = np.linalg.norm(cohort.latents - cohort.latents[a], axis=1)
    assert apart[b] == apart.max() > 0


def test_ends_are_what_was_observed(lens: IndividualLens) -> None:
    genotypes = lens.genotypes
    south = lens.population("population", "SOUTH")
    calls = genotypes.calls[genotypes.labels["population"] == "SOUTH"].astype(float)
    expected = np.nanmean(np.where(calls < 0, np.nan, calls), axis=0) / 2
    np.testing.assert_allclose(south.frequency, expected, atol=1e-6)
    assert south.individuals == len(calls)
    one = lens.individual(str(genotypes.sample_id[3]))
    known = genotypes.calls[3] >= 0
    np.testing.assert_allclose(one.frequency[known], genotypes.calls[3][known] / 2)
    assert np.isnan(one.frequency[~known]).all()
    np.testing.assert_array_equal(one.latent, lens.encode(np.array([3]))[0])


def test_a_walk_begins_and_ends_near_the_observed_frequencies(lens: IndividualLens) -> None:
    ends = lens.population("population", "NORTH"), lens.population("population", "SOUTH")
    way = lens.walk(*ends, moments=5)
    assert way.genotypes.shape == (5, 40, 3)
    np.testing.assert_allclose(way.genotypes.sum(2), 1, atol=1e-5)
    np.testing.assert_allclose(way.latents[2], (ends[0].latent + ends[1].latent) / 2, atol=1e-6)
    np.testing.assert_allclose(way.frequency, way.genotypes[..., 1] / 2 + way.genotypes[..., 2], atol=1e-6)
    np.testing.assert_allclose(way.heterozygosity, way.genotypes[..., 1].mean(1), atol=1e-6)
    for t, own, other in ((0, *ends), (-1, *ends[::-1])):
        error = [np.square(way.frequency[t] - end.frequency).mean() for end in (own, other)]
        assert error[0] < 0.5 * error[1]


def test_what_is_not_there_is_said_in_a_sentence(lens: IndividualLens, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no population called 'SOUT'; there are populations such as 'SOUTH'"):
        lens.population("population", "SOUT")
    with pytest.raises(InputError, match="no label column 'region'"):
        lens.population("region", "SOUTH")
    with pytest.raises(InputError, match="no individual called"):
        lens.individual("nobody")
    with pytest.raises(InputError, match="no checkpoint yet"):
        open_individuals(tmp_path / "nothing", tiny_cohort())
    with pytest.raises(InputError, match="no latents of individuals"):
        open_individuals(trained(tmp_path, "independent_sites"), tiny_cohort())
    with pytest.raises(InputError, match="30 variants and the model was trained on 40"):
        open_individuals(trained(tmp_path / "vae", **SMALL), tiny_cohort(m=30))

"""Diversity in windows against scikit-allel, and what a model that loses rare alleles or linkage gives."""

from __future__ import annotations

from dataclasses import replace

import allel
import numpy as np
import pytest

from core.data.genotypes import Genotypes, from_calls
from core.evaluation.context import Panel
from core.evaluation.diversity import (
    WINDOWS,
    along,
    arrays,
    fst_between,
    joint_spectrum,
    multilocus,
    populations,
    windows_of,
)
from core.evaluation.panels import independent_sites
from core.evaluation.registry import metrics
from tests.evaluation.cohorts import cohort, comparison, mosaic, noise
from tests.evaluation.test_adversarial import value


def placed(genotypes: Genotypes, contigs: list[int]) -> Genotypes:
    """The variants 100 bp apart on contigs of these sizes."""
    contig = np.repeat([str(i + 1) for i in range(len(contigs))], contigs)
    position = np.concatenate([np.arange(1, size + 1) * 100 for size in contigs])
    return replace(genotypes, variant_contig=contig, variant_position=position)


def test_windows_stay_on_their_contig_and_hold_every_variant() -> None:
    windows = windows_of(cohort(placed(from_calls(noise(4, 1000, 1)), [600, 363, 30, 7])))
    sizes = (windows.stop - windows.start).tolist()
    assert set(sizes[:30]) == {20} and set(sizes[30:48]) == {20, 21} and sizes[48:] == [30, 7]
    assert windows.start[0] == 0 and windows.stop[-1] == 1000
    assert np.array_equal(windows.start[1:], windows.stop[:-1])
    assert windows.contig.tolist() == ["1"] * 30 + ["2"] * 18 + ["3", "4"]
    assert (windows.low[30], windows.high[29]) == (100, 60_000)
    many = windows_of(cohort(from_calls(noise(2, 20_000, 1))))
    assert len(many.start) == WINDOWS and (many.high == 0).all()
    assert len(windows_of(cohort(noise(4, 4, 1))).start) == 0


def test_statistics_equal_scikit_allel() -> None:
    sample = cohort(placed(mosaic(60, 200, 1), [200]))
    found, size = along(sample, sample, 60), 20
    genotypes = np.stack([sample.complete.T > 0, sample.complete.T > 1], axis=-1).astype(np.int8)
    alleles = allel.GenotypeArray(genotypes).count_alleles(max_allele=1)
    position = np.arange(1, 201)
    windows = np.stack([np.arange(1, 201, size), np.arange(size, 201, size)], axis=1)
    of = {"pos": position, "ac": alleles, "windows": windows}
    np.testing.assert_allclose(found["pi"], allel.windowed_diversity(**of)[0], rtol=1e-12)
    np.testing.assert_allclose(found["theta"], allel.windowed_watterson_theta(**of)[0], rtol=1e-12)
    np.testing.assert_allclose(found["tajima_d"], allel.windowed_tajima_d(**of)[0], rtol=1e-12)


@pytest.mark.parametrize("ploidy", [1, 2])
def test_multilocus_genotypes_equal_scikit_allel(ploidy: int) -> None:
    """Any rows of small numbers are haplotypes to scikit-allel, phased or not."""
    calls = np.minimum(mosaic(80, 30, 2).calls, ploidy)
    blocks = [allel.HaplotypeArray(calls[:, a : a + 10].T) for a in (0, 10, 20)]
    diversity, h12 = multilocus(calls, 10)
    assert diversity == pytest.approx(np.mean([allel.haplotype_diversity(b) for b in blocks]), rel=1e-12)
    assert h12 == pytest.approx(np.mean([allel.garud_h(b)[1] for b in blocks]), rel=1e-12)


def labelled(seed: int, apart: float, n: int = 120, m: int = 400) -> Genotypes:
    """Two populations whose frequencies differ in the first half of the variants alone."""
    frequency = np.random.default_rng(m).uniform(0.2, 0.8, m)
    other = frequency.copy()
    other[: m // 2] = np.clip(frequency[: m // 2] + apart * np.linspace(-1, 1, m // 2), 0.02, 0.98)
    rng = np.random.default_rng(seed)
    calls = np.concatenate([rng.binomial(2, p, (n // 2, m)) for p in (frequency, other)])
    return from_calls(calls, labels={"population": np.repeat(["A", "B"], n // 2)})


def test_fst_between_populations_equals_scikit_allel() -> None:
    one = cohort(labelled(1, 0.3))
    counts = [
        np.stack([2 * 60 - half.sum(axis=0), half.sum(axis=0)], axis=1)
        for half in (one.complete[:60], one.complete[60:])
    ]
    expected = [allel.average_hudson_fst(*(c[a : a + 20] for c in counts), blen=5)[0] for a in range(0, 400, 20)]
    np.testing.assert_allclose(fst_between(one, ("A", "B")), expected, rtol=1e-9)


def test_populations_that_differ_in_the_same_places() -> None:
    real, made = labelled(1, 0.4), labelled(2, 0.4)
    here = comparison(real, made, draws=50)
    assert populations(here) == ("A", "B")
    assert value("population_fst_r", here) > 0.9
    assert abs(value("population_fst_r", comparison(real, labelled(3, 0.0)))) < 0.6
    mixed = replace(made, labels={"population": np.tile(["A", "B"], 60)})
    assert abs(value("population_fst_r", comparison(real, mixed))) < 0.6
    bare = metrics["population_fst_r"].value(comparison(real, replace(made, labels={})))
    assert "Fewer than two populations" in str(bare.reason)


def test_lost_linkage_shows_in_haplotypes_and_not_in_pi() -> None:
    real = mosaic(200, 400, 1, founders=10, switch=0.01)
    honest = comparison(real, mosaic(200, 400, 2, founders=10, switch=0.01), draws=40)
    null = comparison(real, independent_sites(cohort(real), real, 1))
    for name in ("haplotype_diversity_rmse", "garud_h12_rmse"):
        assert value(name, null) > 3 * value(name, honest), name
    assert value("nucleotide_diversity_r", null) > 0.95
    assert metrics["garud_h12_rmse"].value(honest).params["block_variants"] == 5
    few = comparison(*(mosaic(200, 400, s, founders=4, switch=0.001) for s in (1, 2)))
    assert metrics["garud_h12_rmse"].value(few).params["block_variants"] == 20


def test_lost_rare_alleles_raise_tajimas_d() -> None:
    frequency = np.random.default_rng(1).beta(0.15, 1.5, 600)
    real, made = (np.random.default_rng(s).binomial(2, frequency, (100, 600)).astype(np.int8) for s in (1, 2))
    lost = np.where(made.mean(axis=0) / 2 < 0.05, 0, made).astype(np.int8)
    for name in ("tajima_d_rmse", "watterson_theta_error"):
        assert value(name, comparison(real, lost)) > 3 * value(name, comparison(real, made)), name
    statistics = [along(cohort(c), cohort(real), 100)["tajima_d"] for c in (real, lost)]
    assert np.nanmean(statistics[1]) > np.nanmean(statistics[0]) + 0.5


def test_joint_spectrum_holds_every_variant_at_its_two_frequencies() -> None:
    real, made = mosaic(50, 90, 1), mosaic(40, 90, 2)
    spectrum = joint_spectrum(comparison(real, made))
    assert spectrum.sum() == pytest.approx(1)
    at = np.rint(50 * real.calls.mean(axis=0) / 2).astype(int), np.rint(50 * made.calls.mean(axis=0) / 2).astype(int)
    assert spectrum[at[0][3], at[1][3]] >= 1 / 90


def test_arrays_hold_the_windows_of_each_cohort() -> None:
    real = placed(labelled(1, 0.3), [400])
    here = comparison(real, placed(labelled(2, 0.3), [400]))
    null = comparison(real, independent_sites(cohort(real), real, 1))
    kept = arrays(Panel(here, null, None))["diversity"]
    for key in ("pi", "theta", "tajima_d", "haplotype_diversity", "h12", "fst"):
        for name in ("real", "synthetic", "null"):
            assert kept[f"{key}_{name}"].shape == (20,)
    assert kept["populations"].tolist() == ["A", "B"] and kept["joint_sfs"].shape == (51, 51)


@pytest.mark.parametrize(("n", "m"), [(1, 50), (30, 3), (30, 30)])
def test_hardly_any_data_gives_reasons(n: int, m: int) -> None:
    here = comparison(noise(n, m, 1), noise(n, m, 2))
    for name in ("nucleotide_diversity_r", "tajima_d_rmse", "haplotype_diversity_rmse", "population_fst_r"):
        assert metrics[name].value(here).reason
    arrays(Panel(here, here, None))

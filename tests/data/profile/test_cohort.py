"""The profile against independent counts, and its advice on cohorts with a known fault."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from math import comb
from typing import Any

import allel
import numpy as np
import pytest
from scipy import stats

from core.data.genotypes import Genotypes, from_calls
from core.data.hardy_weinberg import EXACT_MAX, hardy_weinberg_p
from core.data.profile.cohort import make_profile
from core.data.relatives import find_relatives
from core.data.split import make_split


def profile_of(genotypes: Genotypes) -> dict[str, Any]:
    relatives = find_relatives(genotypes)
    profile = make_profile(genotypes, relatives, make_split(genotypes, relatives, "0" * 24))
    json.dumps({k: v for k, v in profile.items() if k != "arrays"}, allow_nan=False)
    return profile


def cohort(n: int = 600, m: int = 300, seed: int = 3, missing: float = 0.02) -> Genotypes:
    """Two populations in Hardy-Weinberg proportions, unlinked variants, no fault."""
    rng = np.random.default_rng(seed)
    population = np.repeat(np.array(["A", "B"]), n // 2)
    frequency = rng.uniform(0.1, 0.45, (2, m))
    calls = rng.binomial(2, frequency[(population == "B").astype(int)]).astype(np.int8)
    calls[rng.random((n, m)) < missing] = -1
    return from_calls(
        calls,
        labels={"population": population},
        phenotypes={"height": rng.normal(170, 10, n)},
        variant_contig=np.full(m, "1"),
        variant_position=np.arange(1, m + 1) * 1000,
        variant_allele=np.tile(np.array([["A", "G"]]), (m, 1)),
    )


def as_allel(calls: np.ndarray) -> allel.GenotypeArray:
    pairs = np.stack([np.where(calls < 0, -1, calls > 0), np.where(calls < 0, -1, calls > 1)], axis=-1)
    return allel.GenotypeArray(np.ascontiguousarray(pairs.transpose(1, 0, 2)).astype(np.int8))


def test_frequencies_missingness_and_heterozygosity_equal_scikit_allel() -> None:
    genotypes = cohort(missing=0.1)
    arrays = profile_of(genotypes)["arrays"]
    theirs = as_allel(genotypes.calls)
    np.testing.assert_allclose(arrays["variant_frequency"], theirs.count_alleles().to_frequencies()[:, 1])
    np.testing.assert_allclose(arrays["variant_missing"], theirs.is_missing().mean(axis=1))
    np.testing.assert_allclose(arrays["individual_missing"], theirs.is_missing().mean(axis=0))
    np.testing.assert_allclose(arrays["variant_heterozygosity"], allel.heterozygosity_observed(theirs))
    np.testing.assert_allclose(
        arrays["individual_heterozygosity"], theirs.count_het(axis=0) / theirs.count_called(axis=0)
    )
    for row, name in enumerate(("A", "B")):
        inside = np.flatnonzero(genotypes.labels["population"] == name)
        expected = theirs.take(inside, axis=1).count_alleles(max_allele=1).to_frequencies()[:, 1]
        np.testing.assert_allclose(arrays["population_frequency"][row], expected, rtol=1e-6)


def enumerated_p(counts: tuple[int, int, int]) -> float:
    """The exact test in whole numbers: every way to pair the 2n alleles."""
    n = sum(counts)
    alternate = counts[1] + 2 * counts[2]
    ways = {
        het: comb(n, het) * comb(n - het, (alternate - het) // 2) * 2**het
        for het in range(alternate % 2, min(alternate, 2 * n - alternate) + 1, 2)
    }
    total = sum(ways.values())
    return float(Fraction(sum(w for w in ways.values() if w <= ways[counts[1]]), total))


def test_the_exact_test_equals_its_enumeration() -> None:
    rng = np.random.default_rng(0)
    counts = np.concatenate(
        [rng.integers(0, 15, (200, 3)), rng.multinomial(300, [0.6, 0.3, 0.1], 50), [[57, 14, 50], [2, 0, 0], [0, 9, 0]]]
    )
    counts = counts[counts.sum(axis=1) >= 2]
    expected = [enumerated_p((int(a), int(b), int(c))) for a, b, c in counts]
    np.testing.assert_allclose(hardy_weinberg_p(counts), expected, rtol=1e-8)


def test_hardy_weinberg_at_its_edges() -> None:
    p = hardy_weinberg_p(np.array([[0, 0, 0], [1, 0, 0], [5, 0, 0], [0, 0, 7]]))
    assert np.isnan(p[:2]).all()
    assert p[2:].tolist() == [1.0, 1.0]


def test_large_cohorts_take_the_chi_squared_test() -> None:
    rng = np.random.default_rng(1)
    n = EXACT_MAX + 5000
    counts = rng.multinomial(n, [0.49, 0.42, 0.09], 20)
    q = (counts[:, 1] + 2 * counts[:, 2]) / (2 * n)
    expected = np.stack([(1 - q) ** 2, 2 * q * (1 - q), q**2], axis=1) * n
    statistic = ((counts - expected) ** 2 / expected).sum(axis=1)
    np.testing.assert_allclose(hardy_weinberg_p(counts), stats.chi2.sf(statistic, 1), rtol=1e-9)


def test_p_values_of_random_mating_are_not_too_small() -> None:
    rng = np.random.default_rng(2)
    p = hardy_weinberg_p(np.stack([np.bincount(rng.binomial(2, 0.3, 500), minlength=3) for _ in range(3000)]))
    for level in (0.001, 0.01, 0.05, 0.5):
        assert (p < level).mean() <= level + 3 * np.sqrt(level / 3000)


def flipped(g: Genotypes) -> Genotypes:
    return replace(g, calls=np.where(g.calls < 0, -1, 2 - g.calls).astype(np.int8))


def with_calls(change: Callable[[np.ndarray], None]) -> Callable[[Genotypes], Genotypes]:
    def changed(g: Genotypes) -> Genotypes:
        calls = g.calls.copy()
        change(calls)
        return replace(g, calls=calls)

    return changed


def blank_rows(calls: np.ndarray) -> None:
    calls[:4, ::2] = -1


def blank_columns(calls: np.ndarray) -> None:
    calls[::4, :7] = -1


def one_allele(calls: np.ndarray) -> None:
    calls[:, 3:8] = 0


def all_heterozygous(calls: np.ndarray) -> None:
    calls[:, 10:16] = 1


def mixed_sample(calls: np.ndarray) -> None:
    calls[9] = np.maximum(np.where(calls[9] == 0, 1, calls[9]), 1)


def copied(calls: np.ndarray) -> None:
    calls[100] = calls[50]


def strands_mixed(g: Genotypes) -> Genotypes:
    allele, calls = g.variant_allele.copy(), g.calls.copy()
    allele[:60] = ["A", "T"]
    second = (g.labels["population"] == "B")[:, None] & (np.arange(g.m) < 60)[None, :]
    calls = np.where(np.arange(g.m) < 60, np.random.default_rng(0).binomial(2, 0.1, calls.shape), calls)
    calls[second] = 2 - calls[second]
    return replace(g, variant_allele=allele, calls=calls.astype(np.int8))


FAULTS: list[tuple[str, Callable[[Genotypes], Genotypes], str]] = [
    ("few individuals", lambda g: g.individuals(np.arange(0, 600, 6)), "The cohort has 100 individuals."),
    ("few variants", lambda g: g.variants(np.arange(20)), "The cohort has 20 variants."),
    ("bad samples", with_calls(blank_rows), "4 individuals miss more than 10 % of their calls."),
    ("bad variants", with_calls(blank_columns), "7 variants miss more than 5 % of their calls."),
    ("monomorphic", with_calls(one_allele), "5 variants do not vary in this cohort."),
    ("heterozygote excess", with_calls(all_heterozygous), "6 variants have too many heterozygotes"),
    ("contaminated", with_calls(mixed_sample), "1 individual is far more or far less heterozygous"),
    ("duplicates", with_calls(copied), "1 pair of individuals look like duplicates"),
    ("alleles swapped", flipped, "The counted allele is the more frequent one at"),
    ("no positions", lambda g: replace(g, variant_position=g.variant_position * 0), "The variants have no positions."),
    ("unsorted", lambda g: g.variants(np.arange(g.m)[::-1]), "not in the order of their positions"),
    ("shared positions", lambda g: replace(g, variant_position=g.variant_position // 2000 + 1), "share a position"),
    ("strands", strands_mixed, "60 A/T or C/G variants have mirrored frequencies"),
    ("no labels", lambda g: replace(g, labels={"population": np.where(np.arange(g.n) < 9, "", "A")}), "no population"),
    ("small population", lambda g: replace(g, labels={"population": np.where(np.arange(g.n) < 9, "X", "A")}), "(X)"),
    ("constant trait", lambda g: replace(g, phenotypes={"y": np.ones(g.n)}), "'y' has one value only"),
    ("empty trait", lambda g: replace(g, phenotypes={"y": np.full(g.n, np.nan)}), "'y' has no value"),
    (
        "codes",
        lambda g: replace(g, phenotypes={"y": np.r_[g.phenotypes["height"][1:], -999.0]}),
        "6 standard deviations",
    ),
    ("inbred", lambda g: replace(g, calls=np.where(g.calls == 1, 0, g.calls).astype(np.int8)), "inbred lines"),
]


@functools.cache
def sound() -> tuple[str, ...]:
    return tuple(sentences(cohort()))


def sentences(genotypes: Genotypes) -> list[str]:
    return [f"{warning['text']} {warning['advice']}" for warning in profile_of(genotypes)["warnings"]]


@pytest.mark.parametrize(("change", "expected"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_each_fault_has_its_sentence_and_the_sound_cohort_has_none_of_them(
    change: Callable[[Genotypes], Genotypes], expected: str
) -> None:
    assert any(expected in sentence for sentence in sentences(change(cohort())))
    assert not any(expected in sentence for sentence in sound())


def test_a_sound_cohort_has_notes_but_no_warning() -> None:
    profile = profile_of(cohort())
    assert [w for w in profile["warnings"] if w["severity"] == "warning"] == []
    assert profile["populations"][0] == profile["populations"][0] | {
        "population": "A",
        "individuals": 300,
        "holdout": 60,
    }
    assert profile["hardy_weinberg"]["departures_within"] == 0
    assert profile["heterozygosity"]["f"] == pytest.approx(0.03, abs=0.03)
    assert sum(profile["frequencies"]["maf_histogram"]["counts"]) == 300


def test_two_populations_depart_from_hardy_weinberg_only_when_pooled() -> None:
    rng = np.random.default_rng(0)
    frequency = np.stack([np.full(100, 0.1), np.full(100, 0.9)])
    population = np.repeat([0, 1], 200)
    genotypes = from_calls(rng.binomial(2, frequency[population]), labels={"pop": population.astype(str)})
    test = profile_of(genotypes)["hardy_weinberg"]
    assert (test["departures_pooled"], test["departures_within"]) == (100, 0)


def test_haplotypes_have_a_reason_instead_of_a_test() -> None:
    rng = np.random.default_rng(0)
    profile = profile_of(from_calls(rng.integers(0, 2, (250, 60)), ploidy=1))
    assert profile["hardy_weinberg"]["test"] is None
    assert "Haploid" in profile["hardy_weinberg"]["reason"]
    assert np.isnan(profile["arrays"]["variant_hwe_p"]).all()

"""Genotype counts in any layout of memory, and what follows from them."""

from __future__ import annotations

import numpy as np
import pytest

from core.data import genotype_counts as counting
from core.data.genotype_counts import (
    allele_counts,
    allele_frequency,
    f_is,
    genotype_counts,
    heterozygosity_observed,
)


@pytest.mark.parametrize("ploidy", [1, 2])
@pytest.mark.parametrize("order", ["C", "F", "strided"])
def test_counts_are_those_of_numpy_however_the_matrix_lies(
    ploidy: int, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "_BLOCK_BYTES", 64)  # many blocks
    calls = np.random.default_rng(1).integers(-1, ploidy + 1, (37, 23)).astype(np.int8)
    laid = np.repeat(calls, 2, axis=1)[:, ::2] if order == "strided" else np.array(calls, order=order)
    expected = np.stack([(calls == g).sum(axis=0) for g in range(ploidy + 1)], axis=1)
    np.testing.assert_array_equal(genotype_counts(laid, ploidy), expected)
    rows = np.array([3, 8, 30])
    some = np.stack([(calls[rows] == g).sum(axis=0) for g in range(ploidy + 1)], axis=1)
    np.testing.assert_array_equal(genotype_counts(laid, ploidy, rows), some)
    members = np.stack([(calls == g).sum(axis=1) for g in range(ploidy + 1)], axis=1)
    np.testing.assert_array_equal(genotype_counts(laid.T, ploidy), members)


def test_what_follows_from_counts_of_diploids() -> None:
    counts = np.array([[1, 2, 1], [4, 0, 0], [0, 0, 0], [2, 0, 2], [0, 4, 0]])
    assert allele_counts(counts).tolist() == [[4, 4], [8, 0], [0, 0], [4, 4], [4, 4]]
    np.testing.assert_array_equal(allele_frequency(counts), [0.5, 0, np.nan, 0.5, 0.5])
    np.testing.assert_array_equal(heterozygosity_observed(counts), [0.5, 0, np.nan, 0, 1])
    np.testing.assert_array_equal(f_is(counts), [0, np.nan, np.nan, 1, -1])


def test_haploids_have_as_many_alleles_as_calls() -> None:
    counts = np.array([[3, 1], [0, 0]])
    assert allele_counts(counts).tolist() == [[3, 1], [0, 0]]
    np.testing.assert_array_equal(allele_frequency(counts), [0.25, np.nan])

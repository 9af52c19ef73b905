"""A file's variants brought onto those of a dataset: names, places, swapped alleles, strands, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.data.alignment import align
from core.data.genotypes import Genotypes, from_calls
from core.errors import InputError

ALLELES = np.array([["A", "G"], ["C", "T"], ["G", "T"], ["A", "T"], ["C", "G"], ["AT", "A"]])


def named(calls: np.ndarray | None = None) -> Genotypes:
    """Six variants, two of which read alike on both strands, and one deletion."""
    if calls is None:
        calls = np.array([[0, 1, 2, 0, 1, 2], [2, 1, 0, -1, 1, 0], [1, 1, 1, 2, 0, 1]])
    return from_calls(
        calls,
        variant_id=np.array([f"rs{j}" for j in range(6)]),
        variant_contig=np.full(6, "1"),
        variant_position=np.arange(1, 7, dtype=np.int64) * 10,
        variant_allele=ALLELES,
    )


def test_absent_variants_are_missing_and_order_follows_the_dataset() -> None:
    reference = named()
    found = align(reference, reference.variants(np.array([4, 0, 2])), "chip.vcf")
    assert found.absent.tolist() == [False, True, False, True, False, True]
    expected = np.where(found.absent, -1, reference.calls)
    np.testing.assert_array_equal(found.genotypes.calls, expected)
    np.testing.assert_array_equal(found.genotypes.variant_id, reference.variant_id)
    assert (found.matched, found.left, found.sentences()) == (3, 0, [])


def test_a_place_names_a_variant_whose_id_is_another() -> None:
    reference = named()
    renamed = replace(reference, variant_id=np.array([f"chip{j}" for j in range(6)]), variant_contig=np.full(6, "chr1"))
    np.testing.assert_array_equal(align(reference, renamed, "x").genotypes.calls, reference.calls)
    # Another build of the genome: the ids still tell.
    moved = replace(reference, variant_position=reference.variant_position + 1000)
    assert align(reference, moved, "x").matched == 6


def test_swapped_alleles_turn_the_counts_and_a_missing_call_stays_missing() -> None:
    reference = named()
    allele = reference.variant_allele.copy()
    allele[[0, 3, 5]] = allele[[0, 3, 5], ::-1]
    calls = reference.calls.copy()
    calls[:, [0, 3, 5]] = np.where(calls[:, [0, 3, 5]] < 0, -1, 2 - calls[:, [0, 3, 5]])
    found = align(reference, replace(reference, calls=calls, variant_allele=allele), "x")
    np.testing.assert_array_equal(found.genotypes.calls, reference.calls)
    np.testing.assert_array_equal(found.genotypes.variant_allele, ALLELES)
    assert found.swapped == 3 and "turned round" in found.sentences()[0]


def test_the_other_strand_is_read_and_what_cannot_be_told_is_absent() -> None:
    reference = named()
    other = np.array([["T", "C"], ["A", "G"], ["G", "T"], ["A", "T"], ["G", "C"], ["AT", "A"]])
    calls = reference.calls.copy()
    calls[:, 1] = 2 - calls[:, 1]  # G/A there counts A, the complement of T … of our reference C
    found = align(reference, replace(reference, calls=calls, variant_allele=other), "x")
    assert found.absent.tolist() == [False, False, False, True, True, False]
    np.testing.assert_array_equal(found.genotypes.calls[:, ~found.absent], reference.calls[:, ~found.absent])
    assert (found.strand, found.swapped, found.ambiguous) == (2, 1, 2)


def test_other_alleles_are_absent_and_only_such_are_refused() -> None:
    reference = named()
    other = np.array([["A", "C"], *ALLELES[1:].tolist()])
    found = align(reference, replace(reference, variant_allele=other), "x")
    assert found.absent.tolist() == [True, *[False] * 5] and found.refused == 1
    first = np.array([0])
    with pytest.raises(InputError, match=r"1 variant of x stand .* other alleles"):
        align(reference, replace(reference, variant_allele=other).variants(first), "x")


def test_nothing_in_common_other_ploidy_and_nameless_columns_are_told() -> None:
    reference = named()
    strange = replace(reference, variant_id=np.array([f"q{j}" for j in range(6)]), variant_contig=np.full(6, "2"))
    with pytest.raises(InputError, match="None of the 6 variants of x is among the 6"):
        align(reference, strange, "x")
    with pytest.raises(InputError, match="haploid"):
        align(reference, replace(reference, calls=np.clip(reference.calls, -1, 1), ploidy=1), "x")
    assert align(reference, from_calls(reference.calls), "x").by_column
    with pytest.raises(InputError, match="nothing names them"):
        align(reference, from_calls(reference.calls[:, :4]), "x")

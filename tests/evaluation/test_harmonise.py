"""Matching variants of two matrices: order, swapped alleles, different sets, nothing in common."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.data.genotypes import Genotypes, from_calls
from core.errors import InputError
from core.evaluation.harmonise import harmonise
from tests.evaluation.cohorts import noise


def named(n: int = 20, m: int = 30, seed: int = 1) -> Genotypes:
    """Variants with contig, position, id and alleles; a few calls missing."""
    calls = noise(n, m, seed)
    calls[0, :3] = -1
    return from_calls(
        calls,
        variant_id=np.array([f"rs{j}" for j in range(m)]),
        variant_contig=np.array(["1"] * (m // 2) + ["2"] * (m - m // 2)),
        variant_position=np.tile(np.arange(1, m // 2 + 1), 2)[:m].astype(np.int64) * 100,
        variant_allele=np.tile(np.array([["A", "G"]]), (m, 1)),
    )


def test_equal_axes_are_left_alone() -> None:
    real, other = named(seed=1), named(seed=2)
    first, rest, notes = harmonise(real, {"synthetic": other})
    assert first is real
    assert rest["synthetic"] is other
    assert notes == []


def test_another_order_is_put_right() -> None:
    real, other = named(seed=1), named(seed=2)
    shuffled = other.variants(np.random.default_rng(0).permutation(30))
    _, rest, notes = harmonise(real, {"synthetic": shuffled})
    assert np.array_equal(rest["synthetic"].calls, other.calls)
    assert "another order" in notes[0]


def test_swapped_alleles_are_turned_round_and_missing_stays_missing() -> None:
    real, other = named(seed=1), named(seed=2)
    flipped, allele = other.calls.copy(), other.variant_allele.copy()
    for j in (0, 7, 20):
        flipped[:, j] = np.where(flipped[:, j] < 0, -1, 2 - flipped[:, j])
        allele[j] = allele[j, ::-1]
    _, rest, notes = harmonise(real, {"synthetic": replace(other, calls=flipped, variant_allele=allele)})
    assert np.array_equal(rest["synthetic"].calls, other.calls)
    assert np.array_equal(rest["synthetic"].variant_allele, real.variant_allele)
    assert notes == ["3 variants of the synthetic individuals count the other allele and were turned round."]


def test_prefixes_of_contigs_do_not_matter() -> None:
    real = named(seed=1)
    other = replace(
        named(seed=2),
        variant_contig=np.array([f"chr{c}" for c in real.variant_contig]),
        variant_id=np.array([f"v{j}" for j in range(30)]),
    )
    _, rest, notes = harmonise(real, {"synthetic": other})
    assert rest["synthetic"] is other
    assert notes == []


def test_only_variants_of_all_matrices_are_kept() -> None:
    real = named(seed=1)
    synthetic = named(seed=2).variants(np.arange(5, 30))
    holdout = named(seed=3).variants(np.arange(0, 25))
    first, rest, notes = harmonise(real, {"synthetic": synthetic, "holdout": holdout})
    for side in (first, *rest.values()):
        assert side.variant_id.tolist() == real.variant_id[5:25].tolist()
    assert "20 of 30 real variants are in all matrices" in " ".join(notes)


def test_another_pair_of_alleles_is_another_variant() -> None:
    real = named(seed=1)
    allele = real.variant_allele.copy()
    allele[4] = ["A", "T"]
    other = replace(named(seed=2), variant_allele=allele, variant_id=np.array([f"v{j}" for j in range(30)]))
    first, _, _ = harmonise(real, {"synthetic": other})
    assert first.m == 29
    assert "rs4" not in first.variant_id


def test_without_positions_ids_decide() -> None:
    real, other = (
        replace(named(seed=s), variant_position=np.zeros(30, np.int64), variant_contig=np.full(30, "")) for s in (1, 2)
    )
    _, rest, _ = harmonise(real, {"synthetic": other.variants(np.arange(29, -1, -1))})
    assert np.array_equal(rest["synthetic"].calls, other.calls)


def test_nameless_columns_are_matched_in_order() -> None:
    real, other = named(seed=1), from_calls(noise(8, 30, 2))
    _, rest, notes = harmonise(real, {"synthetic": other})
    assert rest["synthetic"] is other
    assert "column by column" in notes[0]
    assert harmonise(from_calls(noise(8, 30, 1)), {"synthetic": other})[2] == []


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (from_calls(noise(8, 30, 2, ploidy=1), ploidy=1), "ploidy 1"),
        (from_calls(noise(8, 12, 2)), "30 variants and the synthetic ones 12"),
        (
            replace(named(seed=2), variant_id=np.full(30, "x"), variant_position=np.arange(30) + 7777),
            "no variant in common",
        ),
    ],
)
def test_what_cannot_be_matched_is_refused(other: Genotypes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        harmonise(named(seed=1), {"synthetic": other})


def test_variants_at_one_place_are_told_apart_by_alleles_or_left_out() -> None:
    real, other = named(seed=1), named(seed=2)
    position = real.variant_position.copy()
    position[1] = position[0]
    allele = real.variant_allele.copy()
    allele[1] = ["A", "T"]
    ids = np.array([f"v{j}" for j in range(30)])
    split = [replace(g, variant_position=position, variant_allele=allele) for g in (real, other)]
    first, rest, _ = harmonise(
        split[0], {"synthetic": replace(split[1], variant_id=ids).variants(np.arange(29, -1, -1))}
    )
    assert first.m == 30
    assert np.array_equal(rest["synthetic"].calls, other.calls)
    same = [replace(g, variant_position=position) for g in (real, other)]
    first, _, _ = harmonise(same[0], {"synthetic": replace(same[1], variant_id=ids).variants(np.arange(29, -1, -1))})
    assert first.m == 28


def test_variants_without_a_position_are_not_matched_by_it() -> None:
    """Two unknown places are no common place, even where the alleles would fit."""
    calls = np.array([[0, 1, 2], [2, 1, 0], [1, 1, 1]], dtype=np.int8)
    real = replace(
        from_calls(calls), variant_id=np.array(["a", "b", "c"]), variant_contig=np.array(["1", "", "1"]),
        variant_position=np.array([5, 0, 9]), variant_allele=np.array([["A", "C"], ["G", "T"], ["A", "G"]]),
    )  # fmt: skip
    other = replace(real, variant_id=np.array(["x", "y", "z"]))
    kept, aligned, _ = harmonise(real, {"other": other})
    assert kept.variant_id.tolist() == ["a", "c"]
    np.testing.assert_array_equal(aligned["other"].calls, calls[:, [0, 2]])

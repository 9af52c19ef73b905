"""Import filters against definitions computed by hand or by brute force."""

from __future__ import annotations

import numpy as np
import pytest

from core.data.genotypes import Genotypes, from_calls
from core.data.intake.cohort_options import CohortOptions
from core.data.intake.filters import Region, apply_filters
from core.errors import InputError


def cohort() -> Genotypes:
    """5 × 6: variant frequencies 0, 0.1, 0.5, 0.9, one call, three calls; the last individual mostly missing."""
    calls = np.array(
        [
            [0, 0, 1, 2, -1, -1],
            [0, 1, 1, 2, -1, -1],
            [0, 0, 1, 2, -1, 1],
            [0, 0, 1, 2, -1, 0],
            [0, 0, 1, 1, 1, 1],
        ]
    )
    return from_calls(
        calls,
        variant_contig=np.array(["chr1", "chr1", "chr1", "chr1", "2", "2"]),
        variant_position=np.array([10, 20, 31, 40, 5, 15], dtype=np.int64),
    )


def kept(**options: object) -> tuple[list[str], list[str], dict[str, int]]:
    genotypes, removed = apply_filters(cohort(), CohortOptions(**options))  # type: ignore[arg-type]
    return genotypes.variant_id.tolist(), genotypes.sample_id.tolist(), removed


ALL = [f"variant_{j}" for j in range(1, 7)]


@pytest.mark.parametrize(
    ("options", "variants", "count"),
    [
        ({"region": "1:20-40"}, ALL[1:4], 3),
        ({"region": "chr2"}, ALL[4:], 4),
        ({"region": "1:2,0-31"}, ALL[1:3], 4),
        ({"maf_min": 0.1}, ALL[1:], 1),
        ({"maf_min": 0.11}, [ALL[2], ALL[4], ALL[5]], 3),
        ({"variant_missing_max": 0.4}, [*ALL[:4], ALL[5]], 1),
        ({"variant_missing_max": 0.0}, ALL[:4], 2),
        ({"thin_bp": 20}, [ALL[0], ALL[2], ALL[4]], 3),
        ({"thin_bp": 10}, [ALL[0], ALL[1], ALL[2], ALL[4], ALL[5]], 1),
    ],
)
def test_variant_filters(options: dict[str, object], variants: list[str], count: int) -> None:
    left, people, removed = kept(**options)
    assert left == variants
    assert len(people) == 5
    assert list(removed.values()) == [count]


def test_individual_missingness_follows_variant_missingness() -> None:
    assert kept(individual_missing_max=0.2)[1] == ["sample_3", "sample_4", "sample_5"]
    assert kept(individual_missing_max=0.2, variant_missing_max=0.4)[1] == [f"sample_{i}" for i in range(1, 6)]


def test_no_filter_changes_nothing() -> None:
    genotypes, removed = apply_filters(cohort(), CohortOptions())
    assert removed == {}
    assert genotypes.calls.tolist() == cohort().calls.tolist()


def test_both_memory_orders_give_the_same() -> None:
    plain = cohort()
    turned = from_calls(
        np.ascontiguousarray(plain.calls.T).T,
        variant_contig=plain.variant_contig,
        variant_position=plain.variant_position,
    )
    options = CohortOptions(maf_min=0.11, region="1")
    left, right = apply_filters(plain, options)[0], apply_filters(turned, options)[0]
    np.testing.assert_array_equal(left.calls, right.calls)
    np.testing.assert_array_equal(left.variant_position, right.variant_position)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"region": "1:a-b"}, "contig:from-to"),
        ({"region": "1:9-2"}, "ends before"),
        ({"region": "X"}, "chr1"),
        ({"maf_min": 0.5, "region": "1:10-20"}, "No variant is left"),
    ],
)
def test_what_cannot_be_done_is_said(options: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        kept(**options)


def test_no_individual_left() -> None:
    with pytest.raises(InputError, match="No individual is left"):
        apply_filters(from_calls([[0, -1], [-1, 2]]), CohortOptions(individual_missing_max=0.1))


def test_positions_are_needed() -> None:
    for options in (CohortOptions(region="1:1-5"), CohortOptions(thin_bp=5)):
        with pytest.raises(InputError, match="no positions"):
            apply_filters(from_calls([[0, 1], [1, 2]]), options)


def test_region_without_bounds_is_a_contig() -> None:
    region = Region.parse("chrX")
    assert region is not None
    assert region.contains("X", 10**12)
    assert Region.parse("  ") is None


def test_hardy_weinberg_filter_removes_the_lack_of_heterozygotes() -> None:
    rng = np.random.default_rng(1)
    calls = rng.binomial(2, 0.5, (200, 3)).astype(np.int8)
    calls[:, 1] = np.where(calls[:, 1] > 0, 2, 0)
    left, removed = apply_filters(from_calls(calls), CohortOptions(hwe_p_min=1e-6))
    assert left.variant_id.tolist() == ["variant_1", "variant_3"]
    assert removed == {"Hardy-Weinberg p below 1e-06": 1}
    with pytest.raises(InputError, match="diploid"):
        apply_filters(from_calls([[0, 1], [1, 0]], ploidy=1), CohortOptions(hwe_p_min=0.1))

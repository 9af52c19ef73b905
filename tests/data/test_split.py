"""The split: shares within populations, families on one side, the same on every machine."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.genotypes import Genotypes, from_calls
from core.data.relatives import DUPLICATE, FIRST_DEGREE, Relatives, family_of, find_relatives
from core.data.split import make_split, split_sets
from tests.sets import from_groups

NOBODY = Relatives(np.empty((0, 2), np.int64), np.empty(0, np.float32), np.empty(0, np.bool_), "exact", 1.0, 0)


def unrelated(n: int, m: int, seed: int, populations: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """(2, n, m) haplotypes of unlinked variants and (n,) populations that drifted apart (F_ST about 0.1)."""
    rng = np.random.default_rng(seed)
    ancestral = rng.uniform(0.1, 0.9, m)
    population = np.sort(rng.integers(0, populations, n))
    frequency = rng.beta(ancestral * 9, (1 - ancestral) * 9, (populations, m)) if populations > 1 else ancestral[None]
    return (rng.random((2, n, m)) < frequency[population]).astype(np.int8), population


def child_of(a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(2, m) haplotypes of a child: one gamete of each parent, variants unlinked."""
    return np.stack([np.where(rng.random(a.shape[1]) < 0.5, parent[0], parent[1]) for parent in (a, b)])


def planted(seed: int, populations: int, missing: float) -> tuple[Genotypes, dict[str, list[tuple[int, int]]]]:
    """400 individuals: 300 unrelated ones, then duplicates with errors, children, and pairs of siblings of them."""
    rng = np.random.default_rng(seed)
    haplotypes, population = unrelated(400, 4000, seed, populations)
    kin: dict[str, list[tuple[int, int]]] = {"duplicate": [], "parent": [], "sibling": []}
    for i in range(300, 320):
        haplotypes[:, i] = haplotypes[:, i - 300]
        kin["duplicate"].append((i - 300, i))
    for i in range(320, 350):
        mother = 20 + 2 * (i - 320)
        father = mother + 1
        haplotypes[:, i] = child_of(haplotypes[:, mother], haplotypes[:, father], rng)
        kin["parent"].append((mother, i))
    for i in range(350, 390, 2):
        parents = haplotypes[:, 100 + i - 350], haplotypes[:, 150 + i - 350]
        haplotypes[:, i], haplotypes[:, i + 1] = (child_of(*parents, rng) for _ in range(2))
        kin["sibling"].append((i, i + 1))
    calls = haplotypes.sum(axis=0, dtype=np.int8)
    wrong = rng.random(calls.shape) < 0.001
    calls[wrong] = rng.integers(0, 3, int(wrong.sum()))
    calls[rng.random(calls.shape) < missing] = -1
    return from_calls(calls, labels={"population": population.astype(str)}), kin


@pytest.mark.parametrize(("populations", "missing"), [(1, 0.0), (3, 0.0), (1, 0.05), (3, 0.05)])
def test_planted_families_are_found_and_kept_together(populations: int, missing: float) -> None:
    genotypes, kin = planted(5, populations, missing)
    relatives = find_relatives(genotypes)
    assert relatives.method == "kinship"
    assert relatives.threshold == FIRST_DEGREE
    found = {
        tuple(pair): (score, twin)
        for pair, score, twin in zip(
            relatives.pairs.tolist(), relatives.score.tolist(), relatives.duplicate.tolist(), strict=True
        )
    }
    for pair in kin["duplicate"]:
        score, duplicate = found[pair]
        assert duplicate
        assert score > DUPLICATE
        assert score == pytest.approx(0.5, abs=0.03)
    for pair in kin["parent"] + kin["sibling"]:
        score, duplicate = found[pair]
        assert not duplicate
        # Parents of two populations make KING-robust smaller than 1/4; within one it is unbiased.
        assert score == pytest.approx(0.25, abs=0.06)
    family = family_of(relatives.pairs, genotypes.n)
    split = make_split(genotypes, relatives, "ab" * 12)
    assert set(family[split.train]) & set(family[split.holdout]) == set()
    strangers = [pair for pair in found if max(pair) < 300]
    assert strangers == []


def test_the_kinship_estimate_equals_its_formula_one_pair_at_a_time() -> None:
    genotypes, _ = planted(8, 2, 0.1)
    relatives = find_relatives(genotypes)
    assert len(relatives.pairs) > 50
    for (i, j), score in zip(relatives.pairs[:60].tolist(), relatives.score[:60].tolist(), strict=True):
        x, y = genotypes.calls[i].astype(int), genotypes.calls[j].astype(int)
        both = (x >= 0) & (y >= 0)
        x, y = x[both], y[both]
        heterozygotes = min((x == 1).sum(), (y == 1).sum())
        assert score == pytest.approx(0.5 - ((x - y) ** 2).sum() / (4 * heterozygotes), abs=1e-5)


def test_a_short_region_makes_nobody_a_relative() -> None:
    """Six haplotypes in all: half of the cohort shares whole haplotypes, and that is no kinship."""
    rng = np.random.default_rng(0)
    founders = rng.integers(0, 2, (6, 200)).astype(np.int8)
    calls = founders[rng.integers(0, 6, (500, 2))].sum(axis=1, dtype=np.int8)
    relatives = find_relatives(from_calls(calls))
    assert len(relatives.pairs) == 0
    assert any("Many individuals are identical" in note for note in relatives.notes)


def test_copies_among_inbred_lines_and_haplotypes() -> None:
    rng = np.random.default_rng(1)
    lines = (rng.random((120, 900)) < rng.uniform(0.1, 0.9, 900)).astype(np.int8)
    lines[110:] = lines[:10]
    lines[110:, 5] ^= 1
    for genotypes in (from_calls(lines, ploidy=1), from_calls(2 * lines)):
        relatives = find_relatives(genotypes)
        assert relatives.method == "identity"
        assert relatives.pairs.tolist() == [[i, 110 + i] for i in range(10)]
        assert relatives.duplicate.all()


def test_a_chain_of_pairs_is_one_family() -> None:
    pairs = np.array([[0, 1], [1, 2], [2, 3], [7, 9], [8, 9]])
    assert family_of(pairs, 10).tolist() == [0, 0, 0, 0, 1, 2, 3, 4, 4, 4]
    long = np.stack([np.arange(4999), np.arange(1, 5000)], axis=1)[::-1]
    assert (family_of(long, 5000) == 0).all()


@settings(max_examples=100)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=8), st.integers(0, 2**32))
def test_shares_within_populations(sizes: list[int], seed: int) -> None:
    population = np.repeat([f"p{k}" for k in range(len(sizes))], sizes)
    n = len(population)
    genotypes = from_calls(np.zeros((n, 1)), labels={"population": population})
    split = make_split(genotypes, NOBODY, f"{seed:024x}")
    assert np.array_equal(np.sort(np.concatenate([split.train, split.holdout])), np.arange(n))
    assert np.array_equal(split.train, np.sort(split.train))
    assert len(split.holdout) == (max(1, round(0.2 * n)) if n > 1 else 0)
    for name, size in zip(np.unique(population), sizes, strict=True):
        assert abs((population[split.holdout] == name).sum() - size * len(split.holdout) / n) <= 1


def test_the_split_depends_on_the_digest_alone() -> None:
    genotypes = from_calls(np.zeros((200, 1)))
    first = make_split(genotypes, NOBODY, "0" * 24)
    again = make_split(genotypes, NOBODY, "0" * 24)
    other = make_split(genotypes, NOBODY, "1" * 24)
    assert np.array_equal(first.holdout, again.holdout)
    assert not np.array_equal(first.holdout, other.holdout)
    # Fixed for ever: a dataset imported today and one imported years ago must agree.
    assert first.holdout[:8].tolist() == [2, 3, 11, 13, 15, 20, 21, 32]


def test_families_too_large_for_the_holdout_stay_in_training() -> None:
    genotypes = from_calls(np.zeros((20, 1)))
    pairs = np.stack([np.zeros(14, np.int64), np.arange(1, 15)], axis=1)
    one = np.ones(14, np.float32)
    split = make_split(genotypes, Relatives(pairs, one, one > 2, "kinship", 0.177, 1), "0" * 24)
    assert len(split.holdout) == 4
    assert split.holdout.min() >= 15


@pytest.mark.parametrize("n", [2, 3])
def test_a_single_family_is_still_split(n: int) -> None:
    pairs = np.stack([np.zeros(n - 1, np.int64), np.arange(1, n)], axis=1)
    one = np.ones(n - 1, np.float32)
    split = make_split(from_calls(np.zeros((n, 1))), Relatives(pairs, one, one > 2, "exact", 1.0, 1), "0" * 24)
    assert (len(split.train), len(split.holdout)) == (n - 1, 1)


def test_sets_of_one_unit_stay_on_one_side() -> None:
    clone = np.repeat([f"c{i}" for i in range(12)], 3)
    sets = from_groups(np.zeros((36, 1), np.float32), np.arange(36), labels={"clone": clone}, unit="clone")
    split = split_sets(sets, "ab" * 12)
    assert not set(clone[split.train]) & set(clone[split.holdout])
    assert sorted([*split.train, *split.holdout]) == list(range(36)) and len(split.holdout) == 6


def test_sets_are_stratified_by_their_first_label() -> None:
    fate = np.repeat(["x", "y"], [30, 10])
    sets = from_groups(np.zeros((40, 1), np.float32), np.arange(40), labels={"fate": fate})
    held = split_sets(sets, "0" * 24).holdout
    assert [(fate[held] == value).sum() for value in "xy"] == [6, 2]
    assert np.array_equal(held, split_sets(sets, "0" * 24).holdout)

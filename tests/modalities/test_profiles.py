"""Sequences in numbers, against values by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.modalities import profiles

ACGT = "ACGT"


def letters(*words: str, alphabet: str = ACGT) -> np.ndarray:
    """Words as (n, l) int8, −1 behind the end."""
    longest = max(map(len, words))
    return np.array([[alphabet.index(c) for c in w] + [-1] * (longest - len(w)) for w in words], dtype=np.int8)


def test_information_is_schneiders_with_its_correction() -> None:
    counts = profiles.position_counts(letters("AA", "AC", "AG", "AT", "A"), 4)
    np.testing.assert_array_equal(counts, [[5, 0, 0, 0], [1, 1, 1, 1]])
    # The second position holds nothing, and its correction does not take it below 0.
    np.testing.assert_allclose(profiles.information(counts), [2 - 3 / (2 * np.log(2) * 5), 0.0])


def test_lengths_composition_and_gc() -> None:
    x = letters("GGCC", "AT", "ACG")
    assert profiles.lengths(x).tolist() == [4, 2, 3]
    np.testing.assert_allclose(profiles.gc(x, ACGT), [1, 0, 2 / 3])
    np.testing.assert_allclose(profiles.composition(x, 4), np.array([1 / 2 + 1 / 3, 1 / 2 + 1 / 3, 5 / 6, 1 / 2]) / 3)
    assert profiles.gc(letters("MKV", alphabet="KMV"), "KMV") is None


def test_shares_of_words_sum_to_one_and_differ_by_hellinger() -> None:
    p, q = profiles.word_shares(letters("ACGTACGT"), 4), profiles.word_shares(letters("AAAAAAAA"), 4)
    assert p.sum() == pytest.approx(1) and q.sum() == pytest.approx(1)
    assert profiles.hellinger(p, p) == 0
    # Of the words of one letter a quarter is common, of longer ones nothing.
    overlap = 0.5 / 4
    assert profiles.hellinger(p, q) == pytest.approx(np.sqrt(1 - overlap), abs=1e-6)


def test_a_fingerprint_is_of_the_letters_alone() -> None:
    x = letters("ACGT", "ACG", "CCG", "ACGT")
    prints = profiles.fingerprints(x)
    assert prints[0] == prints[3] and len(set(prints.tolist())) == 3
    behind = x.copy()
    behind[1] = [0, 1, 2, -1]
    wider = np.concatenate([behind, np.full((4, 3), -1, dtype=np.int8)], axis=1)
    wider[1, 5] = 2  # a letter behind the end is none
    np.testing.assert_array_equal(profiles.fingerprints(wider), prints)


def test_methylation_is_the_share_of_marked_c_among_those_before_a_g() -> None:
    letters = "ACGTM"
    x = np.int8([[letters.index(one) for one in text] for text in ("MGCG", "CGMG", "MGAC", "MAMG")])
    n, share = profiles.methylation(x, letters)
    assert n.tolist() == [3, 0, 3]  # M before A is no CpG, nor C at the end
    np.testing.assert_allclose(share, [2 / 3, np.nan, 2 / 3])

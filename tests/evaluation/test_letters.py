"""Edit distances, motifs and mutations, against plain implementations and values by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import InputError
from core.evaluation import motifs
from core.evaluation.edit_distance import edit_distance
from core.evaluation.mutations import GAP, along, changes, commonest, differing, laid
from tests.modalities.test_profiles import letters

JASPAR = """>MA0001.1 toy
A  [ 8 0 0 ]
C  [ 0 8 0 ]
G  [ 0 0 8 ]
T  [ 0 0 0 ]
"""
MEME = """MEME version 4

ALPHABET= ACGT

MOTIF toy
letter-probability matrix: alength= 4 w= 3 nsites= 8 E= 0
 1 0 0 0
 0 1 0 0
 0 0 1 0
"""


def plain(a: str, b: str) -> int:
    """The table of Wagner & Fischer, cell by cell."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a):
        new = [i + 1]
        for j, y in enumerate(b):
            new.append(min(row[j + 1] + 1, new[j] + 1, row[j] + (x != y)))
        row = new
    return row[-1]


def test_edit_distances_are_those_of_the_plain_table() -> None:
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("ACGT"), size=rng.integers(1, 14))) for _ in range(120)]
    a, b = words[:60], words[60:]
    assert edit_distance(letters(*a), letters(*b)).tolist() == [plain(x, y) for x, y in zip(a, b, strict=True)]


@pytest.mark.parametrize("text", [JASPAR, MEME])
def test_a_motif_scores_as_by_hand_on_both_strands(text: str) -> None:
    (motif,) = motifs.read_motifs(text)
    assert "toy" in motif.name
    quarter = np.full(4, 0.25)
    hit, miss = (np.log2((n + 0.2) / 8.8 / 0.25) for n in (8, 0))
    x = letters("TTACGTT", "CGT", "AAA", "AC")
    found = motifs.best_scores(x, "ACGT", motif, quarter)
    # ACG itself; CGT is its reverse complement; AAA agrees in one place; AC is too short.
    np.testing.assert_allclose(found[:3], [3 * hit, 3 * hit, hit + 2 * miss])
    assert found[3] == -np.inf
    assert motifs.threshold(motif, quarter, 1 / 64) == pytest.approx(3 * hit, abs=0.03)
    assert motifs.threshold(motif, quarter, 1 / 65) > 3 * hit


@pytest.mark.parametrize("text", ["", "nothing", ">x\nA [1 2]\nC [1 2]\nG [1 2]\n", ">x\nA [0]\nC [0]\nG [0]\nT [0]\n"])
def test_what_is_no_motif_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        motifs.read_motifs(text)


def test_shuffling_keeps_letters_and_ends() -> None:
    x = letters("AACGT", "CG")
    y = motifs.shuffled(x, np.random.default_rng(0))
    np.testing.assert_array_equal(np.sort(y, axis=1), np.sort(x, axis=1))
    np.testing.assert_array_equal(y < 0, x < 0)


def test_mutations_are_named_as_in_d614g() -> None:
    first, last = letters("ACG", "ACG", "ATG"), letters("GCG", "GCG", "GC")
    reference = commonest(first)
    np.testing.assert_allclose(differing([first, last], reference), [[0, 1 / 3, 0], [1, 0, 0]])
    first, last = (along(x, reference, 4) for x in (first, last))
    found = changes([first, last], reference, "ACGT", 5)
    assert [one.name for one in found] == ["A1G", "C2T"]
    np.testing.assert_allclose(found[0].share, [0, 1])


def test_letters_behind_a_deletion_keep_their_positions() -> None:
    reference = letters("ACGTACGTCATGCA")[0]
    x = letters("ACGTACGTCATGCA", "ACACGTCATGCA", "ACGTACGGTCATTCA", "ACGTACGT", "TTTTTTTTTTTTTT")
    gone, end = 4, -1
    laid = along(x, reference, 4)
    np.testing.assert_array_equal(laid[0], reference)
    np.testing.assert_array_equal(laid[1], [*reference[:2], gone, gone, *reference[4:]])
    np.testing.assert_array_equal(laid[2], np.where(np.arange(14) == 11, 3, reference))  # the G more is left out
    np.testing.assert_array_equal(laid[3], [*reference[:8], *[end] * 6])
    np.testing.assert_array_equal(laid[4], x[4][:14])  # no variant: position by position
    names = {one.name: one.share.tolist() for one in changes([laid[:1], laid[1:2]], reference, "ACGT", 9)}
    assert names == {"G3del": [0, 1], "T4del": [0, 1]}
    np.testing.assert_allclose(differing([laid[:2]], reference)[0], [0, 0, 0.5, 0.5, *[0] * 10])


def test_a_logo_is_laid_along_what_its_sequences_are_variants_of() -> None:
    real, generated = letters("ACGTACGTCA", "ACGTACGTCA", "ACACGTCA"), letters("ACACGTCA", "ACGTACGTCA")
    placed, alphabet = laid({"Real": real, "Generated": generated}, "ACGT")
    assert alphabet == "ACGT" + GAP
    np.testing.assert_array_equal(placed["Generated"][0], [0, 1, 4, 4, 0, 1, 2, 3, 1, 0])
    one_length = {"Real": real[:2], "Generated": real[:1]}
    strangers = {"Real": letters("ACGTACGTCA", "TTTTTG", "GGGGGGGTT"), "Generated": generated}
    for sources in (one_length, strangers):
        placed, alphabet = laid(sources, "ACGT")
        assert alphabet == "ACGT" and placed["Real"] is sources["Real"]

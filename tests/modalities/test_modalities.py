"""What an observation is: its numbers, its units, its bounds and its words."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.modalities import MODALITIES, observation
from core.models.gde.kmers import Kmers

STORED = {
    "vector": ((3,), "", np.float32([[1, 2, 3]])),
    "image": ((1, 2, 2), "", np.uint8([[[[0, 255], [10, 20]]]])),
    "sequence": ((3,), "ACGT", np.int8([[0, 3, -1]])),
}


@pytest.mark.parametrize("modality", MODALITIES)
def test_the_numbers_have_the_shape_and_the_names_that_are_said(modality: str) -> None:
    stored, alphabet, x = STORED[modality]
    one = observation(modality, stored, alphabet)
    numbers = one.code(x)
    assert numbers.shape == (1, *one.shape) and numbers[0].size == one.d == len(one.coordinates([]))
    assert one.scale(np.zeros(one.d)).min() > 0
    assert one.generated(x.astype(np.float64)).dtype == x.dtype


def test_a_sequence_is_measured_by_the_shares_of_its_words() -> None:
    one = observation("sequence", (6,), "ACGT")
    shares = one.code(np.int8([[0, 3, 0, 3, -1, -1], [2, -1, -1, -1, -1, -1]]))[:, 0]
    words = one.coordinates([])
    assert words[:4] == ["A", "C", "G", "T"] and words[-1] == "TTTT" and len(words) == 340
    found = {name: 4 * value**2 for name, value in zip(words, shares[0].tolist(), strict=True) if value}
    assert found == pytest.approx({"A": 0.5, "T": 0.5, "AT": 2 / 3, "TA": 1 / 3, "ATA": 0.5, "TAT": 0.5, "ATAT": 1.0})
    assert {name for name, value in zip(words, shares[1], strict=True) if value} == {"G"}
    assert one.words == "up to 6 letters"


@given(st.integers(0, 2**31), st.sampled_from(["AC", "ACGT", "ACDEFGHIKLMNPQRSTVWY"]))
def test_words_are_counted_alike_on_a_device(seed: int, alphabet: str) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, len(alphabet), (3, 9)).astype(np.int8)
    x[rng.integers(0, 9, 3)[:, None] < np.arange(9)] = -1
    mine = Kmers(len(alphabet))(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(mine[:, 0], observation("sequence", (9,), alphabet).code(x)[:, 0], atol=1e-6)


def test_between_two_sequences_letters_change_one_after_the_other() -> None:
    one = observation("sequence", (50,), "ACGT")
    x, y = np.zeros((2, 50), dtype=np.int8), np.full((2, 50), 3, dtype=np.int8)
    shares = [(one.between(x, y, t) == 3).mean() for t in (0.0, 0.25, 0.75, 1.0)]
    assert shares[0] == 0 and shares[3] == 1 and shares == sorted(shares)
    assert ((one.between(x, y, 0.3) == 3) <= (one.between(x, y, 0.6) == 3)).all()


def test_pixels_share_a_unit_and_have_bounds() -> None:
    one = observation("image", (3, 4, 5))
    assert one.words == "5 × 4 pixels in colour" and one.bounds == (0.0, 255.0)
    assert set(one.scale(np.array([3.0, 4.0]))) == {np.sqrt(12.5)}
    np.testing.assert_array_equal(one.generated(np.array([0.4, 254.6])), np.uint8([0, 255]))


def test_other_observations_are_matched_or_refused() -> None:
    vector, image, sequence = (observation(m, *STORED[m][:2]) for m in MODALITIES)
    x = np.float32([[1, 2, 3, 4]])
    four = observation("vector", (4,))
    np.testing.assert_array_equal(vector.matched(four, x, ["c", "b", "a"], ["a", "b", "c", "d"]), [[3, 2, 1]])
    with pytest.raises(InputError, match="lacks 1 of the 3 features"):
        vector.matched(four, x, ["a", "b", "e"], ["a", "b", "c", "d"])
    with pytest.raises(InputError, match="takes"):
        image.matched(observation("image", (3, 2, 2)), x, [], [])
    for text, expected in (([0, 1], [0, 1, -1]), ([0, 1, 2, 3], [0, 1, 2])):
        other = observation("sequence", (len(text),), "ACGT")
        found = sequence.matched(other, np.int8([text]), [], [])
        np.testing.assert_array_equal(found, np.int8([expected]))
    with pytest.raises(InputError, match="trained on ACGT"):
        sequence.matched(observation("sequence", (3,), "AC"), np.int8([[0, 1, 1]]), [], [])


def test_an_unknown_modality_is_refused() -> None:
    with pytest.raises(InputError, match="'sound'; choose one of: vector, image, sequence"):
        observation("sound", (3,))


def test_generated_sequences_are_spelled() -> None:
    one = observation("sequence", (3,), "ACGT")
    spelled = one.spelled(np.int8([[[0, 3, -1], [2, -1, 1]]]))
    assert (
        spelled["letters"].tolist() == [["AT", "G"]] and str(spelled["alphabet"]) == "ACGT" and spelled["length"] == 3
    )
    assert not observation("vector", (3,)).spelled(np.zeros((2, 3)))

"""What an observation is: its numbers, its units, its bounds and its words."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import InputError
from core.modalities import MODALITIES, observation

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
    assert MODALITIES[modality].of_shape(one.shape, alphabet) == one
    assert one.scale(np.zeros(one.d)).min() > 0
    assert one.generated(numbers.astype(np.float64)).shape == numbers.shape


def test_a_sequence_is_one_letter_a_place_and_its_end_a_letter() -> None:
    stored, alphabet, x = STORED["sequence"]
    one = observation("sequence", stored, alphabet)
    hot = one.code(x)[0]
    assert [name for name, value in zip(one.coordinates([]), hot, strict=True) if value] == ["1A", "2T", "3end"]
    assert one.words == "up to 3 letters"


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
        np.testing.assert_array_equal(found, sequence.code(np.int8([expected])))
    with pytest.raises(InputError, match="trained on ACGT"):
        sequence.matched(observation("sequence", (3,), "AC"), np.int8([[0, 1, 1]]), [], [])


def test_an_unknown_modality_is_refused() -> None:
    with pytest.raises(InputError, match="'sound'; choose one of: vector, image, sequence"):
        observation("sound", (3,))


def test_generated_sequences_are_spelled() -> None:
    one = observation("sequence", (3,), "ACGT")
    hot = one.code(np.int8([[0, 3, -1], [2, -1, -1]])).astype(np.float64) * 0.6 + 0.1
    spelled = one.spelled(hot[None])
    assert (
        spelled["letters"].tolist() == [["AT", "G"]] and str(spelled["alphabet"]) == "ACGT" and spelled["length"] == 3
    )
    assert not observation("vector", (3,)).spelled(np.zeros((2, 3)))

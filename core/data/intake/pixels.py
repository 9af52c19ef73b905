"""From pixels of any type to 0–255: one rule for all the images of a file, said with the range that was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.errors import InputError

Pixels = npt.NDArray[Any]

_TOP = 255.0
_NEAR_ONE = 1.001  # resampling overshoots the 0 to 1 of a float image by about as much
_BRIGHT = 128  # floats that reach at least this far, and not beyond 255, are taken to be written in 0 to 255
_DARK = 16  # grey levels of 256: with 99 % of the pixels below, one bright spot has set the scale


@dataclass(frozen=True)
class PixelScale:
    """y = 255 (x − low) / (high − low), rounded; `said` tells it in a sentence, "" where nothing is changed."""

    low: float
    high: float
    said: str = ""

    def __call__(self, pixels: Pixels) -> npt.NDArray[np.uint8]:
        """Pixels of any type and shape as uint8, in their order; what lies outside low to high is cut."""
        if pixels.dtype == np.uint8 and (self.low, self.high) == (0.0, _TOP):
            return pixels
        span = self.high - self.low
        share = (pixels.astype(np.float64) - self.low) / span if span > 0 else np.zeros(pixels.shape)
        return np.clip(np.round(share * _TOP), 0, _TOP).astype(np.uint8)


def eight_bit(images: Sequence[Pixels], name: str) -> tuple[list[npt.NDArray[np.uint8]], list[str]]:
    """Images of any shape and number type as uint8 by one scale for all of them, and remarks.

    8 bits stay as they are; wider integers are scaled by the largest value of the file, floats from 0 to 1 by 255, and
    whatever is negative by the common range. Raises InputError where the images do not share a scale, or are not
    finite.
    """
    scale = common_scale(images, name)
    scaled = [scale(image) for image in images]
    return scaled, [said for said in (scale.said, _darkness(scaled, scale)) if said]


def common_scale(images: Sequence[Pixels], name: str) -> PixelScale:
    """The scale for all of `images`. Raises InputError as `eight_bit`."""
    kinds = {image.dtype.kind for image in images}
    if not kinds <= set("biuf"):
        raise InputError(f"The images of {name} are of type {images[0].dtype}; numbers are expected.")
    low = min(float(image.min()) for image in images)
    high = max(float(image.max()) for image in images)
    if not np.isfinite([low, high]).all():
        raise InputError(f"The images of {name} have missing or infinite pixels; fill them or leave these images out.")
    types = sorted({str(image.dtype.newbyteorder("=")) for image in images})
    narrow = [image for image in images if image.dtype in (np.uint8, np.bool_)]
    if kinds == {"b"}:
        return PixelScale(0, 1)
    if len(narrow) == len(images):
        dark = f"All pixels of {name} are 0 or 1 of 255, nearly black; multiply masks by 255." if high <= 1 else ""
        return PixelScale(0, _TOP, dark)
    found = f"The pixels ({' and '.join(types)}) run from {low:.5g} to {high:.5g} over the whole file"
    mixed = bool(narrow) or ("f" in kinds and len(kinds) > 1)
    if mixed and not (low >= 0 and high <= _TOP and "f" not in kinds):
        raise InputError(
            f"{name} mixes images of {', '.join(types)} (values {low:.5g} to {high:.5g}), whose scales do not compare; "
            "save them all in one type."
        )
    return _wide(low, high, found, whole="f" not in kinds or all(_whole(image) for image in images))


def _wide(low: float, high: float, found: str, *, whole: bool) -> PixelScale:
    """The scale of integers of more than 8 bits, or of floats."""
    if low >= 0 and (high <= 1 if whole else high <= _NEAR_ONE):
        return PixelScale(0, 1, f"{found}; 0 to 1 became 0 to 255.")
    if low >= 0 and high <= _TOP and (whole or high >= _BRIGHT):
        return PixelScale(0, _TOP, f"{found}; they were taken as 0 to 255.")
    begin = 0.0 if 0 <= low <= high / 2 else low
    return PixelScale(begin, high, f"{found}; {begin:.5g} to {high:.5g} became 0 to 255, one scale for all images.")


def _whole(image: Pixels) -> bool:
    return bool((image == np.round(image)).all())


def _darkness(images: Sequence[npt.NDArray[np.uint8]], scale: PixelScale) -> str:
    """A remark where a few bright pixels have taken the scale from all the others."""
    if (scale.low, scale.high) == (0.0, _TOP):
        return ""
    counts = sum(np.bincount(image.reshape(-1), minlength=256) for image in images)
    below = np.cumsum(counts) / np.sum(counts)
    level = int(np.searchsorted(below, 0.99))
    if level >= _DARK:
        return ""
    return (
        f"99 % of the pixels are at or below {level} of 255 on this scale: a few bright ones stretch it; cut them off "
        "before the import if they are flaws."
    )

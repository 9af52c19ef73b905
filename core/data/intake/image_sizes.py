"""Images brought to one size: reduced; cut to the smallest, framed to the largest, or resized where they differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.intake.formats.observations import check_entries
from core.errors import InputError

Images = npt.NDArray[np.uint8]

AUTO = "auto"
CHOICES = (AUTO, "crop", "pad", "resize")
_CROPPED_MOST = 0.5  # the automatic choice cuts no more than this share of a side away


def reduced(image: npt.NDArray[Any], share: float) -> npt.NDArray[Any]:
    """Images (..., h, w) with sides of `share` of their own, in their number type; as they are where it is 1 or more.

    Each pixel is the mean of the block of whole pixels that it covers, rounded where the type has no fractions.
    """
    if share >= 1:
        return image
    kind = image.dtype
    for axis in (-2, -1):
        length = image.shape[axis]
        starts = np.arange(max(1, round(length * share))) * length // max(1, round(length * share))
        blocks = np.diff(np.append(starts, length))
        sums = np.add.reduceat(image, starts, axis=axis, dtype=np.float64)
        image = sums / (blocks[:, None] if axis == -2 else blocks)
    return image.astype(kind) if kind.kind == "f" else np.rint(image).astype(kind)


def reduction_said(most: tuple[int, int], share: float, name: str) -> list[str]:
    """The remark on images that were reduced; `most` is the largest (height, width) of the file."""
    if share >= 1:
        return []
    small = (max(1, round(most[0] * share)), max(1, round(most[1] * share)))
    return [
        f"{name} holds images of up to {_size(most)} pixels; all were reduced by one factor, the largest to "
        f"{_size(small)}, each pixel the mean of those it covers (longest_side sets it)."
    ]


def of_one_size(images: Sequence[Images], how: str, name: str) -> tuple[Images, list[str]]:
    """(k, c, h, w) from images (c, h, w) of any height and width, and remarks.

    `how`: "crop" cuts the middle out to the smallest height and width, "pad" adds black to the largest, "resize"
    interpolates to the commonest size; "auto" crops where at least half of each side remains, and otherwise raises
    InputError with the choices.
    """
    sizes = Counter(image.shape[1:] for image in images)
    if len(sizes) == 1:
        return np.stack(images), []
    heights, widths = zip(*sizes, strict=True)
    least, most = (min(heights), min(widths)), (max(heights), max(widths))
    words = f"{name} mixes images of {len(sizes)} sizes, {_size(least)} to {_size(most)} pixels"
    if how == AUTO and any(a < _CROPPED_MOST * b for a, b in zip(least, most, strict=True)):
        raise InputError(
            f"{words}, and cropping would leave less than half of the largest; choose --sizes crop, pad or resize."
        )
    if how in (AUTO, "crop"):
        check_entries(len(images) * images[0].shape[0] * least[0] * least[1], name)
        said = f"{words}; the middle {_size(least)} of each was kept (sizes=pad or resize would keep the rest)."
        return np.stack([_cropped(image, least) for image in images]), [said]
    if how == "pad":
        check_entries(len(images) * images[0].shape[0] * most[0] * most[1], name)
        return np.stack([_padded(image, most) for image in images]), [f"{words}; black was added up to {_size(most)}."]
    common = min(sizes, key=lambda size: (-sizes[size], size))
    changed = len(images) - sizes[common]
    return np.stack([_resized(image, common) for image in images]), [
        f"{words}; {changed:,} were resized to the commonest, {_size(common)}, without keeping their proportions."
    ]


def _cropped(image: Images, size: tuple[int, int]) -> Images:
    top, left = ((image.shape[1 + axis] - size[axis]) // 2 for axis in (0, 1))
    return image[:, top : top + size[0], left : left + size[1]]


def _padded(image: Images, size: tuple[int, int]) -> Images:
    top, left = ((size[axis] - image.shape[1 + axis]) // 2 for axis in (0, 1))
    framed = np.zeros((len(image), *size), dtype=np.uint8)
    framed[:, top : top + image.shape[1], left : left + image.shape[2]] = image
    return framed


def _resized(image: Images, size: tuple[int, int]) -> Images:
    from PIL import Image

    if image.shape[1:] == size:
        return image
    height, width = size
    planes = [Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR) for plane in image]
    return np.stack([np.asarray(plane) for plane in planes])


def _size(size: tuple[int, int]) -> str:
    """Width x height, as image programs write it."""
    return f"{size[1]} x {size[0]}"

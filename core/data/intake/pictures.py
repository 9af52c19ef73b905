"""One picture file as arrays: frames and channels, transparency, palettes and the rotation that a camera notes."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from core.data.intake.deep_colour import deep_colour
from core.data.intake.image_sizes import reduced
from core.errors import InputError

PIXELS_MAX = 1 << 25
FRAMES_MAX = 10_000
_ORIENTATION = 0x0112
_DESCRIPTION, _BITS, _SAMPLE_FORMAT = 270, 258, 339  # tags of TIFF
_UNSIGNED, _SIGNED = 1, 2


@dataclass(frozen=True)
class Picture:
    """One file.

    Attributes:
        frames: arrays (1, h, w) or (3, h, w), of the type that the file has.
        channels: how many successive frames are the channels of one image, by the file's own description (1: none).
        names: the channels' names, if the file gives them.
        remarks: what was done to it, such as "turned as its EXIF entry says".
    """

    frames: list[npt.NDArray[Any]]
    channels: int = 1
    names: tuple[str, ...] = ()
    remarks: list[str] = field(default_factory=list)


def largest(file: IO[bytes], shown: str) -> tuple[int, int]:
    """The height and width of the largest frame, by the headers alone. Raises as `read_picture`."""
    Image.MAX_IMAGE_PIXELS = PIXELS_MAX
    sizes = []
    with Image.open(file) as picture:
        for number in range(min(getattr(picture, "n_frames", 1), FRAMES_MAX) if picture.format == "TIFF" else 1):
            picture.seek(number)
            _require_size(picture, shown)
            sizes.append(picture.size[::-1])
    return max(sizes, key=max)


def read_picture(data: bytes, shown: str, share: float, *, first_only: bool) -> Picture:
    """All frames of a PNG, JPEG, TIFF, BMP, GIF or WebP file, or the first one, their sides reduced to `share`.

    Raises InputError for pictures that are too large or whose pixels Pillow would not keep, and what Pillow raises for
    a file that is none.
    """
    Image.MAX_IMAGE_PIXELS = PIXELS_MAX
    with Image.open(io.BytesIO(data)) as picture:
        count = min(getattr(picture, "n_frames", 1), FRAMES_MAX)
        remarks: list[str] = []
        frames = []
        order = _described(picture, count)
        for number in range(1 if first_only else count):
            picture.seek(number)
            _require_size(picture, shown)
            deep = deep_colour(data, picture, number, shown)
            pixels = _pixels(picture, remarks) if deep is None else _without_alpha(deep, remarks)
            if share < 1 and pixels.dtype == np.bool_:
                pixels = pixels.astype(np.uint8) * 255  # the mean of a mask is a grey
            frames.append(reduced(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1), share))
        if first_only or order is None:
            return Picture(frames, remarks=remarks)
        sequence, channels, names = order
        return Picture([frames[i] for i in sequence], channels, names, remarks)


def _require_size(picture: Image.Image, shown: str) -> None:
    if picture.width * picture.height > PIXELS_MAX:
        raise InputError(
            f"{shown} has {picture.width:,} x {picture.height:,} pixels; at most {PIXELS_MAX >> 20} million are read: "
            "crop or shrink the images first."
        )


def _pixels(picture: Image.Image, remarks: list[str]) -> npt.NDArray[Any]:
    """(h, w) or (h, w, 3): upright, without transparency, in the type of the file."""
    upright: Image.Image = picture
    if picture.getexif().get(_ORIENTATION, 1) not in (0, 1):
        upright = ImageOps.exif_transpose(picture)
        _once(remarks, "turned as their EXIF entry says")
    if upright.mode[0] in "IF":
        return _as_typed(np.asarray(upright), picture)
    if upright.mode == "1":
        return np.asarray(upright)
    if "transparency" in upright.info or upright.mode in ("RGBA", "LA", "PA", "La", "RGBa"):
        grey = upright.mode in ("L", "LA", "La")
        clear = upright.convert("RGBA")
        if np.asarray(clear)[..., 3].min() < 255:
            _once(remarks, "laid on white where they are transparent")
        white = Image.new("RGBA", clear.size, "white")
        return np.asarray(Image.alpha_composite(white, clear).convert("L" if grey else "RGB"))
    if upright.mode == "P":
        _once(remarks, "read through their palettes as colours")
    if upright.mode != "L":
        return np.asarray(upright.convert("RGB"))
    return _as_typed(np.asarray(upright), picture)


def _as_typed(pixels: npt.NDArray[Any], picture: Image.Image) -> npt.NDArray[Any]:
    """The numbers as the TIFF declares them: Pillow takes 32 bits for signed and 8 bits for unsigned."""
    tags = getattr(picture, "tag_v2", {})
    declared = tags.get(_SAMPLE_FORMAT, (_UNSIGNED,))
    form = declared[0] if isinstance(declared, tuple) else declared
    if pixels.dtype == np.int32 and tags and form == _UNSIGNED and tags.get(_BITS, (0,))[0] == 32:
        return pixels.view(np.uint32)
    if pixels.dtype == np.uint8 and form == _SIGNED:
        return pixels.view(np.int8)
    return pixels.astype(pixels.dtype.newbyteorder("="))


def _without_alpha(pixels: npt.NDArray[np.uint16], remarks: list[str]) -> npt.NDArray[np.uint16]:
    """(h, w) or (h, w, 3) of 16 bits, from (h, w, c) whose even number of channels ends with how opaque they are."""
    top = np.iinfo(np.uint16).max
    if pixels.shape[2] == 3:
        return pixels
    colour, alpha = pixels[..., :-1], pixels[..., -1:] / top
    if alpha.min() < 1:
        _once(remarks, "laid on white where they are transparent")
        colour = np.rint(colour * alpha + top * (1 - alpha)).astype(np.uint16)
    return colour[..., 0] if colour.shape[2] == 1 else colour


def _described(picture: Image.Image, count: int) -> tuple[list[int], int, tuple[str, ...]] | None:
    """(order of frames so that channels follow each other, channels, their names) by OME or ImageJ; None without."""
    text = getattr(picture, "tag_v2", {}).get(_DESCRIPTION, "")
    if not isinstance(text, str) or count == 1:
        return None
    if "<OME" in text:
        axes = {axis: int(n) for axis, n in re.findall(r'\bSize([CZT])="(\d+)"', text)}
        written = re.search(r'DimensionOrder="XY([CZT]{3})"', text)
        order = written[1] if written else "CZT"
        names = tuple(re.findall(r'<Channel\b[^>]*?\bName="([^"]*)"', text))
    elif text.startswith("ImageJ="):
        words = {"C": "channels", "Z": "slices", "T": "frames"}
        axes = {axis: int(m[1]) for axis, w in words.items() if (m := re.search(rf"^{w}=(\d+)", text, re.MULTILINE))}
        order, names = "CZT", ()
    else:
        return None
    sizes = [axes.get(axis, 1) for axis in order]
    if int(np.prod(sizes)) != count or len(set(order)) != 3:
        return None
    places = np.arange(count).reshape(sizes[::-1])  # the last axis runs fastest: it is the first of `order`
    last = np.moveaxis(places, 2 - order.index("C"), 2)
    return last.reshape(-1).tolist(), axes.get("C", 1), names


def _once(remarks: list[str], remark: str) -> None:
    if remark not in remarks:
        remarks.append(remark)

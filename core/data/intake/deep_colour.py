"""Colour of 16 bits a channel, of which Pillow keeps the upper byte only: the lower one is asked for by itself."""

from __future__ import annotations

import io
import re
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, ImageOps

from core.errors import InputError

_BITS, _SAMPLES = 258, 277  # tags of TIFF
_CLEAR, _TOP = np.uint16(0), np.uint16(0xFFFF)
_ORDER = re.compile(r"(RGBA?|RGBX);16([BLN])")


def deep_colour(data: bytes, picture: Image.Image, number: int, shown: str) -> npt.NDArray[np.uint16] | None:
    """(h, w, c) of a PNG or TIFF frame with several channels of 16 bits, upright: 3 colours, with the alpha behind them
    or behind one grey where the file has it; None of any other image.

    Pillow's raw modes name the order of the two bytes, and its decoders keep the one of higher weight: read a second
    time in the opposite order, they keep the other. Raises InputError where a frame is stored in a way without a raw
    mode of its own.
    """
    bits = getattr(picture, "tag_v2", {}).get(_BITS, (8,))
    samples = getattr(picture, "tag_v2", {}).get(_SAMPLES, 1)
    png = data[:4] == b"\x89PNG" and data[24:25] == b"\x10" and data[25:26] in (b"\x02", b"\x04", b"\x06")
    if not png and not (max(bits) > 8 and samples > 1):
        return None
    mode = _raw_mode(picture)
    if mode == "LA;16B":  # four bytes a pixel
        four = _decoded(data, number, "RGBA")
        return _joined(four[..., ::2], four[..., 1::2])
    written = _ORDER.fullmatch(mode)
    if written is None:
        raise InputError(
            f"{shown} is an image of 16 bits a channel in a form that is not read ({mode or 'planes apart'});"
            " RGB or RGBA, its channels together, is expected: save it so, or give the arrays as npz."
        )
    order = {"N": "L" if sys.byteorder == "little" else "B"}.get(written[2], written[2])
    opposite = "B" if order == "L" else "L"
    high, low = (_decoded(data, number, f"{written[1]};16{one}") for one in (order, opposite))
    pixels = _joined(high, low)
    clear = picture.info.get("transparency")
    if pixels.shape[2] == 3 and isinstance(clear, tuple):
        opaque = (pixels != np.array(clear)).any(axis=2)
        return np.dstack([pixels, np.where(opaque, _TOP, _CLEAR)])
    return pixels


def _joined(high: npt.NDArray[np.uint8], low: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint16]:
    both: npt.NDArray[np.uint16] = high.astype(np.uint16) * np.uint16(256) + low
    return both


def _raw_mode(picture: Image.Image) -> str:
    """How the bytes of a frame become channels, as Pillow calls it; "" where its tiles differ."""
    modes = {_arguments(tile)[0] for tile in getattr(picture, "tile", [])}
    return str(modes.pop()) if len(modes) == 1 else ""


def _decoded(data: bytes, number: int, mode: str) -> npt.NDArray[np.uint8]:
    """(h, w, c) of a frame whose bytes are read in another raw mode."""
    with Image.open(io.BytesIO(data)) as picture:
        picture.seek(number)
        if isinstance(picture, ImageFile.ImageFile):
            picture.tile = [tile._replace(args=(mode, *_arguments(tile)[1:])) for tile in picture.tile]
        return np.asarray(ImageOps.exif_transpose(picture))


def _arguments(tile: Any) -> tuple[Any, ...]:
    return tile.args if isinstance(tile.args, tuple) else (tile.args,)

"""Zipped folders of images: the folder of an image is its set."""

from __future__ import annotations

import io
import zipfile
from pathlib import PurePosixPath

import numpy as np

from core.data.intake import archives
from core.data.intake.formats.base import CollectionFormat, CollectionSource, Head, formats
from core.data.intake.formats.observations import ObservationTable, check_entries
from core.errors import InputError

ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
PIXELS_MAX = 1 << 20
SIDE_MAX = 256  # larger images are refused with advice, not silently shrunk


@formats.register(
    "images",
    title="Zip of images",
    kind="sets",
    help="zip of folders of PNG, JPEG or TIFF images of one size.",
    source="Pillow",
)
class ImagesFormat(CollectionFormat):
    """Columns: "folder" (the whole path), and one column for each level of folders."""

    zipped = True

    @staticmethod
    def matches(head: Head) -> bool:
        images = any(ending.encode() in head.first.lower() for ending in ENDINGS)
        return head.first.startswith(b"PK") and head.suffix != ".npz" and images

    @staticmethod
    def read(source: CollectionSource) -> ObservationTable:
        from PIL import Image

        name = source.main.name
        members = [m for m in archives.checked_zip(source.main.path, name) if m.filename.lower().endswith(ENDINGS)]
        if not members:
            raise InputError(f"{name} holds no PNG, JPEG or TIFF image; a zip of folders of images is expected.")
        Image.MAX_IMAGE_PIXELS = PIXELS_MAX
        images: list[np.ndarray] = []
        shape: tuple[int, ...] | None = None
        with zipfile.ZipFile(source.main.path) as archive:
            for member in members:
                try:
                    with Image.open(io.BytesIO(archive.read(member))) as picture:
                        if max(picture.size) > SIDE_MAX:
                            raise InputError(
                                f"{member.filename[:80]!r} in {name} has {picture.width} x {picture.height} pixels; at "
                                f"most {SIDE_MAX} a side are taken: crop or shrink the images first."
                            )
                        colour = "L" if picture.mode in ("1", "L", "I", "I;16", "F") else "RGB"
                        pixels = _eight_bit(
                            np.asarray(picture.convert("I") if "I" in picture.mode else picture.convert(colour))
                        )
                except InputError:
                    raise
                except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, *archives.UNREADABLE):
                    raise InputError(
                        f"{member.filename[:80]!r} in {name} is no image that can be read; remove it."
                    ) from None
                pixels = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
                if shape is not None and pixels.shape != shape:
                    raise InputError(
                        f"{name} mixes images of {shape} and {pixels.shape} (channels, height, width; such as "
                        f"{member.filename[:60]!r}); one size is expected."
                    )
                shape = pixels.shape
                check_entries(len(members) * pixels.size, name)
                images.append(pixels)
        folders = [PurePosixPath(m.filename).parts[:-1] for m in members]
        columns = {"folder": np.array(["/".join(f) or "images" for f in folders], dtype=np.str_)}
        for level in range(min(map(len, folders))):
            columns[f"level_{level + 1}"] = np.array([f[level] for f in folders], dtype=np.str_)
        return ObservationTable(np.stack(images), dict(columns), modality="image")


def _eight_bit(pixels: np.ndarray) -> np.ndarray:
    """16-bit grey levels keep their range, scaled to 8 bits."""
    if pixels.dtype == np.uint8:
        return pixels
    top = max(int(pixels.max(initial=0)), 1)
    return np.asarray(pixels.astype(np.float64) * (255.0 / (65535 if top > 255 else 255))).round().astype(np.uint8)

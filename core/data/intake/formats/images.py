"""Zipped folders of images: the folder of an image is its set."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.intake import archives
from core.data.intake.formats.base import CollectionFormat, CollectionSource, Head, formats
from core.data.intake.formats.observations import Column, ObservationTable, check_entries
from core.data.intake.image_sizes import of_one_size, reduction_said
from core.data.intake.pixels import eight_bit
from core.errors import InputError

ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp")
Pixels = npt.NDArray[Any]


@formats.register(
    "images",
    title="Zip of images",
    kind="sets",
    help="Folders of PNG, JPEG, TIFF, BMP, GIF or WebP images, 16-bit and float too; large ones are reduced.",
    source="Pillow",
)
class ImagesFormat(CollectionFormat):
    """Columns: "folder" (the whole path), one for each level of folders, and "file" and "frame" where files hold more
    images than one."""

    zipped = True

    @staticmethod
    def matches(head: Head) -> bool:
        images = any(ending.encode() in head.first.lower() for ending in ENDINGS)
        return head.first.startswith(b"PK") and head.suffix != ".npz" and images

    @staticmethod
    def read(source: CollectionSource) -> ObservationTable:
        name, options = source.main.name, source.options
        every = archives.checked_zip(source.main.path, name)
        members = [m for m in every if m.filename.lower().endswith(ENDINGS)]
        if not members:
            raise InputError(f"{name} holds no PNG, JPEG or TIFF image; a zip of folders of images is expected.")
        images, owners, notes = _images(source, members)
        scaled, said = eight_bit(_one_colour(images, name, notes), name)
        fitted, sized = of_one_size(scaled, options.sizes, name)
        others = [m.filename for m in every if m not in members]
        if others:
            notes.append(f"{len(others):,} other files of the zip were not read (such as {others[0][:60]!r}).")
        columns = _columns([members[i].filename for i in owners])
        if len(owners) > len(members):
            first = np.searchsorted(owners, owners)  # owners ascend
            columns["frame"] = (np.arange(len(owners)) - first + 1).astype(np.float64)
            paths = [str(PurePosixPath(members[i].filename).with_suffix("")) for i in owners]
            columns["file"] = np.array(paths, dtype=np.str_)
        return ObservationTable(fitted, columns, modality="image", notes=[*notes, *said, *sized])


def _images(source: CollectionSource, members: list[zipfile.ZipInfo]) -> tuple[list[Pixels], list[int], list[str]]:
    """(c, h, w) images in the type of their files, the place of the file of each among `members`, and remarks."""
    from core.data.intake.pictures import read_picture

    name, how = source.main.name, source.options.frames
    images: list[Pixels] = []
    owners: list[int] = []
    done: Counter[str] = Counter()
    names: tuple[str, ...] = ()
    several, entries, known_channels = 0, 0, 0
    with zipfile.ZipFile(source.main.path) as archive:
        most = _largest(archive, members, name)
        share = source.options.longest_side / max(most)
        for place, member in enumerate(members):
            shown = f"{member.filename[:80]!r} in {name}"
            with _readable(shown):
                picture = read_picture(archive.read(member), shown, share, first_only=how == "first")
            done.update(picture.remarks)
            several += len(picture.frames) > 1
            known_channels = max(known_channels, picture.channels)
            names = names or picture.names
            grouped = _grouped(picture.frames, picture.channels, how, shown)
            entries += sum(image.size for image in grouped)
            check_entries(max(entries, len(members) * grouped[0].size if how == "first" else 0), name)
            images += grouped
            owners += [place] * len(grouped)
    notes = [*(f"{count:,} images were {what}." for what, count in done.items()), *reduction_said(most, share, name)]
    if several:
        notes.append(_frames_said(several, len(members), how, known_channels, names))
    return images, owners, notes


def _largest(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], name: str) -> tuple[int, int]:
    """The height and width of the image of the file with the longest side."""
    from core.data.intake.pictures import largest

    most = (1, 1)
    for member in members:
        shown = f"{member.filename[:80]!r} in {name}"
        with _readable(shown), archive.open(member) as file:
            most = max(most, largest(file, shown), key=max)
    return most


@contextmanager
def _readable(shown: str) -> Iterator[None]:
    from PIL import Image

    try:
        yield
    except InputError:
        raise
    except Image.DecompressionBombError:
        raise InputError(f"{shown} has too many pixels to be read; crop or shrink the images first.") from None
    except (OSError, SyntaxError, *archives.UNREADABLE):
        raise InputError(f"{shown} is no image that can be read; remove it, or save it as PNG or grey TIFF.") from None


def _frames_said(several: int, files: int, how: str, channels: int, names: tuple[str, ...]) -> str:
    begin = f"{several:,} of {files:,} files hold several frames"
    if how == "channels" or (how == "auto" and channels > 1):
        called = f" ({', '.join(names[:8])})" if names and how == "auto" else ""
        return f"{begin}; they were taken as the channels{called} of one image (frames=observations keeps them apart)."
    return f"{begin}; each frame is an observation, numbered in 'frame' (frames=channels makes one image of them)."


def _grouped(frames: list[Pixels], channels: int, how: str, shown: str) -> list[Pixels]:
    """Frames as images (c, h, w): each by itself, or as many as belong together as channels."""
    together = {"auto": channels, "channels": len(frames)}.get(how, 1)
    if together == 1:
        return frames
    if len({frame.shape for frame in frames}) > 1:
        raise InputError(
            f"{shown} has frames of different sizes, which cannot be channels; choose frames=observations."
        )
    return [np.concatenate(frames[i : i + together]) for i in range(0, len(frames), together)]


def _one_colour(images: list[Pixels], name: str, notes: list[str]) -> list[Pixels]:
    """Images of one number of channels: grey ones among coloured ones are repeated. Raises InputError."""
    channels = Counter(len(image) for image in images)
    if len(channels) == 1:
        return images
    if set(channels) != {1, 3}:
        raise InputError(
            f"{name} mixes images of {' and '.join(map(str, sorted(channels)))} channels; one number is expected: "
            "leave some out, or choose frames=observations or frames=first."
        )
    notes.append(f"{channels[1]:,} grey images among {channels[3]:,} in colour were given three equal channels.")
    return [np.repeat(image, 3, axis=0) if len(image) == 1 else image for image in images]


def _columns(paths: list[str]) -> dict[str, Column]:
    """The folder of each image, and its levels down to the shallowest image."""
    folders = [PurePosixPath(path).parts[:-1] for path in paths]
    columns: dict[str, Column] = {"folder": np.array(["/".join(f) or "images" for f in folders], dtype=np.str_)}
    for level in range(min(map(len, folders))):
        columns[f"level_{level + 1}"] = np.array([f[level] for f in folders], dtype=np.str_)
    return columns

"""Images, archives and sequences as they are really written: each gives the right value, or one sentence that helps.

The files of $POPSCAPE_SHARED/cases/sets are checked against Pillow or NumPy, and each kind once more on a file that is
made here.
"""

from __future__ import annotations

import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from PIL import Image, ImageOps

from core.data.intake.formats.observation_text import header_columns
from core.errors import InputError
from core.latents.walk import Moment, Straying
from tests.data.intake.test_collection import read

Pixels = npt.NDArray[Any]


@pytest.fixture(scope="session")
def cases(shared: Path) -> Path:
    """The folder of cases of sets; the test is skipped where it is absent."""
    folder = shared / "cases" / "sets"
    if not folder.is_dir():
        pytest.skip(f"no cases at {folder}")
    return folder


def images_of(path: Path) -> dict[str, list[Image.Image]]:
    """Folder → the pictures of a zip, as Pillow opens them, without the files that macOS adds."""
    found: dict[str, list[Image.Image]] = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            folder, _, last = member.rpartition("/")
            if last.endswith((".png", ".tif", ".tiff", ".jpg")) and not last.startswith("._") and "__MAC" not in member:
                found.setdefault(folder, []).append(Image.open(io.BytesIO(archive.read(member))))
    return found


def zip_of(path: Path, images: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in images.items():
            archive.writestr(name, data)
    return path


def encoded(image: Image.Image, form: str = "TIFF", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def said(answer: dict[str, Any], *words: str) -> None:
    notes = " ".join(answer["notes"])
    assert all(word in notes for word in words), notes


# File → the least and the largest value that become 0 and 255.
SCALES = [
    ("02-twelve-bit-tiff/tiff16.zip", 0, None),
    ("b11-float-tiff/float01.zip", 0, 1),
    ("b11-float-tiff/10ct_32bit_128.zip", None, None),
    ("b13-16-bit-scale-per-image/dim16.zip", 0, None),
    ("b13-16-bit-scale-per-image/twelve.zip", 0, None),
    ("b13-16-bit-scale-per-image/16_bit_noise.zip", 0, None),
    ("c40-tiff-not-8-bit/float.zip", 0, 1),
    ("c40-tiff-not-8-bit/float255.zip", None, None),
    ("c40-tiff-not-8-bit/i32.zip", None, None),
    ("c40-tiff-not-8-bit/u16.zip", 0, None),
    ("c40-tiff-not-8-bit/u16mix.zip", 0, None),
]


@pytest.mark.parametrize(("file", "least", "most"), SCALES, ids=[one[0] for one in SCALES])
def test_all_images_of_a_file_share_one_scale(
    file: str, least: float | None, most: float | None, cases: Path, tmp_path: Path
) -> None:
    sets, answer = read(cases / file, tmp_path / "out", set_column=("folder",), min_samples=1)
    pictures = {
        folder: np.stack([np.asarray(p, np.float64) for p in some]) for folder, some in images_of(cases / file).items()
    }
    every = np.concatenate(list(pictures.values()))
    low = every.min() if least is None else least
    high = every.max() if most is None else most
    for i, name in enumerate(sets.set_id.tolist()):
        expected = np.round(255 * (pictures[name] - low) / (high - low)).astype(np.uint8)
        np.testing.assert_array_equal(sets.observations_of(i)[:, 0], expected)
    said(answer, f"{every.max():.5g} over the whole file")


def test_the_scale_is_that_of_numpy_arrays(cases: Path, tmp_path: Path) -> None:
    for stem, folder in (("float01", "b11-float-tiff"), ("dim16", "b13-16-bit-scale-per-image")):
        stack = np.load(cases / folder / f"{stem}.npy")
        np.savez(tmp_path / f"{stem}.npz", X=stack, g=np.repeat(["a", "b"], 4))
        arrays, _ = read(tmp_path / f"{stem}.npz", tmp_path / "n", set_column=("g",))
        zipped, _ = read(cases / folder / f"{stem}.zip", tmp_path / "z", set_column=("folder",))
        assert {x.tobytes() for x in arrays.observations} == {x.tobytes() for x in zipped.observations}


@pytest.mark.parametrize(
    ("dtype", "values", "expected"),
    [
        ("uint16", [0, 100, 255], [0, 100, 255]),
        ("uint16", [60000, 60050, 60100], [0, 128, 255]),
        ("uint16", [0, 512, 1023], [0, 128, 255]),
        ("int16", [-100, 0, 100], [0, 128, 255]),
        ("uint32", [0, 2**31, 2**32 - 1], [0, 128, 255]),
        ("float32", [0.0, 0.5, 1.0], [0, 128, 255]),
        ("float32", [0.0, 100.0, 200.0], [0, 100, 200]),
        ("float64", [0.0, 2.5, 5.0], [0, 128, 255]),
        ("float32", [-1.0, 0.0, 1.0], [0, 128, 255]),
        ("int64", [0, 1, 1], [0, 255, 255]),
        ("bool", [0, 1, 1], [0, 255, 255]),
        ("uint8", [0, 7, 90], [0, 7, 90]),
    ],
)
def test_scales_of_number_types(dtype: str, values: list[float], expected: list[int], tmp_path: Path) -> None:
    x = np.resize(np.array(values, dtype=dtype), (6, 9, 12))
    np.savez(tmp_path / "x.npz", X=x, g=np.repeat(["a", "b"], 3))
    sets, _ = read(tmp_path / "x.npz", tmp_path / "out", set_column=("g",))
    np.testing.assert_array_equal(sets.observations[:, 0], np.resize(np.array(expected), (6, 9, 12)))


def test_types_that_share_no_scale_are_refused(tmp_path: Path) -> None:
    wide = np.arange(256, dtype=np.uint16).reshape(16, 16) * 100
    images = {f"u/{i}.tif": encoded(Image.fromarray(wide)) for i in range(3)}
    images |= {f"v/{i}.png": encoded(Image.fromarray((wide // 256).astype(np.uint8)), "PNG") for i in range(3)}
    with pytest.raises(InputError, match="mixes images of uint16, uint8"):
        read(zip_of(tmp_path / "x.zip", images), tmp_path / "out", set_column=("folder",))
    np.savez(tmp_path / "n.npz", X=np.full((6, 8, 8), np.nan), g=np.repeat(["a", "b"], 3))
    with pytest.raises(InputError, match="missing or infinite pixels"):
        read(tmp_path / "n.npz", tmp_path / "out", set_column=("g",))


def test_unsigned_tiffs_do_not_wrap(tmp_path: Path) -> None:
    """Pillow reads unsigned 32 bits as signed."""
    levels = np.array([0, 1 << 30, 3 << 30, (1 << 32) - 1], dtype=np.uint32)
    picture = Image.fromarray(np.resize(levels, (8, 8)).view(np.int32))
    signed, unsigned = (struct.pack("<HHIHH", 339, 3, 1, form, 0) for form in (2, 1))  # the tag SampleFormat
    data = encoded(picture).replace(signed, unsigned)
    sets, _ = read(
        zip_of(tmp_path / "x.zip", {f"{s}/{i}.tif": data for s in "uv" for i in range(3)}),
        tmp_path / "out",
        set_column=("folder",),
    )
    assert sets.observations[0, 0, 0, :4].tolist() == [0, 64, 191, 255]


def test_differing_sizes_are_cropped_padded_or_resized(cases: Path, tmp_path: Path) -> None:
    path = cases / "07-differing-sizes" / "sizes.zip"
    pictures = [np.asarray(p.convert("RGB")).transpose(2, 0, 1) for some in images_of(path).values() for p in some]
    middle = np.stack([p[:, (p.shape[1] - 16) // 2 :][:, :16] for p in pictures])
    sets, answer = read(path, tmp_path / "a", set_column=("folder",))
    np.testing.assert_array_equal(np.sort(sets.observations, axis=0), np.sort(middle, axis=0))
    said(answer, "sizes", "16 x 16", "the middle")
    padded, answer = read(path, tmp_path / "b", set_column=("folder",), sizes="pad")
    assert padded.shape == (3, 20, 16) and int(padded.observations.sum()) == sum(int(p.sum()) for p in pictures)
    resized, answer = read(path, tmp_path / "c", set_column=("folder",), sizes="resize")
    assert resized.shape in ((3, 16, 16), (3, 20, 16))
    said(answer, "resized")


def test_sizes_far_apart_need_a_choice(tmp_path: Path) -> None:
    sizes = {"u/0": (8, 8), "u/1": (30, 20), "u/2": (20, 30), "v/0": (20, 20), "v/1": (20, 20), "v/2": (20, 20)}
    images = {f"{k}.png": encoded(Image.new("L", v, 200), "PNG") for k, v in sizes.items()}
    path = zip_of(tmp_path / "x.zip", images)
    with pytest.raises(InputError, match=r"8 x 8 to 30 x 30 .* choose --sizes crop, pad or resize"):
        read(path, tmp_path / "a", set_column=("folder",))
    resized, _ = read(path, tmp_path / "b", set_column=("folder",), sizes="resize")
    assert resized.shape == (1, 20, 20) and (resized.observations == 200).all()


@pytest.mark.parametrize(
    ("file", "shape"),
    [
        ("b14-channels-last/ch5last.npz", (5, 32, 32)),
        ("b14-channels-last/ch2last.npz", (2, 32, 32)),
        ("c41-channels-last/ch5.npz", (5, 16, 16)),
    ],
)
def test_channels_at_the_end(file: str, shape: tuple[int, ...], cases: Path, tmp_path: Path) -> None:
    sets, _ = read(cases / file, tmp_path / "out", set_column=("label",))
    arrays = np.load(cases / file)
    x = arrays["X"] if "X" in arrays else arrays["images"]
    order = np.argsort(arrays["label"], kind="stable")
    assert sets.shape == shape
    np.testing.assert_array_equal(sets.observations, x[order].transpose(0, 3, 1, 2))


@pytest.mark.parametrize(
    ("stored", "shape"),
    [
        ((20, 16, 5), (5, 20, 16)),
        ((5, 20, 16), (5, 20, 16)),
        ((10, 10, 64), (64, 10, 10)),
        ((64, 10, 10), (64, 10, 10)),
        ((1, 28, 28), (1, 28, 28)),
        ((28, 28, 1), (1, 28, 28)),
        ((6, 32, 32), (6, 32, 32)),
    ],
)
def test_channels_are_found_at_either_end(stored: tuple[int, ...], shape: tuple[int, ...], tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", X=np.zeros((6, *stored), np.uint8), g=np.repeat(["a", "b"], 3))
    sets, _ = read(tmp_path / "x.npz", tmp_path / "out", set_column=("g",))
    assert sets.shape == shape
    chosen, _ = (
        read(tmp_path / "x.npz", tmp_path / "b", set_column=("g",), channels="last")
        if min(stored[:2]) > 3
        else (sets, 0)
    )
    assert min(stored[:2]) <= 3 or chosen.shape == (stored[2], *stored[:2])


def test_labels_in_a_column_of_their_own_axis(cases: Path, tmp_path: Path) -> None:
    path = cases / "b23-npz-labels-2d" / "medmnist.npz"
    arrays = np.load(path)
    sets, answer = read(path, tmp_path / "a", set_column=("train_labels",), min_samples=1)
    labels = arrays["train_labels"][:, 0]
    assert sets.shape == (3, 28, 28) and sorted(sets.set_id.tolist()) == sorted({str(v) for v in labels})
    for i, name in enumerate(sets.set_id.tolist()):
        expected = arrays["train_images"][labels == int(name)].transpose(0, 3, 1, 2)
        np.testing.assert_array_equal(sets.observations_of(i), expected)
    said(answer, "'val_images'")
    path = cases / "c49-npz-labels" / "labels2d.npz"
    sets, _ = read(path, tmp_path / "b", set_column=("labels",))
    assert sorted(sets.set_id.tolist()) == sorted({str(v) for v in np.load(path)["labels"].ravel()})
    np.savez(tmp_path / "v.npz", X=np.arange(12.0).reshape(6, 2), y=np.array([[1.5], [2.0]] * 3))
    sets, _ = read(tmp_path / "v.npz", tmp_path / "c", set_column=("y",))
    assert sets.set_id.tolist() == ["1.5", "2"]


@pytest.mark.parametrize("file", ["b22-zip-images/multiframe.zip", "c48-zip/stack.zip"])
def test_frames_are_observations_unless_the_file_says_channels(file: str, cases: Path, tmp_path: Path) -> None:
    pictures = images_of(cases / file)
    stacks = {}
    for folder, some in pictures.items():
        stacks[folder] = []
        for picture in some:
            for frame in range(picture.n_frames):
                picture.seek(frame)
                stacks[folder].append(np.array(picture))
    sets, answer = read(cases / file, tmp_path / "a", set_column=("folder",), min_samples=1)
    for i, name in enumerate(sets.set_id.tolist()):
        np.testing.assert_array_equal(sets.observations_of(i)[:, 0], np.stack(stacks[name]))
    said(answer, "hold several frames", "frames=channels")
    count = next(iter(pictures.values()))[0].n_frames
    together, _ = read(cases / file, tmp_path / "b", set_column=("folder",), min_samples=1, frames="channels")
    assert together.shape == (count, 16, 16) and together.k == sets.k // count
    first, _ = read(cases / file, tmp_path / "c", set_column=("folder",), min_samples=1, frames="first")
    np.testing.assert_array_equal(first.observations[:, 0], together.observations[:, 0])


def test_ome_channels_follow_the_declared_order(tmp_path: Path) -> None:
    """Two channels of three planes, written plane by plane (XYZCT): frame = z + 3 c."""
    ome = '<?xml version="1.0"?><OME><Image><Pixels DimensionOrder="XYZCT" SizeC="2" SizeT="1" SizeZ="3">'
    ome += '<Channel ID="0" Name="DAPI"/><Channel ID="1" Name="GFP"/></Pixels></Image></OME>'
    frames = [Image.fromarray(np.full((8, 8), 100 * c + z, np.uint16)) for c in range(2) for z in range(3)]
    data = encoded(frames[0], save_all=True, append_images=frames[1:], description=ome)
    path = zip_of(tmp_path / "x.zip", {f"{s}/{i}.ome.tif": data for s in "uv" for i in range(2)})
    sets, answer = read(path, tmp_path / "out", set_column=("folder",))
    assert sets.shape == (2, 8, 8) and sets.k == 12
    assert sets.observations[:3, :, 0, 0].tolist() == [[0, 100], [1, 101], [2, 102]]
    said(answer, "DAPI, GFP")


@pytest.mark.parametrize("file", ["b22-zip-images/exif.zip", "c48-zip/exif.zip"])
def test_photographs_are_turned(file: str, cases: Path, tmp_path: Path) -> None:
    sets, answer = read(cases / file, tmp_path / "a", set_column=("folder",), min_samples=1)
    for i, name in enumerate(sets.set_id.tolist()):
        upright = np.stack([np.asarray(ImageOps.exif_transpose(p)) for p in images_of(cases / file)[name]])
        np.testing.assert_array_equal(sets.observations_of(i), upright.transpose(0, 3, 1, 2))
    said(answer, "turned as their EXIF entry says")


@pytest.mark.parametrize("file", ["b22-zip-images/rgba.zip", "c48-zip/rgba.zip"])
def test_transparent_images_lie_on_white(file: str, cases: Path, tmp_path: Path) -> None:
    sets, answer = read(cases / file, tmp_path / "a", set_column=("folder",), min_samples=1)
    for i, name in enumerate(sets.set_id.tolist()):
        x = np.stack([np.asarray(p, np.float64) for p in images_of(cases / file)[name]])
        alpha = x[..., 3:] / 255
        on_white = (x[..., :3] * alpha + 255 * (1 - alpha)).transpose(0, 3, 1, 2)
        assert np.abs(sets.observations_of(i) - on_white).max() <= 1
    said(answer, "laid on white")


def test_palettes_and_grey_among_colour(tmp_path: Path) -> None:
    colour = np.random.default_rng(0).integers(0, 4, (8, 8, 3)).astype(np.uint8) * 80
    palette = Image.fromarray(colour).quantize(64)
    images = {f"u/{i}.png": encoded(palette, "PNG") for i in range(3)}
    images |= {f"v/{i}.png": encoded(Image.fromarray(colour[..., 0]), "PNG") for i in range(3)}
    sets, answer = read(zip_of(tmp_path / "x.zip", images), tmp_path / "a", set_column=("folder",))
    np.testing.assert_array_equal(sets.observations_of(0)[0], np.asarray(palette.convert("RGB")).transpose(2, 0, 1))
    np.testing.assert_array_equal(sets.observations_of(1)[0], np.repeat(colour[None, ..., 0], 3, axis=0))
    said(answer, "palettes", "three equal channels")


def png_of(pixels: Pixels, **chunks: bytes) -> bytes:
    """A PNG of (h, w, c) 16-bit pixels (2 grey and alpha, 3 colours, 4 with alpha), its rows by all filters in turn."""
    height, width, channels = pixels.shape
    rows = np.ascontiguousarray(pixels.astype(">u2")).view(np.uint8).reshape(height, -1).astype(np.int64)
    left = np.pad(rows, ((0, 0), (2 * channels, 0)))[:, : rows.shape[1]]
    above = np.pad(rows, ((1, 0), (0, 0)))[:height]
    corner = np.pad(left, ((1, 0), (0, 0)))[:height]
    guess = left + above - corner
    near = np.abs(np.stack([guess - left, guess - above, guess - corner])).argmin(axis=0)
    paeth = np.choose(near, [left, above, corner])
    ways = [np.zeros_like(rows), left, above, (left + above) // 2, paeth]
    lines = b"".join(bytes([y % 5]) + (rows[y] - ways[y % 5][y]).astype(np.uint8).tobytes() for y in range(height))
    kind = {2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    parts = {"IHDR": header, **chunks, "IDAT": zlib.compress(lines), "IEND": b""}
    framed = [
        struct.pack(">I", len(data)) + (body := name.encode() + data) + struct.pack(">I", zlib.crc32(body))
        for name, data in parts.items()
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def tiff_of(pixels: Pixels, order: str = "<", *, packed: bool = False, together: bool = True) -> bytes:
    """A TIFF of (h, w, c) 16-bit pixels; packed by deflate with differences along a row, or its channels apart."""
    height, width, channels = pixels.shape
    rows = pixels.astype(np.uint16)
    if packed:
        rows = np.diff(rows, axis=1, prepend=np.zeros((height, 1, channels), np.uint16))
    data = rows.astype(f"{order}u2") if together else rows.transpose(2, 0, 1).astype(f"{order}u2")
    strip = zlib.compress(data.tobytes()) if packed else data.tobytes()
    tags = [
        (256, 3, (width,)), (257, 3, (height,)), (258, 3, (16,) * channels), (259, 3, (8 if packed else 1,)),
        (262, 3, (2,)), (273, 4, (8,)), (277, 3, (channels,)), (278, 3, (height,)), (279, 4, (len(strip),)),
        (284, 3, (1 if together else 2,)), (317, 3, (2 if packed else 1,)), *([(338, 3, (2,))] * (channels == 4)),
    ]  # fmt: skip
    place = 8 + len(strip) + len(strip) % 2
    beyond, entries, end = b"", b"", place + 2 + 12 * len(tags) + 4
    for tag, kind, values in tags:
        value = struct.pack(f"{order}{len(values)}{'HI'[kind == 4]}", *values)
        entries += struct.pack(f"{order}HHI", tag, kind, len(values))
        if len(value) > 4:
            entries += struct.pack(f"{order}I", end + len(beyond))
            beyond += value
        else:
            entries += value.ljust(4, b"\0")
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, place)
    count = struct.pack(f"{order}H", len(tags))
    return head + strip + b"\0" * (len(strip) % 2) + count + entries + bytes(4) + beyond


def sets_of(data: dict[str, bytes], folder: Path, **options: Any) -> tuple[Any, dict[str, Any]]:
    """The sets u and v of images by their file names."""
    path = zip_of(folder / "images.zip", data)
    return read(path, folder / "out", set_column=("folder",), min_samples=1, **options)


DEEP = np.random.default_rng(3).integers(0, 4096, (9, 7, 4)).astype(np.uint16)
DEEP[0, 0, :3] = 4095
WRITERS = {
    "png": png_of,
    "tiff": tiff_of,
    "tiff of Motorola": lambda x: tiff_of(x, ">"),
    "tiff packed": lambda x: tiff_of(x, packed=True),
    "tiff of Motorola packed": lambda x: tiff_of(x, ">", packed=True),
}


@pytest.mark.parametrize("form", list(WRITERS))
@pytest.mark.parametrize("channels", [3, 4])
def test_colour_of_sixteen_bits_keeps_all_of_them(form: str, channels: int, tmp_path: Path) -> None:
    """Twelve bits in sixteen, whose upper bytes alone would be nearly black; one scale for all images."""
    images = [DEEP[..., :channels], (DEEP // 3)[..., :channels]]
    for image in images:
        image[..., 3:] = 65535
    sets, answer = sets_of(
        {f"{'uv'[i]}/{i}.{form[:4].strip()}": WRITERS[form](x) for i, x in enumerate(images)}, tmp_path
    )
    expected = np.round(np.stack([x[..., :3] for x in images]).transpose(0, 3, 1, 2) * (255 / 4095))
    np.testing.assert_array_equal(sets.observations, expected)
    said(answer, "0 to 4095 became 0 to 255, one scale for all images")


def test_transparent_colour_of_sixteen_bits_lies_on_white(tmp_path: Path) -> None:
    clear = DEEP.copy()
    clear[..., 3] = 13107  # a fifth
    grey = np.stack([DEEP[..., 0], np.full((9, 7), 13107)], axis=-1)
    sets, answer = sets_of({"u/0.png": png_of(clear), "v/0.png": png_of(grey)}, tmp_path)
    white = np.rint(DEEP[..., :3] * 0.2 + 65535 * 0.8)
    expected = np.round(255 * (white - white.min()) / np.ptp(white)).transpose(2, 0, 1)
    np.testing.assert_array_equal(sets.observations_of(0)[0], expected)
    np.testing.assert_array_equal(sets.observations_of(1)[0], np.stack([expected[0]] * 3))
    said(answer, "2 images were laid on white", "three equal channels")
    key = DEEP[..., :3].copy()
    key[4, 4] = (7, 8, 9)
    opaque, _ = sets_of({"u/0.png": png_of(key, tRNS=struct.pack(">HHH", 7, 8, 9)), "v/0.png": png_of(key)}, tmp_path)
    key[4, 4] = 65535
    np.testing.assert_array_equal(opaque.observations_of(0)[0], np.round(key.transpose(2, 0, 1) * (255 / 65535)))


def test_channels_of_sixteen_bits_apart_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'u/0.tif' in .* RGB or RGBA, its channels together, is expected"):
        sets_of({"u/0.tif": tiff_of(DEEP[..., :3], together=False)}, tmp_path)


@pytest.mark.parametrize("form", ["grey", "colour", "sixteen bits", "deep colour", "float", "mask"])
def test_large_images_are_reduced_to_means(form: str, tmp_path: Path) -> None:
    """Of 600 x 300 pixels each becomes 200 x 100: a pixel is the mean of 3 x 3."""
    rng = np.random.default_rng(8)
    images: Pixels = {
        "grey": rng.integers(0, 256, (2, 300, 600)).astype(np.uint8),
        "colour": rng.integers(0, 256, (2, 300, 600, 3)).astype(np.uint8),
        "sixteen bits": rng.integers(0, 999, (2, 300, 600)).astype(np.uint16),
        "deep colour": rng.integers(0, 999, (2, 300, 600, 3)).astype(np.uint16),
        "float": rng.random((2, 300, 600)).astype(np.float32),
        "mask": rng.random((2, 300, 600)) < 0.5,
    }[form]
    data = [png_of(x) if form == "deep colour" else encoded(Image.fromarray(x)) for x in images]
    sets, answer = sets_of({f"{'uv'[i]}/0.tif": x for i, x in enumerate(data)}, tmp_path, longest_side=200)
    values = images.astype(np.float64) * (255 if form == "mask" else 1)
    values = values.reshape(2, 100, 3, 200, 3, -1).mean(axis=(2, 4)).transpose(0, 3, 1, 2)
    if form != "float":
        values = np.rint(values)
    if "bits" in form or "deep" in form:
        values = 255 * values / values.max()
    values = 255 * values.astype(np.float32).astype(np.float64) if form == "float" else values
    np.testing.assert_array_equal(sets.observations, np.round(values).astype(np.uint8))
    said(answer, "images of up to 600 x 300 pixels", "the largest to 200 x 100", "longest_side")


def test_one_factor_reduces_all_images_of_a_file(tmp_path: Path) -> None:
    levels = np.random.default_rng(2).integers(0, 256, (512, 512)).astype(np.uint8)
    small = levels[:300, :400]
    data = {"u/0.png": encoded(Image.fromarray(levels), "PNG"), "v/0.png": encoded(Image.fromarray(small), "PNG")}
    sets, answer = sets_of(data, tmp_path, sizes="pad")
    half = np.rint(levels.reshape(256, 2, 256, 2).mean(axis=(1, 3)))
    np.testing.assert_array_equal(sets.observations_of(0)[0, 0], half)
    np.testing.assert_array_equal(sets.observations_of(1)[0, 0, 53:203, 28:228], half[:150, :200])
    said(answer, "512 x 512 pixels", "to 256 x 256", "black was added")
    whole, answer = sets_of(data, tmp_path, sizes="pad", longest_side=512)
    np.testing.assert_array_equal(whole.observations_of(0)[0, 0], levels)
    assert "longest_side" not in " ".join(answer["notes"])


def test_blocks_of_an_uneven_factor_differ_by_one_pixel(tmp_path: Path) -> None:
    row = np.arange(20, dtype=np.uint8).repeat(10).reshape(20, 10).T  # 20 wide, 10 high
    np.savez(tmp_path / "x.npz", X=np.stack([row] * 6), g=np.repeat(["a", "b"], 3))
    sets, answer = read(tmp_path / "x.npz", tmp_path / "out", set_column=("g",), longest_side=8)
    ends = [0, 2, 5, 7, 10, 12, 15, 17, 20]
    expected = [np.rint(np.mean(np.arange(a, b))) for a, b in pairwise(ends)]
    np.testing.assert_array_equal(sets.observations, np.broadcast_to(expected, (6, 1, 4, 8)))
    said(answer, "20 x 10 pixels", "8 x 4")


def test_more_pixels_than_are_read(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 60_000, 1000, 8, 0, 0, 0, 0)
    body = b"IHDR" + header
    wide = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    with pytest.raises(InputError, match="60,000 x 1,000 pixels; at most 32 million"):
        sets_of({"u/0.png": wide + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))}, tmp_path)


@pytest.mark.parametrize(
    ("file", "count"),
    [
        ("b22-zip-images/mac2.zip", 8),
        ("b22-zip-images/mac3.zip", 8),
        ("b22-zip-images/many.zip", 1200),
        ("b24-two-sets-cannot-train/mac.zip", 8),
        ("c48-zip/macext.zip", 9),
    ],
)
def test_archives_of_images(file: str, count: int, cases: Path, tmp_path: Path) -> None:
    sets, _ = read(cases / file, tmp_path / "a", set_column=("folder",), min_samples=1)
    pictures = images_of(cases / file)
    assert sets.k == count == sum(map(len, pictures.values()))
    for i, name in enumerate(sets.set_id.tolist()):
        mode = "L" if sets.shape[0] == 1 else "RGB"
        expected = np.stack([np.asarray(p.convert(mode)).reshape(*p.size[::-1], -1) for p in pictures[name]])
        np.testing.assert_array_equal(sets.observations_of(i), expected.transpose(0, 3, 1, 2))


def test_two_sets_are_advised_against(cases: Path, tmp_path: Path) -> None:
    path = cases / "b24-two-sets-cannot-train" / "mac.zip"
    _, answer = read(path, tmp_path / "a", set_column=("folder",), min_samples=1)
    said(answer, "at least 3 are needed")


def test_junk_anywhere_is_skipped_and_other_files_are_named(tmp_path: Path) -> None:
    image = encoded(Image.new("L", (8, 8), 9), "PNG")
    files = {f"d/{s}/{i}.png": image for s in "uv" for i in range(3)}
    junk = {"d/u/._0.png": b"x", "d/__MACOSX/u/._1.png": b"x", "d/v/.DS_Store": b"x", "d/Thumbs.db": b"x"}
    sets, answer = read(
        zip_of(tmp_path / "x.zip", files | junk | {"d/labels.csv": b"a,b"}), tmp_path / "a", set_column=("level_2",)
    )
    assert sets.k == 6 and sets.s == 2
    said(answer, "1 other files", "labels.csv")


NUCLEOTIDES, AMINO_ACIDS = "ACGT", "ACDEFGHIKLMNPQRSTVWY"


def records_of(path: Path) -> list[tuple[str, str]]:
    """(header, sequence) of a FASTA file."""
    parts = [part.split("\n", 1) for part in path.read_text().lstrip(">").replace("\r", "").split("\n>")]
    return [(header, "".join(body.split()).upper()) for header, body in parts]


def words(sets: Any, i: int | None = None) -> list[str]:
    """The sequences of a set, or of all sets, as letters."""
    codes = sets.observations if i is None else sets.observations_of(i)
    return ["".join(sets.alphabet[c] for c in row if c >= 0) for row in codes]


@pytest.mark.parametrize(("file", "lost"), [("b15-iupac-dna-as-protein", 14), ("c42-ambiguous-dna", 4)])
def test_dna_with_ambiguity_codes_is_dna(file: str, lost: int, cases: Path, tmp_path: Path) -> None:
    path = cases / file / "iupac.fa"
    sets, answer = read(path, tmp_path / "a", set_column=("field_2",))
    plain = [text for _, text in records_of(path) if set(text) <= set(NUCLEOTIDES)]
    assert sets.alphabet == NUCLEOTIDES and sorted(words(sets)) == sorted(plain)
    assert answer["dropped"] == {"sequences with ambiguous letters": lost} and sets.k + lost == len(records_of(path))
    said(answer, "R ", "times", "ambiguous=unknown")
    kept, _ = read(path, tmp_path / "b", set_column=("field_2",), ambiguous="unknown")
    assert kept.alphabet == "ACGTN" and kept.k == len(records_of(path))
    unknown = ["".join(c if c in NUCLEOTIDES else "N" for c in text) for _, text in records_of(path)]
    assert sorted(words(kept)) == sorted(unknown)
    removed, _ = read(path, tmp_path / "c", set_column=("field_2",), ambiguous="remove")
    assert sorted(words(removed)) == sorted(text.replace("N", "") for text in unknown)


@pytest.mark.parametrize(
    ("file", "column"),
    [
        ("b17-all-dropped-unclear/stop.fa", "field_2"),
        ("b17-all-dropped-unclear/aligned.fa", "field_2"),
        ("b17-all-dropped-unclear/muscle.fa", "record"),
        ("c44-nothing-left/stop.fa", "field_2"),
        ("c44-nothing-left/gap.fa", "field_2"),
        ("05-protein-symbols/prot.fasta", "field_1"),
    ],
)
def test_gaps_and_final_stops_are_taken_out(file: str, column: str, cases: Path, tmp_path: Path) -> None:
    path = cases / file
    sets, answer = read(path, tmp_path / "a", set_column=(column,), min_samples=1)
    expected = [text.replace("-", "").rstrip("*")[:2000] for _, text in records_of(path)]
    assert sorted(words(sets)) == sorted(expected) and not answer["dropped"]
    assert any("gaps" in note or "stop" in note for note in answer["notes"])


def test_an_alignment_can_keep_its_gaps(cases: Path, tmp_path: Path) -> None:
    path = cases / "b17-all-dropped-unclear" / "aligned.fa"
    sets, _ = read(path, tmp_path / "a", set_column=("field_2",), gaps="keep")
    assert sets.alphabet == "ACGT-" and sorted(words(sets)) == sorted(text for _, text in records_of(path))
    with pytest.raises(InputError, match="no sequence left of 40, taken for DNA: sequences with a gap"):
        read(path, tmp_path / "b", set_column=("field_2",), gaps="drop")


def test_headers_that_differ(cases: Path, tmp_path: Path) -> None:
    path = cases / "b28-mixed-fasta-headers" / "mixhead.fa"
    sets, answer = read(path, tmp_path / "a", set_column=("field_2",))
    fields = [header.split("|") for header, _ in records_of(path)]
    assert sets.k == sum(len(one) > 1 for one in fields) == 39
    assert answer["dropped"] == {"observations without a set": 1}
    for i, name in enumerate(sets.set_id.tolist()):
        expected = [text for (_, text), one in zip(records_of(path), fields, strict=True) if one[1:] == [name]]
        assert words(sets, i) == expected
    said(answer, "1 of 40 headers have no part 2")


def test_sets_by_month_of_the_dates_in_headers(cases: Path, tmp_path: Path) -> None:
    path = cases / "11-dates" / "lower.fasta"
    with pytest.raises(InputError, match="gives 0 sets"):
        read(path, tmp_path / "a", set_column=("field_1",))
    sets, _ = read(path, tmp_path / "b", set_column=("field_2 (month)",))
    months = [header.split("|")[1][:7] for header, _ in records_of(path)]
    assert sorted(sets.set_id.tolist()) == sorted(set(months)) and sets.k == 60
    order = np.argsort(sets.set_id)
    assert (np.diff(sets.covariates["field_2 (year)"][order]) > 0).all()


def test_reads_of_fastq_and_a_broken_record(tmp_path: Path) -> None:
    reads = ["ACGTACGTAC", "GGGTTTACCA", "TTTTACGATC", "CATGCATGCA"]
    text = "".join(f"@r{i} lane={i % 2}\n{one}\n+\n{'I' * 10}\n" for i, one in enumerate(reads))
    path = tmp_path / "x.fastq"
    path.write_text(text)
    sets, _ = read(path, tmp_path / "a", set_column=("lane",), min_samples=1)
    assert sets.alphabet == NUCLEOTIDES and words(sets) == [*reads[::2], *reads[1::2]]
    path.write_text(text[:-3])
    with pytest.raises(InputError, match="line 13"):
        read(path, tmp_path / "b", set_column=("lane",))


def test_a_table_beside_a_fasta_file_has_a_row_an_observation(tmp_path: Path) -> None:
    (tmp_path / "x.fasta").write_text(">p1 n=2\nMKWVTFISLL\n>p2\nMKWVTFISLF\n>p3\nMKWVTFISL*FF\n>p4\nMKWV\n")
    rows = [("a", "p1"), ("b", "p2"), ("a", "p1"), ("b", "p3"), ("b", "p1"), ("a", "p9")]
    (tmp_path / "index.csv").write_text("where,protein\n" + "".join(f"{w},{p}\n" for w, p in rows))
    sets, answer = read(
        [tmp_path / "x.fasta", tmp_path / "index.csv"], tmp_path / "out", set_column=("where",), min_samples=1
    )
    assert dict(zip(sets.set_id.tolist(), (words(sets, 0), words(sets, 1)), strict=True)) == {
        "a": ["MKWVTFISLL"] * 2,
        "b": ["MKWVTFISLF", "MKWVTFISLL"],
    }
    assert answer["dropped"]["observations whose sequence is left out"] == 1
    assert answer["dropped"]["rows of index.csv whose protein is no record of x.fasta"] == 1
    said(answer, "'protein' of index.csv names the records of x.fasta (5 of 6 rows)")
    said(answer, "1 of 4 records are named by no row")


def test_text_keeps_case_and_makes_one_letter_of_rare_characters(tmp_path: Path) -> None:
    common = "".join(chr(0x4E00 + i) for i in range(118)) * 2
    rare = "".join(chr(0x5E00 + i) for i in range(5))
    texts = ["Aa Aa", common, rare + "A", "a" * 5]
    path = tmp_path / "x.tsv"
    path.write_text("text\tg\n" + "".join(f"{one}\t{'uv'[i % 2]}\n" for i, one in enumerate(texts)))
    sets, answer = read(
        path, tmp_path / "out", set_column=("g",), min_samples=1, alphabet="text", sequence_column="text"
    )
    unknown = sets.alphabet[-1]
    assert len(sets.alphabet) == 121
    lost = set("".join(texts)) - set(sets.alphabet)
    assert len(lost) == len(set("".join(texts))) - 120
    expected = ["".join(unknown if c in lost else c for c in one) for one in (*texts[::2], *texts[1::2])]
    assert words(sets) == expected
    said(answer, "rarer characters")


def test_lengths_are_said_and_cut(tmp_path: Path) -> None:
    path = tmp_path / "x.fa"
    path.write_text("".join(f">r{i} g={'uv'[i % 2]}\n{'ACGT' * (i + 1)}\n" for i in range(5)))
    sets, answer = read(path, tmp_path / "out", set_column=("g",), min_samples=1, length=10)
    assert sets.shape == (10,)
    said(answer, "4 to 20 letters, 12 in the middle")
    said(answer, "3 sequences were cut at 10 letters")


def test_quantiles_are_disjoint_and_named_by_their_range(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    y = rng.permutation(40)
    path = tmp_path / "x.csv"
    lines = [f"{''.join(rng.choice(list('ACGT'), 12))},{v},{'ab'[i % 2]}" for i, v in enumerate(y)]
    path.write_text("dna,level,medium\n" + "\n".join(lines) + "\n")
    sets, _ = read(path, tmp_path / "a", quantiles="level", quantiles_count=4)
    order = np.argsort(sets.covariates["level"])
    assert sets.set_id[order].tolist() == [f"level {10 * i} to {10 * i + 9}" for i in range(4)]
    np.testing.assert_allclose(sets.covariates["level"][order], [4.5, 14.5, 24.5, 34.5])
    sets, _ = read(path, tmp_path / "b", quantiles="level", quantiles_count=4, set_column=("medium",))
    assert sets.s == 8 and sets.sizes.tolist() == [5] * 8
    assert sorted(set(sets.labels["medium"].tolist())) == ["a", "b"]
    assert all(one.startswith(("a | level", "b | level")) for one in sets.set_id.tolist())


FASTA = {
    "blanks in values": (">a country=South Africa day=3\nACGT\n", {"country": "South Africa", "day": "3"}),
    "quoted": (">a country='South Africa', day=3\nACGT\n", {"country": "South Africa", "day": "3"}),
    "brackets": (">a [organism=Homo sapiens] [tissue=lung]\nACGT\n", {"organism": "Homo sapiens", "tissue": "lung"}),
    "bars": (">a|country=South Africa|2021\nACGT\n", {"country": "South Africa", "field_3": "2021"}),
    "words": (">a 2021-03-01 UK\nACGT\n", {"word_2": "2021-03-01", "word_3": "UK"}),
    "UniProt": (">sp|P1|X_HUMAN Thing OS=Homo sapiens OX=9606\nMKWVTF\n", {"OS": "Homo sapiens", "field_2": "P1"}),
}


@pytest.mark.parametrize("kind", FASTA)
def test_header_values(kind: str) -> None:
    text, expected = FASTA[kind]
    columns, _ = header_columns([text[1:].split("\n")[0]])
    assert {key: columns[key][0] for key in expected} == expected


def test_layouts_of_fasta(tmp_path: Path) -> None:
    """Wrapped lines, CRLF, gzip, xz, lower case and blanks give the same sequences, and RNA the same with its U."""
    body = ["ACGTTGCATG", "GGGTTTACCA", "TTTTACGATC", "CATGCATGCA"]
    plain = "".join(f">r{i}|{'uv'[i % 2]}\n{text}\n" for i, text in enumerate(body))
    wrapped = "".join(f">r{i}|{'uv'[i % 2]}\r\n{t[:4]}\r\n{t[4:].lower()}\r\n" for i, t in enumerate(body))
    files = {
        "plain.fa": plain.encode(),
        "wrapped.fa": wrapped.encode(),
        "packed.fa.gz": gzip.compress(wrapped.encode()),
        "packed.fa.xz": lzma.compress(wrapped.encode()),
        "blocks.fa": plain.replace("TG", "T G").encode(),
        "rna.fa": plain.replace("T", "U").encode(),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        sets, _ = read(tmp_path / name, tmp_path / "out", set_column=("field_2",), min_samples=1)
        rna = name == "rna.fa"
        assert sets.alphabet == ("ACGU" if rna else NUCLEOTIDES)
        assert words(sets) == [one.replace("T", "U") if rna else one for one in (*body[::2], *body[1::2])]


def test_one_bad_letter_costs_one_record_and_is_named(tmp_path: Path) -> None:
    texts = ["ACGTACGTAC"] * 8 + ["ACGTACGTA5", "MKWVTFISLLFLFSSAYSRG", ""]
    path = tmp_path / "x.fa"
    path.write_text("".join(f">r{i} g={'uv'[i % 2]}\n{text}\n" for i, text in enumerate(texts)))
    sets, answer = read(path, tmp_path / "a", set_column=("g",))
    assert sets.k == 8 and answer["dropped"] == {"sequences with a letter that is none of DNA": 2, "empty sequences": 1}
    said(answer, "5 1 times")
    proteins = ["MKWVTFISLLFLFSSAYS"] * 8 + ["MKWVT*ISLL", "ACGTACGTACGTACGTACGTACGT", "MKXBZUOJ*"]
    path.write_text("".join(f">r{i} g={'uv'[i % 2]}\n{text}\n" for i, text in enumerate(proteins)))
    sets, answer = read(path, tmp_path / "b", set_column=("g",))
    assert sets.alphabet == AMINO_ACIDS + "X" and "MK" + 6 * "X" in words(sets)
    assert answer["dropped"] == {"sequences with a stop (*) inside": 1, "sequences of DNA among proteins": 1}


def test_a_genome_with_unknown_letters_everywhere_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "x.fa"
    path.write_text("".join(f">r{i} g={'uv'[i % 2]}\nACGTNNNNAC\n" for i in range(8)))
    sets, _ = read(path, tmp_path / "a", set_column=("g",))
    assert sets.alphabet == "ACGTN" and words(sets) == ["ACGTNNNNAC"] * 8
    with pytest.raises(InputError, match=r"no sequence left of 8, taken for DNA: .*ambiguous letters: 8 \(N\)"):
        read(path, tmp_path / "b", set_column=("g",), ambiguous="drop")
    peptides, _ = read(path, tmp_path / "c", set_column=("g",), alphabet="protein")
    assert peptides.alphabet == AMINO_ACIDS


def test_zipped_and_gzipped_files(cases: Path, tmp_path: Path) -> None:
    folder = cases / "b26-common-formats"
    with zipfile.ZipFile(folder / "csv.zip") as archive:
        frame = pd.read_csv(archive.open(archive.namelist()[0]), encoding="utf-8-sig")
    sets, _ = read(folder / "csv.zip", tmp_path / "a", set_column=("donor",))
    assert sets.set_id.tolist() == list(dict.fromkeys(frame["donor"])) and sets.k == len(frame)
    data = anndata.read_h5ad(io.BytesIO(gzip.decompress((folder / "c.h5ad.gz").read_bytes())))
    sets, _ = read(folder / "c.h5ad.gz", tmp_path / "b", set_column=("donor",), normalise="none")
    x = np.asarray(data.X.toarray() if hasattr(data.X, "toarray") else data.X)
    np.testing.assert_allclose(sets.observations_of(0), x[data.obs["donor"] == sets.set_id[0]])


def test_a_table_for_each_sample_is_a_set_for_each(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    parts = {name: rng.normal(size=(6, 2)) for name in ("s1", "s2", "s3")}
    tables = {
        f"cells/{k}.csv": pd.DataFrame(v, columns=["x", "y"]).to_csv(index=False).encode() for k, v in parts.items()
    }
    path = zip_of(
        tmp_path / "x.zip", tables | {"README.txt": b"Counts, by sample, of 2021.\n", "__MACOSX/._s1.csv": b"x"}
    )
    for options in ({}, {"set_column": ("file",)}):
        sets, answer = read(path, tmp_path / "a", **options)
        assert sets.set_id.tolist() == list(parts) and sets.feature.tolist() == ["x", "y"]
        for i, x in enumerate(parts.values()):
            np.testing.assert_allclose(sets.observations_of(i), x, rtol=1e-6)
        said(answer, "3 tables", "README.txt")
    folders = {f"{k}/cells.csv": data for k, data in zip(parts, tables.values(), strict=True)}
    sets, _ = read(zip_of(tmp_path / "y.zip", folders), tmp_path / "b")
    assert sets.set_id.tolist() == ["s1/cells", "s2/cells", "s3/cells"]
    other = zip_of(tmp_path / "z.zip", {"a.csv": b"x,y\n1,2\n3,4\n", "b.csv": b"v,w\n1,2\n3,4\n"})
    with pytest.raises(InputError, match="share no column"):
        read(other, tmp_path / "c")


def test_a_fasta_file_for_each_sample_is_a_set_for_each(tmp_path: Path) -> None:
    files = {
        f"{k}.fasta": f">r1\nACGT{c}\n>r2\nACG{c}\n>r3\nTTT{c}\n".encode() for k, c in zip("pq", "AC", strict=True)
    }
    sets, _ = read(zip_of(tmp_path / "x.zip", files), tmp_path / "a")
    assert sets.set_id.tolist() == ["p", "q"] and words(sets, 1) == ["ACGTC", "ACGC", "TTTC"]


def test_a_tar_archive_is_named(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("a.csv"), io.BytesIO(b""))
    with pytest.raises(InputError, match="is a tar archive; unpack it"):
        read(tmp_path / "x.tar.gz", tmp_path / "a", set_column=("g",))


def test_a_walk_between_sequences_is_exported_as_letters(cases: Path, tmp_path: Path) -> None:
    """The export of a walk whose model gives back the codes of real sequences names those sequences."""
    sets, _ = read(cases / "b25-sequence-walk-one-hot" / "seqs.fa", tmp_path / "a", set_column=("field_2",))
    letters = [sets.observations_of(i)[:3] for i in (0, 1)]
    moments = tuple(Moment(float(t), np.zeros(2), x, x, x) for t, x in enumerate(letters))
    straying = Straying(moments, np.zeros(2), np.zeros(2), 1.0, 1.0, 3, "", sets.observation)
    arrays = straying.arrays()
    assert arrays["letters"].tolist() == [words(sets, i)[:3] for i in (0, 1)]
    assert str(arrays["alphabet"]) == NUCLEOTIDES and arrays["length"] == 12

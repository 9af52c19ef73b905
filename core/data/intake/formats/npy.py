"""The arrays of .npy and .npz files.

Headers are read and held against the file's size before any array is made: a file cannot ask for more than it holds.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from tokenize import TokenError
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from core.data.intake import archives
from core.data.intake.formats.base import Head
from core.errors import InputError

MAGIC = b"\x93NUMPY"
SINGLE = "arr_0"  # what the one array of an .npy file is called
_HEADER_MAX = 10_000


@dataclass(frozen=True)
class Header:
    """What an array declares of itself; `length` is that of the header in bytes."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    length: int

    @property
    def bytes(self) -> int:
        """What the array takes in memory."""
        return int(np.prod([int(s) for s in self.shape], dtype=object)) * self.dtype.itemsize


def headers(head: Head) -> dict[str, Header]:
    """The header of each array of a file, by the array's name.

    Raises InputError for anything but plain arrays, for Python objects, and for a size that is not the file's.
    """
    if head.first.startswith(MAGIC):
        with head.path.open("rb") as file:
            return {SINGLE: _header(file, head.path.stat().st_size, head.name)}
    if not head.first.startswith(b"PK"):
        raise InputError(
            f"{head.name} is not a NumPy file (it starts with {head.first[:8]!r}); "
            "write it with numpy.save or numpy.savez_compressed."
        )
    members = archives.checked_zip(head.path, head.name)
    found = {}
    with zipfile.ZipFile(head.path) as archive:
        for member in members:
            key = member.filename.removesuffix(".npy")
            if key == member.filename:
                raise InputError(
                    f"{head.name} holds {key[:80]!r}, which is not an array; an .npz has only .npy members: "
                    "write it with numpy.savez_compressed."
                )
            name = _member_name(head, key)
            try:
                with archive.open(member) as file:
                    found[key] = _header(file, member.file_size, name)
            except archives.UNREADABLE as error:
                raise _damaged(name, error) from None
    return found


def load(head: Head, keys: Iterable[str]) -> dict[str, npt.NDArray[Any]]:
    """The arrays `keys` of a file whose `headers` were found harmless; a memory map of an .npy. Raises InputError."""
    if head.first.startswith(MAGIC):
        return {SINGLE: np.load(head.path, mmap_mode="r", allow_pickle=False)}
    arrays = {}
    with zipfile.ZipFile(head.path) as archive:
        for key in keys:
            try:
                with archive.open(f"{key}.npy") as file:
                    arrays[key] = np.lib.format.read_array(file, allow_pickle=False, max_header_size=_HEADER_MAX)
            except archives.UNREADABLE as error:
                raise _damaged(_member_name(head, key), error) from None
    return arrays


def _member_name(head: Head, key: str) -> str:
    return f"{head.name} ({key[:60]})"


def _damaged(name: str, error: Exception) -> InputError:
    return InputError(f"{name} is damaged ({archives.reason(error)}); write or copy the file again.")


def _header(file: IO[bytes], size: int, name: str) -> Header:
    try:
        start = file.read(12)
        version = np.lib.format.read_magic(io.BytesIO(start))
        width = 2 if version == (1, 0) else 4
        declared = int.from_bytes(start[8 : 8 + width], "little")
        if declared > _HEADER_MAX:
            raise InputError(f"{name} declares a header of {declared:,} bytes; that is no plain array: write it anew.")
        body = io.BytesIO(start[8:] + file.read(declared + width - 4))
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(body, max_header_size=_HEADER_MAX)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError, TokenError, UnicodeError) as error:
        raise InputError(
            f"{name} has a broken NumPy header ({archives.reason(error)}); write it again with numpy.save."
        ) from None
    header = Header(shape, dtype, 8 + width + declared)
    _check(header, size - header.length, name)
    return header


def _check(header: Header, present: int, name: str) -> None:
    if header.dtype.hasobject:
        raise InputError(
            f"{name} holds Python objects, which may run code when read; plain numbers or strings are expected: "
            "save it again with dtype int8 or str."
        )
    if header.dtype.fields is not None:
        raise InputError(f"{name} is a structured array; a plain array is expected: save each field by itself.")
    if any(s < 0 for s in header.shape) or header.bytes != present:
        raise InputError(
            f"{name} declares {_size(header.bytes)} ({' x '.join(map(str, header.shape))} {header.dtype}) but holds "
            f"{_size(present)}; write or copy the file again."
        )


def _size(count: int) -> str:
    for unit, scale in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= scale:
            return f"{count / scale:,.1f} {unit}"
    return f"{count:,} bytes"

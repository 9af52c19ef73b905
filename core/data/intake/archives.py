"""Compressed files, checked from their headers and counted while they unfold."""

from __future__ import annotations

import gzip
import lzma
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from core.errors import InputError

CHUNK = 1 << 20
RATIO_MAX = 500  # DEFLATE tops out near 1030 on constant bytes; phased VCF of thousands of people stays near 50-100
XZ_RATIO_MAX = 2000  # near-identical sequences pack 650 times; xz tops out near 7,000
RATIO_FREE = 16 << 20  # below this many unfolded bytes no ratio does harm
MEMBERS_MAX = 50_000  # images of a zip; each entry of its directory takes about half a kilobyte in memory
UNPACKED_MAX = 1000  # files written to disk
# What file managers leave in archives.
_JUNK_FOLDER = "__MACOSX"
_JUNK = (".DS_Store", "Thumbs.db", "desktop.ini")
_SIP = 512
LINE_MAX = 64 << 20

# What zipfile raises over damage; not OSError, so that a full disk is not called a damaged file.
UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, IndexError, struct.error)
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_GZIP = b"\x1f\x8b"
_XZ = b"\xfd7zXZ\0"
_BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


def reason(error: Exception) -> str:
    """What a library says is wrong, on one line and without its error codes."""
    words = " ".join(str(error).split()).rsplit(": ", 1)[-1].split(". ")[0].rstrip(".")
    return words[:100] or "it ends early"


def first_bytes(path: Path, size: int = 1 << 16) -> bytes:
    """Up to `size` bytes of the content, unfolded if gzip or xz; b"" where even the start cannot be unfolded."""
    with path.open("rb") as file:
        raw = file.read(size)
    if raw.startswith(_XZ):
        return _first_of_xz(path, size)
    if not raw.startswith(_GZIP):
        return raw
    member, found = zlib.decompressobj(31), b""
    for start in range(0, len(raw), _SIP):
        try:
            found += member.decompress(raw[start : start + _SIP], size)
        except zlib.error:
            break  # what was unfolded before the damage still tells the format; reading will name the damage
        if len(found) >= size or member.eof:
            break
    return found[:size]


def _first_of_xz(path: Path, size: int) -> bytes:
    found = b""
    try:
        with lzma.open(path) as content:
            while len(found) < size and (piece := content.read1(size - len(found))):
                found += piece
    except (lzma.LZMAError, EOFError):
        pass  # what was unfolded before the damage still tells the format; reading will name the damage
    return found


def chunks(path: Path, name: str) -> Iterator[bytes]:
    """The content in pieces of about a megabyte, unfolded if gzip or xz.

    Raises InputError for a gzip or xz stream that is cut short, is damaged, or unfolds beyond `RATIO_MAX`.
    """
    with path.open("rb") as file:
        start = file.read(len(_XZ))
        if start == _XZ:
            yield from _chunks_of_xz(path, name)
            return
        if start[:2] != _GZIP:
            file.seek(0)
            while piece := file.read(CHUNK):
                yield piece
            return
    unfolded = 0
    try:
        with gzip.open(path) as content:
            while piece := content.read(CHUNK):
                unfolded += len(piece)
                _check_ratio(unfolded, path.stat().st_size, name)
                yield piece
    except EOFError:
        raise InputError(
            f"{name} is cut short: its gzip stream ends after {unfolded:,} unfolded bytes without an end mark; "
            "copy or download it again."
        ) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InputError(
            f"{name} is damaged: its gzip stream breaks after {unfolded:,} bytes ({reason(error)}); "
            "copy or export it anew."
        ) from None
    _check_bgzf_end(path, name)


def _chunks_of_xz(path: Path, name: str) -> Iterator[bytes]:
    size, unfolded = path.stat().st_size, 0
    try:
        with lzma.open(path) as content:
            while piece := content.read(CHUNK):
                unfolded += len(piece)
                if unfolded > RATIO_FREE and unfolded > XZ_RATIO_MAX * size:
                    raise InputError(
                        f"{name} unfolds to more than {XZ_RATIO_MAX} times its {size:,} bytes; a data file does not: "
                        "give the unpacked file if it is meant so."
                    )
                yield piece
    except EOFError:
        raise InputError(
            f"{name} is cut short: its xz stream ends after {unfolded:,} unfolded bytes without an end mark; copy or "
            "download it again."
        ) from None
    except lzma.LZMAError as error:
        raise InputError(
            f"{name} is damaged: its xz stream breaks after {unfolded:,} bytes ({reason(error)}); copy or export it "
            "anew."
        ) from None


def is_xz(path: Path) -> bool:
    """Whether the file is an xz archive."""
    with path.open("rb") as file:
        return file.read(len(_XZ)) == _XZ


def unfolded(path: Path, name: str, folder: Path) -> Path:
    """The file itself, or where it is gzip or xz its content as a file in `folder`; errors as of `chunks`."""
    with path.open("rb") as file:
        start = file.read(len(_XZ))
        if start[:2] != _GZIP and start != _XZ:
            return path
    target = folder / f"unfolded_{path.stat().st_ino}"
    with target.open("wb") as file:
        for piece in chunks(path, name):
            file.write(piece)
    return target


def _check_ratio(unfolded: int, size: int, name: str) -> None:
    if unfolded > RATIO_FREE and unfolded > RATIO_MAX * size:
        raise InputError(
            f"{name} unfolds to more than {RATIO_MAX} times its {size:,} bytes; a data file does not: "
            "give the unpacked file if it is meant so."
        )


def _check_bgzf_end(path: Path, name: str) -> None:
    """A block-gzip file ends with an empty block; without it whole blocks may be lost unnoticed."""
    with path.open("rb") as file:
        head = file.read(16)
        if head[3:4] != b"\x04" or head[12:14] != b"BC":
            return
        file.seek(max(0, path.stat().st_size - len(_BGZF_END)))
        if file.read() != _BGZF_END:
            raise InputError(f"{name} is cut short: the end block of bgzip is missing; copy or download it again.")


def require_utf8(start: bytes, name: str) -> None:
    """Raise InputError where a file begins as UTF-16 does."""
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError(f"{name} is UTF-16 text; UTF-8 is expected: save it again as UTF-8 or plain CSV.")


def lines(path: Path, name: str) -> Iterator[bytes]:
    """The lines of a text file without their line ends (LF, CRLF, or CR where there is no LF) and without a byte-order
    mark.

    Raises InputError for UTF-16, for NUL bytes and for a line above `LINE_MAX` bytes.
    """
    pending: list[bytes] = []
    waiting, first, old_mac = 0, True, False
    for part in chunks(path, name):
        piece = part
        if first:
            require_utf8(piece, name)
            piece, first = piece.removeprefix(b"\xef\xbb\xbf"), False
            old_mac = b"\n" not in piece and b"\r" in piece[:-1]  # a part can end between CR and LF
        if old_mac:
            piece = piece.replace(b"\r", b"\n")
        if b"\0" in piece:
            raise InputError(
                f"{name} holds NUL bytes; it is not text: give a genotype file in one of the known formats."
            )
        head, *rest = piece.split(b"\n")
        pending.append(head)
        waiting += len(head)
        if waiting > LINE_MAX:
            raise InputError(
                f"{name} has a line longer than {LINE_MAX >> 20} MiB; a text matrix of that width is not read: "
                "convert it to npz or PLINK bed."
            )
        if rest:
            yield b"".join(pending).rstrip(b"\r")
            for line in rest[:-1]:
                yield line.rstrip(b"\r")
            pending, waiting = [rest[-1]], len(rest[-1])
    if waiting:
        yield b"".join(pending).rstrip(b"\r")


def checked_zip(path: Path, name: str) -> list[zipfile.ZipInfo]:
    """The members of a zip file that are files, after its directory was found harmless.

    Raises InputError for a damaged or encrypted archive, too many members, names that lead outside, links, duplicate
    names, and sizes that unfold beyond `RATIO_MAX`.
    """
    _check_member_count(path, name)
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
    except UNREADABLE as error:
        raise InputError(f"{name} is a damaged zip file ({reason(error)}); copy or pack it again.") from None
    members = [m for m in members if not _is_junk(m.filename)]
    for member in members:
        if not 0 <= member.header_offset < path.stat().st_size:
            raise InputError(f"{name} is a damaged zip file (a member lies outside it); copy or pack it again.")
        _check_member(member, name)
    if len({m.filename for m in members}) != len(members):
        raise InputError(f"{name} holds two members of one name; pack it again with each file once.")
    total = sum(m.file_size for m in members)
    if total > RATIO_FREE and total > RATIO_MAX * path.stat().st_size:
        raise InputError(
            f"{name} declares {total:,} bytes in a zip file of {path.stat().st_size:,}, more than {RATIO_MAX} times; "
            "give the unpacked file if it is meant so."
        )
    return members


def _is_junk(filename: str) -> bool:
    """Whether a member is what macOS or Windows adds to an archive: resource forks, previews of folders."""
    *folders, last = filename.replace("\\", "/").split("/")
    return _JUNK_FOLDER in folders or last.startswith("._") or last in _JUNK


def _check_member_count(path: Path, name: str) -> None:
    """Read the count from the end record, before Python makes an object a member."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 66_000))
        tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0:
        raise InputError(f"{name} is a zip file cut short (no end record); copy or download it again.")
    count = int.from_bytes(tail[end + 10 : end + 12], "little")
    directory = int.from_bytes(tail[end + 12 : end + 16], "little")
    if count > MEMBERS_MAX or directory > MEMBERS_MAX * 1024:
        shown = f"{count:,}" if count < 0xFFFF else "65,535 or more"
        raise InputError(f"{name} holds {shown} members; at most {MEMBERS_MAX:,} are read: pack only the data files.")


def _check_member(member: zipfile.ZipInfo, name: str) -> None:
    shown = member.filename[:80]
    parts = PurePosixPath(member.filename.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or _DRIVE.match(member.filename):
        raise InputError(
            f"{name} holds a member named {shown!r} that leads outside; pack it again with plain file names."
        )
    if stat.S_ISLNK(member.external_attr >> 16):
        raise InputError(f"{name} holds a link ({shown!r}) instead of a file; pack the file itself.")
    if member.flag_bits & 1:
        raise InputError(f"{name} is encrypted; give an archive without a password.")


def unpack(path: Path, name: str, folder: Path) -> list[tuple[Path, str]]:
    """Unpack a zip file below `folder` under neutral names; returns (path, member's own name) for each file,
    with its folders where two members have one name."""
    members = checked_zip(path, name)
    if not members:
        raise InputError(f"{name} is an empty zip file; one with a data file inside is expected.")
    if len(members) > UNPACKED_MAX:
        raise InputError(
            f"{name} holds {len(members):,} members; at most {UNPACKED_MAX:,} are unpacked: pack only the data files."
        )
    found = []
    with zipfile.ZipFile(path) as archive:
        for i, member in enumerate(members):
            target, left = folder / f"member_{i}", member.file_size
            try:
                with archive.open(member) as packed, target.open("wb") as file:
                    while piece := packed.read(CHUNK):
                        left -= len(piece)
                        if left < 0:
                            raise zipfile.BadZipFile("a member is larger than declared")
                        file.write(piece)
            except UNREADABLE as error:
                raise InputError(f"{name} is a damaged zip file ({reason(error)}); copy or pack it again.") from None
            found.append((target, member.filename.replace("\\", "/")))
    return list(zip([path for path, _ in found], _names([name for _, name in found]), strict=True))


def _names(paths: list[str]) -> list[str]:
    """The members' last names, with their folders where two would have the same."""
    last = [PurePosixPath(path).name for path in paths]
    return [path if last.count(one) > 1 else one for path, one in zip(paths, last, strict=True)]

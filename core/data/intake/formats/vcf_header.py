"""A VCF or BCF file walked once before htslib sees it: damage, bombs and header faults are named here.

htslib ends quietly at some cuts and dies at some damage, so nothing is handed to it unwalked.
"""

from __future__ import annotations

from pathlib import Path

from core.data.intake import archives
from core.data.intake.formats.base import Head
from core.data.intake.formats.calls import refuse_repeats
from core.errors import InputError

_FIXED = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT"]
_BOM = b"\xef\xbb\xbf"


def starts_as_vcf(head: Head) -> bool:
    """Whether the text begins as a VCF header does, a byte-order mark aside."""
    return head.first.removeprefix(_BOM).startswith((b"##fileformat=VCF", b"#CHROM"))


def walked(head: Head, folder: Path) -> tuple[Path, list[str]]:
    """The path for htslib and remarks; a missing first line and a byte-order mark are mended in a copy in `folder`.

    Raises InputError for whatever else is wrong before the records.
    """
    if not starts_as_vcf(head) and not head.first.startswith(b"BCF\2"):
        shown = head.first[:16].decode("utf-8", "replace")
        raise InputError(
            f"{head.name} starts with {shown!r}, not with ##fileformat=VCF; a VCF or BCF file is expected: "
            "check that it is what its name says."
        )
    if head.first.startswith(b"BCF\2"):
        _walk(head)
        return head.path, []
    _check_header(head)
    if head.first.startswith(b"##fileformat"):
        _walk(head)
        return head.path, []
    mended = folder / "mended.vcf"
    with mended.open("wb") as file:
        if not head.first.removeprefix(_BOM).startswith(b"##fileformat"):
            file.write(b"##fileformat=VCFv4.2\n")
        for line in archives.lines(head.path, head.name):
            file.write(line + b"\n")
    return mended, [f"The first line of {head.name} (##fileformat, byte-order mark) was mended while reading."]


def _walk(head: Head) -> None:
    for _ in archives.chunks(head.path, head.name):
        pass


def _check_header(head: Head) -> None:
    """The #CHROM line: there, separated by tabs, its columns in order, its individuals named once each."""
    number = 0
    for number, line in enumerate(archives.lines(head.path, head.name), 1):  # noqa: B007 - told in the message below
        if line.startswith(b"##"):
            continue
        if not line.startswith(b"#CHROM"):
            break
        try:
            columns = line.decode("utf-8").split("\t")
        except UnicodeDecodeError:
            raise InputError(
                f"{head.name} names individuals in an encoding that is not UTF-8; save the file as UTF-8."
            ) from None
        _check_columns(head.name, columns)
        return
    raise InputError(
        f"{head.name} has no #CHROM line where its header ends (line {number}); a VCF header ends with it: "
        "export the file anew."
    )


def _check_columns(name: str, columns: list[str]) -> None:
    if len(columns) < 8:
        raise InputError(
            f"{name} separates the columns of its #CHROM line by spaces; tabs are expected: "
            "replace the spaces by tabs or export it anew."
        )
    if columns[:8] != _FIXED[:8] or columns[8:9] not in ([], ["FORMAT"]):
        raise InputError(
            f"{name} has the columns {', '.join(columns[:9])} in its #CHROM line; {', '.join(_FIXED)} are "
            "expected, then the individuals: export it anew."
        )
    refuse_repeats(columns[9:], name)

"""Which of several files belong together: companions by their endings, and files of one format by their stems."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.data.intake.archives import first_bytes
from core.data.intake.formats.base import CohortFormat, CohortSource, Head
from core.errors import InputError

_JUNK = (".log", ".nosex", ".hh", ".tbi", ".csi", ".bgi", ".md", ".parfile")
_PACKED = (".gz", ".bgz")

Part = tuple[Head, tuple[Head, ...]]


def without_junk(heads: Sequence[Head]) -> list[Head]:
    """The files without logs and indices that programs leave beside their output; all of them where nothing is left."""
    return [head for head in heads if not ends_with(head, _JUNK)] or list(heads)


def parts_of(reader: type[CohortFormat], main: Head, heads: Sequence[Head]) -> list[Part]:
    """The files of `reader` among `heads`, each with its companions; `main` alone where a format is one file.

    A companion goes with the file of its stem (chr1.map with chr1.ped); the only one of its ending goes with all.
    Raises InputError for a file that belongs to none, and where a companion cannot be told.
    """
    if not reader.companion_endings and not reader.joins:
        return [(main, tuple(head for head in heads if head is not main))]
    companions = [head for head in heads if ends_with(head, reader.companion_endings)]
    mains = [head for head in heads if head not in companions and reader.matches(head)] or [main]
    _refuse_strangers(reader, mains, [head for head in heads if head not in companions and head not in mains])
    if len(mains) > 1 and not reader.joins:
        raise InputError(
            f"{mains[0].name} is a cohort by itself, but {mains[1].name} came with it; import one at a time."
        )
    return [(one, _companions(one, len(mains), reader, companions)) for one in mains]


def companion(source: CohortSource, *endings: str, needed: str = "") -> Head | None:
    """The companion with one of `endings`, given together with the main file or lying beside it under its name.

    None where there is none; InputError instead where `needed` says what the files of the format are.
    """
    for head in (source.main, *source.others):
        if ends_with(head, endings):
            return head
    path = source.main.path
    plain = path.with_suffix("") if path.suffix.lower() in _PACKED else path
    for ending in endings:
        named = [plain.with_suffix(ending), Path(f"{plain}{ending}")]
        if ".012." in plain.name:  # from one companion to another, or to the file itself
            named.append(plain.with_suffix("").with_suffix(ending))
        for candidate in named:
            for there in (candidate, *(Path(f"{candidate}{packed}") for packed in _PACKED)):
                if plain.suffix and there != path and there.is_file():
                    return Head(there, there.name, first_bytes(there))
    if needed:
        raise InputError(
            f"{source.main.name} came without its {endings[0]} file; {needed} belong together: give them all, or put "
            "them in one folder under one name."
        )
    return None


def ends_with(head: Head, endings: Sequence[str]) -> bool:
    """Whether the file's name has one of the endings, packed or not."""
    return _unpacked_name(head).endswith(tuple(endings))


def _companions(main: Head, mains: int, reader: type[CohortFormat], companions: Sequence[Head]) -> tuple[Head, ...]:
    chosen = []
    for ending in reader.companion_endings:
        fitting = [head for head in companions if head is not main and ends_with(head, [ending])]
        own = [head for head in fitting if _stem(head) == _stem(main)]
        if own or len(fitting) <= 1:
            chosen += (own or fitting)[:1]
        elif mains > 1 or len(fitting) > 1:
            raise InputError(
                f"{len(fitting):,} {ending} files came with {main.name}, and none has its name; give each the name of "
                "the file that it belongs to."
            )
    return tuple(dict.fromkeys(chosen))


def _refuse_strangers(reader: type[CohortFormat], mains: Sequence[Head], strangers: Sequence[Head]) -> None:
    if not strangers:
        return
    names = ", ".join(head.name for head in strangers[:3])
    companions = f" (its companions end in {', '.join(reader.companion_endings)})" if reader.companion_endings else ""
    raise InputError(
        f"{mains[0].name} is a file by itself, but {names} came with it and does not belong to it{companions}; import "
        "one at a time, and give tables of samples and variants as such."
    )


def _unpacked_name(head: Head) -> str:
    name = head.name.lower()
    for packed in _PACKED:
        name = name.removesuffix(packed)
    return name


def _stem(head: Head) -> str:
    """The name up to its last ending; 012 files have two (out.012.pos)."""
    return Path(_unpacked_name(head)).stem.removesuffix(".012")

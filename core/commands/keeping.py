"""gc, pack, unpack: what can go, and whole runs and datasets as one file."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.commands.answer import Answer, Command
from core.commands.tables import table
from core.errors import InputError
from core.words import count, size

if TYPE_CHECKING:
    from core.runs.housekeeping import Waste


def _gc_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--delete",
        default="",
        metavar="KIND[,KIND…]",
        help="remove these (leftovers, cache, checkpoints, runs, datasets); without it nothing is removed",
    )
    parser.add_argument("--days", type=int, default=30, help="runs and datasets of this age at least (default 30)")


def _gc(options: argparse.Namespace) -> Answer:
    from core.runs.housekeeping import KINDS, remove, usage, usage_by_owner, wasted

    wanted = [kind for kind in options.delete.split(",") if kind]
    for kind in wanted:
        if kind not in KINDS:
            raise InputError(f"There is nothing called {kind!r} to delete; choose among: {', '.join(KINDS)}.")
    if options.days < 0:
        raise InputError(f"--days is {options.days}; a number from 0 on is expected.")
    found = wasted(wanted or KINDS, options.days)
    rows = [[one.kind, size(one.size), one.what, str(one.path)] for one in found]
    listed = table(["kind", "size", "what", "where"], rows) if rows else "Nothing can go."
    total = sum(one.size for one in found)
    if wanted:
        freed = remove(found)
        return Answer({"deleted": _plain(found), "freed": freed}, f"{listed}\n{size(freed)} were freed.")
    used = ", ".join(f"{name} {size(count)}" for name, count in usage().items() if count)
    kinds = "\n".join(f"  {kind:<12} {what}" for kind, (_, what) in KINDS.items())
    owners = usage_by_owner()
    theirs = "".join(
        f"  {owner or 'nobody'}: {size(one['bytes'])}, {count(one['trainings'], 'training')} waiting or running\n"
        for owner, one in sorted(owners.items(), key=lambda item: -item[1]["bytes"])
        if set(owners) != {""}
    )
    text = (
        f"This home holds: {used or 'nothing'}.\n{theirs}{listed}\n"
        f"{size(total)} could be freed by --delete with:\n{kinds}"
    )
    return Answer({"could_go": _plain(found), "bytes": total, "usage": usage(), "owners": owners}, text)


def _plain(found: Sequence[Waste]) -> list[dict[str, object]]:
    return [{"kind": one.kind, "path": str(one.path), "bytes": one.size, "what": one.what} for one in found]


def _pack_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="RUN|DATASET", help="id or name")
    parser.add_argument("--out", type=Path, required=True, help="file ending in .zip")


def _pack(options: argparse.Namespace) -> Answer:
    from core.runs.archive import pack

    done = pack(options.what, options.out)
    value = {"kind": done.kind, "id": done.id, "name": done.name, "file": str(options.out)}
    packed = options.out.stat().st_size
    return Answer(value, f"The {done.kind} {done.name} ({size(done.size)}) is in {options.out}, {size(packed)}.")


def _unpack_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="what `pack` wrote")


def _unpack(options: argparse.Namespace) -> Answer:
    from core.runs.archive import unpack

    if not options.file.is_file():
        raise InputError(f"There is no file {str(options.file)!r}; check the path.")
    done = unpack(options.file)
    value = {"kind": done.kind, "id": done.id, "name": done.name}
    return Answer(value, f"The {done.kind} {done.name} ({done.id[:12]}, {size(done.size)}) is here now.")


COMMANDS: dict[str, Command] = {
    "gc": (_gc_arguments, _gc),
    "pack": (_pack_arguments, _pack),
    "unpack": (_unpack_arguments, _unpack),
}

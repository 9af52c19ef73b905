"""Writing so that a reader never sees half a file, and reading what a killed writer left behind."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def now() -> str:
    """The time in UTC as ISO 8601 to the microsecond: sorts as text, reads with `cat`."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def seconds_between(start: str | None, end: str | None) -> float | None:
    """Seconds from `start` to `end` (ISO 8601; an `end` of None means now), None without a start."""
    if not start:
        return None
    return (datetime.fromisoformat(end or now()) - datetime.fromisoformat(start)).total_seconds()


def log(text: str) -> None:
    """A line with its time in `log.txt`, which is the worker's standard output."""
    print(f"{now()[:19]} {text}", flush=True)  # noqa: T201


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Replace `path` by `value` in one rename: whoever reads it sees the old file or the new one, never a mixture."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("w", encoding="utf-8") as stream:
            json.dump(value, stream, indent=1)
            stream.write("\n")
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in `path`, or None where there is no file or no whole JSON object in it."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold `path` exclusively against every other process; the kernel lets go when the holder dies."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def try_lock(path: Path) -> int | None:
    """A descriptor that holds `path` exclusively until it is closed, or None if somebody else holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor

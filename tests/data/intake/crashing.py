"""A child of the sandbox that misbehaves as it is told."""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path
from typing import Any


def main(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Do what `job["do"]` says."""
    return DEEDS[job["do"]](job, folder)


def _die(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    os.kill(os.getpid(), job["signal"])
    return {}


def _exit(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    os._exit(3)


def _memory(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    return {"size": len(bytearray(4 << 30))}


def _spin(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    while True:
        pass


def _sleep(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    time.sleep(30)
    return {}


def _disk(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    (folder / "large").write_bytes(bytes(8 << 20))
    return {}


def _files(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    return {"open": len([Path(os.devnull).open() for _ in range(100)])}


def _bug(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    return {"value": 1 / 0}


def _environment(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    return {"names": sorted(os.environ), "core": resource.getrlimit(resource.RLIMIT_CORE)[0]}


def _modules(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    import core.data.intake.reader

    core.data.intake.reader.formats.names()
    return {"names": sorted(sys.modules)}


DEEDS = {
    "die": _die,
    "exit": _exit,
    "memory": _memory,
    "spin": _spin,
    "sleep": _sleep,
    "disk": _disk,
    "files": _files,
    "bug": _bug,
    "environment": _environment,
    "modules": _modules,
}

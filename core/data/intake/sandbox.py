"""Run a parser in a child process that has a budget of memory, time and disk, and cannot take the parent down.

The child is `python -m core.data.intake.sandbox MODULE FOLDER`: it lowers its own limits, imports MODULE and calls its
`main(job, folder)`. The job goes in and the answer comes out as JSON and plain arrays in FOLDER, never as pickles.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import subprocess
import sys
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core import child
from core.config.home import REPOSITORY
from core.errors import InputError, PopscapeError

_GIB = 1 << 30


@dataclass(frozen=True)
class Limits:
    """What the child may use: memory, processor and wall time, bytes a file, open files."""

    memory_bytes: int = 8 * _GIB
    cpu_seconds: int = 1200
    wall_seconds: float = 1800.0
    file_bytes: int = 32 * _GIB
    open_files: int = 64


def run(module: str, job: dict[str, Any], folder: Path, limits: Limits | None = None) -> dict[str, Any]:
    """Call `module.main(job, folder)` in a child process and return its answer.

    Raises InputError with one sentence when the child refuses the input, outgrows a limit or dies.
    """
    limits = limits or Limits()
    folder = folder.resolve()
    (folder / "job.json").write_text(json.dumps({"job": job, "limits": asdict(limits)}))
    reader = child.start(
        "core.data.intake.sandbox",
        module,
        str(folder),
        log=folder / "log.txt",
        folder=folder,
        environment=_environment(folder),
    )
    try:
        status = reader.wait(limits.wall_seconds)
    except subprocess.TimeoutExpired:
        raise InputError(
            f"Reading took longer than {limits.wall_seconds:g} s and was stopped; give a smaller file or a region."
        ) from None
    finally:
        if reader.poll() is None:
            os.killpg(reader.pid, signal.SIGKILL)
            reader.wait()
    return _answer(status, folder, limits)


def _environment(folder: Path) -> dict[str, str]:
    """The few variables that Python and the readers need; the parent's secrets stay with the parent."""
    kept = {k: os.environ[k] for k in ("PATH", "LD_LIBRARY_PATH", "LANG", "VIRTUAL_ENV") if k in os.environ}
    threads = {f"{k}_NUM_THREADS": "1" for k in ("OMP", "OPENBLAS", "MKL", "RAYON")}
    return kept | threads | {"PYTHONPATH": str(REPOSITORY), "TMPDIR": str(folder), "HOME": str(folder)}


def _answer(status: int, folder: Path, limits: Limits) -> dict[str, Any]:
    if status < 0:
        raise InputError(_death(-status, limits))
    result = folder / "result.json"
    if status != 0 or not result.exists():
        raise InputError(
            f"The file could not be read: the reader died, exit status {status}; "
            "check that the file is complete, or export it anew."
        )
    answer: dict[str, Any] = json.loads(result.read_text())
    if "error" in answer:
        raise InputError(str(answer["error"]))
    value: dict[str, Any] = answer["value"]
    return value


def _death(number: int, limits: Limits) -> str:
    if number == signal.SIGXCPU:
        return (
            f"Reading took more than {limits.cpu_seconds} s of processor time and was stopped; "
            "give a smaller file or a region of it."
        )
    name = signal.Signals(number).name if number in set(signal.Signals) else "unknown"
    return (
        f"The file could not be read: the reader died, signal {number} ({name}); "
        "check that the file is complete, or convert it anew with the tool that wrote it."
    )


def _lower_limits(limits: Limits) -> None:
    for what, wanted in (
        # Memory of its own; the address space also counts maps of its files, which take none.
        (resource.RLIMIT_DATA, limits.memory_bytes),
        (resource.RLIMIT_AS, limits.memory_bytes + 3 * limits.file_bytes),
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        # RLIMIT_CPU sends SIGXCPU at the soft limit and SIGKILL at the hard one, so the hard one lies a little later.
        top = value + 5 if what == resource.RLIMIT_CPU and hard == resource.RLIM_INFINITY else value
        try:
            resource.setrlimit(what, (value, top))
        except (ValueError, OSError) as error:
            # macOS refuses some limits; the wall time and the others still hold.
            sys.stderr.write(f"limit {what} not set: {error}\n")


def _child(module: str, folder: Path) -> None:
    order = json.loads((folder / "job.json").read_text())
    limits = Limits(**order["limits"])
    _lower_limits(limits)
    try:
        answer: dict[str, Any] = {"value": importlib.import_module(module).main(order["job"], folder)}
    except PopscapeError as error:
        answer = {"error": str(error)}
    except MemoryError:
        answer = {
            "error": f"Reading needs more than the {limits.memory_bytes / _GIB:.1f} GiB of memory that it may use; "
            "give a smaller part of it, such as a region, fewer individuals or fewer features."
        }
    except OSError as error:
        answer = {"error": f"The file could not be read: {error.strerror or type(error).__name__}; check the disk."}
    except Exception as error:  # noqa: BLE001 - whatever a reader stumbles over, the user gets one sentence
        traceback.print_exc()
        answer = {
            "error": f"The file could not be read ({type(error).__name__}); "
            "check that it is what its name says, or export it anew."
        }
    (folder / "result.json").write_text(json.dumps(answer))


if __name__ == "__main__":
    _child(sys.argv[1], Path(sys.argv[2]))

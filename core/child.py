"""A Python process of our own: the one place that starts `python -m MODULE`, to wait for it or to leave it alone."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import PopscapeError

ROOT = Path(__file__).resolve().parents[1]
_WORDS = 300


@dataclass(frozen=True)
class Ended:
    """How a child ended: its exit status, its standard output, and the last line that it wrote to standard error."""

    status: int
    output: str
    sentence: str

    def answer(self) -> dict[str, Any]:
        """The JSON object on the last line of the output. Raises PopscapeError with the sentence where it has none."""
        try:
            value: dict[str, Any] = json.loads(self.output.splitlines()[-1])
        except (ValueError, IndexError):
            raise PopscapeError(self.sentence) from None
        return value


def run(
    module: str,
    *words: str,
    seconds: float | None = None,
    environment: Mapping[str, str] | None = None,
    quiet: bool = True,
) -> Ended:
    """Run `python -m module words` in the repository until it ends.

    `environment` is the whole of it, by default this process's own; what a child that is not `quiet` says on standard
    error is seen at once, and not kept. Raises PopscapeError if it takes longer than `seconds`.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", module, *words],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if quiet else None,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PopscapeError(f"It took longer than {seconds:.0f} s and was given up; try a smaller one.") from None
    lines = (done.stderr or "").strip().splitlines()
    return Ended(done.returncode, done.stdout, lines[-1][:_WORDS] if lines else "It ended without a word.")


def start(
    module: str,
    *words: str,
    log: Path,
    folder: Path = ROOT,
    environment: Mapping[str, str],
    files: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start `python -m module words` in `folder` as a process that outlives this one.

    It has a session of its own, no terminal and no input, and appends all that it says to `log`; of the open files of
    this process it has those with the numbers `files`. Raises OSError.
    """
    with log.open("ab") as stream:
        return subprocess.Popen(
            [sys.executable, "-m", module, *words],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=files,
        )


def let_go(process: subprocess.Popen[bytes]) -> None:
    """Take note of the end of a process that nobody waits for: the system keeps an entry of it until then."""
    threading.Thread(target=process.wait, name=f"end of {process.pid}", daemon=True).start()

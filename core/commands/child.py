"""Ask the command line in a process of its own: what is slow or heavy does not touch the server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from core.config.home import REPOSITORY, home
from core.errors import InputError, PopscapeError

_REFUSED = 2
_WORDS = 300


def ask(*words: str, seconds: float = 600.0) -> dict[str, Any]:
    """Run `python -m core WORDS --json` and return the object that it prints.

    Raises InputError with its sentence where it refuses the input, PopscapeError where it fails or takes longer
    than `seconds`.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", "core", *words, "--json"],
            cwd=REPOSITORY,
            env=os.environ | {"POPSCAPE_HOME": str(home())},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PopscapeError(f"It took longer than {seconds:.0f} s and was given up; try a smaller one.") from None
    said = (done.stderr.strip().splitlines() or ["It ended without a word."])[-1][:_WORDS]
    if done.returncode == _REFUSED:
        raise InputError(said)
    try:
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        raise PopscapeError(said) from None
    return answer

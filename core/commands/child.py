"""Ask the command line in a process of its own: what is slow or heavy does not touch the server."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
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


def options(values: Mapping[str, Any]) -> list[str]:
    """Settings as the options of a verb: {"maf_min": 0.05} → ["--maf-min=0.05"]; what is None is left out."""
    words = []
    for name, value in values.items():
        text = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        if value is not None:
            words.append(f"--{name.replace('_', '-')}={text}")
    return words


def exported(dataset: str, part: str, ending: str) -> bytes:
    """The dataset as a file of that ending; a zip where the format needs several files. Raises PopscapeError."""
    cache = home() / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="export-", dir=cache) as folder:
        answer = ask("export", dataset, f"--part={part}", f"--out={folder}/genotypes{ending}")
        files = [Path(name) for name in answer["files"]]
        if len(files) == 1:
            return files[0].read_bytes()
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for file in files:
                archive.write(file, file.name, zipfile.ZIP_STORED if file.suffix == ".gz" else zipfile.ZIP_DEFLATED)
        return stream.getvalue()

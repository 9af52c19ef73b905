"""Ask the command line in a process of its own: what is slow or heavy does not touch the server."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core import child
from core.commands.answer import WRONG_INPUT
from core.config.home import environment, home
from core.errors import InputError


def ask(*words: str, seconds: float = 600.0) -> dict[str, Any]:
    """Run `python -m core WORDS --json` and return the object that it prints.

    Raises InputError with its sentence where it refuses the input, PopscapeError where it fails or takes longer
    than `seconds`.
    """
    done = child.run("core", *words, "--json", seconds=seconds, environment=environment())
    if done.status == WRONG_INPUT:
        raise InputError(done.sentence)
    return done.answer()


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
    return _written("genotypes", ending, "export", dataset, f"--part={part}")


def sampled(run: str, ending: str) -> bytes:
    """The synthetic individuals that the report of `run` judged, likewise; VCF and PLINK always as a zip."""
    return _written("synthetic", ending, "sample", run, bundle=ending in (".vcf.gz", ".bed"))


def _written(stem: str, ending: str, *words: str, bundle: bool = False) -> bytes:
    cache = home() / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="export-", dir=cache) as folder:
        answer = ask(*words, f"--out={folder}/{stem}{ending}")
        files = [Path(name) for name in answer["files"]]
        if len(files) == 1 and not bundle:
            return files[0].read_bytes()
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for file in files:
                archive.write(file, file.name, zipfile.ZIP_STORED if file.suffix == ".gz" else zipfile.ZIP_DEFLATED)
        return stream.getvalue()

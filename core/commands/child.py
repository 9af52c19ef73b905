"""Ask the command line in a process of its own: what is slow or heavy does not touch the server."""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import child
from core.commands.answer import WRONG_INPUT
from core.config.access import viewer
from core.config.home import environment, home
from core.config.quotas import computing
from core.errors import InputError

_ENDING = re.compile(r"(\.[a-z0-9]{1,6}){1,2}$", re.IGNORECASE)


@dataclass(frozen=True)
class Upload:
    """A file that a reader gave: the name that it has there, and its bytes."""

    name: str
    content: bytes


def ask(*words: str, seconds: float = 600.0) -> dict[str, Any]:
    """Run `python -m core WORDS --json` for whoever looks, and return the object that it prints.

    Raises InputError with its sentence where it refuses the input or a quota is used up, PopscapeError where it fails
    or takes longer than `seconds`.
    """
    with computing():
        done = child.run("core", *words, "--json", seconds=seconds, environment=environment() | viewer().environment())
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


def imputed(
    run: str, file: Upload | None, truth: Upload | None, settings: Mapping[str, Any]
) -> tuple[dict[str, Any], bytes]:
    """What `impute` says of a file, and the imputed genotypes as .vcf.gz; without a file, of held-out individuals.

    `settings` are its options by name. Raises InputError where it refuses the input, PopscapeError otherwise.
    """
    with tempfile.TemporaryDirectory(prefix="impute-", dir=_cache()) as folder:
        words = [run]
        for option, one in (("", file), ("--truth=", truth)):
            if one is not None:
                words.append(f"{option}{_put(one, Path(folder), f'given{len(words)}')}")
        named = [f"--name={file.name}"] if file is not None else []
        out = Path(folder) / "imputed.vcf.gz"
        answer = ask("impute", *words, *named, *options(settings), f"--out={out}", seconds=3600)
        return answer, out.read_bytes()


def judged(
    dataset: str, file: Upload, holdout: str | None, settings: Mapping[str, Any]
) -> tuple[dict[str, Any], bytes]:
    """The report of a file of synthetic individuals against `dataset`, and the same as one HTML page.

    `holdout` is a dataset that their model never saw; `settings` are options of `evaluate` by name. Raises InputError
    where it refuses the input, PopscapeError otherwise.
    """
    with tempfile.TemporaryDirectory(prefix="judge-", dir=_cache()) as folder:
        path = _put(file, Path(folder), "synthetic")
        beside = [f"--holdout={holdout}"] if holdout else []
        out = Path(folder) / "report.html"
        words = [f"--real={dataset}", f"--synthetic={path}", *beside, *options(settings), f"--out={out}"]
        return ask("evaluate", *words, seconds=3600), out.read_bytes()


def _put(file: Upload, folder: Path, stem: str) -> Path:
    """The upload on disk. Its ending helps to recognise the format; the rest of a client's name is no path."""
    ending = _ENDING.search(file.name)
    path = folder / f"{stem}{ending[0].lower() if ending else ''}"
    path.write_bytes(file.content)
    return path


def _cache() -> Path:
    cache = home() / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    return cache


def _written(stem: str, ending: str, *words: str, bundle: bool = False) -> bytes:
    with tempfile.TemporaryDirectory(prefix="export-", dir=_cache()) as folder:
        answer = ask(*words, f"--out={folder}/{stem}{ending}")
        files = [Path(name) for name in answer["files"]]
        if len(files) == 1 and not bundle:
            return files[0].read_bytes()
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for file in files:
                archive.write(file, file.name, zipfile.ZIP_STORED if file.suffix == ".gz" else zipfile.ZIP_DEFLATED)
        return stream.getvalue()

"""Cost against size, of data read from disk: import, an epoch, a report; a step beside one from memory; peaks."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from core import child
from core.bench.scale_data import LARGE, PART, write_bed, write_h5ad
from core.config.home import nearest_folder
from core.errors import RunError

STEP_GOAL, PEAK_GOAL = 1.2, 2e9  # of sets from disk: a step against one from memory; bytes
_LOOK = 0.02  # seconds between two looks at the memory of the processes
_SETS, _FEATURES = 400, 50


def main(arguments: Sequence[str]) -> int:
    """`bench scale [--individuals N[,N…]] [--observations K[,K…]]`; exit status 1 where a goal fails."""
    parser = argparse.ArgumentParser(prog="python -m core bench scale", description=__doc__)
    parser.add_argument("--individuals", default="10000,100000", help="cohorts to run (0: none), default %(default)s")
    parser.add_argument("--variants", type=int, default=10_000, help="default %(default)s")
    parser.add_argument("--observations", default="2000000", help=f"of {_FEATURES} features (0: none), %(default)s")
    parser.add_argument("--folder", type=Path, help="where the data are made and removed (default: below the home)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    rows: list[dict[str, Any]] = []
    for count in _numbers(options.individuals):
        rows.append(_cohort(count, options.variants, options.folder))
        print(_line(rows[-1]), flush=True)
    for count in _numbers(options.observations):
        rows.append(_collection(count, options.folder))
        print(_line(rows[-1]), flush=True)
    sets = [row for row in rows if row["kind"] == "sets"]
    passed = all(r["step_ratio"] <= STEP_GOAL and max(r["peaks"].values()) < PEAK_GOAL for r in sets)
    print(f"goals of sets: a step at most {STEP_GOAL} times as long, peak below {PEAK_GOAL / 1e9:g} GB: ", end="")
    print("none were run" if not sets else "yes" if passed else "no")
    if options.json:
        print(json.dumps({"benchmark": "scale", "rows": rows, "passed": passed}))
    return 0 if passed else 1


def _numbers(text: str) -> list[int]:
    return [int(one) for one in text.split(",") if int(one)]


def _cohort(n: int, m: int, folder: Path | None) -> dict[str, Any]:
    with _workplace(folder) as place:
        write_bed(place / "cohort.bed", n, m)
        words = ["experiment=vae", "--dataset", "cohort", "training.epochs=1", "training.read_from=disk"]
        words += [f"dataset.max_individuals={PART}"] if n * m > LARGE else []
        found, peaks = _measured(
            place,
            {
                "import": ("core", "import", str(place / "cohort.bed"), "--name", "cohort"),
                "train": ("core", "train", *words, "evaluation.umap_individuals=0", "evaluation.bootstrap=20"),
                "steps": ("core.bench.scale_data", "genotypes", "alone"),
                "turns": ("core.bench.scale_data", "genotypes", "turns"),
            },
        )
        return _row("genotypes", {"individuals": n, "variants": m, "bytes": n * m}, found, peaks)


def _collection(k: int, folder: Path | None) -> dict[str, Any]:
    with _workplace(folder) as place:
        write_h5ad(place / "cells.h5ad", k, _FEATURES, _SETS)
        importing = ("core", "import", str(place / "cells.h5ad"), "--name", "cells", "--kind", "sets")
        found, peaks = _measured(
            place,
            {
                "import": (*importing, "--set-column", "sample"),
                "steps": ("core.bench.scale_data", "sets", "alone"),
                "turns": ("core.bench.scale_data", "sets", "turns"),
            },
        )
        size = {"observations": k, "features": _FEATURES, "sets": _SETS, "bytes": 4 * k * _FEATURES}
        return _row("sets", size, found, peaks)


def _row(kind: str, size: Mapping[str, int], found: Mapping[str, Any], peaks: dict[str, float]) -> dict[str, Any]:
    disk, memory = (found["turns"]["steps"][name] for name in ("disk", "memory"))
    del peaks["turns"]
    return {
        "kind": kind,
        **size,
        "seconds": {name: one["seconds"] for name, one in found.items() if "steps" not in one},
        "peaks": peaks,
        "step_disk": disk,
        "step_memory": memory,
        "step_ratio": disk / memory,
    }


def _line(row: Mapping[str, Any]) -> str:
    names = ("individuals", "variants") if row["kind"] == "genotypes" else ("observations", "features")
    size = " × ".join(f"{row[name]:,} {name}" for name in names)
    seconds = ", ".join(f"{name} {value:,.0f} s" for name, value in row["seconds"].items())
    seconds += f" (of {PART:,} individuals)" if row["kind"] == "genotypes" and row["bytes"] > LARGE else ""
    peaks = ", ".join(f"{name} {value / 1e6:,.0f} MB" for name, value in row["peaks"].items())
    return (
        f"{size} ({row['bytes'] / 1e9:.2f} GB): {seconds}; a step from disk {1e3 * row['step_disk']:.0f} ms, from "
        f"memory {1e3 * row['step_memory']:.0f} ms, {row['step_ratio']:.2f} times; memory that cannot be given back, "
        f"at most: {peaks}"
    )


@contextlib.contextmanager
def _workplace(folder: Path | None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bench-scale-", dir=folder or nearest_folder()) as place:
        yield Path(place)


def _measured(place: Path, phases: Mapping[str, tuple[str, ...]]) -> tuple[dict[str, dict[str, Any]], dict[str, float]]:
    """What each phase answered, with its seconds, and the most memory that its processes held together, in bytes."""
    environment = os.environ | {"POPSCAPE_HOME": str(place / "home")}
    found, peaks, memory = {}, {}, _Memory(place)
    for name, (module, *words) in phases.items():
        while memory.now():  # the worker of the phase before still ends
            time.sleep(_LOOK)
        began, peak = time.monotonic(), 0
        with (place / f"{name}.log").open("w+", encoding="utf-8") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *words], stdout=log, stderr=log, env=environment, cwd=child.ROOT
            )
            while process.poll() is None:
                peak = max(peak, memory.now())
                time.sleep(_LOOK)
            log.seek(0)
            said = log.read().strip().splitlines() or [""]
        if process.returncode:
            raise RunError(f"The phase {name!r} ended with status {process.returncode}: {said[-1]}")
        last = said[-1]
        found[name] = {"seconds": time.monotonic() - began} | (json.loads(last) if last.startswith("{") else {})
        peaks[name] = float(peak)
    return found, peaks


class _Memory:
    """The memory that processes of a home hold and cannot give back: their own, without pages of files."""

    def __init__(self, place: Path) -> None:
        self._mark = str(place).encode()
        self._ours: dict[str, bool] = {str(os.getpid()): False}

    def now(self) -> int:
        """Bytes, of all of them together."""
        total = 0
        for process in (one.name for one in Path("/proc").iterdir()):
            if process.isdigit() and self._is_ours(process):
                with contextlib.suppress(OSError):
                    status = Path("/proc", process, "status").read_text(encoding="ascii", errors="replace")
                    own = (line for line in status.splitlines() if line.startswith(("RssAnon", "RssShmem")))
                    total += sum(1024 * int(line.split()[1]) for line in own)
        return total

    def _is_ours(self, process: str) -> bool:
        if process not in self._ours:
            try:
                self._ours[process] = self._mark in Path("/proc", process, "environ").read_bytes()
            except OSError:
                return False
        return self._ours[process]

"""Peak memory and speed of the import of many reads of 100 letters, as FASTQ, FASTA or CSV."""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

LENGTH, SETS = 100, 20
GOAL = 2e9  # bytes
_BLOCK = 100_000  # reads written together
_FORMATS = ("fastq", "fasta", "csv")


def main(arguments: Sequence[str]) -> int:
    """`bench sequence_import [--reads N] [--formats F[,F]]`; exit status 1 where a process takes 2 GB or more."""
    parser = argparse.ArgumentParser(prog="python -m core bench sequence_import", description=__doc__)
    parser.add_argument("--reads", type=int, default=1_000_000, help="default 1,000,000")
    parser.add_argument("--formats", default="fastq", help=f"default fastq; any of {', '.join(_FORMATS)}")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    rows = [_measure(kind, options.reads) for kind in options.formats.split(",")]
    passed = all(row["bytes"] < GOAL and row["right"] for row in rows)
    if options.json:
        print(json.dumps({"benchmark": "sequence_import", "rows": rows, "passed": passed}))
        return 0 if passed else 1
    for row in rows:
        print(
            f"{row['format']}: {row['reads']:,} reads of {LENGTH} letters in {SETS} sets: {row['seconds']:.0f} s "
            f"({row['reads'] / row['seconds']:,.0f} reads a second), peak {row['bytes'] / 1e6:,.0f} MB of the largest "
            f"process, sizes of sets {'right' if row['right'] else 'WRONG'}"
        )
    return 0 if passed else 1


def _measure(kind: str, reads: int) -> dict[str, Any]:
    """Import of a file made here; the peak is of the largest of the two processes, mapped pages included."""
    with tempfile.TemporaryDirectory(prefix="sequence-import-") as folder:
        path = Path(folder) / f"reads.{kind}"
        sizes = _write(path, kind, reads)
        command = [
            sys.executable,
            "-m",
            "core",
            "import",
            "--json",
            str(path),
            "--kind",
            "sets",
            "--set-column",
            "sample",
        ]
        before = time.perf_counter()
        environment = os.environ | {"POPSCAPE_HOME": str(Path(folder) / "home")}
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
        seconds = time.perf_counter() - before
        answer = json.loads(done.stdout)
        kilobytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        right = answer["sizes"]["min"] == sizes.min() and answer["sizes"]["max"] == sizes.max()
        peak = kilobytes if sys.platform == "darwin" else 1024 * kilobytes
        return {"format": kind, "reads": reads, "seconds": seconds, "bytes": peak, "right": bool(right)}


def _write(path: Path, kind: str, reads: int) -> Any:
    """Random DNA in sets of random sizes; returns the sizes."""
    rng = np.random.default_rng(1)
    sizes = np.zeros(SETS, dtype=np.int64)
    with path.open("w", encoding="ascii") as file:
        if kind == "csv":
            file.write("read,dna,sample\n")
        for start in range(0, reads, _BLOCK):
            n = min(_BLOCK, reads - start)
            text = np.frombuffer(b"ACGT", dtype=np.uint8)[rng.integers(0, 4, size=(n, LENGTH))].tobytes().decode()
            sample = rng.integers(0, SETS, size=n)
            sizes += np.bincount(sample, minlength=SETS)
            file.writelines(
                _record(kind, f"r{start + i}", text[LENGTH * i : LENGTH * (i + 1)], f"s{one}")
                for i, one in enumerate(sample.tolist())
            )
    return sizes


def _record(kind: str, name: str, text: str, sample: str) -> str:
    if kind == "csv":
        return f"{name},{text},{sample}\n"
    if kind == "fasta":
        return f">{name} sample={sample}\n{text}\n"
    return f"@{name} sample={sample}\n{text}\n+\n{'I' * len(text)}\n"

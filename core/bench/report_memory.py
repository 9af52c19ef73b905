"""A report on large mapped matrices in a process of its own; prints its seconds and its peak memory.

Run as `python -m core.bench.report_memory REAL.npy SYNTHETIC.npy [DEVICE]` by `core.bench.metrics`.
"""

from __future__ import annotations

import json
import resource
import sys
import time

import numpy as np

from core.data.genotypes import Genotypes, from_calls
from core.evaluation.report import evaluate

POSITION_STEP = 20_000  # base pairs between two variants


def main() -> None:
    """One JSON object on the last line; stages go to stderr as they begin."""
    real, synthetic = (_genotypes(path) for path in sys.argv[1:3])
    device = sys.argv[3] if len(sys.argv) > 3 else "cpu"
    started = time.monotonic()

    def told(stage: str) -> None:
        seconds, gigabytes = time.monotonic() - started, _peak() / 1e9
        print(f"{seconds:7.1f} s  {gigabytes:5.2f} GB  {stage}", file=sys.stderr, flush=True)

    report = evaluate(real, synthetic, device=device, progress=told)
    told("Done")
    without = [name for name, one in report.metrics.items() if one.value is None]
    print(json.dumps({"seconds": time.monotonic() - started, "peak_bytes": _peak(), "without_value": without}))


def _genotypes(path: str) -> Genotypes:
    calls = np.load(path, mmap_mode="r")
    m = calls.shape[1]
    return from_calls(
        calls,
        variant_contig=np.repeat(np.array([str(c + 1) for c in range(20)]), -(-m // 20))[:m],
        variant_position=(np.arange(m, dtype=np.int64) % -(-m // 20) + 1) * POSITION_STEP,
    )


def _peak() -> int:
    """Peak resident bytes of this process, mapped pages of the inputs included (Linux counts kibibytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()

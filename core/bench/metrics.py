"""How fast the metrics are beside scikit-learn and scikit-allel, and how much memory a large report takes."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core import child
from core.bench import peak_bytes
from core.config.evaluation import EvaluationConfig
from core.data.genotypes import Calls, Genotypes, from_calls
from core.errors import InputError, RunError
from core.evaluation.context import Cohort, Comparison
from core.evaluation.neighbours import neighbours
from core.evaluation.pairs import r_squared
from core.evaluation.report import evaluate

INDIVIDUALS, VARIANTS = 2504, 805
LARGE, QUICK = (10_000, 50_000), (2_000, 10_000)
REPEATS = 3
GOAL = {"aats_ratio": 10.0, "ld_ratio": 30.0, "difference": 1e-5, "peak_gigabytes": 4.0}

FOUNDERS = 64
SEGMENT = 40  # variants copied from one founder at a time
POSITION_STEP = 20_000  # base pairs between two variants

Floats = npt.NDArray[np.float64]


def main(arguments: Sequence[str]) -> int:
    """`bench metrics [--quick] [--repeats R] [--json]`; 0 where every goal is met."""
    parser = argparse.ArgumentParser(prog="python -m core bench metrics", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the memory of a report on 2,000 × 10,000 instead")
    parser.add_argument("--repeats", type=int, default=REPEATS, help=f"timings of each side, default {REPEATS}")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--report", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.report:
        print(json.dumps(_report_here(*options.report)))
        return 0
    result = run(INDIVIDUALS, VARIANTS, QUICK if options.quick else LARGE, max(1, options.repeats))
    print(json.dumps(result) if options.json else summary(result))
    return 0 if result["passed"] else 1


def run(individuals: int, variants: int, large: tuple[int, int], repeats: int = REPEATS) -> dict[str, Any]:
    """Both comparisons on individuals × variants, and one report on a large pair of cohorts in a child process."""
    result: dict[str, Any] = {
        "benchmark": "metrics",
        "individuals": individuals,
        "variants": variants,
        "aats": aats(individuals, variants, repeats),
        "ld": linkage(individuals, variants, repeats),
        "report": report(*large),
    }
    return result | {"goal": GOAL, "passed": _passed(result)}


def aats(individuals: int, variants: int, repeats: int) -> dict[str, Any]:
    """Manhattan AATS of two cohorts by our products and by scikit-learn's brute-force nearest neighbours."""
    real, made = (linked_calls(individuals, variants, seed) for seed in (1, 2))
    return _beside(lambda: _our_aats(real, made), lambda: _scikit_learn_aats(real, made), repeats)


def linkage(individuals: int, variants: int, repeats: int) -> dict[str, Any]:
    """LD r² of all pairs of variants by our products and by scikit-allel's Rogers–Huff estimator."""
    calls = linked_calls(individuals, variants, 1)
    upper = np.triu_indices(variants, 1)
    return _beside(lambda: r_squared(calls), lambda: _scikit_allel_r_squared(calls), repeats, lambda ours: ours[upper])


def report(individuals: int, variants: int) -> dict[str, Any]:
    """Seconds and peak memory of a whole report on two individuals × variants matrices, mapped from disk."""
    with tempfile.TemporaryDirectory(prefix="popscape-bench-") as folder:
        files = [str(Path(folder) / f"{name}.npy") for name in ("real", "synthetic")]
        for seed, file in enumerate(files):
            linked_calls(individuals, variants, seed, Path(file))
        done = child.run("core.bench.metrics", "--report", *files, quiet=False)
    if done.status != 0:
        raise RunError(f"The report on {individuals} × {variants} calls ended with status {done.status}.")
    return {"individuals": individuals, "variants": variants} | done.answer()


def _report_here(*files: str) -> dict[str, Any]:
    """A report on mapped real and synthetic calls in this process; stages go to stderr as they begin."""
    real, synthetic = (_genotypes(path) for path in files)
    started = time.monotonic()

    def progress(stage: str) -> None:
        seconds, gigabytes = time.monotonic() - started, peak_bytes() / 1e9
        print(f"{seconds:7.1f} s  {gigabytes:5.2f} GB  {stage}", file=sys.stderr, flush=True)

    result = evaluate(real, synthetic, progress=progress)
    progress("Done")
    without = [name for name, one in result.metrics.items() if one.value is None]
    return {"seconds": time.monotonic() - started, "peak_bytes": peak_bytes(), "without_value": without}


def _genotypes(path: str) -> Genotypes:
    calls = np.load(path, mmap_mode="r")
    m = calls.shape[1]
    return from_calls(
        calls,
        variant_contig=np.repeat(np.array([str(c + 1) for c in range(20)]), -(-m // 20))[:m],
        variant_position=(np.arange(m, dtype=np.int64) % -(-m // 20) + 1) * POSITION_STEP,
    )


def linked_calls(individuals: int, variants: int, seed: int, file: Path | None = None) -> Calls:
    """(individuals, variants) int8 calls; two haplotypes copied in segments from founders that all seeds share.

    With `file` the calls are written there as .npy, block by block, and returned as a read-only memory map.
    """
    source = np.random.default_rng(variants)
    frequency = source.uniform(0.05, 0.95, variants)
    founders = (source.random((FOUNDERS, variants)) < frequency).astype(np.int8)
    rng = np.random.default_rng([seed, variants])
    shape = (individuals, variants)
    calls: Calls
    if file is None:
        calls = np.empty(shape, dtype=np.int8)
    else:
        calls = np.lib.format.open_memmap(file, mode="w+", dtype=np.int8, shape=shape)
    for start in range(0, variants, SEGMENT):
        piece = slice(start, start + SEGMENT)
        first, second = (founders[rng.integers(0, FOUNDERS, individuals), piece] for _ in range(2))
        calls[:, piece] = first + second
    if file is None:
        return calls
    del calls
    return np.load(file, mmap_mode="r")


def summary(result: dict[str, Any]) -> str:
    """The result in a line a part."""
    size = f"{result['individuals']} × {result['variants']}"
    lines = [
        f"{title} on {size}: {part['seconds_ours']:.3f} s, {other} {part['seconds_other']:.2f} s: "
        f"{part['ratio']:.0f} times as fast (goal {goal:g}); largest difference {part['difference']:.1e}"
        for title, other, part, goal in (
            ("AATS (Manhattan)", "scikit-learn", result["aats"], GOAL["aats_ratio"]),
            ("LD r²", "scikit-allel", result["ld"], GOAL["ld_ratio"]),
        )
    ]
    part = result["report"]
    lines.append(
        f"A report on {part['individuals']} × {part['variants']} int8: {part['seconds']:.0f} s, peak memory "
        f"{part['peak_bytes'] / 1e9:.2f} GB (goal below {GOAL['peak_gigabytes']:g} GB)"
    )
    return "\n".join(lines)


def _passed(result: dict[str, Any]) -> bool:
    return bool(
        result["aats"]["ratio"] >= GOAL["aats_ratio"]
        and result["ld"]["ratio"] >= GOAL["ld_ratio"]
        and max(result["aats"]["difference"], result["ld"]["difference"]) <= GOAL["difference"]
        and result["report"]["peak_bytes"] < GOAL["peak_gigabytes"] * 1e9
    )


def _beside(
    ours: Callable[[], Any], other: Callable[[], Any], repeats: int, chosen: Callable[[Any], Any] = np.asarray
) -> dict[str, Any]:
    """Median seconds of both, taken in turn after one call of ours to load torch, and their largest difference."""
    found: npt.NDArray[np.float64] = chosen(ours())
    expected: npt.NDArray[np.float64] = np.empty(0)
    seconds: list[tuple[float, float]] = []
    for _ in range(repeats):
        started = time.perf_counter()
        ours()
        between = time.perf_counter()
        expected = other()
        seconds.append((between - started, time.perf_counter() - between))
    return {
        "seconds_ours": statistics.median(a for a, _ in seconds),
        "seconds_other": statistics.median(b for _, b in seconds),
        "ratio": statistics.median(b / a for a, b in seconds),
        "difference": float(np.nanmax(np.abs(found - expected))),
        "same_undefined": bool(np.array_equal(np.isnan(found), np.isnan(expected))),
    }


def _our_aats(real: Calls, made: Calls) -> Floats:
    from core.evaluation.adversarial import adversarial_indicators

    config = EvaluationConfig(distance="manhattan", k=1, neighbours=(1,))
    sides = [Cohort(from_calls(calls), name, seed=0, config=config) for calls, name in ((real, "real"), (made, "made"))]
    found = neighbours(Comparison(sides[0], sides[1], config=config))
    return np.array(
        [
            adversarial_indicators(found.reference_own, found.reference_other)[0].mean(),
            adversarial_indicators(found.candidate_own, found.candidate_other)[0].mean(),
        ]
    )


def _scikit_learn_aats(real: Calls, made: Calls) -> Floats:
    """(AA truth, AA synthetic) with our tie rule, all else scikit-learn's: float64, brute force, all cores."""
    try:
        from sklearn.neighbors import NearestNeighbors
    except ImportError as error:
        raise InputError("scikit-learn is not installed; `make test` installs what the benchmarks need.") from error
    a, b = real.astype(np.float64), made.astype(np.float64)
    search = [NearestNeighbors(algorithm="brute", metric="manhattan", n_jobs=-1).fit(side) for side in (a, b)]

    def share(own: Any, other: Any, x: Floats) -> float:
        within, between = own.kneighbors(x, 2)[0][:, 1], other.kneighbors(x, 1)[0][:, 0]
        return float(np.where((within == between) & (between > 0), 0.5, within < between).mean())

    return np.array([share(search[0], search[1], a), share(search[1], search[0], b)])


def _scikit_allel_r_squared(calls: Calls) -> npt.NDArray[np.float32]:
    """Condensed r² of all pairs (Rogers & Huff 2009)."""
    from allel import rogers_huff_r

    return np.asarray(rogers_huff_r(np.ascontiguousarray(calls.T)) ** 2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

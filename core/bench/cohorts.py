"""Linked cohorts made fast and in any size, for benchmarks."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.data.genotypes import Calls

_FOUNDERS = 64
_SEGMENT = 40  # variants copied from one founder at a time


def linked_calls(individuals: int, variants: int, seed: int, file: Path | None = None) -> Calls:
    """(individuals, variants) int8 calls; two haplotypes copied in segments from founders that all seeds share.

    With `file` the calls are written there as .npy, block by block, and returned as a read-only memory map.
    """
    source = np.random.default_rng(variants)
    frequency = source.uniform(0.05, 0.95, variants)
    founders = (source.random((_FOUNDERS, variants)) < frequency).astype(np.int8)
    rng = np.random.default_rng([seed, variants])
    shape = (individuals, variants)
    calls: Calls
    if file is None:
        calls = np.empty(shape, dtype=np.int8)
    else:
        calls = np.lib.format.open_memmap(file, mode="w+", dtype=np.int8, shape=shape)
    for start in range(0, variants, _SEGMENT):
        piece = slice(start, start + _SEGMENT)
        first, second = (founders[rng.integers(0, _FOUNDERS, individuals), piece] for _ in range(2))
        calls[:, piece] = first + second
    if file is None:
        return calls
    del calls
    return np.load(file, mmap_mode="r")

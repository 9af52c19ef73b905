"""Mapped pages are given back, and never what was written to them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.data.genotypes import unmap_pages


@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_the_matrix_reads_the_same_afterwards(tmp_path: Path, mode: str) -> None:
    expected = np.random.default_rng(0).integers(0, 3, (200, 5000), dtype=np.int8)
    np.save(tmp_path / "calls.npy", expected)
    mapped = np.load(tmp_path / "calls.npy", mmap_mode=mode)  # type: ignore[call-overload]
    if mode != "r":
        mapped[3, :50] = -1
        expected[3, :50] = -1
    unmap_pages(np.asarray(mapped)[:, 10:])
    np.testing.assert_array_equal(mapped, expected)


def test_a_matrix_in_memory_is_left_alone() -> None:
    calls = np.ones((3, 4), dtype=np.int8)
    unmap_pages(calls)
    assert calls.sum() == 12

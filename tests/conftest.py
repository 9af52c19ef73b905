"""Fixtures that every test may use: an empty home, the shared real data, a small cohort whose structure is known."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest

from core.data.genotypes import Genotypes, from_calls
from core.runs.files import read_json
from core.runs.process import ProcessIdentity

REPOSITORY = Path(__file__).resolve().parents[1]

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share what their module prepares once run in one process, which prepares it once."""
    for item in items:
        shared = getattr(item, "_fixtureinfo", None)
        prepared = [made[-1].scope for made in shared.name2fixturedefs.values()] if shared else []
        if "module" in prepared and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty POPSCAPE_HOME for this test and the processes it starts; workers that it leaves behind are ended."""
    folder = tmp_path / "home"
    monkeypatch.setenv("POPSCAPE_HOME", str(folder))
    yield folder
    end_workers(folder)


def end_workers(folder: Path) -> None:
    """Kill the workers of the runs in a home: they outlive whoever started them, a failed test too."""
    for status in folder.glob("runs/*/status.json"):
        process = ProcessIdentity.from_status(read_json(status) or {})
        # A test of liveness may have noted itself as a worker.
        if process is not None and process.pid != os.getpid() and process.here and process.alive:
            process.signal_group(signal.SIGKILL)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared real data ($POPSCAPE_SHARED, default ../shared); the test is skipped where it is absent."""
    folder = Path(os.environ.get("POPSCAPE_SHARED", REPOSITORY.parent / "shared")).resolve()
    if not (folder / "data").is_dir():
        pytest.skip(f"no shared data at {folder}; set POPSCAPE_SHARED to the folder that holds data/")
    return folder


@pytest.fixture(scope="session")
def tiny() -> Genotypes:
    """80 individuals × 40 variants: two populations, one phenotype, correlated neighbours, a few missing calls."""
    return tiny_cohort()


def tiny_cohort(n: int = 80, m: int = 40, seed: int = 7) -> Genotypes:
    """Haplotypes copied in blocks from six founders a population, so that neighbours are linked."""
    rng = np.random.default_rng(seed)
    population = np.repeat(np.array(["NORTH", "SOUTH"]), [n // 2, n - n // 2])
    haplotypes = np.empty((2, n, m), dtype=np.int8)
    for label in np.unique(population):
        founders = (rng.random((6, m)) < rng.uniform(0.2, 0.8, m)).astype(np.int8)
        for strand in haplotypes:
            for i in np.flatnonzero(population == label):
                switch = rng.random(m) < 0.15
                switch[0] = True
                source = rng.integers(0, 6, m)[np.maximum.accumulate(np.where(switch, np.arange(m), 0))]
                strand[i] = founders[source, np.arange(m)]
    calls = haplotypes.sum(axis=0, dtype=np.int8)
    height = calls[:, 5] * 0.8 - calls[:, 20] * 0.5 + rng.normal(size=n)
    calls[rng.random((n, m)) < 0.01] = -1
    return from_calls(
        calls,
        variant_contig=np.full(m, "1"),
        variant_position=np.cumsum(rng.integers(200, 4000, m)).astype(np.int64),
        variant_allele=np.tile(np.array([["A", "G"]]), (m, 1)),
        labels={"population": population},
        phenotypes={"height": height.astype(np.float64)},
    )

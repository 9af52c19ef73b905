"""One server and one Chromium for all browser tests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.chromium import FLAGS, executable
from tests.browser.serving import dashboard
from tests.conftest import end_workers

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Server:
    """A running dashboard: its address, and the environment of its home for commands beside it."""

    address: str
    home: Path
    environment: dict[str, str]

    def command(self, *words: str) -> str:
        """Run `python -m core WORDS` in the same home; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "core", *words],
            cwd=REPOSITORY,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The dashboard on a free port with an empty home."""
    home = tmp_path_factory.mktemp("home")
    with dashboard(home, OMP_NUM_THREADS="1") as address:
        yield Server(address, home, os.environ | {"POPSCAPE_HOME": str(home), "OMP_NUM_THREADS": "1"})
    end_workers(home)


@pytest.fixture(autouse=True)
def trainings_end_with_their_test(server: Server) -> Iterator[None]:
    """A training that a failed test leaves behind would hold the one place of the tests after it."""
    yield
    end_workers(server.home)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, or Playwright's own; the tests are skipped where there is none."""
    path = executable()
    if path is None:
        pytest.skip("no Chromium was found; `make chromium` installs one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()

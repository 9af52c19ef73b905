"""The dashboard on a port of its own, and a headless browser: what browser tests and pictures have in common."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tests.browser.chromium import FLAGS, executable
from tests.waiting import PATIENCE, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

REPOSITORY = Path(__file__).resolve().parents[2]
_QUIET = ["--server.headless=true", "--server.fileWatcherType=none", "--browser.gatherUsageStats=false"]


@contextlib.contextmanager
def dashboard(home: Path, port: int | None = None, **environment: str) -> Iterator[str]:
    """Serve app.py with POPSCAPE_HOME=`home`; gives its address, stops the server at the end."""
    with serve(REPOSITORY, home, port=port, **environment) as (address, _):
        yield address


@contextlib.contextmanager
def serve(
    folder: Path, home: Path, script: Path | str = "app.py", *, port: int | None = None, **environment: str
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serve a Streamlit script of `folder`; gives address and process, stops the server at the end."""
    port = port or free_port()
    address = f"http://127.0.0.1:{port}"
    home.mkdir(parents=True, exist_ok=True)
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port), *_QUIET],
            cwd=folder,
            env=os.environ | {"POPSCAPE_HOME": str(home)} | environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(address, server)
        yield address, server
    finally:
        server.terminate()
        server.wait(PATIENCE)


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable(), args=FLAGS)
        try:
            yield chromium
        finally:
            chromium.close()


def settled(page: Page, seconds: float = PATIENCE) -> None:
    """Wait until the page has a title, the script has ended and every chart is drawn, and stays so for a moment.

    A click starts the script only after the browser has handled it, and fonts and legends settle after a drawing.
    """
    page.wait_for_selector("[data-testid=stMain] h1", timeout=seconds * 1000)
    while True:
        page.wait_for_function(_AT_REST, timeout=seconds * 1000)
        page.wait_for_timeout(700)
        if page.evaluate(_AT_REST):
            return


_AT_REST = """() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'
    && !document.querySelector('[data-testid=stStatusWidget], [data-testid=stSkeleton]')
    && [...document.querySelectorAll('[data-testid=stPlotlyChart], .live')]
        .every(chart => chart.querySelector('.main-svg'))"""


def free_port() -> int:
    """A TCP port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    """Return when the server answers; AssertionError when it ends first or never does."""

    def answers() -> bool:
        assert server.poll() is None, f"the dashboard ended with status {server.returncode} before it answered"
        with contextlib.suppress(urllib.error.URLError, OSError):
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=PATIENCE).close()
            return True
        return False

    wait_until(answers, f"the dashboard did not answer at {address}")

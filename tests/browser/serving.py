"""The dashboard on a port of its own, and a headless browser: what browser tests and pictures have in common."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tests.browser.chromium import FLAGS, executable

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

REPOSITORY = Path(__file__).resolve().parents[2]
_START_SECONDS = 60


@contextlib.contextmanager
def dashboard(home: Path, port: int | None = None) -> Iterator[str]:
    """Serve app.py with POPSCAPE_HOME=`home`; gives its address, stops the server at the end."""
    port = port or free_port()
    address = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
        cwd=REPOSITORY,
        env={**os.environ, "POPSCAPE_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(address, server)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=30)


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


def settled(page: Page, seconds: float = 60) -> None:
    """Wait until the page has a title, the script has ended and every chart is drawn."""
    page.wait_for_selector("[data-testid=stMain] h1", timeout=seconds * 1000)
    page.wait_for_function(
        """() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'
            && !document.querySelector('[data-testid=stStatusWidget], [data-testid=stSkeleton]')
            && [...document.querySelectorAll('[data-testid=stVegaLiteChart]')]
                .every(chart => chart.querySelector('canvas, svg'))
            && [...document.querySelectorAll('[data-testid=stPlotlyChart]')]
                .every(chart => chart.querySelector('.js-plotly-plot .main-svg'))""",
        timeout=seconds * 1000,
    )
    page.wait_for_timeout(700)  # fonts and legends settle after the first drawing


def free_port() -> int:
    """A TCP port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    """Return when the server answers; RuntimeError when it ends first or takes too long."""
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        if server.poll() is not None:
            raise RuntimeError(f"The dashboard ended with status {server.returncode} before it answered.")
        with contextlib.suppress(urllib.error.URLError, OSError):
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=2).close()
            return
        time.sleep(0.02)
    raise RuntimeError(f"The dashboard did not answer at {address} within {_START_SECONDS} s.")

"""How fast the dashboard is beside an empty Streamlit app, in one run: `python -m tests.browser.page_benchmark`.

Prints one JSON object. "Drawn" means: the title is there, the script has ended, every chart has been drawn. Both
servers are measured in turn, several times, with the same browser; what is printed are medians. A page switch ends
when the server has answered (the title of the new page is there and its script has ended); the time until its charts
are drawn, which an empty page has none of, stands beside it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.browser.serving import REPOSITORY, browser, free_port, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

RUNS = 200
ROUNDS = 3
VISITS = 3  # to each page in each round, after the first
# The link in the navigation of each page → a word of its title.
SWITCHES = {
    "Datasets": "Datasets",
    "Train": "Train",
    "Runs": "Runs",
    "Compare": "Compare",
    "Frequencies": "Frequencies",
    "Linkage": "Linkage",
    "Precision": "Precision",
    "Structure": "Structure",
    "Atlas": "Atlas",
    "Geometry": "Geometry",
    "Predict": "Predict",
    "Home": "Popscape",
}
# What this page shows its model generates while one looks, so its first visit loads torch: it comes last, after the
# memory of the pages that read was taken.
GENERATING = {"Interpolate": "Interpolate", "Home": "Popscape"}

_QUIET = ["--server.headless", "true", "--server.fileWatcherType", "none", "--browser.gatherUsageStats", "false"]
_EMPTY = 'import streamlit as st\nst.navigation([st.Page("a.py", default=True), st.Page("b.py")]).run()\n'
_ANSWERED = """title => document.querySelector('[data-testid=stMain] h1')?.innerText.includes(title)
    && document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"""
_DRAWN = (
    _ANSWERED
    + """
    && !document.querySelector('[data-testid=stSkeleton], [data-stale=true]')
    && [...document.querySelectorAll('[data-testid=stVegaLiteChart]')].every(c => c.querySelector('canvas, svg'))"""
)


def main() -> dict[str, Any]:
    """Measure both; {"empty": {…}, "popscape": {…}} in seconds and MiB."""
    with tempfile.TemporaryDirectory() as folder, browser() as chromium:
        empty, few, many = (Path(folder) / name for name in ("empty", "few", "many"))
        _write_empty(empty)
        _write_runs(few, 0)
        _write_runs(many, RUNS)
        rounds: dict[str, list[dict[str, float]]] = {"empty": [], "popscape": [], f"popscape with {RUNS} runs": []}
        for _ in range(ROUNDS):
            rounds["empty"].append(_first_minutes(chromium, empty, "A", {"b": "B", "a": "A"}))
            rounds["popscape"].append(_first_minutes(chromium, REPOSITORY, "Popscape", SWITCHES, few))
            rounds[f"popscape with {RUNS} runs"].append(
                _first_minutes(chromium, REPOSITORY, "Popscape", SWITCHES, many)
            )
    return {**{name: _medians(found) for name, found in rounds.items()}, "rounds": ROUNDS}


def _first_minutes(
    chromium: Browser, folder: Path, title: str, switches: dict[str, str], home: Path | None = None
) -> dict[str, float]:
    """Start a server in `folder`, open it, reload it, switch pages, and stop it."""
    port = free_port()
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    begun = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), *_QUIET],
        cwd=folder,
        env=None if home is None else _environment(home),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(address, server)
        page.goto(address)
        page.wait_for_function(_DRAWN, arg=title, timeout=120_000)
        found = {"cold start": time.perf_counter() - begun}
        begun = time.perf_counter()
        page.reload()
        page.wait_for_function(_DRAWN, arg=title, timeout=120_000)
        found["reload"] = time.perf_counter() - begun
        found["memory"] = _resident_mebibytes(server.pid)
        found |= _visits(page, switches)
        found["memory after all"] = _resident_mebibytes(server.pid)
        return {**_visits(page, GENERATING), **found} if home is not None else found
    finally:
        page.close()
        server.terminate()
        server.wait(timeout=30)


def _visits(page: Page, switches: dict[str, str]) -> dict[str, float]:
    """Seconds of the first switch to each page, and the median of those after it."""
    found = {}
    # A first visit also fetches the code of the charts and tables; the later ones are what a reader feels all day.
    taken = [{name: _switch(page, name, heading) for name, heading in switches.items()} for _ in range(1 + VISITS)]
    for name in switches:
        for what, k in ((name, 0), (f"{name}, drawn", 1)):
            found[f"first switch to {what}"] = taken[0][name][k]
            found[f"switch to {what}"] = statistics.median(visit[name][k] for visit in taken[1:])
    return found


def _switch(page: Page, name: str, heading: str) -> tuple[float, float]:
    """Seconds from the click to the whole answer of the server, and to the last chart."""
    begun = time.perf_counter()
    page.locator("[data-testid=stSidebarNavLink]", has_text=name).first.click()
    page.wait_for_function(_ANSWERED, arg=heading, timeout=120_000)
    answered = time.perf_counter() - begun
    page.wait_for_function(_DRAWN, arg=heading, timeout=120_000)
    return answered, time.perf_counter() - begun


def _medians(found: list[dict[str, float]]) -> dict[str, float]:
    return {key: round(statistics.median(one[key] for one in found), 3) for key in found[0]}


def _resident_mebibytes(pid: int) -> float:
    return int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(pid)])) / 1024


def _environment(home: Path) -> dict[str, str]:
    return {**os.environ, "POPSCAPE_HOME": str(home)}


def _write_empty(folder: Path) -> None:
    folder.mkdir()
    (folder / "app.py").write_text(_EMPTY)
    for name in ("a", "b"):
        (folder / f"{name}.py").write_text(f'import streamlit as st\nst.title("{name.upper()}")\n')


def _write_runs(home: Path, count: int) -> None:
    """A home in which `count` runs beside the shipped ones have reports; where none are shipped, at least four."""
    from core.config.home import PRETRAINED
    from core.data.library import Library
    from tests.pages import finished_runs

    shipped = [p for p in PRETRAINED.iterdir() if (p / "report.json").is_file()] if PRETRAINED.is_dir() else []
    made = shipped or finished_runs.make(home / "runs", Library().open("demo"))
    if count:
        (home / "runs").mkdir(parents=True, exist_ok=True)
        finished_runs.multiply(home / "runs", made[0], count)


if __name__ == "__main__":
    print(json.dumps(main()))

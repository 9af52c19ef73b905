"""How fast each page is beside a plain Streamlit page with the same charts, in one run.

`python -m tests.browser.page_benchmark` prints one JSON object. Before the browser starts, every page is run once
without one and its figures are written down; the plain app draws just these, in the same order, under the same titles.
Both servers run at the same time and are visited in turn by the same browser. A visit begins with the click in the
navigation and ends when the title is there, the script has ended and the last chart is drawn; medians are printed.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.browser.serving import REPOSITORY, browser, serve

if TYPE_CHECKING:
    from playwright.sync_api import Page

RUNS = 200
VISITS = 5  # to each page, after the first
# File of the page → a word of its title. Interpolate generates, so that its first visit loads torch into the server: it
# comes last, after the memory of the pages that only read was taken.
PAGES = {
    "home": "Popscape", "datasets": "Datasets", "train": "Train", "runs": "Runs", "compare": "Compare",
    "frequencies": "Frequencies", "linkage": "Linkage", "precision_recall": "Precision", "structure": "Structure",
    "atlas": "Atlas", "geometry": "Geometry", "predict": "Predict", "interpolate": "Interpolate",
}  # fmt: skip
GENERATING = "interpolate"

_ROUTER = """import streamlit as st
st.set_page_config(layout="wide")
st.navigation([st.Page(f"plain/{name}.py", title=title) for name, title in TITLES.items()]).run()
"""
_PLAIN = """import json
from pathlib import Path
import streamlit as st
st.title(TITLE)
for path in sorted((Path(__file__).parent / NAME).iterdir()):
    st.plotly_chart(json.loads(path.read_text()), key=path.stem)
"""
_DRAWN = """title => document.querySelector('[data-testid=stMain] h1')?.innerText.includes(title)
    && document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'
    && !document.querySelector('[data-testid=stSkeleton], [data-stale=true]')
    && [...document.querySelectorAll('[data-testid=stPlotlyChart], .live')]
        .every(chart => chart.querySelector('.main-svg'))"""


def main() -> dict[str, Any]:
    """{"pages": {page: {"ours", "plain", "charts"}}, "memory": {…}, "drag": {…}}: seconds, MiB, milliseconds."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        home, plain = Path(folder) / "home", Path(folder) / "app"
        _write_runs(home)
        charts = _write_plain(plain, home)
        chromium = stack.enter_context(browser())
        servers = {
            "ours": stack.enter_context(serve(REPOSITORY, home)),
            "plain": stack.enter_context(serve(plain, plain)),
        }
        tabs = {name: chromium.new_page(viewport={"width": 1280, "height": 900}) for name in servers}
        for name, (address, _) in servers.items():
            tabs[name].goto(address)
            tabs[name].wait_for_function(_DRAWN, arg=PAGES["home"], timeout=120_000)
        taken: dict[str, dict[str, list[float]]] = {page: {name: [] for name in servers} for page in PAGES}
        memory: dict[str, float] = {}
        for pages in ([p for p in PAGES if p != GENERATING], [GENERATING, "home"]):
            for visit in range(1 + VISITS):
                for page in pages:
                    for name, tab in tabs.items():
                        seconds = _visit(tab, page)
                        if visit:
                            taken[page][name].append(seconds)
            what = "generating" if GENERATING in pages else "reading"
            memory |= {f"{name}, {what}": _resident(process.pid) for name, (_, process) in servers.items()}
        return {
            "pages": {
                page: {**{name: round(statistics.median(s), 3) for name, s in both.items()}, "charts": charts[page]}
                for page, both in taken.items()
            },
            "memory": {name: round(size) for name, size in memory.items()},
            "visits": VISITS,
        }


def _visit(tab: Page, page: str) -> float:
    """Seconds from the click in the navigation until the page's last chart is drawn."""
    begun = time.perf_counter()
    tab.locator(f"[data-testid=stSidebarNavLink][href$='/{page if page != 'home' else ''}']").first.click()
    tab.wait_for_function(_DRAWN, arg=PAGES[page], timeout=120_000)
    return time.perf_counter() - begun


def _write_plain(folder: Path, home: Path) -> dict[str, int]:
    """Write the plain app with the figures of every page; returns how many each page has."""
    (folder / "plain").mkdir(parents=True)
    (folder / "app.py").write_text(_ROUTER.replace("TITLES", repr(PAGES)))
    charts = {}
    for page, title in PAGES.items():
        done = subprocess.run(
            [sys.executable, "-c", _COLLECT, page],
            cwd=REPOSITORY, env={**os.environ, "POPSCAPE_HOME": str(home)}, stdout=subprocess.PIPE, check=True,
        )  # fmt: skip
        figures = json.loads(done.stdout.splitlines()[-1])
        name = page if page != "home" else "start"
        place = folder / "plain" / name
        place.mkdir()
        for i, figure in enumerate(figures):
            (place / f"{i}.json").write_text(figure)
        charts[page] = len(figures)
        script = _PLAIN.replace("TITLE", repr(title)).replace("NAME", repr(name))
        (folder / "plain" / f"{page}.py").write_text(script)
    return charts


_COLLECT = """
import json, logging, sys
from streamlit.testing.v1 import AppTest
logging.disable(logging.CRITICAL)  # of a page without a browser
app = AppTest.from_file("app.py", default_timeout=300)
app.switch_page(f"pages/{sys.argv[1]}.py")
app.run()
figures = [chart.proto.spec for chart in app.get("plotly_chart")]
live = [json.loads(c.proto.json) for c in app.get("bidi_component") if c.proto.component_name == "popscape_live"]
print(json.dumps(figures + [one["figure"] for one in live]))
"""


def _resident(pid: int) -> float:
    """MiB of memory that a process holds."""
    return int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(pid)])) / 1024


def _write_runs(home: Path) -> None:
    """A home in which RUNS runs beside the shipped ones have reports."""
    from core.config.home import PRETRAINED
    from tests.pages import finished_runs

    shipped = sorted(p for p in PRETRAINED.iterdir() if (p / "report.json").is_file())
    (home / "runs").mkdir(parents=True)
    finished_runs.multiply(home / "runs", shipped[0], RUNS)


if __name__ == "__main__":
    print(json.dumps(main()))

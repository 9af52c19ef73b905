"""Rules that hold for every page: no torch, alternative texts, no injected HTML, thin scripts."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

from tests.rules import each

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted((ROOT / "pages").glob("*.py"))
SOURCES = [ROOT / "app.py", *sorted((ROOT / "pages").rglob("*.py"))]
DRAWN = {
    "vega_lite_chart", "altair_chart", "plotly_chart", "pyplot", "echarts_chart", "line_chart", "bar_chart",
    "area_chart", "scatter_chart", "image", "dataframe", "table", "map", "pydeck_chart", "graphviz_chart",
}  # fmt: skip

# What lies at a place of the walk between two sets is generated while the reader moves the slider.
GENERATING = {"interpolate.py", "latents.py"}  # Runs and Learn train while they are watched, once a reader asks

_CHILD = """
import sys
from streamlit.testing.v1 import AppTest
from tests.waiting import PATIENCE
for page in sys.argv[1:]:
    app = AppTest.from_file("app.py", default_timeout=PATIENCE)
    app.switch_page(page)
    app.run()
    assert not app.exception, (page, app.exception)
    heavy = {"torch", "sklearn", "scipy", "cyvcf2", "msprime", "umap", "hydra", "allel", "altair"} & set(sys.modules)
    assert "torch" not in heavy, f"{page} loads torch"
    print(page, *sorted(heavy))
"""


def calls(path: Path) -> list[ast.Call]:
    """Every call in a file."""
    return [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]


def name_of(call: ast.Call) -> str:
    """The last part of what is called: "image" of `st.image(…)`."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


@each(SOURCES)
def test_everything_drawn_has_an_alternative_text(path: Path) -> None:
    for call in calls(path):
        if name_of(call) in DRAWN and not _is_pyarrow(call):
            given = {keyword.arg for keyword in call.keywords}
            assert "alt" in given, f"{path.name}:{call.lineno} draws without alt"


def _is_pyarrow(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") == "pa"


@each(SOURCES)
def test_no_html_is_injected(path: Path) -> None:
    assert "unsafe_allow" not in path.read_text(encoding="utf-8")
    assert [name_of(call) for call in calls(path) if name_of(call) in ("html", "iframe")] == []


@each(SCRIPTS)
def test_pages_are_thin(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 150


def test_no_page_loads_torch_but_the_one_that_generates(finished: Path) -> None:
    reading = [path for path in SCRIPTS if path.name not in GENERATING]
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, *(f"pages/{path.name}" for path in reading)],
        cwd=ROOT,
        env={**os.environ, "POPSCAPE_HOME": str(finished)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(done.stdout.splitlines()) == len(reading)

"""Addresses that nobody would write: `python -m tests.pages.fuzzing --tries 10000`.

Each try opens a page with parameters of random names and values: names of widgets, and values that lead outside, that
are of another kind, too long, or of something that lies beside the home. No page may fail, and none may show what is
not in its home: a run and a dataset with a word of their own lie outside.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from core.config.home import PRETRAINED
from pages.parts import state
from pages.parts.learn.lessons import LESSONS
from pages.parts.sections import SECTIONS

APP = str(Path(__file__).resolve().parents[2] / "app.py")
SECRET = "quagga"  # of what lies outside; no page has this word
PATIENCE = 120

NAMES = sorted({value for name, value in vars(state).items() if name.isupper() and isinstance(value, str)})
_VALUES = (
    "", "0", "-1", "1e308", "nan", "true", "null", "None", "[]", "{}", "..", "../..", "../../etc/passwd", "%2e%2e%2f",
    "/etc/passwd", "C:\\windows", "\x00", "a\x00b", "'; DROP TABLE runs; --", "<script>alert(1)</script>", "{{7*7}}",
    "$(id)", "🧬", "\u202e", "Ａ", "x" * 5000, "demo", "demo-clones", "demo-digits", "GAN", "VAE", "Linkage",
    "Import files",
)  # fmt: skip


def hostile(seed: int, tries: int, outside: Path) -> Iterator[tuple[str, dict[str, str | list[str]]]]:
    """(page, parameters) of each try; the same for the same seed."""
    chance = random.Random(seed)
    near = [str(outside), f"../{outside.name}", outside.name, f"../../{outside.name}/runs/{SECRET}", SECRET]
    lessons = [lesson.key(control.key) for lesson in LESSONS for control in lesson.controls]
    for _ in range(tries):
        page = chance.choice(SECTIONS).name
        names = chance.sample(NAMES, chance.randint(1, 6))
        if page == "learn":
            names = ["lesson", "teaching", "hide", "fix", *chance.sample(lessons, 3)]
        values: dict[str, str | list[str]] = {name: chance.choice([*_VALUES, *near]) for name in names}
        if page == "learn" and chance.random() < 0.7:
            values |= {"lesson": chance.choice(LESSONS).name, "teaching": chance.choice(["true", "false", "1"])}
        if chance.random() < 0.2:
            values[chance.choice(names)] = [chance.choice(_VALUES), chance.choice(near)]
        yield page, values


def put_outside(folder: Path) -> None:
    """A run and a dataset beside the home, with a title that no page may show."""
    run = folder / "runs" / SECRET
    shutil.copytree(PRETRAINED / "gan", run)
    (run / "config.json").write_text(
        (run / "config.json").read_text().replace('"title": "GAN"', f'"title": "{SECRET}"')
    )
    (folder / SECRET).write_text(SECRET)


def attempt(page: str, parameters: dict[str, str | list[str]]) -> str:
    """What went wrong with a page, "" if nothing did."""
    app = AppTest.from_file(APP, default_timeout=PATIENCE)
    for name, value in parameters.items():
        app.query_params[name] = value
    if page != "home":
        app.switch_page(f"pages/{page}.py")
    app.run()
    if app.exception:
        return f"it failed: {app.exception[0].message[:300]}"
    # What the reader typed may be said back; what lies behind it may not.
    texts = [str(e.value) for kind in ("markdown", "caption", "dataframe", "code", "metric") for e in app.get(kind)]
    asked = any(SECRET in str(value) for value in parameters.values())
    return "" if asked or not any(SECRET in text for text in texts) else "it shows what is not in its home"


def main() -> None:
    """Try as often as asked; print the first failure of each page and the number of tries."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    PagesManager.uses_pages_directory = False
    begun, failed = time.monotonic(), 0
    with tempfile.TemporaryDirectory() as folder:
        outside = Path(folder) / "outside"
        put_outside(outside)
        os.environ["POPSCAPE_HOME"] = str(Path(folder) / "home")
        for page, parameters in hostile(options.seed, options.tries, outside):
            PagesManager.uses_pages_directory = False
            if wrong := attempt(page, parameters):
                failed += 1
                print(f"{page} {parameters!r}: {wrong}", flush=True)
    print(f"{options.tries:,} tries, {failed} failed, {time.monotonic() - begun:,.0f} s")
    raise SystemExit(bool(failed))


if __name__ == "__main__":
    main()

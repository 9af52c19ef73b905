"""Four real files through the browser, from the upload to the predictions.

    python -m tests.browser.real_sets FOLDER [--only cropseq cytof] [--epochs N]

Every step is one that a reader takes with the mouse: import, train with the preset, and look at Runs, Atlas,
Interpolate, Geometry and Predict. A picture of each page is written to FOLDER/<file>_<page>.png; the program ends with
an error where a page shows one. The trainings take their presets' time: seconds in closed form, minutes for larry,
which --epochs shortens.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests.browser.serving import REPOSITORY, browser, dashboard, settled

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

LOOKED_AT = {
    "atlas": "Atlas",
    "interpolate": "Interpolate",
    "geometry": "Geometry",
    "predict": "Predict",
}


@dataclass(frozen=True)
class Journey:
    """A file of the shared data, what is chosen for it at import, and the preset that is trained."""

    file: str
    columns: tuple[str, ...]
    preset: str
    options: Mapping[str, str] = field(default_factory=dict)  # label of a select box → option
    numbers: Mapping[str, int] = field(default_factory=dict)  # label of a number → value
    epochs: int = 0  # 0: as many as the preset says


JOURNEYS = {
    "larry": Journey(
        "larry-clones/test_adata_preprocessed.h5ad",
        ("clone", "time_info"),
        "Clonal differentiation",
        {"Keep together in the split": "clone", "Layer": "obsm:X_pca"},
        {"Smallest set": 1},
    ),
    "cropseq": Journey(
        "cropseq-perturbations/cropseq_6229.h5ad", ("perturbation",), "Perturbation screen", {"Layer": "obsm:X_pca"}
    ),
    "cytof": Journey(
        "cytof-pbmc/pbmc_bcrxl_cytof.h5ad",
        ("patient_id", "condition"),
        "Cytometry",
        {"Keep together in the split": "patient_id", "Normalise": "Arcsinh"},
        {"Cut into parts of": 60},
    ),
    "blood_cells": Journey(
        "blood-cells/bccd_crops32.npz", ("image", "label"), "Cell images", {"Keep together in the split": "image"}
    ),
}


def main() -> None:
    """Run the journeys that are named, all without a name."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.real_sets", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", choices=JOURNEYS, default=list(JOURNEYS))
    parser.add_argument("--epochs", type=int, default=0, help="train this long only: a look, not a result")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    data = Path(os.environ.get("POPSCAPE_SHARED", REPOSITORY.parent / "shared")) / "data"
    if missing := [JOURNEYS[name].file for name in options.only if not (data / JOURNEYS[name].file).is_file()]:
        parser.error(f"{missing[0]} is not in {data}; set POPSCAPE_SHARED to the folder that holds data/.")
    with tempfile.TemporaryDirectory() as home, dashboard(Path(home)) as address, browser() as chromium:
        for name in options.only:
            page = chromium.new_page(viewport={"width": 1280, "height": 1000})
            one = replace(JOURNEYS[name], epochs=options.epochs)
            try:
                for step, seconds in journey(page, address, Path(home), one, data):
                    picture(page, options.folder / f"{name}_{step}.png")
                    print(f"{name}: {step} after {seconds:.0f} s", flush=True)
            except Exception:
                page.screenshot(path=options.folder / f"{name}_stuck.png")
                raise
            page.close()


def journey(page: Page, address: str, home: Path, one: Journey, data: Path) -> Iterator[tuple[str, float]]:
    """Take the steps; yields the name of each page when it is drawn, with the seconds since the first click."""
    begun = time.monotonic()
    page.goto(f"{address}/datasets")
    _bring(page, data / one.file, one)
    yield "import", time.monotonic() - begun
    page.get_by_test_id("stMain").get_by_role("button", name="Import", exact=True).click()
    page.get_by_text(re.compile(r" imported: ")).wait_for(timeout=120_000)
    yield "dataset", time.monotonic() - begun
    _train(page, one)
    yield "started", time.monotonic() - begun
    _wait(page, home)
    yield "runs", time.monotonic() - begun
    for step, title in LOOKED_AT.items():
        page.locator("[data-testid=stSidebarNavLink]", has_text=title).first.click()
        page.get_by_role("heading", name=title, exact=True).wait_for()
        yield step, time.monotonic() - begun


def _wait(page: Page, home: Path) -> None:
    """Until no run of the home is active; RuntimeError unless the newest one succeeded."""
    from core.runs.states import ACTIVE, State
    from core.runs.store import RunStore

    store = RunStore(home / "runs", shipped=None)
    while (newest := store.list()[0]).state in ACTIVE:
        page.wait_for_timeout(1000)
    if newest.state != State.SUCCEEDED:
        raise RuntimeError(f"The run {newest.state}: {newest.reason}")
    page.locator(".stMarkdownBadge", has_text="succeeded").first.wait_for(timeout=60_000)


def picture(page: Page, path: Path) -> None:
    """All of the page as it stands; RuntimeError where it says that something went wrong."""
    settled(page, 180)
    length = page.evaluate("document.querySelector('[data-testid=stMainBlockContainer]').scrollHeight")
    page.set_viewport_size({"width": 1280, "height": min(int(length) + 20, 6000)})
    settled(page, 180)
    page.screenshot(path=path)
    page.set_viewport_size({"width": 1280, "height": 1000})
    wrong = page.locator("[data-testid=stException], [data-testid=stAlertContentError]")
    if wrong.count():
        raise RuntimeError(f"{path.stem}: {wrong.first.inner_text()[:400]}")


def _bring(page: Page, file: Path, one: Journey) -> None:
    main = page.get_by_test_id("stMain")
    main.get_by_text("Import files", exact=True).click()
    settled(page)
    main.get_by_text("Sets of cells, images or sequences", exact=True).click()
    settled(page)
    page.get_by_test_id("stFileUploaderDropzoneInput").first.set_input_files(file)
    page.get_by_text("What is a set, and what of an observation is kept").wait_for(timeout=60_000)
    settled(page)
    _columns(page, one.columns)
    for label, option in one.options.items():
        _choose(page, label, option)
    for label, value in one.numbers.items():
        box = page.get_by_role("spinbutton", name=label)
        box.fill(str(value))
        box.press("Enter")
        settled(page)
    page.get_by_text(re.compile(r"This makes \d")).wait_for(timeout=60_000)


def _columns(page: Page, wanted: tuple[str, ...]) -> None:
    """Exactly these columns in the multiple choice of what forms a set."""
    box = page.get_by_test_id("stMultiSelect").filter(has_text="Columns that form a set").first
    if (clear := box.get_by_role("button", name=re.compile("[Cc]lear"))).count():
        clear.first.click()
        settled(page)
    for column in wanted:
        _take(page, box.get_by_role("combobox"), column)
    page.keyboard.press("Escape")


def _choose(page: Page, label: str, option: str) -> None:
    box = page.get_by_role("combobox", name=re.compile(label)).first
    _take(page, box, option)
    if box.input_value() != option:
        raise RuntimeError(f"{label} stands at {box.input_value()!r}; {option!r} could not be chosen.")


def _take(page: Page, box: Locator, option: str) -> None:
    """Open the list of a box and click one of its options."""
    box.scroll_into_view_if_needed()
    wanted = page.get_by_role("option", name=option, exact=True)
    for _ in range(5):  # a page that scrolls to the box shuts its list again
        box.click()
        page.wait_for_timeout(500)
        if wanted.count():
            wanted.click()
            break
    settled(page)


def _train(page: Page, one: Journey) -> None:
    page.get_by_role("link", name="Train a model on it").click()
    page.get_by_role("heading", name="What will happen").wait_for(timeout=120_000)
    settled(page)
    page.get_by_test_id("stMain").get_by_text(one.preset, exact=True).first.click()
    settled(page)
    box = page.get_by_role("spinbutton", name="Epochs")
    if one.epochs and box.count():  # what is fitted in closed form has none
        box.fill(str(one.epochs))
        box.press("Enter")
        settled(page)
    page.get_by_role("heading", name="What will happen").wait_for(timeout=120_000)
    page.get_by_test_id("stMain").get_by_role("button", name="Start training").click()
    page.get_by_role("heading", name="Runs", exact=True).wait_for(timeout=120_000)


if __name__ == "__main__":
    main()

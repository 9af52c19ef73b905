"""A journey through the pages of sets in a real browser: from the map of digits to a shared moment of a walk."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from core.data.library import Library
from tests.browser.conftest import Server
from tests.browser.test_journeys import SOON, choose, new_browser, settled

pytestmark = pytest.mark.xdist_group("browser")

TINY = ["training.epochs=2", "encoder.width=16", "generator.width=8", "generator.steps=2", "model.latent=8"]


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A tab of a browser that has never been here."""
    tab = new_browser(chromium)
    yield tab
    tab.context.close()


def model_called(page: Page, title: str) -> None:
    """Choose the model with this title, where it is not chosen already."""
    box = page.get_by_role("combobox", name=re.compile("Model")).first
    box.wait_for()
    if title not in page.get_by_test_id("stSelectbox").first.inner_text():
        choose(page, "Model", re.compile(title))


def click_a_set(page: Page, key: str, place: int) -> None:
    """Click one of the points of a map, the one at `place` in the order of drawing."""
    points = page.locator(f".st-key-{key} svg g.mark-symbol.role-mark").first.locator("path")
    points.first.wait_for()
    page.wait_for_timeout(1000)  # Vega draws once more when its fonts and its width are known
    points.nth(place).scroll_into_view_if_needed()
    box = points.nth(place).bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def test_from_the_map_of_digits_to_a_shared_moment(server: Server, page: Page, chromium: Browser) -> None:
    server.command("train", "experiment=digits", *TINY)
    page.goto(f"{server.address}/atlas")
    model_called(page, "Handwritten digits")
    headings = page.get_by_test_id("stMain").get_by_role("heading", level=3)
    expect(headings.first).to_have_text(re.compile("^Set "))
    seen = [headings.first.inner_text()]
    for place in (40, 75):
        click_a_set(page, "atlas_map", place)
        expect(headings.first).not_to_have_text(seen[-1], timeout=SOON)
        settled(page)
        seen.append(headings.first.inner_text())
    assert len(set(seen)) == 3

    page.get_by_role("link", name=re.compile("Walk between A and B")).click()
    expect(page.get_by_role("heading", name="Interpolate", exact=True)).to_be_visible()
    settled(page)
    whole = page.get_by_role("heading", name=re.compile("The whole way from")).inner_text()
    assert all(name.removeprefix("Set ") in whole for name in seen[1:])

    slider = page.get_by_role("slider").first
    slider.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_text("t = 0.6; 24 generated")).to_be_visible()
    settled(page)
    seen_at_last = board(page)
    page.get_by_role("button", name="Copy link").click()
    link = page.get_by_test_id("stCode").first.inner_text().strip()
    assert "t=0.6" in link

    other = new_browser(chromium)
    other.goto(link)
    expect(other.get_by_text("t = 0.6; 24 generated")).to_be_visible()
    settled(other)
    assert other.get_by_role("heading", name=re.compile("The whole way from")).inner_text() == whole
    shared = board(other)
    assert difference(shared, seen_at_last) < 1
    other.context.close()

    page.keyboard.press("Escape")
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_text("t = 1; 24 generated")).to_be_visible()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    settled(page)
    assert difference(board(page), seen_at_last) > 1


def board(page: Page) -> np.ndarray:
    """The first picture of the page as grey levels, as the browser got it."""
    source = page.get_by_test_id("stImage").locator("img").first.get_attribute("src")
    assert source
    address = source if source.startswith("http") else page.url.split("/interpolate")[0] + source
    return np.asarray(Image.open(io.BytesIO(page.request.get(address).body())).convert("L"), dtype=np.float64)


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """Mean difference in grey levels: rounding may turn a pixel by one, another picture turns most."""
    assert a.shape == b.shape
    return float(np.abs(a - b).mean())


def test_a_new_h5ad_is_embedded_and_its_neighbours_are_listed(server: Server, page: Page, tmp_path: Path) -> None:
    import anndata

    server.command("train", "experiment=lineage_tracing", *TINY)
    sets = Library(server.home / "datasets").open("demo-clones").collection()
    x = np.asarray(sets.observations_of(30))
    new = anndata.AnnData(X=x)
    new.var_names = [str(name) for name in sets.feature]
    new.obs["clone"] = "new"
    new.write_h5ad(tmp_path / "new.h5ad")

    page.goto(f"{server.address}/atlas")
    model_called(page, "Clonal differentiation")
    settled(page)
    page.get_by_text("Embed a new set").click()
    page.get_by_test_id("stFileUploaderDropzoneInput").first.set_input_files(tmp_path / "new.h5ad")
    tables = page.get_by_test_id("stMain").get_by_role("table")
    expect(tables).to_have_count(2, timeout=SOON)
    settled(page)
    assert page.get_by_role("alert").count() == 0
    nearest = tables.nth(1).get_by_role("cell").first
    expect(nearest).to_have_text(str(sets.set_id[30]))

"""A journey through the pages of sets in a real browser: from the map of digits to a shared moment of a walk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from core.data.library import Library
from tests.browser.conftest import Server
from tests.browser.serving import settled
from tests.browser.test_journeys import choose, new_browser

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


def graph(page: Page, key: str) -> Locator:
    """The chart drawn under `key`, when its script has ended and its marks are there."""
    chart = page.locator(f".st-key-{key} .js-plotly-plot")
    chart.locator(".main-svg").first.wait_for()
    settled(page)
    chart.scroll_into_view_if_needed()
    return chart


def click_a_set(page: Page, key: str, place: int) -> None:
    """Click the point of a map that stands for the set at `place`."""
    chart = graph(page, key)
    across, down = chart.evaluate(
        """(graph, place) => {
            const { xaxis, yaxis } = graph._fullLayout;
            for (const { customdata, x, y } of graph._fullData) {
                const i = Array.from(customdata ?? []).indexOf(place);
                if (i >= 0) return [xaxis._offset + xaxis.l2p(x[i]), yaxis._offset + yaxis.l2p(y[i])];
            }
        }""",
        place,
    )
    box = chart.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + across, box["y"] + down)


def moment(walk: Locator) -> int:
    """The place of the moment that the slider of a walk stands at."""
    return int(walk.evaluate("graph => graph.layout.sliders[0].active"))


def board(walk: Locator) -> str:
    """What the model generates at that moment, as the browser shows it."""
    return str(walk.evaluate("graph => graph.data[0].source"))


def test_from_the_map_of_digits_to_a_shared_moment(server: Server, page: Page, chromium: Browser) -> None:
    server.command("train", "experiment=digits", *TINY)
    sent: list[object] = []

    def note(frame: object) -> None:
        sent.append(frame)

    page.on("websocket", lambda socket: socket.on("framesent", note))
    page.goto(f"{server.address}/atlas")
    model_called(page, "Handwritten digits")
    headings = page.get_by_test_id("stMain").get_by_role("heading", level=3)
    expect(headings.first).to_have_text(re.compile("^Set "))
    seen = [headings.first.inner_text()]
    for place in (40, 75):
        click_a_set(page, "atlas_map", place)
        expect(headings.first).not_to_have_text(seen[-1])
        settled(page)
        seen.append(headings.first.inner_text())
    assert len(set(seen)) == 3

    page.get_by_role("link", name=re.compile("Walk between A and B")).click()
    expect(page.get_by_role("heading", name="Interpolate", exact=True)).to_be_visible()
    walk = graph(page, "walk_within")
    whole = page.get_by_role("heading", name=re.compile("The whole way from")).inner_text()
    assert all(name.removeprefix("Set ") in whole for name in seen[1:])
    assert moment(walk) == 20
    walk.evaluate("graph => { graph.kept = true; }")
    rail = walk.locator(".slider-rail-touch-rect").bounding_box()
    assert rail is not None
    before, drawn = len(sent), board(walk)
    page.mouse.move(rail["x"] + rail["width"] / 2, rail["y"] + rail["height"] / 2)
    page.mouse.down()
    for share in (0.52, 0.55, 0.58, 0.6):
        page.mouse.move(rail["x"] + rail["width"] * share, rail["y"] + rail["height"] / 2)
        page.wait_for_function("([graph, drawn]) => graph.data[0].source !== drawn", arg=[walk.element_handle(), drawn])
        drawn = board(walk)
    assert len(sent) == before, "dragging asks the server for nothing"
    page.mouse.up()
    expect(page).to_have_url(re.compile("t=0.6"))
    settled(page)
    assert walk.evaluate("graph => graph.kept"), "the figure was built anew"
    page.get_by_role("button", name="Copy link").click()
    link = page.get_by_test_id("stCode").first.inner_text().strip()
    assert "t=0.6" in link

    other = new_browser(chromium)
    other.goto(link)
    shared = graph(other, "walk_within")
    assert other.get_by_role("heading", name=re.compile("The whole way from")).inner_text() == whole
    assert (moment(shared), board(shared)) == (moment(walk), drawn)
    other.context.close()

    page.keyboard.press("Escape")
    walk.locator(".updatemenu-button").click()
    page.wait_for_function("graph => graph.layout.sliders[0].active === 40", arg=walk.element_handle())
    assert board(walk) != drawn


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
    nearest = page.get_by_role("region", name=re.compile("sets whose latents are nearest: "))
    expect(nearest).to_have_count(2)
    settled(page)
    assert page.get_by_role("alert").count() == 0
    expect(nearest.nth(1)).to_have_attribute("aria-label", re.compile(f"nearest: {sets.set_id[30]}"))

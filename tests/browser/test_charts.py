"""What a reader does with charts in a real browser: point, click, select, zoom, play, save."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Server
from tests.browser.test_journeys import finished_demo_comparison, graph, later_epoch, new_browser

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A tab of a browser that has never been here."""
    tab = new_browser(chromium)
    yield tab
    tab.context.close()


def point(chart: Locator, x: float, y: float) -> tuple[float, float]:
    """A place on the first panel of a chart, as shares of its width and height, in pixels of the page."""
    box = chart.locator(".nsewdrag").first.bounding_box()
    assert box
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def drag(page: Page, chart: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*point(chart, *start))
    page.mouse.down()
    page.mouse.move(*point(chart, *end), steps=8)
    page.mouse.up()


def saved(page: Page, press: Locator) -> Path:
    with page.expect_download() as download:
        press.click()
    return Path(download.value.path())


def test_a_pair_of_variants_is_pointed_at_and_kept(server: Server, page: Page) -> None:
    finished_demo_comparison(server)
    page.goto(f"{server.address}/linkage")
    squares = graph(page, "squares")
    page.mouse.move(*point(squares, 0.7, 0.3))
    expect(squares.locator(".hovertext")).to_contain_text("r²")
    page.mouse.click(*point(squares, 0.7, 0.3))
    kept = page.get_by_text(re.compile("apart: r² "))
    expect(kept).to_be_visible()
    words = kept.inner_text()
    graph(page, "squares")
    page.mouse.click(*point(squares, 0.2, 0.6))
    expect(kept).not_to_have_text(words)


def test_a_box_on_the_atlas_lists_the_sets_inside(server: Server, page: Page) -> None:
    page.goto(f"{server.address}/atlas")
    atlas = graph(page, "atlas_map")
    atlas.hover()
    atlas.locator(".modebar-btn[data-title='Box Select']").click()
    drag(page, atlas, (0.05, 0.05), (0.95, 0.95))
    expect(page.get_by_text(re.compile(r"\d+ sets? inside"))).to_be_visible()
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible()


def test_a_zoom_survives_the_growth_of_curves(server: Server, page: Page) -> None:
    server.command(
        "train", "experiment=wgan_gp", "--detach", "training.epochs=100000", "training.evaluate_every=100000",
        "model.generator_widths=[16]", "model.critic_widths=[16]",
        "evaluation.umap_individuals=0", "evaluation.bootstrap=0",
    )  # fmt: skip
    page.goto(f"{server.address}/runs")
    first = later_epoch(page, 2)
    curves = page.locator(".live").first
    curves.locator(".main-svg").first.wait_for()
    curves.scroll_into_view_if_needed()
    curves.evaluate("node => { node.kept = true; }")
    zoomed = "node => node._fullLayout.xaxis.range.map(x => Math.round(x * 100))"
    # The panels share the axis of epochs; the first may lie below the bar at the top of the page: take the second.
    drag(page, curves, (0.2, 1.5), (0.7, 2.2))
    page.wait_for_function("node => node._fullLayout.xaxis.autorange === false", arg=curves.element_handle())
    ranges, newest = curves.evaluate(zoomed), curves.evaluate("node => node._fullData[2].x.at(-1)")
    later_epoch(page, first + 2)
    page.wait_for_function(
        "([node, newest]) => node._fullData[2].x.at(-1) > newest",
        arg=[curves.element_handle(), newest],
    )
    assert curves.evaluate(zoomed) == ranges
    assert curves.evaluate("node => node.kept"), "the chart was built anew"
    page.get_by_test_id("stMain").get_by_role("button", name="Stop").click()
    expect(page.locator(".stMarkdownBadge", has_text="cancelled")).to_be_visible()


def test_a_chart_is_saved_as_picture_and_numbers(server: Server, page: Page) -> None:
    finished_demo_comparison(server)
    page.goto(f"{server.address}/linkage")
    decay = graph(page, "decay")
    decay.hover()
    picture = saved(page, decay.locator(".modebar-btn[data-title^='Download']"))
    assert picture.read_text().startswith("<svg")
    page.locator(".st-key-decay_save button").first.click()
    numbers = saved(page, page.get_by_role("button", name="Numbers (CSV)"))
    rows = list(csv.DictReader(io.StringIO(numbers.read_text())))
    assert {"series", "distance", "r2"} <= set(rows[0]) and len(rows) > 10

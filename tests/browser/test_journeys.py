"""Two journeys through the dashboard in a real browser, as a newcomer would take them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, TimeoutError, expect

from core.runs.store import RunStore
from tests import waiting
from tests.browser.conftest import Server
from tests.browser.serving import settled
from tests.conftest import tiny_cohort
from tests.pages.cohort_files import sample_table, vcf
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("browser")

PATIENCE = 1000 * waiting.PATIENCE  # milliseconds
EPOCHS, VALIDATE_EVERY = 100_000, 50  # no machine gets to the end of it while it is watched
expect.set_options(timeout=PATIENCE)


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A tab of a browser that has never been here."""
    tab = new_browser(chromium)
    yield tab
    tab.context.close()


def new_browser(chromium: Browser) -> Page:
    context = chromium.new_context(viewport={"width": 1280, "height": 1000}, accept_downloads=True)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    context.set_default_timeout(PATIENCE)
    return context.new_page()


def graph(page: Page, key: str) -> Locator:
    """The chart drawn under `key`, in view, when its marks are there."""
    drawing = page.locator(f".st-key-{key} .js-plotly-plot")
    drawing.locator(".main-svg").first.wait_for()
    settled(page)
    drawing.scroll_into_view_if_needed()
    return drawing


def shown(drawing: Locator) -> str:
    """What a chart shows: a digest of the numbers and pictures of its traces."""
    return str(
        drawing.evaluate(
            """node => node._fullData.map(t => [
                t.name, t.type, t.source?.length, t.source?.slice(-400),
                ...[t.x, t.y, t.z?.[1]].map(values => Array.from(values ?? []).slice(0, 50).join()),
            ].join()).join(';')"""
        )
    )


def choose(page: Page, label: str, option: str | re.Pattern[str]) -> None:
    """Take an option of a select box; scrolling, which a click begins with where it is out of view, closes its list."""
    box = page.get_by_role("combobox", name=re.compile(label))
    box.scroll_into_view_if_needed()
    settled(page)
    box.click()
    page.get_by_role("option", name=option).first.click()
    settled(page)


def finished_demo_comparison(server: Server) -> None:
    """What is shipped in pretrained/, or the quickest model of the demo cohort in its place."""
    if not any(run.has_report for run in RunStore(server.home / "runs").list()):
        server.command("train", "experiment=independent_sites")


def test_a_view_is_restored_from_its_link(server: Server, page: Page, chromium: Browser) -> None:
    finished_demo_comparison(server)
    page.goto(server.address)
    page.get_by_role("link", name="See where linkage differs").click()
    expect(page.get_by_role("heading", name="Linkage", exact=True)).to_be_visible()
    squares = shown(graph(page, "squares"))  # a chart that changes while it is drawn can stay empty in Streamlit 1.67
    page.get_by_test_id("stMain").get_by_text("Difference", exact=True).click()
    wait_until(lambda: shown(graph(page, "squares")) != squares, "the squares did not change")
    first = shown(graph(page, "squares"))
    page.get_by_role("button", name="Copy link").click()
    link = page.get_by_test_id("stCode").first.inner_text().strip()
    assert "linkage=Difference" in link

    other = new_browser(chromium)
    other.goto(link)
    expect(other.get_by_role("heading", name="Linkage", exact=True)).to_be_visible()
    settled(other)
    chosen = other.get_by_test_id("stMain").get_by_role("radio", name="Difference")
    expect(chosen).to_be_checked()
    assert shown(graph(other, "squares")) == first
    other.context.close()


def test_from_upload_to_export(server: Server, page: Page, tmp_path: Path) -> None:
    import_cohort(server, page, tmp_path)
    server.command("train", "experiment=independent_sites", "--dataset=cohort")
    start_training(page)
    tab = watch_close_and_reopen(server, page)
    stop_and_resume(tab)
    compare_and_export(tab, tmp_path)


def import_cohort(server: Server, page: Page, folder: Path) -> None:
    cohort = tiny_cohort(n=120, m=60)
    (folder / "cohort.vcf").write_bytes(vcf(cohort))
    (folder / "people.tsv").write_bytes(sample_table(cohort))
    page.goto(f"{server.address}/datasets")
    page.get_by_test_id("stMain").get_by_text("Import files", exact=True).click()
    settled(page)
    page.locator("input[type=file]").nth(0).set_input_files(folder / "cohort.vcf")
    expect(page.get_by_text("individuals in columns")).to_be_visible()
    settled(page)
    page.locator("input[type=file]").nth(1).set_input_files(folder / "people.tsv")
    expect(page.get_by_text("people.tsv")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("cohort imported: 120 individuals × 60 variants.")).to_be_visible()
    expect(page.get_by_text("Allele frequencies").first).to_be_visible()


def start_training(page: Page) -> None:
    page.get_by_role("link", name="Train a model on it").click()
    expect(page.get_by_role("heading", name="What will happen")).to_be_visible()
    for name, value in (("Epochs", EPOCHS), ("Evaluate every", VALIDATE_EVERY)):
        number = page.get_by_role("spinbutton", name=name)
        number.fill(str(value))
        number.press("Enter")
        settled(page)
    expect(page.get_by_text(f"training.epochs={EPOCHS} training.evaluate_every={VALIDATE_EVERY}")).to_be_visible()
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible()


def epoch(page: Page) -> int:
    said = page.get_by_text(re.compile(r"^Epoch [\d,]+ of")).first
    said.wait_for()
    found = re.search(r"Epoch ([\d,]+) of", said.inner_text())
    assert found
    return int(found[1].replace(",", ""))


def later_epoch(page: Page, than: int) -> int:
    """Wait, without touching the page, until it shows a later epoch."""
    wait_until(lambda: epoch(page) > than, f"the page stands still at epoch {than}")
    return epoch(page)


def watch_close_and_reopen(server: Server, page: Page) -> Page:
    first = later_epoch(page, 0)
    curves = page.locator(".live").first
    curves.locator(".main-svg").first.wait_for()
    before = shown(curves)
    second = later_epoch(page, first)
    wait_until(lambda: shown(curves) != before, "the curve does not move")
    context = page.context
    page.close()
    tab = context.new_page()
    tab.goto(f"{server.address}/runs")
    assert later_epoch(tab, second) > second
    return tab


def stop_and_resume(tab: Page) -> None:
    stopped = stop(tab)
    tab.get_by_role("button", name="Resume").click()
    later_epoch(tab, stopped)
    assert stop(tab) > stopped


def stop(tab: Page) -> int:
    """Stop the run; the epoch at which it ended."""
    # Streamlit shows a button of the same name in its header while a page is being drawn.
    tab.get_by_test_id("stMain").get_by_role("button", name="Stop").click()
    expect(tab.locator(".stMarkdownBadge", has_text="cancelled")).to_be_visible()
    return epoch(tab)


def compare_and_export(tab: Page, tmp_path: Path) -> None:
    tab.get_by_role("link", name="See its report").click()
    expect(tab.get_by_role("heading", name="Compare", exact=True)).to_be_visible()
    settled(tab)
    point_at(tab, tab.locator(".js-plotly-plot"), "Independent sites")
    choose(tab, "Baseline", re.compile("Independent sites"))
    expect(tab.get_by_text("clearly better").first).to_be_visible()
    tab.get_by_role("button", name="Save").first.click()
    numbers = download(tab, "Numbers (CSV)")
    assert "recall" in numbers.lower() and "Independent sites" in numbers
    tab.keyboard.press("Escape")
    report_alone(tab, download(tab, "Publish"), tmp_path)


def point_at(tab: Page, drawing: Locator, words: str) -> None:
    """Point at the marks of a drawing until one of them says `words`."""
    marks, label = drawing.first.locator(".scatterlayer path.point"), drawing.first.locator(".hoverlayer .hovertext")
    marks.first.wait_for(state="attached")
    for mark in marks.all():
        tab.mouse.move(0, 0)
        expect(label).to_have_count(0)
        mark.hover(force=True)
        label.first.wait_for()
        if words in "".join(label.all_text_contents()):
            return
    raise AssertionError(f"No mark says {words!r}.")


def report_alone(tab: Page, text: str, folder: Path) -> None:
    """The report opens from disk without a network, and its charts are alive."""
    (folder / "report.html").write_text(text)
    browser = tab.context.browser
    assert browser
    away = browser.new_context(offline=True)
    page = away.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((folder / "report.html").as_uri())
    point_at(page, page.locator(".js-plotly-plot"), "Independent sites")
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    away.close()


def download(tab: Page, name: str) -> str:
    """The text that a button saves.

    With every run of the page Streamlit gives the button a new file and forgets the old one, so that a click while the
    page still runs can be lost; a reader would click again.
    """
    button = tab.get_by_role("button", name=name)
    for _ in range(3):
        button.wait_for()
        settled(tab)
        try:
            with tab.expect_download(timeout=PATIENCE / 4) as saved:
                button.click()
        except TimeoutError:
            continue
        return Path(saved.value.path()).read_text()
    raise AssertionError(f"{name!r} saved nothing in three clicks.")

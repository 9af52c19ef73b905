"""Lessons in a browser that has never been here: a lecturer's link opens one, alone, and its figure answers a step."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from pages.parts.learn.lesson import Control, Lesson, Seed, Step
from pages.parts.learn.lessons import LESSONS
from pages.parts.learn.teaching import link
from tests.browser.conftest import Server
from tests.browser.test_journeys import new_browser

pytestmark = pytest.mark.xdist_group("browser")

# Links to other addresses of this server; one to a place on the same page (skip to the content) leads nowhere else.
_ELSEWHERE = """[...document.links].filter(a => a.origin === location.origin
    && a.pathname + a.search !== location.pathname + location.search).map(a => a.href)"""
# The numbers that all charts of the page show.
_SHOWN = """() => {
    const listed = values => Array.from(values ?? []);
    const numbers = ({ name, x, y, z, marker }) => [name, marker?.color, ...[x, y, ...listed(z)].map(listed)];
    const graphs = [...document.querySelectorAll('.js-plotly-plot')];
    return JSON.stringify(graphs.map(graph => listed(graph._fullData).map(numbers)));
}"""


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A tab of a browser that has never been here."""
    tab = new_browser(chromium)
    yield tab
    tab.context.close()


def hidden_control(lesson: Lesson) -> Control:
    """The control that the fewest steps move, for those are not offered; not the seed where another will do."""
    return min(lesson.controls, key=lambda c: (sum(c.key in step.sets for step in lesson.steps), isinstance(c, Seed)))


def offered_step(lesson: Lesson, hidden: Control) -> Step:
    """The first step that is offered and moves something."""
    start = {control.key: control.default for control in lesson.controls}
    return next(s for s in lesson.steps if hidden.key not in s.sets and start | dict(s.sets) != start)


# One of each kind: simulated at each move, trained on the page by itself, trained when told, a loaded model, cached.
KINDS = ("linkage", "reparameterisation", "collapse", "walking", "pca_diffusion")


@pytest.mark.parametrize(
    "lesson", [lesson for lesson in LESSONS if lesson.name in KINDS], ids=lambda lesson: lesson.name
)
def test_a_link_of_a_lecturer_shows_a_lesson_alone_and_its_figure_answers(
    server: Server, page: Page, lesson: Lesson
) -> None:
    hidden = hidden_control(lesson)
    step = offered_step(lesson, hidden)
    start = {control.key: control.default for control in lesson.controls}
    page.goto(f"{server.address}/learn{link(lesson, start, [], [hidden.key])}")
    expect(page.get_by_role("heading", level=1)).to_contain_text(lesson.title)
    page.locator(".js-plotly-plot .main-svg").first.wait_for()
    button = page.get_by_role("button", name=step.label, exact=True)
    expect(button).to_be_visible()

    for control in lesson.controls:
        expect(page.locator(f".st-key-{lesson.key(control.key)}")).to_have_count(int(control is not hidden))
    expect(page.locator("[data-testid=stSidebarNavLink], [data-testid=stPageLink]")).to_have_count(0)
    assert page.evaluate(_ELSEWHERE) == [], "a link to another page"

    before = page.evaluate(_SHOWN)
    button.click()
    expect(page.get_by_test_id("stAlert").first).to_be_visible()
    training = page.get_by_role("button", name="One step", exact=True)
    if training.count():  # a network that is trained on the page stands still until it is told to go on
        training.click()
    page.wait_for_function(f"before => ({_SHOWN})() !== before", arg=before, polling=100)
    expect(page.get_by_test_id("stException")).to_have_count(0)

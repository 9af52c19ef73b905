"""How fast lessons open, and how fast their figures answer a move: `python -m tests.browser.lesson_benchmark`.

Prints one JSON object. Opening begins with the click on a lesson's link in the list of lessons and ends when its title
is there, the script has ended and its figure is drawn; the first time, which imports and simulates, is told apart. A
move is one press of an arrow on the lesson's first slider. It begins with the event and ends with the second frame that
the browser paints after the chart has drawn: the first may have been under way. A move that changes nothing in the
figure draws nothing and is left out; "moves" counts the others.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pages.parts.learn.lesson import Lesson, Slider
from pages.parts.learn.lessons import LESSONS
from tests.browser.serving import browser, dashboard, settled

if TYPE_CHECKING:
    from playwright.sync_api import Page

VISITS = 3  # to each lesson, after the first
MOVES = 20
GOALS = {"open_s": 3.0, "move_ms": 150.0}

_PATIENCE = 120_000  # milliseconds for what must come
_UNCHANGED = 5_000  # milliseconds after which a move is taken for one that draws nothing
_AT_MOST = 3  # such moves, after which the slider is taken for one that only counts for what is trained next

_DRAWN = """title => document.querySelector('[data-testid=stMain] h1')?.innerText.includes(title)
    && document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'
    && !document.querySelector('[data-testid=stSkeleton], [data-stale=true]')
    && document.querySelector('.live .main-svg')"""
_LISTED = """() => document.querySelector('[data-testid=stMain] h1')?.innerText.includes('Lessons')
    && document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'
    && !document.querySelector('[data-stale=true], .live')"""
_WATCH = """graph => {
    graph.moves = [];
    graph.begun = null;
    document.addEventListener('keydown', event => {
        if (event.key.startsWith('Arrow')) graph.begun = performance.now();
    }, true);
    graph.on('plotly_afterplot', () => {
        if (graph.begun === null) return;
        requestAnimationFrame(() => requestAnimationFrame(() => {
            if (graph.begun === null) return;
            graph.moves.push(performance.now() - graph.begun);
            graph.begun = null;
        }));
    });
}"""


def main() -> dict[str, Any]:
    """{"lessons": {name: {"first_s", "open_s", "move_ms", "slowest_ms", "moves"}}, "goals", "passed"}."""
    with tempfile.TemporaryDirectory() as folder, dashboard(Path(folder)) as address, browser() as chromium:
        page = chromium.new_page(viewport={"width": 1280, "height": 1000})
        page.goto(f"{address}/learn")
        settled(page)
        measured = {lesson.name: _measure(page, lesson) for lesson in LESSONS}
    moves = [one["move_ms"] for one in measured.values() if one["move_ms"] is not None]
    return {
        "lessons": measured, "visits": VISITS, "goals": GOALS,
        "passed": all(one["open_s"] < GOALS["open_s"] for one in measured.values())
        and all(move < GOALS["move_ms"] for move in moves),
    }  # fmt: skip


def _measure(page: Page, lesson: Lesson) -> dict[str, Any]:
    first, *others = (_open(page, lesson) for _ in range(1 + VISITS))
    moves = _moves(page, lesson)
    return {
        "first_s": round(first, 2), "open_s": round(statistics.median(others), 2),
        "move_ms": round(statistics.median(moves), 1) if moves else None,
        "slowest_ms": round(max(moves), 1) if moves else None, "moves": len(moves),
    }  # fmt: skip


def _open(page: Page, lesson: Lesson) -> float:
    """Seconds from the click on the lesson's link until its figure is drawn."""
    if page.locator(".live").count():
        page.get_by_role("link", name="All lessons").click()
    page.wait_for_function(_LISTED, timeout=_PATIENCE)
    # Streamlit writes a link that has a hint twice, of which one is seen.
    link = page.locator(f"a[href$='lesson={lesson.name}']:visible").first
    link.scroll_into_view_if_needed()
    begun = time.perf_counter()
    link.click()
    page.wait_for_function(_DRAWN, arg=lesson.title, timeout=_PATIENCE)
    return time.perf_counter() - begun


def _moves(page: Page, lesson: Lesson) -> list[float]:
    """Milliseconds of each move of the first slider that drew something: up to its end, then down again."""
    from playwright.sync_api import TimeoutError

    control = next(one for one in lesson.controls if isinstance(one, Slider))
    upwards = round((control.high - control.default) / control.step)
    settled(page)
    graph = page.locator(".live").first
    graph.evaluate(_WATCH)
    handle = page.locator(f".st-key-{lesson.key(control.key)}").get_by_role("slider")
    for move in range(MOVES):
        drawn = graph.evaluate("graph => graph.moves.length")
        handle.press("ArrowRight" if move < upwards else "ArrowLeft")
        try:
            page.wait_for_function(
                "([graph, drawn]) => graph.moves.length > drawn", arg=[graph.element_handle(), drawn],
                timeout=_UNCHANGED,
            )  # fmt: skip
        except TimeoutError:
            graph.evaluate("graph => { graph.begun = null; }")
            if move + 1 - drawn >= _AT_MOST:
                break
    return [float(one) for one in graph.evaluate("graph => graph.moves")]


if __name__ == "__main__":
    print(json.dumps(main()))

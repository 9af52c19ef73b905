"""How long a move of the slider of a walk takes until its points are painted: `python -m tests.browser.drag_benchmark`.

The walk between two sets of the demo Gaussians, 41 moments of 2,000 points in each of three panels. A step begins with
the slider's own event and ends with the second frame that the browser paints after the chart has drawn: the first may
have been under way. Prints one JSON object.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from tests.browser.serving import browser, dashboard, settled

VIEW = "interpolate?model=Gaussians+in+the+plane&points=2000"
STEPS = 40

_WATCH = """graph => {
    graph.steps = [];
    let begun = null;
    graph.on('plotly_sliderchange', () => { begun ??= performance.now(); });
    graph.on('plotly_afterplot', () => {
        if (begun === null) return;
        const from = begun;
        begun = null;
        requestAnimationFrame(() => requestAnimationFrame(() => graph.steps.push(performance.now() - from)));
    });
}"""


def main() -> dict[str, Any]:
    """{"frames", "points", "panels", "median_ms", "slowest_ms", "messages"} of one slow drag from end to end."""
    with tempfile.TemporaryDirectory() as home, dashboard(Path(home)) as address, browser() as chromium:
        page = chromium.new_page(viewport={"width": 1280, "height": 1200})
        sent: list[Any] = []

        def note(frame: Any) -> None:
            sent.append(frame)

        page.on("websocket", lambda socket: socket.on("framesent", note))
        page.goto(f"{address}/{VIEW}")
        settled(page)
        graph = page.locator(".js-plotly-plot:has(.slider-container)").first
        graph.scroll_into_view_if_needed()
        graph.evaluate(_WATCH)
        rail = graph.locator(".slider-rail-touch-rect").bounding_box()
        assert rail
        middle = rail["y"] + rail["height"] / 2
        page.mouse.move(rail["x"] + 2, middle)
        page.mouse.down()
        before = len(sent)
        for step in range(1, STEPS + 1):
            count = int(graph.evaluate("graph => graph.steps.length"))
            page.mouse.move(rail["x"] + rail["width"] * step / STEPS, middle)
            page.wait_for_function(
                "([graph, count]) => graph.steps.length > count", arg=[graph.element_handle(), count]
            )
        messages = len(sent) - before
        page.mouse.up()
        steps = graph.evaluate("graph => graph.steps")
        shape = graph.evaluate(
            "g => ({frames: g.layout.sliders[0].steps.length, points: g.calcdata[0].length || g._fullData[0].x.length,"
            " panels: g._fullData.filter(t => t.x && t.x.length > 100).length})"
        )
        return {
            **shape, "median_ms": round(statistics.median(steps), 1), "slowest_ms": round(max(steps), 1),
            "messages": messages,
        }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(main()))

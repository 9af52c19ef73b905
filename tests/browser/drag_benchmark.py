"""How long a move of the slider of a walk takes until its points are painted: `python -m tests.browser.drag_benchmark`.

A walk of 41 moments with 2,000 points in each of three panels, drawn as Interpolate draws it. A step begins with the
slider's own event and ends with the second frame that the browser paints after the chart has drawn: the first may have
been under way. Prints one JSON object.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from tests.browser.serving import REPOSITORY, browser, serve, settled

FRAMES, POINTS = 41, 2000
MOVES = 80  # of the mouse from end to end

_APP = f"""import sys
sys.path.insert(0, {str(REPOSITORY)!r})
import numpy as np
import streamlit as st
from core.plots.walk import GENERATED, MIXTURE, TRANSPORT, Moments, points
from pages.parts.chart import chart
st.set_page_config(layout="wide")
st.title("Walk")
t, rng = np.linspace(0, 1, {FRAMES}), np.random.default_rng(0)
panels = {{}}
for name in (GENERATED, TRANSPORT, MIXTURE):
    cloud = rng.normal(size=({POINTS}, 2))
    panels[name] = [cloud + 8 * s for s in t]
ends = {{"A": panels[MIXTURE][0], "B": panels[MIXTURE][-1]}}
chart(points(Moments(list(t), [""] * len(t)), panels, ends, ("x", "y")), key="walk", watch=("slider",))
"""
_WATCH = """graph => {
    graph.steps = [];
    graph.begun = null;
    graph.on('plotly_sliderchange', () => { graph.begun ??= performance.now(); });
    graph.on('plotly_afterplot', () => {
        if (graph.begun === null) return;
        requestAnimationFrame(() => requestAnimationFrame(() => {
            if (graph.begun === null) return;
            graph.steps.push(performance.now() - graph.begun);
            graph.begun = null;
        }));
    });
}"""
# A move within one step of the slider changes nothing: two frames later no step has begun.
_PAINTED = """graph => new Promise(resolve => {
    const look = () => graph.begun === null ? resolve() : requestAnimationFrame(look);
    requestAnimationFrame(() => requestAnimationFrame(look));
})"""


def main() -> dict[str, Any]:
    """{"frames", "points", "panels", "steps", "median_ms", "slowest_ms", "messages"} of one drag from end to end."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "app.py"
        script.write_text(_APP)
        with serve(REPOSITORY, Path(folder), script) as (address, _), browser() as chromium:
            page = chromium.new_page(viewport={"width": 1280, "height": 1000})
            sent: list[Any] = []

            def count(frame: Any) -> None:
                sent.append(frame)

            page.on("websocket", lambda socket: socket.on("framesent", count))
            page.goto(address)
            settled(page)
            graph = page.locator(".js-plotly-plot:has(.slider-container)").first
            graph.evaluate(_WATCH)
            rail = graph.locator(".slider-rail-touch-rect").bounding_box()
            assert rail
            middle = rail["y"] + rail["height"] / 2
            page.mouse.move(rail["x"] + 2, middle)
            page.mouse.down()
            before = len(sent)
            for move in range(1, MOVES + 1):
                page.mouse.move(rail["x"] + rail["width"] * move / MOVES, middle)
                graph.evaluate(_PAINTED)
            messages = len(sent) - before
            page.mouse.up()
            steps = graph.evaluate("graph => graph.steps")
    return {
        "frames": FRAMES, "points": POINTS, "panels": 3, "steps": len(steps),
        "median_ms": round(statistics.median(steps), 1), "slowest_ms": round(max(steps), 1), "messages": messages,
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(main()))

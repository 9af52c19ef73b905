"""Each page beside a plain Streamlit page that draws the same charts and nothing else: time, memory, dragging."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import Any

from core import child
from core.errors import RunError

GOAL = 1.5
"""What a page may take at most, in time until its last chart is drawn and in server memory, as a multiple."""

DRAG_GOAL = 100.0  # milliseconds from a move of the slider until the points are painted

# core knows no browser: the measuring programs belong to the browser tests.
_PAGES, _DRAG = "tests.browser.page_benchmark", "tests.browser.drag_benchmark"


def main(arguments: Sequence[str]) -> int:
    """`bench pages [--json]`; 0 where every goal is met, else 1. Raises RunError where no browser can be driven."""
    parser = argparse.ArgumentParser(prog="python -m core bench pages", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    result = judge(measure(_PAGES), measure(_DRAG))
    print(json.dumps(result) if options.json else summary(result))
    return 0 if result["passed"] else 1


def measure(program: str) -> dict[str, Any]:
    """What a measuring program prints last: one JSON object."""
    done = child.run(program, quiet=False)
    if done.status:
        raise RunError(
            "The pages could not be measured: a Chromium and the packages of requirements-dev.txt are needed; "
            "run make test once and try again."
        )
    return done.answer()


def judge(pages: Mapping[str, Any], drag: Mapping[str, Any]) -> dict[str, Any]:
    """Every page's ratio to its plain twin beside the goals, and the slowest page by name."""
    ratios = {page: both["ours"] / both["plain"] for page, both in pages["pages"].items()}
    memory = {
        what: pages["memory"][f"ours, {what}"] / pages["memory"][f"plain, {what}"] for what in ("reading", "generating")
    }
    met = all(ratio <= GOAL for ratio in [*ratios.values(), *memory.values()])
    return {
        "benchmark": "pages",
        "ratios": {page: round(ratio, 2) for page, ratio in ratios.items()},
        "memory": {what: round(ratio, 2) for what, ratio in memory.items()},
        "slowest": max(ratios, key=lambda page: ratios[page]),
        "drag": dict(drag),
        "goals": {"ratio": GOAL, "drag": DRAG_GOAL},
        "passed": met and drag["median_ms"] < DRAG_GOAL and drag["messages"] == 0,
        "measured": dict(pages),
    }


def summary(result: Mapping[str, Any]) -> str:
    """A line a page, then memory and dragging."""
    measured = result["measured"]
    lines = [
        f"{page}: {ratio:.2f} times ({measured['pages'][page]['ours']:.2f} s against "
        f"{measured['pages'][page]['plain']:.2f} s, {measured['pages'][page]['charts']} charts)"
        for page, ratio in result["ratios"].items()
    ]
    lines.append(f"slowest: {result['slowest']}; goal: at most {GOAL:g} times each")
    lines += [f"memory of the server, pages {what}: {ratio:.2f} times" for what, ratio in result["memory"].items()]
    drag = result["drag"]
    lines.append(
        f"dragging t over {drag['frames']} frames of {drag['points']:,} points in {drag['panels']} panels: median "
        f"{drag['median_ms']:.0f} ms a step (goal {DRAG_GOAL:g}), {drag['messages']} messages to the server"
    )
    return "\n".join([*lines, "passed" if result["passed"] else "not passed"])

"""The dashboard beside an empty Streamlit app: cold start, reload, memory, page switches with 200 runs."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from core.config.home import REPOSITORY
from core.errors import RunError

GOALS = {"cold start": 1.5, "reload": 2.0, "memory": 3.0, "page switch with 200 runs": 2.0}
"""What each may cost at most, as a multiple of what it costs the empty app."""

# core knows no browser: the measuring program belongs to the browser tests.
_PROGRAM = "tests.browser.page_benchmark"


def main(arguments: Sequence[str]) -> int:
    """`bench pages [--json]`; 0 where every goal is met, else 1. Raises RunError where no browser can be driven."""
    parser = argparse.ArgumentParser(prog="python -m core bench pages", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    result = judge(measure())
    print(json.dumps(result) if options.json else summary(result))
    return 0 if result["passed"] else 1


def measure() -> dict[str, Any]:
    """Medians of the times (seconds) and sizes (MiB) of the empty app, of the dashboard, and of it with 200 runs."""
    done = subprocess.run(
        [sys.executable, "-m", _PROGRAM], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise RunError(
            "The pages could not be measured: a Chromium and the packages of requirements-dev.txt are needed; "
            "run make test once and try again."
        )
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def judge(measured: Mapping[str, Any]) -> dict[str, Any]:
    """The ratios to the empty app beside the goals."""
    empty, ours, many = measured["empty"], measured["popscape"], measured["popscape with 200 runs"]
    idle = statistics.median(_switches(empty).values())
    alone, crowded = _switches(ours), _switches(many)
    ratios = {
        "cold start": ours["cold start"] / empty["cold start"],
        "reload": ours["reload"] / empty["reload"],
        # The largest that the server became, after a visit to every page that reads.
        "memory": many["memory after all"] / empty["memory after all"],
        # The page in the middle beside a page that holds a title only.
        "page switch with 200 runs": statistics.median(crowded.values()) / idle,
        # No goals: the slowest page, and what the runs cost.
        "slowest page switch with 200 runs": max(crowded.values()) / idle,
        "page switch with 200 runs beside none": statistics.median(crowded[page] / alone[page] for page in crowded),
    }
    return {
        "benchmark": "pages",
        "ratios": {name: round(value, 2) for name, value in ratios.items()},
        "goals": GOALS,
        "passed": all(ratios[name] <= goal for name, goal in GOALS.items()),
        "measured": dict(measured),
    }


def summary(result: Mapping[str, Any]) -> str:
    """One line a goal, then the numbers behind them."""
    lines = [
        f"{name}: {ratio:.2f} times" + (f" (goal: at most {GOALS[name]:g})" if name in GOALS else "")
        for name, ratio in result["ratios"].items()
    ]
    for name, found in result["measured"].items():
        if isinstance(found, Mapping):
            lines.append(f"{name}: " + ", ".join(f"{key} {value:g}" for key, value in found.items()))
    return "\n".join([*lines, "passed" if result["passed"] else "not passed"])


def _switches(found: Mapping[str, float]) -> dict[str, float]:
    """Seconds until the server has answered each second visit to a page."""
    return {k: v for k, v in found.items() if k.startswith("switch") and not k.endswith("drawn")}

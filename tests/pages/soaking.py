"""Hundreds of visits to one server: `python -m tests.pages.soaking --visits 500`.

A visitor opens a view by its address and follows a link of the navigation; some upload a cohort, some train a model on
one, some go on step by step. In the end the memory of the server has to be what it was after the first visits, its log
without a traceback, every training successful, and no process left.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from core.runs.states import ACTIVE
from core.runs.store import RunStore
from pages.parts.learn.lessons import LESSONS
from pages.parts.sections import SECTIONS
from tests.browser.screenshots import VIEWS
from tests.browser.serving import REPOSITORY, serve
from tests.conftest import end_workers, tiny_cohort
from tests.pages.cohort_files import vcf
from tests.pages.visitor import Visitor
from tests.waiting import wait_until

FIRST = 50
"""Visits in which the server may grow: pages are opened for the first time, and models are loaded."""
GROWTH = 1.1
"""How much more it may hold at the end."""
_MOMENT = 10  # visits of which the median is taken
_OPEN = 5  # tabs that are left open
# Who is gone is kept for two minutes, in case they come back: at this pace hundreds of them. Ten seconds are ten.
_PACE = {"STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL": "10", "OMP_NUM_THREADS": "1"}
_STEPS = f"runs?{urlencode({'runs_view': 'Step by step'})}"
_EPOCHS = {"experiment": "VAE", "vae.training.epochs": "2", "vae.training.evaluate_every": "2"}


@dataclass
class Soak:
    """What was seen.

    Attributes:
        memory: MiB that the server held after each visit.
        uploads, trainings: how many there were.
        wrong: one sentence for each thing that went wrong.
        seconds: how long it took.
    """

    memory: list[float] = field(default_factory=list)
    uploads: int = 0
    trainings: int = 0
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def growth(self) -> float | None:
        """Memory at the end as a ratio to that after the first visits; None where there were too few visits."""
        if len(self.memory) < FIRST + _MOMENT:
            return None
        return statistics.median(self.memory[-_MOMENT:]) / statistics.median(self.memory[FIRST - _MOMENT : FIRST])


def views(seed: int) -> Iterator[tuple[str, str]]:
    """(page, parameters) of every view and every lesson in a chance order, again and again; the same for a seed."""
    chance = random.Random(seed)
    every = [*VIEWS.values(), _STEPS, *(f"learn?{urlencode({'lesson': lesson.name})}" for lesson in LESSONS)]
    while True:
        for view in chance.sample(every, len(every)):
            page, _, query = view.partition("?")
            yield page or "home", query


def soak(home: Path, visits: int, *, seed: int = 0, upload_every: int = 20, train_every: int = 25) -> Soak:
    """Visit the dashboard of `home` so often, one visitor after another."""
    seen, begun = Soak(), time.monotonic()
    chance, coming, tabs = random.Random(seed), views(seed), deque[Visitor]()
    with serve(REPOSITORY, home, **_PACE) as (address, server):
        for visit in range(1, visits + 1):
            tabs.append(visitor := Visitor(address))
            try:
                if visit % upload_every == 0:
                    _upload(visitor, visit)
                    seen.uploads += 1
                elif visit % train_every == 1 and seen.uploads:
                    _train(visitor, visit // upload_every * upload_every)
                    seen.trainings += 1
                else:
                    _look(visitor, *next(coming), chance.choice(SECTIONS).name)
            except Exception as error:  # noqa: BLE001 - whatever it is, the next visitor comes
                seen.wrong.append(f"visit {visit}: {type(error).__name__} {str(error)[:300]}")
            seen.memory.append(resident(server.pid))
            if len(tabs) > _OPEN:
                tabs.popleft().close()
            if visit % _MOMENT == 0:
                print(f"{visit} visits, {seen.memory[-1]:.0f} MiB, {time.monotonic() - begun:.0f} s", flush=True)
        for tab in tabs:
            tab.close()
        _wait_for_runs(home, seen)
        wait_until(lambda: not children(server.pid), "the server keeps a child")
    seen.wrong += [f"process {pid} is left: {words}" for pid, words in of_home(home).items()]
    log = (home / "server.log").read_text(errors="replace")
    seen.wrong += [f"in the log: {line[:300]}" for line in log.splitlines() if "Traceback" in line or "Error" in line]
    seen.seconds = time.monotonic() - begun
    return seen


def _look(visitor: Visitor, page: str, query: str, after: str) -> None:
    visitor.open(page, query)
    _refuse_failures(visitor, page)
    if any(button.label == "One step" for button in visitor.all("button")):
        visitor.press("One step")
        _refuse_failures(visitor, page)
    visitor.follow(after)
    _refuse_failures(visitor, after)


def _upload(visitor: Visitor, number: int) -> None:
    """Import a cohort that nobody has brought before."""
    visitor.open("datasets", urlencode({"datasets": "Import files"}))
    visitor.give("Genotype files", f"cohort{number}.vcf", vcf(tiny_cohort(n=120, m=60, seed=number)))
    visitor.press("Import")
    assert f"cohort{number} imported: 120 individuals" in visitor.said()
    _refuse_failures(visitor, "datasets")


def _train(visitor: Visitor, number: int) -> None:
    """Train the small network on a cohort that was brought, and see it on Runs."""
    visitor.open("train", urlencode({"dataset": f"cohort{number}", **_EPOCHS}))
    visitor.press("Start training")
    assert f"cohort{number}" in visitor.said() and visitor.all("heading")[0].body == "Runs"
    _refuse_failures(visitor, "runs")


def _refuse_failures(visitor: Visitor, page: str) -> None:
    failures = visitor.all("exception")
    assert not failures, f"{page} shows a failure: {failures[0].message[:200]}"
    assert visitor.all("heading"), f"{page} has no title"


def _wait_for_runs(home: Path, seen: Soak) -> None:
    """Wait until every training has ended, which goes on by itself, one after another."""
    store = RunStore(home / "runs", shipped=None)
    runs = store.list()
    for run in reversed(runs):  # each has the patience of a test, however many there are
        wait_until(lambda one=run: store.get(one.run).state not in ACTIVE, f"{run.run} does not end")  # type: ignore[misc]
        if (ended := store.get(run.run)).state != "succeeded":
            seen.wrong.append(f"run {ended.id} {ended.state}: {ended.status.get('reason')}")
    if len(runs) != seen.trainings:
        seen.wrong.append(f"{seen.trainings} trainings were started, and there are {len(runs)} runs")


def resident(pid: int) -> float:
    """MiB of memory that a process holds."""
    words = Path(f"/proc/{pid}/status").read_text().split()
    return int(words[words.index("VmRSS:") + 1]) / 1024


def children(pid: int) -> list[int]:
    """The processes that a process has started and not yet taken leave of, the dead among them."""
    return [int(one) for task in Path(f"/proc/{pid}/task").iterdir() for one in (task / "children").read_text().split()]


def of_home(home: Path) -> Mapping[int, str]:
    """The processes, this one aside, that were started with this POPSCAPE_HOME: pid -> command line."""
    found, mark = {}, f"POPSCAPE_HOME={home}".encode()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    words = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                    found[int(folder.name)] = words.decode(errors="replace")[:200]
            except OSError:  # it has ended, or is another user's
                continue
    return found


def main() -> None:
    """Print one JSON object; exit with 1 if anything went wrong or the memory grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        try:
            seen = soak(home, options.visits, seed=options.seed)
        finally:
            end_workers(home)
    growth = seen.growth()
    if growth is not None and growth > GROWTH:
        seen.wrong.append(f"the server's memory grew to {growth:.2f} times that after the first {FIRST} visits")
    memory = {str(visit): round(seen.memory[visit - 1]) for visit in range(_MOMENT, len(seen.memory) + 1, _MOMENT)}
    said = {"visits": len(seen.memory), "uploads": seen.uploads, "trainings": seen.trainings, "growth": growth}
    print(json.dumps(said | {"memory_mib": memory, "seconds": round(seen.seconds), "wrong": seen.wrong}, indent=1))
    raise SystemExit(bool(seen.wrong))


if __name__ == "__main__":
    main()

"""How much people who share a server may ask of it: the one place where it is decided, by environment variables.

A visit is a page that was opened, with all that follows in it; a person is who has signed in. A limit is told in one
sentence before any work starts. Computations have limits where POPSCAPE_READ_ONLY is set, trainings and disk where
people sign in; elsewhere nothing is limited unless its variable says so, for who runs a machine knows what it can do.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.config.access import READ_ONLY, Viewer, only_read
from core.config.home import home
from core.errors import InputError
from core.words import count

MINUTES = 10


@dataclass(frozen=True)
class Quota:
    """A limit: its variable, what holds where that is not set, where it holds then, and what it limits."""

    variable: str
    default: float
    where: str
    limits: str

    def most(self, *, applies: bool) -> float | None:
        """The limit; None where there is none, since its variable is not set and it does not apply by default.

        Raises InputError for a variable that is no number.
        """
        text = os.environ.get(self.variable, "")
        try:
            value = float(text) if text else self.default
        except ValueError:
            value = -1.0
        if not 0 <= value < float("inf"):
            raise InputError(f"{self.variable} is {text!r}; a number from 0 on is expected.")
        return value if text or applies else None

    def told(self) -> str:
        """The limit in words, as it holds with this environment."""
        most = self.most(applies=self.where == _VISITS and only_read())
        known = f"{self.default:g} {self.where}, else any number" if most is None else f"{most:g}"
        return f"{self.limits}: {known}"


_VISITS, _PEOPLE = f"with {READ_ONLY}", "where people sign in"
COMPUTATIONS = Quota("POPSCAPE_COMPUTATIONS", 100, _VISITS, f"computations of a visit in {MINUTES} minutes")
AT_ONCE = Quota("POPSCAPE_COMPUTATIONS_AT_ONCE", 4, _VISITS, "computations of all visits at once")
TRAININGS = Quota("POPSCAPE_TRAININGS", 20, _PEOPLE, "trainings of a person")
DISK = Quota("POPSCAPE_DISK_GB", 50, _PEOPLE, "GB of a person")
QUOTAS = (COMPUTATIONS, AT_ONCE, TRAININGS, DISK)

Visit = deque[float]
"""When the latest heavy computations of a visit began, in seconds of a clock that is never set back."""

_lock = threading.Lock()
_going_on: set[int] = set()  # threads that compute


def _nobody() -> Visit | None:
    """The visit of a command, which is nobody's."""
    return None


_visit: Callable[[], Visit | None] = _nobody


def ask_visit(visit: Callable[[], Visit]) -> None:
    """Let `visit` say in which visit the running script is; the pages' server does."""
    global _visit  # noqa: PLW0603 - one server, one kind of visit
    _visit = visit


@contextlib.contextmanager
def computing() -> Iterator[None]:
    """Around a heavy computation that somebody who looks at a page has asked for; one inside another counts once.

    Raises InputError where the visit has started its share of them, or the server does as many as it may.
    """
    thread = threading.get_ident()
    if thread in _going_on:
        yield
        return
    share, at_once = (one.most(applies=only_read()) for one in (COMPUTATIONS, AT_ONCE))
    visit = _visit() if share is not None else None
    with _lock:
        if at_once is not None and len(_going_on) >= at_once:
            raise InputError("This server computes for other visitors right now; try again in a moment.")
        if visit is not None and share is not None:
            _take(visit, share)
        _going_on.add(thread)
    try:
        yield
    finally:
        _going_on.discard(thread)


def _take(visit: Visit, share: float) -> None:
    now = time.monotonic()
    while visit and visit[0] < now - 60 * MINUTES:
        visit.popleft()
    if len(visit) >= share:
        wait = math.ceil((visit[0] - now) / 60 + MINUTES) if visit else MINUTES
        raise InputError(
            f"This visit has started {count(len(visit), 'computation')} in {MINUTES} minutes, which is all that this "
            f"server gives to one; go on in {count(wait, 'minute')}, or install Popscape on a machine of yours."
        )
    visit.append(now)


def refuse_trainings(viewer: Viewer, active: Callable[[], int], more: int = 1) -> None:
    """Raise InputError where `more` trainings are too many beside the `active` ones of a person (or, without a login,
    of the home)."""
    most = TRAININGS.most(applies=viewer.name is not None)
    if most is not None and (waiting := active()) + more > most:
        asked = f", and {more} more were asked for" if more > 1 else ""
        raise InputError(
            f"{_whose(viewer, 'have', 'has')} {count(waiting, 'training')} waiting or running{asked}; at most "
            f"{most:.0f} are given here at a time. Wait until some have ended, or stop some on Runs."
        )


def refuse_disk(viewer: Viewer) -> None:
    """Raise InputError where the datasets and runs of a person (or, without a login, of the home) fill their share."""
    most = DISK.most(applies=viewer.name is not None)
    if most is None or viewer.name == "":
        return
    used = sum(bytes_by_owner().values()) if viewer.name is None else bytes_by_owner().get(viewer.name, 0)
    if used >= most * 1e9:
        raise InputError(
            f"The datasets and runs of {'this home' if viewer.name is None else 'yours'} take {used / 1e9:.1f} GB of "
            f"the {most:g} GB that are given here; remove some on Datasets or Runs first."
        )


def bytes_by_owner() -> dict[str, int]:
    """Bytes of the datasets and runs of each person, "" for what is nobody's; a dataset counts for all its owners."""
    used: dict[str, int] = {}
    for path in [*home().glob("datasets/*/meta.json"), *home().glob("runs/*/config.json")]:
        for owner in _owners(path) or [""]:
            used[owner] = used.get(owner, 0) + bytes_of(path.parent)
    return used


def bytes_of(folder: Path) -> int:
    """Bytes of the files in a folder; links are not followed, and what goes meanwhile is not counted."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(parent, name).lstat().st_size
    return total


def _owners(path: Path) -> list[str]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return []
    if not isinstance(value, dict):
        return []
    return list(value.get("owners") or ([value["owner"]] if value.get("owner") else []))


def _whose(viewer: Viewer, you: str, home: str) -> str:
    return f"This home {home}" if viewer.name is None else f"You {you}"

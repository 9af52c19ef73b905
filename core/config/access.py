"""Who looks, what they see and what they may change: the one place where it is decided.

Without a login there is one viewer, who may do everything. With one, a person sees what is theirs and what is shared.
Libraries and run stores ask here when they are made, so no page has to, and none can forget it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.errors import InputError

READ_ONLY = "POPSCAPE_READ_ONLY"
"""In the environment of a server that is only looked at: 1."""
ONLY_READ = (
    "This Popscape is a demonstration: nothing is uploaded, trained or removed here; on a machine of yours all is."
)

_VIEWER = "POPSCAPE_VIEWER"
"""In the environment of a child that works for a person: their name."""


@dataclass(frozen=True)
class Viewer:
    """Who looks. `name` is None where nobody signs in, and "" for a visitor who has not signed in where one has to."""

    name: str | None = None

    def sees(self, owners: Sequence[str], shared: bool = False) -> bool:
        """Whether it is theirs, shared, or nobody's: what was there before a login was, everybody sees."""
        return self.name is None or shared or not owners or self.owns(owners)

    def owns(self, owners: Sequence[str]) -> bool:
        """Whether they are one of the owners."""
        return bool(self.name) and self.name in owners

    def changes(self, owners: Sequence[str]) -> bool:
        """Whether they may stop, rename, share or remove it: what is nobody's, the command line changes."""
        return self.name is None or self.owns(owners)

    def signature(self) -> str:
        """The name that goes on what they make, "" without a login.

        Raises InputError for who has not signed in, and where everything is only read.
        """
        refuse_if_only_read()
        if self.name == "":
            raise InputError("Nobody is signed in; sign in first.")
        return self.name or ""

    def environment(self) -> dict[str, str]:
        """What a child that works for them needs in its environment."""
        return {} if self.name is None else {_VIEWER: self.name}


def only_read() -> bool:
    """Whether this server is one that is only looked at."""
    return os.environ.get(READ_ONLY, "") not in ("", "0")


def refuse_if_only_read() -> None:
    """Raise InputError where this server is only looked at."""
    if only_read():
        raise InputError(ONLY_READ)


def _from_environment() -> Viewer:
    return Viewer(os.environ.get(_VIEWER))


_who: Callable[[], Viewer] = _from_environment


def viewer() -> Viewer:
    """Who looks right now."""
    return _who()


def ask_who(who: Callable[[], Viewer]) -> None:
    """Let `who` say who looks; the pages' server does, where each visitor is somebody else."""
    global _who  # noqa: PLW0603 - one server, one way to sign in
    _who = who


def without_viewer(environment: dict[str, str]) -> dict[str, str]:
    """The environment of a worker, which opens the data of its run whoever started it."""
    return {name: value for name, value in environment.items() if name != _VIEWER}

"""How often things are looked at, and how long is too long."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Intervals:
    """Seconds; each can be set by an environment variable such as POPSCAPE_HEARTBEAT_SECONDS."""

    heartbeat: float = 5.0  # between two touches of the heartbeat file
    silent: float = 15.0  # without a heartbeat, a worker that cannot be looked up is dead: three missed beats
    start: float = 30.0  # from the queue to a noted process, and for the process before to end at a quick resume
    poll: float = 0.3  # between two looks at the queue or at the cancel file
    stop: float = 60.0  # for a worker to reach the end of its step and save; then it is asked again with SIGTERM
    kill: float = 20.0  # after SIGTERM; then SIGKILL

    @classmethod
    def from_environment(cls) -> Intervals:
        """The defaults, overridden by POPSCAPE_<NAME>_SECONDS where set."""
        names = [f.name for f in fields(cls)]
        found = {n: os.environ.get(f"POPSCAPE_{n.upper()}_SECONDS") for n in names}
        return cls(**{n: float(v) for n, v in found.items() if v})

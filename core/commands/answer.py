"""What a command takes and gives."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

DONE, FAILED, WRONG_INPUT = 0, 1, 2


@dataclass(frozen=True)
class Answer:
    """What a verb says: `value` for --json (None: it has printed that itself), `text` for people, the exit status."""

    value: dict[str, Any] | None
    text: str
    status: int = DONE


# How a verb declares its arguments, and how it is done.
Command = tuple[Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], Answer]]

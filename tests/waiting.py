"""How tests wait: for a fact, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 120.0
"""Seconds after which a fact is taken for one that will not come, on the busiest of machines; the only limit in use."""


def wait_until(true: Callable[[], object], what: str = "it did not happen") -> None:
    """Look until `true()`; a test that waits in vain fails with `what`."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)

"""What is wrong with a dataset and what to do about it: sentences in plain words, the gravest first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

Sentence = dict[str, str]
"""{"severity": "warning" | "note", "text", "advice"}"""

Check = Callable[[dict[str, Any]], Iterator[Sentence]]


def warning(text: str, advice: str) -> Sentence:
    """What should be mended."""
    return {"severity": "warning", "text": text, "advice": advice}


def note(text: str, advice: str) -> Sentence:
    """What should be known."""
    return {"severity": "note", "text": text, "advice": advice}


def sentences(checks: Iterable[Check], facts: dict[str, Any]) -> list[Sentence]:
    """What the checks say of the facts, warnings before notes."""
    return sorted((one for check in checks for one in check(facts)), key=lambda one: one["severity"] != "warning")

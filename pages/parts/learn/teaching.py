"""Teaching mode: a link that shows one lesson, without navigation, with chosen controls fixed or hidden."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from pages.parts.learn.lesson import Control, Lesson

LESSON, TEACHING, FIXED, HIDDEN = "lesson", "teaching", "fix", "hide"

PARTS = ("idea", "steps", "check", "sources")
"""What besides the controls can be hidden."""

_KEPT = "teaching_link"


@dataclass(frozen=True)
class Teaching:
    """What a lecturer's link asks for.

    Attributes:
        lesson: the one lesson that can be seen.
        fixed, hidden: keys of controls, and of PARTS for the hidden.
        values: what the link says of hidden controls, as text by key.
    """

    lesson: str
    fixed: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    values: Mapping[str, str] = field(default_factory=dict)

    def value(self, control: Control) -> Any:
        """What a hidden control stands at."""
        text = self.values.get(control.key)
        return control.default if text is None else control.read(text)


def teaching() -> Teaching | None:
    """The link that this visit began with; None for everybody else.

    It is kept for the whole visit: Streamlit takes values of hidden controls out of the address when it likes, and a
    student who reloads or follows a step stays where the lecturer put them.
    """
    query = st.query_params
    if query.get(TEACHING) == "true" and query.get(LESSON):
        name = query[LESSON]
        kept = st.session_state.get(_KEPT)
        if kept is None or kept.lesson != name:
            own = {key.removeprefix(f"{name}_"): value for key, value in query.items() if key.startswith(f"{name}_")}
            st.session_state[_KEPT] = Teaching(name, _names(FIXED), _names(HIDDEN), own)
    kept = st.session_state.get(_KEPT)
    return kept if isinstance(kept, Teaching) else None


def link(lesson: Lesson, values: Mapping[str, Any], fixed: list[str], hidden: list[str]) -> str:
    """The address that shows `lesson` to a class as it stands now."""
    pairs = [(LESSON, lesson.name), (TEACHING, "true")]
    pairs += [(lesson.key(control.key), control.write(values[control.key])) for control in lesson.controls]
    pairs += [(name, ",".join(keys)) for name, keys in ((FIXED, fixed), (HIDDEN, hidden)) if keys]
    return f"{(st.context.url or '').split('?')[0]}?{urlencode(pairs)}"


def _names(parameter: str) -> frozenset[str]:
    return frozenset(name for name in st.query_params.get(parameter, "").split(",") if name)

"""What a lesson is made of: a question, controls as data, steps that set them, a check, sources, a live figure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Control(ABC):
    """One thing that a student moves; its value is in the address as LESSON_KEY.

    Attributes:
        key: name among the controls of its lesson, and in a lecturer's link.
        label, help: as on the page.
        default: value before anything is moved.
    """

    key: str
    label: str
    default: Any
    help: str = ""

    @abstractmethod
    def draw(self, key: str, disabled: bool) -> Any:
        """The widget under `key`, bound to the address; returns its value."""

    @abstractmethod
    def read(self, text: str) -> Any:
        """The value that an address holds; the default where it holds none that the control could have."""

    def write(self, value: Any) -> str:
        """The value as an address holds it."""
        return str(value)


@dataclass(frozen=True)
class Slider(Control):
    """A number from `low` to `high` in steps of `step`; whole numbers where `default` is one."""

    low: float = 0.0
    high: float = 1.0
    step: float = 0.1
    format: str | None = None

    def draw(self, key: str, disabled: bool) -> Any:
        """A slider."""
        kind = type(self.default)
        return st.slider(
            self.label, kind(self.low), kind(self.high), self.default, kind(self.step), self.format, key=key,
            help=self.help or None, disabled=disabled, bind="query-params",
        )  # fmt: skip

    def read(self, text: str) -> Any:
        """A number inside the range."""
        try:
            value = type(self.default)(text)
        except ValueError:
            return self.default
        return value if self.low <= value <= self.high else self.default


@dataclass(frozen=True)
class Choice(Control):
    """One of a few words, all in view."""

    options: tuple[Any, ...] = ()

    def draw(self, key: str, disabled: bool) -> Any:
        """Words beside and below each other, of which one is chosen."""
        chosen = st.pills(
            self.label, self.options, default=self.default, required=True, wrap=True, key=key, help=self.help or None,
            disabled=disabled, bind="query-params",
        )  # fmt: skip
        # An empty parameter leaves even a required choice without one.
        return self.default if chosen is None else chosen

    def read(self, text: str) -> Any:
        """One of the options."""
        return next((option for option in self.options if str(option) == text), self.default)


@dataclass(frozen=True)
class Switch(Control):
    """On or off."""

    def draw(self, key: str, disabled: bool) -> Any:
        """A toggle."""
        return st.toggle(
            self.label, self.default, key=key, help=self.help or None, disabled=disabled, bind="query-params"
        )

    def read(self, text: str) -> Any:
        """True or false, as Streamlit writes it."""
        return {"true": True, "false": False}.get(text.lower(), self.default)

    def write(self, value: Any) -> str:
        """As Streamlit writes it."""
        return str(bool(value)).lower()


@dataclass(frozen=True)
class Seed(Control):
    """The number behind everything random in a lesson: the same number gives the same picture to the whole class."""

    key: str = "seed"
    label: str = "Seed"
    default: int = 1
    help: str = "Another number draws again; the same number gives the same picture to everybody."

    def draw(self, key: str, disabled: bool) -> Any:
        """A number with + and −."""
        return st.number_input(
            self.label, 1, 9999, self.default, 1, key=key, help=self.help, disabled=disabled, bind="query-params"
        )

    def read(self, text: str) -> Any:
        """A whole number from 1 to 9999."""
        return int(text) if text.isdigit() and 1 <= int(text) <= 9999 else self.default


@dataclass(frozen=True)
class Step:
    """Something to try: a click sets the controls, then `see` says what to look for.

    Attributes:
        label: what the button says, an order ("Let a thousand generations pass").
        sets: control key → value; controls that it leaves out stay where they are.
        see: what happens now and why, one or two sentences, shown once the step is taken.
    """

    label: str
    sets: Values
    see: str


@dataclass(frozen=True)
class Check:
    """A question with its possible answers, of which `right` (an index) is the one; `why` is then revealed."""

    question: str
    options: tuple[str, ...]
    right: int
    why: str


@dataclass(frozen=True)
class Seen:
    """Where the same thing is seen on one's own data: a page of the product, and its view."""

    page: str
    label: str
    view: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Lesson:
    """One idea on one page.

    Attributes:
        name: as in the address, of the lesson's file in docs/lessons, and in front of its controls' names there.
        title: two to five words.
        question: one sentence, answered by moving things.
        idea: what one needs to know before, at most three sentences of Markdown.
        icon: a Material symbol.
        minutes: what it takes in class.
        controls: two to four, and a seed where chance plays a part.
        draw: draws figure and facts for the values of all controls; called inside a fragment at each move.
        steps, check, sources, seen: see there; a source is "Author Year, what": address or DOI.
        every: seconds between two calls of `draw` that nobody asked for, None for none; asked at each run of the page.
    """

    name: str
    title: str
    question: str
    idea: str
    icon: str
    minutes: int
    controls: tuple[Control, ...]
    draw: Callable[[Values], None]
    steps: tuple[Step, ...]
    check: Check
    sources: Mapping[str, str]
    seen: tuple[Seen, ...]
    every: Callable[[], float | None] = lambda: None

    def key(self, control: str) -> str:
        """The name of a control's widget, and of its value in the address."""
        return f"{self.name}_{control}"

"""`key=value` on the command line, in Hydra's override grammar (the parser alone: no app, no global state)."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import InputError

MOST = 64  # trainings of one sweep

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"([\w.]+)=({_NUMBER}?)\.\.({_NUMBER})")


@dataclass(frozen=True)
class Range:
    """Numbers of a setting from `low` to `high`, both included; whole numbers where both were written as such."""

    key: str
    low: float
    high: float
    whole: bool

    @property
    def log(self) -> bool:
        """Whether it is searched by factors: where it is wide, and above 0."""
        return self.low > 0 and self.high >= 10 * self.low

    @property
    def ends(self) -> tuple[Any, ...]:
        """The smallest and the largest value."""
        return (int(self.low), int(self.high)) if self.whole else (self.low, self.high)


@dataclass(frozen=True)
class Choice:
    """The values that a setting can take, as they are written."""

    key: str
    values: tuple[str, ...]

    @property
    def ends(self) -> tuple[str, ...]:
        """All of them."""
        return self.values


def searchable(texts: Sequence[str]) -> tuple[list[str], list[Range | Choice]]:
    """(overrides of one value, what is searched): ranges `key=low..high`, and several values as `expand` takes them.

    Raises InputError as `expand` does, and for a range that is empty.
    """
    fixed: list[str] = []
    spaces: list[Range | Choice] = []
    for text in texts:
        if match := _RANGE.fullmatch(text):
            key, low, high = match.groups()
            if float(low) >= float(high):
                raise InputError(f"The range {text!r} is empty; write key=low..high.")
            spaces.append(Range(key, float(low), float(high), whole=bool(re.fullmatch(r"[-+\d]+", low + high))))
        elif len(several := expand([text])) > 1:
            spaces.append(Choice(several[0][0].partition("=")[0], tuple(one.partition("=")[2] for (one,) in several)))
        else:
            fixed.append(text)
    return fixed, spaces


def expand(texts: Sequence[str]) -> list[list[str]]:
    """Every combination of overrides of which some name several values: `seed=1,2`, `model.latent=range(32,129,32)`.

    Hydra's sweeps: values parted by commas outside of brackets, `range`, `choice`. The order is that of
    nested loops, the last setting fastest. Raises InputError as `parse` does, and above 64 combinations.
    """
    options = []
    for text in texts:
        override = _read(text)
        several = override.is_sweep_override() and override.is_discrete_sweep()
        values = list(override.sweep_string_iterator()) if several else []
        options.append([f"{override.get_key_element()}={value}" for value in values] or [text])
    number = math.prod(map(len, options))
    if number > MOST:
        raise InputError(f"These values make {number:,} trainings; a sweep takes at most {MOST}: name fewer values.")
    return [list(one) for one in itertools.product(*options)]


def parse(texts: Sequence[str]) -> list[tuple[str, Any]]:
    """(dotted key, value) of overrides such as `training.epochs=3`, `model.widths=[64,32]`, `title="a b"`.

    `+key=value` is taken as `key=value`. Raises InputError for what is not in the grammar, for sweeps
    (`seed=1,2`: one run a command) and for deletions (`~key`).
    """
    parsed: list[tuple[str, Any]] = []
    for text in texts:
        override = _read(text)
        if override.is_sweep_override():
            raise InputError(
                f"{text!r} names several values; a command trains one run: give one value or [a,b]; `sweep` trains all."
            )
        parsed.append((str(override.key_or_group).replace("/", "."), override.value()))
    return parsed


def _read(text: str) -> Any:
    """The text as Hydra's parser has it; InputError where it is not an override or would delete a setting."""
    if _RANGE.fullmatch(text):
        raise InputError(
            f"{text!r} is a range, which `sweep --search N` takes; write one value, or values with commas."
        )
    # Hydra takes a tenth of a second to import; only whoever has overrides pays it.
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.override_parser.types import OverrideType
    from hydra.errors import HydraException

    try:
        (override,) = OverridesParser.create().parse_overrides([text])
    except HydraException:
        override = None
    if override is None or not override.key_or_group:
        raise InputError(f"{text!r} is not a setting; write key=value, such as training.epochs=20.")
    if override.type not in (OverrideType.CHANGE, OverrideType.ADD, OverrideType.FORCE_ADD):
        raise InputError(f"{text!r} would delete a setting; write key=value instead.")
    return override

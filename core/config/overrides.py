"""`key=value` on the command line, in Hydra's override grammar (the parser alone: no app, no global state)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

from core.errors import InputError

MOST = 64  # trainings of one sweep


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

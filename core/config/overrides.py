"""`key=value` on the command line, in Hydra's override grammar (the parser alone: no app, no global state)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.errors import InputError


def parse(texts: Sequence[str]) -> list[tuple[str, Any]]:
    """(dotted key, value) of overrides such as `training.epochs=3`, `model.widths=[64,32]`, `title="a b"`.

    `+key=value` is taken as `key=value`. Raises InputError for what is not in the grammar, for sweeps
    (`seed=1,2`: one run a command) and for deletions (`~key`).
    """
    # Hydra takes a tenth of a second to import; only whoever has overrides pays it.
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.override_parser.types import OverrideType
    from hydra.errors import HydraException

    parser = OverridesParser.create()
    parsed: list[tuple[str, Any]] = []
    for text in texts:
        try:
            (override,) = parser.parse_overrides([text])
            if override.is_sweep_override():
                raise InputError(f"{text!r} names several values; a command trains one run: give one value, or [a,b].")
            if override.type not in (OverrideType.CHANGE, OverrideType.ADD, OverrideType.FORCE_ADD):
                raise InputError(f"{text!r} would delete a setting; write key=value instead.")
            value = override.value()
            key = str(override.key_or_group).replace("/", ".")
        except HydraException:
            key = ""
        if not key:
            raise InputError(f"{text!r} is not a setting; write key=value, such as training.epochs=20.")
        parsed.append((key, value))
    return parsed

"""Settings as frozen dataclasses: one declaration makes the form, the command line and config.json."""

from __future__ import annotations

import dataclasses
import difflib
import types
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from core.errors import InputError

C = TypeVar("C")

TYPES: dict[str, type] = {"int": int, "float": float, "str": str, "bool": bool}
"""The types of a setting, of the items of a list too, by the names that `describe` gives them."""


@dataclasses.dataclass(frozen=True)
class NoSettings:
    """The config of a choice that has no settings."""


def setting(
    default: Any,
    help: str,
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    advanced: bool = False,
) -> Any:
    """A dataclass field with its default, one sentence of help, unit, allowed range or choices.

    A list default is given as a tuple. `advanced` hides it behind "more settings" in the form.
    """
    return dataclasses.field(
        default=default,
        metadata={"help": help, "unit": unit, "low": low, "high": high, "choices": choices, "advanced": advanced},
    )


more = partial(setting, advanced=True)
"""A setting that few change."""


def to_dict(config: Any) -> dict[str, Any]:
    """A dataclass as plain JSON types (tuples become lists)."""
    return {
        f.name: list(v) if isinstance(v := getattr(config, f.name), tuple) else v for f in dataclasses.fields(config)
    }


def from_dict(cls: type[C], values: Mapping[str, Any], where: str = "") -> C:
    """Build `cls` from `values`, refusing unknown keys, wrong types and values out of range.

    `where` is the name of the node ("training"), used in the message. Raises InputError.
    """
    values = checked(describe(cls), values, where)
    return cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})


def checked(settings: Sequence[Mapping[str, Any]], values: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """`values` as JSON types, checked against settings as `describe` gives them. Raises InputError as `from_dict`."""
    known = {one["name"]: one for one in settings}
    right: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{where}.{key}" if where else key
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known settings: {', '.join(known)}."
            raise InputError(f"There is no setting {name!r}; {hint}")
        right[key] = _checked(name, value, known[key]["type"], known[key])
    return right


def describe(cls: type) -> list[dict[str, Any]]:
    """Each setting of `cls` as {"name","type","default","help","unit","low","high","choices","advanced"}."""
    hints = get_type_hints(cls)
    return [
        {
            "name": f.name,
            "type": _type_name(hints[f.name]),
            "default": list(f.default) if isinstance(f.default, tuple) else f.default,
            **{k: list(v) if isinstance(v, tuple) else v for k, v in f.metadata.items()},
        }
        for f in dataclasses.fields(cls)
    ]


def _type_name(hint: Any) -> str:
    options = [a for a in get_args(hint) if a is not type(None)]
    if get_origin(hint) in (types.UnionType, Union):
        return _type_name(options[0]) + "?"
    if get_origin(hint) is tuple:
        return f"list[{options[0].__name__}]"
    return str(hint.__name__)


def _checked(name: str, value: Any, kind: str, setting: Mapping[str, Any]) -> Any:
    if kind.endswith("?"):
        return None if value is None else _checked(name, value, kind[:-1], setting)
    if kind.startswith("list["):
        items = value if isinstance(value, list | tuple) else [value]
        return [_checked(name, item, kind[5:-1], setting) for item in items]
    hint = TYPES[kind]
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if hint is int and isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise InputError(f"The setting {name!r} is {value!r}; a value of type {hint.__name__} is expected.")
    low, high, choices = (setting.get(k) for k in ("low", "high", "choices"))
    if choices and value not in choices:
        raise InputError(f"The setting {name!r} is {value!r}; choose one of: {', '.join(choices)}.")
    if (low is not None and value < low) or (high is not None and value > high):
        upper = "" if high is None else f" and at most {high:g}"
        raise InputError(f"The setting {name!r} is {value!r}; it must be at least {low:g}{upper}.")
    return value

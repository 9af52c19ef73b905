"""What can be chosen and set, as plain data: a page draws a form from it without importing a model.

Models and metrics are listed by the registries, and importing those imports torch. So a child process lists
them once, and the answer is kept under a digest of the source files that it was made from.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from core.config.home import REPOSITORY, home
from core.config.schema import from_dict, to_dict
from core.errors import InputError, PopscapeError

_SOURCES = ("core/config", "core/data", "core/models", "core/evaluation")
_TYPES = {"int": int, "float": float, "str": str, "bool": bool}


def catalogue() -> dict[str, Any]:
    """Everything with a name, from the cache, or listed by a child process where the sources have changed.

    {"models": [{"name", "kind", "help", "source", "settings": [core.config.schema.describe …]}], "experiments":
    [the presets], "training", "evaluation", "import", "simulate": [settings], "metrics": [{"name", "kind", "label",
    "direction", "target", "help", "source"}], "formats", "encoders", "generators", "mixers": like models}
    """
    return _of(digest())


@cache
def digest() -> str:
    """A digest of the source files that the catalogue is made from."""
    found = hashlib.sha256()
    files = {path for folder in _SOURCES for path in (REPOSITORY / folder).rglob("*.py")}
    files |= set((REPOSITORY / "core/config/experiments").glob("*.yaml"))
    for path in sorted(files):
        found.update(path.relative_to(REPOSITORY).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:24]


def model_settings(name: str) -> list[dict[str, Any]]:
    """The settings of the model `name` as `schema.describe` gives them. Raises InputError for an unknown model."""
    return list(_entry("models", name)["settings"])


def validate(group: str, node: Mapping[str, Any]) -> dict[str, Any]:
    """A node {"name": choice, settings…} of `group` ("model", "encoder", …) with every setting checked and filled in.

    Raises InputError for an unknown choice, an unknown setting, a wrong type or a value out of range.
    """
    entry = _entry(f"{group}s", str(node.get("name", "")))
    settings = {key: value for key, value in node.items() if key != "name"}
    built: Any = from_dict(_schema(group, entry["settings"]), settings, where=group)
    return {"name": entry["name"], **to_dict(built)}


def _entry(section: str, name: str) -> dict[str, Any]:
    entries = {entry["name"]: entry for entry in catalogue()[section]}
    if name not in entries:
        raise InputError(f"There is no {section[:-1]} called {name!r}; choose one of: {', '.join(sorted(entries))}.")
    return dict(entries[name])


def _schema(group: str, described: list[dict[str, Any]]) -> type:
    """The config dataclass again that `schema.describe` described."""
    fields: list[tuple[str, Any, Any]] = []
    for one in described:
        default = tuple(one["default"]) if isinstance(one["default"], list) else one["default"]
        metadata = {k: tuple(v) if isinstance(v, list) else v for k, v in one.items()}
        fields.append((one["name"], _hint(one["type"]), dataclasses.field(default=default, metadata=metadata)))
    return dataclasses.make_dataclass(group.title(), fields, frozen=True)


def _hint(name: str) -> Any:
    if name.endswith("?"):
        return _hint(name[:-1]) | None
    if name.startswith("list["):
        return tuple[_TYPES[name[5:-1]], ...]  # type: ignore[misc]
    return _TYPES[name]


@cache
def _of(key: str) -> dict[str, Any]:
    found = _read(home() / "cache" / f"catalogue-{key}.json")
    return _list_in_child() if found is None else found


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _list_in_child() -> dict[str, Any]:
    """Run `python -m core catalogue`, which writes the cache, and take its answer."""
    done = subprocess.run(
        [sys.executable, "-m", "core", "catalogue", "--json"],
        cwd=REPOSITORY,
        env=os.environ | {"POPSCAPE_HOME": str(home())},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise PopscapeError(f"The models could not be listed ({last[:200]}); run `python -m core doctor`.") from None
    return found


def keep(found: dict[str, Any]) -> None:
    """Put a catalogue into the cache, and take older ones out."""
    folder = home() / "cache"
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".catalogue.{os.getpid()}"
    draft.write_text(json.dumps(found), encoding="utf-8")
    draft.replace(folder / f"catalogue-{found['digest']}.json")
    for old in folder.glob("catalogue-*.json"):
        if old.stem != f"catalogue-{found['digest']}":
            old.unlink(missing_ok=True)

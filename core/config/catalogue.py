"""What can be chosen and set, as plain data: a page draws a form from it without importing a model.

Models and metrics are listed by the registries, and importing those imports torch. So a child process lists
them at install, and anew when the digest of the source files is no longer that of the list.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from core import child
from core.config.home import REPOSITORY, environment
from core.config.schema import checked
from core.errors import InputError, PopscapeError
from core.words import sentence

FILE = REPOSITORY / "core/config/catalogue.json"
_SOURCES = (
    "registry.py", "commands/listing.py", "config/experiments/*.yaml",
    *(f"{folder}/**/*.py" for folder in ("config", "data", "models", "modalities", "evaluation")),
)  # fmt: skip
# Where `title` and `colour` look a name up, one after the other.
_SECTIONS = ("experiments", "models", "encoders", "generators", "mixers", "formats")
# For what has no colour of its own, such as a file that a reader brings; none is the colour of a shipped model.
_OTHER_COLOURS = ("#c9b400", "#8a5a2b", "#17a2a8", "#b0446c", "#5b8c2a", "#4b5d8f")


def catalogue() -> dict[str, Any]:
    """Everything with a name, from `FILE`, or listed by a child process where the sources have changed since.

    {"models": [{"name", "title", "colour", "kind", "takes", "help", "source", "losses": {name: title}, "undivided",
    "encodes", "imputes", "settings": [core.config.schema.describe …]}], "encoders", "generators", "mixers",
    "formats": like models without the four before the settings, "experiments": [the presets], "training",
    "evaluation": [settings],
    "metrics": [{"name", "kind", "label", "family", "direction", "target", "help", "source"}]}
    """
    return _listed()


def digest() -> str:
    """A digest of the source files that the catalogue is made from."""
    sources = hashlib.sha256()
    for path in sorted(path for pattern in _SOURCES for path in (REPOSITORY / "core").glob(pattern)):
        sources.update(path.relative_to(REPOSITORY).as_posix().encode() + b"\0" + path.read_bytes())
    return sources.hexdigest()[:24]


def title(name: str) -> str:
    """What a reader calls a preset, a model, a part of one or a format; for any other name its words."""
    return str(_named(name).get("title") or sentence(name))


def colour(name: str) -> str:
    """The "#rrggbb" of a preset or a model on every chart: a preset without one has its model's.

    Any other name has a colour too, the same in every session.
    """
    entry = _named(name)
    own = entry.get("colour") or _named(entry.get("model", {}).get("name", ""), "models").get("colour")
    return str(own or _OTHER_COLOURS[sum(name.encode()) % len(_OTHER_COLOURS)])


def place(name: str) -> int:
    """A number that tells presets and models apart where colour alone must not, such as by the symbols of a chart.

    Presets and models of genotypes count from 0 without a gap; any other name has the same number in every session.
    """
    known = catalogue()
    order = [e["name"] for section in _SECTIONS[:2] for e in known[section] if e["kind"] == "genotypes"]
    order = list(dict.fromkeys(order))
    return order.index(name) if name in order else sum(name.encode())


def loss_title(model: str, name: str) -> str:
    """What a reader calls the loss `name` of a model, or of a preset's model."""
    chosen = _named(model).get("model", {}).get("name", model)
    return str(_named(chosen, "models").get("losses", {}).get(name) or sentence(name))


def encodes(model: str) -> bool:
    """Whether the model of that name gives every individual a latent."""
    return bool(_named(model, "models").get("encodes"))


def imputes(model: str) -> bool:
    """Whether the model of that name says how likely each genotype of a missing call is."""
    return bool(_named(model, "models").get("imputes"))


def undivided(model: str) -> str:
    """Why the steps of the model of that name cannot be shared by several processes; "" where they can."""
    return str(_named(model, "models").get("undivided", ""))


def imputing_models() -> list[str]:
    """Titles of the models that impute."""
    return [str(one["title"]) for one in catalogue()["models"] if one.get("imputes")]


def _named(name: str, *sections: str) -> Mapping[str, Any]:
    """The entry of that name in the first of the sections that has one; empty where none has."""
    known = catalogue()
    entries = (e for section in sections or _SECTIONS for e in known.get(section, ()) if e["name"] == name)
    return next(entries, {})


def validate(group: str, node: Mapping[str, Any]) -> dict[str, Any]:
    """A node {"name": choice, settings…} of `group` ("model", "encoder", …) with every setting checked and filled in.

    Raises InputError for an unknown choice, an unknown setting, a wrong type or a value out of range.
    """
    entry = _entry(f"{group}s", str(node.get("name", "")))
    settings = {key: value for key, value in node.items() if key != "name"}
    values = checked(entry["settings"], settings, where=group)
    return {"name": entry["name"]} | {one["name"]: values.get(one["name"], one["default"]) for one in entry["settings"]}


def _entry(section: str, name: str) -> dict[str, Any]:
    entries = {entry["name"]: entry for entry in catalogue()[section]}
    if name not in entries:
        raise InputError(f"There is no {section[:-1]} called {name!r}; choose one of: {', '.join(sorted(entries))}.")
    return dict(entries[name])


@cache
def _listed() -> dict[str, Any]:
    try:
        kept = json.loads(FILE.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        kept = {}
    return kept if kept.get("digest") == digest() else _list_in_child()


def _list_in_child() -> dict[str, Any]:
    """Run `python -m core catalogue`, which writes the file, and take its answer."""
    try:
        return child.run("core", "catalogue", "--json", environment=environment()).answer()
    except PopscapeError as error:
        raise PopscapeError(f"The models could not be listed ({error}); run `python -m core doctor`.") from None


def write(listed: dict[str, Any]) -> None:
    """Put a catalogue into its file; where that may not be written, each process lists what there is for itself."""
    draft = FILE.with_name(f".{FILE.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        draft.write_text(json.dumps(listed), encoding="utf-8")
        draft.replace(FILE)

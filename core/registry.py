"""One kind of registry for all that can be chosen by name: formats, models, metrics, experiments."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from core.errors import InputError

T = TypeVar("T")


@dataclass(frozen=True)
class Entry(Generic[T]):
    """What a registry knows of one choice.

    `title` is what a reader calls it, `colour` its own on every chart ("#rrggbb", "" where it has none), `kind` the
    data that it takes ("genotypes" or "sets") and `takes` the modalities of observations among them (empty: all),
    `help` one sentence, `source` the paper and equation that it follows, `config` the dataclass of its settings.
    """

    name: str
    title: str
    colour: str
    kind: str
    takes: tuple[str, ...]
    help: str
    source: str
    config: type | None
    value: T


class Registry(Generic[T]):
    """Named choices, filled by a decorator when the modules of `packages` are first needed.

    Adding a choice is adding a file to a package: every module in it is imported at the first look-up,
    not when the registry is made, so that a page which lists nothing pays nothing.
    """

    def __init__(self, what: str, *packages: str, kind: str = "") -> None:
        """`kind` is that of every entry, where they have one in common."""
        self.what, self.kind = what, kind
        self.packages = packages
        self._entries: dict[str, Entry[T]] = {}
        self._loaded = False

    def register(
        self,
        name: str,
        *,
        title: str,
        help: str,
        source: str,
        kind: str = "",
        colour: str = "",
        takes: tuple[str, ...] = (),
        config: type | None = None,
    ) -> Callable[[T], T]:
        """Return the decorator that files its argument under `name`; a name taken twice is a ValueError.

        The keywords are the fields of `Entry`.
        """

        def file(value: T) -> T:
            if name in self._entries:
                raise ValueError(f"two entries named {name!r} among the {self.what}s")
            self._entries[name] = Entry(name, title, colour, kind or self.kind, takes, help, source, config, value)
            return value

        return file

    def __getitem__(self, name: str) -> Entry[T]:
        """The entry called `name`; an unknown name is an InputError that lists what there is."""
        self._load()
        if name not in self._entries:
            near = difflib.get_close_matches(name, self._entries, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"choose one of: {', '.join(self.names())}."
            raise InputError(f"There is no {self.what} called {name!r}; {hint}")
        return self._entries[name]

    def __iter__(self) -> Iterator[Entry[T]]:
        self._load()
        return iter([self._entries[name] for name in self.names()])

    def __contains__(self, name: str) -> bool:
        self._load()
        return name in self._entries

    def names(self, kind: str | None = None) -> list[str]:
        """Sorted names, of one kind of data if `kind` is given."""
        self._load()
        return sorted(n for n, entry in self._entries.items() if kind in (None, entry.kind))

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        for name in self.packages:
            package = importlib.import_module(name)
            for module in pkgutil.iter_modules(package.__path__, prefix=f"{name}."):
                importlib.import_module(module.name)

"""A rule that holds for every file of a list, as one test: thousands of small tests cost more than what they ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def each(paths: Sequence[Path]) -> Callable[[Callable[[Path], None]], Callable[[], None]]:
    """Turn a rule about one file into a test of all `paths`, which names every file that breaks it."""

    def whole(rule: Callable[[Path], None]) -> Callable[[], None]:
        def test() -> None:
            broken = {}
            for path in paths:
                try:
                    rule(path)
                except AssertionError as error:
                    broken[path.relative_to(ROOT).as_posix()] = str(error).splitlines()[0]
            assert not broken, "\n".join(f"{name}: {why}" for name, why in broken.items())

        test.__name__, test.__doc__ = rule.__name__, rule.__doc__
        return test

    return whole

"""A few of the addresses of `tests.pages.fuzzing`; the ten thousand are a command of its own."""

from __future__ import annotations

from pathlib import Path

from pages.parts.sections import SECTIONS
from tests.pages.fuzzing import NAMES, attempt, hostile, put_outside
from tests.pages.routed import routed  # noqa: F401


def test_no_address_breaks_a_page_or_leads_out_of_the_home(home: Path, tmp_path: Path) -> None:
    put_outside(tmp_path / "outside")
    wrong = {str((page, asked)): attempt(page, asked) for page, asked in hostile(1, 15, tmp_path / "outside")}
    assert not {asked: what for asked, what in wrong.items() if what}


def test_a_page_takes_its_defaults_where_every_parameter_is_empty(home: Path) -> None:
    wrong = {section.name: attempt(section.name, dict.fromkeys(NAMES, "")) for section in SECTIONS}
    assert not {page: what for page, what in wrong.items() if what}

"""Pages under test run behind app.py, as on a server whose first visitor has come."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.runtime.pages_manager import PagesManager


@pytest.fixture(autouse=True)
def routed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep AppTest from beginning every run like a fresh server.

    There Streamlit takes the page past app.py and `through_the_router` starts over; a click would be lost in that.
    """
    begin = PagesManager.__init__

    def begin_routed(self: PagesManager, *args: Any, **options: Any) -> None:
        begin(self, *args, **options)
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", begin_routed)

"""What tests of readers share."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from core.data.intake import importing, sandbox


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers run in the test's own process: hundreds of small files need no child each.

    That files are read in a child with limits is tested with the hostile ones. What goes in and comes out is JSON, as
    between processes.
    """

    def run(module: str, job: dict[str, Any], folder: Path, limits: sandbox.Limits | None = None) -> dict[str, Any]:
        answer = importlib.import_module(module).main(json.loads(json.dumps(job)), folder)
        value: dict[str, Any] = json.loads(json.dumps(answer))
        return value

    monkeypatch.setattr(importing.sandbox, "run", run)

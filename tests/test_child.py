"""A child process: what it answers, how it fails, and that it can be left alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core import child
from core.errors import PopscapeError
from tests.waiting import wait_until

_MODULE = """
import json, os, sys
print("Starting."); print("A last word.", file=sys.stderr)
if sys.argv[1] == "answer":
    print(json.dumps({"folder": os.getcwd(), "session": os.getsid(0) == os.getpid(), "input": sys.stdin.read()}))
sys.exit(int(sys.argv[2]))
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "speaking.py").write_text(_MODULE)
    return os.environ | {"PYTHONPATH": str(tmp_path)}


def test_it_answers_with_its_last_line_and_fails_with_its_last_word(environment: dict[str, str]) -> None:
    done = child.run("speaking", "answer", "0", environment=environment)
    assert (done.status, done.sentence) == (0, "A last word.")
    assert done.answer() == {"folder": str(Path(child.__file__).parents[1]), "session": False, "input": ""}
    failed = child.run("speaking", "nothing", "3", environment=environment)
    assert failed.status == 3
    with pytest.raises(PopscapeError, match=r"^A last word\.$"):
        failed.answer()


def test_it_is_given_up_after_its_time(tmp_path: Path) -> None:
    (tmp_path / "sleeping.py").write_text("import signal; signal.pause()")
    with pytest.raises(PopscapeError, match="longer than 1 s"):
        child.run("sleeping", seconds=1, environment=os.environ | {"PYTHONPATH": str(tmp_path)})


def test_it_can_be_left_alone_with_a_log(tmp_path: Path, environment: dict[str, str]) -> None:
    log = tmp_path / "log.txt"
    log.write_text("Before.\n")
    started = child.start("speaking", "answer", "0", log=log, folder=tmp_path, environment=environment)
    child.let_go(started)
    wait_until(lambda: started.returncode is not None, "nobody took note of its end")
    assert started.returncode == 0
    text = log.read_text()
    assert (
        text.startswith("Before.\n") and "A last word." in text and f'"folder": "{tmp_path}", "session": true' in text
    )

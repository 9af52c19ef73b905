"""Liveness: a pid that was given to somebody else, a zombie, another machine."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys

from core.runs.process import ProcessIdentity, start_time
from tests.waiting import wait_until


def test_this_process_lives_here() -> None:
    me = ProcessIdentity.of(os.getpid())
    assert me.here
    assert me.alive
    assert ProcessIdentity.from_status(me.to_status()) == me
    assert ProcessIdentity.from_status({"state": "queued"}) is None


def test_a_later_process_with_the_same_pid_is_another() -> None:
    me = ProcessIdentity.of(os.getpid())
    earlier = dataclasses.replace(me, started=str(int(me.started) - 1))
    assert not earlier.alive
    earlier.signal_group(signal.SIGKILL)  # and is never signalled: this test goes on


def test_a_zombie_is_dead_though_its_pid_answers() -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    identity = ProcessIdentity.of(child.pid)
    wait_until(lambda: not identity.alive)
    os.kill(child.pid, 0)  # not reaped yet: a bare pid looks alive
    assert not identity.alive
    assert start_time(child.pid) is None
    child.wait()


def test_another_boot_or_container_is_elsewhere() -> None:
    me = ProcessIdentity.of(os.getpid())
    assert not dataclasses.replace(me, machine="another-boot").here

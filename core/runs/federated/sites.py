"""The sites as the server sees them: a process and a line for each, and what a dead one leads to."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait

from flwr.app import Message

from core import child
from core.errors import RunError
from core.runs.directory import Run
from core.runs.federated.wire import packed, unpacked

_LOOK = 0.2  # seconds between two looks at whether the run was asked to stop
_PATIENCE = 20.0  # seconds in which a site whose line was hung up ends by itself


class Stopped(Exception):
    """The run was asked to stop while sites were training; their round counts for nothing."""


class Sites:
    """Flower's `Grid` over one process a site on this machine: it knows nodes by number, from 1, and brings messages.

    Flower's own engines were not taken: its simulation needs another Ray than ours, its deployment a new process, and
    so torch loaded anew, for every message.
    """

    def __init__(self, run: Run, should_stop: Callable[[], bool]) -> None:
        self.names: list[str] = run.config["federation"]["sites"]
        self._should_stop = should_stop
        self._lines: dict[int, Connection] = {}
        self._processes: list[subprocess.Popen[bytes]] = []
        self._sent = 0
        threads = str(max(1, (os.cpu_count() or 1) // len(self.names)))
        environment = {"OMP_NUM_THREADS": threads, "PYTHONUNBUFFERED": "1", **os.environ}
        for node, name in enumerate(self.names, 1):
            own, theirs = socket.socketpair()
            with theirs:
                self._lines[node] = Connection(own.detach())
                process = child.start(
                    "core.runs.federated.site",
                    *(str(run.path), name, str(theirs.fileno())),
                    log=run.path / "log.txt",
                    environment=environment,
                    files=[theirs.fileno()],
                )
            self._processes.append(process)

    def get_node_ids(self) -> list[int]:
        """The numbers of the sites."""
        return list(self._lines)

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> list[Message]:
        """Bring each message to its site and wait for all answers, in the order of the sites.

        Raises Stopped where the run was asked to stop, RunError where a site has died or says why it cannot go on.
        """
        waiting: dict[Connection, int] = {}
        for message in messages:
            node = message.metadata.dst_node_id
            self._sent += 1
            message.metadata.__dict__["_message_id"] = str(self._sent)  # what Flower's grids do, too
            try:
                self._lines[node].send_bytes(packed(message))
            except OSError:
                raise self._lost(node) from None
            waiting[self._lines[node]] = node
        replies: dict[int, Message] = {}
        while waiting:
            ready = wait(list(waiting), timeout=_LOOK)
            if self._should_stop():
                raise Stopped
            for line in ready:
                assert isinstance(line, Connection)
                node = waiting.pop(line)
                try:
                    replies[node] = unpacked(line.recv_bytes())
                except (EOFError, OSError):
                    raise self._lost(node) from None
                if replies[node].has_error():
                    raise RunError(f"At the site {self.names[node - 1]!r}: {replies[node].error.reason}")
        return [replies[node] for node in sorted(replies)]

    def _lost(self, node: int) -> RunError:
        return RunError(
            f"The site {self.names[node - 1]!r} ended without a word in the middle of a round, most often because the "
            "machine ran out of memory; the others were ended too. Resume goes on from the last round that was "
            "averaged."
        )

    def close(self) -> None:
        """Hang up, and wait until every process has ended."""
        for line in self._lines.values():
            line.close()
        for process in self._processes:
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def open_sites(run: Run, should_stop: Callable[[], bool]) -> Iterator[Sites]:
    """The sites of a run, which end with the block."""
    sites = Sites(run, should_stop)
    try:
        yield sites
    finally:
        sites.close()

"""A run that several processes train together: torchrun starts them, and the worker waits for what the first says."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import child
from core.errors import RunError
from core.runs.directory import Run
from core.runs.ending import Ending, explain
from core.runs.files import read_json, write_json
from core.runs.intervals import Intervals
from core.runs.process import start_time
from core.runs.progress import Follower, RunProgress

if TYPE_CHECKING:
    from core.training.loop import Outcome

_ANSWERS = ".processes"  # folder of the run: how each process ended, for the worker to read
_WORKER = "POPSCAPE_WORKER"  # pid and start time of the worker, without which no process of its training goes on
_LOOK = 0.2  # seconds between two looks at whether others live


def train(run: Run, processes: int, ending: Ending) -> Outcome:
    """Start the processes, wait for them, and pass SIGTERM on; what the first of them says. Raises RunError.

    One that dies ends the others (torchrun's doing, or their lost connection), and the run fails with a reason.
    """
    from core.training.loop import Outcome

    answers = run.path / _ANSWERS
    shutil.rmtree(answers, ignore_errors=True)
    answers.mkdir()
    with ending.deferred():
        leader = child.start(
            "torch.distributed.run",
            *("--standalone", "--local-addr=127.0.0.1", f"--nproc-per-node={processes}", "--max-restarts=0"),
            *("-m", "core.runs.together", str(run.path)),
            log=run.path / "log.txt",
            environment=_environment(processes),
        )
        while leader.poll() is None and not ending.terminated.wait(_LOOK):
            pass
        if leader.poll() is None:
            leader.send_signal(signal.SIGTERM)  # torchrun hands it on, and the processes save
        leader.wait()
        found = {path.stem: read_json(path) or {} for path in answers.glob("*.json")}
        shutil.rmtree(answers, ignore_errors=True)
        if "outcome" in found:
            return Outcome(**found["outcome"])
        told = sorted(found.values(), key=lambda one: (one.get("partner", True), one.get("time", 0.0)))
        if told and not told[0].get("partner", True):
            raise RunError(told[0]["reason"])
    saved = "Resume continues from the last checkpoint." if run.has_checkpoint else "There was no checkpoint yet."
    raise RunError(
        f"One of the {processes} processes of this training ended without a word, most often because the machine ran "
        f"out of memory; the others were ended too. {saved}"
    )


def _environment(processes: int) -> dict[str, str]:
    """That of the worker, with its identity, its cores divided, and gloo kept to this machine."""
    threads = str(max(1, (os.cpu_count() or 1) // processes))
    loopback = {"GLOO_SOCKET_IFNAME": "lo"} if sys.platform == "linux" else {}
    own = {_WORKER: f"{os.getpid()} {start_time(os.getpid())}"}
    return {"OMP_NUM_THREADS": threads, **loopback, "PYTHONUNBUFFERED": "1", **os.environ, **own}


def main(directory: Path) -> int:
    """One of the processes; its exit status. How it ended stands in a file that the worker reads."""
    run, rank = Run(directory), int(os.environ["RANK"])
    answers = run.path / _ANSWERS
    _end_with_the_worker()
    terminated = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: terminated.set())
    from core.runs import work
    from core.training.team import PartnerLost, joined

    try:
        with joined(run.config["training"]["device"]) as team:
            fit = work.ready(run, team)
            poll = Intervals.from_environment().poll
            progress = RunProgress(run, poll, terminated) if team.first else Follower(run, terminated)
            with contextlib.closing(progress):
                outcome = fit(progress)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the run must say what happened
        traceback.print_exc()
        answer: dict[str, Any] = {"reason": explain(error), "partner": isinstance(error, PartnerLost)}
        write_json(answers / f"{rank}.json", answer | {"time": time.time()})
        return 1
    if rank == 0:
        write_json(answers / "outcome.json", vars(outcome))
    return 0


def _end_with_the_worker() -> None:
    """Leave at once where the worker or torchrun is gone: nobody would read the outcome, or end this process."""
    pid, _, started = os.environ[_WORKER].partition(" ")
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent and start_time(int(pid)) == started:
            time.sleep(_LOOK)
        os._exit(1)

    threading.Thread(target=watch, name="worker", daemon=True).start()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

"""The server of a federated training: it averages the weights that come from the sites, and opens no dataset.

A round t sends the weights w_t to every site k, which trains on its n_k sets and sends w_k back; then

    w_{t+1} = Σ_k n_k / n · w_k        (FedAvg, McMahan et al. 2017, algorithm 1; n = Σ_k n_k).

Weights are all parameters and buffers of the model, its moving average among them. Moments of Adam stay at the site.
"""

from __future__ import annotations

import json
import math
import shutil
import time
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flwr.app import ConfigRecord, Message, RecordDict
from flwr.serverapp.strategy import FedAvg

from core.config.federation import DRIFT, SITE_CURVE
from core.config.schema import from_dict
from core.config.training import TrainingConfig
from core.errors import RunError
from core.runs.directory import Run
from core.runs.ending import Ending
from core.runs.environment import environment
from core.runs.federated.sites import Sites, Stopped, open_sites
from core.runs.federated.wire import ARRAYS, COUNT, FACTS, METRICS, MOMENTS, SERVER, arrays_of, begin, tensors_of
from core.runs.files import write_json
from core.runs.intervals import Intervals
from core.runs.progress import RunProgress

if TYPE_CHECKING:
    from torch import Tensor

    from core.training.loop import Outcome

_LEARNED = "weights.net."  # the networks themselves, without their moving average


def train(run: Run, ending: Ending) -> Outcome:
    """Start the sites, average until all rounds are done or somebody asks to stop. Raises RunError."""
    from core.training import devices

    write_json(run.path / "env.json", environment(devices.name(devices.choose(run.config["training"]["device"]))))
    begin(SERVER)
    progress = RunProgress(run, Intervals.from_environment().poll, ending.terminated)
    with closing(progress), ending.deferred(), open_sites(run, progress.should_stop) as sites:
        outcome = Server(run, progress, sites).rounds()
    if outcome.state == "succeeded":
        shutil.rmtree(run.path / MOMENTS, ignore_errors=True)  # nothing goes on from them any more
    return outcome


@dataclass
class _State:
    """What the server keeps between rounds, and in its checkpoint: the round, the best so far, how long it took."""

    done: int = 0
    best: dict[str, Any] = field(default_factory=dict)
    first: float | None = None
    stale: int = 0
    seconds: float = 0.0


class Server:
    """One call of `train`."""

    def __init__(self, run: Run, progress: RunProgress, sites: Sites) -> None:
        self.run, self.progress, self.sites = run, progress, sites
        self.node = run.config["federation"]
        self.config = from_dict(TrainingConfig, run.config["training"], where="training")
        count = len(sites.names)
        self.fedavg = FedAvg(
            min_train_nodes=count, min_evaluate_nodes=count, min_available_nodes=count, weighted_by_key=COUNT
        )
        self.state = _State()
        self.facts: dict[str, Any] = {}
        self.weights: dict[str, Tensor] = {}

    def rounds(self) -> Outcome:
        """Every round that is left, and how it ended."""
        from core.training.loop import Outcome

        started, every = time.monotonic(), self.node["rounds"]
        try:
            self._begin()
            started -= self.state.seconds
            while self.state.done < every:
                losses = self._round(self.state.done + 1)
                self.state.done += 1
                self.state.seconds = time.monotonic() - started
                if reason := self._end_of_round(losses):
                    return self._ended(reason)
        except Stopped:
            done = f"Stopped on request in round {self.state.done + 1} of {every}; it can be resumed."
            return Outcome("cancelled", done, self._epoch, self.state.best)
        return self._ended(f"All {every} rounds at {len(self.sites.names)} sites are done.")

    @property
    def _epoch(self) -> int:
        return int(self.state.done * self.node["local_epochs"])

    def _begin(self) -> None:
        """The weights of the last averaging, or those that the largest site begins with."""
        from core.training import checkpoints

        counts = self.sites.send_and_receive(self._ask("query", node) for node in self.sites.get_node_ids())
        sets = [int(reply.content[METRICS][COUNT]) for reply in counts]
        self.held_out = sum(int(reply.content[METRICS]["held-out"]) for reply in counts)
        told = ", ".join(f"{name} {count}" for name, count in zip(self.sites.names, sets, strict=True))
        self.progress.log(f"Sets to train on: {told}.")
        last = self.run.checkpoints / "last"
        if checkpoints.exists(last):
            self.weights, self.facts = checkpoints.load(last)
            self.state = _State(**self.facts["history"])
            self.progress.log(f"Resumed after round {self.state.done}.")
            return
        # Scales, components and first weights must be the same everywhere, and those of two sites have no mean: the
        # axes of two fits may be turned against each other.
        largest = 1 + sets.index(max(sets))
        reply = self.sites.send_and_receive([self._ask("query.begin", largest)])[0].content
        self.weights = tensors_of(reply[ARRAYS])
        self.facts = json.loads(str(reply[FACTS][FACTS]))
        self.facts["spec"]["n_train"] = sum(sets)
        first = self._held_out()
        if first is not None:
            self.state.first = first
            self.progress.record(0, 0, {"holdout_loss": first})
            if self.config.score == "held_out" and math.isfinite(first):
                self.state.best = {"epoch": 0, "score": -first, "name": self.config.score, "holdout_loss": first}
                self._save("best")

    def _ask(self, kind: str, node: int) -> Message:
        return Message(RecordDict(), node, kind)

    def _round(self, number: int) -> dict[str, float]:
        """One round of all sites: their weights are averaged; the mean losses, that of each site, and the drift."""
        messages = self.fedavg.configure_train(number, arrays_of(self.weights), ConfigRecord(), self.sites)
        replies = self.sites.send_and_receive(messages)
        arrays, means = self.fedavg.aggregate_train(number, replies)
        if arrays is None or means is None:
            raise RunError(f"No site answered in round {number}.")
        averaged = {name: _like(tensor, self.weights[name]) for name, tensor in tensors_of(arrays).items()}
        broken = [name for name, tensor in averaged.items() if not bool(tensor.isfinite().all())]
        if broken:
            raise RunError(
                f"Training diverged in round {number}: {broken[0]!r} is not a number; the weights of the round before "
                "are kept. Take a smaller training.learning_rate and start again."
            )
        self.weights = averaged
        own = {
            SITE_CURVE + name: float(reply.content[METRICS]["loss"])
            for name, reply in zip(self.sites.names, replies, strict=True)
        }
        return {name: float(value) for name, value in means.items()} | own | {DRIFT: drift(replies, averaged)}

    def _end_of_round(self, values: dict[str, float]) -> str:
        """Curves, validation, checkpoint; a reason where training should end here, else ""."""
        state, config = self.state, self.config
        self.progress.record(state.done, self._epoch, values)
        spent = bool(config.minutes) and state.seconds >= 60 * config.minutes
        finished = state.done == self.node["rounds"]
        every = max(1, config.evaluate_every // self.node["local_epochs"])
        improved = False
        if state.done % every == 0 or finished or spent:
            improved = self._improved()
        self._save("last")
        if improved:
            self._save("best")
        if config.patience and state.stale >= config.patience:
            return f"Stopped early after round {state.done}: {config.patience} validations without a better loss."
        return f"The time budget of {config.minutes:g} minutes was spent in round {state.done}." if spent else ""

    def _improved(self) -> bool:
        """Ask the sites for their held-out losses; whether these weights are the best so far."""
        loss = self._held_out()
        if loss is not None:
            self.progress.record(self.state.done, self._epoch, {"holdout_loss": loss})
        if loss is not None and self.config.score != "last":
            if not -loss > self.state.best.get("score", -math.inf):
                self.state.stale += 1
                return False
            self.state.best = {"score": -loss, "name": "held_out", "holdout_loss": loss}
        self.state.stale = 0
        self.state.best |= {"epoch": self._epoch}
        return True

    def _held_out(self) -> float | None:
        """The mean over all held-out sets of the loss, each site measuring its own; None where none are held out."""
        if not self.held_out:
            return None
        arrays = arrays_of(self.weights)
        messages = self.fedavg.configure_evaluate(self.state.done, arrays, ConfigRecord(), self.sites)
        means = self.fedavg.aggregate_evaluate(self.state.done, self.sites.send_and_receive(messages))
        return None if means is None else float(means["loss"])

    def _ended(self, reason: str) -> Outcome:
        from core.training import checkpoints
        from core.training.loop import Outcome
        from core.training.scoring import worse

        if not checkpoints.exists(self.run.checkpoints / "best"):
            self._save("best")
        first, now = self.state.first, self.state.best.get("holdout_loss")
        if first is not None and now is not None and self.state.best["epoch"] == 0 and not worse(now, first):
            reason += f" Warning: the held-out loss was never better than before training ({first:.4g})."
        return Outcome("succeeded", reason, self._epoch, self.state.best)

    def _save(self, which: str) -> None:
        """`last` holds all weights, `best` those that sampling needs."""
        from core.models.base import WEIGHTS
        from core.models.registry import models
        from core.training import checkpoints

        left_out = models[self.facts["model"]["name"]].value.training_only if which == "best" else ()
        kept = {k: v for k, v in self.weights.items() if not k.removeprefix(WEIGHTS).startswith(left_out)}
        clock = {"step": self.state.done, "epoch": self._epoch, "position": 0}
        facts = {**self.facts, "clock": clock, "history": vars(self.state)}
        checkpoints.save(self.run.checkpoints / which, kept, facts)


def drift(replies: list[Message], averaged: dict[str, Tensor]) -> float:
    """How far the sites have moved apart: √(Σ_k n_k/n ‖w_k − w‖²) / ‖w‖ over the weights w of the networks."""
    counts = [float(reply.content[METRICS][COUNT]) for reply in replies]
    apart = 0.0
    for count, reply in zip(counts, replies, strict=True):
        own = tensors_of(reply.content[ARRAYS])
        apart += (
            count
            / sum(counts)
            * sum(
                float((tensor.double() - averaged[name].double()).square().sum())
                for name, tensor in own.items()
                if name.startswith(_LEARNED)
            )
        )
    size = sum(float(t.double().square().sum()) for name, t in averaged.items() if name.startswith(_LEARNED))
    return math.sqrt(apart / size) if size else 0.0


def _like(mean: Tensor, before: Tensor) -> Tensor:
    """A mean in the number format of what it is a mean of: counts and flags, equal everywhere, are rounded back."""
    return (mean if before.is_floating_point() else mean.round()).to(before.dtype)

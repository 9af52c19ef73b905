"""`python -m core.runs.federated.site RUN SITE SOCKET`: one site, which opens its own sets and nothing else."""

from __future__ import annotations

import json
import sys
import traceback
from functools import cached_property
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flwr.app import ConfigRecord, Context, Error, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from core.config.schema import from_dict, to_dict
from core.config.training import TrainingConfig
from core.data.sites import at_site
from core.runs.directory import Run
from core.runs.ending import explain
from core.runs.federated.wire import (
    ARRAYS,
    COUNT,
    FACTS,
    METRICS,
    MOMENTS,
    arrays_of,
    begin,
    packed,
    tensors_of,
    unpacked,
)

if TYPE_CHECKING:
    from core.training.site import Site, Tensors

RAISED = 2  # Flower's code of an error that an app raised


def main(directory: Path, name: str, socket: int) -> int:
    """Answer the server's messages until it hangs up; the exit status."""
    run, line = Run(directory), Connection(socket)
    number = 1 + run.config["federation"]["sites"].index(name)
    begin(number)
    app = Client(run, name, line).app
    context = Context(run_id=1, node_id=number, node_config={}, state=RecordDict(), run_config={})
    while True:
        try:
            message = unpacked(line.recv_bytes())
        except (EOFError, OSError):
            return 0
        try:
            reply = app(message, context)
        except Exception as error:  # noqa: BLE001 - whatever it is, the server must say what happened
            from core.training.site import Left

            if isinstance(error, Left):
                return 0
            traceback.print_exc()
            reply = Message(Error(RAISED, explain(error)), reply_to=message)
        try:
            line.send_bytes(packed(reply))
        except OSError:
            return 0


class Client:
    """A site as Flower's `ClientApp`: it counts its sets, begins a model, trains and evaluates."""

    def __init__(self, run: Run, name: str, line: Connection) -> None:
        self.run, self.name, self.line = run, name, line
        self.trained = 0  # the round whose moments this process has
        self.app = ClientApp()
        self.app.query()(self.count)
        self.app.query("begin")(self.begin)
        self.app.train()(self.train)
        self.app.evaluate()(self.evaluate)

    @cached_property
    def site(self) -> Site:
        """The model beside the sets that lie here, loaded for the first message."""
        return opened(self.run, self.name)

    def count(self, message: Message, _: Context) -> Message:
        """How many sets there are here; nothing else of them."""
        held = 0 if self.site.holdout is None else len(self.site.holdout)
        return _reply(message, {COUNT: len(self.site.data), "held-out": held})

    def begin(self, message: Message, _: Context) -> Message:
        """The weights before the first round, and what a checkpoint says beside them: settings, names of features."""
        model = self.site.model
        facts = {
            "kind": model.kind,
            "model": {"name": self.run.config["model"]["name"], **model.settings()},
            "training": to_dict(self.site.config),
            "spec": model.spec.to_dict(),
        }
        return _reply(message, {COUNT: len(self.site.data)}, self.site.weights, facts)

    def train(self, message: Message, _: Context) -> Message:
        """Some epochs from the weights that came; the new weights and the losses."""
        number = int(message.content["config"]["server-round"])
        moments = None if self.trained == number - 1 else self._kept(number - 1)
        # The server says nothing while it waits: a line with something to read is one that was hung up.
        weights = tensors_of(message.content[ARRAYS])
        losses = self.site.train(weights, number, left=lambda: self.line.poll(0), moments=moments)
        self.trained = number
        self._keep(number)
        return _reply(message, {COUNT: len(self.site.data), **losses}, self.site.weights)

    def evaluate(self, message: Message, _: Context) -> Message:
        """The loss on the sets that are held out here."""
        held = 0 if self.site.holdout is None else len(self.site.holdout)
        return _reply(message, {COUNT: held, "loss": self.site.held_out(tensors_of(message.content[ARRAYS]))})

    def _folder(self, number: int) -> Path:
        """Where the moments after a round lie: two rounds are kept, since the server may not have heard of the last."""
        return self.run.path / MOMENTS / f"{1 + self.run.config['federation']['sites'].index(self.name)}-{number % 2}"

    def _keep(self, number: int) -> None:
        from core.training import checkpoints

        checkpoints.save(self._folder(number), self.site.moments, {"round": number})

    def _kept(self, number: int) -> Tensors | None:
        """The moments after that round, None where this site has none: then the optimiser begins anew."""
        from core.training import checkpoints

        folder = self._folder(number)
        if not checkpoints.exists(folder):
            return None
        moments, facts = checkpoints.load(folder)
        return moments if facts["round"] == number else None


def opened(run: Run, name: str) -> Site:
    """The site of that name with its own part of the run's dataset. Raises InputError."""
    import torch

    from core.models.registry import build
    from core.runs import set_work, work
    from core.training import devices
    from core.training.set_data import load_sets
    from core.training.site import Site

    config, node = run.config, run.config["federation"]
    training = from_dict(TrainingConfig, config["training"], where="training")
    own = at_site(*set_work.sets_of(run, work.dataset_of(run)), node, int(config["seed"]), name)
    data, holdout = load_sets(*own, config["model"])
    torch.manual_seed(training.seed)
    model = build(config["model"]["name"], set_work.settings_of(config), data.spec, training)
    return Site(
        model,
        data,
        holdout,
        training,
        local_epochs=int(node["local_epochs"]),
        number=1 + node["sites"].index(name),
        validate=set_work.validator(str(devices.choose(training.device))),
    )


def _reply(
    message: Message,
    metrics: dict[str, float],
    weights: Tensors | None = None,
    facts: dict[str, Any] | None = None,
) -> Message:
    """An answer with numbers, and with weights and facts where there are any."""
    content = RecordDict({METRICS: MetricRecord(metrics)})
    if weights is not None:
        content[ARRAYS] = arrays_of(weights)
    if facts is not None:
        content[FACTS] = ConfigRecord({FACTS: json.dumps(facts)})
    return Message(content, reply_to=message)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))

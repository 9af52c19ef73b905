"""Several processes that train one model: each takes its share of every batch, and the gradients are averaged."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import torch
import torch.distributed as comms
from torch import Tensor, nn

from core.errors import RunError

# A process waits so long for one that does not come: longer than a validation or a checkpoint of the first.
PATIENCE = timedelta(minutes=30)


class PartnerLost(RunError):
    """Another process of the training does not answer any more; why is known to that one."""


@dataclass(frozen=True)
class Team:
    """The processes of one training, this one being number `rank` of `size`; alone, every method changes nothing.

    Of a batch B process r takes the part B_r, and with ℓ a mean over individuals or sets

        ∇ℓ(B) = Σ_r |B_r| / |B| · ∇ℓ(B_r),

    so that the step is that of one process with the whole batch. Noise is drawn from a stream of each step and
    process, so that a run is the same however often it was stopped; it is another run than that of one process.
    What pairs the sets of a batch (a mixer, the metric loss, batch normalisation) pairs those of one part.
    """

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that validates, records and saves."""
        return self.rank == 0

    def share(self, index: Tensor) -> Tensor:
        """This process's part of a batch: parts follow each other, and differ by one at most."""
        return index.tensor_split(self.size)[self.rank]

    def seed(self, seed: int, step: int) -> None:
        """Begin the noise of a step: a stream that no other step and no other process has."""
        if self.size > 1:
            state = np.random.SeedSequence([seed, step, self.rank]).generate_state(1, np.uint64)
            torch.manual_seed(int(state[0] >> np.uint64(1)))

    @torch.no_grad()
    def agree(self, model: nn.Module) -> None:
        """Give every process the weights and buffers of the first."""
        if self.size > 1:
            with _answering():
                for tensor in (*model.parameters(), *model.buffers()):
                    comms.broadcast(tensor.data, src=0)

    @torch.no_grad()
    def average_gradients(self, optimiser: torch.optim.Optimizer, weight: float) -> None:
        """Replace gradients by their sum over all processes, those of this one times `weight` = |B_r| / |B|.

        One message for all of them. A parameter that no process had a gradient for has none after either: an
        optimiser skips it, where one of zeros would let its weight decay.
        """
        parameters = [p for group in optimiser.param_groups for p in group["params"]]
        used = torch.tensor([p.grad is not None for p in parameters], dtype=torch.int32)
        parts = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        flat = torch.cat([part.flatten() for part in parts]) * weight
        with _answering():
            comms.all_reduce(used)
            comms.all_reduce(flat)
        sums = torch.split(flat, [p.numel() for p in parameters])
        for p, part, seen in zip(parameters, sums, used.tolist(), strict=True):
            p.grad = part.view_as(p) if seen else None

    def mean(self, values: Mapping[str, Tensor], weight: float) -> dict[str, Tensor]:
        """The means of 0-d tensors over all processes, each weighted by its part of a batch."""
        if self.size == 1 or not values:
            return dict(values)
        flat = torch.stack(list(values.values())) * weight
        with _answering():
            comms.all_reduce(flat)
        return dict(zip(values, flat.unbind(), strict=True))

    def any(self, said: bool) -> bool:
        """Whether any process says yes."""
        if self.size == 1:
            return said
        flag = torch.tensor([int(said)])
        with _answering():
            comms.all_reduce(flag, comms.ReduceOp.MAX)
        return bool(flag.item())


ALONE = Team()


@contextlib.contextmanager
def joined(device: str) -> Iterator[Team]:
    """The team that torchrun has started this process for; on GPUs, "cuda", it has one of its own.

    Flags travel by gloo, so that no step waits for a GPU to be asked. Raises RunError where there are too few GPUs.
    """
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    gpu = device != "cpu" and torch.cuda.is_available()
    if gpu:
        count, local = torch.cuda.device_count(), int(os.environ["LOCAL_RANK"])
        if count < size:
            raise RunError(f"training.processes is {size}, but {count} GPU(s) are visible here; take {count}.")
        torch.cuda.set_device(local)
    comms.init_process_group("cpu:gloo,cuda:nccl" if gpu else "gloo", timeout=PATIENCE)
    try:
        yield Team(rank, size)
    finally:
        comms.destroy_process_group()


@contextlib.contextmanager
def _answering() -> Iterator[Any]:
    """Turn what a broken connection raises into one sentence."""
    try:
        yield
    except (comms.DistError, RuntimeError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        raise PartnerLost("Another process of this training ended or does not answer.") from error

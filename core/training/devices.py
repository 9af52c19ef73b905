"""Where a training runs: device, number format, and CUDA graphs for models made of small kernels."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from core.config.training import TrainingConfig
from core.errors import InputError, RunError
from core.models.base import Batch, Clock, Condition, Losses, Trainable

WARM_UP = 3  # eager steps before capture: libraries choose their kernels and optimisers make their moments

# Below this width of the widest layer a step is bound by launches, and bf16 only adds casts.
BF16_WIDTH = 8192


def choose(name: str) -> torch.device:
    """The device for "auto", "cpu" or "cuda". Raises InputError where there is no GPU to be had."""
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("training.device is 'cuda' but no GPU is visible here; use 'auto' or 'cpu'.")
    if name == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    torch.set_float32_matmul_precision("high")  # TF32: ten bits of mantissa are more than minibatch noise leaves
    return torch.device("cuda", torch.cuda.current_device())


def name(device: torch.device) -> str:
    """A device in words."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {torch.get_num_threads()} thread{'s' if torch.get_num_threads() > 1 else ''}"


def precision(config: TrainingConfig, device: torch.device, width: int) -> AbstractContextManager[Any]:
    """The autocast context of a step; `width` is that of the widest layer.

    "auto" takes bf16 on a GPU that has it in hardware (compute capability 8 or more) where layers are wide, and
    fp32 elsewhere. Weights, moments and losses stay fp32. The cast cache is off: a CUDA graph may not keep it.
    """
    able = device.type == "cuda" and torch.cuda.get_device_capability(device)[0] >= 8
    wanted = config.precision == "bf16" or (config.precision == "auto" and able and width >= BF16_WIDTH)
    if not wanted:
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16, cache_enabled=False)


def stepper(model: Trainable, config: TrainingConfig, device: torch.device) -> Stepper:
    """How steps are taken: replayed from a CUDA graph on a GPU where the model allows it, else one by one.

    torch.compile is not used for the GAN: its gradient penalty needs second derivatives, which compiled autograd
    does not give. Asking for `training.compile=on` without a GPU is an InputError.
    """
    if config.compile == "on" and device.type != "cuda":
        raise InputError("training.compile is 'on' but CUDA graphs need a GPU; use 'auto' or 'off'.")
    context = precision(config, device, model.widest)
    # Gradients of several processes are averaged inside a step, between what a graph could replay.
    if config.compile == "off" or device.type != "cuda" or not model.capturable or config.processes > 1:
        return Stepper(model, context)
    return GraphStepper(model, context)


class Stepper:
    """Takes steps one by one."""

    def __init__(self, model: Trainable, context: AbstractContextManager[Any]) -> None:
        self.model = model
        self.context = context

    def __call__(self, batch: Batch, clock: Clock) -> Losses:
        """One step of the model on `batch`."""
        with self.context:
            return self.model.steps(batch, clock)


class GraphStepper(Stepper):
    """Takes the first steps one by one, then captures one step as a CUDA graph and replays it on each new batch.

    A WGAN-GP step at published widths is some five hundred small kernels: launching them costs more than running
    them, and a replay is one launch. Needs fixed shapes (the loop drops the last partial batch) and optimisers made
    `capturable`; torch's CUDA generator advances inside a replay as it would outside. Runs only where CUDA is.
    """

    def __init__(self, model: Trainable, context: AbstractContextManager[Any]) -> None:
        super().__init__(model, context)
        self.taken = 0
        self.graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, batch: Batch, clock: Clock) -> Losses:
        """One step of the model on `batch`; the losses are copies, the next replay does not overwrite them."""
        self.taken += 1
        if self.taken <= WARM_UP:
            return self._aside(batch, clock)
        if self.graph is None:
            self._capture(batch, clock)
        assert self.graph is not None
        for static, new in zip(self._tensors(self.batch), self._tensors(batch), strict=True):
            static.copy_(new)
        self.graph.replay()
        return Losses({name: torch.as_tensor(value).clone() for name, value in self.losses.values.items()})

    def _aside(self, batch: Batch, clock: Clock) -> Losses:
        """A true step on a side stream, as capture asks of its warm-up."""
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            losses = super().__call__(batch, clock)
        torch.cuda.current_stream().wait_stream(stream)
        return losses

    def _capture(self, batch: Batch, clock: Clock) -> None:
        self.batch = Batch(
            batch.calls.clone(), Condition(batch.condition.labels.clone(), batch.condition.phenotypes.clone())
        )
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.losses = super().__call__(self.batch, clock)

    @staticmethod
    def _tensors(batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        return batch.calls, batch.condition.labels, batch.condition.phenotypes


def out_of_memory(error: BaseException, batch_size: int) -> RunError | None:
    """The plain reason where `error` says that memory ran out, on a GPU or in the computer; else None."""
    texts = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory")
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or any(t in str(error).lower() for t in texts):
        return RunError(
            f"Memory ran out at batch size {batch_size}; take a smaller training.batch_size or smaller widths, "
            "then start a new run (the last checkpoint is whole)."
        )
    return None

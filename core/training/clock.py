"""The clock of a training: steps, epochs, and how much of the schedule has passed."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass
class TrainingClock:
    """Counts from 0; `position` is the number of steps already taken in the current epoch.

    `progress` is step / total steps as a 0-d float32 tensor on the model's device: temperature and learning rate are
    functions of it alone, so that they are the same after a resume and inside a captured CUDA graph.
    """

    epochs: int
    steps_per_epoch: int
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    step: int = 0
    epoch: int = 0
    position: int = 0
    progress: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.progress = torch.zeros((), device=self.device)
        self._refresh()

    @property
    def finished(self) -> bool:
        """Whether every epoch has been trained."""
        return self.epoch >= self.epochs

    def tick(self) -> bool:
        """Count one step; True where it ended an epoch."""
        self.step += 1
        self.position += 1
        ended = self.position == self.steps_per_epoch
        if ended:
            self.epoch += 1
            self.position = 0
        self._refresh()
        return ended

    def to_dict(self) -> dict[str, int]:
        """What a checkpoint keeps."""
        return {"step": self.step, "epoch": self.epoch, "position": self.position}

    def restore(self, saved: dict[str, int]) -> None:
        """Set the clock to a saved moment."""
        self.step, self.epoch, self.position = saved["step"], saved["epoch"], saved["position"]
        self._refresh()

    def _refresh(self) -> None:
        self.progress.fill_(min(1.0, self.step / max(1, self.epochs * self.steps_per_epoch)))

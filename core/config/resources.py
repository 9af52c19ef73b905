"""Where a run is trained, and what is reserved for it there."""

from __future__ import annotations

import os
from dataclasses import dataclass

from core.config.schema import setting

BACKEND = "POPSCAPE_BACKEND"


@dataclass(frozen=True)
class Resources:
    """What an engine is asked for; the local one knows only its places, a CPU or a GPU a run."""

    backend: str = setting(
        "", f"Engine that runs it (empty: that of {BACKEND}, else local).", choices=("", "local", "ray", "slurm")
    )
    cpus: int = setting(2, "Processor cores reserved on a cluster.", low=1, high=1024)
    gpus: int = setting(0, "GPUs reserved on a cluster.", low=0, high=64)
    memory_gb: float = setting(8.0, "Memory reserved on a cluster.", unit="GB", low=0.5, high=4096)
    time_limit: int = setting(
        120, "Time after which Slurm takes the place back; the run then waits for another and goes on.",
        unit="minutes", low=1, high=43_200,
    )  # fmt: skip
    partition: str = setting("", "Slurm partition (empty: the cluster's default).")

    @property
    def engine(self) -> str:
        """The engine by name, whoever chose it."""
        return self.backend or os.environ.get(BACKEND, "") or "local"

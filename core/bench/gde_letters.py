"""Set embeddings of sequences: a training step and sampling beside the published way written plainly."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core.bench.gde_trials import ratio, seconds
from core.config.training import TrainingConfig
from core.data.sets import SetCollection
from core.modalities.sequence import Sequence as Letters
from core.models.gde.data import SetData, prepare_sets
from core.models.gde.gde import GDE, GDEConfig
from core.models.gde.generators.hyenadna import HyenaDNA, HyenaDNAConfig
from core.training.clock import TrainingClock

# The published sequence network (Fishman et al. 2025, appendix A.2) and the length of a promoter with its scaffold.
WIDTH, DEPTH, LENGTH, CHANNELS, KERNEL = 128, 6, 129, 64, 7
SETS, STEPS = 8, 7
DRAWN = 64  # sequences of one set in a timed sampling


def measure() -> dict[str, Any]:
    """A step and the sampling of both, turn by turn, on the same network; ratios are those of the medians."""
    torch.manual_seed(0)
    x = torch.randint(0, 4, (SETS, 16, LENGTH), dtype=torch.int8)
    ours, data = _ours(x)
    plain, clock = PlainLetters(), TrainingClock(1, 100)
    times: dict[str, list[float]] = {"ours": [], "plain": []}
    for _ in range(STEPS):
        times["ours"].append(seconds(lambda: ours.steps(data.index(torch.arange(SETS)), clock)))
        clock.tick()
        times["plain"].append(seconds(lambda: plain.step(x)))
    row: dict[str, Any] = {"row": "sequences", "steps": STEPS, **ratio("step", times)}
    z, generator = torch.randn(1, 64), torch.Generator().manual_seed(0)
    net = ours.averaged.generator
    assert isinstance(net, HyenaDNA)
    times = {"ours": [], "plain": []}
    for _ in range(3):
        times["ours"].append(seconds(lambda: net.sample(z, DRAWN, generator)) / DRAWN)
        times["plain"].append(seconds(lambda: net.sample_plainly(z, 1, generator)))
    return row | ratio("sample", times)


def line(row: dict[str, Any]) -> str:
    """The row in words."""
    return (
        f"{row['row']:>16}: step {1e3 * row['step_ours']:.0f} ms, plain {1e3 * row['step_plain']:.0f} ms, "
        f"{row['step_ratio']:.2f} times as fast; a sequence {1e3 * row['sample_ours']:.1f} ms, plain "
        f"{1e3 * row['sample_plain']:.0f} ms, {row['sample_ratio']:.0f} times as fast"
    )


class PlainLetters(nn.Module):
    """The published step, written plainly: convolutions that meet the mean maps of the set, HyenaDNA on its latent."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(5, CHANNELS, KERNEL, padding=KERNEL // 2)
        self.convs = nn.ModuleList(nn.Conv1d(CHANNELS, CHANNELS, KERNEL, padding=KERNEL // 2) for _ in range(3))
        self.joins = nn.ModuleList(nn.Conv1d(2 * CHANNELS, CHANNELS, 1) for _ in range(3))
        self.last = nn.Conv1d(CHANNELS, 128, 1)
        self.flat = nn.Sequential(nn.Linear(LENGTH, 256), nn.GELU(), nn.Linear(256, 128))
        self.head = nn.Sequential(nn.Linear(128, 256), nn.GELU(), nn.Linear(256, 64))
        self.generator = HyenaDNA(HyenaDNAConfig(width=WIDTH, depth=DEPTH, rank=0), Letters((LENGTH,), "ACGT"), 64)
        self.optimiser = torch.optim.Adam(self.parameters(), lr=2e-4)

    def encode(self, x: Tensor) -> Tensor:
        """Letters (b, k, l) → (b, 64)."""
        b, k, length = x.shape
        hot = nn.functional.one_hot(x.long(), 5).float().flatten(0, 1).transpose(1, 2)
        h = nn.functional.gelu(self.first(hot))
        for conv, join in zip(self.convs, self.joins, strict=True):
            h = nn.functional.gelu(conv(h))
            mean = h.reshape(b, k, CHANNELS, length).mean(dim=1, keepdim=True).expand(-1, k, -1, -1).flatten(0, 1)
            h = nn.functional.gelu(join(torch.cat([h, mean], dim=1)))
        maps = self.flat(self.last(h)).mean(dim=1)
        return self.head(maps.reshape(b, k, -1).mean(dim=1))

    def step(self, x: Tensor) -> None:
        """One step of Adam on sets x (b, k, l), encoded and scored on the same sequences."""
        self.optimiser.zero_grad()
        self.generator.loss(x, self.encode(x))["loss"].backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()


def _ours(x: Tensor) -> tuple[GDE, SetData]:
    """The same widths in ours, and the sets x (b, k, l) as a training split."""
    b, k, _ = x.shape
    names = np.array([f"set {i}" for i in range(b)])
    sets = SetCollection(x.flatten(0, 1).numpy(), np.arange(b + 1) * k, names, modality="sequence", alphabet="ACGT")
    data = prepare_sets(sets, np.arange(b))
    parts = {
        "encoder": {"name": "sequence_cnn", "channels": CHANNELS, "kernel": KERNEL, "rounds": 3},
        "generator": {"name": "hyenadna", "width": WIDTH, "depth": DEPTH},
        "mixer": {"name": "none"},
    }
    config = GDEConfig(latent=64, context_min=8, context_max=8, query=16, metric_weight=0.0)
    model = GDE(config, data.spec, TrainingConfig(batch_size=b), parts)
    model.prepare(data)
    return model.train(), data

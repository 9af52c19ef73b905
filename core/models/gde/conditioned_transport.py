"""A flow from one set to another that their latents steer: distribution-conditioned transport.

Fishman et al. 2026 (arXiv 2603.04736): the latents of source and target, E(source) and E(target), condition one
velocity field v(x, t | z_source, z_target) for all pairs of sets.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from core.models.gde.layers import FourierTime, mlp

Array = npt.NDArray[np.float64]
Carry = Callable[[Array, Array, Array], Array]
"""Observations (n, d) of the source, latents (L,) of source and target → (n, d) observations of the target."""

WIDTH, TIME = 128, 16
STEPS = 600  # of a small network on a few thousand pairs: seconds on one core
BATCH = 512
RATE = 2e-3
MIDPOINTS = 12  # steps of the solver
BLUR = 0.1  # deviations of noise on the latents while training: a forecast latent is not exact either


class Velocity(nn.Module):
    """v(x, t | z_source, z_target); all of them standardised."""

    def __init__(self, d: int, latent: int) -> None:
        super().__init__()
        self.time = FourierTime(TIME)
        self.net = mlp([d + TIME + 2 * latent, WIDTH, WIDTH, d])
        last = self.net[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)  # it begins as no change at all

    def forward(self, x: Tensor, t: Tensor, z: Tensor) -> Tensor:
        """(n, d) observations, (n,) times, (n, 2L) latents of source and target → (n, d) velocities."""
        return torch.as_tensor(self.net(torch.cat([x, self.time(t), z], dim=1)))


def fit_transport(source: Array, target: Array, pair: npt.NDArray[np.int64], ends: Array, seed: int) -> Carry:
    """Flow matching (Lipman et al. 2023, eq. 14) on observations that optimal transport has paired.

    Args:
        source, target: (m, d) observations, row i of one goes to row i of the other.
        pair: (m,) which pair of sets a row belongs to.
        ends: (p, 2, L) latents of source and target of the pairs of sets.

    With x_t = (1 − t) x_0 + t x_1 the field learns x_1 − x_0. The state of torch's random numbers is left as it was.
    """
    centre, spread = np.concatenate([source, target]).mean(axis=0), np.concatenate([source, target]).std() + 1e-9
    middle, scale = ends.mean(axis=(0, 1)), ends.std(axis=(0, 1)) + 1e-6

    def latents(a: Array, b: Array) -> Tensor:
        return _tensor(np.concatenate([(a - middle) / scale, (b - middle) / scale], axis=-1))

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = Velocity(source.shape[1], ends.shape[2])
        x0, x1 = (_tensor((x - centre) / spread) for x in (source, target))
        z, place = latents(ends[:, 0], ends[:, 1]), torch.as_tensor(pair)
        optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=1e-2)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
        for _ in range(STEPS):
            rows = torch.randint(len(x0), (BATCH,))
            t = torch.rand(BATCH)
            condition = z[place[rows]]
            x = torch.lerp(x0[rows], x1[rows], t[:, None])
            v = net(x, t, condition + BLUR * torch.randn_like(condition))
            loss = (v - (x1[rows] - x0[rows])).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    net.eval()

    def carry(x: Array, start: Array, end: Array) -> Array:
        with torch.no_grad():
            y = _tensor((x - centre) / spread)
            condition = latents(start, end).expand(len(y), -1)
            h = 1 / MIDPOINTS
            for i in range(MIDPOINTS):
                t = torch.full((len(y),), i * h)
                half = y + h / 2 * net(y, t, condition)
                y = y + h * net(half, t + h / 2, condition)
            return np.asarray(y.double().numpy() * spread + centre, dtype=np.float64)

    return carry


def _tensor(x: Array) -> Tensor:
    return torch.as_tensor(np.asarray(x, dtype=np.float32))

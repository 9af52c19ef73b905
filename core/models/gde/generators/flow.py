"""Conditional flow matching in the coordinates of a Gaussian base: the default generator."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor

from core.config.schema import setting
from core.modalities.base import Observation
from core.models.gde.backbones import ImageNet, NetConfig, VectorNet
from core.models.gde.base import Generator, generators
from core.models.gde.gaussian_base import GaussianBase
from core.models.gde.gaussian_moments import FULL_UP_TO
from core.models.gde.layers import FourierTime

CALIBRATION = 512  # points for `Flow.calibration`; of many features half as many do, of pixels' deviations a quarter
Network = Callable[[Tensor], Tensor]  # at the latents of some sets
SHAPED = 128  # leading features whose shape is learned; further components of wide observations stay Gaussian


@dataclass(frozen=True)
class FlowConfig(NetConfig):
    """Settings of the flow-matching generators."""

    steps: int = setting(
        10, "Steps from noise to observation; the first costs two network calls, each other one.", low=1, high=20
    )
    draws: int = setting(
        1, "Noise levels at which a step scores each observation; cheap where encoding is slow.", low=1, high=64
    )


class Flow(Generator):
    """y = L(z)⁻¹(x − μ(z)); y_t = (1 − t) n + t y; minimise ‖v(y_t, t, z) − (y − n)‖².

    For a Gaussian set y is standard normal and the best velocity is known, v*(y, t) = y (2t − 1)/((1 − t)² + t²);
    the network learns only what is left, so that a Gaussian set is exact at any number of steps.
    """

    base: GaussianBase
    net: VectorNet | ImageNet
    shaped: int  # leading features of y that the network moves
    calibration: Tensor  # points (c, d) that tell mean and covariance of what the flow gives

    @abstractmethod
    def learned(self, y: Tensor, t: Tensor, net: Network) -> Tensor:
        """(b, k, shaped) positions at times t, (b, k) or one for all (1, 1) → what the network adds to the Gaussian's
        velocity."""

    def prepare(self, x: Tensor, z: Tensor) -> None:
        self.base.start(x.flatten(2), z)

    def loss(self, x: Tensor, z: Tensor, weights: Tensor | None = None) -> dict[str, Tensor]:
        mean, scale = self.base.parameters_of(z)
        y = self.base.whiten(x.flatten(2), mean, scale)
        likelihood = self.base.negative_log_likelihood(y, scale, weights)
        # The base is fitted by its likelihood alone: the flow must not bend it to make its own task easy.
        y = y.detach()[..., : self.shaped].repeat(1, self.config.draws, 1)
        noise = torch.randn_like(y)
        t = self._stratified(y.shape[:2], y.device)
        y_t = (1 - t[..., None]) * noise + t[..., None] * y
        flow = (self.velocity(y_t, t, partial(self.net, z=z)) - (y - noise)).square().mean()
        return {"loss": flow + likelihood, "flow": flow.detach(), "likelihood": likelihood.detach()}

    def velocity(self, y: Tensor, t: Tensor, net: Network) -> Tensor:
        """(b, k, shaped) positions at times t, (b, k) or (1, 1) → velocities."""
        return y * ((2 * t - 1) / ((1 - t).square() + t.square()))[..., None] + self.learned(y, t, net)

    def flow(self, noise: Tensor, z: Tensor) -> Tensor:
        """Noise (b, k, d) carried along the velocity from time 0 to 1 by two-step Adams-Bashforth, begun by Heun.

        At as many network calls it lies nearer to the exact solution than Heun's method throughout.
        """
        y, net = noise[..., : self.shaped], partial(self.net, z=z)
        # Steps that are short near both ends, where the velocity of a narrow target changes fastest.
        times = 0.5 - 0.5 * torch.cos(torch.linspace(0, math.pi, self.config.steps + 1, device=z.device))
        before: tuple[Tensor, Tensor] | None = None
        for now, then in pairwise(times):
            step, slope = then - now, self.velocity(y, now.expand(1, 1), net)
            if before is None:
                ahead = self.velocity(y + step * slope, then.expand(1, 1), net)
                change = 0.5 * (slope + ahead)
            else:
                last_step, last_slope = before
                change = slope + step / (2 * last_step) * (slope - last_slope)
            y, before = y + step * change, (step, slope)
        return torch.cat([y, noise[..., self.shaped :]], dim=-1)

    @torch.no_grad()
    def sample(self, z: Tensor, n: int, generator: torch.Generator) -> Tensor:
        mean, scale = self.base.parameters_of(z)
        noise = torch.randn(len(z), n, self.base.d, generator=generator, device=generator.device).to(z.device)
        reference = self.calibration.expand(len(z), -1, -1)
        moved = self.flow(torch.cat([reference, noise], dim=1), z)
        y = self.base.standardise(moved[:, len(self.calibration) :], moved[:, : len(self.calibration)])
        return self.base.colour(y, mean, scale).reshape(len(z), n, *self.shape)

    @staticmethod
    def _stratified(size: torch.Size, device: torch.device) -> Tensor:
        """Times in [0, 1], one in each of k equal bins per set: the loss has less variance than with free draws."""
        b, k = size
        ranks = torch.rand(b, k, device=device).argsort(dim=1)
        return (ranks + torch.rand(b, k, device=device)) / k


@generators.register(
    "flow",
    title="Flow",
    kind="sets",
    config=FlowConfig,
    help="Flow matching from a fitted Gaussian: few steps, learned covariance, the default.",
    source="Lipman et al. 2023, eq. 22 (straight paths); Adams-Bashforth steps; the Gaussian base is ours",
)
class FlowGenerator(Flow):
    """A flow of features, or of principal components where there are many."""

    def __init__(self, config: FlowConfig, observation: Observation, latent: int) -> None:
        super().__init__(config, observation, latent)
        self.base = GaussianBase(observation.d, latent, config.width)
        self.shaped = min(self.base.d, SHAPED)
        points = self.base.points(CALIBRATION // (2 if self.base.d > FULL_UP_TO else 1))
        self.register_buffer("calibration", points, persistent=False)
        self.time = FourierTime(16)
        self.net = VectorNet(self.shaped + 16, self.shaped, latent, config)

    def learned(self, y: Tensor, t: Tensor, net: Network) -> Tensor:
        return net(torch.cat([y, self.time(t).expand(*y.shape[:2], -1)], dim=-1))

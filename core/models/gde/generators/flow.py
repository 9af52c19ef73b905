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
from core.models.gde.base import generators
from core.models.gde.gaussian_base import BasedGenerator
from core.models.gde.gaussian_moments import FULL_UP_TO
from core.models.gde.layers import FourierTime

CALIBRATION = 512  # points for `calibration`; of many features half as many do, of pixels' deviations a quarter
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


class Flow(BasedGenerator):
    """y = L(z)⁻¹(x − μ(z)); y_t = (1 − t) n + t y; minimise ‖v(y_t, t, z) − (y − n)‖².

    For a Gaussian set y is standard normal and the best velocity is known, v*(y, t) = y (2t − 1)/((1 − t)² + t²);
    the network learns only what is left, so that a Gaussian set is exact at any number of steps.
    """

    net: VectorNet | ImageNet
    shaped: int  # leading features of y that the network moves

    @abstractmethod
    def learned(self, y: Tensor, t: Tensor, net: Network) -> Tensor:
        """(b, k, shaped) positions at times t, (b, k) or one for all (1, 1) → what the network adds to the Gaussian's
        velocity."""

    def loss(self, x: Tensor, z: Tensor, weights: Tensor | None = None) -> dict[str, Tensor]:
        y, likelihood = self.whitened(x, z, weights)
        y = y[..., : self.shaped].repeat(1, self.config.draws, 1)
        noise = torch.randn_like(y)
        t = self._stratified(y.shape[:2], y.device)
        y_t = (1 - t[..., None]) * noise + t[..., None] * y
        flow = (self.velocity(y_t, t, partial(self.net, z=self.base.learned(z))) - (y - noise)).square().mean()
        return {"loss": flow + likelihood, "flow": flow.detach(), "likelihood": likelihood.detach()}

    def velocity(self, y: Tensor, t: Tensor, net: Network) -> Tensor:
        """(b, k, shaped) positions at times t, (b, k) or (1, 1) → velocities."""
        return y * ((2 * t - 1) / ((1 - t).square() + t.square()))[..., None] + self.learned(y, t, net)

    def transformed(self, noise: Tensor, z: Tensor) -> Tensor:
        """Noise (b, k, d) carried along the velocity from time 0 to 1 by two-step Adams-Bashforth, begun by Heun.

        At as many network calls it lies nearer to the exact solution than Heun's method throughout.
        """
        y, net = noise[..., : self.shaped], partial(self.net, z=self.base.learned(z))
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

    @staticmethod
    def _stratified(size: torch.Size, device: torch.device) -> Tensor:
        """Times in [0, 1], one in each of k equal bins per set: the loss has less variance than with free draws."""
        b, k = size
        ranks = torch.rand(b, k, device=device).argsort(dim=1)
        return (ranks + torch.rand(b, k, device=device)) / k


@generators.register(
    "flow",
    title="Flow",
    takes=("vector", "image"),
    config=FlowConfig,
    help="Flow matching from a fitted Gaussian: few steps, learned covariance, the default.",
    source="Lipman et al. 2023, eq. 22 (straight paths); Adams-Bashforth steps; the Gaussian base is ours",
)
class FlowGenerator(Flow):
    """A flow of features, or of principal components where there are many."""

    def __init__(self, config: FlowConfig, observation: Observation, latent: int) -> None:
        super().__init__(config, observation, latent, CALIBRATION // (2 if observation.d > FULL_UP_TO else 1))
        self.shaped = min(observation.d, SHAPED)
        self.time = FourierTime(16)
        self.net = VectorNet(self.shaped + 16, self.shaped, latent, config)

    def learned(self, y: Tensor, t: Tensor, net: Network) -> Tensor:
        return net(torch.cat([y, self.time(t).expand(*y.shape[:2], -1)], dim=-1))


@generators.register(
    "pixel_flow",
    title="Pixel flow",
    takes=("image",),
    config=FlowConfig,
    help="Flow matching over the pixels of images with a U-Net: sharper than principal components, and far slower.",
    source="Lipman et al. 2023, eq. 22; Ronneberger et al. 2015 (U-Net); the Gaussian base is ours",
)
class PixelFlowGenerator(Flow):
    """A flow of pixels, each in units of its own deviation within the set."""

    raw = True

    def __init__(self, config: FlowConfig, observation: Observation, latent: int) -> None:
        super().__init__(config, observation, latent, CALIBRATION // 4, leading=0)
        self.shaped = observation.d
        self.time = FourierTime(16)
        self.net = ImageNet(self.shape[0] + 16, self.shape, latent, config)

    def learned(self, y: Tensor, t: Tensor, net: Network) -> Tensor:
        maps = self.time(t)[..., None, None].expand(*y.shape[:2], 16, *self.shape[1:])
        return net(torch.cat([y.reshape(*y.shape[:2], *self.shape), maps], dim=2)).flatten(2)

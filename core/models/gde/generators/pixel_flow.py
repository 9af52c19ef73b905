"""Conditional flow matching over pixels: sharp images, for those who have a GPU."""

from __future__ import annotations

import torch
from torch import Tensor

from core.modalities.base import Observation
from core.models.gde.backbones import ImageNet
from core.models.gde.base import generators
from core.models.gde.gaussian_base import GaussianBase
from core.models.gde.generators.flow import CALIBRATION, Flow, FlowConfig, Network
from core.models.gde.layers import FourierTime


@generators.register(
    "pixel_flow",
    title="Pixel flow",
    kind="sets",
    takes=("image",),
    config=FlowConfig,
    help="Flow matching over the pixels of images with a U-Net: sharper than principal components, and far slower.",
    source="Lipman et al. 2023, eq. 22; Ronneberger et al. 2015 (U-Net); the Gaussian base is ours",
)
class PixelFlowGenerator(Flow):
    """A flow of pixels, each in units of its own deviation within the set."""

    raw = True

    def __init__(self, config: FlowConfig, observation: Observation, latent: int) -> None:
        super().__init__(config, observation, latent)
        self.base = GaussianBase(observation.d, latent, config.width, leading=0)
        self.shaped = self.base.d
        self.register_buffer("calibration", self.base.points(CALIBRATION // 4), persistent=False)
        self.time = FourierTime(16)
        self.net = ImageNet(self.shape[0] + 16, self.shape, latent, config)

    def learned(self, y: Tensor, t: Tensor, net: Network) -> Tensor:
        maps = self.time(t)[..., None, None].expand(*y.shape[:2], 16, *self.shape[1:])
        return net(torch.cat([y.reshape(*y.shape[:2], *self.shape), maps], dim=2)).flatten(2)

"""A GAN whose generator emits discrete calls by Gumbel-Softmax: generator against discriminator, as first posed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import softplus

from core.config.schema import setting
from core.models.adversarial import Adversarial, AdversarialConfig
from core.models.base import Condition
from core.models.registry import models


@dataclass(frozen=True)
class GanConfig(AdversarialConfig):
    """Settings of the GAN; the defaults are our preset, the experiment `gan_published` sets the published ones."""

    slope_penalty: float = setting(
        1.0, "Weight gamma of the penalty on the discriminator's slope at real individuals (R1).", low=0.0, high=1000.0
    )


@models.register(
    "gan",
    title="GAN",
    colour="#17a2a8",
    kind="genotypes",
    help="Generator against discriminator: quick, and quick to lose linkage where nothing else holds it.",
    source="Goodfellow et al. 2014; Jang et al. 2017, eq. 1; Mescheder et al. 2018, eq. 9; Xie et al. 2025",
    config=GanConfig,
)
class Gan(Adversarial):
    """Discriminator loss BCE(D(x), 1) + BCE(D(G(z)), 0) + R1, generator loss BCE(D(G(z)), 1), with D = sigmoid(score).

    R1 = gamma / 2 E[|grad score(x)|^2] over real x keeps the discriminator from becoming ever steeper where it already
    tells real from generated, after which it teaches nothing. The published GAN has none.
    """

    loss_titles: ClassVar[Mapping[str, str]] = {
        "critic": "Discriminator loss",
        "generator": "Generator loss",
        "right": "Right verdicts of the discriminator",
        "slope_penalty": "Penalty on the discriminator's slope",
    }
    config: GanConfig

    def turns(self, real: Tensor, condition: Condition, temperature: Tensor) -> dict[str, Tensor]:
        """One discriminator step and one generator step, each with latents of its own."""
        with torch.no_grad():  # the discriminator's loss needs no path into the generator
            fake = self.generate(condition, temperature)[0]
        loss, penalty, right = self.discriminator_loss(*self.veiled(real, fake), condition)
        self.descend("critic", loss)
        losses = {"critic": loss.detach(), "slope_penalty": penalty.detach(), "right": right}
        return losses | self.generator_step(condition, temperature)

    def fooled(self, score: Tensor) -> Tensor:
        """BCE(D, 1) = softplus(-score), the non-saturating loss: steep where the discriminator is sure."""
        return softplus(-score).mean()

    def discriminator_loss(self, real: Tensor, fake: Tensor, condition: Condition) -> tuple[Tensor, Tensor, Tensor]:
        """(loss, R1, share of right verdicts) of real and fake (b, categories, m), scored in one pass."""
        both = Condition(condition.labels.repeat(2, 1), condition.phenotypes.repeat(2, 1))
        entered = self.critic.enter(torch.cat([real, fake]), both)
        on_real, on_fake = self.critic.judge(entered, both).chunk(2)
        loss = softplus(-on_real).mean() + softplus(on_fake).mean()
        right = ((on_real > 0).float().mean() + (on_fake < 0).float().mean()).detach() / 2
        if not self.config.slope_penalty:
            return loss, torch.zeros_like(loss), right
        at_real = entered[: len(real)].detach().requires_grad_()
        penalty = self.critic.slope(at_real, condition).square().sum(1).mean() / 2
        return loss + self.config.slope_penalty * penalty, penalty, right

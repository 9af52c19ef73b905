"""A Wasserstein GAN with gradient penalty whose generator emits discrete calls by Gumbel-Softmax."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from core.config.schema import setting
from core.models.adversarial import Adversarial, AdversarialConfig
from core.models.base import Condition
from core.models.registry import models


@dataclass(frozen=True)
class WganGpConfig(AdversarialConfig):
    """Settings of WGAN-GP; the defaults are our preset, the experiment `wgan_gp_published` sets the published ones."""

    gradient_penalty: float = setting(10.0, "Weight lambda of the gradient penalty.", low=0.0, high=1000.0)
    critic_steps: int = setting(3, "Critic steps on each minibatch before one generator step.", low=1, high=20)


@models.register(
    "wgan_gp",
    title="WGAN-GP",
    colour="#2f7fc1",
    kind="genotypes",
    help="Generator against critic: learns structure and linkage together, by population and phenotype where given.",
    source="Gulrajani et al. 2017, eq. 3; Jang et al. 2017, eq. 1; Xie et al. 2025",
    config=WganGpConfig,
)
class WganGp(Adversarial):
    """Critic loss E[C(G(z))] - E[C(x)] + lambda E[(|grad C(x')| - 1)^2], generator loss -E[C(G(z))].

    x' lies between a real and a generated individual.
    """

    undivided: ClassVar[str] = "a step has several optimiser steps, and the gradient penalty second derivatives"
    loss_titles: ClassVar[Mapping[str, str]] = {
        "critic": "Critic loss",
        "generator": "Generator loss",
        "wasserstein": "Wasserstein estimate",
    }
    config: WganGpConfig

    def turns(self, real: Tensor, condition: Condition, temperature: Tensor) -> dict[str, Tensor]:
        """`critic_steps` critic steps and one generator step on the batch; only the generator's noise differs."""
        losses: dict[str, Tensor] = {}
        for _ in range(self.config.critic_steps):
            losses |= self._critic_step(real, condition, temperature)
        return losses | self.generator_step(condition, temperature)

    def fooled(self, score: Tensor) -> Tensor:
        """-E[C(G(z))] of scores (b,)."""
        return -score.mean()

    def _critic_step(self, real: Tensor, condition: Condition, temperature: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():  # the critic's loss needs no path into the generator
            fake = self.generate(condition, temperature)[0]
        mix = torch.rand(len(real), 1, 1, device=real.device)
        loss, distance, penalty = self.critic_loss(*self.veiled(real, fake), condition, mix)
        self.descend("critic", loss)
        return {"critic": loss.detach(), "wasserstein": distance.detach(), "gradient_penalty": penalty.detach()}

    def critic_loss(
        self, real: Tensor, fake: Tensor, condition: Condition, mix: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(loss, Wasserstein estimate, penalty) of real and fake (b, categories, m); mix (b, 1, 1) places x'.

        One pass scores real and fake together: the critic has no batch statistics that would mix them. The first layer
        is linear, so that of x' is mixed from theirs.
        """
        both = Condition(condition.labels.repeat(2, 1), condition.phenotypes.repeat(2, 1))
        entered = self.critic.enter(torch.cat([real, fake]), both)
        on_real, on_fake = self.critic.judge(entered, both).chunk(2)
        distance = on_real.mean() - on_fake.mean()
        of_real, of_fake = entered.detach().chunk(2)
        between = torch.lerp(of_fake, of_real, mix.flatten(1).to(of_real.dtype)).requires_grad_()
        penalty = ((self.critic.slope(between, condition).norm(dim=1) - 1) ** 2).mean()
        return self.config.gradient_penalty * penalty - distance, distance, penalty

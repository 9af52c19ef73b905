"""A generator with no more parameters than a cohort supports: few factors, thresholds, noise that neighbours share."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from core.models import ordered
from core.models.base import UNKNOWN, Condition, DataSpec
from core.models.conditioning import Conditioning
from core.models.dense import Trunk
from core.models.factors import FactorModel
from core.models.local_linkage import CAP, spread

CUT_ROUNDS = 8  # Newton rounds after which mean frequencies are right to the fourth digit


class FactorGenerator(nn.Module):
    """The liability of every call and its genotype probabilities (`core.models.factors`, `core.models.ordered`).

    h = mean_a + root_a z + trunk(z, c): the trunk bends the normal cloud of each group to the shape that real
    individuals have. It starts at zero, and so do the factors that the data do not show: these never wake.
    """

    def __init__(self, spec: DataSpec, latent: int, widths: Sequence[int], embedding: int, reach: int) -> None:
        super().__init__()
        groups = len(next(iter(spec.label_columns.values()), [])) + 1
        m = spec.variants
        self.phenotypes = len(spec.phenotypes)
        self.condition = Conditioning(spec, embedding)
        self.trunk = Trunk(latent, widths, self.condition.width, nn.LayerNorm)
        self.bend = nn.Linear(widths[-1], latent)
        self.effects = nn.Linear(self.condition.width, m, bias=False)
        for layer in (self.bend, self.effects):
            nn.init.zeros_(layer.weight)
        nn.init.zeros_(self.bend.bias)
        self.thresholds = nn.Parameter(torch.zeros(spec.categories - 1, m))
        self.slopes = nn.Parameter(torch.zeros(m, latent))
        self.offsets = nn.Parameter(torch.zeros(groups, m))
        self.mean = nn.Parameter(torch.zeros(groups, latent))
        self.root = nn.Parameter(torch.zeros(groups, latent, latent))
        self.kernels = nn.Parameter(torch.zeros(m, 2 * reach + 1))

    @torch.no_grad()
    def start(self, model: FactorModel) -> None:
        """Become the fitted model."""
        for name in ("thresholds", "slopes", "offsets", "mean", "root", "kernels"):
            self.get_parameter(name).copy_(getattr(model, name))
        if self.phenotypes:
            self.effects.weight[:, -self.phenotypes :] = model.effects

    def forward(self, latent: Tensor, noise: Tensor, condition: Condition, thresholds: Tensor | None = None) -> Tensor:
        """(b, latent) and (b, m) standard normal numbers to logits (b, categories, m); cut at `thresholds`."""
        kernels = self.kernels * (CAP / self.kernels.square().sum(1, keepdim=True).clamp(min=CAP)).sqrt()
        scale = (1 - kernels.square().sum(1)).sqrt()
        liability = self.liability(latent, condition) + spread(kernels, noise)
        return (
            ordered.probabilities(self.thresholds if thresholds is None else thresholds, liability, scale).clamp(min=0)
            + ordered.SMALLEST
        ).log()

    def liability(self, latent: Tensor, condition: Condition) -> Tensor:
        """(b, m) mean of the liability over all noise."""
        known = self.condition(condition)
        group = condition.labels[:, 0] - UNKNOWN if condition.labels.shape[1] else known.new_zeros(len(known)).long()
        factors = self.mean[group] + torch.einsum("bij,bj->bi", self.root[group], latent)
        factors = factors + self.bend(self.trunk(latent, known))
        return factors @ self.slopes.T + self.effects(known) + self.offsets[group]

    @torch.no_grad()
    def recut(self, latent: Tensor, condition: Condition, frequency: Tensor) -> Tensor:
        """Thresholds at which individuals from latents (n, latent) have genotype `frequency` (categories, m)."""
        liability, thresholds = self.liability(latent, condition), self.thresholds.data
        for _ in range(CUT_ROUNDS):
            thresholds = ordered.recut(thresholds, liability, frequency)
        return thresholds

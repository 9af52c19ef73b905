"""Mixing of sets: new distributions out of the training ones, for few sets and for a continuous latent space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from core.config.schema import NoSettings, setting
from core.registry import Registry


class Mixer(Protocol):
    """Draws, for each of b output sets, weights over the b input sets of the batch."""

    def __init__(self, config: Any) -> None: ...

    def weights(self, b: int, device: torch.device) -> Tensor:
        """(b, b) rows that sum to 1: the true share of each input set in each output set."""


mixers: Registry[type[Mixer]] = Registry("mixer", "core.models.gde", kind="sets")


@mixers.register("none", title="None", config=NoSettings, help="Train on the sets as they are.", source="—")
class IdentityMixer:
    """Each output set is its input set."""

    def __init__(self, config: NoSettings) -> None:
        self.config = config

    def weights(self, b: int, device: torch.device) -> Tensor:
        """The identity."""
        return torch.eye(b, device=device)


@dataclass(frozen=True)
class DirichletConfig:
    """Settings of Dirichlet mixing."""

    k: int = setting(3, "Sets that are mixed into one.", low=2, high=64)
    alpha: float = setting(1.0, "Concentration: small keeps one set dominant, large mixes evenly.", low=1e-3, high=1e3)
    probability: float = setting(1.0, "Share of sets that are mixed; the others stay pure.", low=0.0, high=1.0)


@mixers.register(
    "dirichlet_k",
    title="Dirichlet",
    config=DirichletConfig,
    help="Each training set becomes a mixture of k sets with Dirichlet weights.",
    source="Fishman et al. 2025, section 4 (k-sparse Dirichlet mixing), with weights that sum to 1",
)
class DirichletMixer:
    """k distinct sets by uniform ranks, w ~ Dir(α 1_k); observations are drawn with just these weights."""

    def __init__(self, config: DirichletConfig) -> None:
        self.config = config

    def weights(self, b: int, device: torch.device) -> Tensor:
        """(b, b) with k entries a row above zero."""
        k = min(self.config.k, b)
        chosen = torch.rand(b, b, device=device).argsort(dim=1)[:, :k]
        w = torch.distributions.Dirichlet(torch.full((k,), self.config.alpha, device=device)).sample((b,))
        mixed = torch.zeros(b, b, device=device).scatter_(1, chosen, w)
        pure = torch.rand(b, 1, device=device) >= self.config.probability
        return torch.where(pure, torch.eye(b, device=device), mixed)


def mix(x: Tensor, weights: Tensor) -> Tensor:
    """Observations of mixed sets: (b, k, *shape) and (b, b) weights → (b, k, *shape).

    Place j of an output set takes place j of a source drawn with the set's weights, so that no observation of a
    source is used twice in one output set.
    """
    source = torch.multinomial(weights, x.shape[1], replacement=True)
    return x[source, torch.arange(x.shape[1], device=x.device)[None]]

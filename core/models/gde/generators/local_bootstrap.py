"""Deviations of real observations, drawn from the training sets that lie near in the latent space."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from core.config.schema import more, setting
from core.modalities.base import Observation
from core.models.gde.base import Generator, generators
from core.models.gde.gaussian_base import GaussianBase

# Kernel widths that are tried, in units of the median distance from a latent to those of the training sets.
WIDTHS = (0.1, 0.15, 0.2, 0.3, 0.5, 0.8, 1.5, 100.0)
LEAST = 8  # observations of a set by which a width is judged
JUDGES, DRAWN = 200, 64  # sets, and observations of each


@dataclass(frozen=True)
class LocalBootstrapConfig:
    """Settings of the local bootstrap."""

    kernel: float = setting(
        0.0,
        "Width of the kernel, in median distances between latents: small takes the nearest sets alone; 0: the "
        "width that best foretells sets that are left out.",
        low=0.0,
    )
    observations: int = more(20_000, "Observations of the training sets that are kept, as many of each set.", low=10)
    width: int = more(32, "Width of the network beside the linear map of the spread.", low=4, high=8192)


@generators.register(
    "local_bootstrap",
    title="Local bootstrap",
    takes=("vector", "image"),
    config=LocalBootstrapConfig,
    help="Deviations of real observations from training sets nearby, around the set's own mean: strong where sets are "
    "few or small.",
    source="Nadaraya 1964, Watson 1964 (kernel weights); Efron 1979 (bootstrap); Gaussian base ours",
)
class LocalBootstrapGenerator(Generator):
    """x = μ(z) + L(z) y, y a deviation L(z_j)⁻¹(x_j − x̄_j) of set j with chance ∝ exp(−‖z − z_j‖²/2h²s²) m_j.

    s is the median of ‖z − z_j‖, of the exact part of latents. The shape of a set, clusters and all, is taken from
    real observations; nothing but its mean and spread is modelled. What is drawn is no copy: it lies around another
    mean.
    """

    kept: Tensor
    counts: Tensor
    centres: Tensor
    kernel: Tensor

    def __init__(self, config: LocalBootstrapConfig, observation: Observation, latent: int) -> None:
        super().__init__(config, observation, latent)
        self.base = GaussianBase(observation.d, latent, config.width)
        self.base.requires_grad_(False)  # the deviations are kept in its coordinates
        for name, value in {
            "kept": torch.zeros(1, observation.d),
            "counts": torch.ones(1, dtype=torch.int64),
            "centres": torch.zeros(1, latent),
            "kernel": torch.tensor(config.kernel),
        }.items():
            self.register_buffer(name, value)

    @torch.no_grad()
    def remember(self, sets: list[Tensor], z: Tensor, group: Tensor) -> None:
        """Keep observations (k_i, d) of training sets with their latents (s, latent); sets of one group are not judged
        by each other."""
        large = [i for i, x in enumerate(sets) if len(x) > 1]
        if not large:  # no set says what a deviation is
            return
        each = max(2, self.config.observations // len(large))
        # Along the first principal axis, so that the same noise takes like sets at like latents.
        centred = z[large] - z[large].mean(dim=0)
        axis = torch.linalg.svd(centred.double(), full_matrices=False).Vh[0].float()
        large = [large[i] for i in (centred @ axis).argsort().tolist()]
        x = [sets[i][:each].float() for i in large]
        self.counts = torch.tensor([len(one) for one in x], device=z.device)
        self.centres = z[large].clone()
        self.kept = torch.cat(self._deviations(x, self.centres))
        if not self.config.kernel:
            self.kernel = torch.tensor(self._best_width(x, group[large])).to(z)

    def loss(self, x: Tensor, z: Tensor, weights: Tensor | None = None) -> dict[str, Tensor]:
        mean, scale = self.base.parameters_of(z)
        likelihood = self.base.negative_log_likelihood(self.base.whiten(x.flatten(2), mean, scale), scale, weights)
        # Nothing here learns; a sum of nothing keeps the graph of the latent for the other terms.
        return {"loss": likelihood + 0.0 * z.sum(), "likelihood": likelihood.detach()}

    @torch.no_grad()
    def sample(self, z: Tensor, n: int, generator: torch.Generator) -> Tensor:
        mean, scale = self.base.parameters_of(z)
        uniform = torch.rand(len(z), n, 2, generator=generator, device=generator.device).to(z.device)
        y = self.kept[self._drawn(self._weights(z, float(self.kernel)), uniform)]
        return self.base.colour(y, mean, scale).reshape(len(z), n, *self.shape)

    def _weights(self, z: Tensor, width: float) -> Tensor:
        """(b, s) chance of each training set at latents z (b, latent)."""
        squared = torch.cdist((z - self.base.learned(z)).float(), self.centres).square()
        scale = squared.median(dim=1, keepdim=True).values.clamp_min(1e-12)
        near = (-squared / (2 * width**2 * scale)).softmax(dim=1) * self.counts
        return near / near.sum(dim=1, keepdim=True)

    def _drawn(self, weights: Tensor, uniform: Tensor) -> Tensor:
        """(b, n) rows of `kept`: a set by the first of two uniform numbers (b, n, 2), an observation by the second."""
        chosen = torch.searchsorted(weights.cumsum(dim=1), uniform[..., 0].contiguous())
        chosen = chosen.clamp_max(len(self.counts) - 1)
        first = self.counts.cumsum(0) - self.counts
        return first[chosen] + (uniform[..., 1] * self.counts[chosen]).long()

    def _deviations(self, sets: list[Tensor], z: Tensor) -> list[Tensor]:
        """(k, d) of each set: around its mean, as large as around the true mean, in the coordinates of its base."""
        out = []
        for x, latent in zip(sets, z, strict=True):
            mean, scale = self.base.parameters_of(latent[None])
            centred = (x - x.mean(dim=0)) * (len(x) / (len(x) - 1)) ** 0.5
            out.append(self.base.whiten(centred[None] + mean[:, None], mean, scale)[0])
        return out

    def _best_width(self, sets: list[Tensor], group: Tensor) -> float:
        """The width at which a set is nearest, in optimal transport, to what is drawn from the sets of other groups."""
        from scipy.optimize import linear_sum_assignment

        rng = torch.Generator().manual_seed(0)
        judges = [i for i in torch.randperm(len(sets), generator=rng).tolist() if len(sets[i]) >= LEAST][:JUDGES]
        losses = dict.fromkeys(WIDTHS, 0.0)
        for i in judges:
            z, x = self.centres[i : i + 1], sets[i][:DRAWN]
            mean, scale = self.base.parameters_of(z)
            own = self.base.whiten((x - x.mean(dim=0))[None] + mean[:, None], mean, scale)[0]
            others = (group != group[i]).float()
            if not others.any():
                continue
            uniform = torch.rand(1, len(own), 2, generator=rng).to(z)
            for width in WIDTHS:
                weights = self._weights(z, width) * others
                weights = weights / weights.sum().clamp_min(1e-30)
                cost = torch.cdist(self.kept[self._drawn(weights, uniform)[0]], own).square().cpu().numpy()
                losses[width] += float(cost[linear_sum_assignment(cost)].mean())
        return min(losses, key=losses.__getitem__)

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *rest: object) -> None:
        """What is kept has the size that the training sets gave it."""
        for name in ("kept", "counts", "centres"):
            if prefix + name in state_dict:
                setattr(self, name, torch.zeros_like(state_dict[prefix + name]))
        super()._load_from_state_dict(state_dict, prefix, *rest)

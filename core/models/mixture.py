"""A mixture of normal distributions: where the latents of individuals lie, so that none is drawn from a hole."""

from __future__ import annotations

import torch
from torch import Tensor, nn

ROUNDS = 60  # of EM; the mean log density then moves by less than 1e-3 a round
SHRINK = 3.0  # individuals that the overall shares weigh in those of a group


class Mixture(nn.Module):
    """p(z | group) = Σ_k w_gk N(z; m_k, S_k): groups share the components and differ in their weights.

    It is fitted to posteriors N(mean_i, diag variance_i), not to points: the aggregated posterior (1/n) Σ_i q(z | x_i),
    which is what a decoder has learned to read (Tomczak & Welling 2018, eq. 6). Each S_k is shrunk towards the pooled
    covariance within components by as many individuals as z has dimensions.
    """

    share: Tensor  # (groups, k) weights, row 0 for an unknown group
    mean: Tensor  # (k, d)
    root: Tensor  # (k, d, d) lower Cholesky factors of the covariances

    def __init__(self, components: int, size: int, groups: int) -> None:
        super().__init__()
        self.register_buffer("share", torch.full((groups, components), 1 / components))
        self.register_buffer("mean", torch.zeros(components, size))
        self.register_buffer("root", torch.eye(size).repeat(components, 1, 1))

    @torch.no_grad()
    def fit(self, mean: Tensor, variance: Tensor, group: Tensor) -> None:
        """EM on the posteriors (n, d) of individuals in groups (n,), 0 for unknown; the same answer every time."""
        x, spread = mean.double(), variance.double()
        weight = nn.functional.one_hot(_nearest(x, _seeds(x, len(self.mean))), len(self.mean)).double()
        for _ in range(ROUNDS):
            size = weight.sum(0).clamp(min=1e-6)
            centre = weight.T @ x / size[:, None]
            second = (weight.T[:, None] * x.T) @ x + torch.diag_embed(weight.T @ spread)
            within = second - size[:, None, None] * centre[:, :, None] * centre[:, None]
            shrink = float(x.shape[1])
            pooled = within.sum(0) / len(x)
            covariance = (within + shrink * pooled) / (size + shrink)[:, None, None]
            root = torch.linalg.cholesky(covariance + 1e-6 * torch.eye(x.shape[1], device=x.device))
            weight = (_expected_log_density(x, spread, centre, root) + (size / len(x)).log()).softmax(1)
        member = nn.functional.one_hot(group, len(self.share)).double()
        overall = weight.mean(0)
        share = (member.T @ weight + SHRINK * overall) / (member.sum(0) + SHRINK)[:, None]
        share[0] = overall
        for buffer, value in ((self.share, share), (self.mean, centre), (self.root, root)):
            buffer.copy_(value)

    def sample(self, group: Tensor, noise: torch.Generator) -> Tensor:
        """(n, d) float32, one for each entry of `group` (n,); components come in their shares as nearly as n allows."""
        n, device = len(group), self.mean.device
        strata = torch.randperm(n, generator=noise, device=noise.device)
        uniform = ((strata + torch.rand(n, generator=noise, device=noise.device)) / max(n, 1)).to(device)
        chosen = (self.share.cumsum(1)[group] < uniform[:, None]).sum(1).clamp(max=len(self.mean) - 1)
        z = torch.randn(n, self.mean.shape[1], generator=noise, device=noise.device).to(device)
        return self.mean[chosen] + (self.root[chosen] @ z[:, :, None]).squeeze(2)


def _expected_log_density(x: Tensor, spread: Tensor, centre: Tensor, root: Tensor) -> Tensor:
    """(n, k) E log N(z; m_k, S_k) for z ~ N(x, diag spread), up to a constant."""
    inverse = torch.linalg.inv(root)  # S⁻¹ = L⁻ᵀ L⁻¹
    apart = torch.einsum("kij,nkj->nki", inverse, x[:, None] - centre).square().sum(2)
    blur = spread @ inverse.square().sum(1).T
    return -0.5 * (apart + blur) - root.diagonal(dim1=1, dim2=2).log().sum(1)


def _seeds(x: Tensor, number: int) -> Tensor:
    """(number, d) individuals far from each other, each drawn with chance in proportion to its squared distance."""
    noise = torch.Generator().manual_seed(0)
    seeds = x[torch.randint(len(x), (1,), generator=noise).to(x.device)]
    for _ in range(number - 1):
        far = torch.cdist(x, seeds).amin(1).square().cpu() + 1e-12
        seeds = torch.cat([seeds, x[torch.multinomial(far, 1, generator=noise).to(x.device)]])
    return seeds


def _nearest(x: Tensor, seeds: Tensor) -> Tensor:
    return torch.cdist(x, seeds).argmin(1)

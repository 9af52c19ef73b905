"""A set embedding written plainly, as it was published: what the benchmark `gde` compares against.

Mean-pooled residual encoder and a diffusion model on a plain network: the latent is repeated to every observation and
concatenated, everything is fp32, and sampling takes one network call for each of 400 steps.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

STEPS = 400


def plain_mlp(inputs: int, width: int, outputs: int, hidden: int) -> nn.Sequential:
    """`hidden` layers of Linear and SELU, then a linear one."""
    layers: list[nn.Module] = []
    for i in range(hidden):
        layers += [nn.Linear(inputs if i == 0 else width, width), nn.SELU()]
    return nn.Sequential(*layers, nn.Linear(width, outputs))


class PlainEncoder(nn.Module):
    """h ← LN(MLP([h, mean h]) + h + W x) twice; z = SELU(W mean h)."""

    def __init__(self, d: int, width: int, latent: int) -> None:
        super().__init__()
        self.width = width
        self.first, self.first_skip = plain_mlp(d, width, width, 2), nn.Linear(d, width)
        self.layers = nn.ModuleList(plain_mlp(2 * width, width, width, 2) for _ in range(2))
        self.skips = nn.ModuleList(nn.Linear(d, width) for _ in range(2))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.last = nn.Linear(width, latent)

    def forward(self, x: Tensor) -> Tensor:
        """(b, k, d) to (b, latent)."""
        h = nn.functional.layer_norm(self.first(x) + self.first_skip(x), [self.width])
        for layer, skip, norm in zip(self.layers, self.skips, self.norms, strict=True):
            mean = h.mean(dim=1, keepdim=True).expand_as(h)
            h = norm(layer(torch.cat([h, mean], dim=-1)) + h + skip(x))
        return nn.functional.selu(self.last(h.mean(dim=1)))


class PlainGDE:
    """The published training and sampling for vectors."""

    def __init__(self, d: int, width: int = 256, latent: int = 64, learning_rate: float = 2e-4) -> None:
        self.d = d
        self.encoder = PlainEncoder(d, width, latent)
        self.noise = plain_mlp(d + latent + 1, width, d, 4)
        self.adam = torch.optim.Adam([*self.encoder.parameters(), *self.noise.parameters()], lr=learning_rate)
        beta = 1e-4 + (0.02 - 1e-4) * torch.linspace(0, 1, STEPS + 1)
        self.beta, self.alpha_bar = beta, torch.cumprod(1 - beta, dim=0)

    def step(self, x: Tensor) -> float:
        """One update on the sets x (b, k, d): the same observations are encoded and scored."""
        z = self.encoder(x)
        t = torch.randint(1, STEPS + 1, x.shape[:2])
        signal = self.alpha_bar[t][..., None]
        noise = torch.randn_like(x)
        predicted = self._predict(signal.sqrt() * x + (1 - signal).sqrt() * noise, z, t)
        loss = (predicted - noise).square().mean()
        self.adam.zero_grad()
        torch.autograd.backward(loss)
        self.adam.step()
        return float(loss.detach())

    @torch.no_grad()
    def sample(self, z: Tensor, n: int) -> Tensor:
        """n observations for each latent by ancestral sampling: (b, latent) to (b, n, d)."""
        x = torch.randn(len(z), n, self.d)
        for t in range(STEPS, 0, -1):
            predicted = self._predict(x, z, torch.full(x.shape[:2], t))
            x = (x - self.beta[t] / (1 - self.alpha_bar[t]).sqrt() * predicted) / (1 - self.beta[t]).sqrt()
            if t > 1:
                x = x + self.beta[t].sqrt() * torch.randn_like(x)
        return x

    def _predict(self, x: Tensor, z: Tensor, t: Tensor) -> Tensor:
        repeated = z[:, None].repeat(1, x.shape[1], 1)
        return self.noise(torch.cat([x, repeated, t[..., None] / STEPS], dim=-1))

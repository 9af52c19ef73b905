"""WGAN-GP written plainly, as it was published: what the training benchmark compares against.

One-hot calls of all individuals in the computer's memory as (L, 3) floats, one per item of a DataLoader; generated
individuals stay attached to the generator in critic steps; real, generated and mixed individuals pass the critic one
after the other; torch's own gumbel_softmax and Adam. Widths, activations and losses are those of the published code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import gumbel_softmax
from torch.utils.data import DataLoader, TensorDataset


class PlainResidual(nn.Module):
    """x + Linear, norm, LeakyReLU, Linear, norm; then LeakyReLU."""

    def __init__(self, width: int, norm: bool) -> None:
        super().__init__()
        norms = [[nn.BatchNorm1d(width)] if norm else [] for _ in range(2)]
        self.body = nn.Sequential(
            nn.Linear(width, width), *norms[0], nn.LeakyReLU(0.05), nn.Linear(width, width), *norms[1]
        )

    def forward(self, x: Tensor) -> Tensor:
        """(b, width) to (b, width)."""
        return torch.nn.functional.leaky_relu(x + self.body(x), 0.05)


def plain_network(inputs: int, widths: Sequence[int], outputs: int, norm: bool) -> nn.Sequential:
    """Linear, norm, LeakyReLU; a residual block and a resizing layer for each further width; Linear."""
    first: list[nn.Module] = [nn.Linear(inputs, widths[0]), *([nn.BatchNorm1d(widths[0])] if norm else [])]
    layers = [*first, nn.LeakyReLU(0.05)]
    for a, b in pairwise(widths):
        layers += [PlainResidual(a, norm), nn.Linear(a, b), nn.LeakyReLU(0.05)]
    return nn.Sequential(*layers, nn.Linear(widths[-1], outputs))


class PlainWganGp:
    """The published training procedure, unconditional, on any device."""

    def __init__(
        self, variants: int, latent: int, generator: Sequence[int], critic: Sequence[int], device: str = "cpu"
    ) -> None:
        self.variants, self.latent, self.device = variants, latent, device
        self.generator = plain_network(latent, generator, 3 * variants, norm=True).to(device)
        self.critic = plain_network(3 * variants, critic, 1, norm=False).to(device)
        self.generator_adam = torch.optim.Adam(self.generator.parameters(), lr=1e-4, betas=(0.5, 0.9))
        self.critic_adam = torch.optim.Adam(self.critic.parameters(), lr=1e-4, betas=(0.5, 0.9))

    def loader(self, calls: Tensor, batch_size: int) -> DataLoader[tuple[Tensor, ...]]:
        """Softened one-hot items: each 0 becomes u ~ U(0, 0.025), the 1 loses their sum; drawn once, as published."""
        hot = torch.nn.functional.one_hot(calls.long(), 3).float()
        noise = torch.rand_like(hot) * 0.025 * (1 - hot)
        soft = hot + noise - hot * noise.sum(-1, keepdim=True)
        return DataLoader(TensorDataset(soft), batch_size=batch_size, shuffle=True, drop_last=True)

    def fake(self, latent: Tensor, temperature: float) -> Tensor:
        """(b, L, 3) soft calls."""
        logits = self.generator(latent).view(-1, self.variants, 3)
        return gumbel_softmax(logits, tau=temperature, hard=False, dim=-1)

    def critic_loss(self, real: Tensor, fake: Tensor, mix: Tensor) -> Tensor:
        """E[C(fake)] - E[C(real)] + 10 E[(|grad C(x')| - 1)^2], three passes, the generator's graph attached."""
        on_real = self.critic(real.flatten(1)).mean()
        on_fake = self.critic(fake.flatten(1)).mean()
        between = (mix * real + (1 - mix) * fake).flatten(1)
        between.requires_grad_(True)
        score = self.critic(between)
        slope = torch.autograd.grad(
            score, between, grad_outputs=torch.ones_like(score), create_graph=True, retain_graph=True
        )[0]
        penalty = ((slope.norm(2, dim=1) - 1) ** 2).mean()
        return torch.as_tensor(on_fake - on_real + 10 * penalty)

    def epoch(self, loader: DataLoader[tuple[Tensor, ...]], temperature: float) -> Iterator[None]:
        """Train one epoch; yields after each minibatch."""
        for (batch,) in loader:
            real = batch.to(self.device)
            b = len(real)
            for _ in range(5):
                fake = self.fake(torch.randn(b, self.latent, device=self.device), temperature)
                loss = self.critic_loss(real, fake, torch.rand(b, 1, 1, device=self.device))
                self.critic_adam.zero_grad()
                torch.autograd.backward(loss, retain_graph=True)
                self.critic_adam.step()
            fake = self.fake(torch.randn(b, self.latent, device=self.device), temperature)
            generator_loss = -self.critic(fake.flatten(1)).mean()
            self.generator_adam.zero_grad()
            torch.autograd.backward(generator_loss)
            self.generator_adam.step()
            yield

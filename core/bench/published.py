"""The four published families written plainly: what the training benchmark compares against.

One-hot calls of all individuals in the computer's memory as (L, 3) floats, one per item of a DataLoader; torch's own
losses, gumbel_softmax and Adam. Widths, activations, losses and their order are those of the published code (Xie et
al. 2025), with what is wasteful in it: generated individuals stay attached to the generator in critic steps; real,
generated and mixed individuals pass the critic one after the other.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy, cross_entropy, gumbel_softmax, mse_loss, one_hot
from torch.utils.data import DataLoader, TensorDataset

Loader = DataLoader[tuple[Tensor, ...]]

TEMPERATURE = 0.999  # of Gumbel-Softmax near the start, where training spends its time in a benchmark


def width_rule(variants: int, divisors: Sequence[int]) -> list[int]:
    """The published rule of widths, 3L//c, never below 8."""
    return [max(8, 3 * variants // c) for c in divisors]


class Plain(ABC):
    """A published training procedure, unconditional, on any device."""

    device: str

    @abstractmethod
    def loader(self, calls: Tensor, batch_size: int) -> Loader:
        """Items of what is trained on, from calls (n, L) int8."""

    @abstractmethod
    def minibatch(self, batch: Tensor) -> None:
        """All steps on one minibatch."""

    def epoch(self, loader: Loader) -> Iterator[None]:
        """Train one epoch; yields after each minibatch."""
        for (batch,) in loader:
            self.minibatch(batch.to(self.device))
            yield


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


class PlainAdversarial(Plain):
    """What the two published GANs share: a generator and a critic of one build, each with an Adam."""

    def __init__(
        self,
        variants: int,
        latent: int,
        generator: Sequence[int],
        critic: Sequence[int],
        device: str = "cpu",
    ) -> None:
        self.variants, self.latent, self.device = variants, latent, device
        self.generator = plain_network(latent, generator, 3 * variants, norm=True).to(device)
        self.critic = plain_network(3 * variants, critic, 1, norm=False).to(device)
        self.generator_adam = torch.optim.Adam(self.generator.parameters(), lr=1e-4, betas=(0.5, 0.9))
        self.critic_adam = torch.optim.Adam(self.critic.parameters(), lr=1e-4, betas=(0.5, 0.9))

    def loader(self, calls: Tensor, batch_size: int) -> Loader:
        """Softened one-hot items: each 0 becomes u ~ U(0, 0.025), the 1 loses their sum; drawn once, as published."""
        hot = one_hot(calls.long(), 3).float()
        noise = torch.rand_like(hot) * 0.025 * (1 - hot)
        soft = hot + noise - hot * noise.sum(-1, keepdim=True)
        return DataLoader(TensorDataset(soft), batch_size=batch_size, shuffle=True, drop_last=True)

    def fake(self, latent: Tensor, temperature: float = TEMPERATURE) -> Tensor:
        """(b, L, 3) soft calls."""
        logits = self.generator(latent).view(-1, self.variants, 3)
        return gumbel_softmax(logits, tau=temperature, hard=False, dim=-1)

    def noise(self, b: int) -> Tensor:
        """(b, latent) latents."""
        return torch.randn(b, self.latent, device=self.device)


class PlainWganGp(PlainAdversarial):
    """Five critic steps and one generator step on each minibatch."""

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

    def minibatch(self, batch: Tensor) -> None:
        """As published, on one minibatch six times."""
        b = len(batch)
        for _ in range(5):
            fake = self.fake(self.noise(b))
            loss = self.critic_loss(batch, fake, torch.rand(b, 1, 1, device=self.device))
            self.critic_adam.zero_grad()
            torch.autograd.backward(loss, retain_graph=True)
            self.critic_adam.step()
        generator_loss = -self.critic(self.fake(self.noise(b)).flatten(1)).mean()
        self.generator_adam.zero_grad()
        torch.autograd.backward(generator_loss)
        self.generator_adam.step()


class PlainGan(PlainAdversarial):
    """One discriminator step and one generator step; sigmoid and binary cross-entropy."""

    def loss(self, calls: Tensor, truth: float) -> Tensor:
        """BCE(D(calls), truth)."""
        verdict = self.critic(calls.flatten(1)).sigmoid()
        return binary_cross_entropy(verdict, torch.full_like(verdict, truth))

    def minibatch(self, batch: Tensor) -> None:
        """BCE(D(x), 1) + BCE(D(G(z)), 0), then BCE(D(G(z')), 1)."""
        b = len(batch)
        loss = self.loss(batch, 1.0) + self.loss(self.fake(self.noise(b)), 0.0)
        self.critic_adam.zero_grad()
        torch.autograd.backward(loss)
        self.critic_adam.step()
        generator_loss = self.loss(self.fake(self.noise(b)), 1.0)
        self.generator_adam.zero_grad()
        torch.autograd.backward(generator_loss)
        self.generator_adam.step()


class PlainVae(Plain):
    """Cross-entropy and KL divergence, both summed."""

    def __init__(
        self, variants: int, latent: int, encoder: Sequence[int], decoder: Sequence[int], device: str = "cpu"
    ) -> None:
        self.variants, self.device = variants, device
        self.encoder = self._stack([3 * variants, *encoder]).to(device)
        self.mean, self.log_variance = (nn.Linear(encoder[-1], latent).to(device) for _ in range(2))
        self.decoder = nn.Sequential(*self._stack([latent, *decoder]), nn.Linear(decoder[-1], 3 * variants)).to(device)
        nets = (self.encoder, self.mean, self.log_variance, self.decoder)
        self.adam = torch.optim.Adam([p for net in nets for p in net.parameters()], lr=5e-4)

    @staticmethod
    def _stack(widths: Sequence[int]) -> nn.Sequential:
        layers = [(nn.Linear(a, b), nn.BatchNorm1d(b), nn.LeakyReLU(0.05)) for a, b in pairwise(widths)]
        return nn.Sequential(*(layer for three in layers for layer in three))

    def loader(self, calls: Tensor, batch_size: int) -> Loader:
        """One-hot items."""
        hot = one_hot(calls.long(), 3).float()
        return DataLoader(TensorDataset(hot), batch_size=batch_size, shuffle=True, drop_last=True)

    def loss(self, batch: Tensor) -> Tensor:
        """Σ CE(logits, x) - ½ Σ (1 + log σ² - μ² - σ²) of (b, L, 3) one-hot calls."""
        hidden = self.encoder(batch.flatten(1))
        mean, log_variance = self.mean(hidden), self.log_variance(hidden)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        logits = self.decoder(z).view(-1, self.variants, 3)
        wrong = cross_entropy(logits.reshape(-1, 3), batch.argmax(-1).reshape(-1), reduction="sum")
        divergence = -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
        return wrong + divergence

    def minibatch(self, batch: Tensor) -> None:
        """One step."""
        loss = self.loss(batch)
        self.adam.zero_grad()
        torch.autograd.backward(loss)
        self.adam.step()


class PlainPcaDiffusion(Plain):
    """DDPM on unscaled principal components: predict the noise at antithetic times."""

    def __init__(self, components: int, steps: int, time: int, device: str = "cpu") -> None:
        self.components, self.steps, self.time, self.device = components, steps, time, device
        wide, narrow = 2 * max(components, 32), max(components, 32)
        self.first = self._layer(components + time, wide).to(device)
        self.second = self._layer(wide + time, wide).to(device)
        self.third = self._layer(wide, narrow).to(device)
        self.output = nn.Linear(narrow, components).to(device)
        self.skip = nn.Linear(components + time, components).to(device)
        nets = (self.first, self.second, self.third, self.output, self.skip)
        self.adam = torch.optim.Adam([p for net in nets for p in net.parameters()], lr=3e-4)
        self.signal = torch.cumprod(1 - torch.linspace(1e-4, 0.02, steps), 0).to(device)

    @staticmethod
    def _layer(inputs: int, width: int) -> nn.Sequential:
        return nn.Sequential(nn.Linear(inputs, width), nn.LayerNorm(width), nn.ReLU())

    def loader(self, calls: Tensor, batch_size: int) -> Loader:
        """Items of scores on the leading components."""
        centred = calls.double() - calls.double().mean(0)
        axes = torch.linalg.svd(centred, full_matrices=False).Vh[: self.components]
        scores = (centred @ axes.T).float()
        return DataLoader(TensorDataset(scores), batch_size=batch_size, shuffle=True, drop_last=True)

    def predicted(self, x: Tensor, t: Tensor) -> Tensor:
        """The noise in x (b, D) at steps t (b,)."""
        rates = torch.exp(-math.log(10_000) * torch.arange(self.time // 2, device=self.device) / (self.time // 2))
        phase = t[:, None] * rates
        code = torch.cat([phase.sin(), phase.cos()], dim=1)
        code = torch.nn.functional.pad(code, (0, self.time - code.shape[1]))
        start = torch.cat([x, code], dim=1)
        hidden = self.third(self.second(torch.cat([self.first(start), code], dim=1)))
        return torch.as_tensor(self.output(hidden) + self.skip(start))

    def loss(self, batch: Tensor) -> Tensor:
        """Mean squared error of the noise in x_t = √ᾱ x + √(1 - ᾱ) ε at times t and T - t - 1."""
        half = torch.randint(1, self.steps, ((len(batch) + 1) // 2,), device=self.device)
        t = torch.cat([half, self.steps - half - 1])[: len(batch)]
        noise, signal = torch.randn_like(batch), self.signal[t][:, None]
        return mse_loss(self.predicted(signal.sqrt() * batch + (1 - signal).sqrt() * noise, t), noise)

    def minibatch(self, batch: Tensor) -> None:
        """One step."""
        loss = self.loss(batch)
        self.adam.zero_grad()
        torch.autograd.backward(loss)
        self.adam.step()

"""A variational autoencoder: one latent vector an individual, and a decoder that knows the neighbours of a variant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from core.config.schema import more, setting
from core.config.training import TrainingConfig
from core.models.base import UNKNOWN, Batch, Clock, Condition, DataSpec, Losses, Model, TrainData
from core.models.conditioning import Conditioning
from core.models.factors import frequencies
from core.models.gumbel import one_hot
from core.models.mixture import Mixture
from core.models.neighbours import Neighbours
from core.models.optimisation import cosine_rate
from core.models.registry import models

SLOPE = 0.05  # of LeakyReLU, as published
MOST = 4096  # individuals from whose posteriors the mixture is fitted
SAMPLING_BATCH = 4096  # individuals sampled at once; bounds the memory of their logits
CALIBRATION = 2048  # individuals whose mean frequencies are corrected; their own sampling error stays, about 1 %
CALIBRATION_ROUNDS = 12
WIDE = 16_384  # variants decoded at once in training
DRAWS = 64  # individuals drawn for a latent whose expected genotypes are asked for


@dataclass(frozen=True)
class VaeConfig:
    """Settings of the VAE; the defaults are our preset, the experiment `vae_published` sets the published ones."""

    latent: int = setting(16, "Length of an individual's latent vector.", low=1, high=4096)
    encoder_widths: tuple[int, ...] = setting((256,), "Widths of the encoder's hidden layers.")
    decoder_widths: tuple[int, ...] = setting(
        (256, 12),
        "Widths of the decoder's hidden layers; a narrow last one keeps it from learning individuals by heart.",
    )
    neighbours: int = setting(
        32, "Variants before each one whose calls the decoder reads: keeps linkage. 0: none.", low=0, high=1024
    )
    kl_weight: float = setting(0.7, "Weight of the KL divergence; below 1 the latent says more.", low=0.0, high=100.0)
    warm_up: float = setting(0.3, "Share of training in which the KL weight rises from 0.", low=0.0, high=1.0)
    free_nats: float = setting(
        4.0, "KL divergence that costs nothing, so that the latent is not left unused.", unit="nat", low=0.0, high=1e3
    )
    mask: float = setting(0.3, "Share of calls hidden from the encoder in training.", low=0.0, high=0.9)
    components: int = setting(
        16, "Normal distributions of the mixture that latents are sampled from; 0: one, N(0, 1), as published.",
        low=0, high=256,
    )  # fmt: skip
    decoding: str = setting(
        "sampled", "Draw each call from its probabilities, or take the likeliest.", choices=("sampled", "argmax")
    )
    output: str = more(
        "ordinal", "One effect a variant on its allele count, or a free one a genotype.", choices=("ordinal", "free")
    )
    calibrate: bool = more(True, "Correct the output for sampling until the genotype frequencies are right.")
    sparsity: float = more(0.1, "Weight of the lasso on effects of neighbours.", low=0.0, high=100.0)
    neighbour_rate: float = more(
        5.0, "Learning rate of effects of neighbours and of intercepts, as a multiple.", low=0.01, high=100.0
    )
    normalisation: str = more("layer", "Normalisation of hidden layers.", choices=("batch", "layer"))
    embedding: int = more(8, "Length of the learned vector of each label.", low=1, high=512)
    rate_decay: float = more(0.02, "Learning rate at the end as a share of the start (cosine).", low=0.0, high=1.0)
    beta2: float = more(0.99, "Decay of Adam's second moment.", low=0.0, high=0.9999)


class Residual(nn.Module):
    """x + (Linear, norm, LeakyReLU, Linear, norm)(x), then LeakyReLU."""

    def __init__(self, width: int, norm: type[nn.Module]) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.Linear(width, width), norm(width), nn.LeakyReLU(SLOPE), nn.Linear(width, width), norm(width)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(b, width) to (b, width)."""
        return functional.leaky_relu(x + self.block(x), SLOPE)


def stack(inputs: int, widths: Sequence[int], norm: type[nn.Module]) -> nn.Sequential:
    """Linear, norm, LeakyReLU for each width; of three equal widths in a row the last two are one residual block."""
    layers: list[nn.Module] = []
    before, i = inputs, 0
    while i < len(widths):
        width = widths[i]
        if list(widths[i : i + 2]) == [before, before] and i:
            layers.append(Residual(width, norm))
            i += 2
        else:
            layers += [nn.Linear(before, width), norm(width), nn.LeakyReLU(SLOPE)]
            i += 1
        before = width
    return nn.Sequential(*layers).apply(_xavier)


class Encoder(nn.Module):
    """q(z | x) = N(mean, diag variance) of an individual; calls that are missing are left out of its input."""

    def __init__(self, config: VaeConfig, spec: DataSpec) -> None:
        super().__init__()
        self.categories = spec.categories
        norm = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}[config.normalisation]
        self.stack = stack(spec.categories * spec.variants, config.encoder_widths, norm)
        width = config.encoder_widths[-1] if config.encoder_widths else spec.categories * spec.variants
        self.mean = nn.Linear(width, config.latent)
        self.log_variance = nn.Linear(width, config.latent)

    def forward(self, calls: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """calls (b, m) int8 and which of them to read (b, m) to mean and log variance, (b, latent) each."""
        seen = known.float() / known.float().mean(1, keepdim=True).clamp(min=1e-3)
        hidden = self.stack((one_hot(calls, self.categories) * seen[:, None]).flatten(1))
        return self.mean(hidden).float(), self.log_variance(hidden).float().clamp(max=10.0)


class Decoder(nn.Module):
    """log P(x_j = k | z, y) up to a constant, before neighbours are asked.

    "ordinal": c_jk + k (a_j(z) + b_j·y), the adjacent-category logit (Agresti 2010, §4.1): for free c_jk the binomial
    of Hardy–Weinberg proportions at every z and any excess of heterozygotes. "free": a logit a genotype, as published.
    Phenotypes y act on every variant straight away: an effect on one of them is too small for the latent to keep.
    """

    def __init__(self, config: VaeConfig, spec: DataSpec) -> None:
        super().__init__()
        self.shape = (spec.categories, spec.variants)
        self.free = config.output == "free"
        norm = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}[config.normalisation]
        self.stack = stack(config.latent, config.decoder_widths, norm)
        width = config.decoder_widths[-1] if config.decoder_widths else config.latent
        self.output = nn.Linear(width, spec.variants * (spec.categories if self.free else 1))
        self.intercept = nn.Parameter(torch.zeros(self.shape)) if not self.free else None
        self.association = nn.Linear(len(spec.phenotypes), spec.variants, bias=False) if spec.phenotypes else None
        _xavier(self.output)
        if self.association is not None:
            nn.init.zeros_(self.association.weight)

    def forward(self, latent: Tensor, condition: Condition) -> Tensor:
        """(b, latent) to (b, categories, m)."""
        return self.logits(self.stack(latent), condition, slice(0, self.shape[1]))

    def logits(self, hidden: Tensor, condition: Condition, variants: slice) -> Tensor:
        """(b, width) of the last hidden layer to (b, categories, variants) of a run of variants."""
        categories, m = self.shape
        weight = self.output.weight.reshape(-1, m, hidden.shape[1])[:, variants].flatten(0, 1)
        effect = functional.linear(hidden, weight, self.output.bias.reshape(-1, m)[:, variants].flatten()).float()
        doses = torch.arange(categories, device=hidden.device, dtype=torch.float32)[:, None]
        if self.intercept is None:
            logits = effect.reshape(len(hidden), categories, -1)
        else:
            logits = self.intercept[:, variants] + doses * effect[:, None]
        if self.association is not None:
            known = condition.phenotypes.nan_to_num(0.0)
            logits = logits + doses * functional.linear(known, self.association.weight[variants])[:, None]
        return logits


def _xavier(layer: nn.Module) -> None:
    """Published start of encoder and decoder."""
    if isinstance(layer, nn.Linear):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.constant_(layer.bias, 0.01)


@models.register(
    "vae",
    title="VAE",
    colour="#9c6b30",
    kind="genotypes",
    help="Compresses each individual to a short vector and decodes it again: a map of the cohort, and walks across it.",
    source="Kingma & Welling 2014, eq. 10; Xie et al. 2025",
    config=VaeConfig,
)
class Vae(Model):
    """Minimises E_q[-log p(x | z)] + KL(q(z | x) || p(z | c)), with q from the encoder and p from the decoder.

    p(z | c) is N(μ(c), I) in training, μ a linear function of labels and phenotypes: the latent holds what calls say
    of ancestry, and a label moves it at no cost. Latents are sampled from a `Mixture` fitted to the posteriors.
    Published: N(0, I) in training and sampling, no neighbours, the likeliest genotype for each call, sums over the
    batch (means here, which Adam does not tell apart).
    """

    encodes: ClassVar[bool] = True
    in_memory: ClassVar[str] = ""
    capturable: ClassVar[bool] = True
    undivided: ClassVar[str] = ""
    loss_titles: ClassVar[Mapping[str, str]] = {"reconstruction": "Cross-entropy", "kl": "KL divergence"}
    updates: Tensor  # steps taken
    frequency: Tensor  # (categories, m) genotype frequencies of the training individuals
    correction: Tensor  # (categories, m) added to the logits in sampling

    def __init__(self, config: VaeConfig, spec: DataSpec, training: TrainingConfig) -> None:
        super().__init__(config, spec, training)
        self.encoder = Encoder(config, spec)
        self.decoder = Decoder(config, spec)
        self.neighbours = Neighbours(config.neighbours, spec) if config.neighbours and spec.variants > 1 else None
        self.conditioning = Conditioning(spec, config.embedding)
        self.prior = nn.Linear(self.conditioning.width, config.latent) if self.conditioning.width else None
        groups = len(next(iter(spec.label_columns.values()), [])) + 1
        components = min(config.components, max(1, spec.n_train // (3 * config.latent)))
        self.mixture = Mixture(components, config.latent, groups) if components else None
        self.register_buffer("updates", torch.zeros(()))
        self.register_buffer("frequency", torch.zeros(spec.categories, spec.variants))
        self.register_buffer("correction", torch.zeros(spec.categories, spec.variants))
        self.parts = _parts(spec.contig)
        self.data: TrainData | None = None  # whose posteriors the mixture is fitted to; not state
        self.settled = -1.0  # `updates` at which mixture and correction were fitted
        self._optimisers: dict[str, torch.optim.Optimizer] = {}

    @torch.no_grad()
    def prepare(self, data: TrainData) -> None:
        """Genotype frequencies, at which the output starts, and the scale of the neighbours' dosages."""
        super().prepare(data)
        self.data = data
        self.frequency.copy_(frequencies(data.calls, self.spec.categories))
        if self.decoder.intercept is not None:
            self.decoder.intercept.copy_(self.frequency.log() - self.frequency.log()[:1])
        if self.neighbours is not None:
            self.neighbours.prepare(self.frequency)

    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam, with a rate of its own for the effects of neighbours; made on the device of the parameters."""
        if not self._optimisers:
            start = self._rate(torch.zeros_like(self.updates))
            # Tight linkage needs large effects, and the intercepts that go with them.
            fast = ("neighbours.weight", "decoder.intercept")
            near = [parameter for name, parameter in self.named_parameters() if name in fast]
            rest = [parameter for name, parameter in self.named_parameters() if name not in fast]
            groups = [{"params": rest, "lr": start.clone()}, {"params": near, "lr": start * self.config.neighbour_rate}]
            self._optimisers["vae"] = torch.optim.Adam(
                [group for group in groups if group["params"]],
                betas=(0.9, self.config.beta2),
                fused=True,
                capturable=self.updates.is_cuda,
            )
        return self._optimisers

    def steps(self, batch: Batch, clock: Clock) -> Losses:
        """One Adam step on the loss of a batch."""
        optimiser = self.optimisers()["vae"]
        for group, rate in zip(optimiser.param_groups, (1.0, self.config.neighbour_rate), strict=False):
            group["lr"].copy_(rate * self._rate(clock.progress))
        reconstruction, divergence = self.losses(batch)
        rise = (clock.progress / max(self.config.warm_up, 1e-6)).clamp(max=1.0)
        loss = reconstruction + self.config.kl_weight * rise * divergence.clamp(min=self.config.free_nats)
        if self.neighbours is not None:
            loss = loss + self.config.sparsity / self.spec.n_train**0.5 * self.neighbours.penalty()
        optimiser.zero_grad()
        loss.backward()
        self.share_gradients(optimiser)
        optimiser.step()
        self.updates += 1
        return Losses({"reconstruction": reconstruction.detach(), "kl": divergence.detach()})

    def losses(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Means over the batch of the cross-entropy and of KL(q || p), summed over variants and over latents."""
        calls = batch.calls
        hidden = torch.rand(calls.shape, device=calls.device) < self.config.mask * self.training
        mean, log_variance = self.encoder(calls, ~hidden)
        latent = mean + torch.randn_like(mean) * (log_variance / 2).exp()
        decoded = self.decoder.stack(latent)
        if len(self.parts) == 1:
            reconstruction = self._cross_entropy(decoded, batch, self.parts[0]).mean()
        else:  # logits of one part at a time, which the backward pass works out again
            parts = [checkpoint(self._cross_entropy, decoded, batch, one, use_reentrant=False) for one in self.parts]
            reconstruction = torch.stack(parts).sum(0).mean()
        apart = (mean - self._centre(batch.condition)).square()
        divergence = 0.5 * (apart + log_variance.exp() - 1 - log_variance).sum(1).mean()
        return reconstruction, divergence

    def _cross_entropy(self, decoded: Tensor, batch: Batch, variants: slice) -> Tensor:
        """(b,) −log p of the calls at a run of variants, given the last hidden layer of the decoder (b, width)."""
        logits = self.decoder.logits(decoded, batch.condition, variants)
        if self.neighbours is not None:
            logits = logits + self._doses * self.neighbours(batch.calls, variants)[:, None]
        chosen = logits.gather(1, batch.calls[:, None, variants].long()).squeeze(1)
        return (logits.logsumexp(1) - chosen).sum(1)

    @torch.no_grad()
    def encode(self, calls: Tensor, condition: Condition) -> Tensor:
        """(n, m) int8, -1 missing, to the posterior means (n, latent): the calls alone say where an individual lies."""
        return torch.cat([self.encoder(part, part >= 0)[0] for part in torch.split(calls, SAMPLING_BATCH)])

    @torch.no_grad()
    def decode(self, latent: Tensor, condition: Condition) -> Tensor:
        """(n, latent) to the probability of each genotype (n, m, categories), whatever the neighbours turn out to be.

        With neighbours: the mean over `DRAWS` individuals drawn with the same random numbers for every latent.
        """
        each = DRAWS if self.neighbours is not None else 1
        noise = torch.Generator(latent.device).manual_seed(0)
        state, parts = noise.get_state(), []
        for first in range(0, len(latent), step := max(1, SAMPLING_BATCH // each)):
            rows = slice(first, first + step)
            logits = self.decoder(latent[rows], condition.index(rows)).repeat_interleave(each, 0)
            noise.set_state(state)
            parts.append(self._along(logits, noise, each=each)[1])
        return torch.cat(parts)

    @torch.no_grad()
    def sample(self, n: int, condition: Condition | None, generator: torch.Generator) -> Tensor:
        """int8 (n, m); what the condition leaves unknown is drawn as it is in training."""
        asked = self.complete(n, condition, generator)
        latent = self._latents(asked, generator)
        parts = [self.correction.new_empty(0, self.spec.variants, dtype=torch.int8)]
        for first in range(0, n, SAMPLING_BATCH):
            rows = slice(first, first + SAMPLING_BATCH)
            parts.append(self._along(self.decoder(latent[rows], asked.index(rows)), generator)[0])
        return torch.cat(parts)

    @torch.no_grad()
    def settle(self) -> None:
        """Fit the mixture to the posteriors, then the correction that gives a large sample the training frequencies."""
        if self.data is None or float(self.updates) == self.settled:
            return
        training = self.training
        self.eval()
        if self.mixture is not None:
            rows = torch.linspace(0, len(self.data) - 1, min(MOST, len(self.data)), device=self.updates.device).long()
            some = self.data.index(rows)
            mean, log_variance = self.encoder(some.calls, some.calls >= 0)
            self.mixture.fit(mean - self._centre(some.condition), log_variance.exp(), _groups(some.condition))
        if self.config.calibrate:
            noise = torch.Generator(self.updates.device).manual_seed(self.training_config.seed)
            known = self.complete(CALIBRATION, None, noise)
            self._along(self.decoder(self._latents(known, noise), known), noise, calibrate=True)
        self.settled = float(self.updates)
        self.train(training)

    def _latents(self, condition: Condition, noise: torch.Generator) -> Tensor:
        """(n, latent) from the mixture around μ(c) or, as published, from N(μ(c), I)."""
        if self.mixture is not None:
            apart = self.mixture.sample(_groups(condition), noise)
        else:
            shape = len(condition), self.config.latent
            apart = torch.randn(shape, generator=noise, device=noise.device).to(self.updates.device)
        return apart + self._centre(condition)

    def _along(
        self, logits: Tensor, noise: torch.Generator, *, each: int = 1, calibrate: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Draw calls along the genome, each variant after its neighbours, from logits (n, categories, m).

        Returns calls (n, m) int8 and probabilities (n / each, m, categories), means over `each` rows in turn. With
        `calibrate` the correction of each variant is set before its calls are drawn.
        """
        n, categories, m = logits.shape
        reach = 0 if self.neighbours is None else self.neighbours.reach
        effects = None if self.neighbours is None else self.neighbours.effects
        past = logits.new_zeros(reach + m, n)
        calls = torch.empty(m, n, dtype=torch.int8, device=logits.device)
        expected = logits.new_empty(m, categories, n // each)
        for j, alone in enumerate(logits.permute(2, 1, 0).contiguous()):
            own = alone if effects is None else alone + self._doses * (effects[j] @ past[j : j + reach])
            if calibrate:
                self.correction[:, j] = bias_correction(own, self.frequency[:, j])
            chance = (own + self.correction[:, j, None]).softmax(0)
            expected[j] = chance.reshape(categories, -1, each).mean(2)
            if self.config.decoding == "argmax":
                calls[j] = chance.argmax(0)
            else:
                uniform = torch.rand(n, generator=noise, device=noise.device).to(logits.device)
                calls[j] = (chance.cumsum(0)[:-1] < uniform).sum(0)
            if self.neighbours is not None:
                past[reach + j] = (calls[j] - self.neighbours.mean[j]) / self.neighbours.deviation[j]
        return calls.T.contiguous(), expected.permute(2, 0, 1)

    def _centre(self, condition: Condition) -> Tensor:
        """μ(c), (n, latent); 0 without conditions."""
        if self.prior is None:
            return self.updates.new_zeros(len(condition), self.config.latent)
        return self.prior(self.conditioning(condition)).float()

    def _rate(self, progress: Tensor) -> Tensor:
        return self.training_config.learning_rate * cosine_rate(progress, floor=self.config.rate_decay)

    @property
    def _doses(self) -> Tensor:
        """(categories, 1): the alternate alleles of each genotype."""
        return torch.arange(self.spec.categories, device=self.updates.device, dtype=torch.float32)[:, None]


def _parts(contig: npt.NDArray[np.int64]) -> list[slice]:
    """All variants, where they are few; else contig by contig, the long ones cut, of which one is decoded at a time."""
    m = len(contig)
    if m <= WIDE:
        return [slice(0, m)]
    ends = [*(np.flatnonzero(np.diff(contig)) + 1).tolist(), m]
    cuts = [0]
    for end in ends:
        cuts += [*range(cuts[-1] + WIDE, end, WIDE), end]
    return [slice(first, last) for first, last in pairwise(cuts)]


def bias_correction(logits: Tensor, frequency: Tensor) -> Tensor:
    """(categories,) to add to the logits (categories, n) of one variant so that their mean softmax is `frequency`."""
    correction = torch.zeros_like(frequency)
    for _ in range(CALIBRATION_ROUNDS):
        mean = (logits + correction[:, None]).softmax(0).mean(1)
        correction += frequency.log() - mean.clamp(min=1e-6).log()
    return correction


def _groups(condition: Condition) -> Tensor:
    """(n,) code of the first label, 0 for unknown or none."""
    if condition.labels.shape[1] == 0:
        return torch.zeros(len(condition), dtype=torch.int64, device=condition.labels.device)
    return condition.labels[:, 0] - UNKNOWN

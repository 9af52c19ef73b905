"""A masked transformer: any order of the variants, each drawn given those that are known already."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from core.config.schema import more, setting
from core.config.training import TrainingConfig
from core.models.additive import AdditiveEffects
from core.models.ancestry_scores import Ancestry
from core.models.base import UNKNOWN, Batch, Clock, Condition, DataSpec, Losses, Model, TrainData
from core.models.conditioning import Conditioning
from core.models.gumbel import draw, one_hot
from core.models.optimisation import average, cosine_rate
from core.models.registry import models
from core.models.windowed_attention import Attention, Layout

MASKED = -1  # code of a call that is not known (yet)
REPEATS = 4  # completions over which imputed probabilities are averaged
HELD_OUT = 500  # individuals of the holdout whose likelihood is watched
SAMPLING_BATCH = 64  # individuals sampled at once; their activations then stay in cache
GOLDEN = 0.6180339887498949  # of all numbers, its multiples modulo 1 lie farthest apart


@dataclass(frozen=True)
class MaskedTransformerConfig:
    """Settings of the masked transformer."""

    width: int = setting(64, "Length of a token's vector.", low=8, high=2048)
    layers: int = setting(2, "Layers of attention.", low=1, high=48)
    heads: int = more(4, "Attention heads; the width is a multiple of them.", low=1, high=64)
    patch: int = setting(8, "Neighbouring variants that share one token.", unit="variants", low=1, high=64)
    window: int = setting(8, "Tokens on each side that a token attends to.", unit="tokens", low=1, high=512)
    summaries: int = more(
        4, "Tokens that every token attends to: they carry what the whole genome says.", low=1, high=64
    )
    structure: int = setting(256, "Width of the layers that read the whole genome at once.", low=8, high=8192)
    embedding: int = more(16, "Length of the learned vector of each label.", low=1, high=512)
    dropout: float = setting(0.1, "Share of activations dropped in training.", low=0.0, high=0.9)
    condition_dropout: float = more(
        0.1, "Share of individuals trained as if nothing were known of them.", low=0.0, high=1.0
    )
    rare_weight: float = more(
        0.5, "Weight of a variant in the loss: its entropy to minus this power (0: all alike).", low=0.0, high=1.0
    )
    weight_decay: float = more(0.05, "Weight decay of AdamW on matrices.", low=0.0, high=10.0)
    average: float = more(0.99, "Decay of the averaged weights that are sampled; 0: none.", low=0.0, high=0.99999)
    axes: int = setting(8, "Principal axes along which an individual's ancestry is drawn first.", low=1, high=64)
    smoothing: float = more(
        0.5, "Noise of a drawn ancestry, in units of the spread of the nearest individuals.", low=0.05, high=0.99
    )
    score_dropout: float = more(0.15, "Share of individuals trained without scores of ancestry.", low=0.0, high=1.0)
    guidance: str = setting(
        "effects",
        "How a phenotype that is asked for shapes the calls: by additive effects, as an input of the net, or both.",
        choices=("effects", "input", "both"),
    )
    rounds: int = setting(
        24, "Rounds in which an individual is drawn; more rounds keep more linkage.", low=1, high=4096
    )


class Perceptron(nn.Sequential):
    """What a residual block adds: norm, Linear, GELU, dropout, Linear."""

    def __init__(self, width: int, hidden: int, dropout: float) -> None:
        super().__init__(
            nn.LayerNorm(width), nn.Linear(width, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, width)
        )


class MaskedNet(nn.Module):
    """From known calls to the logits of every call."""

    variants: Tensor  # (N, p) of each token, m where it has fewer
    distance: Tensor  # classes of distance, see Layout
    slot: Tensor  # (m,) where a variant stands in the flattened tokens

    def __init__(self, config: MaskedTransformerConfig, spec: DataSpec, scores: int) -> None:
        super().__init__()
        self.config, self.shape = config, (spec.categories, spec.variants)
        layout = Layout(spec, config.patch, config.window)
        self.register_buffer("variants", layout.variants, persistent=False)
        self.register_buffer("distance", layout.distance, persistent=False)
        slot = torch.full((spec.variants + 1,), 0)
        slot[layout.variants.flatten()] = torch.arange(layout.variants.numel())
        self.register_buffer("slot", slot[:-1], persistent=False)
        tokens, width, calls = len(layout.variants), config.width, spec.categories * config.patch
        self.token = nn.Parameter(torch.randn(tokens, width) * 0.5)
        self.read = nn.Parameter(torch.randn(tokens, calls, width) * config.patch**-0.5)
        self.write = nn.Parameter(torch.zeros(tokens, width, calls))
        self.condition = Conditioning(spec, config.embedding)
        wide = config.structure
        self.genome = nn.Linear(spec.categories * spec.variants, wide)
        self.known = nn.Linear(3 + scores + self.condition.width, wide)
        self.deepen = nn.ModuleList(Perceptron(wide, 2 * wide, config.dropout) for _ in range(2))
        self.settled = nn.LayerNorm(wide)
        self.summary = nn.Linear(wide, config.summaries * width)
        self.attention = nn.ModuleList(Attention(width, config.heads, config.dropout) for _ in range(config.layers))
        self.perceptron = nn.ModuleList(Perceptron(width, 2 * width, config.dropout) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)
        self.direct = nn.Linear(wide, spec.categories * spec.variants)
        nn.init.zeros_(self.direct.weight)
        self.trend = nn.Linear(scores, spec.categories * spec.variants, bias=False)

    @torch.no_grad()
    def start(self, calls: Tensor, scores: Tensor) -> None:
        """Frequencies in the output's bias, and the change of log-frequencies with each score, to first order."""
        planes = one_hot(calls, self.shape[0]).flatten(1)
        frequency = (planes.sum(0) + 0.5) / (len(calls) + 0.5 * self.shape[0])
        self.direct.bias.copy_(frequency.log())
        change = planes.T @ scores / len(calls)
        self.trend.weight.copy_(change / (frequency + 0.1)[:, None])

    def forward(self, calls: Tensor, scores: Tensor, condition: Condition) -> Tensor:
        """Logits (b, categories, m) of all calls, from calls (b, m) int8, -1 masked, and scores (b, D), NaN unknown."""
        planes = one_hot(calls, self.shape[0])
        known, scores = (~scores.isnan()).all(1, keepdim=True).float(), scores.nan_to_num(0.0)
        structure = self._structure(planes, torch.cat([known, scores, self.condition(condition)], dim=1))
        summaries = self.summary(structure).reshape(len(calls), self.config.summaries, -1)
        x = torch.cat([summaries, self._tokens(planes)], dim=1)
        for attention, perceptron in zip(self.attention, self.perceptron, strict=True):
            x = x + attention(x, self.config.summaries, self.distance)
            x = x + perceptron(x)
        local = self._calls(self.norm(x[:, self.config.summaries :]))
        return (self.direct(structure) + self.trend(scores)).reshape(local.shape) + local

    def _structure(self, planes: Tensor, given: Tensor) -> Tensor:
        """What the whole genome says of an individual, (b, structure)."""
        share = planes.sum((1, 2))[:, None] / self.shape[1]
        amount = torch.cat([share, share.sqrt(), given], dim=1)
        x = self.genome(planes.flatten(1)) + self.known(amount)
        for perceptron in self.deepen:
            x = x + perceptron(x)
        out: Tensor = self.settled(x)
        return out

    def _tokens(self, planes: Tensor) -> Tensor:
        """(b, categories, m) to (b, N, width): each token reads the calls of its patch with weights of its own."""
        padded = nn.functional.pad(planes, (0, 1))
        patches = padded[:, :, self.variants.flatten()].reshape(len(planes), self.shape[0], *self.variants.shape)
        patches = patches.permute(2, 0, 1, 3).flatten(2)
        return (torch.bmm(patches, self.read) + self.token[:, None]).transpose(0, 1)

    def _calls(self, x: Tensor) -> Tensor:
        """(b, N, width) to (b, categories, m), with weights of its own for each token."""
        logits = torch.bmm(x.transpose(0, 1), self.write).reshape(len(self.variants), len(x), self.shape[0], -1)
        return logits.permute(1, 2, 0, 3).flatten(2)[:, :, self.slot]


@models.register(
    "masked_transformer",
    title="Masked transformer",
    colour="#b0306a",
    kind="genotypes",
    help="Draws the calls in any order, each given those drawn before: structure by summaries, linkage by attention.",
    source="Austin et al. 2021, eq. 7; Hoogeboom et al. 2022, eq. 3; Sahoo et al. 2024, eq. 10",
    config=MaskedTransformerConfig,
)
class MaskedTransformer(Model):
    r"""Scores of ancestry s first (`Ancestry`), then the calls of an individual in any order:

        log p(g | s) ≥ E_order Σ_t log p(g_{o_t} | g_{o_<t}, s) = −E_k (m / k) Σ_{v masked} −log p(g_v | known calls, s)

    with k uniform in 1..m and the masked set uniform of that size: absorbing diffusion in continuous time has the same
    loss. Where few calls are known, a net that learned from some thousand individuals decides structure badly; a
    handful of scores decides it at once, and a few rounds then suffice. Calls of one round are drawn independently.
    A phenotype that is asked for enters by Bayes' rule with additive effects (`AdditiveEffects`), or as an input.
    The checkpoint keeps the scores of the training individuals, not their genotypes.
    """

    capturable: ClassVar[bool] = True
    undivided: ClassVar[str] = ""
    imputes: ClassVar[bool] = True
    training_only: ClassVar[tuple[str, ...]] = ("net.",)
    loss_titles: ClassVar[Mapping[str, str]] = {"cross_entropy": "Nats per masked call"}
    updates: Tensor
    weight: Tensor  # (m,) of each variant in the loss
    keys: Tensor  # (n,) sorted fingerprints of the training individuals
    rows: Tensor  # (n,) the individual of each

    def __init__(self, config: MaskedTransformerConfig, spec: DataSpec, training: TrainingConfig) -> None:
        super().__init__(config, spec, training)
        self.ancestry = Ancestry(spec.variants, len(spec.phenotypes), config.axes, config.smoothing)
        self.effects = AdditiveEffects(spec.variants, len(spec.phenotypes))
        self.net = MaskedNet(config, spec, self.ancestry.width)
        self.averaged = deepcopy(self.net).requires_grad_(False).eval()
        self.register_buffer("updates", torch.zeros(()))
        for name, dtype in (("weight", torch.float32), ("keys", torch.int64), ("rows", torch.int64)):
            self.register_buffer(name, torch.zeros(0, dtype=dtype), persistent=False)
        matrices = [p for p in self.net.parameters() if p.ndim > 1]
        others = [p for p in self.net.parameters() if p.ndim <= 1]
        groups = [{"params": matrices, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
        # A tensor, which a CUDA graph reads anew at every replay.
        rate = torch.tensor(training.learning_rate)
        self.optimiser = torch.optim.AdamW(groups, rate, (0.9, 0.98), capturable=torch.cuda.is_available())

    def prepare(self, data: TrainData) -> None:
        """Scores of ancestry, the weights of variants, and where the net starts."""
        super().prepare(data)
        self.ancestry.fit(data.calls, data.condition)
        self.effects.fit(data.calls, data.condition.phenotypes)
        self.keys, self.rows = self._fingerprints(data.calls).sort()
        counts = one_hot(data.calls, self.spec.categories).sum(0) + 0.5
        entropy = -(counts / counts.sum(0) * (counts / counts.sum(0)).log()).sum(0)
        weight = entropy.clamp(min=0.02) ** -self.config.rare_weight
        self.weight = weight / (weight * entropy).sum() * entropy.sum()
        for net in (self.net, self.averaged):
            net.start(data.calls, self.ancestry.scores)

    def _fingerprints(self, calls: Tensor) -> Tensor:
        """(n,) int64, the same for the same calls: a batch does not say which individuals it holds."""
        noise = torch.Generator().manual_seed(0)
        factor = torch.randint(-(2**40), 2**40, (calls.shape[1],), generator=noise).to(calls.device)
        return (calls.long() * factor).sum(1)

    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        return {"net": self.optimiser}

    def steps(self, batch: Batch, clock: Clock) -> Losses:
        for group in self.optimiser.param_groups:
            rate = self.training_config.learning_rate * cosine_rate(clock.progress, floor=0.02, warm_up=0.03)
            group["lr"].copy_(rate)
        (b, m), device = batch.calls.shape, batch.calls.device
        masked = _masked(torch.rand(1, device=device), torch.rand(b, m, device=device))
        row = self.rows[torch.searchsorted(self.keys, self._fingerprints(batch.calls)).clamp(max=len(self.rows) - 1)]
        scores = self.ancestry.scores[row].masked_fill(
            torch.rand(b, 1, device=device) < self.config.score_dropout, torch.nan
        )
        condition = _forgotten(
            self._read(batch.condition), torch.rand(b, device=device) < self.config.condition_dropout
        )
        losses = _cross_entropy(self.net, batch.calls, masked, scores, condition)
        self.optimiser.zero_grad(set_to_none=True)
        ((losses * self.weight).sum(1) / masked.sum(1)).mean().backward()  # type: ignore[no-untyped-call]
        self.share_gradients(self.optimiser)
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimiser.step()
        average(self.averaged, self.net, self.updates, self.config.average)
        return Losses({"cross_entropy": (losses.detach().sum(1) / masked.sum(1)).mean()})

    def held_out(self, holdout: TrainData) -> Mapping[str, float]:
        """Mean lower bound of the log-likelihood of up to `HELD_OUT` individuals of the holdout."""
        some = holdout.to(self.updates.device).index(torch.arange(min(HELD_OUT, len(holdout))))
        noise = torch.Generator().manual_seed(self.training_config.seed)
        return {"held_out_likelihood_bound": float(self.bound(some.calls, some.condition, noise).mean())}

    @torch.no_grad()
    def bound(self, calls: Tensor, condition: Condition, generator: torch.Generator, draws: int = 4) -> Tensor:
        """(n,) estimates of a lower bound of log p(calls | condition) in nats, each the mean of `draws`.

        With the scores s that an individual is drawn from, log p(g) ≥ E_q[log p(s) − log q(s) + log p(g | s)], q the
        individual's own scores with noise, and log p(g | s) ≥ `given`.
        """
        device, parts = self.updates.device, []
        everybody = Condition(self.condition_labels, self.condition_phenotypes)
        for _ in range(draws):
            noise = torch.randn(len(calls), self.ancestry.width, generator=generator, device=generator.device)
            scores, density = self.ancestry.blurred(self.ancestry(calls), noise.to(device))
            parts.append(self.given(calls, scores, condition, generator) - density)
            for r in _batches(len(calls)):
                weights = self.ancestry.log_weights(condition.index(r), everybody)
                parts[-1][r] += self.ancestry.log_density(scores[r], weights)
        return torch.stack(parts).mean(0)

    @torch.no_grad()
    def given(self, calls: Tensor, scores: Tensor, condition: Condition, generator: torch.Generator) -> Tensor:
        """(n,) unbiased estimates of the mean over all orders of log p(calls | scores, condition), in nats."""
        device, n = self.updates.device, len(calls)
        offset, order = _uniform(generator, device, 1), _uniform(generator, device, n).argsort()
        masked = _masked(offset, _uniform(generator, device, *calls.shape))[order]
        total = torch.zeros(n, device=device)
        for r in _batches(n):
            part = _cross_entropy(self.averaged, calls[r], masked[r], scores[r], self._read(condition.index(r))).sum(1)
            total[r] = -part * self.spec.variants / masked[r].sum(1)
        return total

    @torch.no_grad()
    def sample(self, n: int, condition: Condition | None, generator: torch.Generator) -> Tensor:
        """int8 (n, m): scores first, then the calls in rounds, those of a round far apart."""
        device = self.updates.device
        asked = self.complete(n, condition, generator)
        everybody = Condition(self.condition_labels, self.condition_phenotypes)
        parts = [torch.empty(0, self.spec.variants, dtype=torch.int8, device=device)]
        for rows in _batches(n):
            known = asked.index(rows)
            weights = self.ancestry.log_weights(known, everybody).exp()
            row = torch.searchsorted(weights.cumsum(1), _uniform(generator, device, len(known), 1))[:, 0]
            noise = torch.randn(len(known), self.ancestry.width, generator=generator, device=generator.device)
            scores = self.ancestry.draw(row.clamp(max=weights.shape[1] - 1), noise.to(device))
            calls = torch.full((len(known), self.spec.variants), MASKED, dtype=torch.int8, device=device)
            parts.append(self._fill(calls, scores, known, generator))
        return torch.cat(parts)

    def _fill(self, calls: Tensor, scores: Tensor, condition: Condition, generator: torch.Generator) -> Tensor:
        """Draw the calls (b, m) that are masked, in rounds."""
        (b, m), device = calls.shape, calls.device
        # Multiples of the golden ratio: those drawn in one round are far apart, so that they are hardly linked.
        key = (torch.arange(m, device=device, dtype=torch.float64) * GOLDEN + _uniform(generator, device, b, 1)) % 1
        rank = torch.where(calls < 0, key, 2.0).argsort(1).argsort(1)
        missing = (calls < 0).sum(1, keepdim=True)
        for share in _schedule(self.config.rounds):
            logits = self._guided(calls, self.averaged(calls, scores, self._read(condition)).float(), condition)
            drawn = draw(logits, _uniform(generator, device, *logits.shape))
            calls = torch.where((calls < 0) & (rank < (share * missing).ceil()), drawn, calls)
        return calls

    def _read(self, condition: Condition) -> Condition:
        """What the net is told: phenotypes only where they are an input of it."""
        if self.config.guidance != "effects":
            return condition
        return Condition(condition.labels, torch.full_like(condition.phenotypes, torch.nan))

    def _guided(self, calls: Tensor, logits: Tensor, condition: Condition) -> Tensor:
        """Logits (b, categories, m) under the phenotypes asked for, by their additive effects."""
        if self.config.guidance == "input" or condition.phenotypes.shape[1] == 0:
            return logits
        certain = one_hot(calls, self.spec.categories)
        probabilities = torch.where((calls < 0)[:, None], logits.softmax(1), certain)
        return logits + self.effects.tilt(probabilities, condition.phenotypes)

    @torch.no_grad()
    def impute(self, calls: Tensor, condition: Condition | None, generator: torch.Generator) -> Tensor:
        """(n, m, categories): draw what is missing, read the scores, ask again given them; the mean of `REPEATS`."""
        device = self.updates.device
        calls = calls.to(device)
        everybody = torch.ones(len(calls), dtype=torch.bool, device=device)
        nothing = _forgotten(self.draw_condition(len(calls), generator), everybody)
        asked = nothing if condition is None else condition.to(device)
        parts = [torch.empty(0, self.spec.variants, self.spec.categories, device=device)]
        for rows in _batches(len(calls)):
            known, given = calls[rows], asked.index(rows)
            total = torch.zeros(len(known), self.spec.categories, self.spec.variants, device=device)
            unread = torch.full((len(known), self.ancestry.width), torch.nan, device=device)
            for _ in range(REPEATS):
                whole = self._fill(known, unread, given, generator)
                logits = self.averaged(known, self.ancestry(whole), self._read(given))
                total += self._guided(known, logits, given).softmax(1) / REPEATS
            certain = one_hot(known, self.spec.categories)
            parts.append(torch.where((known < 0)[:, None], total, certain).transpose(1, 2))
        return torch.cat(parts)


def _masked(offset: Tensor, uniform: Tensor) -> Tensor:
    """(b, m) bool: k of m calls, k uniform in 1..m with one in each b-th of that range; any k are alike.

    offset (1,) and uniform (b, m), both uniform in [0, 1).
    """
    b, m = uniform.shape
    k = ((torch.arange(b, device=uniform.device) + offset) / b * m).long().clamp(max=m - 1)
    return uniform <= uniform.sort(dim=1).values.gather(1, k[:, None])


def _cross_entropy(net: nn.Module, calls: Tensor, masked: Tensor, scores: Tensor, condition: Condition) -> Tensor:
    """(b, m) −log p of each masked call given those that are not, 0 at the others."""
    logits = net(torch.where(masked, MASKED, calls), scores, condition).float()
    chosen = logits.gather(1, calls[:, None].long())[:, 0]
    return torch.where(masked, logits.logsumexp(1) - chosen, 0.0)


def _schedule(rounds: int) -> list[float]:
    """Share of the calls that are known after each round: 1 − cos, slowly at first, when little is known."""
    return [1 - math.cos(math.pi / 2 * (r + 1) / rounds) for r in range(rounds - 1)] + [1.0]


def _batches(n: int) -> Iterator[slice]:
    return (slice(first, min(n, first + SAMPLING_BATCH)) for first in range(0, n, SAMPLING_BATCH))


def _uniform(generator: torch.Generator, device: torch.device, *shape: int) -> Tensor:
    return torch.rand(shape, generator=generator, device=generator.device).to(device)


def _forgotten(condition: Condition, forget: Tensor) -> Condition:
    """The condition with nothing known of the individuals at `forget`."""
    return Condition(
        condition.labels.masked_fill(forget[:, None], UNKNOWN),
        condition.phenotypes.masked_fill(forget[:, None], torch.nan),
    )

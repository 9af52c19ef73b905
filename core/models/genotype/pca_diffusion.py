"""Diffusion in the space of principal components, decoded to calls by rounding or by each variant's own thresholds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from core.config.schema import more, setting
from core.config.training import TrainingConfig
from core.models.base import UNKNOWN, Batch, Clock, Condition, DataSpec, Losses, Model, TrainData
from core.models.dosage_decoder import DosageDecoder
from core.models.optimisation import average, cosine_rate
from core.models.populations import normal, row_blocks
from core.models.principal_components import PrincipalComponents, for_a_fit, held_out_variance
from core.models.registry import models

FIRST_BETA, LAST_BETA = 1e-4, 0.02  # the published linear schedule, whatever the number of steps
LABEL, PHENOTYPE = 16, 32  # length of what a label, and of what all phenotypes, are turned into
CALIBRATION = 1 << 22  # calls of the sample at which the thresholds are set: some 5,000 individuals of 800 variants
FEWEST, MOST = 256, 4096  # individuals in that sample
LEAST = 1e-3  # deviation of a score below which it counts as constant
Guess = Callable[[Tensor, Tensor], Tensor]  # (b, D) scores and (b,) times to the (b, D) that a network says of them
EXPECTED = 0.5  # components to an individual or variant in a size estimate before any data is seen


@dataclass(frozen=True)
class PcaDiffusionConfig:
    """Settings of PCA diffusion; the defaults are our preset, `pca_diffusion_published` sets the published ones."""

    variance: float = setting(0.9, "Share of the variance of the calls that the components hold.", low=0.01, high=1.0)
    components: int = more(256, "Most components of a segment.", low=1, high=100_000)
    by_contig: bool = more(False, "Components of each contig by itself, as published, or of the whole genome.")
    signal: float = setting(
        0.3,
        "Least share of a component's variance that must show in individuals left out of its fit; 0: keep all.",
        low=0.0,
        high=0.99,
    )
    process: str = setting("flow", "Flow matching, or the published denoising diffusion.", choices=("flow", "ddpm"))
    diffusion_steps: int = more(1200, "Noise levels of the denoising diffusion.", low=2, high=10_000)
    steps: int = setting(25, "Network calls in sampling by flow.", low=1, high=50)
    guidance: float = setting(
        1.0, "Weight of the condition in sampling; 0: ignored, 1: as trained, more: exaggerated.", low=0.0, high=10.0
    )
    condition_dropout: float = more(0.0, "Share of individuals trained without their condition.", low=0.0, high=0.9)
    whiten: bool = more(True, "Scores in units of their own deviation.")
    decoding: str = setting(
        "thresholds",
        "Calls by thresholds that hold each variant's genotype frequencies, or by rounding as published.",
        choices=("thresholds", "round"),
    )
    local_noise: bool = more(True, "Linkage between near variants in what the components leave out.")
    widths: tuple[int, ...] = setting((256, 256, 256), "Widths of the hidden layers; empty: 2D, 2D, D of D components.")
    time_embedding: int = more(128, "Length of the sinusoidal code of time.", low=2, high=1024)
    dropout: float = more(0.0, "Share of hidden units left out in training.", low=0.0, high=0.9)
    warm_up: float = more(0.005, "Share of training in which the learning rate rises.", low=0.0, high=0.9)
    rate_decay: float = more(0.01, "Learning rate at the end as a share of the start (cosine).", low=0.0, high=1.0)
    average: float = more(0.999, "Decay of the averaged weights that are sampled; 0: none.", low=0.0, high=0.99999)


class Asked(nn.Module):
    """The condition as a vector: a learned one for each label (one more for "unknown"), one for the phenotypes."""

    def __init__(self, spec: DataSpec) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(len(v) + 1, LABEL) for v in spec.label_columns.values())
        count = len(spec.phenotypes)
        self.phenotypes = nn.Linear(2 * count, PHENOTYPE) if count else None
        self.width = LABEL * len(self.tables) + PHENOTYPE * (self.phenotypes is not None)

    def forward(self, condition: Condition) -> Tensor:
        """(b, width). Beside each value the network reads whether it is known: the mean is not the unknown."""
        parts = [table(condition.labels[:, i] - UNKNOWN) for i, table in enumerate(self.tables)]
        if self.phenotypes is not None:
            known = ~condition.phenotypes.isnan()
            parts.append(self.phenotypes(torch.cat([condition.phenotypes.nan_to_num(0.0), known.float()], dim=1)))
        return torch.cat(parts, dim=1) if parts else condition.phenotypes.new_zeros(len(condition), 0)


class Network(nn.Module):
    """[x, time, condition] → Linear, LayerNorm, ReLU; time and condition again at the second layer; a linear skip."""

    rates: Tensor

    def __init__(self, width: int, config: PcaDiffusionConfig, spec: DataSpec) -> None:
        super().__init__()
        self.asked = Asked(spec)
        beside = config.time_embedding + self.asked.width
        inputs = width + beside
        hidden = config.widths or (2 * max(width, 32), 2 * max(width, 32), max(width, 32))
        sizes = [inputs, *hidden]
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(a + beside * (i == 1), b), nn.LayerNorm(b), nn.ReLU(), nn.Dropout(config.dropout))
            for i, (a, b) in enumerate(pairwise(sizes))
        )
        self.output = nn.Linear(hidden[-1], width)
        self.skip = nn.Linear(inputs, width)
        halves = config.time_embedding // 2
        self.register_buffer(
            "rates", torch.exp(-math.log(10_000) * torch.arange(halves) / max(1, halves)), persistent=False
        )
        self.odd = config.time_embedding % 2

    def forward(self, x: Tensor, time: Tensor, condition: Condition) -> Tensor:
        """(b, D) at times (b,), counted in steps."""
        phase = time[:, None] * self.rates
        code = torch.cat([phase.sin(), phase.cos(), phase.new_zeros(len(x), self.odd)], dim=1)
        beside = torch.cat([code, self.asked(condition)], dim=1)
        first = hidden = torch.cat([x, beside], dim=1)
        for i, layer in enumerate(self.layers):
            hidden = layer(torch.cat([hidden, beside], dim=1) if i == 1 else hidden)
        out: Tensor = self.output(hidden) + self.skip(first)
        return out


class Denoising:
    """Ho et al. 2020: x_t = √ᾱ_t x + √(1 - ᾱ_t) ε, loss ‖ε̂ - ε‖², ancestral sampling; as published, defects kept.

    Times are antithetic, t and T - t - 1 with t in 1..T-1, so that t = 0, where there is no noise to predict, is
    trained and t = T, where sampling begins, never is; noise is added in the last step of sampling too.
    """

    def __init__(self, steps: int, device: torch.device) -> None:
        self.steps = steps
        rates = torch.linspace(FIRST_BETA, LAST_BETA, steps, dtype=torch.float64, device=device)
        self.beta = torch.cat([rates.new_zeros(1), rates]).float()  # β_0 = 0: time 0 is the data
        self.signal = torch.cumprod(1 - torch.cat([rates.new_zeros(1), rates]), 0).float()

    def times(self, n: int) -> Tensor:
        """(n,) int64, antithetic in pairs."""
        half = torch.randint(1, self.steps, ((n + 1) // 2,), device=self.beta.device)
        return torch.cat([half, self.steps - half - 1])[:n]

    def noisy(self, x: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """x_t of x (b, D) at steps t (b,)."""
        signal = self.signal[t][:, None]
        return signal.sqrt() * x + (1 - signal).sqrt() * noise

    def loss(self, predict: Guess, x: Tensor) -> Tensor:
        """Mean squared error of the predicted noise."""
        t, noise = self.times(len(x)), torch.randn_like(x)
        return (predict(self.noisy(x, noise, t), t.float()) - noise).square().mean()

    def sample(self, predict: Guess, noise: Tensor, draw: torch.Generator) -> Tensor:
        """x_{t-1} = (x_t - β_t ε̂ / √(1 - ᾱ_t)) / √(1 - β_t) + √β_t z from t = T down to 1."""
        x = noise
        for t in range(self.steps, 0, -1):
            beta, signal = self.beta[t], self.signal[t]
            guess = predict(x, torch.full((len(x),), float(t), device=x.device))
            fresh = normal(tuple(x.shape), draw, x.device)
            x = (x - beta / (1 - signal).sqrt() * guess) / (1 - beta).sqrt() + beta.sqrt() * fresh
        return x


class Flow:
    """Lipman et al. 2023, eq. 22: x_t = (1 - t) ε + t x, velocity x - ε.

    Were the scores normal, the velocity would be x_t (2t - 1) / ((1 - t)² + t²); the network learns what is left.
    """

    SCALE = 1000.0  # the network's time runs from 0 to 1000

    def __init__(self, steps: int) -> None:
        self.steps = steps

    @staticmethod
    def normal_velocity(x: Tensor, t: Tensor) -> Tensor:
        """That of independent standard normal scores; exact."""
        return x * ((2 * t - 1) / ((1 - t).square() + t.square()))[:, None]

    def velocity(self, predict: Guess, x: Tensor, t: Tensor) -> Tensor:
        """(b, D) at times t (b,) in [0, 1]."""
        return self.normal_velocity(x, t) + predict(x, self.SCALE * t)

    def loss(self, predict: Guess, x: Tensor) -> Tensor:
        """Mean squared error of the velocity at stratified times."""
        n, noise = len(x), torch.randn_like(x)
        t = (torch.randperm(n, device=x.device) + torch.rand(n, device=x.device)) / n
        between = (1 - t)[:, None] * noise + t[:, None] * x
        return (self.velocity(predict, between, t) - (x - noise)).square().mean()

    def sample(self, predict: Guess, noise: Tensor, draw: torch.Generator) -> Tensor:
        """The flow from t = 0 to 1 by two-step Adams-Bashforth, one network call a step (the first is Euler's)."""
        x, before = noise, None
        ends = (0.5 - 0.5 * torch.cos(torch.linspace(0, math.pi, self.steps + 1))).tolist()
        for now, then in pairwise(ends):
            step = then - now
            slope = self.velocity(predict, x, torch.full((len(x),), now, device=x.device))
            change = slope if before is None else slope + step / (2 * before[0]) * (slope - before[1])
            x, before = x + step * change, (step, slope)
        return x


class Predictor:
    """A network at one condition, guided: u + g (c - u) of its outputs with (c) and without (u) the condition."""

    def __init__(self, network: nn.Module, condition: Condition, guidance: float = 1.0) -> None:
        self.network, self.condition, self.guidance = network, condition, guidance
        self.nobody = dropped(condition, torch.ones(len(condition), dtype=torch.bool, device=condition.labels.device))

    def __call__(self, x: Tensor, time: Tensor) -> Tensor:
        """(b, D)."""
        if self.guidance == 1.0:
            out: Tensor = self.network(x, time, self.condition)
            return out
        without: Tensor = self.network(x, time, self.nobody)
        if self.guidance == 0.0:
            return without
        return without + self.guidance * (self.network(x, time, self.condition) - without)


def spread_normal(n: int, width: int, generator: torch.Generator) -> Tensor:
    """(n, width) standard normal numbers from a scrambled Sobol sequence, in random order.

    They fill the space more evenly than independent ones: populations come nearly in their shares, so that allele
    frequencies of a sample stray less.
    """
    seed = int(torch.randint(1 << 31, (1,), generator=generator, device=generator.device))
    engine: Any = torch.quasirandom.SobolEngine  # torch gives it no types
    points: Tensor = engine(width, scramble=True, seed=seed).draw(n)
    order = torch.randperm(n, generator=generator, device=generator.device).cpu()
    normals: Tensor = torch.special.ndtri(points[order].clamp(1e-6, 1 - 1e-6))
    return normals


def dropped(condition: Condition, rows: Tensor) -> Condition:
    """The condition with everything unknown at `rows` (n,) bool."""
    return Condition(
        condition.labels.masked_fill(rows[:, None], UNKNOWN),
        condition.phenotypes.masked_fill(rows[:, None], torch.nan),
    )


@models.register(
    "pca_diffusion",
    title="PCA diffusion",
    colour="#7f8c1f",
    kind="genotypes",
    help="Diffusion of principal components, then each call cut at its variant's own thresholds.",
    source="Xie et al. 2025; Ho et al. 2020, algorithms 1 and 2; Lipman et al. 2023, eq. 22; Ho & Salimans 2022",
    config=PcaDiffusionConfig,
)
class PcaDiffusion(Model):
    """Calls → scores on principal components → a generative process of scores → dosages → calls.

    Published: components of each contig, raw scores, 1200 steps of denoising, dosages rounded. Rounding takes the
    variance that the components dropped away: heterozygotes grow, rare alleles vanish. Ours: components of the whole
    genome that show in individuals left out of their fit, each with the variance that it has there (with few
    individuals far below that of the fit), flow matching, and `DosageDecoder`, which puts the rest back as noise.
    """

    training_only: ClassVar[tuple[str, ...]] = ("network.",)
    undivided: ClassVar[str] = ""
    in_memory: ClassVar[str] = ""
    loss_titles: ClassVar[Mapping[str, str]] = {
        "noise": "Error of the predicted noise",
        "velocity": "Error of the flow",
    }
    config: PcaDiffusionConfig
    updates: Tensor  # steps taken
    unit: Tensor  # (D,) deviation of each training score, 1 where scores are not whitened
    spread: Tensor  # (D,) deviation of each generated score, for scores in units of `unit`
    blur: Tensor  # (D,) share of the variance of a training score that is replaced by noise in each step

    def __init__(self, config: PcaDiffusionConfig, spec: DataSpec, training: TrainingConfig) -> None:
        super().__init__(config, spec, training)
        contig = spec.contig.tolist()
        self.components = PrincipalComponents(contig if config.by_contig else [0] * spec.variants)
        self.decoder = DosageDecoder(contig, spec.ploidy)
        self.register_buffer("updates", torch.zeros(()))
        for name in ("unit", "spread", "blur"):
            self.register_buffer(name, torch.empty(0))
        # Of the size that is likely; built again for the components that the data turn out to have.
        likely = max(1, int(EXPECTED * min(spec.n_train, spec.variants)))
        self._build(min(likely, config.components))

    @property
    def widest(self) -> int:
        """Of the network: calls enter it as scores."""
        return max(layer.out_features for layer in self.network.modules() if isinstance(layer, nn.Linear))

    def _build(self, width: int) -> None:
        self.network = Network(width, self.config, self.spec).to(self.updates.device)
        self.averaged = deepcopy(self.network).requires_grad_(False).eval()
        self._optimisers: dict[str, torch.optim.Optimizer] = {}

    def prepare(self, data: TrainData) -> None:
        """Components and their spread in individuals left out; a first fit of the decoder on the training scores."""
        super().prepare(data)
        c, calls = self.config, for_a_fit(data).calls
        self.components.fit(calls, c.variance, c.components)
        every = self.components.variance, self.components.variance
        honest, carried_out = self._select(calls) if c.signal and not c.by_contig else every
        own = self.components.variance.sqrt().clamp(min=LEAST)
        self.unit = own if c.whiten else torch.ones_like(own)
        self.spread = honest.sqrt() / own * self.unit
        # A density of D dimensions is not known from few individuals: what does not hold in others is then blurred.
        crowded = min(1.0, 4 * self.components.width / max(1, len(data)))
        self.blur = (1 - carried_out / own.square()).clamp(0, 1) * (crowded if c.signal else 0.0)
        self._build(self.components.width)
        if c.decoding == "thresholds":
            # Individuals of a small cohort are repeated: the decoder sees them through the process, not one by one.
            rows = torch.arange(self._enough(), device=calls.device) % len(calls)
            expected = self._expected(self._scores(calls[: self._enough()])[rows])
            # Of contigs apart the covariance within each is that of its own components, which the blocks leave out.
            carried = self.components.matrix() * honest.sqrt() if not c.by_contig else self.components.mean[:, None] * 0
            self.decoder.fit(calls, expected, carried, c.local_noise)

    def _select(self, calls: Tensor) -> tuple[Tensor, Tensor]:
        """Keep the components that hold in individuals left out; their variance (D,) there, and what is signal in it.

        What an individual's own noise adds to a score is no signal: Σ_j w_j² τ_j with τ_j the variance of variant j
        that is left over, which is found by iteration.
        """
        parts = self.components
        out = held_out_variance(calls, parts.width, self.training_config.seed)
        # Variances fall along the axes; what does not is chance.
        out = (out.cummin(0).values + out.flip(0).cummax(0).values.flip(0)) / 2
        square = parts.matrix().square()
        total = torch.cat([b.float().var(0, correction=0) for b in torch.split(calls, 2048, dim=1)])
        carried = out
        for _ in range(30):
            left = (total - square @ carried).clamp(min=0)
            carried = (out - square.T @ left).clamp(min=0)
        keep = carried > self.config.signal * out
        keep[0] |= not bool(keep.any())
        parts.keep(keep)
        least = LEAST**2
        return torch.minimum(out[keep], parts.variance).clamp(min=least), carried[keep].clamp(min=least)

    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam of the network, made on the device that its weights are on by then."""
        if not self._optimisers:
            gpu = self.updates.is_cuda
            rate = self._rate(torch.zeros_like(self.updates))
            adam = torch.optim.Adam(self.network.parameters(), lr=rate, fused=True, capturable=gpu)
            self._optimisers = {"network": adam}
        return self._optimisers

    def _rate(self, progress: Tensor) -> Tensor:
        return self.training_config.learning_rate * cosine_rate(progress, self.config.rate_decay, self.config.warm_up)

    def _process(self) -> Denoising | Flow:
        if self.config.process == "ddpm":
            return Denoising(self.config.diffusion_steps, self.updates.device)
        return Flow(self.config.steps)

    def steps(self, batch: Batch, clock: Clock) -> Losses:
        """One step of Adam on the scores of the batch; some individuals without their condition."""
        optimiser = self.optimisers()["network"]
        optimiser.param_groups[0]["lr"].copy_(self._rate(clock.progress))
        x = self._scores(batch.calls)
        x = (1 - self.blur).sqrt() * x + self.blur.sqrt() * torch.randn_like(x)
        alone = torch.rand(len(x), device=x.device) < self.config.condition_dropout
        loss = self._process().loss(Predictor(self.network, dropped(batch.condition, alone)), x)
        parameters = list(self.network.parameters())
        slopes = torch.autograd.grad(loss, parameters, allow_unused=True)
        for parameter, slope in zip(parameters, slopes, strict=True):
            parameter.grad = slope
        self.share_gradients(optimiser)
        optimiser.step()
        average(self.averaged, self.network, self.updates, self.config.average)
        return Losses({"noise" if self.config.process == "ddpm" else "velocity": loss.detach()})

    def _scores(self, calls: Tensor) -> Tensor:
        return self.components.project(calls) / self.unit

    def _expected(self, scores: Tensor) -> Tensor:
        """(b, m) dosages of generated scores."""
        return self.components.reconstruct(scores * self.spread)

    def _enough(self) -> int:
        return min(MOST, max(FEWEST, CALIBRATION // max(1, self.spec.variants)))

    @torch.no_grad()
    def settle(self) -> None:
        """Set the thresholds on a large sample of what the process generates now."""
        if self.config.decoding == "round":
            return
        noise = torch.Generator(self.updates.device).manual_seed(self.training_config.seed)
        known = self.complete(self._enough(), None, noise)
        self.decoder.calibrate(self._expected(self._generate(known, noise)))

    @torch.no_grad()
    def sample(self, n: int, condition: Condition | None, generator: torch.Generator) -> Tensor:
        """int8 (n, m); what the condition leaves unknown is drawn as it is in training."""
        asked = self.complete(n, condition, generator)
        scores = self._generate(asked, generator)
        calls = torch.empty(n, self.spec.variants, dtype=torch.int8, device=self.updates.device)
        for rows in row_blocks(n, self.spec.variants):
            dosage = self._expected(scores[rows])
            if self.config.decoding == "round":
                calls[rows] = dosage.round().clamp(0, self.spec.ploidy).to(torch.int8)
            else:
                calls[rows] = self.decoder(dosage, generator)
        return calls

    def _generate(self, known: Condition, noise: torch.Generator) -> Tensor:
        """(n, D) scores of the averaged network, in units of `unit`."""
        start = spread_normal(len(known), self.components.width, noise).to(self.updates.device)
        predict = Predictor(self.averaged.eval(), known, self.config.guidance)
        return self._process().sample(predict, start, noise)

    def _load_weights(self, weights: dict[str, Tensor]) -> None:
        """The network is as wide as the components of the checkpoint."""
        width = len(weights.get("components.variance", self.components.variance))
        if width != self.components.width or self.network.output.out_features != width:
            self._build(width)
        super()._load_weights(weights)

"""The Generative Distribution Embedding: a set encoder joined to a conditional generator."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.config.schema import from_dict, more, setting
from core.config.training import TrainingConfig
from core.errors import InputError
from core.modalities.vector import Vector
from core.models.base import Clock, Losses, Trainable
from core.models.gde.base import Encoder, Generator, encoders, generators
from core.models.gde.bounds import ENOUGH, bounded
from core.models.gde.components import PrincipalComponents, Standardiser
from core.models.gde.data import SetBatch, SetData, SetSpec, draw, parted
from core.models.gde.exact import MOST_OBSERVATIONS, MOST_SETS, ExactMoments
from core.models.gde.gaussian_base import GaussianBase
from core.models.gde.kmers import Kmers
from core.models.gde.layers import full_precision
from core.models.gde.letters import LetterGenerator
from core.models.gde.mixers import mix, mixers
from core.models.gde.transport_stress import stress
from core.models.gde.views import Views
from core.models.optimisation import average, cosine_rate
from core.models.registry import models
from core.registry import Registry

# Observations that pass a network at once where no gradient is kept: their activations stay in a processor's cache.
ROWS = 16_384
FLOOR = 0.01  # of the learning rate, as a share, at the end of the cosine
PRIOR = 8.0  # observations, before training
ENTRIES = 100_000_000  # numbers at most: images are many to an observation
LETTERS = 400_000  # letters at most: each is as wide as a network's layers


@dataclass(frozen=True)
class GDEConfig:
    """Settings of the joint model; encoder, generator and mixer have their own nodes."""

    latent: int = setting(32, "Width of the latent of a set, or of its learned part.", low=1, high=4096)
    exact: bool = setting(
        False,
        "Let the mean of a set and the ways in which spreads differ pass through the latent unchanged, drawn towards "
        "those of all sets where observations are few; what is learned adds to them.",
    )
    context_min: int = setting(16, "Fewest observations that are encoded in a step.", low=1, high=1_000_000)
    context_max: int = setting(128, "Most observations that are encoded in a step; sizes are log-uniform.", low=1)
    query: int = setting(
        64, "Observations that the generator is scored on: half of them among those encoded, half others.", low=2
    )
    share_query: bool = more(False, "Score the generator on the encoded observations themselves, as published.")
    metric_weight: float = setting(
        1.0, "Weight of the term that makes latent distances equal optimal-transport distances; 0: none.", low=0.0
    )
    metric_observations: int = more(
        256, "Observations of each set from which that term estimates them.", low=4, high=100_000
    )
    metric_projections: int = more(16, "Random lines along which it compares the shapes of two sets.", low=1)
    auxiliary: str = setting(
        "none", "What the latent also learns to predict.", choices=("none", "classification", "next_set", "effect")
    )
    auxiliary_weight: float = setting(0.1, "Weight of the auxiliary loss.", low=0.0)
    label: str = setting(
        "", "Label column of the classification head, or the column of numbers that orders next_set (empty: found)."
    )
    control: str = more("", "Value of the label that is the control of the effect head.")
    average: float = setting(0.995, "Decay of the moving average of the weights that are used; 0: the last.", low=0.0)
    clip: float = more(1.0, "Largest norm of the gradient.", low=1e-3)
    warm_up: float = more(0.03, "Share of training in which the learning rate rises.", low=0.0, high=0.5)
    schedule: str = more("cosine", "Learning rate after the warm-up.", choices=("cosine", "constant"))


class AuxiliaryHead(nn.Module):
    """A head on the latent, trained beside the generator; each kind adds one term to the loss.

    classification: cross-entropy of softmax(W z) with the (soft, where sets are mixed) label of the set.
    next_set: ‖(z′ − z) − (A z + b)‖² with z′ the latent of the next set in order (dynamics of a time course).
    effect: ‖Δx̄ − W (z′ − z)‖², Δx̄ the shift of the mean from the control z′ to the set (perturbation effect).
    """

    def __init__(self, kind: str, latent: int, outputs: int) -> None:
        super().__init__()
        self.kind = kind
        self.net = nn.Linear(latent, latent if kind == "next_set" else outputs, bias=kind != "effect")

    def loss(self, z: Tensor, partner: Tensor, batch: SetBatch, weights: Tensor, shift: Tensor) -> Tensor:
        """z (b, latent) of the mixed sets, `partner` (b, latent) of the partners, weights (b, b) of the mixer,
        shift (b, d) of the mean between a set and its partner. 0 where no set of the batch has a target.
        """
        if self.kind == "classification":
            known = batch.data.label[batch.index]
            hot = functional.one_hot(known.clamp_min(0), self.net.out_features).float() * (known >= 0)[:, None]
            soft = weights @ hot
            mass = soft.sum(dim=1)
            losses = -(soft * functional.log_softmax(self.net(z), dim=1)).sum(dim=1)
            return losses.sum() / mass.sum().clamp_min(1e-6)
        has = (batch.data.partner[batch.index] >= 0).float()[:, None]
        dynamics = self.kind == "next_set"
        error: Tensor = partner.detach() - z - self.net(z) if dynamics else shift - self.net(z - partner)
        return (has * error.square()).sum() / (has.sum() * error.shape[1]).clamp_min(1.0)


class Networks(nn.Module):
    """What a GDE learns; in use are their averaged weights."""

    def __init__(
        self, encoder: Encoder, generator: Generator, auxiliary: AuxiliaryHead | None, log_prior: nn.Parameter | None
    ) -> None:
        """`log_prior` (latent,): logarithm of the observations that the law of all sets is worth for each entry."""
        super().__init__()
        self.encoder, self.generator, self.auxiliary = encoder, generator, auxiliary
        self.log_prior = log_prior

    def learned(self, z: Tensor, n: Tensor) -> Tensor:
        """What the encoder says (b, latent) of n (b,) observations, drawn towards 0 where they are few."""
        if self.log_prior is None:
            return z
        return z * (n[:, None] / (n[:, None] + self.log_prior.exp()))


@models.register(
    "gde",
    title="GDE",
    colour="#7b61c4",
    kind="sets",
    config=GDEConfig,
    help="Generative Distribution Embedding: a set encoder joined to a conditional generator.",
    source="Fishman et al. 2025, eq. 1 and algorithm 1",
)
class GDE(Trainable):
    """E(S) = z; G(z) regenerates the distribution that S was drawn from (Fishman et al. 2025, eq. 1).

    A step draws sets of a random size, encodes one part of each set and scores the generator on another part,
    so that copying the encoded observations gains nothing. Optional terms make latent distances equal
    (sliced) optimal-transport distances, and let the latent predict labels, dynamics or effects.
    """

    kind: ClassVar[str] = "sets"
    training_only: ClassVar[tuple[str, ...]] = ("net.",)
    undivided: ClassVar[str] = ""
    loss_titles: ClassVar[Mapping[str, str]] = {
        "metric": "Stress of latent distances",
        "auxiliary": "Auxiliary loss",
        "likelihood": "Negative log-likelihood of the Gaussian base",
    }
    spec: SetSpec
    updates: Tensor

    def __init__(self, config: GDEConfig, spec: SetSpec, training: TrainingConfig, parts: dict[str, Any]) -> None:
        """`parts`: validated nodes "encoder", "generator", "mixer", each {"name": …, settings…}."""
        super().__init__(config, spec, training)
        self.parts = {what: dict(node) for what, node in parts.items()}
        observation, width = spec.observation, spec.observation.d
        self.numbers = Kmers(len(spec.letters)) if spec.modality == "sequence" else nn.Identity()
        self.standardise = Standardiser(observation.shape, robust=spec.modality == "vector")
        self.components = PrincipalComponents(width) if width > observation.plain else None
        rotated = observation if self.components is None else Vector((self.components.r,))
        targets = max(len(spec.classes), 1) if config.auxiliary == "classification" else width

        def part(what: str, registry: Registry[Any], latent: int) -> Any:
            entry = registry[parts[what]["name"]]
            if entry.takes and spec.modality not in entry.takes:
                taken = " and ".join(f"{one}s" for one in entry.takes)
                raise InputError(f"The {what} {entry.name!r} takes {taken}; these are {spec.modality}s.")
            own = entry.value.raw or entry.value.letters
            return entry.value(part_config(what, parts), observation if own else rotated, latent)

        self.exact = ExactMoments(rotated.d, spec.n_train) if config.exact else None
        learned = 0 if parts["encoder"]["name"] == "none" else config.latent
        self.width = learned + (0 if self.exact is None else self.exact.width)
        if not self.width:
            raise InputError("Without an encoder the latent is empty; it needs model.exact=true.")
        if parts["generator"]["name"] == "local_bootstrap" and self.exact is None:
            raise InputError("The local bootstrap draws from sets with like moments; it needs model.exact=true.")
        self.net = Networks(
            part("encoder", encoders, learned),
            part("generator", generators, self.width),
            None if config.auxiliary == "none" else AuxiliaryHead(config.auxiliary, self.width, targets),
            None if self.exact is None else nn.Parameter(torch.full((learned,), math.log(PRIOR))),
        )
        if self.exact is not None and (base := self._base(self.net)) is not None:
            base.know(self.exact.width)
        self.averaged = deepcopy(self.net).requires_grad_(False).eval()
        self.register_buffer("updates", torch.zeros(()))
        self.mixer = mixers[parts["mixer"]["name"]].value(part_config("mixer", parts))
        self._optimisers: dict[str, torch.optim.Optimizer] = {}

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), **self.parts}

    def prepare(self, data: SetData) -> None:
        """Scale and components of the features from at most 50,000 observations; what the parts fit in closed form."""
        rows = torch.randperm(len(data.observations), device=data.offsets.device)[:50_000]
        sample = self.numbers(data.rows(rows))
        self.standardise.fit(sample)
        if self.components is not None:
            self.components.fit(self.standardise(sample).flatten(1))
        k = self.config.context_max
        entries = LETTERS if self.spec.modality == "sequence" else 20_000_000
        count = max(16, min(2000, entries // (k * math.prod(self.spec.shape))))
        chosen = torch.randperm(len(data), device=data.offsets.device)[:count]
        with torch.no_grad():
            sets = draw(data, chosen, k, 1)[0]
            views = Views(self, sets)
            encoder, generator = self.net.encoder, self.net.generator
            encoder.prepare(views.of(encoder))
            own, group = self._own_sets(data) if self.exact is not None else ([], data.group)
            if self.exact is not None:
                self.exact.fit(own, group)
            n = parted(data.sizes[chosen], k, 1)
            latents = torch.cat([self._joined(self.net, sets[p], n[p]) for p in self._parts(len(chosen), k)])
            generator.prepare(views.of(generator), latents)
            generator.observe(data.rows(rows))
            if (base := self._base(self.net)) is not None and self.exact is not None:
                base.read_off(*self.exact.linear_maps(self.width))
                known = [self.exact(x[None], torch.tensor([float(len(x))], device=x.device))[0] for x in own]
                generator.remember(own, functional.pad(torch.stack(known), (0, self.width - self.exact.width)), group)
        self.averaged.load_state_dict(self.net.state_dict())

    def _base(self, net: Networks) -> GaussianBase | None:
        """The Gaussian whose mean and covariance are read off the exact part of the latent, where there are both."""
        base = getattr(net.generator, "base", None)
        if self.exact is None or not isinstance(base, GaussianBase):
            return None
        return None if net.generator.raw and self.components is not None else base

    def _own_sets(self, data: SetData) -> tuple[list[Tensor], Tensor]:
        """Observations (k_i, d) of some sets, their own and not those that a batch repeats, and the groups of these."""
        chosen = torch.randperm(len(data), device=data.offsets.device)[:MOST_SETS]
        ends = [(int(data.offsets[i]), int(data.offsets[i + 1])) for i in chosen.tolist()]
        rows = [slice(first, min(end, first + MOST_OBSERVATIONS)) for first, end in ends]
        own = [Views(self, data.rows(r)[None]).rotated[0] for r in rows]
        return own, data.group[chosen]

    def _joined(self, net: Networks, x: Tensor, n: Tensor, weights: Tensor | None = None) -> Tensor:
        """Latents (b, width) of sets x (b, k, *stored) of n (b,) observations."""
        views = Views(self, x)
        z = net.learned(net.encoder(views.of(net.encoder), weights), n)
        return z if self.exact is None else torch.cat([self.exact(views.rotated, n, weights), z], dim=1)

    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        weights = [p for p in self.net.parameters() if p.requires_grad and p.numel()]
        if weights and not self._optimisers:
            self._optimisers["gde"] = torch.optim.Adam(weights, lr=self.training_config.learning_rate, fused=True)
        return self._optimisers

    def steps(self, batch: SetBatch, clock: Clock) -> Losses:
        losses = self.losses(batch)
        optimiser = self.optimisers()["gde"]
        floor = 1.0 if self.config.schedule == "constant" else FLOOR
        rate = cosine_rate(clock.progress, floor, self.config.warm_up)
        optimiser.param_groups[0]["lr"] = self.training_config.learning_rate * float(rate)
        optimiser.zero_grad(set_to_none=True)
        losses["loss"].backward()  # type: ignore[no-untyped-call]
        self.share_gradients(optimiser)
        nn.utils.clip_grad_norm_(optimiser.param_groups[0]["params"], self.config.clip)
        optimiser.step()
        average(self.averaged, self.net, self.updates, self.config.average)
        return Losses({name: value.detach() for name, value in losses.items()})

    def losses(self, batch: SetBatch) -> dict[str, Tensor]:
        """Every term of the objective on one batch; "loss" is their weighted sum."""
        c, data = self.config, batch.data
        b = len(batch.index)
        context, query = draw(data, batch.index, self._context_size(), c.query // 2)
        weights = self.mixer.weights(b, context.device)
        n = weights @ parted(data.sizes[batch.index], context.shape[1], query.shape[1]).float()
        context, query = mix(context, weights), mix(query, weights)
        z = self._joined(self.net, context, n)
        scored, weight = self._scored(context, query)
        taught = _with_spread(data.sizes[batch.index], weights)
        generator = self.net.generator
        out = generator.loss(Views(self, scored[taught]).of(generator), z[taught], weight)
        if c.metric_weight and b > 1:
            out["metric"] = self._metric(z, batch, weights)
            out["loss"] = out["loss"] + c.metric_weight * out["metric"]
        if c.auxiliary != "none":
            out["auxiliary"] = self._auxiliary(z, batch, weights, context)
            out["loss"] = out["loss"] + c.auxiliary_weight * out["auxiliary"]
        return out

    @torch.no_grad()
    def sample(self, n: int, z: Tensor, generator: torch.Generator, *, alike: bool = False) -> Tensor:
        """n observations of each latent in z (b, latent), (b, n, *stored): float32 in the data's units, or letters.

        `alike`: the same noise for each latent.
        """
        if not alike:
            return torch.cat([self._generated(z[part], n, generator) for part in self._parts(len(z), n)])
        letters, state, made = self.averaged.generator.letters, generator.get_state(), []
        for part in self._parts(len(z), n) if letters else [slice(i, i + 1) for i in range(len(z))]:
            generator.set_state(state)
            made.append(self._generated(z[part], n, generator, alike=True))
        return torch.cat(made)

    def _generated(self, z: Tensor, n: int, generator: torch.Generator, *, alike: bool = False) -> Tensor:
        bounds = self.spec.observation.bounds
        part = self.averaged.generator
        if isinstance(part, LetterGenerator):
            return part.sample(z, n, generator, alike=alike)
        y = part.sample(z, max(n, ENOUGH) if bounds else n, generator)
        if self.components is not None and not part.raw:
            y = self.components.inverse(y).reshape(*y.shape[:2], *self.spec.shape)
        if bounds and self.components is not None:
            low, high = (self.standardise(torch.full_like(y[:1, :1], value)) for value in bounds)
            y = bounded(y[:, :n], y, low, high, self.components)
        x: Tensor = self.standardise.inverse(y)
        return x.clamp(*bounds) if bounds else x

    @torch.no_grad()
    def encode(self, x: Tensor, weights: Tensor | None = None, n: int | None = None) -> Tensor:
        """The latents (b, width) of sets (b, k, *stored) by the averaged weights.

        n: how many observations of a set were seen, where those in x are drawn from them again (k if not given).
        """
        out = []
        for p in self._parts(len(x), x.shape[1]):
            count = torch.full((len(x[p]),), float(n or x.shape[1]), device=x.device)
            out.append(self._joined(self.averaged, x[p], count, None if weights is None else weights[p]))
        return torch.cat(out)

    def _parts(self, sets: int, k: int) -> list[slice]:
        """Slices of so many sets of k observations that go through the networks one after the other."""
        size = max(1, min(self._rows // max(k, 1), ENTRIES // (max(k, ENOUGH) * math.prod(self.spec.shape))))
        return [slice(i, i + size) for i in range(0, max(sets, 1), size)]

    @property
    def _rows(self) -> int:
        """Observations that pass a network at once where no gradient is kept."""
        return max(1, LETTERS // self.spec.shape[0]) if self.spec.modality == "sequence" else ROWS

    @property
    def tractable(self) -> bool:
        """Whether its generator has a log-likelihood."""
        return self.averaged.generator.tractable

    @torch.no_grad()
    def log_likelihood(self, x: Any, z: Tensor) -> Tensor:
        """(k,) nats of observations x (k, *stored) given the latent z (latent,); by generators that are `tractable`."""
        part, step = self.averaged.generator, self._rows
        views = (Views(self, torch.as_tensor(x[i : i + step], device=z.device)[None]) for i in range(0, len(x), step))
        return torch.cat([part.log_likelihood(view.of(part), z[None])[0] for view in views])

    @torch.no_grad()
    def encode_set(self, x: Any, chunk: int = 8192, n: int | None = None) -> Tensor:
        """The latent (width,) of one set of any size: array or memory map (k, *stored), read chunk by chunk.

        n: as of `encode`.
        """
        device = self.standardise.mean.device
        step = min(chunk, self._rows)

        def chunks(seen: Callable[[Views], Tensor]) -> Iterator[Tensor]:
            for i in range(0, len(x), step):
                part = torch.tensor(x[i : i + step])  # a copy: a memory map is read-only, which torch does not know
                yield seen(Views(self, part.to(device)[None]))[0]

        embed, count = self.averaged.encoder, n or len(x)
        z = embed.encode_stream(lambda: chunks(lambda views: views.of(embed))).to(device)
        z = self.averaged.learned(z[None], torch.tensor([float(count)], device=device))[0]
        if self.exact is None:
            return z
        return torch.cat([self.exact.encode_stream(lambda: chunks(lambda views: views.rotated), count), z])

    @torch.no_grad()
    def uncertainty(self, x: Tensor, draws: int = 32, seed: int = 0) -> Tensor:
        """Covariance (latent, latent) of the latent of one set x (k, *shape) under resampling of its observations.

        By the central limit theorem of the embedding it falls as 1/k.
        """
        rng = torch.Generator().manual_seed(seed)
        counts = torch.stack(
            [torch.bincount(torch.randint(len(x), (len(x),), generator=rng), minlength=len(x)) for _ in range(draws)]
        )
        latents = torch.cat([self.encode(x[None], c[None].float().to(x.device)) for c in counts])
        spread = torch.cov(latents.T).reshape(latents.shape[1], -1)
        if self.exact is not None:  # what the law of all sets leaves open is known there
            e = self.exact.e
            spread[:e, e:] = spread[e:, :e] = 0.0
            spread[:e, :e] = self.exact.uncertainty(len(x))
        return spread

    def _scored(self, context: Tensor, query: Tensor) -> tuple[Tensor, Tensor | None]:
        """(observations, weights) of the generator's loss: as many encoded as others, or (published) encoded.

        Scored on others alone, the generator learns to allow for the error of a small context: it draws mean and
        covariance towards those of all sets and adds to the variance, also where a latent later comes from a
        million observations. The weights let mean and covariance follow the encoded ones, the law that the latent
        stands for, but for as small a share of others as keeps a covariance of few observations from closing up.
        """
        if self.config.share_query:
            return context, None
        if self.exact is not None:  # whose estimates allow for the number of observations themselves
            return query, None
        k = context.shape[1]
        half = min(k, query.shape[1])
        others = min(0.5, self.spec.observation.d / k)
        weights = torch.tensor([2 * (1 - others), 2 * others], device=context.device).repeat_interleave(half)
        return torch.cat([context[:, :half], query[:, :half]], dim=1), weights

    def _context_size(self) -> int:
        low, high = math.log(self.config.context_min), math.log(max(self.config.context_max, self.config.context_min))
        return round(math.exp(low + (high - low) * float(torch.rand(()))))

    def _metric(self, z: Tensor, batch: SetBatch, weights: Tensor) -> Tensor:
        """Stress of the latents against transport distances; observations of its own, more than are encoded."""
        k = self.config.metric_observations // 2
        first, second = (Views(self, mix(x, weights)).rotated for x in draw(batch.data, batch.index, k, k))
        with full_precision(z):
            return stress(z.float(), first, second, self.config.metric_projections)

    def _auxiliary(self, z: Tensor, batch: SetBatch, weights: Tensor, context: Tensor) -> Tensor:
        data, head = batch.data, self.net.auxiliary
        assert head is not None
        partner, shift = torch.zeros_like(z), torch.zeros(len(z), self.spec.observation.d, device=z.device)
        if self.config.auxiliary != "classification":
            sets = data.partner[batch.index].clamp_min(0)
            theirs = draw(data, sets, context.shape[1], 2)[0]
            partner = self._joined(self.net, theirs, parted(data.sizes[sets], context.shape[1], 2).float())
        if self.config.auxiliary == "effect":
            means = [Views(self, x).standard.mean(dim=1).flatten(1) for x in (context, theirs)]
            shift = means[0] - means[1]
        return head.loss(z, partner, batch, weights, shift)


def _with_spread(sizes: Tensor, weights: Tensor) -> Tensor:
    """(b,) which sets teach a generator, by the sizes (b,) of what was mixed by `weights` (b, b).

    The one observation of a set is encoded and scored at once; that would teach that a set has no spread, and what is
    generated around an unseen one is then a point. Where there are no other sets, all teach.
    """
    spread: Tensor = weights @ (sizes > 1).to(weights) >= 0.5
    return spread if bool(spread.any()) else torch.ones_like(spread)


def part_config(what: str, parts: dict[str, Any]) -> Any:
    """The config dataclass of one part ("encoder", "generator", "mixer") from its node. Raises InputError."""
    registry: Any = {"encoder": encoders, "generator": generators, "mixer": mixers}[what]
    node = dict(parts[what])
    config = registry[node.pop("name")].config
    return from_dict(config, node, where=what)

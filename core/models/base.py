"""What every model is to the training loop: a thing that prepares, takes one step, samples, and can be saved."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from core.config.schema import to_dict
from core.config.training import TrainingConfig

UNKNOWN = -1  # code of a label that an individual does not have

WEIGHTS = "weights."
OPTIMISER = "optimiser."


@dataclass
class Losses:
    """The scalars of one step by name ("critic", "generator", …), detached; a logger needs to know no more."""

    values: dict[str, float | Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class DataSpec:
    """What a model must know of its data before it sees any; it travels with the checkpoint as JSON.

    Attributes:
        variants: m, the number of columns.
        categories: ploidy + 1, the number of values that a call can take.
        label_columns: label column → its values; a label is coded by its place in the list.
        phenotypes: phenotype → (mean, standard deviation) in the training individuals.
        position: (m,) int64 base pairs, 0 where unknown.
        contig: (m,) int64 codes of the contigs in file order.
        n_train: number of training individuals.
    """

    variants: int
    categories: int
    label_columns: dict[str, list[str]]
    phenotypes: dict[str, tuple[float, float]]
    position: npt.NDArray[np.int64]
    contig: npt.NDArray[np.int64]
    n_train: int

    @property
    def ploidy(self) -> int:
        """The largest alternate-allele count of a call."""
        return self.categories - 1

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; `from_dict` is its inverse."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        plain["phenotypes"] = {k: list(v) for k, v in self.phenotypes.items()}
        return plain | {"position": self.position.tolist(), "contig": self.contig.tolist()}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> DataSpec:
        """The spec that `to_dict` wrote."""
        return cls(
            variants=int(plain["variants"]),
            categories=int(plain["categories"]),
            label_columns={k: list(v) for k, v in plain["label_columns"].items()},
            phenotypes={k: (float(v[0]), float(v[1])) for k, v in plain["phenotypes"].items()},
            position=np.asarray(plain["position"], dtype=np.int64),
            contig=np.asarray(plain["contig"], dtype=np.int64),
            n_train=int(plain["n_train"]),
        )


@dataclass(frozen=True)
class Condition:
    """What individuals are to be: labels (n, L) int64, -1 unknown; standardised phenotypes (n, P), NaN unknown."""

    labels: Tensor
    phenotypes: Tensor

    def __len__(self) -> int:
        return int(self.labels.shape[0])

    def index(self, i: Tensor | slice) -> Condition:
        """The conditions of the individuals at `i`."""
        return Condition(self.labels[i], self.phenotypes[i])

    def to(self, device: torch.device | str) -> Condition:
        """The same conditions on `device`."""
        return Condition(self.labels.to(device), self.phenotypes.to(device))


@dataclass(frozen=True)
class Batch:
    """Individuals of one step: calls (b, m) int8 without missing entries, and their conditions, on one device."""

    calls: Tensor
    condition: Condition


@dataclass(frozen=True)
class TrainData:
    """A split ready for a model: calls (n, m) int8 with missing calls already filled, conditions, and the spec.

    on_disk: whether the calls are a map of a file, and stay on the CPU whatever the device.
    """

    calls: Tensor
    condition: Condition
    spec: DataSpec
    on_disk: bool = False

    def __len__(self) -> int:
        return int(self.calls.shape[0])

    def index(self, i: Tensor | slice) -> Batch:
        """The individuals at `i` as one batch."""
        if not self.on_disk:
            return Batch(self.calls[i], self.condition.index(i))
        rows = self.calls[i if isinstance(i, slice) else i.cpu()]
        return Batch(rows.to(self.condition.labels.device), self.condition.index(i))

    def to(self, device: torch.device | str) -> TrainData:
        """The same split on `device`; the int8 matrix moves once (one on disk by batches), one-hot is made there."""
        calls = self.calls if self.on_disk else self.calls.to(device)
        return TrainData(calls, self.condition.to(device), self.spec, self.on_disk)


class Clock(Protocol):
    """How far training is: `step` and `epoch` counted from 0, `progress` a 0-d float32 tensor in [0, 1].

    `progress` is a tensor on the model's device, so that schedules stay right inside a captured CUDA graph.
    """

    step: int
    epoch: int
    progress: Tensor


class TrainingSplit(Protocol):
    """One side of a split on one device, as the loop sees it."""

    @property
    def spec(self) -> Any:
        """What the model must know of the data; it travels with the checkpoint."""

    def __len__(self) -> int:
        """Number of individuals or sets."""

    def index(self, i: Tensor) -> Any:
        """Those at `i` as one batch."""

    def to(self, device: torch.device | str) -> TrainingSplit:
        """The same on `device`."""


class Trainable(nn.Module):
    """What the loop trains and the checkpoint keeps, of whatever kind of data.

    Every tensor that must survive is a parameter or a buffer; a buffer whose shape depends on the data is
    registered empty in `__init__`, filled in `prepare`, and takes its shape from the checkpoint in `load`.
    Noise comes from torch's global generator during training (the loop saves its state) and from the given
    generator in `sample`.
    """

    # Kind of data that it is trained on: "genotypes" or "sets".
    kind: ClassVar[str] = "genotypes"

    # Beginnings of the names of weights that sampling does without: a checkpoint for sampling leaves them out.
    training_only: ClassVar[tuple[str, ...]] = ()

    # What a reader calls the losses that a step gives, where their names as words would not do.
    loss_titles: ClassVar[Mapping[str, str]] = {}

    # Whether `steps` has fixed shapes and never reads a tensor's value, so that a CUDA graph may replay it.
    capturable: ClassVar[bool] = False

    # Why several processes cannot share a step; "" where it is one loss that is a mean over the batch, one backward
    # pass, `share_gradients` and one optimiser step.
    undivided: ClassVar[str] = "it does not learn by the gradient of a loss"

    # Why training data must be in memory; "" where no part of the training asks for more of them at once than a block.
    in_memory: ClassVar[str] = ""

    def __init__(self, config: Any, spec: Any, training: TrainingConfig) -> None:
        super().__init__()
        self.gradients_shared: Callable[[torch.optim.Optimizer], None] | None = None  # set by the loop of a team
        self.config = config
        self.spec = spec
        self.training_config = training

    @property
    def widest(self) -> int:
        """Width of the widest layer: whether a lower precision pays depends on it."""
        return 0

    def settings(self) -> dict[str, Any]:
        """What `core.models.registry.build` needs beside the name to build this model again, JSON types."""
        return to_dict(self.config) if self.config is not None else {}

    def prepare(self, data: Any) -> None:
        """Called once before the first step, and before `load` on resume: closed-form fits, scales, starting biases.

        What is not in `state` (a non-persistent buffer) must be the same function of `data` each time.
        """

    def steps(self, batch: Any, clock: Clock) -> Losses:
        """One training step on `batch`, with its own backward passes and optimiser steps."""
        raise TypeError(f"{type(self).__name__} is fitted in closed form: it is prepared, not trained in steps")

    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        """The optimisers by name; none for a model that is fitted in closed form."""
        return {}

    def share_gradients(self, optimiser: torch.optim.Optimizer) -> None:
        """Called between backward pass and step: gradients become those of the whole batch where processes share it."""
        if self.gradients_shared is not None:
            self.gradients_shared(optimiser)

    @property
    def closed_form(self) -> bool:
        """Whether it is fitted when it is prepared and takes no steps."""
        return not self.optimisers()

    def held_out(self, holdout: Any) -> Mapping[str, float]:
        """What the model itself says of the holdout at a validation, by name, such as a log-likelihood."""
        return {}

    def settle(self) -> None:
        """Called before a validation and a checkpoint: what sampling needs beyond the weights; no global noise."""

    def state(self, optimisers: bool = True) -> dict[str, Tensor]:
        """What must survive as flat named tensors: weights, buffers and optimiser moments.

        Without `optimisers` it is what sampling needs: `training_only` weights are left out too.
        """
        kept = {k: v for k, v in self.state_dict().items() if optimisers or not k.startswith(self.training_only)}
        flat = {WEIGHTS + name: tensor for name, tensor in kept.items()}
        for label, optimiser in self.optimisers().items() if optimisers else ():
            for index, moments in optimiser.state_dict()["state"].items():
                flat |= {f"{OPTIMISER}{label}.{index}.{key}": torch.as_tensor(v) for key, v in moments.items()}
        return flat

    def load(self, state: dict[str, Tensor]) -> None:
        """Take back what `state` gave; without optimiser entries (the `best` checkpoint) only weights are set."""
        self._load_weights({k.removeprefix(WEIGHTS): v for k, v in state.items() if k.startswith(WEIGHTS)})
        for label, optimiser in self.optimisers().items():
            prefix = f"{OPTIMISER}{label}."
            moments: dict[int, dict[str, Tensor]] = {}
            for name, tensor in state.items():
                if name.startswith(prefix):
                    index, key = name.removeprefix(prefix).split(".", 1)
                    moments.setdefault(int(index), {})[key] = tensor
            if moments:
                groups = optimiser.state_dict()["param_groups"]
                optimiser.load_state_dict({"state": moments, "param_groups": groups})

    def _load_weights(self, weights: dict[str, Tensor]) -> None:
        """Buffers take the shape that was saved (a fit may have any number of rows); parameters must match."""
        for name, buffer in list(self.named_buffers()):
            if name in weights and weights[name].shape != buffer.shape:
                owner, _, leaf = name.rpartition(".")
                empty = torch.empty_like(weights[name], device=buffer.device)
                setattr(self.get_submodule(owner), leaf, empty)
        missing, unknown = self.load_state_dict(weights, strict=False)
        lost = [name for name in missing if not name.startswith(self.training_only)]
        if lost or unknown:
            raise RuntimeError(f"the checkpoint is of another model: {(lost + unknown)[0]!r} does not match")


class Model(Trainable, ABC):
    """A generative model of genotypes; subclasses say how to take a step and how to sample."""

    # Whether `impute` says how likely each genotype of a missing call is.
    imputes: ClassVar[bool] = False

    in_memory: ClassVar[str] = "compares all of its training individuals at once"

    # Whether `encode` gives every individual a latent and `decode` the genotypes that a latent stands for.
    encodes: ClassVar[bool] = False

    spec: DataSpec
    condition_labels: Tensor
    condition_phenotypes: Tensor

    def __init__(self, config: Any, spec: DataSpec, training: TrainingConfig) -> None:
        super().__init__(config, spec, training)
        self.register_buffer("condition_labels", torch.empty(0, len(spec.label_columns), dtype=torch.int64))
        self.register_buffer("condition_phenotypes", torch.empty(0, len(spec.phenotypes)))

    @property
    def widest(self) -> int:
        """The one-hot coded calls."""
        return self.spec.variants * self.spec.categories

    def prepare(self, data: TrainData) -> None:
        """Keep the conditions of the training individuals; subclasses add their fits.

        Not their genotypes: `draw_condition` needs the conditions alone.
        """
        self.condition_labels = data.condition.labels.clone()
        self.condition_phenotypes = data.condition.phenotypes.clone()

    @abstractmethod
    def sample(self, n: int, condition: Condition | None, generator: torch.Generator) -> Tensor:
        """Draw n individuals, int8 (n, m) in 0..ploidy; `condition` None draws conditions from the training ones."""

    def impute(self, calls: Tensor, condition: Condition | None, generator: torch.Generator) -> Tensor:
        """Probability of every genotype of each individual, (n, m, categories) float32, given the calls that are known.

        calls: (n, m) int8, -1 missing; a known call has probability 1. condition: of the individuals, where known.
        Only models with `imputes` can.
        """
        raise TypeError(f"{type(self).__name__} cannot impute")

    def encode(self, calls: Tensor, condition: Condition) -> Tensor:
        """Latents of individuals, (n, latent) float32, from calls (n, m) int8, -1 missing, and what is known of them.

        Only models with `encodes` can.
        """
        raise TypeError(f"{type(self).__name__} has no latents")

    def decode(self, latent: Tensor, condition: Condition) -> Tensor:
        """Probability of every genotype, (n, m, categories) float32, of individuals with these latents (n, latent).

        Only models with `encodes` can.
        """
        raise TypeError(f"{type(self).__name__} has no latents")

    def draw_condition(self, n: int, generator: torch.Generator) -> Condition:
        """Conditions of n individuals, drawn with replacement from those of the training individuals."""
        if len(self.condition_labels) == 0:
            unknown = torch.full((n, len(self.spec.label_columns)), UNKNOWN)
            condition = Condition(unknown, torch.full((n, len(self.spec.phenotypes)), torch.nan))
            return condition.to(self.condition_labels.device)
        pick = torch.randint(len(self.condition_labels), (n,), generator=generator, device=generator.device)
        pick = pick.to(self.condition_labels.device)
        return Condition(self.condition_labels[pick], self.condition_phenotypes[pick])

    def complete(self, n: int, condition: Condition | None, generator: torch.Generator) -> Condition:
        """`condition` on the model's device; what is unknown in it (all, where None) comes from `draw_condition`."""
        drawn = self.draw_condition(n, generator)
        if condition is None:
            return drawn
        asked = condition.to(self.condition_labels.device)
        return Condition(
            torch.where(asked.labels == UNKNOWN, drawn.labels, asked.labels),
            torch.where(asked.phenotypes.isnan(), drawn.phenotypes, asked.phenotypes),
        )

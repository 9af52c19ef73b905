"""Sets as a model sees them: one flat tensor on the device, and draws of context and query from it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.data.sets import SetCollection
from core.modalities import MODALITIES
from core.modalities.base import Observation

# Multipliers of the cyclic walk through a set: primes, so that one of them is coprime to almost any size.
PRIMES = (1_000_003, 999_983, 997_001, 899_981, 700_001, 611_953, 500_009, 400_009)


@dataclass(frozen=True)
class SetSpec:
    """What a GDE must know of its data before it sees any; it travels with the checkpoint as JSON.

    Attributes:
        shape: shape of one observation as it is stored, (d,), (c, h, w) or (l,).
        modality: "vector", "image" or "sequence".
        feature: names of the features of a vector.
        classes: values of the label that the classification head predicts; empty without one.
        n_train: number of training sets.
        letters: the alphabet of sequences; "" otherwise.
    """

    shape: tuple[int, ...]
    modality: str
    feature: list[str]
    n_train: int
    classes: list[str] = field(default_factory=list)
    letters: str = ""

    @property
    def observation(self) -> Observation:
        """What an observation is."""
        return MODALITIES[self.modality](self.shape, self.letters)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; `from_dict` is its inverse."""
        return {**vars(self), "shape": list(self.shape)}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> SetSpec:
        """The spec that `to_dict` wrote."""
        return cls(**{**plain, "shape": tuple(plain["shape"])})


@dataclass(frozen=True)
class SetBatch:
    """The sets of one step: indices (b,) into the sets of `data`."""

    data: SetData
    index: Tensor


@dataclass(frozen=True)
class SetData:
    """A split of sets on one device.

    Attributes:
        observations: (k, *shape) float32, uint8 for images, int8 for sequences; shuffled within each set once.
        offsets: (s + 1,) int64.
        spec: what the model must know.
        label: (s,) int64 index into `spec.classes`, -1 unknown.
        partner: (s,) int64 index of the set that an auxiliary head predicts (the next in order; for a control,
            itself), -1 none.
        group: (s,) int64, equal for sets of one unit (a donor, a clone); each its own where no unit is named.
    """

    observations: Tensor
    offsets: Tensor
    spec: SetSpec
    label: Tensor
    partner: Tensor
    group: Tensor

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def sizes(self) -> Tensor:
        """(s,) observations per set."""
        return self.offsets.diff()

    def index(self, i: Tensor) -> SetBatch:
        """The sets at `i` as one batch."""
        return SetBatch(self, i)

    def to(self, device: torch.device | str) -> SetData:
        """The same split on `device`; observations move once."""
        moved: dict[str, Any] = {k: v.to(device) for k, v in vars(self).items() if isinstance(v, Tensor)}
        return replace(self, **moved)


def draw(data: SetData, sets: Tensor, context: int, query: int) -> tuple[Tensor, Tensor]:
    """Disjoint draws without replacement from each of `sets` (b,): (b, context, *shape) and (b, query, *shape).

    Each set is walked in steps of a prime from a random start, which visits all its observations before any
    twice. A set too small for both draws is divided between them in proportion, and each part repeats its own
    observations, which a distributionally invariant encoder does not notice. A set of one observation serves both.
    """
    device = data.observations.device
    size = data.sizes[sets][:, None]
    mine = parted(size, context, query)
    enough = size >= context + query
    first = torch.arange(context, device=device)[None]
    second = torch.arange(query, device=device)[None]
    place = torch.cat(
        [
            first % mine,
            torch.where(enough, context + second, mine + second % (size - mine).clamp_min(1)),
        ],
        dim=1,
    )
    prime = torch.tensor(PRIMES, device=device)[torch.randint(len(PRIMES), (len(sets), 1), device=device)]
    step = torch.where(size % prime == 0, 1, prime)  # not coprime: walk in order
    start = (torch.rand(len(sets), 1, device=device) * size).long()
    rows = data.offsets[sets][:, None] + (start + (place % size) * step) % size
    chosen = data.observations[rows].float()
    return chosen[:, :context], chosen[:, context:]


def parted(size: Tensor, context: int, query: int) -> Tensor:
    """How many different observations of sets of these sizes a context has, where `draw` also draws a query."""
    share = (size * context) // (context + query)
    mine = torch.minimum(share.clamp_min(1), (size - 1).clamp_min(1))
    return torch.where(size >= context + query, context, mine)


def prepare_sets(
    sets: SetCollection, index: np.ndarray[Any, np.dtype[np.int64]], *, label: str = "", spec: SetSpec | None = None
) -> SetData:
    """The sets at `index` as a split: shuffled within each set from a fixed seed, labels coded.

    `label` names the label column of the classification head; with `spec` (that of the training split) its
    classes are used, and a class that training has not seen is unknown.
    """
    chosen = sets.sets(index)
    classes = spec.classes if spec else sorted(set(chosen.labels[label].tolist()) - {""}) if label else []
    code = {name: i for i, name in enumerate(classes)}
    labels = [code.get(v, -1) for v in chosen.labels[label].tolist()] if label else [-1] * chosen.s
    order = np.lexsort((np.random.default_rng(0).random(chosen.k), np.repeat(np.arange(chosen.s), chosen.sizes)))
    return SetData(
        observations=torch.from_numpy(np.ascontiguousarray(chosen.observations[order])),
        offsets=torch.from_numpy(np.asarray(chosen.offsets)),
        spec=spec
        or SetSpec(
            shape=chosen.shape,
            modality=chosen.modality,
            feature=[str(f) for f in chosen.feature],
            n_train=chosen.s,
            classes=classes,
            letters=chosen.alphabet,
        ),
        label=torch.tensor(labels, dtype=torch.int64),
        partner=torch.full((chosen.s,), -1, dtype=torch.int64),
        group=torch.from_numpy(
            np.unique(chosen.labels[chosen.unit], return_inverse=True)[1].astype(np.int64)
            if chosen.unit
            else np.arange(chosen.s)
        ),
    )

"""Sets as a model sees them: one flat tensor on the device, and draws of context and query from it."""

from __future__ import annotations

from collections.abc import Callable
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


Index = np.ndarray[Any, np.dtype[np.int64]]
# (sets, index, order) → the observations of the sets at `index`, shuffled by `order`, wherever they are kept.
Store = Callable[[SetCollection, Index, Index], Tensor]


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
        on_disk: whether the observations are a map of a file, and stay on the CPU whatever the device.
    """

    observations: Tensor
    offsets: Tensor
    spec: SetSpec
    label: Tensor
    partner: Tensor
    group: Tensor
    on_disk: bool = False

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
        """The same split on `device`; observations move once, or with each draw where they stay on disk."""
        moved: dict[str, Any] = {k: v.to(device) for k, v in vars(self).items() if isinstance(v, Tensor)}
        return replace(self, **moved | ({"observations": self.observations} if self.on_disk else {}))

    def rows(self, index: Tensor | slice) -> Tensor:
        """The observations at `index`, of any shape, as they are stored, on the device of this split."""
        if not self.on_disk:
            return self.observations[index]
        return self.observations[index if isinstance(index, slice) else index.cpu()].to(self.offsets.device)


def draw(data: SetData, sets: Tensor, context: int, query: int) -> tuple[Tensor, Tensor]:
    """Disjoint draws without replacement from each of `sets` (b,): (b, context, *shape) and (b, query, *shape).

    Each set is walked in steps of a prime (on disk: of one) from a random start, which visits all its observations
    before any twice. A set too small for both draws is divided between them in proportion, and each part repeats its
    own observations, which a distributionally invariant encoder does not notice. A set of one observation serves both.
    """
    device = data.offsets.device
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
    # Not coprime: walk in order. So are sets on disk: they are shuffled there, and neighbours are read at once.
    step = torch.where((size % prime == 0) | data.on_disk, 1, prime)
    start = (torch.rand(len(sets), 1, device=device) * size).long()
    rows = data.offsets[sets][:, None] + (start + (place % size) * step) % size
    chosen = data.rows(rows).float()
    return chosen[:, :context], chosen[:, context:]


def parted(size: Tensor, context: int, query: int) -> Tensor:
    """How many different observations of sets of these sizes a context has, where `draw` also draws a query."""
    share = (size * context) // (context + query)
    mine = torch.minimum(share.clamp_min(1), (size - 1).clamp_min(1))
    return torch.where(size >= context + query, context, mine)


def prepare_sets(
    sets: SetCollection,
    index: Index,
    *,
    label: str = "",
    spec: SetSpec | None = None,
    store: Store | None = None,
) -> SetData:
    """The sets at `index` as a split: shuffled within each set from a fixed seed, labels coded.

    `label` names the label column of the classification head; with `spec` (that of the training split) its
    classes are used, and a class that training has not seen is unknown. `store` keeps the observations on disk.
    """
    sizes, s = sets.sizes[index], len(index)
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    values = sets.labels[label][index].tolist() if label else []
    classes = spec.classes if spec else sorted(set(values) - {""})
    code = {name: i for i, name in enumerate(classes)}
    order = np.lexsort((np.random.default_rng(0).random(int(offsets[-1])), np.repeat(np.arange(s), sizes)))
    units = np.unique(sets.labels[sets.unit][index], return_inverse=True)[1] if sets.unit else np.arange(s)
    return SetData(
        observations=_together(sets, index, order) if store is None else store(sets, index, order),
        offsets=torch.from_numpy(offsets),
        spec=spec
        or SetSpec(
            shape=sets.shape,
            modality=sets.modality,
            feature=[str(f) for f in sets.feature],
            n_train=s,
            classes=classes,
            letters=sets.alphabet,
        ),
        label=torch.tensor([code.get(v, -1) for v in values] if label else [-1] * s, dtype=torch.int64),
        partner=torch.full((s,), -1, dtype=torch.int64),
        group=torch.from_numpy(units.astype(np.int64)),
        on_disk=store is not None,
    )


def _together(sets: SetCollection, index: Index, order: Index) -> Tensor:
    """(k, *shape) the observations of the sets at `index` in the order given, in memory."""
    return torch.from_numpy(np.ascontiguousarray(sets.sets(index).observations[order]))

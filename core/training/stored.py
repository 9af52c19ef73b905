"""Training data that stay on disk: a file of the training rows in their order, mapped, of which a step reads its own.

The numbers are those of the same data in memory, bit for bit for calls; only where they lie differs.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from core.data.genotypes import Genotypes, unmap_pages
from core.data.missing import fill, has_missing
from core.data.sets import SetCollection
from core.errors import InputError
from core.models.populations import row_blocks

Index = npt.NDArray[np.int64]

SHARE = 0.5  # of the free memory: data that would take more stay on disk


def stays_on_disk(size: int, wanted: str, available: int, refusal: str = "") -> bool:
    """Whether `size` bytes of training data are read from disk: as `wanted` ("auto", "memory", "disk") says.

    refusal: why the model needs its data in memory, "" where it reads them by rows. available: bytes of memory that
    are free. Raises InputError where the disk was asked for and the model refuses.
    """
    if wanted == "auto":
        return size > SHARE * available and not refusal
    if wanted == "disk" and refusal:
        raise InputError(f"training.read_from is 'disk', but this model {refusal}; take training.read_from=memory.")
    return wanted == "disk"


@dataclass(frozen=True)
class Shelf:
    """The folder that training data are read from; of several processes one writes, and all `meet` before they read."""

    folder: Path
    writes: bool = True
    meet: Callable[[], object] = bool

    def calls(self, name: str, genotypes: Genotypes, rows: Index, seed: int) -> Tensor:
        """(len(rows), m) int8 complete calls, those of `core.data.missing.filled`, as a map of the file `name`.

        Raises InputError where the disk has no room.
        """
        if self.writes:
            calls = self._fresh(name, (len(rows), genotypes.m), np.dtype(np.int8))
            for some in row_blocks(len(rows), genotypes.m):
                calls[some] = genotypes.calls[rows[some]]
                unmap_pages(calls)
                unmap_pages(genotypes.calls)
            if has_missing(calls):
                names = np.zeros(len(rows)) if genotypes.population is None else genotypes.population[rows]
                fill(calls, np.unique(names, return_inverse=True)[1], genotypes.ploidy, seed)
            calls.flush()
        return self._mapped(name)

    def observations(self, name: str, sets: SetCollection, index: Index, order: Index) -> Tensor:
        """(k, *shape) the observations of the sets at `index` in the order given, as a map of the file `name`.

        order: (k,) permutation within each set, counted over the chosen sets laid end to end.
        Raises InputError where the disk has no room.
        """
        if self.writes:
            out = self._fresh(name, (len(order), *sets.shape), sets.observations.dtype)
            first = np.concatenate([[0], np.cumsum(sets.sizes[index])])
            for place, i in enumerate(index.tolist()):
                some = slice(first[place], first[place + 1])
                out[some] = sets.observations_of(i)[order[some] - first[place]]
                unmap_pages(sets.observations)
                unmap_pages(out)
            out.flush()
        return self._mapped(name)

    def _fresh(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.memmap[Any, Any]:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(name)
        path.unlink(missing_ok=True)
        needed, free = math.prod(shape) * dtype.itemsize, shutil.disk_usage(self.folder).free
        if needed > free:
            raise InputError(
                f"The training data take {needed / 1e9:,.1f} GB on disk while they are read from there, and "
                f"{free / 1e9:,.1f} GB are free; free some (python -m core gc), or import fewer variants or features."
            )
        return np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)

    def _mapped(self, name: str) -> Tensor:
        self.meet()
        # Copy on write, since torch knows no tensor that is only read; nothing is written to it.
        return torch.from_numpy(np.load(self._path(name), mmap_mode="c", allow_pickle=False))

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.npy"

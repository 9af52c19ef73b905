"""Genotypes handed from the child process to its parent: plain .npy and .npz files, never pickles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from core.data.genotypes import Genotypes

_LABEL, _PHENOTYPE = "label:", "phenotype:"
_VARIANT = ("variant_id", "variant_contig", "variant_position", "variant_allele")
_BLOCK_BYTES = 32 << 20


def write(folder: Path, genotypes: Genotypes) -> None:
    """Write the calls individual by individual (however they lie in memory) and the columns of both axes."""
    out = np.lib.format.open_memmap(folder / "calls.npy", mode="w+", dtype=np.int8, shape=(genotypes.n, genotypes.m))
    width = max(1, _BLOCK_BYTES // max(1, genotypes.n))
    for start in range(0, genotypes.m, width):
        out[:, start : start + width] = genotypes.calls[:, start : start + width]
    out.flush()
    columns: dict[str, Any] = {"sample_id": genotypes.sample_id, "ploidy": np.int64(genotypes.ploidy)}
    columns |= {_LABEL + k: v for k, v in genotypes.labels.items()}
    columns |= {_PHENOTYPE + k: v for k, v in genotypes.phenotypes.items()}
    columns |= {k: getattr(genotypes, k) for k in _VARIANT}
    with (folder / "columns.npz").open("wb") as file:
        # Names of columns come from the user, so they go as positions into a list, not as member names.
        names = list(columns)
        np.savez(file, names=np.array(names), **{f"c{i}": columns[k] for i, k in enumerate(names)})


def read(folder: Path) -> Genotypes:
    """What `write` wrote; the calls are a read-only memory map that outlives the folder's removal on POSIX."""
    with np.load(folder / "columns.npz", allow_pickle=False) as archive:
        columns = {name: archive[f"c{i}"] for i, name in enumerate(archive["names"].tolist())}
    return Genotypes(
        calls=np.load(folder / "calls.npy", mmap_mode="r", allow_pickle=False),
        sample_id=columns["sample_id"],
        **{k: columns[k] for k in _VARIANT},
        labels={k.removeprefix(_LABEL): v for k, v in columns.items() if k.startswith(_LABEL)},
        phenotypes={k.removeprefix(_PHENOTYPE): v for k, v in columns.items() if k.startswith(_PHENOTYPE)},
        ploidy=int(columns["ploidy"]),
    )

"""Genotypes as plain files: the matrix, which can be memory-mapped, and the columns of both axes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from core.data.genotypes import Genotypes

_LABEL, _PHENOTYPE = "label:", "phenotype:"
_VARIANT = ("variant_id", "variant_contig", "variant_position", "variant_allele")
_BLOCK_BYTES = 32 << 20


def write_genotypes(folder: Path, genotypes: Genotypes, *, compressed: bool = False) -> None:
    """call_genotype.npy (or .npz where `compressed`, for shipped data), samples.npz and variants.npz."""
    if compressed:
        np.savez_compressed(folder / "call_genotype.npz", call_genotype=np.ascontiguousarray(genotypes.calls))
    else:
        _write_calls(folder / "call_genotype.npy", genotypes)
    columns: dict[str, Any] = {"sample_id": genotypes.sample_id}
    columns |= {_LABEL + k: v for k, v in genotypes.labels.items()}
    columns |= {_PHENOTYPE + k: v for k, v in genotypes.phenotypes.items()}
    np.savez_compressed(folder / "samples.npz", **columns)
    np.savez_compressed(folder / "variants.npz", **{key: getattr(genotypes, key) for key in _VARIANT})


def read_genotypes(folder: Path, ploidy: int, truth: dict[str, Any] | None = None) -> Genotypes:
    """What `write_genotypes` wrote; the calls are a read-only memory map where they were not compressed.

    On POSIX the map outlives the removal of the folder.
    """
    samples, variants = _arrays(folder / "samples.npz"), _arrays(folder / "variants.npz")
    plain = folder / "call_genotype.npy"
    return Genotypes(
        calls=np.load(plain, mmap_mode="r", allow_pickle=False)
        if plain.exists()
        else _arrays(folder / "call_genotype.npz")["call_genotype"],
        sample_id=samples["sample_id"],
        **{key: variants[key] for key in _VARIANT},
        labels={k.removeprefix(_LABEL): v for k, v in samples.items() if k.startswith(_LABEL)},
        phenotypes={k.removeprefix(_PHENOTYPE): v for k, v in samples.items() if k.startswith(_PHENOTYPE)},
        ploidy=ploidy,
        truth=truth or {},
    )


def _write_calls(path: Path, genotypes: Genotypes) -> None:
    """Individual by individual, however the calls lie in memory, and never a second copy of them."""
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.int8, shape=(genotypes.n, genotypes.m))
    width = max(1, _BLOCK_BYTES // max(1, genotypes.n))
    for start in range(0, genotypes.m, width):
        out[:, start : start + width] = genotypes.calls[:, start : start + width]
    out.flush()


def _arrays(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}

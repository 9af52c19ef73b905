"""A population as plain files: the matrix, which can be memory-mapped, and the columns of its axes."""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Genotypes, map_of, unmap_pages
from core.data.loadings import Loadings
from core.data.sets import SetCollection

_CALLS, _OBSERVATIONS = "call_genotype", "observations"
_VARIANT = ("variant_id", "variant_contig", "variant_position", "variant_allele")
_BLOCK_BYTES = 1 << 30  # of two maps of files, which take no memory that cannot be given back
_TILE = 512  # columns that are turned at a time, so that the processor's cache holds a line of each


def write_population(folder: Path, population: Genotypes | SetCollection, *, compressed: bool = False) -> None:
    """The matrix as .npy (or .npz where `compressed`, for shipped data), samples.npz and variants.npz, or sets.npz."""
    if isinstance(population, Genotypes):
        _write_matrix(folder, _CALLS, population.calls, compressed)
        arrays = {"sample_id": population.sample_id} | individual_arrays(population)
        np.savez_compressed(folder / "samples.npz", **arrays)
        np.savez_compressed(folder / "variants.npz", **{key: getattr(population, key) for key in _VARIANT})
        return
    _write_matrix(folder, _OBSERVATIONS, population.observations, compressed)
    columns = _prefixed("label:", population.labels) | _prefixed("covariate:", population.covariates)
    facts: dict[str, Any] = {
        "offsets": population.offsets,
        "set_id": population.set_id,
        "feature": population.feature,
        # Names of columns come from the user: they go as a list, never as the names of archive members.
        "columns": np.array(list(columns), dtype=np.str_),
        "facts": np.array([population.modality, population.alphabet, population.unit], dtype=np.str_),
    }
    numbered: dict[str, Any] = {f"column_{i}": values for i, values in enumerate(columns.values())}
    if population.loadings is not None:
        mean = population.loadings.mean
        facts |= {"loadings": population.loadings.matrix, "loadings_gene": population.loadings.gene}
        facts |= {} if mean is None else {"loadings_mean": mean}
    np.savez_compressed(folder / "sets.npz", **facts, **numbered)


def read_genotypes(folder: Path, ploidy: int, truth: dict[str, Any] | None = None) -> Genotypes:
    """The cohort that was written; the calls are a read-only memory map where they were not compressed.

    On POSIX the map outlives the removal of the folder.
    """
    samples = read_arrays(folder / "samples.npz")
    return Genotypes(
        calls=_read_matrix(folder, _CALLS),
        sample_id=samples["sample_id"],
        **read_arrays(folder / "variants.npz"),
        labels=_of_prefix("label:", samples),
        phenotypes=_of_prefix("phenotype:", samples),
        ploidy=ploidy,
        truth=truth or {},
    )


def read_sets(folder: Path, truth: dict[str, Any] | None = None) -> SetCollection:
    """The sets that were written; observations are a read-only memory map where they were not compressed."""
    arrays = read_arrays(folder / "sets.npz")
    columns = {str(name): arrays[f"column_{i}"] for i, name in enumerate(arrays["columns"])}
    modality, alphabet, unit = (str(fact) for fact in arrays["facts"])
    return SetCollection(
        observations=_read_matrix(folder, _OBSERVATIONS),
        **{key: arrays[key] for key in ("offsets", "set_id", "feature")},
        labels=_of_prefix("label:", columns),
        covariates=_of_prefix("covariate:", columns),
        modality=modality,
        alphabet=alphabet,
        unit=unit,
        loadings=_loadings(arrays),
        truth=truth or {},
    )


def _loadings(arrays: Mapping[str, Any]) -> Loadings | None:
    if "loadings" not in arrays:
        return None
    return Loadings(arrays["loadings"], arrays["loadings_gene"], arrays.get("loadings_mean"))


def read_arrays(path: Path) -> dict[str, Any]:
    """The arrays of an .npz file by their names."""
    with np.load(path, allow_pickle=False) as archive:
        return dict(archive)


def individual_arrays(genotypes: Genotypes) -> dict[str, Any]:
    """The labels and phenotypes as "label:NAME" and "phenotype:NAME"."""
    return _prefixed("label:", genotypes.labels) | _prefixed("phenotype:", genotypes.phenotypes)


def _prefixed(prefix: str, columns: Mapping[str, Any]) -> dict[str, Any]:
    return {prefix + name: values for name, values in columns.items()}


def _of_prefix(prefix: str, columns: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(prefix): values for name, values in columns.items() if name.startswith(prefix)}


def _write_matrix(folder: Path, name: str, matrix: npt.NDArray[Any], compressed: bool) -> None:
    """Row by row, however the matrix lies in memory, and never a second copy of it unless `compressed`."""
    if compressed:
        arrays: dict[str, Any] = {name: np.ascontiguousarray(matrix)}
        np.savez_compressed(folder / f"{name}.npz", **arrays)
        return
    if getattr(matrix, "filename", None) == folder / f"{name}.npy":
        return  # the reader wrote it there
    if matrix.flags.c_contiguous:
        np.save(folder / f"{name}.npy", matrix, allow_pickle=False)
        return
    # Many rows at a time are gathered from all over a file, and written one behind the other: the other way round,
    # every page of what is written would go to the disk once for each few columns.
    out = np.lib.format.open_memmap(folder / f"{name}.npy", mode="w+", dtype=matrix.dtype, shape=matrix.shape)
    height = max(1, _BLOCK_BYTES // max(1, matrix.shape[1] * matrix.itemsize))
    for start in range(0, len(matrix), height):
        _fetch(matrix, start, start + height)
        for left in range(0, matrix.shape[1], _TILE):
            tile = slice(start, start + height), slice(left, left + _TILE)
            out[tile] = matrix[tile]
        unmap_pages(matrix)
        unmap_pages(out)
    out.flush()


def _fetch(matrix: npt.NDArray[Any], start: int, stop: int) -> None:
    """Have the system read some rows of a matrix that lies in a file column by column: them, and not what is around."""
    file = map_of(matrix)
    if file is None or matrix.nbytes <= _BLOCK_BYTES or not hasattr(file, "madvise") or len(file) != matrix.nbytes:
        return
    file.madvise(mmap.MADV_RANDOM)
    for column in range(matrix.shape[1]):
        first = column * matrix.strides[1] + start * matrix.strides[0]
        page = first - first % mmap.PAGESIZE
        last = min(first + (stop - start) * matrix.strides[0], len(file))
        file.madvise(mmap.MADV_WILLNEED, page, last - page)


def _read_matrix(folder: Path, name: str) -> npt.NDArray[Any]:
    plain = folder / f"{name}.npy"
    if plain.exists():
        return np.load(plain, mmap_mode="r", allow_pickle=False)
    return read_arrays(folder / f"{name}.npz")[name]

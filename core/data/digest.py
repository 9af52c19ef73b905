"""The name of a dataset: a digest of its content, the same whatever the file format it came in."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Genotypes
from core.data.sets import SetCollection

HEX_DIGITS = 24  # 96 bits: no two datasets of a library meet by chance, and a link stays readable

_ROWS = 256  # individuals hashed at a time, so that a memory map is never copied whole
_BLOCK = 1 << 24  # bytes of observations hashed at a time


def content_digest(population: Genotypes | SetCollection) -> str:
    """24 hexadecimal digits of SHA-256 over everything that the population holds except a simulator's truth.

    Independent of memory order, of the width of string arrays and of the bit pattern of NaN; dependent on the order of
    individuals, variants, sets and columns (the first label column is "the population"). The name given by the user and
    the source file are not content.
    """
    hashed = _sets_digest(population) if isinstance(population, SetCollection) else _cohort_digest(population)
    return hashed.hexdigest()[:HEX_DIGITS]


def _cohort_digest(genotypes: Genotypes) -> hashlib._Hash:
    """Over calls, ids, contigs, positions, alleles, labels, phenotypes and ploidy."""
    sha = hashlib.sha256(b"popscape genotypes 1")
    sha.update(np.array([genotypes.n, genotypes.m, genotypes.ploidy], dtype="<i8").tobytes())
    for start in range(0, genotypes.n, _ROWS):
        sha.update(np.ascontiguousarray(genotypes.calls[start : start + _ROWS]).tobytes())
    _strings(sha, genotypes.sample_id)
    _strings(sha, genotypes.variant_id)
    _strings(sha, genotypes.variant_contig)
    sha.update(np.ascontiguousarray(genotypes.variant_position, dtype="<i8").tobytes())
    _strings(sha, genotypes.variant_allele)
    _strings(sha, np.array(list(genotypes.labels), dtype=np.str_))
    for values in genotypes.labels.values():
        _strings(sha, values)
    _strings(sha, np.array(list(genotypes.phenotypes), dtype=np.str_))
    for phenotype in genotypes.phenotypes.values():
        numbers = phenotype.astype("<f8") + 0.0  # -0.0 becomes 0.0
        numbers[np.isnan(numbers)] = np.nan
        sha.update(numbers.tobytes())
    return sha


def _sets_digest(sets: SetCollection) -> hashlib._Hash:
    """Over observations, offsets, ids, labels, covariates, features, modality, alphabet, unit and loadings."""
    sha = hashlib.sha256(b"popscape sets 1")
    flat = sets.observations.reshape(len(sets.observations), -1)
    sha.update(repr((str(flat.dtype), sets.observations.shape, sets.modality, sets.alphabet, sets.unit)).encode())
    step = max(1, _BLOCK // max(1, flat.shape[1] * flat.itemsize))
    for start in range(0, len(flat), step):
        sha.update(np.ascontiguousarray(flat[start : start + step]).tobytes())
    sha.update(np.ascontiguousarray(sets.offsets, dtype="<i8").tobytes())
    for texts in (sets.set_id, sets.feature, *sets.labels.values()):
        sha.update("\0".join(texts.tolist()).encode("utf-8", "surrogatepass") + b"\1")
    sha.update("\0".join([*sets.labels, "|", *sets.covariates]).encode("utf-8", "surrogatepass"))
    for values in sets.covariates.values():
        numbers = values.astype("<f8") + 0.0
        numbers[np.isnan(numbers)] = np.nan
        sha.update(numbers.tobytes())
    if sets.loadings is not None:
        _strings(sha, sets.loadings.gene)
        sha.update(np.ascontiguousarray(sets.loadings.matrix, dtype="<f4").tobytes())
        sha.update(b"" if sets.loadings.mean is None else sets.loadings.mean.astype("<f4").tobytes())
    return sha


def _strings(sha: hashlib._Hash, values: npt.NDArray[np.str_]) -> None:
    flat = values.reshape(-1).tolist()
    sha.update(np.array([len(text) for text in flat], dtype="<i8").tobytes())  # lengths part "ab","c" from "a","bc"
    sha.update("".join(flat).encode("utf-8", "surrogatepass"))

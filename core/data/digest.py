"""The name of a dataset: a digest of its content, the same whatever the file format it came in."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Genotypes

HEX_DIGITS = 24  # 96 bits: no two datasets of a library meet by chance, and a link stays readable

_ROWS = 256  # individuals hashed at a time, so that a memory map is never copied whole


def content_digest(genotypes: Genotypes) -> str:
    """24 hexadecimal digits of SHA-256 over calls, ids, contigs, positions, alleles, labels, phenotypes and ploidy.

    Independent of memory order, of the width of string arrays and of the bit pattern of NaN; dependent on the order of
    individuals, variants and columns (the first label column is "the population"). The name given by the user, the
    source file and a simulator's truth are not content.
    """
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
    return sha.hexdigest()[:HEX_DIGITS]


def _strings(sha: hashlib._Hash, values: npt.NDArray[np.str_]) -> None:
    flat = values.reshape(-1).tolist()
    sha.update(np.array([len(text) for text in flat], dtype="<i8").tobytes())  # lengths part "ab","c" from "a","bc"
    sha.update("".join(flat).encode("utf-8", "surrogatepass"))

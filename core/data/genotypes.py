"""A genotype matrix with the tables of its individuals and variants."""

from __future__ import annotations

import mmap
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from core.errors import InputError

MISSING = -1

Calls = npt.NDArray[np.int8]
Strings = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Genotypes:
    """An individuals × variants matrix of alternate-allele counts, and what is known of both axes.

    Attributes:
        calls: (n, m) int8, 0..ploidy, missing -1; may be a read-only memory map.
        sample_id: (n,) str, unique.
        variant_id: (m,) str.
        variant_contig: (m,) str, "" where unknown.
        variant_position: (m,) int64, base pairs, 0 where unknown.
        variant_allele: (m, 2) str, reference and alternate allele, "" where unknown.
        labels: label column → (n,) str, "" missing; the first column is "the population".
        phenotypes: phenotype → (n,) float64, NaN missing.
        ploidy: 2, or 1 for haplotypes and inbred presence/absence data.
        truth: what a simulator knows and a user cannot (causal effects, heritability), JSON types and arrays.
    """

    calls: Calls
    sample_id: Strings
    variant_id: Strings
    variant_contig: Strings
    variant_position: npt.NDArray[np.int64]
    variant_allele: Strings
    labels: dict[str, Strings] = field(default_factory=dict)
    phenotypes: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    ploidy: int = 2
    truth: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n, m = self.calls.shape
        if self.calls.dtype != np.int8:
            raise InputError(f"The calls are of type {self.calls.dtype}; int8 counts are expected.")
        lengths = {
            "sample_id": (self.sample_id, n),
            "variant_id": (self.variant_id, m),
            "variant_contig": (self.variant_contig, m),
            "variant_position": (self.variant_position, m),
            "variant_allele": (self.variant_allele, m),
            **{f"labels[{k}]": (v, n) for k, v in self.labels.items()},
            **{f"phenotypes[{k}]": (v, n) for k, v in self.phenotypes.items()},
        }
        for name, (array, length) in lengths.items():
            if len(array) != length:
                raise InputError(f"{name} has {len(array)} entries; the matrix is {n} x {m}.")

    @property
    def n(self) -> int:
        """Number of individuals."""
        return int(self.calls.shape[0])

    @property
    def m(self) -> int:
        """Number of variants."""
        return int(self.calls.shape[1])

    @property
    def population(self) -> Strings | None:
        """(n,) the first label column, or None where there is none."""
        return next(iter(self.labels.values()), None)

    @property
    def population_code(self) -> npt.NDArray[np.int64]:
        """(n,) the number of each individual's population in the order of their names; 0 where there are no labels."""
        names = np.zeros(self.n) if self.population is None else self.population
        return np.unique(names, return_inverse=True)[1].astype(np.int64)

    @property
    def has_positions(self) -> bool:
        """Whether base-pair positions are known (needed by LD decay and the mosaic model)."""
        return bool(self.m) and bool((self.variant_position > 0).any())

    def individuals(self, index: npt.NDArray[Any] | slice, calls: Calls | None = None) -> Genotypes:
        """The same variants for the individuals at `index`: integers, a Boolean mask, or a slice (a view).

        `calls`: theirs, where somebody has taken them already.
        """
        return replace(
            self,
            calls=np.ascontiguousarray(self.calls[index]) if calls is None else calls,
            sample_id=self.sample_id[index],
            labels={k: v[index] for k, v in self.labels.items()},
            phenotypes={k: v[index] for k, v in self.phenotypes.items()},
        )

    def variants(self, index: npt.NDArray[Any], calls: Calls | None = None) -> Genotypes:
        """The same individuals for the variants at `index` (integers or a Boolean mask); `calls` as above."""
        if calls is None:
            # As most files have them: whole rows of the file are taken, no call is gathered by itself.
            by_variant = self.calls.flags.f_contiguous and not self.calls.flags.c_contiguous
            calls = self.calls.T[index].T if by_variant else np.ascontiguousarray(self.calls[:, index])
        return replace(
            self,
            calls=calls,
            variant_id=self.variant_id[index],
            variant_contig=self.variant_contig[index],
            variant_position=self.variant_position[index],
            variant_allele=self.variant_allele[index],
            truth=_of_variants(self.truth, index, self.m),
        )


def _of_variants(truth: dict[str, Any], index: npt.NDArray[Any], m: int) -> dict[str, Any]:
    """What a simulator knows, its causal variants counted among those at `index`; those that are left out are gone."""
    known = truth.get("phenotype", {})
    if "causal_index" not in known:
        return truth
    place = np.full(m, -1, dtype=np.int64)
    kept = np.arange(m)[index]
    place[kept] = np.arange(len(kept))
    causal = place[known["causal_index"]]
    there = causal >= 0
    return truth | {"phenotype": known | {"causal_index": causal[there], "effect": known["effect"][there]}}


def unmap_pages(array: npt.NDArray[Any]) -> None:
    """Give the resident pages of a memory-mapped array back; the next access reads them from the file again.

    Without this, the peak memory of a long computation holds every page that it ever touched.
    """
    file = map_of(array)
    if file is not None and hasattr(file, "madvise"):  # Windows maps have no madvise
        file.madvise(mmap.MADV_DONTNEED)


def map_of(array: npt.NDArray[Any]) -> mmap.mmap | None:
    """The map of a file in which an array lies; None of a copy-on-write map, whose pages are in no file."""
    base: Any = array
    while base is not None and not isinstance(base, mmap.mmap):
        base = None if isinstance(base, np.memmap) and base.mode == "c" else getattr(base, "base", None)
    return base


def from_calls(calls: npt.ArrayLike, ploidy: int = 2, **columns: Any) -> Genotypes:
    """Genotypes from a bare (n, m) matrix, with ids made up (`sample_1`, `variant_1`) where none are given."""
    matrix = np.asarray(calls, dtype=np.int8)
    n, m = matrix.shape
    defaults: dict[str, Any] = {
        "sample_id": number_ids("sample", n),
        "variant_id": number_ids("variant", m),
        "variant_contig": np.full(m, "", dtype=np.str_),
        "variant_position": np.zeros(m, dtype=np.int64),
        "variant_allele": np.full((m, 2), "", dtype=np.str_),
    }
    return Genotypes(calls=matrix, ploidy=ploidy, **(defaults | columns))


def number_ids(prefix: str, count: int) -> Strings:
    """Made-up ids `prefix_1` … for an axis that has none."""
    return np.array([f"{prefix}_{i + 1}" for i in range(count)], dtype=np.str_)

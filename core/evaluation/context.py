"""What the metrics measure on: two cohorts over the same variants, each prepared once and shared by all metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt

from core.config.evaluation import EvaluationConfig
from core.data.genotype_counts import allele_counts, allele_frequency, genotype_counts
from core.data.genotypes import Calls, Genotypes, unmap_pages

S = TypeVar("S", bound="Shared")
T = TypeVar("T")
P = ParamSpec("P")

# Cells of a matrix handled at once when it is counted, filled or converted: 64 MiB of int8.
BLOCK_CELLS = 1 << 26


class Shared:
    """Something that metrics measure on, with the work that several of them have in common."""

    @cached_property
    def _kept(self) -> dict[Any, Any]:
        return {}

    def shared(self, key: Any, make: Callable[[], T]) -> T:
        """The value of `make()`, computed once for `key`."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]


def once(function: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """A function of something shared whose value is computed at first use, for each set of arguments, and kept."""

    @wraps(function)
    def kept(judged: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return judged.shared((function, args, *kwargs.items()), lambda: function(judged, *args, **kwargs))

    return kept


@dataclass(eq=False)
class Cohort(Shared):
    """One side of a comparison. Everything here is computed at first use and kept.

    Attributes:
        genotypes: (n, m), already harmonised with the other side (same variants, same order, same alleles).
        name: what it is ("reference", "synthetic", "null", …), for messages.
        seed: of the draws below (which individuals distances use, how missing calls are filled).
        config: settings of the report. device: "cpu", "cuda", "cuda:0".
        exchangeable: whether the rows are independent draws, so that the first ones are as good a sample as any.
    """

    genotypes: Genotypes
    name: str
    _: KW_ONLY
    seed: int
    config: EvaluationConfig
    device: str = "cpu"
    exchangeable: bool = False

    @property
    def n(self) -> int:
        """Number of individuals."""
        return self.genotypes.n

    @property
    def m(self) -> int:
        """Number of variants."""
        return self.genotypes.m

    @property
    def ploidy(self) -> int:
        """1 or 2."""
        return self.genotypes.ploidy

    @cached_property
    def genotype_counts(self) -> npt.NDArray[np.int64]:
        """(m, ploidy + 1) int64: individuals with 0, 1, (2) alternate alleles; missing calls in no column."""
        return genotype_counts(self.genotypes.calls, self.ploidy)

    @cached_property
    def called(self) -> npt.NDArray[np.int64]:
        """(m,) int64: individuals with a call at each variant."""
        return self.genotype_counts.sum(axis=1)

    @cached_property
    def allele_counts(self) -> npt.NDArray[np.int64]:
        """(m, 2) int64: reference and alternate alleles that are called."""
        return allele_counts(self.genotype_counts)

    @cached_property
    def allele_frequency(self) -> npt.NDArray[np.float64]:
        """(m,) float64: alternate-allele frequency among the calls that are there; NaN where there are none."""
        return allele_frequency(self.genotype_counts)

    @cached_property
    def has_missing(self) -> bool:
        """Whether any call is missing."""
        return bool((self.called < self.n).any())

    @cached_property
    def complete(self) -> Calls:
        """(n, m) int8 without missing calls, for distances, LD and PCA.

        Missing calls are drawn by `core.data.missing.filled` with this cohort's seed; without missing calls
        this is the cohort's own matrix (perhaps a memory map), not a copy.
        """
        if not self.has_missing:
            return self.genotypes.calls
        from core.data.missing import filled

        return filled(self.genotypes, self.seed)

    def near_index(self, count: int) -> npt.NDArray[np.int64]:
        """(min(count, n),) sorted rows that distance metrics use; a smaller `count` takes a subset of a larger."""
        if count >= self.n or self.exchangeable:
            return np.arange(min(count, self.n), dtype=np.int64)
        order = self.shared("order", lambda: np.random.default_rng([self.seed, 11]).permutation(self.n))
        return np.sort(order[:count])

    def near(self, count: int) -> Calls:
        """(min(count, n), m) int8, complete: the rows at `near_index(count)`."""
        if count >= self.n:
            return self.complete
        if self.exchangeable:
            return self.complete[:count]
        return self.shared(("near", count), lambda: self._near(count))

    def _near(self, count: int) -> Calls:
        rows, most = self.near_index(count), self.config.distance_individuals
        unmap_pages(self.genotypes.calls)
        if not self.has_missing or "complete" in self.__dict__ or count > most:
            return np.ascontiguousarray(self.complete[rows])
        if count == most:  # fill what distances use, not the whole cohort
            from core.data.missing import filled

            return filled(self.genotypes, self.seed, rows)
        return np.ascontiguousarray(self.near(most)[np.searchsorted(self.near_index(most), rows)])

    def release(self) -> None:
        """Let go of the matrices made here (subsets, filled calls) and of mapped pages; what was measured stays."""
        unmap_pages(self.genotypes.calls)
        self.__dict__.pop("complete", None)
        for key in [k for k in self._kept if isinstance(k, tuple) and k[0] == "near"]:
            del self._kept[key]


@dataclass
class Comparison(Shared):
    """A candidate judged against a reference; what every metric is called with.

    Attributes:
        reference: the real individuals to judge by (the holdout where there is one).
        candidate: synthetic, null or real individuals.
        train: the individuals a model was trained on, if they are not the reference itself, else None.
        draws: bootstrap replicates wanted (0 for null and ceiling, which are shown without intervals).
        seed, config, device: as in `Cohort`.
    """

    reference: Cohort
    candidate: Cohort
    train: Cohort | None = None
    draws: int = 0
    seed: int = 0
    config: EvaluationConfig = field(default_factory=EvaluationConfig)
    device: str = "cpu"

    def generator(self, stream: int) -> np.random.Generator:
        """A random generator of this comparison's seed; each use takes its own `stream` number."""
        return np.random.default_rng([self.seed, stream])

    @property
    def n_near(self) -> int:
        """Individuals per side in distance metrics: the same on both, so that chance alone favours neither."""
        return min(self.reference.n, self.candidate.n, self.config.distance_individuals)

    @property
    def filling(self) -> dict[str, str]:
        """A `params` entry that says how missing calls were treated, empty where there were none."""
        if self.reference.has_missing or self.candidate.has_missing:
            return {"missing": "drawn from the variant's genotype frequencies"}
        return {}


@dataclass(frozen=True)
class Panel:
    """The comparisons of one report, handed to the functions that write its curves and arrays.

    Each family module (frequencies, linkage, manifold, …) has `curves(panel) -> {name: [row, …]}`, rows being
    dicts of JSON types, and `arrays(panel) -> {file stem: {name: array}}`; either may be absent.

    Attributes:
        value: the synthetic individuals against the reference.
        null: independent sites against the reference.
        ceiling: real individuals against the reference, or half the real individuals against the other half;
            None where there are too few.
        pooled: the same with all real individuals for reference, the held-out ones among them; None where this is it.
    """

    value: Comparison
    null: Comparison
    ceiling: Comparison | None
    pooled: Panel | None = None

    @property
    def cohorts(self) -> dict[str, Cohort]:
        """The cohorts that views set side by side: "real", "synthetic", "null", and "ceiling" where there is one."""
        sides = {"real": self.value.reference, "synthetic": self.value.candidate, "null": self.null.candidate}
        return sides if self.ceiling is None else sides | {"ceiling": self.ceiling.candidate}

    @property
    def comparisons(self) -> dict[str, Comparison]:
        """ "value", "null", and "ceiling" where there is one."""
        both = {"value": self.value, "null": self.null}
        return both if self.ceiling is None else both | {"ceiling": self.ceiling}


def row_blocks(n: int, m: int, cells: int = BLOCK_CELLS) -> list[slice]:
    """Slices of consecutive rows of an (n, m) matrix, each of at most `cells` entries (at least one row)."""
    step = max(1, cells // max(1, m))
    return [slice(start, min(start + step, n)) for start in range(0, n, step)]

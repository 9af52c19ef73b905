"""The arrays of a report, read for drawing; nothing here is computed that the report could hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.reports.linkage_windows import Contig, contigs

_KEPT = 16  # files: one page of six models reads at most two of each


@dataclass(frozen=True)
class Frequencies:
    """Per-variant frequencies of one report.

    Attributes:
        real, synthetic: (m,) alternate-allele frequencies; NaN where nothing was called.
        null: (m,) of independent sites; None where it was not kept.
        genotypes_real, genotypes_synthetic: (c, m) genotype frequencies, c = ploidy + 1.
        n_real, n_synthetic: individuals behind them.
        identifier: (m,) variant ids.
    """

    real: npt.NDArray[np.float64]
    synthetic: npt.NDArray[np.float64]
    genotypes_real: npt.NDArray[np.float64]
    genotypes_synthetic: npt.NDArray[np.float64]
    n_real: int
    n_synthetic: int
    identifier: Sequence[str]
    null: npt.NDArray[np.float64] | None = None

    @property
    def chance(self) -> npt.NDArray[np.float64]:
        """(m,) twice the standard error of a difference of the frequencies of two samples of one population."""
        copies = len(self.genotypes_real) - 1
        variance = self.real * (1 - self.real) * (1 / (copies * self.n_real) + 1 / (copies * self.n_synthetic))
        return np.asarray(2 * np.sqrt(variance))


@dataclass(frozen=True)
class Scores:
    """Coordinates of individuals on the principal components of the real ones.

    Attributes:
        real, synthetic: (n, c) float32 scores on the same c components.
        null: (n, c) the same of independent sites; None where it was not kept.
        explained: (c,) share of the real variance along each component.
        real_labels, synthetic_labels: label column -> (n,) str, "" unknown; empty where there are none.
    """

    real: npt.NDArray[np.float32]
    synthetic: npt.NDArray[np.float32]
    explained: npt.NDArray[np.float64]
    null: npt.NDArray[np.float32] | None = None
    real_labels: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    synthetic_labels: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)

    @property
    def components(self) -> int:
        """How many components there are."""
        return int(self.real.shape[1])


def frequencies(folder: Path, n: Mapping[str, Any]) -> Frequencies | None:
    """`frequencies.npz` of a report's array folder; None where it is not there. `n` is the report's."""
    stored = _read(folder / "frequencies.npz")
    if stored is None:
        return None
    return Frequencies(
        real=stored["allele_real"],
        synthetic=stored["allele_synthetic"],
        null=stored.get("allele_null"),
        genotypes_real=stored["genotype_real"],
        genotypes_synthetic=stored["genotype_synthetic"],
        n_real=int(n["reference"]),
        n_synthetic=int(n["synthetic"]),
        identifier=[str(i) for i in stored["id"]],
    )


def inbreeding(folder: Path) -> dict[str, npt.NDArray[Any]] | None:
    """F_IS = 1 − H_o / 2p(1 − p) by cohort ("real", "synthetic", "null", …), each (m,); None for haploids.

    NaN where a variant does not vary. Wright 1951; H_o is the share of heterozygotes.
    """
    stored = _read(folder / "frequencies.npz")
    if stored is None or len(stored["genotype_real"]) != 3:
        return None
    found = {}
    for name in ("real", "synthetic", "null"):
        if f"genotype_{name}" in stored:
            expected = 2 * stored[f"allele_{name}"] * (1 - stored[f"allele_{name}"])
            observed = stored[f"genotype_{name}"][1]
            found[name] = 1 - observed / np.where(expected > 0, expected, np.nan)
    return found


def structure(folder: Path) -> Scores | None:
    """`structure.npz`: scores on the principal components of the real individuals; None where it is not there."""
    stored = _read(folder / "structure.npz")
    if stored is None:
        return None

    def labels(cohort: str) -> dict[str, npt.NDArray[Any]]:
        prefix = f"{cohort}_label:"
        return {k.removeprefix(prefix): v for k, v in stored.items() if k.startswith(prefix)}

    return Scores(
        real=stored["real"],
        synthetic=stored["synthetic"],
        null=stored.get("null"),
        explained=stored["explained"],
        real_labels=labels("real"),
        synthetic_labels=labels("synthetic"),
    )


def linkage(folder: Path) -> dict[str, Contig]:
    """`linkage.npz`: the contigs with r² of neighbouring variants, by name; empty where it is not there."""
    stored = _read(folder / "linkage.npz")
    return contigs(stored) if stored else {}


def _read(path: Path) -> dict[str, npt.NDArray[Any]] | None:
    try:
        return _read_version(str(path), path.stat().st_mtime_ns)
    except FileNotFoundError:
        return None


@lru_cache(maxsize=_KEPT)
def _read_version(path: str, _changed: int) -> dict[str, npt.NDArray[Any]]:
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}

"""Population structure: principal components fitted on the reference alone, everyone else projected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Calls
from core.evaluation.bootstrap import multinomial_weights
from core.evaluation.context import Cohort, Comparison, Panel, once, row_blocks
from core.evaluation.registry import Estimate, Unmeasurable, metric

Floats = npt.NDArray[np.float32]

# Up to here the smaller Gram matrix is decomposed exactly; beyond, a randomised range finder is used.
_EXACT_SIDE = 1024
_OVERSAMPLING = 16
_POWER_ITERATIONS = 7


@dataclass(frozen=True)
class Basis:
    """Principal components of standardised dosages (g − 2p) / √(2p(1 − p)).

    Attributes:
        mean, scale: (m,) float32; scale is 0 where the reference does not vary, which drops the variant.
        axes: (m, c) float32, orthonormal. explained: (c,) share of the variance of the fitted individuals.
    """

    mean: Floats
    scale: Floats
    axes: Floats
    explained: npt.NDArray[np.float64]


@metric(
    label="PCA Wasserstein distance",
    family="Structure",
    headline=True,
    direction="lower",
    bounds=(0.0, np.inf),
    help="Sliced 2-Wasserstein distance between real and synthetic individuals on the first principal components of "
    "the real ones, in units of the real individuals' root-mean-square distance from their centre.",
    source="Patterson et al. 2006 (scaling); Bonneel et al. 2015 (sliced Wasserstein)",
)
def pca_wasserstein(comparison: Comparison) -> Estimate:
    """Root of the mean squared 1-D Wasserstein distance over random directions of PC space."""
    reference, candidate = comparison.reference, comparison.candidate
    count = comparison.n_near
    a, b = (scores(cohort, reference)[_rows(cohort, count)] for cohort in (reference, candidate))
    unit = float(np.sqrt((a - a.mean(axis=0)).astype(np.float64).var(axis=0).sum()))
    if unit == 0:
        raise Unmeasurable("The real individuals do not differ from each other on any principal component.")
    generator = comparison.generator(131)
    directions = generator.normal(size=(comparison.config.projections, a.shape[1]))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True) * unit
    x, y = (np.asarray(directions @ side.T, dtype=np.float32) for side in (a, b))
    value = float(np.sqrt(((np.sort(x, axis=1) - np.sort(y, axis=1)) ** 2).mean(dtype=np.float64)))
    draws = _resampled_distance(x, y, comparison.draws, generator) if comparison.draws else None
    stated = {"components": a.shape[1], "projections": len(directions), "order": 2, "n": count, "fitted_on": "real"}
    return Estimate(value, draws, stated | {"seed": comparison.seed} | comparison.filling)


@once
def scores(cohort: Cohort, reference: Cohort) -> Floats:
    """(≤ distance_individuals, c) float32 scores of the cohort's near individuals in the reference's basis."""
    basis = fitted_basis(reference)
    return projected(cohort.near(cohort.config.distance_individuals), basis, basis.axes.shape[1])


def projected(calls: Calls, basis: Basis, count: int) -> Floats:
    """(n, ≤ count) float32 scores of complete calls (n, m) on the first components of `basis`."""
    return _Standardised(calls, basis.mean, basis.scale).times(basis.axes[:, :count])


def arrays(panel: Panel) -> dict[str, dict[str, npt.NDArray[Any]]]:
    """`structure`: scores of real, synthetic, null (and training) individuals, their labels, explained variance."""
    reference = panel.value.reference
    try:
        basis = fitted_basis(reference)
    except Unmeasurable:
        return {}
    stored: dict[str, npt.NDArray[Any]] = {"explained": basis.explained}
    cohorts = panel.cohorts | ({} if panel.value.train is None else {"train": panel.value.train})
    cohorts.pop("ceiling", None)
    for name, cohort in cohorts.items():
        shown = min(cohort.n, cohort.config.display_individuals, cohort.config.distance_individuals)
        stored[name] = scores(cohort, reference)[_rows(cohort, shown)]
        index = cohort.near_index(shown)
        stored[f"{name}_id"] = cohort.genotypes.sample_id[index]
        for column, labels in cohort.genotypes.labels.items():
            stored[f"{name}_label:{column}"] = labels[index]
    return {"structure": stored}


def _rows(cohort: Cohort, count: int) -> npt.NDArray[np.int64]:
    """Where the individuals of `near_index(count)` stand among all those with scores."""
    return np.searchsorted(cohort.near_index(cohort.config.distance_individuals), cohort.near_index(count))


@once
def fitted_basis(reference: Cohort) -> Basis:
    """The components of `reference`, fitted on at most `distance_individuals` of it."""
    calls = reference.near(reference.config.distance_individuals)
    n, m = calls.shape
    total, squares = np.zeros(m), np.zeros(m)
    for rows in row_blocks(n, m, cells=1 << 24):
        block = calls[rows].astype(np.float32)
        total += block.sum(axis=0)
        squares += (block * block).sum(axis=0)
    mean = total / n
    frequency = mean / reference.ploidy
    varies = squares / n - mean * mean > 1e-9
    spread = np.sqrt(reference.ploidy * frequency * (1 - frequency), where=varies, out=np.ones(m))
    scale = np.where(varies, 1.0 / spread, 0.0)
    components = min(reference.config.components, n - 1, int(varies.sum()))
    if components < 1:
        raise Unmeasurable("Needs at least 2 real individuals that differ at some variant.")
    variance = float((scale * scale * (squares - n * mean * mean)).sum())
    standard = _Standardised(calls, mean.astype(np.float32), scale.astype(np.float32))
    axes, values = _leading(standard, components, np.random.default_rng([reference.seed, 132]))
    return Basis(standard.mean, standard.scale, axes, values / variance)


@dataclass(frozen=True)
class _Standardised:
    """The standardised matrix Z of a cohort as an operator: never held whole."""

    calls: Calls
    mean: Floats
    scale: Floats

    def blocks(self) -> list[slice]:
        return row_blocks(self.calls.shape[0], self.calls.shape[1], cells=1 << 24)

    def rows(self, rows: slice) -> Floats:
        return (self.calls[rows].astype(np.float32) - self.mean) * self.scale

    def times(self, right: Floats) -> Floats:
        """Z @ right, with scale and mean applied to the small factor: the calls are only converted, never rewritten."""
        scaled = self.scale[:, None] * right
        shift = self.mean @ scaled
        return np.concatenate([self.calls[rows].astype(np.float32) @ scaled - shift for rows in self.blocks()])

    def gram_times(self, right: Floats) -> Floats:
        """Zᵀ Z @ right, in one reading of the calls."""
        scaled = self.scale[:, None] * right
        shift = self.mean @ scaled
        total = np.zeros(right.shape, dtype=np.float64)
        sums = np.zeros(right.shape[1], dtype=np.float64)
        for rows in self.blocks():
            block = self.calls[rows].astype(np.float32)
            product = block @ scaled - shift
            total += block.T @ product
            sums += product.sum(axis=0)
        return np.asarray(self.scale[:, None] * (total - np.multiply.outer(self.mean, sums)), dtype=np.float32)


def _leading(z: _Standardised, count: int, generator: np.random.Generator) -> tuple[Floats, npt.NDArray[np.float64]]:
    """Orthonormal (m, count) leading right singular vectors of Z and their squared singular values, descending.

    Exact through the smaller Gram matrix for small data; else subspace iteration (Halko et al. 2011,
    algorithm 4.4). The sign makes the cubes of an axis's loadings add to more than 0. The largest loading would not do:
    two variants in full linkage can differ in nothing but the sign, and rounding, so the machine, would choose.
    """
    n, m = z.calls.shape
    if min(n, m) <= _EXACT_SIDE:
        axes, values = _exact(z, count)
    else:
        basis = generator.normal(size=(m, min(count + _OVERSAMPLING, n, m))).astype(np.float32)
        for _ in range(_POWER_ITERATIONS):
            basis = np.linalg.qr(z.gram_times(basis))[0]
        _, singular, right = np.linalg.svd(z.times(basis), full_matrices=False)
        axes, values = (basis @ right.T)[:, :count], singular[:count].astype(np.float64) ** 2
    sign = np.where((axes**3).sum(axis=0) < 0, -1, 1)
    return (axes * sign).astype(np.float32), values


def _exact(z: _Standardised, count: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    n, m = z.calls.shape
    if m <= n:
        values, vectors = np.linalg.eigh(z.gram_times(np.eye(m, dtype=np.float32)).astype(np.float64))
        return vectors[:, ::-1][:, :count], values[::-1][:count]
    gram, blocks = np.zeros((n, n)), row_blocks(m, n, cells=1 << 24)
    for columns in blocks:
        part = (z.calls[:, columns].astype(np.float32) - z.mean[columns]) * z.scale[columns]
        gram += part @ part.T
    values, vectors = np.linalg.eigh(gram)
    values, vectors = values[::-1][:count], vectors[:, ::-1][:, :count].astype(np.float32)
    axes = np.zeros((m, count), dtype=np.float64)
    for rows in z.blocks():
        axes += z.rows(rows).T @ vectors[rows]
    return axes / np.sqrt(np.maximum(values, np.finfo(np.float64).tiny)), values


def _resampled_distance(x: Floats, y: Floats, draws: int, generator: np.random.Generator) -> npt.NDArray[np.float64]:
    """(draws,) distances between resampled cohorts; x and y are (directions, n) coordinates.

    Each direction is sorted once; a replicate repeats each value as often as its individual was drawn.
    """
    n = x.shape[1]
    sides = []
    for values in (x, y):
        order = values.argsort(axis=1)
        weights = multinomial_weights(n, draws, generator).astype(np.int64)
        sides.append((np.take_along_axis(values, order, axis=1).ravel(), order, weights))
    found = np.empty(draws)
    for i in range(draws):
        a, b = (np.repeat(values, weights[i][order].ravel()) for values, order, weights in sides)
        found[i] = np.sqrt(((a - b) ** 2).mean())
    return found

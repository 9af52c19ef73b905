"""Two-dimensional maps of the sets: of their latents, and of the transport distances themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluation.sets.space import Subject

Array = npt.NDArray[np.float64]

MDS_SETS = 1000  # the map of transport distances is quadratic in the number of sets
MOST = 500  # observations of a set behind it
DIRECTIONS, QUANTILES = 32, 64


def maps(subject: Subject) -> dict[str, npt.NDArray[Any]]:
    """PCA (s, ≤ 5) and UMAP (s, 2) of the latents; classical scaling (s, 2) of sliced W2, NaN for sets left out."""
    z = subject.latents.astype(np.float64)
    centred = z - z[subject.train].mean(axis=0)
    _, singular, axes = np.linalg.svd(centred[subject.train], full_matrices=False)
    out: dict[str, npt.NDArray[Any]] = {
        "pca": (centred @ axes[:5].T).astype(np.float32),
        "pca_variance": np.square(singular[:5]) / max(float(np.square(singular).sum()), 1e-12),
        "mds": _transport_map(subject).astype(np.float32),
    }
    umap = _umap(z, subject.seed)
    return out if umap is None else out | {"umap": umap}


def classical_scaling(distance: Array, dimensions: int = 2) -> Array:
    """Coordinates (n, dimensions) whose distances approximate `distance` (n, n) (Torgerson 1952)."""
    n = len(distance)
    centre = np.eye(n) - 1 / n
    values, vectors = np.linalg.eigh(-0.5 * centre @ np.square(distance) @ centre)
    top = np.argsort(-values)[:dimensions]
    return vectors[:, top] * np.sqrt(np.clip(values[top], 0, None))


def _transport_map(subject: Subject) -> Array:
    """Along fixed directions, sliced W2 is the Euclidean distance of quantile functions: one product for all pairs."""
    rng = subject.rng(6)
    chosen = np.sort(rng.permutation(subject.sets.s)[:MDS_SETS])
    clouds = [subject.space(subject.observations(i)[:MOST]) for i in chosen]
    directions = rng.normal(size=(clouds[0].shape[1], DIRECTIONS))
    directions /= np.linalg.norm(directions, axis=0)
    grid = (np.arange(QUANTILES) + 0.5) / QUANTILES
    functions = np.stack([np.quantile(c @ directions, grid, axis=0, method="hazen").ravel() for c in clouds])
    square = np.square(functions).sum(axis=1)
    gap = np.clip(square[:, None] + square[None] - 2 * functions @ functions.T, 0, None)
    np.fill_diagonal(gap, 0.0)
    out = np.full((subject.sets.s, 2), np.nan)
    out[chosen] = classical_scaling(np.sqrt(directions.shape[0] * gap / functions.shape[1]))
    return out


def _umap(z: Array, seed: int) -> npt.NDArray[np.float32] | None:
    if len(z) < 8:
        return None  # fewer sets than a neighbourhood
    from umap import UMAP

    reducer = UMAP(n_neighbors=min(15, len(z) - 1), random_state=seed, n_jobs=1)
    return np.asarray(reducer.fit_transform(z), dtype=np.float32)

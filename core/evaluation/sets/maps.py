"""Two-dimensional maps of the sets: of their latents, and of the transport distances themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluation.sets.space import Subject
from core.evaluation.transport import sliced_w2

Array = npt.NDArray[np.float64]

MDS_SETS = 200  # the map of transport distances is quadratic in the number of sets


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
    return np.asarray(vectors[:, top] * np.sqrt(np.clip(values[top], 0, None)), dtype=np.float64)


def _transport_map(subject: Subject) -> Array:
    rng = subject.rng(6)
    chosen = np.sort(rng.permutation(subject.sets.s)[:MDS_SETS])
    clouds = [subject.space(subject.observations(i)[:200]) for i in chosen]
    distance = np.zeros((len(chosen), len(chosen)))
    for a in range(len(chosen)):
        for b in range(a):
            distance[a, b] = distance[b, a] = sliced_w2(clouds[a], clouds[b], projections=32)
    out = np.full((subject.sets.s, 2), np.nan)
    out[chosen] = classical_scaling(distance)
    return out


def _umap(z: Array, seed: int) -> npt.NDArray[np.float32] | None:
    if len(z) < 8:
        return None  # fewer sets than a neighbourhood
    from umap import UMAP

    reducer = UMAP(n_neighbors=min(15, len(z) - 1), random_state=seed, n_jobs=1)
    return np.asarray(reducer.fit_transform(z), dtype=np.float32)

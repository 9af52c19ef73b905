"""Optimal transport between distributions: closed forms, exact transport of samples, and the paths between them.

All distances are W2 (not squared) unless the name says otherwise.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def square_root(covariance: Array) -> Array:
    """Symmetric square root of (…, d, d) positive semi-definite matrices; round-off below 0 is cut."""
    values, vectors = np.linalg.eigh(covariance)
    roots = np.sqrt(np.clip(values, 0, None))
    return np.einsum("...ij,...j,...kj->...ik", vectors, roots, vectors)


def gaussian_w2(mean_a: Array, covariance_a: Array, mean_b: Array, covariance_b: Array) -> Array:
    """W2 of Gaussians, broadcast over leading axes.

    W2² = ‖m_a − m_b‖² + tr(S_a + S_b − 2 (S_a^½ S_b S_a^½)^½) (Dowson & Landau 1982; Olkin & Pukelsheim 1982).
    """
    shift = np.square(mean_a - mean_b).sum(axis=-1)
    return np.sqrt(np.clip(shift + bures_squared(covariance_a, covariance_b), 0, None))


def bures_squared(a: Array, b: Array) -> Array:
    """tr(a + b − 2 (a^½ b a^½)^½): the covariance part of the squared W2 of Gaussians."""
    root = square_root(a)
    cross = np.linalg.eigvalsh(root @ b @ root)
    traces = np.trace(a, axis1=-2, axis2=-1) + np.trace(b, axis1=-2, axis2=-1)
    return traces - 2 * np.sqrt(np.clip(cross, 0, None)).sum(axis=-1)


def gaussian_geodesic(
    mean_a: Array, covariance_a: Array, mean_b: Array, covariance_b: Array, t: float
) -> tuple[Array, Array]:
    """Mean and covariance at time t of the W2 geodesic between two Gaussians (McCann 1997).

    m_t = (1 − t) m_a + t m_b; S_t = T_t S_a T_t, T_t = (1 − t) I + t T, T = S_a^{−½} (S_a^½ S_b S_a^½)^½ S_a^{−½}.
    """
    root = square_root(covariance_a)
    inverse = np.linalg.inv(root)
    push = inverse @ square_root(root @ covariance_b @ root) @ inverse
    step = (1 - t) * np.eye(len(root)) + t * push
    return (1 - t) * mean_a + t * mean_b, step @ covariance_a @ step


def sample_w2(x: npt.NDArray[Any], y: npt.NDArray[Any]) -> float:
    """Exact W2 of two samples of equal size, (n, d) each, by optimal assignment."""
    rows, columns, cost = _assignment(x, y)
    return float(np.sqrt(cost[rows, columns].mean()))


def pairing(x: npt.NDArray[Any], y: npt.NDArray[Any]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Places in x and y (n, d) of the pairs of optimal transport: (1 − t) x[i] + t y[j] is the displacement
    interpolation (McCann 1997)."""
    rows, columns, _ = _assignment(x, y)
    return rows, columns


def _assignment(x: npt.NDArray[Any], y: npt.NDArray[Any]) -> tuple[Any, Any, Array]:
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    if len(x) != len(y):
        raise ValueError(f"exact transport by assignment takes samples of equal size, not {len(x)} and {len(y)}")
    cost = np.asarray(cdist(x, y, "sqeuclidean"), dtype=np.float64)
    rows, columns = linear_sum_assignment(cost)
    return rows, columns, cost

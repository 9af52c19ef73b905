"""UMAP of the individuals: fitted on real ones alone, synthetic ones placed on the finished map.

The map is made of the principal components that the report holds already, so it costs the same for any number of
variants. It is no metric: distances between far groups, and the sizes of groups, mean nothing on it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from core.reports.files import write_arrays
from core.reports.report import Report

LEAST = 100  # real individuals: a map of fewer shows neighbourhoods of chance
NEIGHBOURS = 15
DIMENSIONS = (2, 3)


def add_map(report: Report, most: int, seed: int) -> None:
    """Write arrays/umap.npz beside a written report; nothing where it has fewer than LEAST real individuals.

    Args:
        most: individuals of each side at most; they are drawn with the seed.

    real_row, synthetic_row: (n,) their rows in `structure.npz`; real_2, real_3, synthetic_2, synthetic_3: (n, 2 or 3)
    float32 places.
    """
    scores = report.arrays("structure")
    if report.folder is None or len(scores.get("real", ())) < LEAST:
        return
    rng = np.random.default_rng([seed, 181])
    rows = {name: np.sort(rng.permutation(len(scores[name]))[:most]) for name in ("real", "synthetic")}
    real, synthetic = (scores[name][rows[name]] for name in ("real", "synthetic"))
    stored: dict[str, npt.NDArray[Any]] = {f"{name}_row": row for name, row in rows.items()}
    for dimensions in DIMENSIONS:
        places = umap(real, synthetic, dimensions, seed)
        stored |= {f"{name}_{dimensions}": place for name, place in zip(("real", "synthetic"), places, strict=True)}
    write_arrays(report.folder, "umap", stored)


def umap(
    real: npt.NDArray[np.float32], synthetic: npt.NDArray[np.float32], dimensions: int, seed: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Places (n, dimensions) of real (n, c) and synthetic (k, c) scores; the real ones alone shape the map.

    The same seed gives the same map (McInnes et al. 2018; `UMAP.transform` for new individuals).
    """
    from umap import UMAP

    reducer = UMAP(
        n_neighbors=min(NEIGHBOURS, len(real) - 1), n_components=dimensions, random_state=seed, transform_seed=seed,
        n_jobs=1,
    )  # fmt: skip
    fitted = reducer.fit_transform(np.asarray(real, dtype=np.float32))
    placed = reducer.transform(np.asarray(synthetic, dtype=np.float32))
    return np.asarray(fitted, dtype=np.float32), np.asarray(placed, dtype=np.float32)

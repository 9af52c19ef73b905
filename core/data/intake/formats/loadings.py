"""Loadings of an embedding of an AnnData file, checked against its matrix where that can be done."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.intake.formats import hdf5
from core.data.intake.formats.elements import index_of, is_group, matrix_of
from core.data.loadings import GENES_MAX, Loadings
from core.errors import InputError

_CURVED = ("umap", "tsne", "phate", "draw_graph", "diffmap", "force")  # no loadings lead back from these
_ENTRIES_MAX = 20_000_000  # numbers of X up to which it is read for the check: some 250 MB
_CHECKED = 300  # cells that are projected again
_TOLERANCE = 0.01  # of the deviation of a component

Dense = npt.NDArray[np.float64]


def loadings_of(group: Any, embedding: str, scores: Any, name: str) -> tuple[Loadings | None, list[str]]:
    """The loadings in varm that lead from obsm[`embedding`] back to genes, None without, and sentences on them.

    scores: (k, d) the embedding. Taken are varm["PCs"] of d columns, else the one of d columns. The mean is that of X
    where scores are (X − mean) W for X of the file: of these scores, or of those of X_pca that were corrected since.
    """
    if "varm" not in group or len(getattr(scores, "shape", ())) != 2:
        return None, []
    if any(word in embedding.lower() for word in _CURVED):
        return None, []
    genes, width = index_of(group["var"]), scores.shape[1]
    fitting = [key for key in group["varm"] if _shape(group["varm"][key]) == (len(genes), width)]
    chosen = "PCs" if "PCs" in fitting else fitting[0] if len(fitting) == 1 else ""
    if not chosen:
        several = f"Several matrices of varm have {width} columns ({', '.join(fitting)}); none is taken as loadings."
        return None, [several] if fitting else []
    matrix = np.asarray(group["varm"][chosen][()], dtype=np.float64)
    if not np.isfinite(matrix).all():
        return None, [f"The loadings varm[{chosen!r}] have missing values and were left out."]
    mean, corrected = _mean(group, matrix, scores, name)
    said = f"The loadings varm[{chosen!r}] lead from the embedding back to genes"
    length = np.linalg.norm(matrix, axis=1)
    keep = np.flatnonzero(length)
    if len(keep) > GENES_MAX:
        keep = np.sort(np.argsort(-length, kind="stable")[:GENES_MAX])
    if len(keep) < len(genes):
        said += f", for the {len(keep):,} of {len(genes):,} genes with the largest ones"
    if mean is None:
        said += (
            "; they were not found to be those of X of the file, so the mean that was taken off is not known, and "
            "genes are deviations from it"
        )
    else:
        said += f"; the mean is that of X, whose projection gives {'X_pca' if corrected else 'these scores'}"
    kept = Loadings(
        matrix[keep].astype(np.float32),
        np.array(genes, dtype=np.str_)[keep],
        None if mean is None else mean[keep].astype(np.float32),
    )
    return kept, [said + "."]


def _shape(node: Any) -> tuple[int, ...]:
    return () if is_group(node) else tuple(node.shape)


def _mean(group: Any, matrix: Dense, scores: Any, name: str) -> tuple[Dense | None, bool]:
    """(genes,) what was taken off X before it was projected, None where it cannot be told; whether X_pca said so."""
    x = _values(group, name)
    if x is None or x.shape != (scores.shape[0], len(matrix)):
        return None, False
    rows = np.unique(np.linspace(0, max(0, scores.shape[0] - 1), min(_CHECKED, scores.shape[0])).astype(int))
    part = x[rows]
    projected = np.asarray((part.toarray() if hasattr(part, "toarray") else part), dtype=np.float64) @ matrix
    average = np.asarray(x.mean(axis=0), dtype=np.float64).reshape(-1)
    for corrected, embedded in ((False, scores), (True, _other(group, scores))):
        if embedded is None:
            continue
        gap = projected - np.asarray(embedded, dtype=np.float64)[rows]
        allowed = _TOLERANCE * np.maximum(np.asarray(embedded, dtype=np.float64).std(axis=0), 1e-12)
        for mean in (average, np.zeros_like(average)):
            if (np.abs(gap - mean @ matrix) <= allowed).all():
                return mean, corrected
    return None, False


def _values(group: Any, name: str) -> Any:
    """X, None where it is missing, too large or cannot be read."""
    if "X" not in group:
        return None
    node = group["X"]
    stored = node["data"].shape[0] if is_group(node) and "data" in node else math.prod(getattr(node, "shape", (0,)))
    if stored > _ENTRIES_MAX:
        return None
    try:
        matrix = matrix_of(node, name)
    except (InputError, *hdf5.UNREADABLE):
        return None
    return matrix.tocsr() if hasattr(matrix, "tocsr") else matrix


def _other(group: Any, scores: Any) -> Any:
    """The scores of X_pca, where they could have been corrected to `scores`."""
    node = group["obsm"]["X_pca"] if is_group(group["obsm"]) and "X_pca" in group["obsm"] else None
    return None if node is None or _shape(node) != tuple(scores.shape) else node[()]

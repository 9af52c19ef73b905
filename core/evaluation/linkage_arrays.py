"""What the Linkage page draws: r² of neighbours as bytes, and a coarse picture of each whole contig."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Calls, Genotypes
from core.evaluation.pairs import columns_of, correlate, tile_sums
from core.reports.linkage_bands import UNDEFINED, pack

# Neighbours kept for each variant at most (a region of one variant more shows every pair), and the bytes
# that a cohort's bands may take: above, bands get narrower.
WIDTH = 600
BYTES = 16_000_000
_NARROWEST = 50

# An overview has at most CELLS × CELLS cells, each the mean over at most PER_CELL² pairs of evenly spaced variants.
CELLS = 256
PER_CELL = 6

# Contigs drawn, the longest first: assemblies in thousands of scaffolds would fill the disk with nothing to see.
CONTIGS = 200
_TILE = 256


def linkage_arrays(real: Genotypes, synthetic: Genotypes) -> dict[str, npt.NDArray[Any]]:
    """r² for each contig c = 0, 1, … of at least two variants, in the order of the file.

    Names: contig (contigs,) str; n_real, n_synthetic: individuals that r² rests on; and for contig c, its variants
    sorted by position:
        index_<c> (w,) int64 column in the report's variants; position_<c> (w,) int64 base pairs, 0 where unknown;
        id_<c> (w,) str;
        real_<c>, synthetic_<c> (w, width) uint8: see `core.reports.linkage_bands` (255 undefined);
        overview_real_<c>, overview_synthetic_<c> (cells, cells) float16 mean r², NaN where undefined, and
        overview_edges_<c> (cells + 1,) int64: cell k holds the variants edges[k]..edges[k+1]-1. Only where the
        contig has more variants than its band shows at once.
    """
    names, first, counts = np.unique(real.variant_contig, return_index=True, return_counts=True)
    longest = [k for k in np.argsort(-counts, kind="stable")[:CONTIGS] if counts[k] > 1]
    kept = sorted(longest, key=lambda k: int(first[k]))
    width = min(WIDTH, max(_NARROWEST, BYTES // max(1, real.m)))
    found: dict[str, npt.NDArray[Any]] = {"contig": np.array([str(names[k]) for k in kept], dtype=np.str_)}
    found |= {"n_real": np.array(real.n), "n_synthetic": np.array(synthetic.n)}
    for c, k in enumerate(kept):
        here = np.flatnonzero(real.variant_contig == names[k])
        here = here[np.argsort(real.variant_position[here], kind="stable")]
        found[f"index_{c}"], found[f"position_{c}"] = here, real.variant_position[here]
        found[f"id_{c}"] = real.variant_id[here]
        edges = _edges(len(here)) if len(here) > width + 1 else None
        for name, genotypes in (("real", real), ("synthetic", synthetic)):
            found[f"{name}_{c}"] = band(genotypes.calls, here, min(width, len(here) - 1))
            if edges is not None:
                found[f"overview_{name}_{c}"] = overview(genotypes.calls, here, edges)
        if edges is not None:
            found[f"overview_edges_{c}"] = edges
    return found


def band(calls: Calls, index: npt.NDArray[np.int64], width: int) -> npt.NDArray[np.uint8]:
    """(w, width) uint8 r² of each variant of `index` with its next `width`; 255 past the end."""
    packed = np.full((len(index), width), UNDEFINED, dtype=np.uint8)
    for start in range(0, len(index), _TILE):
        columns = columns_of(calls, index[start : start + _TILE + width])
        rows = min(_TILE, len(index) - start)
        left = columns if rows == columns.shape[1] else columns[:, :rows]
        r2 = pack(np.square(correlate(left, columns)))
        # Row i of the tile keeps the columns i + 1 … i + width: a parallelogram, cut out with a second stride.
        steps = np.arange(rows)[:, None] + 1 + np.arange(width)[None, :]
        inside = steps < r2.shape[1]
        packed[start : start + rows][inside] = np.take_along_axis(r2, np.where(inside, steps, 0), axis=1)[inside]
    return packed


def overview(calls: Calls, index: npt.NDArray[np.int64], edges: npt.NDArray[np.int64]) -> npt.NDArray[np.float16]:
    """(cells, cells) float16 mean r² between the variants of two cells, of PER_CELL evenly spaced ones in each."""
    chosen = [np.unique(np.linspace(a, b - 1, min(PER_CELL, b - a)).astype(np.int64)) for a, b in pairwise(edges)]
    cells = len(chosen)
    starts = np.concatenate([[0], np.cumsum([len(c) for c in chosen])])
    columns = index[np.concatenate(chosen)]
    total, count = np.zeros((cells, cells)), np.zeros((cells, cells))
    step = max(1, _TILE // PER_CELL)
    for a in range(0, cells, step):
        for b in range(a, cells, step):
            cut_a, cut_b = (starts[k : min(k + step, cells) + 1] for k in (a, b))
            left = columns_of(calls, columns[cut_a[0] : cut_a[-1]])
            right = left if a == b else columns_of(calls, columns[cut_b[0] : cut_b[-1]])
            r2 = np.square(correlate(left, right))
            if a == b:
                np.fill_diagonal(r2, np.nan)
            here = np.s_[a : a + len(cut_a) - 1, b : b + len(cut_b) - 1]
            cells_of = (cut_a[:-1] - cut_a[0], cut_b[:-1] - cut_b[0])
            total[here] = tile_sums(np.nan_to_num(r2), *cells_of)
            count[here] = tile_sums(np.isfinite(r2), *cells_of)
    upper = np.arange(cells)[:, None] <= np.arange(cells)[None, :]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / np.where(count > 0, count, np.nan)
    return np.where(upper, mean, mean.T).astype(np.float16)


def _edges(size: int) -> npt.NDArray[np.int64]:
    return np.linspace(0, size, min(CELLS, size) + 1).round().astype(np.int64)

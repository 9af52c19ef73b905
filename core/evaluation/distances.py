"""Exact distances between individuals as integer matrix products, reduced block by block.

Each distance is the squared Euclidean distance of a code c of the calls, |c(a)|² + |c(b)|² − 2 c(a)·c(b):

    euclidean   c(g) = g                        gives Σ (a − b)²  (squared: sqrt keeps the order)
    manhattan   c(g) = [g ≥ 1, g ≥ 2]           gives Σ |a − b|   (thermometer code)
    hamming     c(g) = [g = 0, g = 1, g = 2]    gives 2 Σ [a ≠ b] (one-hot code; halved here)

All sums are integers below 2^24 (or held in float64 beyond), so ties are true ties.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Calls

if TYPE_CHECKING:
    import torch

METRICS = ("euclidean", "manhattan", "hamming")

# Sums of products of small integers are exact in float32 as long as they stay below this.
FLOAT32_EXACT = 1 << 24

# Variants per product: keeps converted copies small and every sum exact.
COLUMN_BLOCK = 16384

# Distances held at once (32 MiB of float32), and calls coded at once: small enough that a large report stays small.
_BLOCK_DISTANCES = 1 << 23
_BLOCK_CALLS = 1 << 24


def distance_blocks(
    a: Calls, b: Calls, metric: str, device: str = "cpu", block: int | None = None
) -> Iterator[tuple[slice, torch.Tensor]]:
    """Yield (rows of a, (rows, n_b) distances) until all of `a` is done; at most `block` distances at a time
    (default: 8 M).

    Args:
        a, b: (n_a, m) and (n_b, m) int8 calls without missing entries.
        metric: "euclidean" (squared), "manhattan" or "hamming" (number of calls that differ).
        device: where the products are made; the distances stay there.

    Source: the identities above; scipy's cdist gives the same numbers.
    """
    step = max(1, (block or _BLOCK_DISTANCES) // max(1, len(b)))
    for start in range(0, len(a), step):
        rows = slice(start, min(start + step, len(a)))
        yield rows, _distances(a if rows.stop - rows.start == len(a) else a[rows], b, metric, device)


def distances(a: Calls, b: Calls, metric: str, device: str = "cpu") -> npt.NDArray[np.float64]:
    """(n_a, n_b) float64, all at once: for small cohorts. Arguments as in `distance_blocks`."""
    parts = [part.double().cpu().numpy() for _, part in distance_blocks(a, b, metric, device)]
    return np.concatenate(parts) if parts else np.zeros((0, len(b)))


def nearest_within(a: Calls, k: int, metric: str, device: str = "cpu") -> npt.NDArray[np.float32]:
    """(n, k) float32: distances of each individual to its k nearest others, ascending; itself left out by its index."""
    import torch

    found = np.empty((len(a), k), dtype=np.float32)
    for rows, part in distance_blocks(a, a, metric, device):
        part[torch.arange(part.shape[0]), torch.arange(rows.start, rows.stop)] = torch.inf
        found[rows] = _smallest(part, k)[0]
    return found


def nearest_between(
    a: Calls, b: Calls, k: int, metric: str, device: str = "cpu"
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Distances (n_a, k) float32, ascending, of each row of `a` to its k nearest rows of `b`, and their indices."""
    found = np.empty((len(a), k), dtype=np.float32)
    index = np.empty((len(a), k), dtype=np.int64)
    for rows, part in distance_blocks(a, b, metric, device):
        found[rows], index[rows] = _smallest(part, k)
    return found, index


def nearest_each_way(
    a: Calls, b: Calls, k: int, metric: str, device: str = "cpu"
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """What `nearest_between` gives, and in the same pass (n_b,) float32, from each row of `b` to the nearest of `a`."""
    import torch

    found = np.empty((len(a), k), dtype=np.float32)
    index = np.empty((len(a), k), dtype=np.int64)
    back = torch.full((len(b),), torch.inf, device=device)
    for rows, part in distance_blocks(a, b, metric, device):
        found[rows], index[rows] = _smallest(part, k)
        back = torch.minimum(back, part.amin(dim=0).float())
    return found, index, back.cpu().numpy()


def natural(values: npt.NDArray[np.float32], metric: str) -> npt.NDArray[np.float64]:
    """Distances in the unit a reader expects: the square root where `metric` is kept squared."""
    exact = values.astype(np.float64)
    return np.sqrt(exact) if metric == "euclidean" else exact


def integer_product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """a @ b.T for int8 a (p, m) and b (q, m) with entries in -8..8: (p, q), exact, int32 or float32.

    On a CPU with int8 dot products (AVX-512 VNNI) the product is int8 with int32 sums, about five times the
    speed of float32; elsewhere float32, which is exact because every partial sum stays below 2^24. On a GPU
    the inputs are half precision (exact for small integers) with float32 sums.

    Raises ValueError when m is so large that float32 sums could be inexact; callers go by blocks of variants.
    """
    import torch

    if a.shape[1] * 64 >= FLOAT32_EXACT:
        raise ValueError(f"{a.shape[1]} columns are too many for one exact product; use at most {COLUMN_BLOCK}")
    if a.device.type == "cuda":
        return torch.mm(a.half(), b.half().T, out_dtype=torch.float32)
    if _int8_is_fast() and min(a.shape[0], b.shape[0], a.shape[1]) > 16:
        return torch._int_mm(a, b.T)
    return a.float() @ b.float().T


def _smallest(part: torch.Tensor, k: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    import torch

    if k == 1:  # a plain minimum is several times faster than a selection
        low, where = part.min(dim=1, keepdim=True)
    else:
        low, where = torch.topk(part, k, dim=1, largest=False, sorted=True)
    return low.float().cpu().numpy(), where.cpu().numpy()


def _distances(a: Calls, b: Calls, metric: str, device: str) -> torch.Tensor:
    import torch

    m = a.shape[1]
    exact = torch.float32 if 4 * m * _width(metric) < FLOAT32_EXACT else torch.float64
    total = torch.zeros(len(a), len(b), dtype=exact, device=device)
    step = min(COLUMN_BLOCK // _width(metric), max(512, _BLOCK_CALLS // max(len(a), len(b), 1)))
    same = a is b
    for start in range(0, m, step):
        code_a = _code(a[:, start : start + step], metric, device)
        code_b = code_a if same else _code(b[:, start : start + step], metric, device)
        total += _norms(code_a).to(exact)[:, None]
        total += _norms(code_b).to(exact)[None, :]
        total.sub_(integer_product(code_a, code_b), alpha=2)
    return total.div_(2) if metric == "hamming" else total


def _width(metric: str) -> int:
    return {"euclidean": 1, "manhattan": 2, "hamming": 3}[metric]


def _code(calls: Calls, metric: str, device: str) -> torch.Tensor:
    """(n, width · m) int8 code of a block of calls, on `device`."""
    import torch

    # A copy: memory maps are read-only, which torch does not accept quietly.
    x = torch.from_numpy(np.array(calls, order="C")).to(device)
    if metric == "euclidean":
        return x
    levels = (1, 2) if metric == "manhattan" else (0, 1, 2)
    kept = [(x >= g) if metric == "manhattan" else (x == g) for g in levels]
    return torch.cat(kept, dim=1).to(torch.int8)


def _norms(code: torch.Tensor) -> torch.Tensor:
    import torch

    return (code * code).sum(dim=1, dtype=torch.int32)


def _int8_is_fast() -> bool:
    import torch

    check = getattr(torch.cpu, "_is_vnni_supported", None)
    return hasattr(torch, "_int_mm") and check is not None and bool(check())

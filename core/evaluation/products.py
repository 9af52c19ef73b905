"""Exact integer matrix products of genotype codes, on the CPU or a GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

# Sums of products of small integers are exact in float32 as long as they stay below this.
FLOAT32_EXACT = 1 << 24


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


# Variants per product: keeps converted copies small and every sum exact.
COLUMN_BLOCK = 16384


def _int8_is_fast() -> bool:
    import torch

    check = getattr(torch.cpu, "_is_vnni_supported", None)
    return hasattr(torch, "_int_mm") and check is not None and bool(check())

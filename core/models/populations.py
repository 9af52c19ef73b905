"""What the closed-form baselines share: groups of individuals, their genotype frequencies, draws in bounded memory.

The populations are the values of the first label column that a model is conditioned on. Groups are numbered
0..P-1 for the P populations and P for everybody; an individual of unknown population, or of one that has no
training individual, is drawn from group P.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from core.models.base import Condition, DataSpec

# Largest temporary of a fit or a draw, in matrix entries; 2^22 float64 entries are 32 MiB.
BLOCK = 1 << 22


def population_count(spec: DataSpec) -> int:
    """P, the number of populations; 0 where the model is conditioned on no label."""
    return len(next(iter(spec.label_columns.values()), []))


def population_codes(condition: Condition) -> Tensor:
    """(n,) int64 code of each individual in the first label column, -1 unknown or no such column."""
    if condition.labels.shape[1] == 0:
        return torch.full((len(condition),), -1, dtype=torch.int64, device=condition.labels.device)
    return condition.labels[:, 0]


def group_codes(condition: Condition, members: Tensor) -> Tensor:
    """(n,) int64 group to draw each individual from; `members` (P + 1,) counts each group's training individuals."""
    everybody = len(members) - 1
    code = population_codes(condition).to(members.device)
    code = torch.where(code < 0, everybody, code)
    return torch.where(members[code] > 0, code, everybody)


def membership(condition: Condition, populations: int) -> Tensor:
    """(P + 1, n) float64 indicator of the groups of the training individuals; the last row is all ones."""
    code = population_codes(condition)
    groups = torch.arange(populations, device=code.device)
    everybody = torch.ones(1, len(code), dtype=torch.float64, device=code.device)
    return torch.cat([(code == groups[:, None]).double(), everybody])


def genotype_frequencies(calls: Tensor, member: Tensor, categories: int) -> Tensor:
    """(G, m, categories) float64 frequency of each genotype in each group; an empty group takes the last one's.

    calls: (n, m) int8 without missing entries; member: (G, n) indicator. One block of individuals at a time.
    """
    size = member.sum(1)
    counts = torch.zeros(len(member), calls.shape[1], categories, dtype=torch.float64, device=member.device)
    for rows in row_blocks(*calls.shape):
        block = calls[rows].to(member.device)
        for value in range(categories):
            counts[:, :, value] += member[:, rows] @ (block == value).double()
    frequency = counts / size.clamp(min=1)[:, None, None]
    frequency[size == 0] = frequency[-1].clone()
    return frequency


def row_blocks(n: int, m: int) -> Iterator[slice]:
    """Slices of individuals, such that a block of rows by m columns stays below `BLOCK` entries."""
    height = max(1, BLOCK // max(1, m))
    for start in range(0, n, height):
        yield slice(start, min(n, start + height))


def uniform(shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> Tensor:
    """Uniform float32 numbers in [0, 1), drawn on the generator's device and handed over on `device`."""
    return torch.rand(shape, generator=generator, device=generator.device).to(device)


def normal(shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> Tensor:
    """Standard normal float32 numbers, drawn on the generator's device and handed over on `device`."""
    return torch.randn(shape, generator=generator, device=generator.device).to(device)

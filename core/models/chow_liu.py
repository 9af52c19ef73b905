"""The Chow–Liu tree of variants: of all trees the one whose edges carry most mutual information.

Chow & Liu 1968 (IEEE Trans. Inf. Theory 14:462). An edge that chance explains is left out, so that unlinked variants
are trees of their own: the result is a forest.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import minimum_spanning_tree
from torch import Tensor

FULL = 4096  # variants up to which every pair is a candidate: a block of all of them is then at most 64 MiB
REACH = 512  # beyond that, how many following variants each is compared with
WEAK = 0.01  # nats (r² near 0.02) below which an edge is left out: structure that classes miss reaches that far
BLOCK = 512  # variants whose pairs are looked at together


@dataclass(frozen=True)
class Forest:
    """Variants in the order of their depth, roots first.

    Attributes:
        order: (m,) int64, the variant at each place.
        parent: (m,) int64, the place of its parent; a root is its own.
        bounds: (levels + 1,) int64; level l is the places bounds[l] to bounds[l + 1] - 1.
    """

    order: Tensor
    parent: Tensor
    bounds: Tensor


def mutual_information(first: Tensor, second: Tensor, covariance: Tensor) -> Tensor:
    """Nats between two alleles of frequencies `first` and `second` with that covariance (broadcast shapes)."""
    both = (first * second + covariance).clamp(min=0)
    cells = (
        (both, first * second),
        ((first - both).clamp(min=0), first * (1 - second)),
        ((second - both).clamp(min=0), (1 - first) * second),
        ((1 - first - second + both).clamp(min=0), (1 - first) * (1 - second)),
    )
    return sum((torch.xlogy(a, a) - torch.xlogy(a, e.clamp(min=1e-12)) for a, e in cells), torch.zeros_like(both))


def forest(residual: Tensor, frequency: Tensor) -> Forest:
    """The Chow–Liu forest of alleles.

    residual: (h, m) float32 alleles less what is expected of each haplotype's class, so that structure is no linkage;
    frequency: (m,) of the alternate allele. Edges with 2 h I < 2 log(number of pairs) are left out: 2 h I is
    asymptotically chi-squared with one degree of freedom, so fewer than one edge between unlinked variants stays.
    """
    h, m = residual.shape
    reach = m if m <= FULL else REACH
    least = max(WEAK, math.log(max(2.0, m * min(m, reach) / 2)) / h)
    rows, columns, values = [], [], []
    for start in range(0, m, BLOCK):
        stop = min(m, start + BLOCK)
        ahead = slice(start, min(m, stop + reach))
        covariance = residual[:, start:stop].T @ residual[:, ahead] / h
        information = mutual_information(frequency[start:stop, None], frequency[None, ahead], covariance)
        later = torch.arange(covariance.shape[1]) > torch.arange(stop - start)[:, None]
        i, j = torch.nonzero((information.cpu() > least) & later, as_tuple=True)
        rows.append(i + start)
        columns.append(j + start)
        values.append(information.cpu()[i, j])
    weight = torch.cat(values).double().numpy()
    ends = torch.cat(rows).numpy(), torch.cat(columns).numpy()
    # The spanning tree of least weight of 1 + max − I has the most information; a weight of 0 would be no edge.
    cost = coo_matrix((1.0 + weight.max(initial=0.0) - weight, ends), shape=(m, m))
    return _levelled(m, minimum_spanning_tree(cost.tocsr()).tocoo())


def _levelled(m: int, tree: coo_matrix) -> Forest:
    """Each tree hung up at the middle of its longest path: the fewest levels, which are computed one after another."""
    neighbours: dict[int, list[int]] = defaultdict(list)
    for i, j in zip(tree.row.tolist(), tree.col.tolist(), strict=True):
        neighbours[i].append(j)
        neighbours[j].append(i)
    parent, depth = np.full(m, -1), np.zeros(m, dtype=np.int64)
    for first in range(m):
        if parent[first] >= 0:
            continue
        end = list(_walk(first, neighbours))[-1]
        above = _walk(end, neighbours)
        path = [list(above)[-1]]
        while above[path[-1]] != path[-1]:
            path.append(above[path[-1]])
        for child, its_parent in _walk(path[len(path) // 2], neighbours).items():
            parent[child] = its_parent
            depth[child] = 0 if child == its_parent else depth[its_parent] + 1
    order = np.lexsort((parent, depth))
    place = np.empty(m, dtype=np.int64)
    place[order] = np.arange(m)
    bounds = np.concatenate([[0], np.cumsum(np.bincount(depth))])
    return Forest(*(torch.from_numpy(a.astype(np.int64)) for a in (order, place[parent[order]], bounds)))


def _walk(first: int, neighbours: dict[int, list[int]]) -> dict[int, int]:
    """Every variant of the tree of `first`, nearest first, with the one it is reached from; `first` with itself."""
    reached, queue = {first: first}, [first]
    for one in queue:
        for other in neighbours.get(one, ()):
            if other not in reached:
                reached[other] = one
                queue.append(other)
    return reached

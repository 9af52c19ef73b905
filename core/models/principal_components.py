"""Principal components of calls, of the whole genome or contig by contig, and what of the calls they keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.models.base import Batch, TrainData

MOST = 4096  # individuals that are used where both sides of the matrix are longer: the Gram matrix is then 128 MiB
MOST_CALLS = 1 << 27  # that a fit holds in memory, several times over as floats; those of more would tell no more
BLOCK = 2048  # variants centred at a time
FOLDS = 5  # parts of the individuals that are left out in turn


class PrincipalComponents(nn.Module):
    """Axes of centred dosages: scores s = (x - mean) W, reconstruction mean + s Wᵀ, with orthonormal columns W.

    With several segments (contigs) each has its own axes, and the scores of all stand side by side.
    """

    mean: Tensor  # (m,) mean dosages
    loadings: Tensor  # flat: one (variants, components) matrix after the other, one a segment
    counts: Tensor  # (segments,) int64 components of each
    variance: Tensor  # (D,) variance of each score in the training individuals, descending within a segment
    total: Tensor  # (segments,) variance of all dosages of the segment

    def __init__(self, contig: Sequence[int]) -> None:
        """contig: (m,) code of the segment of each variant, the same for all where the genome is taken as one."""
        super().__init__()
        codes = torch.as_tensor(contig, dtype=torch.int64)
        self.segments = [torch.nonzero(codes == c)[:, 0] for c in dict.fromkeys(codes.tolist())]
        self.register_buffer("mean", torch.zeros(len(codes)))
        self.register_buffer("loadings", torch.empty(0))
        self.register_buffer("counts", torch.zeros(len(self.segments), dtype=torch.int64))
        self.register_buffer("variance", torch.empty(0))
        self.register_buffer("total", torch.zeros(len(self.segments)))

    @property
    def width(self) -> int:
        """D, the number of components of all segments together."""
        return len(self.variance)

    @torch.no_grad()
    def fit(self, calls: Tensor, variance: float, most: int = 1 << 30) -> PrincipalComponents:
        """Axes of calls (n, m) int8: in each segment the fewest that hold `variance` of it, no more than `most`."""
        self.mean = torch.cat([block.float().mean(0) for block in torch.split(calls, BLOCK, dim=1)])
        loadings, kept, values, totals = [], [], [], []
        for columns in self.segments:
            here = columns.to(calls.device)
            spectrum, vectors = axes(calls[:, here], self.mean[here])
            count = min(components_for(spectrum, variance), most)
            loadings.append(vectors[:, :count].flatten())
            values.append(spectrum[:count])
            kept.append(count)
            totals.append(spectrum.sum())
        self.loadings, self.variance = torch.cat(loadings), torch.cat(values)
        self.counts, self.total = torch.tensor(kept, device=calls.device), torch.stack(totals)
        return self

    @torch.no_grad()
    def keep(self, components: Tensor) -> None:
        """Keep only those of the components (D,) bool, of one segment."""
        matrix = self._matrices()[0][:, components]
        self.loadings, self.variance = matrix.flatten(), self.variance[components]
        self.counts = components.sum().reshape(1)

    @torch.no_grad()
    def cut(self, variance: float) -> PrincipalComponents:
        """The same axes with only as many as hold `variance` of each segment."""
        fewer = PrincipalComponents([0] * len(self.mean))
        fewer.segments, fewer.mean, fewer.total = self.segments, self.mean, self.total
        parts = list(zip(self._matrices(), torch.split(self.variance, self.counts.tolist()), self.total, strict=True))
        counts = [components_for(v, variance, total) for _, v, total in parts]
        fewer.counts = torch.tensor(counts, device=self.mean.device)
        fewer.loadings = torch.cat([w[:, :k].flatten() for (w, _, _), k in zip(parts, counts, strict=True)])
        fewer.variance = torch.cat([v[:k] for (_, v, _), k in zip(parts, counts, strict=True)])
        return fewer

    def project(self, calls: Tensor) -> Tensor:
        """(n, m) int8 calls to (n, D) float32 scores."""
        parts = []
        for columns, matrix in zip(self.segments, self._matrices(), strict=True):
            here = columns.to(calls.device)
            score = torch.zeros(len(calls), matrix.shape[1], device=calls.device)
            for block, w in zip(torch.split(here, BLOCK), torch.split(matrix, BLOCK), strict=True):
                score += (calls[:, block].float() - self.mean[block]) @ w
            parts.append(score)
        return torch.cat(parts, dim=1)

    def reconstruct(self, scores: Tensor) -> Tensor:
        """(n, D) scores to (n, m) float32 dosages, which may leave 0..ploidy."""
        dosage = self.mean.repeat(len(scores), 1)
        parts = torch.split(scores, self.counts.tolist(), dim=1)
        for columns, matrix, part in zip(self.segments, self._matrices(), parts, strict=True):
            dosage[:, columns.to(scores.device)] += part @ matrix.T
        return dosage

    def matrix(self) -> Tensor:
        """(m, D) axes where the genome is one segment."""
        return self._matrices()[0]

    def _matrices(self) -> list[Tensor]:
        counts = self.counts.tolist()
        sizes = [len(columns) * k for columns, k in zip(self.segments, counts, strict=True)]
        return [
            flat.reshape(-1, k) if k else flat.reshape(len(columns), 0)
            for flat, k, columns in zip(torch.split(self.loadings, sizes), counts, self.segments, strict=True)
        ]


def axes(calls: Tensor, mean: Tensor, most: int = 1 << 30) -> tuple[Tensor, Tensor]:
    """Variances (r,), descending, and orthonormal axes (m, r) of calls (n, m) int8 around `mean` (m,).

    From the smaller of the two Gram matrices, summed block by block; where both sides are longer than MOST, of MOST
    individuals evenly spread over the file.
    """
    if min(calls.shape) > MOST:
        calls = calls[spread(calls)]
    n, m = calls.shape
    wide = m > n
    gram = torch.zeros(min(n, m), min(n, m), dtype=torch.float64, device=calls.device)
    if wide:
        for block, centre in zip(torch.split(calls, BLOCK, dim=1), torch.split(mean, BLOCK), strict=True):
            x = block.float() - centre
            gram += x @ x.T
    else:
        for rows in torch.split(calls, BLOCK):
            x = rows.float() - mean
            gram += x.T @ x
    values, vectors = torch.linalg.eigh(gram / n)
    values, vectors = values.flip(0), vectors.flip(1)
    rank = max(1, int((values > 1e-6 * values[0].clamp(min=1e-12)).sum()))
    rank = min(rank, most)
    values, vectors = values[:rank].clamp(min=1e-12).float(), vectors[:, :rank].float()
    if wide:
        blocks = zip(torch.split(calls, BLOCK, dim=1), torch.split(mean, BLOCK), strict=True)
        vectors = torch.cat([(block.float() - centre).T @ vectors for block, centre in blocks])
        vectors = vectors / vectors.norm(dim=0).clamp(min=1e-12)
    return values, vectors


def spread(calls: Tensor) -> Tensor:
    """Up to MOST individuals (their rows), evenly spread over the file."""
    return torch.linspace(0, len(calls) - 1, min(MOST, len(calls)), device=calls.device).long()


def for_a_fit(data: TrainData) -> Batch:
    """The individuals that closed-form parts are fitted to: all, or as many as MOST_CALLS allow, evenly spread."""
    n = len(data)
    count = min(n, max(MOST, MOST_CALLS // data.spec.variants))
    return data.index((torch.arange(count) * n // count).to(data.condition.labels.device))


def standardised(calls: Tensor) -> Tensor:
    """(n, m) dosages with mean 0 and variance 1; a variant that hardly varies becomes 0."""
    x = calls.float()
    deviation = x.std(0, correction=0)
    return (x - x.mean(0)) / torch.where(deviation > 1e-2, deviation, torch.inf)


def components(x: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues of x'x / n, descending, and the unit left vectors (n, k) that belong to them."""
    n, m = x.shape
    values, vectors = torch.linalg.eigh(x @ x.T / n if n <= m else x.T @ x / n)
    values, vectors = values.flip(0).clamp(min=1e-9), vectors.flip(1)
    return values, vectors if n <= m else x @ vectors / (n * values).sqrt()


def components_for(spectrum: Tensor, variance: float, total: Tensor | None = None) -> int:
    """How many of the leading components hold the share `variance` of the total (of `spectrum` where not given)."""
    share = spectrum.double().cumsum(0) / (spectrum.double().sum() if total is None else total).clamp(min=1e-12)
    return min(int((share < variance - 1e-9).sum()) + 1, len(spectrum))


def held_out_variance(calls: Tensor, components: int, seed: int) -> Tensor:
    """(components,) variances of the scores of individuals that had no part in the axes, in order of the axes.

    calls: (n, m) int8, the genome as one segment. With few individuals the variance of their own scores is far above
    what the same axes show in others; FOLDS parts are left out in turn.
    """
    n = len(calls)
    fold = torch.randperm(n, generator=torch.Generator().manual_seed(seed)).to(calls.device) % min(FOLDS, n)
    sums = torch.zeros(components, device=calls.device)
    for part in range(int(fold.max()) + 1):
        rest, out = calls[fold != part], calls[fold == part]
        if len(rest) < 2:
            continue
        mean = rest.float().mean(0)
        vectors = axes(rest, mean, components)[1]
        sums[: vectors.shape[1]] += ((out.float() - mean) @ vectors).square().sum(0) / n
    return sums


@dataclass(frozen=True)
class Kept:
    """What of the calls survives: share of equal calls by rounding and by thresholds, RMSE of the dosages."""

    variance: float
    components: int
    rounded: float
    thresholds: float
    rmse: float


@torch.no_grad()
def reconstruction(
    calls: Tensor, judged: Tensor, contig: Sequence[int], variances: Sequence[float], ploidy: int = 2
) -> list[Kept]:
    """For each retained variance, what projecting and reconstructing `judged` (k, m) keeps of its calls.

    Axes and thresholds are fitted to calls (n, m) int8. Rounding is the published decoding; thresholds cut each
    variant's reconstructed dosages where the genotype frequencies of `calls` are met.
    """
    most = PrincipalComponents(contig).to(calls.device).fit(calls, max(variances))
    rows = []
    for variance in variances:
        components = most.cut(variance)
        dosage = components.reconstruct(components.project(judged))
        cut = quantile_thresholds(components.reconstruct(components.project(calls)), calls, ploidy)
        rounded = dosage.round().clamp(0, ploidy) == judged
        counted = (dosage[None] > cut[:, None]).sum(0) == judged
        rmse = (dosage - judged).square().mean().sqrt()
        shares = float(rounded.float().mean()), float(counted.float().mean())
        rows.append(Kept(variance, components.width, *shares, float(rmse)))
    return rows


def quantile_thresholds(dosage: Tensor, calls: Tensor, ploidy: int) -> Tensor:
    """(ploidy, m) cuts of dosage (n, m), such that as many lie above the c-th as calls (n, m) are above c."""
    ordered = dosage.sort(dim=0).values
    n = len(dosage)
    edges = torch.cat([ordered[:1] - 1, ordered, ordered[-1:] + 1])
    cuts = []
    for c in range(ploidy):
        below = (calls <= c).sum(0)[None].clamp(0, n)
        cuts.append((edges.gather(0, below) + edges.gather(0, below + 1))[0] / 2)
    return torch.stack(cuts)

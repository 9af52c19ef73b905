r"""From expected dosages to calls: each variant's own thresholds make the genotype frequencies right.

Given the expected dosage r of a diploid call, the three probabilities are fixed by a mean r and a variance v:

    P(2) = (v + r² - r) / 2,  P(1) = 2r - r² - v,  P(0) = 1 - P(1) - P(2).

v = r (1 - r/2) is Hardy–Weinberg given r. Here v = κ_j r (1 - r/2), never below what rounding leaves, with κ_j such
that the variance of variant j is whole again: what the components dropped is put back, no more. A normal variable e
is cut at Φ⁻¹(P(0)) + δ_j0 and Φ⁻¹(P(0) + P(1)) + δ_j1, where δ makes the genotype frequencies of a large sample exact.
e is correlated within blocks of neighbouring variants like what the components leave of the covariance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from core.models.latent_correlation import nearest_correlation, square_root

SIZE = 512  # variants of a block; linkage across its border is what the components carry
TERMS = 8  # of the series of the covariance of two cut normal variables in their correlation
ROUNDS = 24  # bisections: an interval of 12 becomes 1e-6
HIGHEST = 0.995  # correlation of e at two variants
MARGIN = 0.002  # expected dosages are kept so far off 0 and the ploidy
COLUMNS = 1 << 21  # entries of a block of columns in a fit


class DosageDecoder(nn.Module):
    """Draws calls at expected dosages; fitted to a sample of expected dosages and the training calls."""

    dispersion: Tensor  # (m,) κ
    shift: Tensor  # (ploidy, m) δ
    cumulative: Tensor  # (ploidy, m) genotype frequencies P(g <= c) of the training individuals
    variance: Tensor  # (m,) of the training calls
    factors: Tensor  # flat: one square factor of the correlation of e after the other, one a block

    def __init__(self, contig: Sequence[int], ploidy: int) -> None:
        super().__init__()
        m = len(contig)
        self.ploidy = ploidy
        self.blocks = _blocks(contig)
        self.register_buffer("dispersion", torch.ones(m))
        self.register_buffer("shift", torch.zeros(ploidy, m))
        self.register_buffer("cumulative", torch.ones(ploidy, m))
        self.register_buffer("variance", torch.zeros(m))
        self.register_buffer("factors", torch.empty(0))

    @torch.no_grad()
    def fit(self, calls: Tensor, expected: Tensor, carried: Tensor, local: bool) -> None:
        """calls (n, m) int8; expected (k, m) dosages as they will be generated; carried (m, D), with carried·carriedᵀ
        the covariance that the components carry. Without `local` e is independent from variant to variant."""
        n = len(calls)
        counts = torch.stack([(calls <= c).float().mean(0) for c in range(self.ploidy)])
        self.cumulative = counts
        self.variance = torch.cat([b.float().var(0, correction=0) for b in torch.split(calls, 2048, dim=1)])
        self.calibrate(expected)
        parts = []
        for columns in self.blocks:
            if local and len(columns) > 1:
                x = calls[:, columns].float()
                x = x - x.mean(0)
                rest = x.T @ x / n - carried[columns] @ carried[columns].T
                cuts = [t[: max(256, (1 << 22) // len(columns))] for t in self._cuts(expected, columns)]
                parts.append(_factor(_correlation(rest, cuts, n)).flatten())
            else:
                parts.append(torch.eye(len(columns), device=calls.device).flatten())
        self.factors = torch.cat(parts)

    @torch.no_grad()
    def calibrate(self, expected: Tensor) -> None:
        """Set κ and δ such that calls at `expected` (k, m) have the training variances and genotype frequencies."""
        width = max(1, COLUMNS // max(1, len(expected)))
        for first in range(0, expected.shape[1], width):
            columns = slice(first, first + width)
            r = expected[:, columns].clamp(MARGIN, self.ploidy - MARGIN)
            missing = (self.variance[columns] - r.var(0, correction=0)).clamp(min=0)
            self.dispersion[columns] = _solve(partial(self._mean_spread, r), missing, 0.0, 2.0)
            self.shift[:, columns] = 0.0
            cuts = self._cuts(expected, columns)
            for c, cut in enumerate(cuts):
                wanted = self.cumulative[c, columns]
                shift = _solve(partial(_below, cut), wanted, -6.0, 6.0)
                shift = torch.where(wanted >= 1, math.inf, torch.where(wanted <= 0, -math.inf, shift))
                self.shift[c, columns] = shift

    def forward(self, expected: Tensor, noise: torch.Generator) -> Tensor:
        """(k, m) expected dosages to (k, m) int8 calls."""
        e = torch.randn(expected.shape, generator=noise, device=noise.device).to(expected.device)
        for columns, flat in zip(
            self.blocks, torch.split(self.factors, [len(b) ** 2 for b in self.blocks]), strict=True
        ):
            here = columns.to(expected.device)
            e[:, here] = e[:, here] @ flat.reshape(len(columns), -1).T
        calls = torch.zeros(expected.shape, dtype=torch.int8, device=expected.device)
        for cut in self._cuts(expected, slice(None)):
            calls += (e > cut).to(torch.int8)
        return calls

    def _spread(self, r: Tensor, dispersion: Tensor) -> Tensor:
        """Variance of a call whose expected dosage is r; of a haploid one it is fixed by r."""
        if self.ploidy == 1:
            return r * (1 - r)
        part = r.frac()
        fair = r * (1 - r / 2)
        return torch.maximum(torch.minimum(dispersion * fair, 2 * fair), part * (1 - part))

    def _mean_spread(self, r: Tensor, dispersion: Tensor) -> Tensor:
        return self._spread(r, dispersion).mean(0)

    def _cuts(self, expected: Tensor, columns: slice | Tensor) -> list[Tensor]:
        """`ploidy` thresholds (k, columns) of e."""
        r = expected[:, columns].clamp(MARGIN, self.ploidy - MARGIN)
        if self.ploidy == 1:
            below = [1 - r]
        else:
            v = self._spread(r, self.dispersion[columns])
            two = ((v + r * r - r) / 2).clamp(0, 1)
            one = (2 * r - r * r - v).clamp(0, 1)
            below = [1 - one - two, 1 - two]
        return [torch.special.ndtri(p.clamp(1e-6, 1 - 1e-6)) + self.shift[c, columns] for c, p in enumerate(below)]


def _blocks(contig: Sequence[int]) -> list[Tensor]:
    """Positions of the variants of each block: contigs, the long ones cut into equal parts of up to SIZE."""
    codes = torch.as_tensor(contig, dtype=torch.int64)
    parts: list[Tensor] = []
    for code in dict.fromkeys(codes.tolist()):
        columns = torch.nonzero(codes == code)[:, 0]
        parts += columns.tensor_split(max(1, -(-len(columns) // SIZE)))
    return parts


def _solve(rising: Callable[[Tensor], Tensor], wanted: Tensor, low: float, high: float) -> Tensor:
    """Where a rising function of each variant meets `wanted`, by bisection."""
    lower, upper = torch.full_like(wanted, low), torch.full_like(wanted, high)
    for _ in range(ROUNDS):
        middle = (lower + upper) / 2
        short = rising(middle) < wanted
        lower, upper = torch.where(short, middle, lower), torch.where(short, upper, middle)
    return (lower + upper) / 2


def _below(cut: Tensor, shift: Tensor) -> Tensor:
    """(a,) share of calls below a cut (k, a) that is moved."""
    below: Tensor = torch.special.ndtr(cut + shift).mean(0)
    return below


def _correlation(covariance: Tensor, cuts: list[Tensor], n: int) -> Tensor:
    """(a, a) correlation of e at which calls cut at `cuts` (k, a) have this covariance beside that of their means.

    cov = Σ_k ρ^k / k! E[h_ki h_kj] with h_k = Σ_c φ(t_c) He_{k-1}(t_c) (Mehler), by damped Newton steps. Before that
    the sample correlation r is shrunk to r max(0, 1 - 1 / (n r²)): noise vanishes, strong linkage stays.
    """
    deviation = covariance.diagonal().clamp(min=1e-6).sqrt()
    scale = deviation[:, None] * deviation
    square = (covariance / scale).square()
    target = covariance * (1 - 1 / (n * square).clamp(min=1e-9)).clamp(min=0)
    terms, factorial = [], 1.0
    density = [torch.exp(-t.square() / 2) / math.sqrt(2 * math.pi) for t in cuts]
    level = [t.clamp(-8, 8) for t in cuts]
    hermite = [(torch.ones_like(t), t) for t in level]  # He_{k-1}, He_k
    for k in range(1, TERMS + 1):
        factorial *= k
        slope = torch.stack([d * h[0] for d, h in zip(density, hermite, strict=True)]).sum(0)
        terms.append(slope.T @ slope / len(slope) / factorial)
        hermite = [(h[1], t * h[1] - k * h[0]) for h, t in zip(hermite, level, strict=True)]
    first = terms[0].clamp(min=1e-4)
    rho = (target / first).clamp(-HIGHEST, HIGHEST)
    for _ in range(30):
        value = sum((term * rho ** (k + 1) for k, term in enumerate(terms)), torch.zeros_like(rho))
        rise = sum(((k + 1) * term * rho**k for k, term in enumerate(terms)), torch.zeros_like(rho))
        rho = (rho - 0.7 * (value - target) / torch.maximum(rise, first / 2)).clamp(-HIGHEST, HIGHEST)
    # Where hardly anything is left to the noise, its correlation means nothing.
    rho = torch.where(scale > 1e-4, (rho + rho.T) / 2, torch.zeros_like(rho))
    return rho.fill_diagonal_(1.0)


def _factor(correlation: Tensor) -> Tensor:
    """F with F Fᵀ the valid correlation matrix next to `correlation`."""
    return square_root(nearest_correlation(correlation.double(), 10, floor=1e-3)).float()

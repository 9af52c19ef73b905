r"""How many factors individuals share, and how much of each is signal.

Of the principal components of a few individuals and many variants most are noise, and even those that are not point
partly along noise: a generator that varied along them as they are would move along sums of training individuals.

How many: parallel analysis. Each block of neighbouring variants is given to the individuals in an order of its own,
which keeps linkage within blocks and ends what is common to all of them; a component is kept where its eigenvalue is
above the largest of that (Horn 1965; deflation after Dobriban & Owen 2019).

How much: with singular value s and the singular values t_i of the noise, for n individuals and m variants,

    D(s) = phi_n(s) phi_m(s),  phi_n(s) = mean_n s / (s^2 - t_i^2),  phi_m likewise over m, zeros included,

the true singular value is D(s)^-1/2 and the loadings' squared cosine with the truth -2 phi_m(s) D(s) / D'(s)
(Benaych-Georges & Nadakuditi 2012, theorems 2.9 and 2.10). The variance that is kept is the true one times the cosine:
without it, individuals vary along sums of the training ones (cattle, 250 animals: AATS to the holdout 0.88 in place of
0.75); with its square, which errs least in the covariance, they lie too near the mean of their group (1,252 humans:
precision 0.64 in place of 0.68).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from core.models.principal_components import components

BLOCK = 32  # variants that are permuted together: linkage within them makes no factor
MARGIN = 3.0  # widths of the largest eigenvalue's distribution above the noise at which a factor is believed
DEFLATIONS = 12  # rounds of parallel analysis; the number of factors has settled before


@dataclass(frozen=True)
class Factors:
    """scores (n, k), uncorrelated with unit variance; shrinkage (k,), by which a slope on each is multiplied."""

    scores: Tensor
    shrinkage: Tensor


def factors(x: Tensor, most: int) -> Factors:
    """At most `most` factors of x (n, m), columns of mean 0."""
    n, m = x.shape
    values, vectors = components(x)
    # A factor is what many variants share: with too few of them any linked pair would be one.
    number, noise = _parallel(x, values, vectors, min(most, n // 3, m // 8))
    values, vectors = values[:number], vectors[:, :number]
    if number == 0:
        return Factors(x.new_zeros(n, 0), x.new_zeros(0))
    return Factors(vectors * n**0.5, _shrinkage(values.double(), noise.double(), n, m).float())


def _parallel(x: Tensor, values: Tensor, vectors: Tensor, most: int) -> tuple[int, Tensor]:
    """Number of factors, and the eigenvalues of the noise that is left beside them."""
    n, m = x.shape
    order = torch.Generator().manual_seed(0)
    block = max(1, min(BLOCK, m // 4))
    orders = [torch.randperm(n, generator=order).to(x.device) for _ in range(0, m, block)]
    number = 0
    for _ in range(DEFLATIONS):
        rest = x - vectors[:, :number] @ (vectors[:, :number].T @ x)
        mixed = torch.cat([part[i] for part, i in zip(torch.split(rest, block, dim=1), orders, strict=True)], dim=1)
        # Noise was taken out with the factors: in n - number directions is left what fills n.
        noise = torch.linalg.eigvalsh(mixed @ mixed.T if n <= m else mixed.T @ mixed).clamp(min=0) / (n - number)
        above = min(int((values > noise[-1] * (1 + MARGIN * _width(n, m))).sum()), most)
        if above <= number:
            break
        number = above
    return number, noise


def _width(n: int, m: int) -> float:
    """Scale of the largest eigenvalue of noise as a share of it (Johnstone 2001, theorem 1.1)."""
    return float((n**-0.5 + m**-0.5) ** (1 / 3) / (n**0.5 + m**0.5))


def _shrinkage(values: Tensor, noise: Tensor, n: int, m: int) -> Tensor:
    """Root of the share of each eigenvalue that is kept: true variance times the loadings' cosine with the truth."""
    s, rank = values.sqrt(), len(noise)
    gap = (values[:, None] - noise).clamp(min=1e-6 * float(values[0]))
    inside, steep = (s[:, None] / gap).sum(1), (-(values[:, None] + noise) / gap.square()).sum(1)
    phi_n, phi_m = ((inside + (size - rank) / s) / size for size in (n, m))
    fall_n, fall_m = ((steep - (size - rank) / values) / size for size in (n, m))
    product = phi_n * phi_m
    cosine = (-2 * phi_m * product / (phi_n * fall_m + phi_m * fall_n)).clamp(0, 1).sqrt()
    return (cosine / (product * values)).clamp(0, 1).sqrt()

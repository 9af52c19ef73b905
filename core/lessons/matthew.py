"""Lesson 7: a generator that knows every probability, decoded by the likeliest call or by drawing it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.config.evaluation import EvaluationConfig
from core.data.genotypes import Calls, from_calls
from core.evaluation.context import Cohort, Comparison
from core.evaluation.frequencies import RARE, allele_frequency_r, matthew_slope, rare_alleles_lost

Floats = npt.NDArray[np.float64]

THRESHOLD = RARE
"""Frequency below which a minor allele counts as rare: that of the report."""

VARIANTS = 240
REAL = 300  # individuals of the real cohort
BINS = (0.0, 0.02, THRESHOLD, 0.1, 0.2, 0.35, 0.5)  # of minor-allele frequency in the real cohort
_LATENT = 2
_WIDEST = 4.6  # logit of .99: frequencies lie evenly on the logit scale from .01 to .99, so that rare ones abound


@dataclass(frozen=True)
class Decoded:
    """A synthetic cohort beside the real one, variant by variant.

    Attributes:
        real, synthetic: (m,) frequency of the alternate allele.
        minor: (m,) frequency in the real cohort of the allele that is the rarer one there.
        survives: (m,) whether a synthetic individual carries that allele.
        survives_sampled: (m,) the same of a second real cohort as large as the synthetic one: what chance alone takes.
        correlation, slope: of synthetic on real frequencies, as reports have them.
        lost: share of the alleles below THRESHOLD that no synthetic individual carries.
        heterozygotes: synthetic for each real one.
        individuals: in the synthetic cohort.
    """

    real: Floats
    synthetic: Floats
    minor: Floats
    survives: npt.NDArray[np.bool_]
    survives_sampled: npt.NDArray[np.bool_]
    correlation: float
    slope: float
    lost: float
    heterozygotes: float
    individuals: int

    @property
    def rare(self) -> npt.NDArray[np.bool_]:
        """(m,) alleles below THRESHOLD that somebody real carries."""
        return (self.minor > 0) & (self.minor < THRESHOLD)

    def shares(self) -> tuple[Floats, Floats]:
        """Share of alleles that survive in each of BINS, in the synthetic cohort and by chance; NaN where none is."""
        place = np.digitize(self.minor, BINS[1:-1], right=True)
        known = self.minor > 0
        count = np.bincount(place[known], minlength=len(BINS) - 1)
        kept = [np.bincount(place[known], each[known], len(count)) for each in (self.survives, self.survives_sampled)]
        with np.errstate(invalid="ignore"):
            return kept[0] / count, kept[1] / count


def simulate(temperature: float, strength: float, individuals: int, seed: int) -> Decoded:
    """A real cohort and a synthetic one from the same probabilities, which the generator knows exactly.

    logit p_ij = b_j + z_i · w_j with a standard normal latent z_i of two numbers; both alleles of a call are drawn with
    probability p_ij. The real cohort is drawn so; the generator draws new latents and decodes each call's probabilities
    q by q^(1/temperature), scaled to sum to one.

    Args:
        temperature: 0 takes the likeliest call, 1 draws from the probabilities themselves.
        strength: standard deviation of z · w: what the latent says of an allele beyond its frequency.
        individuals: of the synthetic cohort.
        seed: of variants, individuals and calls; the temperature changes no random number.
    """
    rng = np.random.default_rng(seed)
    # Widened as the latent widens the logits, so that frequencies stay as they are (MacKay 1992).
    intercept = rng.uniform(-_WIDEST, _WIDEST, VARIANTS) * np.sqrt(1 + np.pi / 8 * strength**2)
    direction = rng.normal(size=(_LATENT, VARIANTS))
    weights = strength * direction / np.linalg.norm(direction, axis=0)
    real = _cohort(rng, intercept, weights, REAL, 1.0)
    again = _cohort(rng, intercept, weights, individuals, 1.0)
    synthetic = _cohort(rng, intercept, weights, individuals, temperature)
    config = EvaluationConfig(bootstrap=0)
    reference = Cohort(from_calls(real), "reference", seed=seed, config=config)
    comparison = Comparison(reference, Cohort(from_calls(synthetic), "synthetic", seed=seed, config=config))
    p, q, r = (calls.mean(axis=0) / 2 for calls in (real, synthetic, again))
    flip = p > 0.5
    return Decoded(
        real=p,
        synthetic=q,
        minor=np.where(flip, 1 - p, p),
        survives=np.where(flip, 1 - q, q) > 0,
        survives_sampled=np.where(flip, 1 - r, r) > 0,
        correlation=float(allele_frequency_r(comparison).value or 0.0),
        slope=float(matthew_slope(comparison).value or 0.0),
        lost=float(rare_alleles_lost(comparison).value or 0.0),
        heterozygotes=float((synthetic == 1).mean() / (real == 1).mean()),
        individuals=individuals,
    )


def _cohort(rng: np.random.Generator, intercept: Floats, weights: Floats, n: int, temperature: float) -> Calls:
    """int8 (n, m) decoded from latents drawn for them."""
    latent, uniform = rng.normal(size=(n, _LATENT)), rng.uniform(size=(n, len(intercept)))
    p = 1 / (1 + np.exp(-(intercept + latent @ weights)))
    genotypes = np.stack([(1 - p) ** 2, 2 * p * (1 - p), p**2])
    if temperature == 0:
        return genotypes.argmax(axis=0).astype(np.int8)
    if temperature != 1:
        genotypes = (genotypes / genotypes.max(axis=0)) ** (1 / temperature)
        genotypes /= genotypes.sum(axis=0)
    return ((uniform > genotypes[0]).astype(np.int8) + (uniform > genotypes[0] + genotypes[1])).astype(np.int8)

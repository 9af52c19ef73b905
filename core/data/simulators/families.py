"""Synthetic families of distributions whose parameters, and so whose true distances, are known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.config.schema import setting
from core.data.sets import SetCollection

Array = npt.NDArray[np.float64]
Draw = tuple[Array, dict[str, Any]]  # (s, k, d) observations and the truth, per-set arrays of length s


@dataclass(frozen=True)
class FamilyConfig:
    """Which family, how many sets, how many observations in each."""

    family: str = setting(
        "mvn",
        "Family of distributions.",
        choices=(
            "normal",
            "mvn",
            "low_rank",
            "gmm",
            "multinomial",
            "poisson",
            "covariance_only",
            "skew_only",
            "weights_only",
        ),
    )
    sets: int = setting(2000, "Sets.", low=4, high=1_000_000)
    observations: int = setting(256, "Observations in each set.", low=1, high=10_000_000)
    dimension: int = setting(2, "Features of an observation (categories of a multinomial).", low=1, high=4096)
    scale: float = setting(1.0, "Scale of the inverse covariance prior of mvn (larger: narrower sets).", low=1e-6)
    components: int = setting(3, "Components of a mixture.", low=1, high=64)
    trials: int = setting(20, "Trials of one multinomial observation.", low=1, high=100_000)
    rank: int = setting(2, "Rank of the low-rank covariance.", low=1, high=512)
    seed: int = setting(1, "Seed.", low=0, high=2**31 - 1)


def simulate_family(config: FamilyConfig) -> SetCollection:
    """Sets drawn from `config.family`, `truth` holding the parameters of each (arrays with one row a set)."""
    rng = np.random.default_rng(config.seed)
    x, truth = FAMILIES[config.family](config, rng)
    s, k, d = x.shape
    covariates = {f"mean_{j + 1}": truth["mean"][:, j] for j in range(min(d, 3))} if "mean" in truth else {}
    for name in ("angle", "skew", "share"):
        if name in truth:
            covariates[name] = np.asarray(truth[name], dtype=np.float64)
    return SetCollection(
        observations=x.reshape(s * k, d).astype(np.float32),
        offsets=np.arange(s + 1, dtype=np.int64) * k,
        set_id=np.array([f"{config.family}_{i + 1}" for i in range(s)], dtype=np.str_),
        covariates=covariates,
        feature=np.array([f"x{j + 1}" for j in range(d)], dtype=np.str_),
        truth={"family": config.family, **truth},
    )


def _normal(c: FamilyConfig, rng: np.random.Generator) -> Draw:
    """μ ~ N(0, I), variances ~ N(0, 1)², independent coordinates (the published toy)."""
    mean, deviation = rng.normal(size=(c.sets, c.dimension)), np.abs(rng.normal(size=(c.sets, c.dimension)))
    x = mean[:, None] + deviation[:, None] * rng.normal(size=(c.sets, c.observations, c.dimension))
    return x, {"mean": mean, "covariance": np.einsum("sd,de->sde", deviation**2, np.eye(c.dimension))}


def _mvn(c: FamilyConfig, rng: np.random.Generator) -> Draw:
    """μ ~ U[0, 5]^d, Σ the inverse of a Wishart(10(d − 1), scale · I) draw (the published prior)."""
    mean, covariance = _mean_and_covariance(c, rng, c.sets)
    return _gaussian(mean, covariance, c.observations, rng), {"mean": mean, "covariance": covariance}


def _low_rank(c: FamilyConfig, rng: np.random.Generator) -> Draw:
    """Σ = A Aᵀ + 0.1 I with A (d, rank) standard normal; μ ~ U[0, 5]^d."""
    mean = rng.uniform(0, 5, size=(c.sets, c.dimension))
    a = rng.normal(size=(c.sets, c.dimension, c.rank))
    covariance = a @ a.transpose(0, 2, 1) + 0.1 * np.eye(c.dimension)
    return _gaussian(mean, covariance, c.observations, rng), {"mean": mean, "covariance": covariance}


def _gmm(c: FamilyConfig, rng: np.random.Generator) -> Draw:
    """Mixtures of `components` draws of the mvn family with Dirichlet(1) weights."""
    weights = rng.dirichlet(np.ones(c.components), size=c.sets)
    mean, covariance = _mean_and_covariance(c, rng, c.sets * c.components)
    means = mean.reshape(c.sets, c.components, c.dimension)
    covariances = covariance.reshape(c.sets, c.components, c.dimension, c.dimension)
    which = (rng.random((c.sets, c.observations, 1)) > np.cumsum(weights, axis=1)[:, None]).sum(axis=2)
    which = which.clip(0, c.components - 1)
    root = np.linalg.cholesky(covariances)
    rows = np.arange(c.sets)[:, None]
    noise = rng.normal(size=(c.sets, c.observations, c.dimension))
    x = means[rows, which] + np.einsum("skde,ske->skd", root[rows, which], noise)
    truth = {"mean": np.einsum("sc,scd->sd", weights, means), "weights": weights}
    return x, {**truth, "means": means, "covariances": covariances}


def _multinomial(c: FamilyConfig, rng: np.random.Generator) -> Draw:
    """p ~ Dirichlet(1); an observation is the counts of `trials` trials."""
    p = rng.dirichlet(np.ones(c.dimension), size=c.sets)
    x = np.stack([rng.multinomial(c.trials, row, size=c.observations) for row in p]).astype(np.float64)
    return x, {"mean": c.trials * p, "probability": p}


def _poisson(c: FamilyConfig, rng: np.random.Generator) -> Draw:
    """Rates ~ U(0, 10), independent coordinates."""
    rate = rng.uniform(0, 10, size=(c.sets, c.dimension))
    x = rng.poisson(rate[:, None], size=(c.sets, c.observations, c.dimension)).astype(np.float64)
    return x, {"mean": rate}


def _covariance_only(c: FamilyConfig, rng: np.random.Generator) -> Draw:
    """Mean 0; Σ = R diag(exp U(−2.5, 1)) Rᵀ with a random rotation R: sets differ in covariance alone."""
    variances = np.exp(rng.uniform(-2.5, 1, size=(c.sets, c.dimension)))
    turn, _ = np.linalg.qr(rng.normal(size=(c.sets, c.dimension, c.dimension)))
    covariance = np.einsum("sij,sj,skj->sik", turn, variances, turn)
    mean = np.zeros((c.sets, c.dimension))
    angle = 0.5 * np.arctan2(2 * covariance[:, 0, -1], covariance[:, 0, 0] - covariance[:, -1, -1])
    truth = {"mean": mean, "covariance": covariance, "angle": angle}
    return _gaussian(mean, covariance, c.observations, rng), truth


def _skew_only(c: FamilyConfig, rng: np.random.Generator) -> Draw:
    """Mean 0 and covariance I for every set: coordinates are standardised gamma with skewness U(−2, 2)."""
    skew = rng.uniform(-2, 2, size=(c.sets, c.dimension))
    shape = 4 / np.maximum(np.abs(skew), 1e-3) ** 2
    g = rng.gamma(shape[:, None], size=(c.sets, c.observations, c.dimension))
    x = np.sign(skew)[:, None] * (g - shape[:, None]) / np.sqrt(shape)[:, None]
    return x, {"skew": skew[:, 0], "skews": skew}


def _weights_only(c: FamilyConfig, rng: np.random.Generator) -> Draw:
    """Mean 0 and covariance I for every set: two components on a line whose weights alone differ.

    Along a fixed axis, a share w sits at −√((1−w)/w) a and 1−w at +√(w/(1−w)) a: mean 0, variance a² for every w.
    """
    w = rng.uniform(0.1, 0.9, size=c.sets)
    a = 0.9
    first = rng.random((c.sets, c.observations)) < w[:, None]
    line = np.where(first, -np.sqrt((1 - w) / w)[:, None], np.sqrt(w / (1 - w))[:, None]) * a
    x = rng.normal(size=(c.sets, c.observations, c.dimension))
    x[..., 0] = line + math.sqrt(1 - a**2) * x[..., 0]
    return x, {"share": w}


def _mean_and_covariance(c: FamilyConfig, rng: np.random.Generator, count: int) -> tuple[Array, Array]:
    d = c.dimension
    degrees = max(10 * (d - 1), d + 1)
    # A Wishart(ν, scale·I) draw is scale · G Gᵀ with G (d, ν) standard normal.
    g = rng.normal(size=(count, d, degrees))
    precision: Array = c.scale * g @ g.transpose(0, 2, 1)
    covariance = np.asarray(np.linalg.inv(precision), dtype=np.float64)
    return rng.uniform(0, 5, size=(count, d)), covariance


def _gaussian(mean: Array, covariance: Array, k: int, rng: np.random.Generator) -> Array:
    root = np.linalg.cholesky(covariance)
    noise = rng.normal(size=(len(mean), k, mean.shape[1]))
    return mean[:, None] + np.einsum("sde,ske->skd", root, noise)


FAMILIES: dict[str, Callable[[FamilyConfig, np.random.Generator], Draw]] = {
    "normal": _normal,
    "mvn": _mvn,
    "low_rank": _low_rank,
    "gmm": _gmm,
    "multinomial": _multinomial,
    "poisson": _poisson,
    "covariance_only": _covariance_only,
    "skew_only": _skew_only,
    "weights_only": _weights_only,
}

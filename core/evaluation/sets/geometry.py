"""Do latent distances mean anything: against optimal transport, with the trivial embeddings always beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluation.context import once
from core.evaluation.registry import Estimate, Unmeasurable, metric
from core.evaluation.sets.reconstruction import latent_spread
from core.evaluation.sets.resampling import interval
from core.evaluation.sets.space import Subject
from core.evaluation.transport import gaussian_w2, sample_w2

Array = npt.NDArray[np.float64]

PAIRS = 1000
MOST = 200  # observations of a set in one exact transport
MOST_EMBEDDED = 4096
BASELINES = ("mean", "mean_covariance", "kernel_mean")
COPIES = (2, 3, 7)
FEWEST = 10  # pairs that a rank correlation rests on

_DRAWS = 200


@metric(
    kind="sets",
    label="Latent distance against W2 (rank correlation)",
    family="Latent geometry",
    direction="higher",
    bounds=(-1.0, 1.0),
    help="Rank correlation of latent distances with optimal-transport distances over held-out pairs of sets; "
    "the mean, mean and covariance, and a kernel mean stand beside it as the trivial embeddings. Null: the mean.",
    source="Fishman et al. 2025, figure 10, with baselines",
)
def latent_w2_spearman(subject: Subject) -> Estimate:
    """Spearman's correlation over pairs; sets are resampled, for pairs that share a set are not independent."""
    pairs = distances(subject)
    if len(pairs) < FEWEST:
        raise Unmeasurable(f"{len(pairs)} pairs of judged sets; {FEWEST} are needed.")
    column = {key: np.array([row[key] for row in pairs]) for key in ("w2", "latent", *BASELINES)}
    names, place = np.unique([[row["a"], row["b"]] for row in pairs], return_inverse=True)
    a, b = place.reshape(-1, 2).T
    rng, draws = subject.rng(8), []
    for _ in range(_DRAWS):
        count = np.bincount(rng.integers(len(names), size=len(names)), minlength=len(names))
        draws.append(np.repeat(np.arange(len(pairs)), count[a] * count[b]))

    def correlation(index: npt.NDArray[np.int64]) -> float:
        return spearman(column["w2"][index], column["latent"][index])

    baselines = {name: spearman(column["w2"], column[name]) for name in BASELINES}
    return Estimate(
        correlation(np.arange(len(pairs))),
        params={"pairs": len(pairs)},
        interval=interval(correlation, [index for index in draws if len(index) > 2]),
        null=baselines["mean"],
        baselines=baselines,
    )


@metric(
    kind="sets",
    label="Invariance error",
    family="Latent geometry",
    direction="lower",
    bounds=(0.0, np.inf),
    help="Largest move of a latent when observations are permuted or repeated 2, 3 or 7 times, "
    "in units of the latents' spread.",
    source="Fishman et al. 2025, definition 1",
)
def invariance_error(subject: Subject) -> Estimate:
    """`invariance` of the subject."""
    return Estimate(invariance(subject), params={"copies": list(COPIES)})


@metric(
    kind="sets",
    label="Set-size leakage (R²)",
    family="Latent geometry",
    direction="lower",
    bounds=(-np.inf, 1.0),
    help="How well a linear probe reads the number of observations off the latent; at most 0 where it cannot.",
    source="Popscape",
)
def set_size_leakage_r2(subject: Subject) -> Estimate:
    """The R² of `set_sizes`."""
    return Estimate(set_sizes(subject)[1])


@once
def distances(subject: Subject) -> list[dict[str, Any]]:
    """Pairs of judged sets: transport distance, latent distance, and the distances of three trivial embeddings.

    Every embedding is of one half of a set, and the transport distance is between the other halves: an embedding that
    follows the chance of its own observations would otherwise seem to be good. Sets of one observation are left out:
    they have no halves. The transport distance is exact where the truth is Gaussian; else W2 of samples, less half of
    each set's own distance between two halves (the part that finite samples add): W2² − (W2²(a, a′) + W2²(b, b′))/2,
    cut at 0.
    """
    rng = subject.rng(2)
    pairs = _pairs(subject.judged[subject.sets.sizes[subject.judged] >= 2], rng)
    sets = sorted({int(i) for pair in pairs for i in pair})
    halves = {i: subject.halves(i, MOST_EMBEDDED, rng) for i in sets}
    samples = {i: tuple(subject.space(x[:MOST]) for x in reversed(both)) for i, both in halves.items()}
    noise = {i: sample_w2(*both) ** 2 if len(both[0]) > 1 else 0.0 for i, both in samples.items()}
    embedded = trivial_embeddings(subject, {i: first for i, (first, _) in halves.items()}, rng)
    latents = {i: subject.embed(first) for i, (first, _) in halves.items()}
    rows = []
    for i, j in pairs:
        rows.append(
            {
                "a": str(subject.sets.set_id[i]),
                "b": str(subject.sets.set_id[j]),
                "w2": _distance(subject, i, j, samples, noise),
                "latent": float(np.linalg.norm(latents[i] - latents[j])),
                "mean": float(np.linalg.norm(embedded[i][0] - embedded[j][0])),
                "mean_covariance": float(gaussian_w2(*embedded[i][:2], *embedded[j][:2])),
                "kernel_mean": float(np.linalg.norm(embedded[i][2] - embedded[j][2])),
            }
        )
    return rows


def trivial_embeddings(
    subject: Subject, observations: Mapping[int, npt.NDArray[Any]], rng: np.random.Generator
) -> dict[int, tuple[Array, ...]]:
    """For the observations of each set their mean (d,), covariance (d, d) and kernel mean (256,), median bandwidth."""
    from scipy.spatial.distance import pdist

    clouds = {i: subject.space(x) for i, x in observations.items()}
    pooled = np.concatenate([c[:50] for c in clouds.values()])
    some = pooled[rng.permutation(len(pooled))[:400]]
    bandwidth = max(float(np.median(pdist(some))), 1e-6)
    frequency = rng.normal(size=(pooled.shape[1], 128)) / bandwidth
    out: dict[int, tuple[Array, ...]] = {}
    for i, x in clouds.items():
        phase = x @ frequency
        kernel = np.concatenate([np.cos(phase).mean(axis=0), np.sin(phase).mean(axis=0)])
        covariance = np.cov(x.T).reshape(x.shape[1], -1) if len(x) > 1 else np.zeros((x.shape[1],) * 2)
        out[i] = (x.mean(axis=0), covariance, kernel)
    return out


def spearman(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Spearman's rank correlation; NaN where one side does not vary."""
    from scipy.stats import rankdata

    x, y = rankdata(np.asarray(a)), rankdata(np.asarray(b))
    if x.std() == 0 or y.std() == 0:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])


def invariance(subject: Subject) -> float:
    """Largest ‖Δz‖ over permuted and repeated (2, 3, 7 times) copies of eight sets, in units of the latents' spread."""
    rng = subject.rng(3)
    worst = 0.0
    for i in rng.permutation(subject.judged)[:8]:
        x = subject.observations(i)[:500]
        z = subject.embed(x)
        repeated = (subject.embed(np.repeat(x, k, axis=0), len(x)) for k in COPIES)
        moved = [subject.embed(x[rng.permutation(len(x))]), *repeated]
        worst = max(worst, *(float(np.linalg.norm(again - z)) for again in moved))
    return worst / max(latent_spread(subject.latents), 1e-12)


@once
def set_sizes(subject: Subject) -> tuple[list[dict[str, float]], float]:
    """RMS error of the latent of m observations against that of the whole set, and the R² with which z tells log m.

    Subsets of the largest sets; the expected line is the error at the smallest m times √(m₀/m) (central limit
    theorem, with the correction √(1 − m/n) for drawing without replacement). The probe is ridge regression of
    log m on z − z_whole, cross-validated over sets: at most 0 where the latent does not leak the set size.
    """
    rng = subject.rng(4)
    order = np.argsort(-subject.sets.sizes[subject.judged])
    chosen = subject.judged[order[:16]]
    sizes = [m for m in (4, 8, 16, 32, 64, 128, 256, 512, 1024) if m <= subject.sets.sizes[chosen].min() // 2]
    if len(sizes) < 2:
        return [], float("nan")
    errors: dict[int, list[float]] = {m: [] for m in sizes}
    features, targets, groups = [], [], []
    for i in chosen:
        x = subject.observations(i)[:8192]
        for m in sizes:
            for _ in range(4):
                gap = subject.embed(x[rng.permutation(len(x))[:m]]) - subject.latents[i]
                errors[m].append(float(np.square(gap).sum()) / (1 - m / len(x)))
                features.append(gap)
                targets.append(np.log(m))
                groups.append(int(i))
    rms = {m: float(np.sqrt(np.mean(v))) for m, v in errors.items()}
    curve = [{"m": m, "rms": rms[m], "expected": rms[sizes[0]] * np.sqrt(sizes[0] / m)} for m in sizes]
    return curve, _leak(np.array(features, dtype=np.float64), np.array(targets), np.array(groups))


def _leak(x: Array, y: Array, group: npt.NDArray[np.int64]) -> float:
    from sklearn.linear_model import Ridge
    from sklearn.metrics import r2_score
    from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    each = len(y) // len(np.unique(group))  # observations of a set, which is left out
    probe = make_pipeline(StandardScaler(), Ridge(len(y) - each))
    return float(r2_score(y, cross_val_predict(probe, x, y, groups=group, cv=LeaveOneGroupOut())))


def _pairs(judged: npt.NDArray[np.int64], rng: np.random.Generator) -> list[tuple[int, int]]:
    k = len(judged)
    first, second = np.triu_indices(k, 1)
    chosen = np.sort(rng.permutation(len(first))[:PAIRS])
    return [(int(judged[i]), int(judged[j])) for i, j in zip(first[chosen], second[chosen], strict=True)]


def _distance(
    subject: Subject,
    i: int,
    j: int,
    samples: dict[int, tuple[Array, ...]],
    noise: dict[int, float],
) -> float:
    truth = subject.sets.truth
    if "covariance" in truth and "mean" in truth and subject.space.axes is None:
        scale = subject.space.scale
        means, covariances = truth["mean"] / scale, truth["covariance"] / np.multiply.outer(scale, scale)
        return float(gaussian_w2(means[i], covariances[i], means[j], covariances[j]))
    a, b = samples[i][0], samples[j][0]
    k = min(len(a), len(b))
    squared = sample_w2(a[:k], b[:k]) ** 2 - 0.5 * (noise[i] + noise[j])
    return float(np.sqrt(max(squared, 0.0)))

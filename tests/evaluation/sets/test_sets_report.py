"""The set report on models that are known to be right, blind, collapsed or leaky."""

from pathlib import Path

import numpy as np
import pytest

from core.data.sets import SetCollection
from core.data.simulators.families import FamilyConfig, simulate_family
from core.evaluation.registry import metrics
from core.evaluation.sets.geometry import invariance, set_sizes
from core.evaluation.sets.maps import classical_scaling
from core.evaluation.sets.probes import ridge
from core.evaluation.sets.report import evaluate_sets
from core.evaluation.sets.space import Subject
from core.reports.files import read_report

D = 2
LOWER = np.tril_indices(D)


def embed(x: np.ndarray, seen: int | None = None) -> np.ndarray:
    """Mean and square root of the covariance: nearly an isometry for Gaussians."""
    covariance = np.cov(x.T) + 1e-6 * np.eye(D)
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(values) @ vectors.T
    # Off-diagonal entries stand twice in the Frobenius norm.
    weight = np.where(LOWER[0] == LOWER[1], 1.0, np.sqrt(2))
    return np.concatenate([x.mean(axis=0), weight * root[LOWER]]).astype(np.float32)


def generate(z: np.ndarray, n: int, seed: int, shrink: float = 1.0) -> np.ndarray:
    weight = np.where(LOWER[0] == LOWER[1], 1.0, np.sqrt(2))
    out = []
    rng = np.random.default_rng(seed)
    for row in z.astype(np.float64):
        root = np.zeros((D, D))
        root[LOWER] = row[D:] / weight
        root = root + root.T - np.diag(np.diag(root))
        out.append(row[:D] + shrink * rng.normal(size=(n, D)) @ root)
    return np.stack(out)


def subject(sets: SetCollection, **changes: object) -> Subject:
    index = np.arange(sets.s)
    parts = {"embed": embed, "generate": generate, **changes}
    return Subject(sets, index[: int(0.7 * sets.s)], index[int(0.7 * sets.s) :], **parts)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def gaussians() -> SetCollection:
    return simulate_family(FamilyConfig(family="covariance_only", sets=80, observations=200, dimension=D))


def test_an_exact_model_stands_at_the_floor_and_a_report_is_whole(gaussians: SetCollection, tmp_path: Path) -> None:
    report = evaluate_sets(subject(gaussians), out=tmp_path)
    m = {name: one.value for name, one in report.metrics.items()}
    assert abs(m["reconstruction_fraction"]) < 0.15
    assert m["variance_ratio"] == pytest.approx(1, abs=0.12)
    assert m["latent_w2_spearman"] > 0.93  # 200 observations a set
    assert m["invariance_error"] < 1e-2
    assert m["set_size_leakage_r2"] < 0.2
    assert report.metric("latent_w2_spearman").baselines["mean"] < 0.4
    assert [f.name for f in report.flags] == []
    assert set(report.metrics) == set(metrics.names("sets"))
    for name, one in report.metrics.items():
        assert one.low is None or one.low <= one.value <= one.high, name
    assert report.metric("reconstruction_w2").ceiling < report.metric("reconstruction_w2").null
    assert read_report(tmp_path) == report
    with np.load(tmp_path / "arrays" / "samples.npz") as samples:
        assert samples["real"].shape == samples["generated"].shape
    with np.load(tmp_path / "arrays" / "maps.npz") as maps:
        assert maps["pca"].shape[0] == maps["umap"].shape[0] == gaussians.s


def test_a_blind_embedding_is_called_no_better_than_the_mean(gaussians: SetCollection) -> None:
    def mean_only(x: np.ndarray, seen: int | None = None) -> np.ndarray:
        z = embed(x)
        return np.concatenate([z[:D], embed(gaussians.observations[:5000])[D:]]).astype(np.float32)

    report = evaluate_sets(subject(gaussians, embed=mean_only))
    assert report.metric("reconstruction_fraction").value > 0.7
    assert "A trivial embedding does better" in [f.name for f in report.flags]


def test_a_shrunken_generator_raises_the_collapse_flag(gaussians: SetCollection) -> None:
    narrow = lambda z, n, seed: generate(z, n, seed, shrink=0.5)  # noqa: E731
    report = evaluate_sets(subject(gaussians, generate=narrow))
    assert report.metric("variance_ratio").value == pytest.approx(0.25, abs=0.05)
    assert "Variance collapse" in [f.name for f in report.flags]


def test_a_sum_pooled_embedding_is_caught_twice(gaussians: SetCollection) -> None:
    summed = subject(gaussians, embed=lambda x, seen=None: np.append(embed(x), len(x) / 100).astype(np.float32))
    assert invariance(summed) > 0.5
    assert set_sizes(summed)[1] > 0.5


def test_the_set_size_curve_follows_the_square_root(gaussians: SetCollection) -> None:
    large = simulate_family(FamilyConfig(family="covariance_only", sets=20, observations=2000, dimension=D))
    curve, leak = set_sizes(subject(large))
    ratio = [row["rms"] / row["expected"] for row in curve if row["m"] >= 8]
    assert all(0.6 < r < 1.4 for r in ratio)
    assert leak < 0.2


def test_probes_find_a_planted_covariate_and_not_a_random_one(gaussians: SetCollection) -> None:
    rng = np.random.default_rng(0)
    width = np.log(gaussians.truth["covariance"][:, 0, 0])
    sets = SetCollection(
        **{
            **vars(gaussians),
            "covariates": {"width": width, "noise": rng.normal(size=gaussians.s)},
            "labels": {"wide": np.where(width > np.median(width), "yes", "no")},
        }
    )
    rows = {r["target"]: r for r in evaluate_sets(subject(sets)).curve("probes")}
    assert rows["width"]["latent"] > 0.8
    assert rows["width"]["mean"] < 0.3
    assert rows["noise"]["latent"] < 0.3
    assert rows["wide"]["latent"] > rows["wide"]["chance"] + 0.2


def test_ridge_with_little_penalty_is_least_squares() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, 4)) * [1, 10, 0.1, 1]
    y = x @ np.array([[1.0], [2.0], [30.0], [0.0]]) + 3
    found = ridge(x, y, np.vstack([np.eye(4), np.zeros(4)]))[:, 0]
    np.testing.assert_allclose(found[:4] - found[4], [1, 2, 30, 0], atol=1e-3)
    np.testing.assert_allclose(found[4], 3, atol=1e-2)


def test_classical_scaling_recovers_points_in_the_plane() -> None:
    points = np.random.default_rng(2).normal(size=(12, 2))
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    found = classical_scaling(distance)
    np.testing.assert_allclose(np.linalg.norm(found[:, None] - found[None], axis=2), distance, atol=1e-8)

"""Exposure: the extreme-value tail against the distribution that it was drawn from, and what copies and chance give."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import weibull_min

from core.evaluation.context import Panel
from core.evaluation.privacy_exposure import arrays, curves, probabilities, tail_of
from core.evaluation.registry import Unmeasurable, metrics
from tests.evaluation.cohorts import comparison, mosaic, noise
from tests.evaluation.test_adversarial import value


@pytest.mark.parametrize("shape", [2.0, 12.0])
def test_tail_probabilities_are_those_of_the_distribution(shape: float) -> None:
    """Far below the smallest of 2,000 distances too: there counting says 0, and the tail goes on."""
    distances = weibull_min.rvs(shape, size=2000, random_state=1)
    tail = tail_of(distances)
    for share in (1e-4, 1e-3, 0.01, 0.05, 0.2, 0.5, 0.9):
        at = weibull_min.ppf(share, shape)
        chance = tail.probability(np.array([at]))[0]
        assert 1 / 2 < chance / share < 2  # α is known to 5 %: a factor of 1.5 three decades out
        assert share < 0.01 or chance == pytest.approx(share, rel=0.2)
    fresh = tail.probability(weibull_min.rvs(shape, size=20_000, random_state=2))
    assert (fresh <= 0.05).mean() == pytest.approx(0.05, abs=0.01)


def test_probability_grows_with_distance_and_twins_have_their_own() -> None:
    rng = np.random.default_rng(3)
    distances = np.concatenate([np.zeros(4), np.round(rng.gamma(40, 1, 196))])
    at = np.linspace(0, distances.max() + 5, 300)
    chances = tail_of(distances).probability(at)
    assert (np.diff(chances) >= 0).all()
    assert chances[0] == pytest.approx(4 / 200) and chances[-1] == 1


def test_one_in_twenty_by_chance_and_everybody_of_a_copier() -> None:
    shares = [
        value("exposed_share", comparison(*(mosaic(n, 150, s + k) for k, n in ((1, 200), (2, 200), (3, 300)))))
        for s in range(0, 24, 4)
    ]
    assert np.mean(shares) == pytest.approx(0.05, abs=0.025)
    train, holdout = mosaic(200, 150, 1), mosaic(100, 150, 2)
    copied = metrics["exposed_share"].value(comparison(holdout, train, train, draws=50))
    assert copied.value == 1 and copied.params["n_unseen"] == 100
    assert probabilities(comparison(holdout, train, train)).max() == 0


def test_the_exposed_are_listed_first_with_their_record() -> None:
    train, holdout = mosaic(150, 200, 1), mosaic(60, 200, 2)
    made = mosaic(80, 200, 3).calls.copy()
    made[17], made[44] = train.calls[9], train.calls[31]
    made[44, ::25] = (made[44, ::25] + 1) % 3
    here = comparison(holdout, made, train)
    kept = arrays(Panel(here, here, None))["exposure"]
    assert kept["synthetic_id"][:2].tolist() == ["sample_18", "sample_45"]
    assert kept["record_id"][:2].tolist() == ["sample_10", "sample_32"]
    assert kept["distance"][0] == 0 and kept["probability"][0] == 0
    assert kept["holdout_probability"][0] > 0.05
    assert (np.diff(kept["probability"]) >= 0).all()


def test_the_histogram_holds_everybody() -> None:
    here = comparison(mosaic(60, 80, 1), mosaic(50, 80, 2))
    rows = curves(Panel(here, comparison(mosaic(60, 80, 1), noise(50, 80, 3)), None))["exposure"]
    for name in ("synthetic", "null", "real"):
        assert sum(row[name] for row in rows) == pytest.approx(1)


def test_too_few_or_identical_individuals_give_reasons() -> None:
    with pytest.raises(Unmeasurable, match="20 real individuals"):
        tail_of(np.ones(19))
    with pytest.raises(Unmeasurable, match="identical twin"):
        tail_of(np.concatenate([np.zeros(30), np.ones(30)]))

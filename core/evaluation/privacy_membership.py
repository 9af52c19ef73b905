"""Membership inference: can somebody who holds the synthetic individuals tell who was in the training set?

The attack scores a real individual by minus its distance to the nearest synthetic one (GAN-Leaks, black box, Chen et
al. 2020). Members are training individuals, non-members the holdout, as many of each. The calibrated attack divides by
the distance to the nearest individual of a reference population, here the holdout: whoever lives in a dense region is
near to synthetic individuals without having been seen. A non-member cannot be its own reference; for symmetry each
member leaves out one holdout individual too, so that without memory both sides are exchangeable and the AUC is 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluation.context import Comparison, Panel, once
from core.evaluation.distances import natural, nearest_within
from core.evaluation.nearest import between_real, records, reference_records
from core.evaluation.neighbours import params
from core.evaluation.registry import Estimate, Unmeasurable, metric

Floats = npt.NDArray[np.float64]

FALSE_POSITIVES = 0.01
_LEAST = 10  # individuals a side: fewer make no curve
_SOURCE = "Chen et al. 2020 (GAN-Leaks, black-box attack); Stadler et al. 2022"


@dataclass(frozen=True)
class Attack:
    """Scores of an attack, higher for individuals that it holds for members: each (n,) float64."""

    members: Floats
    others: Floats


@metric(
    label="Membership AUC",
    family="Privacy",
    target=0.5,
    bounds=(0.0, 1.0),
    needs_train=True,
    help="Chance that an attacker who looks at the distance to the nearest synthetic individual ranks a training "
    "individual before one of the holdout: 0.5 is guessing, 1 tells everybody apart.",
    source=_SOURCE,
)
def membership_auc(comparison: Comparison) -> Estimate:
    """Area under the ROC curve of the plain attack; ties count half (Mann & Whitney 1947)."""
    return _area(comparison, plain_attack(comparison), 141)


@metric(
    label="Membership AUC, calibrated",
    family="Privacy",
    target=0.5,
    bounds=(0.0, 1.0),
    needs_train=True,
    help="Membership AUC when the distance to the nearest synthetic individual is divided by the distance to the "
    "nearest individual of the holdout: the attacker knows the population, not the training set.",
    source="Chen et al. 2020 (attack calibration), with a reference population in place of a reference model",
)
def membership_auc_calibrated(comparison: Comparison) -> Estimate:
    """Area under the ROC curve of the calibrated attack."""
    return _area(comparison, calibrated_attack(comparison), 142)


@metric(
    label="Members found at 1% false alarms",
    family="Privacy",
    direction="lower",
    bounds=(0.0, 1.0),
    needs_train=True,
    help="Share of the training individuals that the membership attack names while it wrongly names at most 1% of the "
    "holdout: 0.01 is guessing. A model that gives away a few individuals shows here, not in the AUC.",
    source="Carlini et al. 2022 (true-positive rate at a low false-positive rate)",
)
def membership_tpr(comparison: Comparison) -> Estimate:
    """Largest true-positive rate of the plain attack at a false-positive rate of at most 1%."""
    attack = plain_attack(comparison)
    least = round(1 / FALSE_POSITIVES)
    if len(attack.others) < least:
        raise Unmeasurable(f"Needs {least} holdout individuals to allow 1% of false alarms; {len(attack.others)} are.")
    generator = comparison.generator(143)
    draws = [true_positive_rate(_resampled(attack, generator)) for _ in range(comparison.draws)]
    return Estimate(true_positive_rate(attack), np.array(draws), _stated(comparison, attack))


@once
def plain_attack(comparison: Comparison) -> Attack:
    """Minus the distance to the nearest synthetic individual. Unmeasurable with few individuals on a side."""
    members, others = records(comparison).back, reference_records(comparison).back
    return _matched(comparison, -members, -others)


@once
def calibrated_attack(comparison: Comparison) -> Attack:
    """Minus the logarithm of (distance to the nearest synthetic, over that to the nearest of the holdout).

    A distance of 0 to a synthetic individual is certain membership, whatever the population looks like there.
    """
    holdout, config = comparison.reference, comparison.config
    near, real = holdout.near(config.distance_individuals), between_real(comparison)
    own = natural(nearest_within(near, 1, config.distance, comparison.device)[:, 0], config.distance)
    # Each member leaves out one holdout individual at random; that matters where it is the nearest one.
    absent = comparison.generator(144).integers(0, len(near), len(real.distance))
    to_holdout = np.where(real.index[:, 0] == absent, real.distance[:, -1], real.distance[:, 0])
    synthetic = records(comparison).back, reference_records(comparison).back
    return _matched(comparison, *(_log_ratio(a, b) for a, b in zip(synthetic, (to_holdout, own), strict=True)))


def area(attack: Attack) -> float:
    """Area under the ROC curve: the chance that a member scores above a non-member, ties half."""
    from scipy.stats import rankdata

    n = len(attack.members)
    ranks = rankdata(np.concatenate([attack.members, attack.others]))[:n]
    return float((ranks.sum() - n * (n + 1) / 2) / (n * len(attack.others)))


def true_positive_rate(attack: Attack, false_positives: float = FALSE_POSITIVES) -> float:
    """Share of members above the lowest threshold that at most this share of non-members passes; ties do not pass."""
    passing = int(np.floor(false_positives * len(attack.others) + 1e-9))
    if passing >= len(attack.others):
        return 1.0
    threshold = np.partition(attack.others, -passing - 1)[-passing - 1]
    return float((attack.members > threshold).mean())


def curves(panel: Panel) -> dict[str, list[dict[str, Any]]]:
    """`membership_roc`: {"false_positives", "synthetic", "calibrated", "null"}, rates; [] without holdout."""
    grid = np.unique(np.concatenate([np.logspace(-3, 0, 31), np.linspace(0, 1, 41)]))
    if panel.value.train is None:
        return {"membership_roc": []}
    try:
        attacks = {
            "synthetic": plain_attack(panel.value),
            "calibrated": calibrated_attack(panel.value),
            "null": plain_attack(panel.null),
        }
    except Unmeasurable:
        return {"membership_roc": []}
    return {
        "membership_roc": [
            {"false_positives": float(f)} | {name: true_positive_rate(a, float(f)) for name, a in attacks.items()}
            for f in grid
        ]
    }


def _matched(comparison: Comparison, members: Floats, others: Floats) -> Attack:
    """As many members as non-members, drawn with the seed."""
    n = min(len(members), len(others))
    if n < _LEAST:
        raise Unmeasurable(f"Needs {_LEAST} training and as many holdout individuals; {n} are there.")
    generator = comparison.generator(145)
    chosen = (np.sort(generator.permutation(len(side))[:n]) for side in (members, others))
    return Attack(*(side[rows] for side, rows in zip((members, others), chosen, strict=True)))


def _log_ratio(synthetic: Floats, population: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(population) - np.log(synthetic)
    return np.where(synthetic == 0, np.inf, ratio)


def _area(comparison: Comparison, attack: Attack, stream: int) -> Estimate:
    generator = comparison.generator(stream)
    draws = [area(_resampled(attack, generator)) for _ in range(comparison.draws)]
    return Estimate(area(attack), np.array(draws), _stated(comparison, attack))


def _resampled(attack: Attack, generator: np.random.Generator) -> Attack:
    return Attack(*(generator.choice(side, len(side)) for side in (attack.members, attack.others)))


def _stated(comparison: Comparison, attack: Attack) -> dict[str, Any]:
    size = min(comparison.candidate.n, comparison.config.distance_individuals)
    kept = {key: value for key, value in params(comparison).items() if key not in ("n", "sampled_from")}
    return kept | {"members": len(attack.members), "non_members": len(attack.others), "n_synthetic": size}

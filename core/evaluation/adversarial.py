"""Nearest-neighbour adversarial accuracy (AATS), against the reference and against the training individuals.

Ties: a nearest own and a nearest other at the same distance count one half, which keeps 0.5 as the value of
exchangeable cohorts although distances between calls are integers; but a distance of zero to the other cohort is
a copy and counts 0, whatever the own cohort holds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluation.bootstrap import resampled_means
from core.evaluation.context import Comparison
from core.evaluation.neighbours import neighbours, params
from core.evaluation.registry import Estimate, metric

_SOURCE = "Yale et al. 2020, eq. 1–2"


@metric(
    "aa_truth",
    label="AA truth",
    family="Fidelity and diversity",
    direction="target",
    target=0.5,
    bounds=(0.0, 1.0),
    help="Share of real individuals whose nearest neighbour is real, not synthetic; 0 copies, 1 separable.",
    source=_SOURCE,
)
def aa_truth(comparison: Comparison) -> Estimate:
    """Mean over the reference of [own nearest is closer than candidate nearest]."""
    return _estimate(comparison, "truth")


@metric(
    "aa_synthetic",
    label="AA synthetic",
    family="Fidelity and diversity",
    direction="target",
    target=0.5,
    bounds=(0.0, 1.0),
    help="Share of synthetic individuals whose nearest neighbour is synthetic, not real; 0 copies, 1 separable.",
    source=_SOURCE,
)
def aa_synthetic(comparison: Comparison) -> Estimate:
    """Mean over the candidates of [own nearest is closer than reference nearest]."""
    return _estimate(comparison, "synthetic")


@metric(
    "aats",
    label="AATS",
    family="Fidelity and diversity",
    direction="target",
    target=0.5,
    bounds=(0.0, 1.0),
    help="Nearest-neighbour adversarial accuracy, the mean of AA truth and AA synthetic: 0.5 cannot be told "
    "apart, 0 copies, 1 separable. Read both parts: 0 and 1 average to 0.5 too.",
    source=_SOURCE,
)
def aats(comparison: Comparison) -> Estimate:
    """Average of `aa_truth` and `aa_synthetic`."""
    return _estimate(comparison, "average")


@metric(
    "aats_train",
    label="AATS (training individuals)",
    family="Privacy",
    direction="target",
    target=0.5,
    bounds=(0.0, 1.0),
    needs_train=True,
    help="AATS against the individuals that the model was trained on; towards 0 it has memorised them.",
    source=_SOURCE,
)
def aats_train(comparison: Comparison) -> Estimate:
    """`aats` with the training individuals as the reference."""
    return _estimate(against_train(comparison), "average")


@metric(
    "privacy_loss",
    label="Privacy loss",
    family="Privacy",
    headline=True,
    direction="target",
    target=0.0,
    bounds=(-1.0, 1.0),
    needs_train=True,
    help="AATS against the holdout minus AATS against the training individuals: above 0 the synthetic "
    "individuals are closer to those that the model saw, 0.5 is a copier.",
    source="Yale et al. 2020, eq. 3",
)
def privacy_loss(comparison: Comparison) -> Estimate:
    """Difference of `aats` and `aats_train`; each at the largest size its two cohorts share."""
    unseen, seen = aats(comparison), _estimate(against_train(comparison), "average")
    if unseen.value is None or seen.value is None:
        return Estimate(None)
    draws = None if unseen.draws is None or seen.draws is None else unseen.draws - seen.draws
    stated = unseen.params | {"n_train": seen.params["n"]}
    return Estimate(unseen.value - seen.value, draws, stated)


def against_train(comparison: Comparison) -> Comparison:
    """The same candidates compared with the training individuals instead of the reference."""

    def make() -> Comparison:
        assert comparison.train is not None  # the registry asks for it before it calls
        return replace(comparison, reference=comparison.train, train=None)

    return comparison.shared("against_train", make)


def adversarial_indicators(
    own: npt.NDArray[np.float32], other: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float64], float]:
    """([own < other] with the tie rule above, (n,) float64; the share of ties at a distance above zero)."""
    tied = (own == other) & (other > 0)
    return np.where(tied, 0.5, own < other).astype(np.float64), float(tied.mean())


def _estimate(comparison: Comparison, side: str) -> Estimate:
    found = neighbours(comparison)
    truth, tied_truth = adversarial_indicators(found.reference_own, found.reference_other)
    synthetic, tied_synthetic = adversarial_indicators(found.candidate_own, found.candidate_other)
    value = {
        "truth": truth.mean(),
        "synthetic": synthetic.mean(),
        "average": (truth.mean() + synthetic.mean()) / 2,
    }[side]
    ties = {"truth": tied_truth, "synthetic": tied_synthetic, "average": (tied_truth + tied_synthetic) / 2}[side]
    stated: dict[str, Any] = params(comparison) | {"ties": round(ties, 6), "tie_rule": "half; zero distance counts 0"}
    return Estimate(float(value), _draws(comparison, truth, synthetic, side), stated)


def _draws(
    comparison: Comparison,
    truth: npt.NDArray[np.float64],
    synthetic: npt.NDArray[np.float64],
    side: str,
) -> npt.NDArray[np.float64] | None:
    if not comparison.draws:
        return None
    of_truth = resampled_means(truth, comparison.draws, comparison.generator(111))
    of_synthetic = resampled_means(synthetic, comparison.draws, comparison.generator(112))
    return {"truth": of_truth, "synthetic": of_synthetic, "average": (of_truth + of_synthetic) / 2}[side]

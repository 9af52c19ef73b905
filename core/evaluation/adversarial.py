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
from core.evaluation.context import Comparison, Panel, once
from core.evaluation.neighbours import neighbours, params
from core.evaluation.registry import Estimate, Unmeasurable, metric

_SOURCE = "Yale et al. 2020, eq. 1–2"


@metric(
    label="AA truth",
    family="Fidelity and diversity",
    target=0.5,
    bounds=(0.0, 1.0),
    help="Share of real individuals whose nearest neighbour is real, not synthetic; 0 copies, 1 separable.",
    source=_SOURCE,
)
def aa_truth(comparison: Comparison) -> Estimate:
    """Mean over the reference of [own nearest is closer than candidate nearest]."""
    return Estimate(*_accuracy(comparison, "truth"))


@metric(
    label="AA synthetic",
    family="Fidelity and diversity",
    target=0.5,
    bounds=(0.0, 1.0),
    help="Share of synthetic individuals whose nearest neighbour is synthetic, not real; 0 copies, 1 separable.",
    source=_SOURCE,
)
def aa_synthetic(comparison: Comparison) -> Estimate:
    """Mean over the candidates of [own nearest is closer than reference nearest]."""
    return Estimate(*_accuracy(comparison, "synthetic"))


@metric(
    label="AATS",
    family="Fidelity and diversity",
    target=0.5,
    bounds=(0.0, 1.0),
    help="Nearest-neighbour adversarial accuracy, the mean of AA truth and AA synthetic: 0.5 cannot be told "
    "apart, 0 copies, 1 separable. Read both parts: 0 and 1 average to 0.5 too.",
    source=_SOURCE,
)
def aats(comparison: Comparison) -> Estimate:
    """Average of `aa_truth` and `aa_synthetic`."""
    return Estimate(*_accuracy(comparison, "truth", "synthetic"))


@metric(
    label="AATS (training individuals)",
    family="Privacy",
    target=0.5,
    bounds=(0.0, 1.0),
    needs_train=True,
    help="AATS against the individuals that the model was trained on; towards 0 it has memorised them.",
    source=_SOURCE,
)
def aats_train(comparison: Comparison) -> Estimate:
    """`aats` with the training individuals as the reference."""
    return Estimate(*_accuracy(against_train(comparison), "truth", "synthetic"))


@metric(
    label="Privacy loss",
    family="Privacy",
    headline=True,
    target=0.0,
    bounds=(-1.0, 1.0),
    needs_train=True,
    help="AATS against the holdout minus AATS against the training individuals: above 0 the synthetic "
    "individuals are closer to those that the model saw, 0.5 is a copier.",
    source="Yale et al. 2020, eq. 3",
)
def privacy_loss(comparison: Comparison) -> Estimate:
    """Difference of `aats` and `aats_train`; each at the largest size its two cohorts share."""
    unseen, draws, stated = _accuracy(comparison, "truth", "synthetic")
    seen, seen_draws, seen_stated = _accuracy(against_train(comparison), "truth", "synthetic")
    return Estimate(unseen - seen, draws - seen_draws, stated | {"n_train": seen_stated["n"]})


@once
def against_train(comparison: Comparison) -> Comparison:
    """The same candidates compared with the training individuals instead of the reference."""
    assert comparison.train is not None  # the registry asks for it before it calls
    return replace(comparison, reference=comparison.train, train=None)


def adversarial_indicators(
    own: npt.NDArray[np.float32], other: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float64], float]:
    """([own < other] with the tie rule above, (n,) float64; the share of ties at a distance above zero)."""
    tied = (own == other) & (other > 0)
    return np.where(tied, 0.5, own < other).astype(np.float64), float(tied.mean())


def curves(panel: Panel) -> dict[str, list[dict[str, Any]]]:
    """`adversarial_accuracy`: {"side", "aa_truth", "aa_synthetic", "aats", "n"} against each side there is.

    "side" is "train", "holdout", or "real" where nobody was held out.
    """
    value = panel.value
    sides = {"real": value} if value.train is None else {"train": against_train(value), "holdout": value}
    rows: list[dict[str, Any]] = []
    for side, comparison in sides.items():
        try:
            truth, synthetic = (_accuracy(comparison, name)[0] for name in ("truth", "synthetic"))
        except Unmeasurable:
            continue
        both = (truth + synthetic) / 2
        rows.append({"side": side, "aa_truth": truth, "aa_synthetic": synthetic, "aats": both, "n": comparison.n_near})
    return {"adversarial_accuracy": rows}


def _accuracy(comparison: Comparison, *sides: str) -> tuple[float, npt.NDArray[np.float64], dict[str, Any]]:
    """Value, replicates and params of one side, "truth" or "synthetic", or of the mean of both."""
    found = neighbours(comparison)
    near = {
        "truth": (found.reference_own, found.reference_other, 111),
        "synthetic": (found.candidate_own, found.candidate_other, 112),
    }
    values, draws, ties = [], [], []
    for own, other, stream in map(near.__getitem__, sides):
        each, tied = adversarial_indicators(own, other)
        values.append(each.mean())
        draws.append(resampled_means(each, comparison.draws, comparison.generator(stream)))
        ties.append(tied)
    stated = {"ties": round(float(np.mean(ties)), 6), "tie_rule": "half; zero distance counts 0"}
    return float(np.mean(values)), np.mean(draws, axis=0), params(comparison) | stated

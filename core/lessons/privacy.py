"""Lesson 8: generators between copier and honest, judged by AATS and attacked for membership."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Calls
from core.evaluation.adversarial import adversarial_indicators
from core.evaluation.neighbours import Neighbours, neighbours_of
from core.evaluation.privacy_membership import Attack, area, true_positive_rate

Floats = npt.NDArray[np.float64]

GENERATORS = ("Memory", "Mix", "Mean")
"""Remembers a share of each training individual; copies some and makes the others up; makes everybody the same."""
COPIES = 0.44  # of the mixture: at about this share the AATS to the training individuals is one half
INDIVIDUALS = 100  # in each of the three cohorts
_RAREST, _COMMONEST = 0.05, 0.5  # allele frequencies
_RATES = np.linspace(0, 1, 101)  # of false alarms


@dataclass(frozen=True)
class Accuracy:
    """Nearest-neighbour adversarial accuracy against one real cohort (Yale et al. 2020, eq. 1–2).

    Attributes:
        truth: share of real individuals whose nearest neighbour is real.
        synthetic: share of synthetic individuals whose nearest neighbour is synthetic.
        copies, others: the latter among copies, and among the others; NaN where there are none.
    """

    truth: float
    synthetic: float
    copies: float
    others: float

    @property
    def aats(self) -> float:
        """The mean of both shares."""
        return (self.truth + self.synthetic) / 2


@dataclass(frozen=True)
class Audit:
    """A synthetic cohort and what it gives away.

    Attributes:
        train, holdout: AATS against the individuals that the generator saw, and against others of their population.
        members, others: (n,) distance of each training and each holdout individual to the nearest synthetic one.
        false_alarms, found: (101,) rates of the attack "whoever has a near synthetic individual was in the training
            set": its ROC curve.
        auc: area under it. named: share of members found while 1 % of the others are named wrongly.
    """

    train: Accuracy
    holdout: Accuracy
    members: Floats
    others: Floats
    false_alarms: Floats
    found: Floats
    auc: float
    named: float

    @property
    def privacy_loss(self) -> float:
        """AATS to the holdout minus AATS to the training individuals (Yale et al. 2020, eq. 3)."""
        return self.holdout.aats - self.train.aats


def simulate(generator: str, memory: float, variants: int, seed: int) -> Audit:
    """Training, holdout and synthetic individuals of one population with independent variants.

    Args:
        generator: one of GENERATORS.
        memory: share of the calls that a synthetic individual of "Memory" has from one training individual; the
            others are drawn from the population, so that its cohort has the right distribution at any value.
        variants: number of variants, m.
        seed: of frequencies and calls; memory changes no random number.
    """
    train, holdout, synthetic, copied = cohorts(generator, memory, variants, np.random.default_rng(seed))
    on_train, on_holdout = (neighbours_of(_as_float(real), _as_float(synthetic), (1,)) for real in (train, holdout))
    members, others = (np.sqrt(found.reference_other.astype(np.float64)) for found in (on_train, on_holdout))
    attack = Attack(-members, -others)
    return Audit(
        train=_accuracy(on_train, copied),
        holdout=_accuracy(on_holdout, copied),
        members=members,
        others=others,
        false_alarms=_RATES,
        found=np.array([true_positive_rate(attack, float(rate)) for rate in _RATES]),
        auc=area(attack),
        named=true_positive_rate(attack),
    )


def cohorts(
    generator: str, memory: float, variants: int, rng: np.random.Generator
) -> tuple[Calls, Calls, Calls, npt.NDArray[np.bool_]]:
    """Training, holdout and synthetic calls, each int8 (INDIVIDUALS, m), and which synthetic ones are copies."""
    frequency = rng.uniform(_RAREST, _COMMONEST, variants)
    train, holdout, fresh = (_drawn(rng, frequency, INDIVIDUALS) for _ in range(3))
    kept = rng.uniform(size=train.shape)
    copied = np.zeros(INDIVIDUALS, dtype=np.bool_)
    if generator == GENERATORS[0]:
        synthetic = np.where(kept < memory, train, fresh)
    elif generator == GENERATORS[1]:
        copied[: round(COPIES * INDIVIDUALS)] = True
        # Far away: the other allele is the frequent one at every variant.
        synthetic = np.where(copied[:, None], train, 2 - fresh)
    else:
        synthetic = np.broadcast_to(np.round(2 * frequency), train.shape)
    return train, holdout, synthetic.astype(np.int8), copied


def _drawn(rng: np.random.Generator, frequency: Floats, n: int) -> Calls:
    return rng.binomial(2, frequency, size=(n, len(frequency))).astype(np.int8)


def _as_float(calls: Calls) -> npt.NDArray[np.float32]:
    return calls.astype(np.float32)


def _accuracy(found: Neighbours, copied: npt.NDArray[np.bool_]) -> Accuracy:
    truth = adversarial_indicators(found.reference_own, found.reference_other)[0]
    synthetic = adversarial_indicators(found.candidate_own, found.candidate_other)[0]
    parts = [float(synthetic[rows].mean()) if rows.any() else float("nan") for rows in (copied, ~copied)]
    return Accuracy(float(truth.mean()), float(synthetic.mean()), *parts)

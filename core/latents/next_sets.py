"""The next sets of a set, by the linear flow of its latent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.errors import InputError
from core.evaluation.sets.forecast import TRAIN_MIN, consecutive, next_latents
from core.evaluation.sets.space import Subject
from core.latents.lens import Latents, outside
from core.latents.walk import place_of


@dataclass(frozen=True)
class NextSets:
    """What follows one set.

    Attributes:
        order: the column that orders sets. begin: the value of the set that is followed.
        stage: (steps,) the values of what follows. observed: the largest value among the training sets.
        latents: (steps, L), each a step on from the one before.
        outside: (steps,) how far each lies outside of the training latents; above 1 the model extrapolates.
        n_train: pairs of sets from which the step was learned.
    """

    order: str
    begin: float
    stage: npt.NDArray[np.float64]
    observed: float
    latents: Latents
    outside: npt.NDArray[np.float64]
    n_train: int

    @property
    def warnings(self) -> list[str]:
        """Why these forecasts may be worth little, in sentences."""
        said = []
        if (self.stage > self.observed).any():
            said.append(
                f"No training set is later than {self.order} {self.observed:g}: what comes after it is extrapolated."
            )
        if (self.outside > 1).any():
            said.append(
                f"The latent lies outside of the training sets from {self.order} "
                f"{self.stage[np.argmax(self.outside > 1)]:g} on ({self.outside.max():.1f} times as far from its "
                "nearest one as any of them): the model extrapolates."
            )
        return said


def next_sets(subject: Subject, name: str, steps: int) -> NextSets:
    """The next `steps` sets of the set called `name`, each at the next value of the order among all sets.

    Beyond the last value the usual (median) step goes on. Raises InputError where nothing orders the sets, where too
    few training pairs follow each other, and for a set without a value.
    """
    place = place_of(subject.sets, name)
    found = consecutive(subject.sets)
    if isinstance(found, str):
        raise InputError(found)
    column, stage, pairs = found
    fit = pairs[np.isin(pairs, subject.train).all(axis=1)]
    if len(fit) < TRAIN_MIN:
        raise InputError(f"{len(fit)} training pairs of sets follow each other by {column!r}; {TRAIN_MIN} are needed.")
    at = float(stage[place])
    if not np.isfinite(at):
        raise InputError(f"The set {name!r} has no value of {column!r}, so what follows it is not defined.")
    known = np.unique(stage[np.isfinite(stage)])
    usual = float(np.median(stage[fit[:, 1]] - stage[fit[:, 0]]))
    latents, stages, z = [], [], subject.latents[place].astype(np.float64)[None]
    for _ in range(steps):
        later = known[known > at + 1e-9]
        then = float(later[0]) if len(later) else at + usual
        z = next_latents(subject.latents, stage, fit, (z, np.array([at])), np.array([then]))
        latents.append(z[0].astype(np.float32))
        stages.append(then)
        at = then
    training = subject.latents[subject.train]
    return NextSets(
        order=column,
        begin=float(stage[place]),
        stage=np.array(stages),
        observed=float(np.nanmax(stage[subject.train])),
        latents=np.stack(latents),
        outside=np.array([outside(one, training) for one in latents]),
        n_train=len(fit),
    )

"""The latents of individuals: a map of a cohort, and what lies between two individuals or two populations."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Genotypes
from core.errors import InputError
from core.latents.lens import Latents, checkpoint_of, leave_half_of_the_cores

if TYPE_CHECKING:
    from core.models.base import Model

Floats = npt.NDArray[np.float32]

MOMENTS = 21  # of a walk, both ends counted
MAPPED = 2000  # individuals on a map at most, evenly spread over the cohort


@dataclass(frozen=True)
class CohortMap:
    """Where the individuals lie.

    Attributes:
        rows: (n,) places in the cohort.
        latents: (n, latent) of each.
        places: (n, 2) along the principal components of the latents.
        explained: (2,) share of the variance of the latents along each.
        axes: (latent, 2) unit vectors of the components.
    """

    rows: npt.NDArray[np.int64]
    latents: Latents
    places: Floats
    explained: Floats
    axes: Floats

    def place(self, latents: Latents) -> Floats:
        """(t, 2) where latents (t, latent) lie on this map."""
        return np.asarray((latents - self.latents.mean(axis=0)) @ self.axes, dtype=np.float32)


@dataclass(frozen=True)
class End:
    """One end of a walk: an individual, or the middle of a population.

    Attributes:
        name: of either.
        latent: (latent,) of the individual, or the mean over the population.
        individuals: how many it stands for.
        frequency: (m,) observed frequency of the alternate allele, NaN where no call is known.
        phenotypes: (P,) standardised, NaN unknown.
    """

    name: str
    latent: Latents
    individuals: int
    frequency: Floats
    phenotypes: Floats


@dataclass(frozen=True)
class Way:
    """What the model expects on the straight line between the latents of two ends.

    Attributes:
        t: (T,) 0 at the first end, 1 at the last.
        latents: (T, latent).
        genotypes: (T, m, categories) probability of each genotype.
    """

    t: Floats
    latents: Latents
    genotypes: Floats

    @property
    def frequency(self) -> Floats:
        """(T, m) expected frequency of the alternate allele."""
        doses = np.arange(self.genotypes.shape[2], dtype=np.float32)
        return np.asarray(self.genotypes @ doses / doses[-1])

    @property
    def heterozygosity(self) -> Floats:
        """(T,) expected share of heterozygous calls; 0 for haplotypes."""
        return np.asarray(self.genotypes[:, :, 1:-1].sum(axis=2).mean(axis=1))


@dataclass(frozen=True)
class IndividualLens:
    """The model of a run on the CPU, beside the cohort that it was trained on."""

    model: Model
    genotypes: Genotypes

    def encode(self, rows: npt.NDArray[Any]) -> Latents:
        """(n, latent) float32 of the individuals at `rows`."""
        import torch

        from core.training.data import condition_of

        some = self.genotypes.individuals(rows)
        calls = torch.from_numpy(np.ascontiguousarray(some.calls, dtype=np.int8))
        return np.asarray(self.model.encode(calls, condition_of(some, self.model.spec)).numpy(), dtype=np.float32)

    def cohort_map(self) -> CohortMap:
        """The individuals along the principal components of their latents."""
        n = self.genotypes.n
        rows = np.linspace(0, n - 1, min(n, MAPPED)).astype(np.int64)
        latents = self.encode(rows)
        centred = latents - latents.mean(axis=0)
        _, singular, axes = np.linalg.svd(centred.astype(np.float64), full_matrices=False)
        kept = np.zeros((2, latents.shape[1]))
        kept[: min(2, len(axes))] = axes[:2]
        share = np.square(singular) / max(float(np.square(singular).sum()), 1e-12)
        explained = np.pad(share[:2], (0, max(0, 2 - len(share))))
        places = np.asarray(centred @ kept.T, dtype=np.float32)
        return CohortMap(rows, latents, places, explained.astype(np.float32), kept.T.astype(np.float32))

    def individual(self, name: str) -> End:
        """The individual called `name`. Raises InputError."""
        row = _place(self.genotypes.sample_id.tolist(), name, "individual")
        return self._end(name, np.array([row]))

    def population(self, column: str, name: str) -> End:
        """The middle of those whose label in `column` is `name`. Raises InputError."""
        labels = self.genotypes.labels.get(column)
        if labels is None:
            known = ", ".join(self.genotypes.labels) or "none"
            raise InputError(f"There is no label column {column!r}; the cohort has: {known}.")
        _place(sorted(set(labels.tolist()) - {""}), name, "population")
        return self._end(name, np.flatnonzero(labels == name))

    def walk(self, start: End, end: End, moments: int = MOMENTS) -> Way:
        """From the one end to the other in evenly spaced steps; phenotypes move in proportion."""
        import torch

        from core.models.base import UNKNOWN, Condition

        t = np.linspace(0, 1, moments, dtype=np.float32)[:, None]
        latents = (1 - t) * start.latent + t * end.latent
        phenotypes = (1 - t) * start.phenotypes + t * end.phenotypes
        labels = torch.full((moments, len(self.model.spec.label_columns)), UNKNOWN)
        condition = Condition(labels, torch.from_numpy(phenotypes.astype(np.float32)))
        genotypes = self.model.decode(torch.from_numpy(latents), condition).numpy()
        return Way(t[:, 0], latents, np.asarray(genotypes, dtype=np.float32))

    def _end(self, name: str, rows: npt.NDArray[Any]) -> End:
        from core.training.data import condition_of

        some = self.genotypes.individuals(rows)
        known = some.calls >= 0
        alleles = np.where(known, some.calls, 0).sum(axis=0, dtype=np.float64)
        copies = known.sum(axis=0) * float(some.ploidy)
        frequency = np.divide(alleles, copies, out=np.full(some.m, np.nan), where=copies > 0)
        numbers = condition_of(some, self.model.spec).phenotypes.numpy()
        measured = np.isfinite(numbers)
        sums = np.where(measured, numbers, 0).sum(axis=0)
        phenotypes = np.divide(sums, measured.sum(axis=0), out=np.full(sums.shape, np.nan), where=measured.any(axis=0))
        latent = self.encode(rows).mean(axis=0)
        return End(name, latent, len(rows), frequency.astype(np.float32), phenotypes.astype(np.float32))


def open_individuals(checkpoints: Path, genotypes: Genotypes, *, sharing: bool = False) -> IndividualLens:
    """The best checkpoint in a run's folder `checkpoints`, and the cohort of the run.

    `sharing` as in `core.latents.lens.open_lens`. Raises InputError where there is no checkpoint, or its model has no
    latents of individuals, or the cohort is another one.
    """
    from core.training.load import load_model

    folder = checkpoint_of(checkpoints)
    if sharing:
        leave_half_of_the_cores()
    model = load_model(folder)
    if not model.encodes:
        raise InputError("The model of this run has no latents of individuals; train one that has, such as the VAE.")
    if genotypes.m != model.spec.variants:
        raise InputError(
            f"The cohort has {genotypes.m} variants and the model was trained on {model.spec.variants}; "
            "give the cohort that it was trained on."
        )
    return IndividualLens(model, genotypes)


def far_apart(cohort: CohortMap, groups: npt.NDArray[Any] | None = None) -> tuple[int, int]:
    """Two individuals to begin with (places on the map) or, with a group for each, the two farthest groups' numbers.

    groups: (n,) codes from 0, -1 for none.
    """
    z = cohort.latents
    if groups is not None:
        z = np.stack([cohort.latents[groups == k].mean(axis=0) for k in range(int(groups.max()) + 1)])
        apart = np.square(z[:, None] - z[None]).sum(axis=2)
        first, last = divmod(int(apart.argmax()), len(z))
        return first, last
    first = int(np.square(z - z.mean(axis=0)).sum(axis=1).argmax())
    return first, int(np.square(z - z[first]).sum(axis=1).argmax())


def _place(names: Sequence[str], name: str, what: str) -> int:
    if name not in names:
        near = difflib.get_close_matches(name, names, n=3) or list(names[:3])
        known = f"; there are {what}s such as {', '.join(map(repr, near))}" if near else ""
        raise InputError(f"There is no {what} called {name!r}{known}.")
    return list(names).index(name)

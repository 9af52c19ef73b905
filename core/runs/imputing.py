"""Genotypes imputed by the model of a run, and how well that goes where the truth is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from core.data.dataset import Dataset
from core.data.genotype_counts import allele_frequency, genotype_counts
from core.data.genotypes import MISSING, Genotypes
from core.data.imputed import Imputed
from core.data.selection import cohort_split
from core.errors import InputError
from core.evaluation.imputation import expected_r2
from core.runs.directory import Run
from core.runs.sampling import provenance

IMPUTE_SEED = 50_000  # added to the run's seed for models that draw while they impute
VARIANTS, CALLS = "variants", "calls"
_BATCH = 64


def impute(
    run: Run,
    genotypes: Genotypes,
    *,
    seed: int | None = None,
    device: str = "cpu",
    progress: Callable[[int], None] | None = None,
) -> Imputed:
    """The individuals with a probability for each missing call, from the best checkpoint of `run`.

    Args:
        genotypes: on the variants of the run's dataset (`core.data.alignment`); their labels and phenotypes are used
            where the model is conditioned on them.
        seed: of the noise of models that draw; default: derived from the run's seed.
        progress: told how many individuals are done.

    Raises InputError where there is no checkpoint, or the model cannot impute.
    """
    import torch

    from core.training.data import condition_of
    from core.training.load import load_model

    if not run.has_checkpoint:
        raise InputError(f"Run {run.id} has no checkpoint yet; let it train until its first one.")
    folder = run.checkpoints / ("best" if (run.checkpoints / "best").is_dir() else "last")
    model = load_model(folder, device)
    if not model.imputes:
        raise InputError(f"The model of run {run.id} cannot impute; choose a run of one that can.")
    noise = torch.Generator(device).manual_seed(int(run.config["seed"]) + IMPUTE_SEED if seed is None else seed)
    condition = condition_of(genotypes, model.spec)
    calls = torch.from_numpy(np.ascontiguousarray(genotypes.calls))
    probability = np.empty((genotypes.n, genotypes.m, model.spec.categories), dtype=np.float32)
    for start in range(0, genotypes.n, _BATCH):
        rows = slice(start, start + _BATCH)
        found = model.impute(calls[rows].to(device), condition.index(rows).to(device), noise)
        probability[rows] = found.cpu().numpy()
        if progress is not None:
            progress(min(start + _BATCH, genotypes.n))
    return Imputed(genotypes, probability, expected_r2(probability, genotypes.calls == MISSING))


def hide(genotypes: Genotypes, share: float, what: str, seed: int) -> Genotypes:
    """The genotypes without `share` of the variants that have a call (the same for everybody), or of the calls.

    what: VARIANTS or CALLS. Raises InputError for a share that is not between 0 and 1, or that hides nothing or all.
    """
    if not 0 < share < 1:
        raise InputError(f"The share to hide is {share:g}; a number between 0 and 1 is expected, such as 0.5.")
    rng = np.random.default_rng(seed)
    known = genotypes.calls != MISSING
    if what == CALLS:
        hidden = rng.random(known.shape) < share
    else:
        there = np.flatnonzero(known.any(axis=0))
        hidden = np.zeros(known.shape, dtype=bool)
        hidden[:, rng.choice(there, round(share * len(there)), replace=False)] = True
    if not (hidden & known).any() or not (known & ~hidden).any():
        raise InputError(f"A share of {share:g} of the {what} hides nothing or everything; choose another share.")
    return replace(genotypes, calls=np.where(hidden, MISSING, genotypes.calls).astype(np.int8))


def training_frequency(run: Run, dataset: Dataset) -> npt.NDArray[np.float64]:
    """(m,) alternate-allele frequency among the training individuals of `run`; 0 where nobody is called."""
    counts = genotype_counts(
        dataset.genotypes().calls, dataset.meta.cohort.ploidy, cohort_split(dataset, run.config).train
    )
    return np.nan_to_num(allele_frequency(counts))


def trained_on(run: Run, dataset: Dataset, genotypes: Genotypes) -> int:
    """How many of the individuals have the name of a training individual: imputing those proves nothing."""
    names = dataset.genotypes().sample_id[cohort_split(dataset, run.config).train]
    return int(np.isin(genotypes.sample_id, names).sum())


def imputed_provenance(run: Run, source: str, hidden: str = "") -> dict[str, str]:
    """What the header of a file of imputed genotypes tells; `source` is the name of the file that was imputed."""
    told = {**provenance(run), "kind": "imputed individuals", "imputed": source}
    return told | ({"hidden": hidden} if hidden else {})

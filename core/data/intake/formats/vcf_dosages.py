"""Dosages of a VCF record, fields DS and GP, as counts where genotypes are absent."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import MISSING, Calls
from core.data.intake.coding import COUNTS, remarks, unsure
from core.errors import InputError

Floats = npt.NDArray[np.float64]

_ROUNDING = 0.01  # of sums of written probabilities


def has_dosages(record: Any) -> bool:
    """Whether a cyvcf2 record has a field of dosages or of genotype probabilities."""
    return bool({"DS", "GP"} & set(record.FORMAT))


def dosage_of(record: Any, alternate: int) -> Floats:
    """(n,) copies of the alternate allele (1…) as DS says, else as GP expects of two copies; NaN where they do not."""
    if "DS" in record.FORMAT:
        dosages = np.asarray(record.format("DS"), dtype=np.float64)
        dosage = dosages[:, alternate - 1] if alternate <= dosages.shape[1] else np.full(len(dosages), np.nan)
    else:
        probability = np.asarray(record.format("GP"), dtype=np.float64)
        diploid = probability.shape[1] == 3  # of two alleles: 0/0, 0/1 and 1/1
        dosage = probability[:, 1] + 2 * probability[:, 2] if diploid else np.full(len(probability), np.nan)
    finite: Floats = np.where(np.isfinite(dosage), dosage, np.nan)
    return finite


class Dosages:
    """Turns dosages to counts, and keeps for the remarks how many were taken and how sure they were."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._records = self._calls = self._inexact = self._middle = 0

    def of_record(self, record: Any, alternate: int) -> Calls:
        """(n,) counts of a record without genotypes. Raises InputError for a dosage outside 0 to 2."""
        self._records += 1
        return self._counts(record, dosage_of(record, alternate))

    def of_some(self, record: Any, alternate: int, who: npt.NDArray[np.bool_]) -> Calls:
        """Counts of the individuals `who` (n,) of a record with genotypes of others. Raises InputError likewise."""
        counts = self._counts(record, dosage_of(record, alternate)[who])
        self._calls += int((counts != MISSING).sum())
        return counts

    def remarks(self) -> list[str]:
        """What is said of them."""
        notes = []
        if self._records:
            notes.append(f"{self._records:,} variants have no genotypes; their dosages (DS, else GP) were read.")
        if self._calls:
            notes.append(f"{self._calls:,} calls have no genotype; their dosages (DS, else GP) were read.")
        return notes + remarks(self._inexact, self._middle)

    def _counts(self, record: Any, dosage: Floats) -> Calls:
        if (dosage < -_ROUNDING).any() or (dosage > 2 + _ROUNDING).any():
            raise InputError(
                f"{self._name} has a dosage of {np.nanmax(np.abs(dosage)):g} at {record.CHROM}:{record.POS}; 0 to 2 of "
                "the alternate allele are expected: check the fields DS and GP."
            )
        counts, exact = COUNTS.counts(dosage)
        between, near = unsure(exact)
        self._inexact, self._middle = self._inexact + int(between.sum()), self._middle + int(near.sum())
        return counts

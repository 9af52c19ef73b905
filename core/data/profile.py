"""What the Datasets page shows of a cohort, computed once at import."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.data.genotypes import MISSING, Genotypes
from core.data.relatives import Relatives
from core.data.split import Split


def make_profile(genotypes: Genotypes, relatives: Relatives, split: Split) -> dict[str, Any]:
    """Per-variant and per-individual columns under "arrays", and their summaries as JSON types."""
    missing = genotypes.calls == MISSING
    called = np.maximum((~missing).sum(axis=0), 1)
    frequency = np.where(missing, 0, genotypes.calls).sum(axis=0) / (genotypes.ploidy * called)
    return {
        "schema": 1,
        "missing": {"fraction": float(missing.mean())},
        "arrays": {"variant_frequency": frequency, "variant_missing": missing.mean(axis=0)},
    }

"""The way back from an embedding to the genes that it was made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.errors import InputError

GENES_MAX = 5000  # kept with a dataset: 1 MB for 50 components
ENTRIES_MAX = 100_000_000  # numbers of generated genes at once


@dataclass(frozen=True)
class Loadings:
    """x = W z + μ, for a linear embedding z of genes x.

    Attributes:
        matrix: (g, d) float32 W, a row for each gene.
        gene: (g,) str names.
        mean: (g,) float32 μ, in the units of the matrix that was embedded; None where it is not known: then genes are
            deviations from it.
    """

    matrix: npt.NDArray[np.float32]
    gene: npt.NDArray[np.str_]
    mean: npt.NDArray[np.float32] | None = None

    def fits(self, cells: int) -> bool:
        """Whether so many cells are few enough to be written as genes at once."""
        return cells * len(self.gene) <= ENTRIES_MAX

    def genes(self, scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Embedded cells (…, d) → (…, g) float32 genes. Raises InputError where that were too many numbers."""
        cells = scores.size // max(1, scores.shape[-1])
        if not self.fits(cells):
            raise InputError(
                f"{cells:,} cells of {len(self.gene):,} genes are {cells * len(self.gene):,} numbers; at most "
                f"{ENTRIES_MAX:,} are written at once: take fewer cells or steps."
            )
        made = scores.astype(np.float32) @ self.matrix.T
        return made if self.mean is None else made + self.mean

    @property
    def units(self) -> str:
        """What the numbers are, in words."""
        return "deviations from a mean that is not known" if self.mean is None else "in the units of X of the file"

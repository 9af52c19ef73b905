"""Oxford's binary BGEN, read with the optional library bgen; probabilities become calls as in a .gen file."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Genotypes, number_ids
from core.data.intake.archives import reason
from core.data.intake.companions import companion
from core.data.intake.formats.base import CohortFormat, CohortSource, Head, ReadResult, formats, lines_preview
from core.data.intake.formats.calls import CallsWriter, NoVariantError, column, variant_columns
from core.data.intake.formats.oxford import THRESHOLD, calls_of
from core.data.intake.people import described_individuals
from core.errors import InputError

_OTHERWISE = "write a bed with plink2 --bgen FILE ref-first --make-bed"


@formats.register(
    "bgen",
    title="BGEN",
    kind="genotypes",
    help="BGEN with its .sample, where the optional library bgen is installed; genotypes of probability 0.9 or more.",
    source="BGEN 1.2 specification (Band and Marchini 2018); read with bgen",
)
class Bgen(CohortFormat):
    """Biallelic variants of diploid individuals; the second allele is counted."""

    endings = (".bgen",)
    companion_endings = (".sample", ".samples")
    joins = True
    recognised = "by the word bgen in its header"

    @staticmethod
    def matches(head: Head) -> bool:
        return head.first[16:20] == b"bgen"

    @staticmethod
    def read(source: CohortSource) -> ReadResult[Genotypes]:
        name = source.main.name
        if importlib.util.find_spec("bgen") is None:
            raise InputError(
                f"{name} is a BGEN file, and the library bgen, which reads it, is not installed: install "
                f"requirements-extra.txt, or {_OTHERWISE}."
            )
        try:
            return _read(source)
        except (ValueError, RuntimeError, OSError, EOFError, MemoryError) as error:
            raise InputError(
                f"{name} is a damaged BGEN file ({reason(error)}): copy it again, or {_OTHERWISE}."
            ) from None

    @staticmethod
    def preview(source: CohortSource) -> dict[str, Any]:
        return {**lines_preview(source), "rows": []}


def _read(source: CohortSource) -> ReadResult[Genotypes]:
    from bgen import BgenReader

    name = source.main.name
    rows: list[tuple[str, str, int, list[str]]] = []
    unsure = multiallelic = polyploid = 0
    with BgenReader(str(source.main.path), delay_parsing=True) as reader:
        ids = [str(one) for one in reader.samples]
        writer = CallsWriter(source.folder, len(ids), name)
        for variant in reader:
            if len(variant.alleles) != 2:
                multiallelic += 1
                continue
            probability = _diploid(np.asarray(variant.probabilities, dtype=np.float64))
            if probability is None:
                polyploid += 1
                continue
            calls, doubtful = calls_of(np.nan_to_num(probability))
            unsure += doubtful
            writer.append(calls)
            rows.append((variant.rsid or variant.varid, variant.chrom, int(variant.pos), list(variant.alleles)))
    if not rows:
        raise NoVariantError(f"{name} has no variant with two alleles in diploid individuals; {_OTHERWISE}.")
    sample = companion(source, ".sample", ".samples")
    told, labels, phenotypes, notes = described_individuals(
        sample.path if sample else None, sample.name if sample else "", len(ids), name
    )
    if told is None and ids == [str(i) for i in range(len(ids))]:
        told = number_ids("sample", len(ids)).tolist()
        notes.append("The file names no individuals and no .sample file came with it, so they are numbered.")
    names, contigs, positions, pairs = zip(*rows, strict=True)
    genotypes = Genotypes(
        calls=writer.matrix().T,
        sample_id=column(told or ids),
        labels=labels,
        phenotypes=phenotypes,
        **variant_columns(names, contigs, positions, pairs),
    )
    said = (
        f"Of each genotype's probabilities the one of {THRESHOLD} or more is taken, and the second allele counted; "
        f"{unsure:,} calls have none so sure and are missing."
    )
    dropped = {"multi-allelic": multiallelic, "not diploid": polyploid}
    return ReadResult(genotypes, {k: v for k, v in dropped.items() if v}, [said, *notes])


def _diploid(probability: npt.NDArray[np.float64]) -> npt.NDArray[np.float64] | None:
    """(n, 3) probabilities of 0, 1 and 2 second alleles, also from (n, 4) of two haplotypes; None of anything else."""
    if probability.ndim == 2 and probability.shape[1] == 3:
        return probability
    if probability.ndim != 2 or probability.shape[1] != 4:
        return None
    one, two = probability[:, 1], probability[:, 3]
    known = np.isfinite(probability.sum(axis=1))
    return np.stack([(1 - one) * (1 - two), one * (1 - two) + two * (1 - one), one * two], axis=1) * known.reshape(
        -1, 1
    )

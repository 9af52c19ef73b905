"""Headers that name the counted allele of each variant, as PLINK's .raw does: rs1000_C, or rs1000_C(/T)."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from core.data.genotypes import Genotypes
from core.data.intake.formats.calls import column

_COUNTED = re.compile(r"(?P<id>.+)_(?P<counted>[ACGTacgt]+|[0ID*]|<[^>]*>)(\(/(?P<other>[^)]*)\))?")
_HETEROZYGOUS = "_HET"
_MOST = 0.9


def with_counted_alleles(genotypes: Genotypes) -> tuple[Genotypes, list[str]]:
    """Ids without the counted allele, which becomes the alternate one; columns of heterozygosity (_HET) left out.

    Nothing changes unless nearly all ids are written so. The other allele stays unknown ("") where it is not named.
    """
    ids = genotypes.variant_id.tolist()
    doubled = np.array([one.endswith(_HETEROZYGOUS) for one in ids])
    notes = []
    if 0 < doubled.sum() < len(ids) and len({i.rsplit("_", 1)[0] for i in ids}) <= len(ids) - doubled.sum():
        notes.append(f"{int(doubled.sum()):,} columns that mark heterozygotes (_HET) were left out.")
        genotypes = genotypes.variants(np.flatnonzero(~doubled))
        ids = genotypes.variant_id.tolist()
    matches = [_COUNTED.fullmatch(one) for one in ids]
    named = [m for m in matches if m]
    unknown = not (genotypes.variant_allele != "").any()
    if len(named) < _MOST * len(ids) or not unknown:
        return genotypes, notes
    plain = [m["id"] if m else one for m, one in zip(matches, ids, strict=True)]
    if len(set(plain)) < len(set(ids)):
        return genotypes, notes
    pairs = [((m["other"] or ""), m["counted"].replace("0", "")) if m else ("", "") for m in matches]
    notes.append(f"Names such as {ids[0]!r} say which allele is counted ({pairs[0][1] or 'unknown'}).")
    alleles = column((allele.upper() for pair in pairs for allele in pair), 50).reshape(-1, 2)
    return replace(genotypes, variant_id=column(plain), variant_allele=alleles), notes

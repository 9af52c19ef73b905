"""The six columns of PLINK's fam, tfam and ped files: family, individual, parents, sex, phenotype."""

from __future__ import annotations

from core.data.intake.tables import Table

COLUMNS = ["FID", "IID", "PAT", "MAT", "SEX", "PHENOTYPE"]


def individual_ids(fam: Table) -> list[str]:
    """The individual ids of the six columns; with the family id in front where they repeat between families."""
    ids = fam.column(1)
    if len(set(ids)) == len(ids):
        return ids
    return [f"{family}_{one}" for family, one in zip(fam.column(0), ids, strict=True)]


def family_columns(fam: Table) -> dict[str, list[str]]:
    """Families that have several members, sex, and the phenotype, each only where something is known."""
    families, people = fam.column(0), fam.column(1)
    columns = {}
    repeated = 1 < len(set(families)) <= max(2, len(families) // 2)
    if repeated and families != people:
        columns["family"] = families
    sex = ["" if v in ("0", "-9") else v for v in fam.column(4)]
    if any(sex):
        columns["sex"] = sex
    status = ["" if v == "-9" else v for v in fam.column(5)]
    if any(v not in ("", "0", "NA") for v in status):
        columns["phenotype"] = status
    return columns

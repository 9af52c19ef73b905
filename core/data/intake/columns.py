"""What a column about individuals is: a label (a group one belongs to) or a phenotype (a number that was measured)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Strings
from core.errors import InputError

Phenotype = npt.NDArray[np.float64]

MISSING_WORDS = frozenset({"", "NA", "N/A", "NaN", "nan", "na", ".", "null", "NULL", "None", "none", "-"})
MANY_VALUES = 100  # labels beyond this are listed last: no one conditions on or stratifies by them

_POPULATION = re.compile(r"pop|population|popul.*|ancestry|ethnicity|breed|subpop.*|lineage", re.IGNORECASE)
_SUPER = re.compile(r"super.?pop.*|continent.*|superpopulation", re.IGNORECASE)
_GROUP = re.compile(
    r"class|label|.*(pop|cluster|group|batch|plate|family|fid|region|country|site|cohort|breed|cage).*", re.IGNORECASE
)
_SEX = re.compile(r"sex|gender", re.IGNORECASE)
_STATUS = re.compile(r"pheno|phenotype|case|status|affected|affection|disease|diagnosis|case.?control", re.IGNORECASE)
_SEX_LETTERS = {"M": "male", "F": "female"}
_SEX_CODES = {"1": "male", "2": "female", "0": ""}
_DECIMAL_COMMA = re.compile(r"[-+]?\d+(,\d+)?")
_NAME_LONGEST = 60
_VALUE_LONGEST = 60


def individual_columns(
    columns: Mapping[str, Sequence[str]], label_columns: Sequence[str] = (), *, plink: bool = False
) -> tuple[dict[str, Strings], dict[str, Phenotype], list[str]]:
    """Sort columns of strings into labels and phenotypes, with remarks on what was left out or recoded.

    Words become labels and numbers phenotypes, except that numeric codes of groups (sex 1/2, population 1..k) are
    labels and a case/control status 1/2 becomes 0/1. `label_columns` decides which columns are labels, and their order;
    a column of words that is not in it is left out. Without it populations come first, and columns of one value or of
    more than `MANY_VALUES` last. A column in which most individuals have their own value is not a label. In a file of
    PLINK -9 is missing, elsewhere only where no other value is negative.
    """
    labels: dict[str, Strings] = {}
    phenotypes: dict[str, Phenotype] = {}
    notes: list[str] = []
    for raw, values in columns.items():
        name = raw.strip()[:_NAME_LONGEST]
        clean = _decoded(name, ["" if v.strip() in MISSING_WORDS else v.strip()[:_VALUE_LONGEST] for v in values])
        chosen = raw in label_columns or name in label_columns
        if not any(clean):
            notes.append(f"Column {name!r} is empty and was left out.")
            continue
        numbers = None if chosen else _numbers(clean)
        if numbers is not None and not _is_group(name, clean):
            phenotypes[name], note = _phenotype(name, numbers, plink)
            notes += [note] if note else []
        elif chosen or (not label_columns and not _unique_to_each(clean)):
            labels[name] = np.array(clean, dtype=np.str_)
        elif not label_columns:
            notes.append(
                f"Column {name!r} has {len(set(clean)):,} values in {len(clean):,} individuals; it is no label."
            )
    return ordered(labels, label_columns), phenotypes, notes


def ordered(labels: Mapping[str, Strings], label_columns: Sequence[str]) -> dict[str, Strings]:
    """Label columns in the order asked for, else population, super-population, others, sex, constant or many-valued."""
    if label_columns:
        return {name: labels[name] for name in label_columns if name in labels}
    return dict(sorted(labels.items(), key=lambda item: _rank(*item)))


def require_labels(labels: Mapping[str, Strings], label_columns: Sequence[str]) -> None:
    """InputError for a label column that was asked for and is nowhere."""
    for name in label_columns:
        if name not in labels:
            there = ", ".join(labels) or "none"
            raise InputError(f"There is no column {name[:60]!r} for a label; label columns found: {there}.")


def _rank(name: str, values: Strings) -> int:
    distinct = len(set(values.tolist()) - {""})
    if distinct <= 1 or distinct > MANY_VALUES:
        return 4
    if _POPULATION.fullmatch(name):
        return 0
    if _SUPER.fullmatch(name):
        return 1
    return 3 if _SEX.fullmatch(name) else 2


def _numbers(clean: list[str]) -> list[float] | None:
    """The values as floats, NaN where missing; None where one of them is a word."""
    if any("," in v for v in clean) and all(_DECIMAL_COMMA.fullmatch(v) for v in clean if v):
        clean = [v.replace(",", ".") for v in clean]
    try:
        return [float(v) if v else float("nan") for v in clean]
    except ValueError:
        return None


def _is_group(name: str, clean: list[str]) -> bool:
    integers = all(re.fullmatch(r"-?\d+", v) for v in clean if v)
    return integers and _GROUP.fullmatch(name) is not None and not _unique_to_each(clean)


def _decoded(name: str, clean: list[str]) -> list[str]:
    if _SEX.fullmatch(name) and set(clean) <= {"0", "1", "2", "-9", ""}:
        return [_SEX_CODES.get(v, "") for v in clean]
    if _SEX.fullmatch(name) and {v.upper() for v in clean} <= {"M", "F", "U", ""}:
        return [_SEX_LETTERS.get(v.upper(), "") for v in clean]
    return clean


def _phenotype(name: str, numbers: list[float], plink: bool) -> tuple[Phenotype, str]:
    values = np.array(numbers, dtype=np.float64)
    values[~np.isfinite(values)] = np.nan
    others = values[(values != -9) & ~np.isnan(values)]
    note = ""
    if (values == -9).any() and (plink or (others >= 0).all()):
        values[values == -9] = np.nan
    elif (values == -9).any():
        kept = int((values == -9).sum())
        note = f"Column {name!r} keeps {kept:,} values of -9 as numbers; write NA where it means missing."
    present = set(np.unique(values[~np.isnan(values)]).tolist())
    if _STATUS.fullmatch(name) and 2.0 in present and present <= {0.0, 1.0, 2.0}:
        values[values == 0] = np.nan
        return values - 1, f"Column {name!r} is read as case/control: 1 became 0 (control), 2 became 1 (case)."
    return values, note


def _unique_to_each(clean: list[str]) -> bool:
    present = [v for v in clean if v]
    return len(set(present)) > max(2, len(present) // 2)

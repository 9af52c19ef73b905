"""A column of text as what it holds: numbers beside their text, words, or nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Strings

# What pandas takes for a missing value, and the marks that spreadsheets and statistics packages add.
MISSING = (
    frozenset(
        {"", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "<na>"}
    )
    | {"N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null", "Na", "NAN", "NaT", "."}
    | {"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!"}
)
# Missing among numbers only: as words these may mean something.
_MISSING_NUMBERS = frozenset({"-", "--", "?", "na", "none", "missing", "Missing", "\\N", "NR", "nd", "ND", "n.d."})
_COMMA = re.compile(r"[-+]?\d*,\d+([eE][-+]?\d+)?")
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}((,\d{3})+(\.\d+)?|(\.\d{3})+,\d+|([' ]\d{3})+|(\.\d{3}){2,})")
_DOTS = re.compile(r"[-+]?[1-9]\d{0,2}(\.\d{3})+")
_NAME_OF_DIGITS = re.compile(r"(?:^|\n)[-+]?0\d")
_LEADING_ZERO = re.compile(r"[-+]?0\d+")


@dataclass(frozen=True)
class TypedColumn:
    """One column.

    Attributes:
        text: (k,) the cells as they are written, "" missing: names of sets are taken from here, never from numbers.
        numbers: (k,) float64, NaN missing; None where the column holds words.
        problem: why it holds no numbers although most of its cells look like some, "" otherwise.
        decimal_comma: whether its fractions are written with a comma.
    """

    text: list[str]
    numbers: npt.NDArray[np.float64] | None = None
    problem: str = ""
    decimal_comma: bool = False

    @property
    def empty(self) -> bool:
        """Whether every cell is missing."""
        return not any(self.text)

    def strings(self) -> Strings:
        """The text as an array."""
        return np.array(self.text, dtype=np.str_)


def typed_columns(columns: dict[str, list[str]], *, comma_is_free: bool) -> dict[str, TypedColumn]:
    """Each column as numbers where every cell is one or missing, else as words.

    `comma_is_free`: the delimiter is no comma, so that a comma may mark decimals; numbers such as 1,234 are then
    fractions where another column shows that the file writes them so, and are left as words otherwise.
    """
    typed = {name: typed_column(values) for name, values in columns.items()}
    if not (comma_is_free and any(one.decimal_comma for one in typed.values())):
        return typed
    return {name: _of_comma_file(one) for name, one in typed.items()}


def typed_column(values: Sequence[str], *, comma: bool = False) -> TypedColumn:
    """One column; `comma` says that the file is known to write decimals with a comma."""
    plain = _plain_numbers(values)
    if plain is not None:
        return TypedColumn(list(values), plain)
    words = ["" if v in MISSING else v for v in values]
    known = [v for v in words if v and v not in _MISSING_NUMBERS]
    if not known or any(map(_LEADING_ZERO.fullmatch, known)):  # 007 is a name
        return TypedColumn(words)
    other = [v for v in known if not _is_float(v)]
    text = ["" if v in _MISSING_NUMBERS else v for v in words]
    if not other:
        return TypedColumn(text, _floats(text))
    with_comma = [v for v in other if _COMMA.fullmatch(v)]
    grouped = [v for v in other if _THOUSANDS.fullmatch(v)]
    if len(with_comma) == len(other) and (comma or len(grouped) < len(other)) and not any("." in v for v in known):
        return TypedColumn(text, _floats([v.replace(",", ".") for v in text]), decimal_comma=True)
    return TypedColumn(words, problem=_problem(len(known), other, {*with_comma, *grouped}))


def _of_comma_file(column: TypedColumn) -> TypedColumn:
    """A column of a file whose other columns write decimals with a comma: there a point may mark thousands."""
    if column.problem:
        return typed_column(column.text, comma=True)
    pointed = [v for v in column.text if "." in v] if column.numbers is not None else []
    if pointed and all(_DOTS.fullmatch(v) for v in pointed):
        return TypedColumn(column.text, problem=f"its points may mark thousands or decimals ({pointed[0][:20]!r})")
    return column


def is_running_number(column: TypedColumn) -> bool:
    """Whether the column only numbers its rows: 0, 1, 2 … or 1, 2, 3 …, without a gap."""
    x = column.numbers
    return x is not None and len(x) > 1 and x[0] in (0, 1) and bool((np.diff(x) == 1).all())


def holds_integers(column: TypedColumn) -> bool:
    """Whether every number of the column is a whole one."""
    x = column.numbers
    if x is None:
        return False
    known = x[~np.isnan(x)]
    return bool(len(known)) and bool((known == np.rint(known)).all())


def _plain_numbers(values: Sequence[str]) -> npt.NDArray[np.float64] | None:
    """The column at once where every cell is a number that needs no second look, which most columns are."""
    try:
        numbers = np.fromiter(map(float, values), dtype=np.float64, count=len(values))
    except ValueError:
        return None
    joined = "\n".join(values)
    if not len(values) or np.isnan(numbers).any() or "_" in joined or _NAME_OF_DIGITS.search(joined):
        return None
    return numbers


def _problem(known: int, other: list[str], separated: set[str]) -> str:
    """Why a column most of whose cells look like numbers is none; "" for a column of words."""
    words = [v for v in other if v not in separated]
    if len(words) >= known / 2:
        return ""
    if words:
        return f"{len(words):,} of its cells are no numbers (such as {words[0][:20]!r})"
    return f"its numbers are written with thousands or mixed separators ({other[0][:20]!r})"


def _floats(text: list[str]) -> npt.NDArray[np.float64]:
    return np.array([float(v) if v else np.nan for v in text], dtype=np.float64)


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text  # float() takes 1_000; no program writes a number so

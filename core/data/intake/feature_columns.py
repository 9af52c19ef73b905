"""Which columns of a table are features, which describe an observation, and which only number or name the rows."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from core.data.intake.formats.base import CollectionSource
from core.data.intake.formats.observation_text import sequence_column, text_column
from core.data.intake.formats.observations import ObservationTable, check_entries
from core.data.intake.letters import encode
from core.data.intake.methylation import methylation_column, with_methylation
from core.data.intake.typed_columns import TypedColumn, holds_integers, is_running_number
from core.errors import InputError

_SPARSE = 0.5  # a column with more missing cells than this is no feature unless it is asked for
_WIDE = 60  # columns
_ROW_NAMES = re.compile(
    r"(row|index|id|idx|no|nr|n|#|number|row_?(name|names|id|number|index)|level_0|(?-i:X)|obs(_names?)?|observation|event"
    r"|cell(_?(id|name|number|index|barcode))?|barcodes?|bc|umi|spot|unnamed: \d+|__index_level_0__)",
    re.IGNORECASE,
)
# Whole numbers under such a name are names of a group, not measurements.
_GROUPS = re.compile(
    r".*(donor|patient|subject|individual|participant|sample|replicate|batch|plate|well|clone|lane|cluster|leiden"
    r"|louvain|mouse|animal|cage|site|cohort|experiment)s?([_. -]?(id|no|nr|number|name|code))?|.+[_. -]id",
    re.IGNORECASE,
)
_SEQUENCE_NAME = re.compile(r".*(seq|cdr|junction|peptide|protein|dna|rna|aa$|nt$|read|primer|guide|epitope).*", re.I)


def from_columns(
    columns: dict[str, TypedColumn], unnamed: frozenset[str], source: CollectionSource, notes: list[str]
) -> ObservationTable:
    """The observations of a table; what was guessed or left out is said in their notes.

    Features are the columns of numbers that were not given another part, without those that number the rows or name
    a group; observations with a missing feature are dropped and counted. Raises InputError.
    """
    name, options = source.main.name, source.options
    for wanted in (*options.features, *filter(None, (options.sequence_column,))):
        if wanted not in columns:
            raise InputError(f"{name} has no column {wanted!r}; it has {', '.join(list(columns)[:12])}.")
    parts = {*options.set_column, *options.label_columns, options.unit, options.neighbourhood, options.quantiles}
    chosen = {*parts, *options.features, options.sequence_column, options.methylation_column}
    notes = list(notes)
    left = {key: why for key, one in columns.items() if key not in chosen and (why := no_use(key, one, unnamed))}
    notes += [f"The column {key!r} was left out: {why}." for key, why in left.items()]
    kept = {key: one for key, one in columns.items() if key not in left}
    letters = {key: one.text for key, one in kept.items() if key not in parts}
    sequence = options.sequence_column
    if not sequence and not options.features:
        sequence = text_column(letters) if options.alphabet == "text" else sequence_column(letters, ())
    if sequence:
        if not options.sequence_column:
            notes.append(f"The column {sequence!r} was taken for the sequences; name features to take numbers instead.")
        texts = kept.pop(sequence).text
        beside = {key: one.text for key, one in columns.items() if key != sequence}
        codes = options.methylation_column or methylation_column(texts, beside, options.alphabet)
        if codes:
            if codes not in beside:
                raise InputError(f"{name} has no column {codes!r}; it has {', '.join(list(columns)[:12])}.")
            kept.pop(codes, None)
            texts, said = with_methylation(texts, beside[codes], sequence, codes)
            options, notes = replace(options, alphabet="methylation"), [*notes, *said]
        table = encode(texts, {key: one.text for key, one in kept.items()}, options, name, source.folder)
        table.notes = [*notes, *table.notes]
        return table
    features = list(options.features)
    if not features:
        features = [key for key, one in kept.items() if one.numbers is not None and key not in parts]
        features, said = _measurements(features, kept)
        notes += said
        fixed = _facts_of_sets(features, kept, options.set_column)
        if fixed:
            features = [key for key in features if key not in fixed]
            listed = ", ".join(map(repr, fixed))
            notes.append(f"Covariates and not features, since they do not vary within a set: {listed}.")
    _require_numbers(features, kept, columns, name)
    notes += [
        f"The column {key!r} is no feature: {one.problem}."
        for key, one in kept.items()
        if one.problem and key not in parts
    ]
    commas = [key for key in features if kept[key].decimal_comma]
    if commas:
        notes.append(f"Decimal commas were read in {len(commas)} of {len(features)} features.")
    check_entries(len(columns[features[0]].text) * len(features), name)
    return _table(kept, features, notes)


def no_use(key: str, column: TypedColumn, unnamed: frozenset[str]) -> str:
    """Why a column that nobody asked for is neither a feature nor a description; "" where it may be."""
    if column.empty:
        return "it is empty"
    nameless = key in unnamed
    if nameless and holds_integers(column):
        return "it has no name and numbers the rows"
    if _ROW_NAMES.fullmatch(key) and (is_running_number(column) or (holds_integers(column) and _all_differ(column))):
        return "it numbers the rows"
    if _all_differ(column) and column.numbers is None and (nameless or _ROW_NAMES.fullmatch(key) or _barcodes(column)):
        return "it names the rows" if not _SEQUENCE_NAME.fullmatch(key) else ""
    return ""


def _all_differ(column: TypedColumn) -> bool:
    known = [v for v in column.text if v]
    return len(known) > 2 and len(set(known)) > 0.95 * len(known)


def _barcodes(column: TypedColumn) -> bool:
    """Whether the words are cell barcodes: nucleotides of one length, with or without the number of a lane."""
    stems = [re.sub(r"[-_]\d+$", "", v) for v in column.text[:200] if v]
    return len({len(s) for s in stems}) == 1 and 8 <= len(stems[0]) <= 32 and all(set(s) <= set("ACGTN") for s in stems)


def _measurements(features: list[str], columns: dict[str, TypedColumn]) -> tuple[list[str], list[str]]:
    """Without names of groups written as whole numbers, and without columns that are mostly missing; remarks."""
    notes, kept = [], []
    for key in features:
        missing = float(np.isnan(columns[key].numbers).mean())  # type: ignore[arg-type]
        if _GROUPS.fullmatch(key) and holds_integers(columns[key]):
            notes.append(f"The column {key!r} holds whole numbers that name groups, so it is no feature.")
        elif missing > _SPARSE:
            notes.append(f"The column {key!r} is no feature: it is missing in {missing:.0%} of the rows.")
        else:
            kept.append(key)
    return kept, notes


def _facts_of_sets(features: list[str], columns: dict[str, TypedColumn], group: tuple[str, ...]) -> list[str]:
    """Numbers that are one in every set and differ between sets, such as an age, where others do vary in the sets.

    In wide tables a rare gene may look so by chance; there nothing is judged.
    """
    if not group or len(features) > _WIDE or any(key not in columns for key in group):
        return []
    rows: dict[tuple[str, ...], list[int]] = {}
    for row, parts in enumerate(zip(*(columns[key].text for key in group), strict=True)):
        if all(parts):
            rows.setdefault(parts, []).append(row)
    sets = [one for one in rows.values() if len(one) > 2]
    if len(sets) < 2:
        return []

    def varies(key: str) -> tuple[bool, bool]:
        """Within some set, and between the sets."""
        x = columns[key].numbers
        known = [set(x[one][~np.isnan(x[one])].tolist()) for one in sets] if x is not None else []
        return any(len(values) > 1 for values in known), len(set().union(*known)) > 1

    seen = {key: varies(key) for key in features}
    fixed = [key for key, (within, between) in seen.items() if between and not within]
    return fixed if any(within for within, _ in seen.values()) else []


def _require_numbers(
    features: list[str], kept: dict[str, TypedColumn], columns: dict[str, TypedColumn], name: str
) -> None:
    wrong = [key for key in features if kept[key].numbers is None]
    if wrong:
        why = kept[wrong[0]].problem or "it holds words"
        raise InputError(f"The column {wrong[0]!r} of {name} is not numeric: {why}; name numeric columns as features.")
    if not features:
        almost = next((f" ({key!r}: {one.problem})" for key, one in columns.items() if one.problem), "")
        texts = text_column({key: one.text for key, one in columns.items()})
        more = f"; to read the texts in {texts!r}, choose text as the alphabet" if texts else ""
        raise InputError(
            f"The file {name} has no numeric column left for features{almost}; it has "
            f"{', '.join(list(columns)[:12])}: check the delimiter and the decimal sign, or name the columns{more}."
        )


def _table(columns: dict[str, TypedColumn], features: list[str], notes: list[str]) -> ObservationTable:
    x = np.column_stack([columns[key].numbers for key in features])  # type: ignore[misc]
    others = {key: one for key, one in columns.items() if key not in features}
    table = ObservationTable(
        x,
        {key: one.strings() if one.numbers is None else one.numbers for key, one in others.items()},
        feature=np.array(features, dtype=np.str_),
        notes=notes,
        texts={key: one.strings() for key, one in others.items() if one.numbers is not None},
    )
    broken = np.asarray(~np.isfinite(x).all(axis=1))
    if broken.any():
        worst = features[int(np.argmax((~np.isfinite(x)).sum(axis=0)))]
        table.dropped["observations with a missing feature"] = int(broken.sum())
        table.rows(~broken)
        table.notes.append(f"Most missing features are in the column {worst!r}.")
    return table

"""What a text table of calls looks like: delimiter, header, leading columns, which axis is the individuals."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from core.data.intake import archives
from core.data.intake.formats import dart
from core.data.intake.formats.base import CohortSource, Head
from core.data.intake.formats.codes import is_call
from core.data.intake.tables import DELIMITERS, decode, delimiter_of, split
from core.data.intake.variants import NAMES as VARIANT_NAMES
from core.errors import InputError

IsCall = Callable[..., bool]
"""Whether a cell (bytes) can be a call; `any_number` asks for any number at all."""

_LOOK = 60  # lines from which the layout is judged
_LOOK_BYTES = 96 << 20
_COLUMNS_MAX = 5_000_000
_INDIVIDUAL = re.compile(
    r"#?(sample|sample.?id|samples|iid|fid|individual|individual.?id|taxa|taxon|line|accession|animal|pat|mat|sex|gender|phenotype|pheno"
    r"|pop|population|super.?pop.*|superpopulation)",
    re.IGNORECASE,
)
_VARIANT_ID = re.compile(
    r"rs\d+.*|(chr)?([0-9]{1,2}|X|Y|MT?)[:_]\d+.*|snp.?\d+.*|variant_?\d+|AX-\d+|.*_[ACGT](_[ACGT])?", re.IGNORECASE
)
_PREAMBLE = re.compile(rb"<numeric>\s*$|\*\s*[,;\t]\s*\*|#(?!chrom|fid|iid|sample|id)", re.IGNORECASE)
_DECIMAL_COMMAS = re.compile(r"(^|[;\s])-?\d+,\d+[;\s]-?\d+,\d+([;\s]|$)")
_LETTERS = re.compile(r"[ACGTNacgtn-][/|:]?[ACGTNacgtn-]|[ACGTRYSWKMN]")
_TAIL = re.compile(
    r"(class|label|group|phenotype|pheno|trait|y|target|status|case|pop|population|breed|sex|gender)([._ -]?\d+)?"
    r"|(label|phenotype):.*",
    re.IGNORECASE,
)
_VARIANT_LEAD = re.compile(r"snp|marker|rs|rsid|rs#|AlleleID|CloneID|locus|probe.?set.?id", re.IGNORECASE)
_ALLELE = re.compile(r"[ACGT]+|[ID0N-]", re.IGNORECASE)
_BIMBAM = ["rs", "minor", "major"]  # the counted allele is the first
_RAW_LEAD = ["FID", "IID", "PAT", "MAT", "SEX", "PHENOTYPE"]


@dataclass(frozen=True)
class Layout:
    """What a text table looks like.

    `lead` and `tail` are the names of the columns before and behind the calls, `width` the number of call columns,
    `ids` their names (empty without a header), `body_line` the number of the last line above the calls (0: none),
    `coding` what the header says of the values ("auto" where it says nothing), `told` what our own export wrote above
    the columns: {"ploidy": ["2"]}, {"contig": an entry a column, …}.
    """

    delimiter: str
    body_line: int
    lead: list[str]
    tail: list[str]
    ids: list[str]
    width: int
    samples_in_columns: bool
    first_rows: list[list[str]]
    coding: str = "auto"
    told: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def find_layout(source: CohortSource, is_call: IsCall = is_call) -> Layout:
    """Judge delimiter, header, leading columns and orientation from the first lines, and which cells are calls from
    `is_call`. Raises InputError.
    """
    name = source.main.name
    sample = _first_lines(source.main)
    above = next((i for i, (_, line) in enumerate(sample) if not _PREAMBLE.match(line)), len(sample))
    tassel = any(line.strip().lower() == b"<numeric>" for _, line in sample[:above])
    sample, skipped = sample[above:], sample[above - 1][0] if above else 0
    if not sample:
        raise InputError(f"{name} has no line of data; a table of counts is expected: check the export.")
    asked = source.options.delimiter
    delimiter = _delimiter(sample) if asked == "auto" else DELIMITERS[asked]
    rows = [_cells(line, delimiter, name) for _, line in sample]
    header = rows[0] if _is_header(rows[0], is_call) else None
    body = rows[1:] if header is not None else rows
    if not body:
        raise InputError(f"{name} has a header but no rows; a row of counts each is expected: check the export.")
    width = len(body[0])
    if header is not None and len(header) == width - 1:
        header = ["", *header]  # R writes row names without a name for their column
    if header is not None and len(header) != width:
        raise InputError(
            f"{name} has {len(header):,} columns in its header and {width:,} in the next line; "
            "check the delimiter, or quote the names that contain it."
        )
    lead = _lead(header, body, is_call)
    if lead >= width:
        lead = _lead(
            header, body, partial(is_call, any_number=True)
        )  # that these numbers are no calls is said with all values seen
    if lead >= width:
        _refuse_known(header, body, name)
        raise InputError(
            f"{name} has no column of calls (line {sample[-1][0]} starts {', '.join(body[-1][:4])[:60]!r}); "
            "counts 0, 1, 2 or pairs 0/1 are expected: check that it is a table of genotypes."
        )
    tail = _tail(header, body, lead, is_call)
    names, notes = header or [""] * width, []
    if header is None and lead == len(_BIMBAM) and _is_bimbam(body):
        names = [*_BIMBAM, *names[lead:]]
        notes = ["The first of the two alleles of each row is counted, as mean genotypes of BIMBAM and GEMMA have it."]
    ids = header[lead : width - tail] if header else []
    turned, note = _orientation(source, names[:lead], ids, [row[:lead] for row in body], width - lead - tail)
    return Layout(
        delimiter=delimiter,
        body_line=sample[0][0] if header is not None else skipped,
        lead=names[:lead],
        tail=names[width - tail :],
        ids=ids,
        width=width - lead - tail,
        samples_in_columns=turned,
        first_rows=rows,
        told=_told(source.main, lead, width - lead - tail),
        coding="shares" if tassel else "heterozygote_last" if _holds_two(names[:lead], body) else "auto",
        notes=[*notes, note] if note else notes,
    )


def _told(head: Head, lead: int, width: int) -> dict[str, list[str]]:
    """What lines that begin with ## say of the variants below them and of the ploidy, as our export writes them."""
    told: dict[str, list[str]] = {}
    for line in archives.lines(head.path, head.name):
        if not line.startswith(b"##"):
            break
        text = decode(line).strip("\r\n")
        name, _, rest = text.removeprefix("##").partition(",")
        if text.startswith("##ploidy="):
            told["ploidy"] = [text.removeprefix("##ploidy=")]
        elif name in ("contig", "position", "reference", "alternate"):
            cells = split(rest, ",")[max(0, lead - 1) :]
            told |= {name: cells} if len(cells) == width else {}
    return told


def _delimiter(sample: list[tuple[int, bytes]]) -> str:
    """From the first two lines: a header may be one word, and a comma may be a decimal one."""
    lines = [decode(line) for _, line in sample[:2]]
    if "\t" not in lines[-1] and _DECIMAL_COMMAS.search(lines[-1]):
        return ";" if ";" in lines[-1] else " "
    return delimiter_of(lines[-1] if len(lines) > 1 and delimiter_of(lines[0]) == " " else lines[0])


def _is_bimbam(body: list[list[str]]) -> bool:
    """Whether each row begins with an id and two alleles, as the mean genotypes of BIMBAM and GEMMA do."""
    return all(
        len(row) > 3 and _ALLELE.fullmatch(row[1]) and _ALLELE.fullmatch(row[2]) and not _ALLELE.fullmatch(row[0])
        for row in body
    )


def _holds_two(lead: list[str], body: list[list[str]]) -> bool:
    """A DArT table in one row a variant, where 2 is the heterozygote."""
    return dart.is_dart(lead) and any(cell == "2" for row in body for cell in row[len(lead) :])


def _refuse_known(header: list[str] | None, body: list[list[str]], name: str) -> None:
    """Say what a table is that holds genotypes in letters, or in one word an individual."""
    cells = [cell for row in body[:5] for cell in row[-5:]]
    if sum(_LETTERS.fullmatch(cell) is not None for cell in cells) > len(cells) / 2:
        raise InputError(
            f"{name} holds nucleotides (such as {cells[-1]!r}); counts 0, 1, 2 or 0/1 are expected: give a HapMap or "
            "VCF file, or write counts of one allele."
        )


def numbered(head: Head) -> Iterator[tuple[int, bytes]]:
    """The lines of the file from 1 with their numbers, without the comment lines that begin with ##."""
    for number, line in enumerate(archives.lines(head.path, head.name), 1):
        if not line.startswith(b"##"):
            yield number, line


def _first_lines(head: Head) -> list[tuple[int, bytes]]:
    found, size = [], 0
    for number, line in islice(numbered(head), 10 * _LOOK):
        if line.strip():
            found.append((number, line))
            size += len(line)
        if len(found) == _LOOK or (size > _LOOK_BYTES and len(found) > 2):
            break
    return found


def _cells(line: bytes, delimiter: str, name: str) -> list[str]:
    count = line.count(delimiter.encode())
    if count > _COLUMNS_MAX:
        raise InputError(
            f"{name} has {count:,} columns; at most {_COLUMNS_MAX:,} are read: convert it to npz or PLINK bed."
        )
    return split(decode(line), delimiter)


def _is_header(row: list[str], is_call: IsCall) -> bool:
    """A header is a first row in which most cells behind the first are no calls."""
    cells = row[1:] if len(row) > 1 else row
    return sum(not is_call(cell.encode()) for cell in cells) > len(cells) / 2


def _lead(header: list[str] | None, body: list[list[str]], is_call: IsCall) -> int:
    """How many columns stand before the calls: those named as something else, or holding something else."""
    if header and header[:6] == _RAW_LEAD:
        return 6
    rows = [row for row in body if len(row) == len(body[0])]
    lead = 0
    for j in range(len(body[0])):
        title = header[j].strip() if header else None
        named = title is not None and (_known(title) or describes(title) or (j == 0 and title in ("", "<Marker>")))
        calls = not named and all(is_call(row[j].encode()) for row in rows)
        # A column that no name tells from calls, in front of one that cannot be calls, describes too.
        if calls and (header is None or not _behind(header, rows, j, is_call)):
            break
        lead = j + 1
    if header and dart.is_dart(header[:lead]):
        while lead < len(header) and dart.COLUMNS.fullmatch(header[lead]):
            lead += 1
    return lead


def _behind(header: list[str], rows: list[list[str]], j: int, is_call: IsCall) -> bool:
    """Whether a column of words stands within the next 30, and it is no longer a matter of the columns at the end."""
    after = range(j + 1, min(j + 31, len(rows[0]) - 1))
    return any(_TAIL.fullmatch(header[k].strip()) is None and not is_call(rows[0][k].encode()) for k in after)


def _tail(header: list[str] | None, body: list[list[str]], lead: int, is_call: IsCall) -> int:
    """How many columns behind the calls describe individuals: named so, or holding what is no call."""
    rows = [row for row in body if len(row) == len(body[0])]
    tail = 0
    for j in range(len(body[0]) - 1, lead, -1):
        named = header is not None and _TAIL.fullmatch(header[j].strip()) is not None
        if not named and all(is_call(row[j].encode()) for row in rows):
            break
        tail += 1
    return tail if tail <= 50 else 0


def describes(title: str) -> bool:
    """Whether the title of a column is one for groups or measurements of individuals."""
    return _TAIL.fullmatch(title.strip()) is not None


def _known(title: str) -> bool:
    return (
        title.startswith(("label:", "phenotype:"))
        or bool(_INDIVIDUAL.fullmatch(title))
        or any(p.fullmatch(title) for k, p in VARIANT_NAMES.items() if k != "id")
        or (title.lower() in ("id", "snp", "marker", "rs", "rsid", "rs#", "cm", "name", "snpid", "alleles"))
    )


def _orientation(
    source: CohortSource, names: list[str], ids: list[str], lead: list[list[str]], width: int
) -> tuple[bool, str]:
    """Whether individuals are in columns, with a remark where that is a guess."""
    asked = source.options.orientation
    if asked != "auto":
        return asked == "samples_in_columns", ""
    told = _by_tables(source, ids, lead, width)
    if told is None:
        told = _by_titles(names)
    if told is not None:
        return told, ""
    first = [cells[0] for cells in lead if cells]
    across, down = _share(ids), _share(first)
    if max(across, down) >= 0.5 and across != down:
        example = (first if down > across else ids)[0]
        side, other, option = ("Rows", "columns", "rows") if down > across else ("Columns", "rows", "columns")
        return down > across, (
            f"{side} are taken as variants, as names such as {example[:40]!r} say, and {other} as individuals; "
            f"set orientation=samples_in_{option} if it is the reverse."
        )
    return False, (
        "Rows are taken as individuals and columns as variants; "
        "set orientation=samples_in_columns if it is the reverse."
    )


def _by_tables(source: CohortSource, ids: list[str], lead: list[list[str]], width: int) -> bool | None:
    """What the tables of individuals and variants that came along say, by their ids or their number of rows."""
    tables = [(source.known_ids, True)]
    if source.variants is not None:
        tables.append((frozenset(source.variants.ids), False))
    for known, individuals in tables:
        columns, rows = sum(one in known for one in ids), sum(any(cell in known for cell in cells) for cells in lead)
        if columns != rows:
            return (columns > rows) == individuals
    return None if source.variants is None else len(source.variants) != width


def _by_titles(names: list[str]) -> bool | None:
    """What the titles of the columns beside the calls say."""
    places = [VARIANT_NAMES[what] for what in ("contig", "position")] + [_VARIANT_LEAD]
    if any(pattern.fullmatch(name) for pattern in places for name in names):
        return True
    return False if any(_INDIVIDUAL.fullmatch(name) for name in names) else None


def _share(ids: list[str]) -> float:
    """The share of names that look like variants."""
    looked = ids[:500]
    return sum(_VARIANT_ID.fullmatch(i) is not None for i in looked) / len(looked) if looked else 0.0

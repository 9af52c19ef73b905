"""Aligned reads (BAM): DNA, with the methylation that Bismark (XM) or the base modifications (MM, ML) tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

from core.data.intake import archives
from core.data.intake.coded_columns import CodedColumn
from core.data.intake.formats.base import CollectionFormat, CollectionSource, Head, formats
from core.data.intake.formats.methylation_patterns import windows
from core.data.intake.formats.observation_text import BLOCK
from core.data.intake.formats.observations import ObservationTable
from core.data.intake.formats.several import files_of, stems, with_files
from core.data.intake.letters import Letters
from core.errors import InputError

MAGIC = b"BAM\1"
_LIKELY = 128  # of 256: ML is the probability of a modification as a byte
_NOT_SAID = -1  # MM without ML
_COMPLEMENT = str.maketrans("ACGTN", "TGCAN")
_FLAGS = (("is_unmapped", "unmapped"), ("is_secondary", "secondary"), ("is_supplementary", "supplementary"))


@formats.register(
    "bam",
    title="BAM",
    kind="sets",
    help="Mapped reads as DNA, with M for each methylated C of a CpG where the file has the tag XM (Bismark) or MM "
    "and ML; contig, position, strand and read group become columns; several files, one a sample (column file).",
    source="SAM/BAM, read by pysam",
)
class BamFormat(CollectionFormat):
    """One observation a primary mapped read, as the reference strand reads (Bismark: as the file writes it)."""

    companions = True

    @staticmethod
    def matches(head: Head) -> bool:
        return head.first.startswith(MAGIC)

    @staticmethod
    def read(source: CollectionSource) -> ObservationTable:
        heads, notes = files_of(source, BamFormat.matches)
        options = source.options
        letters, columns = Letters(options, source.folder), dict[str, CodedColumn]()
        counts: Counter[str] = Counter()
        for stem, head in zip(stems(heads), heads, strict=True):
            reads = _reads(head, counts, options.alphabet)
            while block := list(islice(reads, BLOCK)):
                cells: dict[str, list[Any]] = {
                    name: [one[i] for one in block]
                    for i, name in enumerate(("ref_name", "position", "strand", "group"))
                }
                if not any(cells["group"]):
                    cells.pop("group")
                if options.region_size:
                    cells["region"] = windows(cells["ref_name"], cells["position"], options.region_size)
                before = len(next(iter(columns.values()))) if columns else 0
                for name, values in (with_files(cells, [stem] * len(block)) if len(heads) > 1 else cells).items():
                    columns.setdefault(name, CodedColumn(before)).add([str(value) for value in values])
                for name in [name for name in columns if name not in cells and name != "file"]:
                    columns[name].add([""] * len(block))
                letters.add([one[-1] for one in block])
        coded = counts["XM"] + counts["MM"] > 0
        taken = options.alphabet if options.alphabet != "auto" else "methylation" if coded else "dna"
        if not counts["read"]:
            raise InputError(
                f"{source.main.name} has no primary mapped read ({_dropped_words(counts)}); aligned reads are "
                "expected: align them first, or give them as FASTQ."
            )
        table = letters.table(columns, source.main.name, taken)
        table.dropped |= {f"{name} reads": counts[name] for _, name in _FLAGS if counts[name]}
        if counts["empty"]:
            table.dropped["reads without letters"] = counts["empty"]
        table.notes = [*notes, *_said(counts, coded), *table.notes]
        table.a_file_a_set = len(heads) > 1
        return table


def _reads(head: Head, counts: Counter[str], alphabet: str) -> Iterator[tuple[str, int, str, str, str]]:
    """Contig, position (from 1), strand, read group and letters of each primary mapped read."""
    import pysam

    try:
        with pysam.AlignmentFile(str(head.path), "rb", check_sq=False) as file:
            for read in file:
                flag = next((name for mark, name in _FLAGS if getattr(read, mark)), "")
                text = (read.query_sequence or "").upper()
                if flag or not text:
                    counts[flag or "empty"] += 1
                    continue
                counts["read"] += 1
                if alphabet in ("auto", "methylation"):
                    text = _with_calls(read, text, counts)
                group = str(read.get_tag("RG")) if read.has_tag("RG") else ""
                strand = "-" if read.is_reverse else "+"
                yield str(read.reference_name), int(read.reference_start) + 1, strand, group, text
    except (OSError, ValueError) as error:
        raise InputError(
            f"{head.name} is a BAM file that cannot be read ({archives.reason(error)}); copy it again, or write it "
            "anew with samtools view -b."
        ) from None


def _with_calls(read: Any, text: str, counts: Counter[str]) -> str:
    """The letters with M for each methylated C of a CpG, on the strand on which the calls stand.

    Bismark: XM has a letter a base, Z methylated and z unmethylated in CpG context; on reads of the G-to-A conversion
    the calls stand on G, and the read is turned around so that they stand on C. MM and ML: modifications C+m (and C+h)
    with a probability of at least a half, of a C before a G; they are given for the strand that was sequenced.
    """
    if read.has_tag("XM"):
        calls = str(read.get_tag("XM"))
        if len(calls) != len(text):
            counts["misfit"] += 1
            return text
        counts["XM"] += 1
        if read.has_tag("XG") and str(read.get_tag("XG")) == "GA":
            text, calls = text.translate(_COMPLEMENT)[::-1], calls[::-1]
        # A C that was converted reads T; what was C in the genome is told by the call.
        letters = [_bismark(base, call) for base, call in zip(text, calls, strict=True)]
        counts["methylated"] += calls.count("Z")
        counts["unmethylated"] += calls.count("z")
        return "".join(letters)
    modified = read.modified_bases
    if not modified:
        counts["without"] += 1
        return text
    counts["MM"] += 1
    # Positions count along the read as the file writes it; a call of the other strand stands on G there.
    likely = [
        place
        for (base, _, kind), places in modified.items()
        if base in "CG" and kind in ("m", "h")
        for place, chance in places
        if chance >= _LIKELY or chance == _NOT_SAID
    ]
    if read.is_reverse:
        text = text.translate(_COMPLEMENT)[::-1]
        likely = [len(text) - 1 - place for place in likely]
    letters = list(text)
    for place in likely:
        if text[place : place + 2] == "CG":
            letters[place] = "M"
    done = letters.count("M")
    counts["methylated"] += done
    counts["unmethylated"] += text.count("CG") - done
    return "".join(letters)


def _bismark(base: str, call: str) -> str:
    """Z: M. z, x and h: an unmethylated C, which reads T. X and H: a methylated C outside a CpG, which stays C."""
    return "M" if call == "Z" else "C" if call in "zxhXHuU" else base


def _said(counts: Counter[str], coded: bool) -> list[str]:
    if not coded:
        return ["The reads have no methylation (tags XM, or MM and ML), so they are plain DNA."]
    tags = " and ".join(name for name, tag in (("XM", "XM"), ("MM and ML", "MM")) if counts[tag])
    notes = [
        f"Methylation was read from {tags}: {counts['methylated']:,} C of CpGs are M (methylated), "
        f"{counts['unmethylated']:,} stayed C (unmethylated, or not called); reads are turned to the "
        "strand of their calls."
    ]
    if counts["XM"]:
        notes.append(
            "A C that was converted (x, h, z in XM) is written as the C of the genome, not as the T of the read."
        )
    if counts["without"]:
        notes.append(
            f"{counts['without']:,} reads have no such tag and stayed plain DNA, on the strand of the reference."
        )
    if counts["misfit"]:
        notes.append(f"{counts['misfit']:,} reads whose XM has another length than the read stayed plain DNA.")
    return notes


def _dropped_words(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[name]:,} {name}" for _, name in _FLAGS if counts[name]) or "it is empty"

"""VCF and BCF, plain or gzipped, read with cyvcf2 (htslib) record by record into int8 rows."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data import archives
from core.data.filters import Region
from core.data.formats import formats
from core.data.formats.base import CallsWriter, Format, Head, ReadResult, Source, only_file
from core.data.genotypes import MISSING, Calls, Genotypes, Strings
from core.data.options import ImportOptions
from core.errors import InputError

_SEQUENCE = re.compile(r"[ACGTNacgtnRYSWKMBDHVryswkmbdhv]+")
_FIXED = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT"]
_ABSENT, _PADDING = -1, -2  # cyvcf2: a missing allele, and the place of an allele that a haploid call does not have


@formats.register(
    "vcf",
    kind="genotypes",
    help="VCF or BCF, plain or gzipped; phase is not kept.",
    source="VCFv4.3 specification (hts-specs); read with cyvcf2",
)
class Vcf(Format):
    """Counts of the alternate allele from the GT field."""

    @staticmethod
    def matches(head: Head) -> bool:
        """VCF by its first line or name, BCF by its magic."""
        text = head.first.removeprefix(b"\xef\xbb\xbf")
        return text.startswith((b"##fileformat=VCF", b"#CHROM", b"BCF\2")) or head.suffix in (".vcf", ".bcf")

    @staticmethod
    def read(source: Source) -> ReadResult:
        """All records with a usable alternate allele and a GT field."""
        only_file(source)
        path, notes = _checked(source.main, source.folder)
        reader = _open(path, source)
        records = _Records(source, [str(s) for s in reader.samples])
        try:
            for record in reader:
                records.add(record)
        except InputError:
            raise
        except Exception as error:
            raise InputError(
                f"{source.main.name} breaks after {records.seen:,} records: {_htslib_says(source, error)}; "
                "mend or export it anew (bcftools view checks it)."
            ) from None
        return records.result(notes)

    @staticmethod
    def preview(source: Source) -> dict[str, Any]:
        """The individuals and the first records."""
        only_file(source)
        path, notes = _checked(source.main, source.folder)
        reader = _open(path, source)
        rows = [["contig", "position", "id", "ref", "alt", *reader.samples[:8]]]
        for record in reader:
            gt = record.genotypes[:8] if "GT" in record.FORMAT else []
            calls = ["/".join("." if a < 0 else str(a) for a in g[:-1] if a != _PADDING) for g in gt]
            rows.append([record.CHROM, str(record.POS), record.ID or ".", record.REF, ",".join(record.ALT), *calls])
            if len(rows) > 8:
                break
        return {
            "individuals": len(reader.samples),
            "variants": None,
            "orientation": "samples_in_columns",
            "rows": rows,
            "notes": notes,
        }


class _Records:
    """The matrix and the variant columns, grown record by record."""

    def __init__(self, source: Source, samples: list[str]) -> None:
        self.name = source.main.name
        self.options: ImportOptions = source.options
        self.region = Region.parse(source.options.region)
        self.samples = samples
        self.writer = CallsWriter(source.folder, len(samples), self.name)
        self.dropped: Counter[str] = Counter()
        self.seen = self.half = self.haploid = 0
        self.ids: list[str] = []
        self.contigs: list[str] = []
        self.positions: list[int] = []
        self.alleles: list[tuple[str, str]] = []
        self.haploid_record: list[bool] = []

    def add(self, record: Any) -> None:
        """Take one cyvcf2 record, or count why not."""
        self.seen += 1
        usable, reason = self._usable(record)
        if reason:
            self.dropped[reason] += 1
        if not usable:
            return
        pair = record.genotype.array()[:, :-1]
        if pair.shape[1] > 2:
            pair = self._at_most_two(pair, record)
        single = pair.shape[1] == 1
        for alternate in usable:
            allele = record.ALT[alternate - 1]
            self.writer.append(_haploid(pair, alternate) if single else self._diploid(pair, alternate))
            made = f"{record.CHROM}:{record.POS}:{record.REF}:{allele}"
            known = record.ID and len(record.ALT) > 1
            self.ids.append(f"{record.ID}:{allele}" if known else record.ID or made)
            self.contigs.append(record.CHROM)
            self.positions.append(record.POS)
            self.alleles.append((record.REF, allele))
            self.haploid_record.append(single)

    def _usable(self, record: Any) -> tuple[list[int], str]:
        """The numbers (1…) of the alternate alleles to keep, and why some or all are not kept."""
        alternates = record.ALT
        if self.region and not self.region.contains(record.CHROM, record.POS):
            return [], "outside the region"
        if not alternates:
            return [], "no alternate allele"
        if "GT" not in record.FORMAT:
            return [], "no GT field"
        if len(alternates) > 1 and self.options.multiallelic == "drop":
            return [], "multi-allelic"
        usable = [k for k, allele in enumerate(alternates, 1) if _SEQUENCE.fullmatch(allele)]
        if len(usable) == len(alternates):
            return usable, ""
        return usable, "spanning deletion (*)" if "*" in alternates else "symbolic allele"

    def _at_most_two(self, alleles: npt.NDArray[Any], record: Any) -> npt.NDArray[Any]:
        third = (alleles[:, 2:] != _PADDING).any(axis=1)
        if third.any():
            who = int(np.argmax(third))
            ploidy = int((alleles[who] != _PADDING).sum())
            raise InputError(
                f"{self.name} has a call with {ploidy} alleles (individual {self.samples[who]!r} at "
                f"{record.CHROM}:{record.POS}); ploidy 1 or 2 is expected: leave out polyploid records."
            )
        return alleles[:, :2]

    def _diploid(self, pair: npt.NDArray[Any], alternate: int) -> Calls:
        """(n,) alternate-allele counts of a record with two allele columns (n, 2)."""
        counts: Calls = (pair == alternate).sum(axis=1, dtype=np.int8)
        if pair.min() >= 0:
            return counts
        haploid = (pair[:, 1] == _PADDING) & (pair[:, 0] >= 0)
        absent = (pair < 0).any(axis=1)
        self.half += int((absent & ~haploid & (pair >= 0).any(axis=1)).sum())
        self.haploid += int(haploid.sum())
        counts[absent] = MISSING
        if self.options.haploid_calls == "homozygous":
            counts[haploid] = 2 * (pair[haploid, 0] == alternate)
        return counts

    def result(self, notes: list[str]) -> ReadResult:
        """The genotypes of all records taken; a diploid file loses its haploid records."""
        single = np.array(self.haploid_record, dtype=bool)
        calls = self.writer.matrix()
        keep = np.flatnonzero(~single) if (~single).any() else np.arange(len(single))
        if len(keep) < len(single):
            called = (calls[single] != MISSING).any(axis=1)
            self.dropped["haploid record"] += int(called.sum())
            self.dropped["no call at all"] += int((~called).sum())
            calls = calls[keep]
        if not len(keep):
            reasons = ", ".join(f"{count:,} {reason}" for reason, count in self.dropped.items()) or "it has no records"
            raise InputError(
                f"{self.name} has {len(self.samples):,} individuals but no usable variant ({reasons}); records with one "
                "alternate allele and a GT field are expected."
            )
        genotypes = Genotypes(
            calls=calls.T,
            sample_id=_strings(self.samples),
            variant_id=_strings(self.ids)[keep],
            variant_contig=_strings(self.contigs)[keep],
            variant_position=np.array(self.positions, dtype=np.int64)[keep],
            variant_allele=np.array(self.alleles, dtype=np.str_)[keep],
            ploidy=1 if single.all() else 2,
        )
        return ReadResult(genotypes, {k: v for k, v in self.dropped.items() if v}, notes + self._remarks(), "vcf")

    def _remarks(self) -> list[str]:
        notes = []
        if self.half:
            notes.append(f"{self.half:,} half calls (one allele of two known) are read as missing.")
        if self.haploid:
            treatment = "missing" if self.options.haploid_calls == "missing" else "homozygous"
            notes.append(f"{self.haploid:,} haploid calls in diploid records are read as {treatment}.")
        return notes


def _haploid(alleles: npt.NDArray[Any], alternate: int) -> Calls:
    single = alleles[:, 0]
    return np.where(single < 0, MISSING, single == alternate).astype(np.int8)


def _strings(values: list[str]) -> Strings:
    return np.array(values, dtype=np.str_)


def _open(path: Path, source: Source) -> Any:
    from cyvcf2 import VCF

    try:
        reader = VCF(str(path))
    except Exception as error:
        raise InputError(
            f"{source.main.name} is not a readable VCF or BCF file: {_htslib_says(source, error)}; "
            "export it anew (bcftools view checks it)."
        ) from None
    if not reader.samples:
        raise InputError(
            f"{source.main.name} lists sites without individuals; a VCF with a GT column each is expected."
        )
    return reader


def _htslib_says(source: Source, error: Exception) -> str:
    """htslib explains itself on standard error, which the sandbox keeps in log.txt."""
    log = source.folder / "log.txt"
    said = re.findall(r"^\[E::[^\]]*\] (.*)$", log.read_text(errors="replace"), re.MULTILINE) if log.exists() else []
    message = said[-1] if said else str(error)
    message = message.replace(str(source.main.path), source.main.name).replace(str(source.folder), "")
    return " ".join(message.split())[:200].rstrip(".;")


def _checked(head: Head, folder: Path) -> tuple[Path, list[str]]:
    """The path for htslib, after the file was walked once: damage, bombs and header faults are named here.

    htslib ends quietly at some cuts and dies at some damage, so nothing is handed to it unwalked.
    """
    if head.first.startswith(b"BCF\2"):
        for _ in archives.chunks(head.path, head.name):
            pass
        return head.path, []
    if not head.first.removeprefix(b"\xef\xbb\xbf").startswith((b"##fileformat=VCF", b"#CHROM")):
        raise InputError(
            f"{head.name} starts with {head.first[:16]!r}, not with ##fileformat=VCF; a VCF or BCF file is expected: "
            "check that it is what its name says."
        )
    columns, sloppy = _header(head)
    if not sloppy:
        for _ in archives.chunks(head.path, head.name):
            pass
        return head.path, []
    mended = folder / "mended.vcf"
    with mended.open("wb") as file:
        if columns and not head.first.removeprefix(b"\xef\xbb\xbf").startswith(b"##fileformat"):
            file.write(b"##fileformat=VCFv4.2\n")
        for line in archives.lines(head.path, head.name):
            file.write(line + b"\n")
    return mended, [f"{sloppy[0].upper()}{sloppy[1:]} in {head.name} was mended while reading."]


def _header(head: Head) -> tuple[list[str], str]:
    """The column names, and what is sloppy but can be mended ("" if nothing)."""
    carriage = bom = False
    bom = head.first.startswith(b"\xef\xbb\xbf")
    for number, line in enumerate(archives.lines(head.path, head.name), 1):
        if line.startswith(b"##"):
            carriage = carriage or (b"##fileformat" in line and b"\r\n" in head.first[:4096])
            continue
        columns = line.decode("utf-8", "replace").split("\t")
        if not line.startswith(b"#CHROM"):
            break
        if len(columns) < 8:
            raise InputError(
                f"{head.name} separates the columns of its #CHROM line by spaces; tabs are expected: "
                "replace the spaces by tabs or export it anew."
            )
        if columns[:8] != _FIXED[:8] or (len(columns) > 8 and columns[8] != "FORMAT"):
            raise InputError(
                f"{head.name} has the columns {', '.join(columns[:9])} in its #CHROM line; {', '.join(_FIXED)} are "
                "expected, then the individuals."
            )
        twice = [name for name, count in Counter(columns[9:]).items() if count > 1]
        if twice:
            raise InputError(
                f"{head.name} names {len(twice):,} individuals more than once (such as {twice[0]!r}); "
                "ids must be unique: rename or remove the repeats."
            )
        first_line = (
            "" if head.first.removeprefix(b"\xef\xbb\xbf").startswith(b"##fileformat") else "a missing first line"
        )
        return columns, "a byte-order mark" if bom else "the CRLF line ends" if carriage else first_line
    raise InputError(
        f"{head.name} has no #CHROM line where its records start (line {number}); a VCF header ends with it: "
        "export the file anew."
    )

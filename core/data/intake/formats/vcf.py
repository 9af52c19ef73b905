"""VCF and BCF, plain or gzipped, read with cyvcf2 (htslib) record by record into int8 rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import MISSING, Calls, Genotypes
from core.data.intake.cohort_options import CohortOptions
from core.data.intake.filters import Region
from core.data.intake.formats.base import CohortFormat, CohortSource, Head, ReadResult, formats, rows_preview
from core.data.intake.formats.calls import CallsWriter, NoVariantError, column, variant_columns
from core.data.intake.formats.vcf_dosages import Dosages, dosage_of, has_dosages
from core.data.intake.formats.vcf_header import starts_as_vcf, walked
from core.errors import InputError

# Any other spelling is an allele: simulators write numbers, or nothing, where they know no bases.
_STRUCTURAL = re.compile(r"<.*>")
_BREAKEND = re.compile(r".*[\[\]].*|\.[A-Za-z]+|[A-Za-z]+\.")
_NO_ALLELE = ("<NON_REF>", "<*>", "*")
_ABSENT, _PADDING = -1, -2  # cyvcf2: a missing allele, and the place of an allele that a haploid call does not have


@formats.register(
    "vcf",
    title="VCF",
    kind="genotypes",
    help="VCF or BCF, plain or gzipped; dosages are read where genotypes are absent; phase is not kept.",
    source="VCFv4.3 specification (hts-specs); read with cyvcf2",
)
class Vcf(CohortFormat):
    """Counts of the alternate allele from the GT field, or from dosages where a record or a call has none."""

    endings = (".vcf", ".bcf")
    joins = True
    recognised = "by its first line (##fileformat=VCF, or BCF)"

    @staticmethod
    def matches(head: Head) -> bool:
        return starts_as_vcf(head) or head.first.startswith(b"BCF\2") or head.suffix in (".vcf", ".bcf")

    @staticmethod
    def read(source: CohortSource) -> ReadResult[Genotypes]:
        path, notes = walked(source.main, source.folder)
        reader = _open(path, source)
        records = _Records(source, [str(s) for s in reader.samples])
        for number, record in enumerate(_each(reader, source), 1):
            with _utf8(source.main.name, number):
                records.add(record)
        return records.result(notes)

    @staticmethod
    def preview(source: CohortSource) -> dict[str, Any]:
        path, notes = walked(source.main, source.folder)
        reader = _open(path, source)
        rows = [["contig", "position", "id", "ref", "alt", *reader.samples[:8]]]
        for number, record in enumerate(_each(reader, source), 1):
            gt = record.genotypes[:8] if "GT" in record.FORMAT else []
            calls = ["/".join("." if a < 0 else str(a) for a in g[:-1] if a != _PADDING) for g in gt]
            with _utf8(source.main.name, number):
                fixed = [record.CHROM, str(record.POS), record.ID or ".", record.REF, ",".join(record.ALT)]
            rows.append([*fixed, *calls])
            if number == 8:
                break
        return rows_preview(len(reader.samples), True, rows, notes)


class _Records:
    """The matrix and the variant columns, grown record by record."""

    def __init__(self, source: CohortSource, samples: list[str]) -> None:
        self.name = source.main.name
        self.options: CohortOptions = source.options
        self.region = Region.parse(source.options.region)
        self.samples = samples
        self.writer = CallsWriter(source.folder, len(samples), self.name)
        self.dropped: Counter[str] = Counter()
        self.dosages = Dosages(self.name)
        self.half = self.haploid = 0
        self.ids: list[str] = []
        self.contigs: list[str] = []
        self.positions: list[int] = []
        self.alleles: list[tuple[str, str]] = []
        self.haploid_record: list[bool] = []

    def add(self, record: Any) -> None:
        """Take one cyvcf2 record, or count why not."""
        usable, reason = self._usable(record)
        if reason:
            self.dropped[reason] += 1
        if not usable:
            return
        pair = self._pair(record)
        single = pair is not None and pair.shape[1] == 1
        without = None if pair is None else _without_genotype(pair, record)
        if pair is not None and not single:
            self._count_odd(pair, without)
        for alternate in usable:
            allele = record.ALT[alternate - 1]
            if pair is None:
                calls = self.dosages.of_record(record, alternate)
            else:
                calls = _haploid(pair, alternate) if single else self._diploid(pair, alternate)
            if without is not None:
                calls[without] = self.dosages.of_some(record, alternate, without)
            self.writer.append(calls)
            made = f"{record.CHROM}:{record.POS}:{record.REF}:{allele}"
            known = record.ID and len(record.ALT) > 1
            self.ids.append(f"{record.ID}:{allele}" if known else record.ID or made)
            self.contigs.append(record.CHROM)
            self.positions.append(record.POS)
            self.alleles.append((record.REF.replace(".", ""), allele))
            self.haploid_record.append(single)

    def _usable(self, record: Any) -> tuple[list[int], str]:
        """The numbers (1…) of the alternate alleles to keep, and why some or all are not kept."""
        alternates = record.ALT
        if self.region and not self.region.contains(record.CHROM, record.POS):
            return [], "outside the region"
        if not alternates:
            return [], "no alternate allele"
        if "GT" not in record.FORMAT and not has_dosages(record):
            return [], "no GT field"
        if len(alternates) > 1 and self.options.multiallelic == "drop":
            return [], "multi-allelic"
        usable = [k for k, allele in enumerate(alternates, 1) if not self._is_symbolic(allele)]
        if len(usable) == len(alternates):
            return usable, ""
        return usable, "spanning deletion (*)" if "*" in alternates else "symbolic allele"

    def _is_symbolic(self, allele: str) -> bool:
        """Whether an alternate allele is left out: none at all, a breakend, or a structural one unless asked for."""
        if allele in _NO_ALLELE or _BREAKEND.fullmatch(allele):
            return True
        return self.options.symbolic == "drop" and _STRUCTURAL.fullmatch(allele) is not None

    def _pair(self, record: Any) -> npt.NDArray[Any] | None:
        """(n, 1) or (n, 2) alleles; None where the record has dosages or probabilities and no genotype."""
        if "GT" not in record.FORMAT:
            return None
        pair = record.genotype.array()[:, :-1]
        if has_dosages(record) and (pair < 0).all():
            return None
        return self._at_most_two(pair, record) if pair.shape[1] > 2 else pair

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

    def _count_odd(self, pair: npt.NDArray[Any], completed: npt.NDArray[np.bool_] | None) -> None:
        """Half and haploid calls of a record, once however many alternate alleles it is split into."""
        if pair.min() < 0:
            haploid = _is_haploid(pair)
            half = (pair < 0).any(axis=1) & ~haploid & (pair >= 0).any(axis=1)
            self.half += int((half if completed is None else half & ~completed).sum())
            self.haploid += int(haploid.sum())

    def _diploid(self, pair: npt.NDArray[Any], alternate: int) -> Calls:
        """(n,) alternate-allele counts of a record with two allele columns (n, 2)."""
        first, second = pair[:, 0] == alternate, pair[:, 1] == alternate
        counts: Calls = first.view(np.int8) + second.view(np.int8)  # three times faster than a sum over two columns
        if pair.min() >= 0:
            return counts
        haploid = _is_haploid(pair)
        counts[(pair < 0).any(axis=1)] = MISSING
        if self.options.haploid_calls == "homozygous":
            counts[haploid] = 2 * (pair[haploid, 0] == alternate)
        return counts

    def result(self, notes: list[str]) -> ReadResult[Genotypes]:
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
            raise NoVariantError(
                f"{self.name} has {len(self.samples):,} individuals but no usable variant ({reasons}); records with "
                f"one alternate allele and a GT field are expected{self._advice()}."
            )
        contigs = ("" if contig == "0" else contig for contig in self.contigs)
        variants = variant_columns(self.ids, contigs, self.positions, self.alleles)
        genotypes = Genotypes(
            calls=calls.T,
            sample_id=column(self.samples),
            **{key: values[keep] for key, values in variants.items()},
            ploidy=1 if single.all() else 2,
        )
        return ReadResult(genotypes, {k: v for k, v in self.dropped.items() if v}, notes + self._remarks())

    def _advice(self) -> str:
        """What to ask for where records were left out that could be kept."""
        choices = {"multi-allelic": "multiallelic=split", "symbolic allele": "symbolic=keep"}
        asked = [choice for reason, choice in choices.items() if self.dropped[reason]]
        options = " and ".join(f"{one} (--{one.replace('=', ' ')})" for one in asked)
        return f": set {options} to keep such records" if asked else ""

    def _remarks(self) -> list[str]:
        notes = self.dosages.remarks()
        if self.dropped["symbolic allele"]:
            notes.append("Structural alleles such as <DEL> are left out; set symbolic=keep to keep them.")
        if self.half:
            notes.append(f"{self.half:,} half calls (one allele of two known) are read as missing.")
        if self.haploid:
            treatment = "missing" if self.options.haploid_calls == "missing" else "homozygous"
            notes.append(f"{self.haploid:,} haploid calls in diploid records are read as {treatment}.")
        return notes


def _without_genotype(pair: npt.NDArray[Any], record: Any) -> npt.NDArray[np.bool_] | None:
    """Which individuals (n,) of a diploid record have no whole genotype and a dosage instead; None where nobody has.

    A single point among haploid calls says neither one copy nor two, and stays missing.
    """
    if pair.shape[1] == 1 or pair.min() >= 0 or not has_dosages(record):
        return None
    haploid = _is_haploid(pair)
    absent: npt.NDArray[np.bool_] = (pair < 0).any(axis=1) & ~haploid & np.isfinite(dosage_of(record, 1))
    if haploid.any():
        absent &= pair[:, 1] != _PADDING
    return absent if absent.any() else None


def _is_haploid(pair: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    return (pair[:, 1] == _PADDING) & (pair[:, 0] >= 0)


def _haploid(alleles: npt.NDArray[Any], alternate: int) -> Calls:
    single = alleles[:, 0]
    return np.where(single < 0, MISSING, single == alternate).astype(np.int8)


def _open(path: Path, source: CohortSource) -> Any:
    from cyvcf2 import VCF

    try:
        reader = VCF(str(path))
        samples = reader.samples
    except Exception as error:  # noqa: BLE001 - cyvcf2 raises the bare class
        raise InputError(
            f"{source.main.name} is not a readable VCF or BCF file: {_htslib_says(source, error)}; "
            "export it anew (bcftools view checks it)."
        ) from None
    if not samples:
        raise InputError(
            f"{source.main.name} lists sites without individuals; a VCF with a GT column each is expected."
        )
    return reader


@contextmanager
def _utf8(name: str, number: int) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError:
        raise InputError(f"{name} has text that is not UTF-8 in record {number:,}; save the file as UTF-8.") from None


def _each(reader: Any, source: CohortSource) -> Iterator[Any]:
    """The records, with htslib's complaint as an InputError."""
    seen = 0
    while True:
        try:
            record = next(reader)
        except StopIteration:
            return
        except Exception as error:  # noqa: BLE001 - cyvcf2 raises the bare class
            raise InputError(
                f"{source.main.name} breaks after {seen:,} records: {_htslib_says(source, error)}; "
                "mend or export it anew (bcftools view checks it)."
            ) from None
        seen += 1
        yield record


def _htslib_says(source: CohortSource, error: Exception) -> str:
    """htslib explains itself on standard error, which the sandbox keeps in log.txt."""
    log = source.folder / "log.txt"
    said = re.findall(r"^\[E::[^\]]*\] (.*)$", log.read_text(errors="replace"), re.MULTILINE) if log.exists() else []
    message = said[-1] if said else str(error)
    message = message.replace(str(source.main.path), source.main.name).replace(str(source.folder), "")
    return " ".join(message.split())[:200].rstrip(".;")

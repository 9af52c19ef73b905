"""Methylation: codes beside DNA, patterns of wgbstools, and BAM files with calls."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from core.data.intake.formats.methylation_patterns import COPIES_MAX
from core.errors import InputError
from tests.data.intake.test_collection import read
from tests.data.intake.test_image_sequence_cases import said, words


def test_codes_beside_dna_make_m_of_methylated_c(tmp_path: Path) -> None:
    rows = [
        ("ACGTCGA", "2122022", "N"),
        ("TTCGACG", "2202212", "T"),
        ("ACGTCGA", "212202", "T"),
        ("CGCGTTA", "0112222", "N"),
    ]
    path = tmp_path / "reads.csv"
    path.write_text("dna,meth,sample\n" + "".join(",".join(row) + "\n" for row in rows))
    sets, answer = read(path, tmp_path / "a", set_column=("sample",), min_samples=1, methylation_column="meth")
    assert sets.alphabet == "ACGTM"
    assert words(sets) == ["AMGTCGA", "CGMGTTA", "TTCGAMG"]
    said(answer, "3 C were read as M (methylated) and 3 stayed C")
    said(answer, "1 of its codes stand under another letter than C")
    assert answer["dropped"] == {"empty sequences": 1}
    path.write_text("dna,meth,sample\n" + "".join(",".join(row) + "\n" for row in (*rows[:2], rows[3])))
    sets, answer = read(path, tmp_path / "b", set_column=("sample",), min_samples=1)
    assert words(sets) == ["AMGTCGA", "CGMGTTA", "TTCGAMG"]
    said(answer, "'meth' was taken for the methylation of 'dna'")
    path.write_text("dna,meth,sample\n" + "".join(f"A{d}T,{m},{g}\n" for d, m, g in (*rows[:2], rows[3])))
    sets, answer = read(path, tmp_path / "threes", set_column=("sample",), min_samples=1)
    assert words(sets) == ["AAMGTCGAT", "ACGMGTTAT", "ATTCGAMGT"]
    said(answer, "the first belongs to the second letter")
    path.write_text("dna,meth,sample\n" + "".join(",".join(row) + "\n" for row in (*rows[:2], rows[3])))
    sets, _ = read(path, tmp_path / "c", set_column=("sample",), min_samples=1, alphabet="dna")
    assert words(sets) == ["ACGTCGA", "CGCGTTA", "TTCGACG"]


def test_patterns_count_as_often_as_they_say(tmp_path: Path) -> None:
    lines = ["chr1\t1\tCCT\t2", "chr1\t99\tC.T\t1", "chr1\t101\tTT\t3", f"chr2\t7\tCTC\t{COPIES_MAX + 5}"]
    path = tmp_path / "a.pat.gz"
    path.write_bytes(gzip.compress("".join(line + "\n" for line in lines).encode()))
    sets, answer = read(path, tmp_path / "out", set_column=("region",), region_size=100)
    assert sets.alphabet == "CT."
    assert dict(zip(sets.set_id.tolist(), sets.sizes.tolist(), strict=True)) == {
        "chr1:1-100": 3,
        "chr1:101-200": 3,
        "chr2:1-100": COPIES_MAX,
    }
    assert words(sets, 0) == ["CCT", "CCT", "C.T"]
    said(answer, f"1 lines have a count above {COPIES_MAX:,}")
    path.write_bytes(gzip.compress(("\n".join(lines * 20) + "\nchr1\tx\tCC\t1\n").encode()))
    with pytest.raises(InputError, match="line 81"):
        read(path, tmp_path / "bad", set_column=("chr",))


def bam(path: Path, reads: list[dict[str, Any]]) -> Path:
    pysam = pytest.importorskip("pysam")
    header = {"HD": {"VN": "1.6"}, "SQ": [{"SN": "chr1", "LN": 1000}], "RG": [{"ID": "a"}, {"ID": "b"}]}
    with pysam.AlignmentFile(str(path), "wb", header=header) as file:
        for number, one in enumerate(reads):
            read = pysam.AlignedSegment(file.header)
            read.query_name, read.flag = f"r{number}", one.get("flag", 0)
            read.query_sequence = one["text"]
            read.query_qualities = pysam.qualitystring_to_array("I" * len(one["text"]))
            if not read.flag & 4:
                read.reference_id, read.reference_start, read.mapping_quality = 0, one.get("at", 10), 60
                read.cigartuples = [(0, len(one["text"]))]
            for tag, value in one.get("tags", {}).items():
                read.set_tag(tag, value)
            file.write(read)
    return path


def test_bismark_calls(tmp_path: Path) -> None:
    reads = [
        {"text": "ACGTTGAT", "tags": {"XM": ".Z..z..h", "XG": "CT", "RG": "a"}},
        # Of the other strand: the call stands on the G of CG; ACGAT turned around is ATCGT.
        {"text": "ACGAT", "flag": 16, "tags": {"XM": "..Z..", "XG": "GA", "RG": "a"}},
        {"text": "ACGAT", "tags": {"XM": ".z", "XG": "CT", "RG": "b"}},
        {"text": "ACGAT", "tags": {"RG": "b"}},
        *({"text": "ACGAT", "flag": flag} for flag in (4, 256, 2048)),
    ]
    path = bam(tmp_path / "x.bam", reads)
    sets, answer = read(path, tmp_path / "out", set_column=("group",), min_samples=1)
    assert words(sets) == ["AMGTCGAC", "ATMGT", "ACGAT", "ACGAT"]
    assert answer["dropped"] == {"unmapped reads": 1, "secondary reads": 1, "supplementary reads": 1}
    said(answer, "2 C of CpGs are M (methylated), 1 stayed C")
    said(answer, "1 reads whose XM has another length")
    said(answer, "1 reads have no such tag")


def test_base_modifications_and_plain_reads(tmp_path: Path) -> None:
    import array

    reads = [
        # C at 1, 3 and 5; the first and the last are listed, with probabilities of 0.98 and 0.02.
        {"text": "ACGCTCGA", "tags": {"MM": "C+m,0,1;", "ML": array.array("B", [250, 5]), "RG": "a"}},
        # The sequenced strand is TCGAGCGT; its first C is modified, which lies at the G of place 6 as stored.
        {"text": "ACGCTCGA", "flag": 16, "tags": {"MM": "C+m,0;", "ML": array.array("B", [250]), "RG": "b"}},
    ]
    sets, answer = read(bam(tmp_path / "x.bam", reads), tmp_path / "a", set_column=("group",), min_samples=1)
    assert words(sets) == ["AMGCTCGA", "TMGAGCGT"]
    said(answer, "Methylation was read from MM and ML: 2 C of CpGs are M")
    plain = [{"text": "ACGTACGT", "at": 10 * i} for i in range(20)]
    sets, answer = read(bam(tmp_path / "y.bam", plain), tmp_path / "b", set_column=("region",), region_size=100)
    assert sets.alphabet == "ACGT" and sets.set_id.tolist() == ["chr1:1-100", "chr1:101-200"]
    said(answer, "plain DNA")

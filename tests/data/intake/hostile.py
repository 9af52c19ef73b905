"""The corpus of hostile and sloppy files, each made by code, with what must become of it.

A refused file states words of its one sentence; an accepted one its (individuals, variants) and words of its remarks.
"""

from __future__ import annotations

import gzip
import io
import pickle
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

from core.data.intake.cohort_options import CohortOptions
from core.data.intake.collection_options import CollectionOptions
from core.data.intake.importing import Options

Make = Callable[[Path], "Path | list[Path]"]

HEADER = '##fileformat=VCFv4.2\n##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n##contig=<ID=1>\n'
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\tc\n"


def record(position: int, reference: str, alternate: str, *calls: str, kind: str = "GT", contig: str = "1") -> str:
    """One VCF line."""
    return "\t".join([contig, str(position), f"rs{position}", reference, alternate, ".", ".", ".", kind, *calls]) + "\n"


RECORDS = record(10, "A", "C", "0/0", "0/1", "1/1") + record(20, "G", "T", "0/1", "0/0", "./.")


@dataclass(frozen=True)
class Case:
    """One file: how to make it, the words to expect, and the shape where it must be accepted."""

    name: str
    make: Make
    words: tuple[str, ...]
    shape: tuple[int, int] | None = None
    options: Options = field(default_factory=CohortOptions)
    dropped: dict[str, int] = field(default_factory=dict)


def _files(contents: dict[str, bytes | str]) -> Make:
    return lambda folder: [
        path for name, one in contents.items() if isinstance(path := _write(name, one)(folder), Path)
    ]


def _write(name: str, content: bytes | str) -> Make:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


def _npy(array: np.ndarray, allow_pickle: bool = False) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=allow_pickle)
    return buffer.getvalue()


def _header_npy(descr: str, shape: str, padding: int = 0) -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode() + b" " * padding + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def _zip(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _twice(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
        archive.writestr(name.replace("X", "Y"), content)
    return buffer.getvalue().replace(b"Y.npy", b"X.npy")


def _link() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        member = zipfile.ZipInfo("data.csv")
        member.external_attr = 0o120777 << 16
        archive.writestr(member, "/etc/passwd")
    return buffer.getvalue()


def _many_members() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for i in range(100_000):
            archive.writestr(zipfile.ZipInfo(f"{i}"), b"")
    return buffer.getvalue()


def _gzip_zeros(prefix: bytes, size: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(prefix)]
    parts += [packer.compress(b"0" * (1 << 20)) for _ in range(size >> 20)]
    return b"".join([*parts, packer.flush()])


def _outside() -> bytes:
    """A directory that places its member behind the end of the file."""
    packed = _zip({"x.csv": b"id,s1,s2\na,0,1\nb,1,1\n"})
    entry = packed.index(b"PK\x01\x02")
    return packed[: entry + 42] + b"\xff\xff\xff\x7f" + packed[entry + 46 :]


def _noise(size: int) -> bytes:
    return random.Random(7).randbytes(size)


def _plink(
    bed: bytes | None,
    bim: str | None = "1\ts1\t0\t5\tA\tG\n1\ts2\t0\t9\tA\tG\n",
    fam: str | None = "f a 0 0 0 -9\nf b 0 0 0 -9\n",
) -> Make:
    def make(folder: Path) -> Path:
        for suffix, content in ((".bim", bim), (".fam", fam)):
            if content is not None:
                (folder / f"set{suffix}").write_text(content)
        if bed is None:
            return folder / "set.bim"
        (folder / "set.bed").write_bytes(bed)
        return folder / "set.bed"

    return make


def _wide_line(folder: Path) -> Path:
    path = folder / "wide.csv"
    with path.open("wb") as file:
        for _ in range(90):
            file.write(b"1," * (1 << 19))
    return path


def _million_columns(folder: Path) -> Path:
    path = folder / "million.csv"
    row = ("0," * 1_000_000)[:-1]
    path.write_text(row + "\n" + row.replace("0,0", "1,2") + "\n" + row + "\n")
    return path


def _hdf5(fill: Callable[[h5py.File], object]) -> Make:
    def make(folder: Path) -> Path:
        with h5py.File(folder / "x.h5ad", "w") as file:
            fill(file)
        return folder / "x.h5ad"

    return make


def _huge(file: h5py.File) -> None:
    """400 GB of cells in a file without a chunk."""
    file.create_dataset("X", shape=(1_000_000, 100_000), dtype="f4", chunks=(1000, 1000))


def _link_outside(file: h5py.File) -> None:
    file["X"] = h5py.ExternalLink("/etc/passwd", "/")


def _of_sets(name: str, make: Make, *words: str) -> Case:
    """A file of observations, whose column g says which belong together."""
    return Case(name, make, words, options=CollectionOptions(set_column=("g",)))


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("a pickle ran",)


_MATRIX = np.array([[0, 1, 2, 1], [1, 1, 0, -1], [2, 0, 0, 1]], dtype=np.int8)
_OBJECTS = np.array([[0, _Evil()], [1, 2]], dtype=object)
_VCF_GZ = gzip.compress((HEADER + COLUMNS + RECORDS * 2000).encode(), 6)

_HAPMAP, _ABSENT = "strand\tassembly#\tcenter\tprotLSID\tassayLSID\tpanelLSID\tQCcode", "\tNA" * 7
_TRAW = "CHR\tSNP\t(C)M\tPOS\tCOUNTED\tALT\t{1}\t{2}\n{0}\trs1\t0\t5\tA\tC\t0\t1\n{0}\trs2\t0\t9\tA\tC\t2\t1\n"

REFUSED = [
    Case(
        "npy of 32 GiB without payload",
        _write("x.npy", _header_npy("'<f8'", "(65536, 65536)")),
        ("declares", "32.0 GiB"),
    ),
    Case(
        "npy of more than memory counts",
        _write("x.npy", _header_npy("'<i1'", "(9999999999, 9999999999)")),
        ("declares",),
    ),
    Case("npy with a negative shape", _write("x.npy", _header_npy("'|i1'", "(-3, 4)") + b"\0" * 12), ("declares",)),
    Case("npy with a header of expressions", _write("x.npy", _header_npy("__import__('os')", "(2, 2)")), ("header",)),
    Case("npy with nested brackets", _write("x.npy", _header_npy("(" * 3000 + ")" * 3000, "(2, 2)")), ("header",)),
    Case(
        "npy with a header of 4 GiB",
        _write("x.npy", b"\x93NUMPY\x02\x00\xff\xff\xff\xff{'descr'"),
        ("declares a header",),
    ),
    Case("npy cut short", _write("x.npy", _npy(_MATRIX)[:-4]), ("declares", "but holds 8 bytes")),
    Case("npy of objects", _write("x.npy", _npy(_OBJECTS, True)), ("Python objects", "int8")),
    Case("npy of words", _write("x.npy", _npy(np.array([["A", "C"], ["G", "T"]]))), ("matrix of numbers",)),
    Case("npy of one dimension", _write("x.npy", _npy(np.arange(9))), ("matrix",)),
    Case("npy with a count of 7", _write("x.npy", _npy(_MATRIX + 5 * (_MATRIX == 2))), ("counts up to 7",)),
    Case("npy without individuals", _write("x.npy", _npy(np.zeros((0, 5), np.int8))), ("0 x 5",)),
    Case(
        "npz with one object member",
        _write("x.npz", _zip({"X.npy": _npy(_MATRIX), "y.npy": _npy(_OBJECTS, True)})),
        ("objects",),
    ),
    Case(
        "npz of 8 TiB", _write("x.npz", _zip({"X.npy": _header_npy("'<f8'", "(1048576, 1048576)")})), ("8,192.0 GiB",)
    ),
    Case(
        "npz whose matrix unfolds 1000-fold",
        _write("x.npz", _zip({"X.npy": _npy(np.zeros((6000, 6000), np.int8))})),
        ("500 times",),
    ),
    Case("npz with two X", _write("x.npz", _twice("X.npy", _npy(_MATRIX))), ("one name",)),
    Case("npz without an array", _write("x.npz", _zip({"readme.txt": b"hello"})), ("not an array",)),
    Case(
        "npz with ids of the wrong length",
        _write("x.npz", _zip({"X.npy": _npy(_MATRIX), "ids.npy": _npy(np.array(["a"] * 9))})),
        ("'ids'", "3"),
    ),
    Case("npz cut short", _write("x.npz", _zip({"X.npy": _npy(_MATRIX)})[:-30]), ("cut short",)),
    Case(
        "npz with a damaged member",
        _write("x.npz", _zip({"X.npy": _npy(_MATRIX)}, zipfile.ZIP_STORED).replace(b"NUMPY", b"NUMPX")),
        ("damaged",),
    ),
    Case("zip of 100,000 members", _write("x.zip", _many_members()), ("members",)),
    Case("zip that unfolds 1000-fold", _write("x.zip", _zip({"x.csv": b"0" * (40 << 20)})), ("500 times",)),
    Case("zip with ../x", _write("x.zip", _zip({"../x.csv": b"0,1\n1,0\n"})), ("leads outside",)),
    Case("zip with an absolute name", _write("x.zip", _zip({"/etc/x.csv": b"0,1\n1,0\n"})), ("leads outside",)),
    Case("zip with a link", _write("x.zip", _link()), ("link",)),
    Case("zip in a zip", _write("x.zip", _zip({"inner.zip": _zip({"x.csv": b"0,1\n"})})), ("another zip",)),
    Case("empty zip", _write("x.zip", _zip({})), ("empty zip",)),
    Case("spreadsheet", _write("x.xlsx", _zip({"[Content_Types].xml": b"<x/>", "xl/a.xml": b"<x/>"})), ("CSV",)),
    Case("PyTorch archive", _write("x.zip", _zip({"m/data.pkl": pickle.dumps(_Evil())})), ("PyTorch",)),
    Case("PyTorch file by name", _write("model.pth", _noise(500)), ("PyTorch",)),
    Case("pickle", _write("x.csv", pickle.dumps(_Evil())), ("pickle",)),
    Case("HDF5", _write("x.vcf", b"\x89HDF\r\n\x1a\n" + _noise(100)), ("HDF5",)),
    Case("PDF", _write("x.csv", b"%PDF-1.7\n" + _noise(100)), ("PDF",)),
    Case("empty file", _write("x.vcf", b""), ("empty",)),
    Case("random bytes", _write("x.dat", _noise(5000)), ("known genotype format",)),
    Case("random bytes as VCF", _write("x.vcf", _noise(5000)), ("fileformat",)),
    Case("random bytes as gzip", _write("x.vcf.gz", b"\x1f\x8b" + _noise(5000)), ("gzip",)),
    Case("random bytes as BCF", _write("x.bcf", b"BCF\2\2" + _noise(3000)), ("not a readable VCF or BCF",)),
    Case("VCF gzip cut short", _write("x.vcf.gz", _VCF_GZ[:-40]), ("cut short",)),
    Case("VCF gzip with a wrong checksum", _write("x.vcf.gz", _VCF_GZ[:-8] + b"\0\0\0\0" + _VCF_GZ[-4:]), ("damaged",)),
    Case(
        "VCF gzip with noise in the middle", _write("x.vcf.gz", _VCF_GZ[:300] + _noise(60) + _VCF_GZ[360:]), ("copy",)
    ),
    Case(
        "gzip bomb behind a VCF header",
        _write("x.vcf.gz", _gzip_zeros((HEADER + COLUMNS).encode(), 200 << 20)),
        ("500 times",),
    ),
    Case("gzip bomb as CSV", _write("x.csv.gz", _gzip_zeros(b"a,b\n", 200 << 20)), ("x.csv.gz",)),
    Case("VCF of a header alone", _write("x.vcf", HEADER + COLUMNS), ("no usable variant", "no records")),
    Case("VCF without #CHROM", _write("x.vcf", HEADER + RECORDS), ("#CHROM",)),
    Case(
        "VCF with spaces for tabs", _write("x.vcf", (HEADER + COLUMNS + RECORDS).replace("\t", " ")), ("spaces", "tabs")
    ),
    Case(
        "VCF of sites",
        _write("x.vcf", HEADER + "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n1\t5\t.\tA\tC\t.\t.\t.\n"),
        ("without individuals",),
    ),
    Case(
        "VCF without GT",
        _write("x.vcf", HEADER + COLUMNS + record(5, "A", "C", "3", "4", "5", kind="DP")),
        ("no GT field",),
    ),
    Case(
        "VCF with an individual twice",
        _write("x.vcf", HEADER + COLUMNS.replace("\tb", "\ta") + RECORDS),
        ("'a'", "unique"),
    ),
    Case(
        "VCF with a triploid call",
        _write("x.vcf", HEADER + COLUMNS + RECORDS + record(30, "A", "C", "0/0", "0/0/1", "0/1")),
        ("3 alleles", "'b'", "1:30"),
    ),
    Case(
        "VCF with a short record",
        _write("x.vcf", HEADER + COLUMNS + RECORDS + record(30, "A", "C", "0/0")),
        ("breaks after 2 records",),
    ),
    Case(
        "VCF with a word as position",
        _write("x.vcf", HEADER + COLUMNS + RECORDS.replace("\t20\t", "\ttwo\t")),
        ("position",),
    ),
    Case(
        "VCF with words as calls", _write("x.vcf", HEADER + COLUMNS + record(5, "A", "C", "A/B", "0/0", "0/1")), ("GT",)
    ),
    Case(
        "VCF with every call missing",
        _write("x.vcf", HEADER + COLUMNS + record(5, "A", "C", *["./."] * 3) + record(6, "A", "C", *["./."] * 3)),
        ("no call at all",),
    ),
    Case(
        "VCF of one variant", _write("x.vcf", HEADER + COLUMNS + record(5, "A", "C", "0/0", "0/1", "1/1")), ("2 x 2",)
    ),
    Case("bed without fam", _plink(b"\x6c\x1b\x01\x0b\x0b", fam=None), (".fam",)),
    Case("bim alone", _plink(None), (".bed",)),
    Case("bed with wrong magic", _plink(b"chr1\t0\t100\n"), ("6c 1b 01", "make-bed")),
    Case("bed of another size", _plink(b"\x6c\x1b\x01\x0b\x0b\x0b"), ("6 bytes", "5")),
    Case("bed individual-major", _plink(b"\x6c\x1b\x00\x0b\x0b"), ("individual-major",)),
    Case("bim with 3 columns", _plink(b"\x6c\x1b\x01\x0b\x0b", bim="1 s1 5\n1 s2 9\n"), ("3 columns", "6")),
    Case(
        "bim with a word as position",
        _plink(b"\x6c\x1b\x01\x0b\x0b", bim="1 s1 0 x A G\n1 s2 0 9 A G\n"),
        ("position",),
    ),
    Case(
        "fam with an individual twice",
        _plink(b"\x6c\x1b\x01\x0b\x0b", fam="f a 0 0 0 -9\nf a 0 0 0 -9\n"),
        ("'f_a'", "unique"),
    ),
    Case(
        "CSV with ragged rows", _write("x.csv", "id,s1,s2,s3\na,0,1,2\nb,0,1\nc,1,1,1\n"), ("line 3", "4 are expected")
    ),
    Case("CSV with an individual twice", _write("x.csv", "id,s1,s2\na,0,1\na,1,1\n"), ("'a'", "unique")),
    Case(
        "CSV of nucleotides",
        _write("x.csv", "id,s1,s2,s3\na,0,1,0\n" + "b,0,1,1\n" * 70 + "c,AA,AG,GG\n"),
        ("nucleotides", "line 73"),
    ),
    Case(
        "CSV with a count of 5",
        _write("x.csv", "id,s1,s2\n" + "".join(f"i{i},0,1\n" for i in range(80)) + "z,0,5\n"),
        ("value 5", "column 3"),
    ),
    Case(
        "CSV of prose",
        _write("x.csv", "The quick brown fox, it is said,\njumps over the lazy dog, or so,\nevery day, at noon\n"),
        ("column",),
    ),
    Case("CSV with a header alone", _write("x.csv", "id,s1,s2\n"), ("no rows",)),
    Case("CSV with NUL bytes", _write("x.csv", b"id,s1,s2\na,0,1\n" * 3000 + b"b,0,\x00\n"), ("NUL",)),
    Case("CSV in UTF-16", _write("x.csv", "id,s1,s2\na,0,1\nb,1,1\n".encode("utf-16")), ("UTF-16",)),
    Case("CSV of one endless line", _wide_line, ("longer than 64 MiB",)),
    Case("CSV of one individual", _write("x.csv", "id,s1,s2\na,0,1\n"), ("1 individuals", "2 x 2")),
    Case("CSV of missing calls", _write("x.csv", "id,s1,s2\na,NA,NA\nb,-9,.\n"), ("missing",)),
    Case("hapt with a count of 2", _write("x.hapt", "Real a_A 0 1 0\nReal a_B 0 2 0\n"), ("holds a 2", "line 2")),
    Case("hapt of words", _write("x.hapt", "this is no haplotype file at all\n"), ("haplotypes",)),
    Case("hapt with ragged rows", _write("x.hapt", "Real a_A 0 1 0\nReal a_B 0 1\n"), ("line 2",)),
    Case(
        "filter that leaves nothing",
        _write("x.csv", "id,s1,s2\na,0,0\nb,0,0\n"),
        ("No variant is left",),
        options=CohortOptions(maf_min=0.1),
    ),
    Case(
        "region on a contig that is not there",
        _write(
            "x.npz",
            _zip({"X.npy": _npy(_MATRIX), "pos.npy": _npy(np.arange(1, 5)), "chrom.npy": _npy(np.array(["1"] * 4))}),
        ),
        ("contig '7'", "it has 1"),
        options=CohortOptions(region="7:1-9"),
    ),
    Case(
        "VCF in Latin-1",
        _write("x.vcf", (HEADER + COLUMNS.replace("\tb", "\tZoé") + RECORDS).encode("latin-1")),
        ("not UTF-8",),
    ),
    Case(
        "VCF with a contig in Latin-1",
        _write("x.vcf", (HEADER + COLUMNS + RECORDS + record(3, "A", "C", *["0/1"] * 3, contig="é")).encode("latin-1")),
        ("not UTF-8 in record 3",),
    ),
    Case("PLINK text", _write("x.ped", "f a 0 0 1 1 A A C G\nf b 0 0 1 1 A C C C\n"), ("without its .map",)),
    Case(
        "ped with a row cut short",
        _files({"x.ped": "f a 0 0 1 1 A A C G\nf b 0 0 1 1 A C C\n", "x.map": "1 rs1 0 5\n1 rs2 0 9\n"}),
        ("3 alleles", "line 2", "x.map"),
    ),
    Case(
        "packed EIGENSTRAT cut short",
        _files(
            {
                "x.geno": b"GENO      3      2 0 0".ljust(48, b"\0") + bytes(60),
                "x.snp": "rs1 1 0 5 A C\nrs2 1 0 9 A C\n",
                "x.ind": "a M P\nb F P\nc F P\n",
            }
        ),
        ("108 bytes", "144"),
    ),
    Case(
        "Oxford gen whose probabilities are too large",
        _write("x.gen", "1 rs1 5 A C 1 0 0 0 1 0\n1 rs2 9 A C 0.9 0.9 0 0 0 1\n"),
        ("1.80", "line 2"),
    ),
    Case(
        "HapMap with a word for a genotype",
        _write("x.hmp.txt", f"rs#\talleles\tchrom\tpos\t{_HAPMAP}\ta\tb\ns1\tA/C\t1\t5{_ABSENT}\tA\tlow\n"),
        ("'low'", "line 2"),
    ),
    Case(
        "FinalReport without alleles",
        _write("x.txt", "[Header]\nNum SNPs\t2\n[Data]\nSNP Name\tSample ID\tLog R Ratio\nr1\ta\t0.1\nr2\ta\t0.2\n"),
        ("FinalReport", "Allele1"),
    ),
    Case(
        "two chromosomes of different people",
        _files({"c1.traw": _TRAW.format("1", "a", "b"), "c2.traw": _TRAW.format("2", "a", "c")}),
        ("different individuals", "bcftools merge"),
    ),
    Case("zip whose member lies outside", _write("x.zip", _outside()), ("damaged zip",)),
    _of_sets("sets: empty file", _write("x.csv", b""), "empty", "observations"),
    _of_sets("sets: pickle", _write("x.npz", pickle.dumps(_Evil())), "pickle"),
    _of_sets("sets: PyTorch file by name", _write("model.pt", b"PK\x03\x04" + b"\0" * 40), "PyTorch"),
    _of_sets("sets: random bytes", _write("x.bin", b"\0\1\2\3" * 100), "no known format of observations"),
    _of_sets("sets: npz of objects", _write("x.npz", _zip({"X.npy": _npy(_OBJECTS, True)})), "Python objects"),
    _of_sets(
        "sets: npz of 32 GiB", _write("x.npz", _zip({"X.npy": _header_npy("'<f8'", "(65536, 65536)")})), "32.0 GiB"
    ),
    _of_sets("sets: npz of one column", _write("x.npz", _zip({"X.npy": _npy(np.arange(9))})), "no array"),
    _of_sets("sets: zip with ../x", _write("x.zip", _zip({"../x.png": b"x"})), "leads outside"),
    _of_sets("sets: zip of no images", _write("x.zip", _zip({"a/b.png": b"not a picture"})), "no image"),
    _of_sets("sets: HDF5 of noise", _write("x.h5ad", b"\x89HDF\r\n\x1a\n" + _noise(2048)), "damaged HDF5"),
    _of_sets("sets: HDF5 of 400 GB", _hdf5(_huge), "declares"),
    _of_sets("sets: HDF5 with a link outside", _hdf5(_link_outside), "link"),
    _of_sets("sets: HDF5 that is no h5ad", _hdf5(lambda file: file.create_dataset("v", data=[1, 2])), "h5ad"),
    _of_sets("sets: CSV with a header alone", _write("x.csv", "g,x\n"), "no rows"),
    _of_sets("sets: CSV of words", _write("x.csv", "g,x\na,b\nc,d\n"), "numeric"),
    _of_sets("sets: CSV without the column", _write("x.csv", "h,x\n" + "a,1\n" * 8), "'g'"),
    _of_sets("sets: FASTA of signs", _write("x.fasta", ">a\n!!!!\n>b\n####\n"), "no sequence"),
    _of_sets("sets: FASTA without the column", _write("x.fasta", "  \n>\nAC\n>b\nAC\n"), "column"),
]

ACCEPTED = [
    Case("VCF with CRLF", _write("x.vcf", (HEADER + COLUMNS + RECORDS).replace("\n", "\r\n")), (), (3, 2)),
    Case(
        "VCF with a byte-order mark",
        _write("x.vcf", b"\xef\xbb\xbf" + (HEADER + COLUMNS + RECORDS).encode()),
        ("mended",),
        (3, 2),
    ),
    Case(
        "VCF without contig lines",
        _write("x.vcf", HEADER.replace("##contig=<ID=1>\n", "") + COLUMNS + RECORDS),
        (),
        (3, 2),
    ),
    Case("VCF without its first line", _write("x.vcf", COLUMNS + RECORDS), ("mended",), (3, 2)),
    Case("VCF whose name says CSV", _write("x.csv", HEADER + COLUMNS + RECORDS), (), (3, 2)),
    Case("VCF in plain gzip", _write("x.vcf.gz", gzip.compress((HEADER + COLUMNS + RECORDS).encode())), (), (3, 2)),
    Case(
        "VCF with half and haploid calls",
        _write("x.vcf", HEADER + COLUMNS + RECORDS + record(30, "A", "C", "0/.", "1", "0/1")),
        ("1 half calls", "1 haploid calls"),
        (3, 3),
    ),
    Case(
        "VCF with multi-allelic, symbolic and * alleles",
        _write(
            "x.vcf",
            HEADER
            + COLUMNS
            + RECORDS
            + record(30, "A", "C,G", "1/2", "0/0", "0/1")
            + record(40, "A", "<DEL>", "0/1", "0/0", "0/1")
            + record(50, "A", "*", "0/1", "0/0", "0/1")
            + record(60, "A", ".", "0/0", "0/0", "0/0"),
        ),
        (),
        (3, 2),
        dropped={"multi-allelic": 1, "symbolic allele": 1, "spanning deletion (*)": 1, "no alternate allele": 1},
    ),
    Case(
        "VCF out of order",
        _write("x.vcf", HEADER + COLUMNS + record(90, "A", "C", "0/0", "0/1", "1/1") + RECORDS),
        ("order",),
        (3, 3),
    ),
    Case(
        "CSV with semicolons, a byte-order mark and CRLF",
        _write("x.csv", b"\xef\xbb\xbfid;s1;s2\r\na;0;1\r\nb;2;1\r\n"),
        (),
        (2, 2),
    ),
    Case(
        "CSV without header and ids",
        _write("x.csv", "0,1,2\n1,1,0\n2,0,1\n"),
        ("Rows are taken as individuals",),
        (3, 3),
    ),
    Case(
        "CSV with every code for missing",
        _write("x.csv", "id,s1,s2,s3,s4\na,NA,0,1,2\nb,-9,.,1,2\nc,,nan,-1,2\n"),
        (),
        (3, 4),
    ),
    Case("CSV of 0/1 pairs", _write("x.csv", "sample,s1,s2\na,0/1,1|1\nb,./.,0/0\n"), (), (2, 2)),
    Case("CSV of dosages", _write("x.csv", "sample,s1,s2\na,0.1,1.9\nb,1,0.0\n"), ("2 dosages were rounded",), (2, 2)),
    Case(
        "CSV with variants in rows",
        _write("x.csv", "snp,chrom,pos,ref,alt,a,b,c\nrs1,1,5,A,C,0,1,2\nrs2,1,9,A,C,0,0,1\n"),
        (),
        (3, 2),
    ),
    Case("CSV with quotes", _write("x.csv", '"id","s1","s2"\n"a, the first","0","1"\n"b","2","1"\n'), (), (2, 2)),
    Case("CSV with a million columns", _million_columns, (), (3, 1_000_000)),
    Case("text with ragged blanks", _write("x.txt", "id  s1   s2\na    0  1\nb 2    1\n"), (), (2, 2)),
    Case(
        "zip with a Mac folder beside the file",
        _write("x.zip", _zip({"x.csv": b"id,s1,s2\na,0,1\nb,2,1\n", "__MACOSX/._x.csv": b"\0\1"})),
        (),
        (2, 2),
    ),
    Case(
        "npy of floats with NaN",
        _write("x.npy", _npy(np.array([[0.0, np.nan, 2], [1, 1, 0]]))),
        ("Rows are taken",),
        (2, 3),
    ),
    Case("npy in Fortran order", _write("x.npy", _npy(np.asfortranarray(_MATRIX))), (), (3, 4)),
    Case("npy of uint8 with 255", _write("x.npy", _npy(_MATRIX.astype(np.uint8))), (), (3, 4)),
    Case(
        "hapt with an odd haplotype",
        _write("x.hapt", "R a_A 0 1 0\nR a_B 0 1 1\nR b_A 0 1 1\nR b_B 1 1 1\nR c_A 1 1 1\n"),
        (),
        (2, 3),
        dropped={"haplotype without its partner": 1},
    ),
    Case("matrix that does not vary", _write("x.csv", "id,s1,s2\na,0,2\nb,0,2\n"), ("No variant varies",), (2, 2)),
    Case("name with markup", _write("<img onerror=x>.csv", "id,s1,s2\n<b>a</b>,0,1\n=cmd(),2,1\n"), (), (2, 2)),
]

"""Datasets: files of several parts dropped together, and what the page says of them before anything is imported."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from core.data.library import Library
from tests.pages.routed import routed
from tests.pages.test_datasets import library, open_page, text

__all__ = ["library", "routed"]

PED = b"f1 a 0 0 1 1 A A C G\nf2 b 0 0 2 2 A T C C\nf3 c 0 0 1 1 A T 0 0\n"
MAP = b"1 rs1 0 100\n2 rs2 0 200\n"
GENO, SNP = b"0120\n2191\n1002\n", b"rs1 5 0.0 10 T C\nrs2 5 0.0 20 A C\nrs3 5 0.0 30 G A\n"
IND = b"S1 M YRI\nS2 F YRI\nS3 M CEU\nS4 F CEU\n"


def drop(app: AppTest, **files: bytes) -> str:
    """Drop files together; what the page says then."""
    uploader = next(one for one in app.file_uploader if one.key and one.key.startswith("upload_genotypes_"))
    for name, content in files.items():
        uploader.upload(name.replace("_", "."), content)
    app.run()
    assert not app.exception
    return text(app).replace("\\", "")


def test_ped_and_map_together(library: Library) -> None:
    app = open_page("Import files")
    said = drop(app, x_ped=PED, x_map=MAP)
    assert "Format **PLINK ped**" in said and "both alleles known" in said
    assert "rs1 counts T (not A)" in said and "rarer" in said
    app.button(key="import_start").click().run()
    (meta,) = library.list()
    assert meta.cohort is not None
    assert (meta.cohort.individuals, meta.cohort.variants) == (3, 2)


def test_an_eigenstrat_triple(library: Library) -> None:
    said = drop(open_page("Import files"), e_geno=GENO, e_snp=SNP, e_ind=IND)
    assert "Format **EIGENSTRAT**" in said and "4 individuals" in said
    assert "first allele of the .snp file" in said and "rs1 counts T (not C)" in said
    assert "**population** (CEU, YRI)" in said or "**population** (YRI, CEU)" in said
    assert "**HapMap**" in said, "the list of formats stands beside the upload"


def test_a_file_without_its_companion(library: Library) -> None:
    assert "without its .map file" in drop(open_page("Import files"), x_ped=PED)

"""Files of cells as the tools of the field write them: the same cells whatever the format."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.io import mmwrite

from core.data.intake.collection_options import CollectionOptions
from core.data.intake.importing import preview, read_file
from core.data.intake.suggestions import surely_sets
from core.errors import InputError
from tests.data.intake.test_collection import read
from tests.data.intake.test_set_cases import folder_of_cases

pytestmark = pytest.mark.usefixtures("in_process")

COUNTS = np.random.default_rng(0).negative_binomial(1, 0.1, size=(24, 7))
DONOR = np.repeat(["a", "b", "c"], 8)
BARCODES = [f"ACGTACGT{format(i, '05b').replace('0', 'A').replace('1', 'C')}-1" for i in range(24)]
GENES = [f"G{i}" for i in range(7)]


@pytest.fixture
def cases(shared: Path) -> Path:
    """The folder of cases of sets."""
    return folder_of_cases(shared)


def normal(counts: np.ndarray) -> np.ndarray:
    """log(1 + x) of the counts, 10,000 a cell."""
    return np.log1p(counts / counts.sum(axis=1, keepdims=True) * 1e4)


def mtx(counts: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    mmwrite(buffer, sparse.coo_matrix(counts.T))
    return buffer.getvalue()


def tenx(path: Path, folders: dict[str, np.ndarray], packed: bool, table: str = "") -> Path:
    """A zip of 10x folders; `table` is the text of a table of barcodes."""
    with zipfile.ZipFile(path, "w") as archive:
        for folder, rows in folders.items():
            features = "".join(f"ENSG{i}\t{gene}\tGene Expression\n" for i, gene in enumerate(GENES)).encode()
            barcodes = "".join(f"{BARCODES[i]}\n" for i in rows).encode()
            files = {"matrix.mtx": mtx(COUNTS[rows]), "barcodes.tsv": barcodes, "features.tsv": features}
            for name, content in files.items():
                if packed:
                    archive.writestr(f"{folder}{name}.gz", gzip.compress(content))
                else:
                    archive.writestr(f"{folder}{name.replace('features', 'genes')}", content)
        if table:
            archive.writestr("cells.csv", table)
    return path


@pytest.mark.parametrize("packed", [False, True])
def test_a_10x_folder_with_a_table_of_barcodes(packed: bool, tmp_path: Path) -> None:
    order = np.random.default_rng(1).permutation(24)
    table = "barcode,donor,day\n" + "".join(f"{BARCODES[i]},{DONOR[i]},{i // 8:03d}\n" for i in order)
    path = tenx(tmp_path / "t.zip", {"filtered/": np.arange(24)}, packed, table)
    sets, answer = read(path, tmp_path / "out", set_column=("donor",))
    assert answer["format"] == "tenx_folder" and sets.set_id.tolist() == ["a", "b", "c"]
    assert sets.feature.tolist() == GENES and sets.labels["day"].tolist() == ["000", "001", "002"]
    np.testing.assert_allclose(sets.observations, normal(COUNTS), rtol=1e-5)
    assert any("describes 24 of 24 barcodes" in note for note in answer["notes"])
    one, _ = read(path, tmp_path / "one", set_column=("donor",), features=("ENSG3",), normalise="none")
    np.testing.assert_array_equal(one.observations[:, 0], COUNTS[:, 3])
    assert surely_sets(path, "t.zip")


def test_several_10x_folders_are_samples(tmp_path: Path) -> None:
    path = tenx(tmp_path / "t.zip", {f"s{k}/outs/": np.arange(k * 8, k * 8 + 8) for k in range(3)}, True)
    sets, _ = read(path, tmp_path / "out", set_column=("folder",), normalise="none")
    assert sets.set_id.tolist() == ["s0/outs", "s1/outs", "s2/outs"]
    np.testing.assert_array_equal(sets.observations_of(2), COUNTS[16:])


def test_the_shared_10x_folder(cases: Path, tmp_path: Path) -> None:
    path = cases / "08-tenx-folder" / "tenx.zip"
    with pytest.raises(InputError, match="table with one row a barcode"):
        read(path, tmp_path / "a", set_column=("donor",))
    with zipfile.ZipFile(path) as archive:
        rows = [line.split() for line in archive.read("m/matrix.mtx").decode().splitlines() if line[0] != "%"]
        barcodes = archive.read("m/barcodes.tsv").decode().split()
    counts = np.zeros((len(barcodes), int(rows[0][0])))
    for gene, cell, value in rows[1:]:
        counts[int(cell) - 1, int(gene) - 1] = float(value)
    table = tmp_path / "cells.tsv"
    table.write_text("cell\tdonor\n" + "".join(f"{b}\td{i % 3}\n" for i, b in enumerate(barcodes)))
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path)
    files = [tmp_path / "m" / name for name in ("matrix.mtx", "barcodes.tsv", "features.tsv")]
    for given in ([*files, table], [path, table]):
        found = read_file(given, options=CollectionOptions(set_column=("donor",), normalise="none")).population
        assert found.set_id.tolist() == ["d0", "d1", "d2"]
        np.testing.assert_array_equal(found.observations_of(1), counts[1::3])


def test_matrix_market_alone_and_10x_of_version_2(cases: Path, tmp_path: Path) -> None:
    folder = cases / "b26-common-formats"
    with pytest.raises(InputError, match="Matrix Market"):
        read(folder / "matrix.mtx.gz", tmp_path / "m", set_column=("a",))
    with pytest.raises(InputError, match="10x matrix"):
        read(folder / "filtered_gene_bc_matrices_h5.h5", tmp_path / "h", set_column=("a",))
    sets, answer = read(folder / "l.loom", tmp_path / "l", set_column=("donor",), normalise="none")
    import h5py

    with h5py.File(folder / "l.loom") as file:
        matrix, donor = file["matrix"][()].T, file["col_attrs/donor"][()].astype(str)
    assert answer["format"] == "loom"
    np.testing.assert_array_equal(sets.observations_of(0), matrix[donor == sets.set_id[0]])


def test_10x_h5_takes_genes_and_names_the_other_type(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    matrix = sparse.csr_matrix(COUNTS)
    with h5py.File(tmp_path / "m.h5", "w") as file:
        group = file.create_group("matrix")
        for key in ("data", "indices", "indptr"):
            group[key] = getattr(matrix, key)
        group["shape"], group["barcodes"] = [7, 24], np.array(BARCODES, dtype="S")
        for key, values in {
            "id": [f"E{i}" for i in range(7)],
            "name": GENES,
            "feature_type": ["Gene Expression"] * 5 + ["Antibody Capture"] * 2,
        }.items():
            group[f"features/{key}"] = np.array(values, dtype="S")
    table = tmp_path / "cells.csv"
    table.write_text("cell_barcode;donor\n" + "".join(f"{b[:-2]};{d}\n" for b, d in zip(BARCODES, DONOR, strict=True)))
    files = [tmp_path / "m.h5", table]
    result = read_file(files, options=CollectionOptions(set_column=("donor",), normalise="none"))
    assert result.format == "tenx_h5" and any("Antibody Capture" in note for note in result.notes)
    np.testing.assert_array_equal(result.population.observations, COUNTS[:, :5])
    options = CollectionOptions(set_column=("donor",), layer="Antibody Capture", normalise="none")
    np.testing.assert_array_equal(read_file(files, options=options).population.observations, COUNTS[:, 5:])


def adata() -> Any:
    anndata = pytest.importorskip("anndata")
    obs = pd.DataFrame({"donor": pd.Categorical(DONOR), "n": np.arange(24) + 20210301}, index=BARCODES)
    cells = anndata.AnnData(sparse.csr_matrix(COUNTS.astype(np.float32)), obs=obs, var=pd.DataFrame(index=GENES))
    cells.layers["half"] = COUNTS / 2
    return cells


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("folder", ["", "cells.zarr/"])
def test_anndata_as_zarr(version: int, folder: str, tmp_path: Path) -> None:
    import anndata

    with anndata.settings.override(zarr_write_format=version):
        adata().write_zarr(tmp_path / "c.zarr")
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        for path in sorted((tmp_path / "c.zarr").rglob("*")):
            archive.write(path, f"{folder}{path.relative_to(tmp_path / 'c.zarr')}")
    sets, answer = read(tmp_path / "z.zip", tmp_path / "out", set_column=("donor",))
    assert answer["format"] == "zarr" and sets.feature.tolist() == GENES
    np.testing.assert_allclose(sets.observations, normal(COUNTS), rtol=1e-5)
    half, _ = read(tmp_path / "z.zip", tmp_path / "half", set_column=("donor",), layer="half", normalise="none")
    np.testing.assert_allclose(half.observations, COUNTS / 2)


def test_the_shared_zarr_and_parquet(cases: Path, tmp_path: Path) -> None:
    import zarr

    path = cases / "10-zarr" / "zarr.zip"
    sets, _ = read(path, tmp_path / "z", set_column=("donor",), normalise="none")
    group: Any = zarr.open_group(zarr.storage.ZipStore(path, mode="r"), mode="r")
    codes = np.asarray(group["obs/donor/codes"][:])
    expected = np.concatenate([np.asarray(group["X"][:])[codes == code] for code in dict.fromkeys(codes.tolist())])
    np.testing.assert_array_equal(sets.observations, expected)
    path = cases / "09-parquet" / "t.parquet"
    sets, answer = read(path, tmp_path / "p", set_column=("donor",))
    frame = pd.read_parquet(path)
    assert answer["format"] == "parquet" and sets.set_id.tolist() == list(dict.fromkeys(frame["donor"]))
    np.testing.assert_allclose(
        sets.observations_of(1), frame[frame["donor"] == sets.set_id[1]][list("wxyz")], rtol=1e-6
    )


def test_parquet_keeps_long_names_missing_values_and_an_index(tmp_path: Path) -> None:
    frame = pd.DataFrame({"plate": np.repeat([1000101, 1000102, 1000103], 4), "x": np.arange(12) / 7})
    frame["y"] = pd.array([None, *range(1, 12)], dtype="Int64") * 3
    frame["when"] = pd.to_datetime("2024-05-01")
    frame.index = pd.Index(np.arange(12) + 5)
    frame.to_parquet(tmp_path / "t.parquet")
    sets, answer = read(tmp_path / "t.parquet", tmp_path / "out", set_column=("plate",))
    assert sets.set_id.tolist() == ["1000101", "1000102", "1000103"] and sets.feature.tolist() == ["x", "y"]
    with pytest.raises(InputError, match="no delimiter"):
        read(tmp_path / "t.parquet", tmp_path / "d", set_column=("plate",), delimiter="comma")
    assert answer["dropped"] == {"observations with a missing feature": 1} and sets.labels["when"][0] == "2024-05-01"


def test_one_modality_of_a_mudata(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    from anndata.io import write_elem

    protein = COUNTS[:, :3] * 10
    cells = adata()
    with h5py.File(tmp_path / "m.h5mu", "w") as file:
        mod = file.create_group("mod")
        write_elem(
            mod,
            "prot",
            type(cells)(protein.astype(np.float32), obs=cells.obs[[]], var=pd.DataFrame(index=["P1", "P2", "P3"])),
        )
        write_elem(mod, "rna", cells[:, :].copy())
        write_elem(file, "obs", pd.DataFrame({"site": np.tile(["u", "v"], 12)}, index=BARCODES[::-1]))
    sets, answer = read(tmp_path / "m.h5mu", tmp_path / "out", set_column=("donor",))
    np.testing.assert_allclose(sets.observations, normal(COUNTS), rtol=1e-5)
    assert answer["format"] == "h5mu" and any("also holds prot" in note for note in answer["notes"])
    sets, _ = read(tmp_path / "m.h5mu", tmp_path / "p", set_column=("site",), layer="prot", normalise="none")
    assert sets.set_id.tolist() == ["v", "u"] and sets.feature.tolist() == ["P1", "P2", "P3"]
    np.testing.assert_array_equal(sets.observations_of(0), protein[::2])


def fcs(path: Path, events: np.ndarray, channels: list[tuple[str, str]], big: bool = False) -> Path:
    """FCS 3.1 of single precision as its specification has it."""
    k, c = events.shape
    data = events.astype(">f4" if big else "<f4").tobytes()
    words = {"$BEGINANALYSIS": 0, "$ENDANALYSIS": 0, "$BEGINSTEXT": 0, "$ENDSTEXT": 0, "$NEXTDATA": 0, "$MODE": "L",
             "$BYTEORD": "4,3,2,1" if big else "1,2,3,4", "$DATATYPE": "F", "$PAR": c, "$TOT": k}  # fmt: skip
    for i, (detector, marker) in enumerate(channels, 1):
        words |= {f"$P{i}N": detector, f"$P{i}B": 32, f"$P{i}E": "0,0", f"$P{i}R": 262144}
        words |= {f"$P{i}S": marker} if marker else {}
    start = 4096
    words |= {"$BEGINDATA": start, "$ENDDATA": start + len(data) - 1}
    text = "/" + "".join(f"{key}/{value}/" for key, value in words.items())
    head = f"FCS3.1    {256:>8}{256 + len(text) - 1:>8}{start:>8}{start + len(data) - 1:>8}{0:>8}{0:>8}"
    path.write_bytes(head.encode().ljust(256) + text.encode().ljust(start - 256) + data)
    return path


CHANNELS = [("Time", ""), ("FSC-A", ""), ("Yb171Di", "CD3"), ("Nd145Di", "CD4")]


@pytest.mark.parametrize("big", [False, True])
def test_cytometry_is_one_sample_a_file_on_the_scale_of_arcsinh(big: bool, tmp_path: Path) -> None:
    pytest.importorskip("flowio")
    rng = np.random.default_rng(5)
    events = {name: rng.lognormal(3, 1.5, size=(20 + i, 4)).astype(np.float32) for i, name in enumerate("ab")}
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        for name, one in events.items():
            archive.write(fcs(tmp_path / f"{name}.fcs", one, CHANNELS, big), f"panel/{name}.fcs")
    sets, answer = read(tmp_path / "z.zip", tmp_path / "out", set_column=("file",))
    assert answer["format"] == "fcs" and sets.set_id.tolist() == ["a", "b"]
    assert sets.feature.tolist() == ["CD3", "CD4"] and answer["applied"] == {"normalise": "arcsinh"}
    np.testing.assert_allclose(sets.observations_of(1), np.arcsinh(events["b"][:, 2:] / 5), rtol=1e-5)
    np.testing.assert_allclose(sets.covariates["FSC-A"][0], events["a"][:, 1].mean(), rtol=1e-5)
    chosen, _ = read(
        tmp_path / "z.zip", tmp_path / "f", set_column=("file",), features=("Nd145Di", "FSC-A"), normalise="none"
    )
    np.testing.assert_array_equal(chosen.observations_of(0), events["a"][:, [3, 1]])
    assert surely_sets(tmp_path / "a.fcs", "a.fcs")


def test_a_broken_cytometry_file_is_one_sentence(tmp_path: Path) -> None:
    pytest.importorskip("flowio")
    whole = fcs(tmp_path / "a.fcs", np.ones((9, 4)), CHANNELS).read_bytes()
    for number, content in enumerate(
        (whole[:-40], whole[:300], b"FCS3.1    " + b"9" * 48, whole.replace(b"$PAR/4", b"$PAR/9"))
    ):
        (tmp_path / "b.fcs").write_bytes(content)
        with pytest.raises(InputError, match="cannot be read"):
            read(tmp_path / "b.fcs", tmp_path / f"out{number}", set_column=("file",))


def test_a_preview_says_what_was_understood(home: Path, tmp_path: Path) -> None:
    adata().write_h5ad(tmp_path / "c.h5ad")
    found = preview([tmp_path / "c.h5ad"], options=CollectionOptions())
    assert found["normalise"] == "size_log1p" and any("Raw counts were recognised" in note for note in found["notes"])
    assert any("half (fractions" in note for note in found["notes"])
    plain = preview([tmp_path / "c.h5ad"], options=CollectionOptions(set_column=("donor",), normalise="none"))
    assert plain["built"]["sets"] == 3 and any("taken as they are" in note for note in plain["notes"])

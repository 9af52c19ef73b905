"""Hostile files in the formats of cells end in one plain sentence, soon and within little memory."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from core.data.intake.collection_options import CollectionOptions
from core.data.intake.importing import read_file
from core.errors import InputError
from tests.data.intake.test_hostile import one_sentence

_SECONDS_MAX = 30.0  # of the wall, on a machine that does other work too
_NAMES = {"barcodes.tsv": "".join(f"c{i}\n" for i in range(4)), "features.tsv": "e1\tg1\ne2\tg2\ne3\tg3\n"}


def _zip(members: dict[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _mtx(size: str) -> bytes:
    return _zip({"matrix.mtx": f"%%MatrixMarket matrix coordinate integer general\n{size}\n1 1 1\n", **_NAMES})


def _zarr(shape: str) -> bytes:
    array = '{"zarr_format":2,"shape":%s,"chunks":[1000,1000],"dtype":"<f4","compressor":null,'
    array += '"fill_value":0,"order":"C","filters":null}'
    group = '{"zarr_format":2}'
    return _zip({".zgroup": group, "X/.zarray": array % shape, "obs/.zgroup": group, "var/.zgroup": group})


def _parquet() -> bytes:
    """100 million zeros in a few kilobytes."""
    buffer = io.BytesIO()
    column = pa.array(np.zeros(1_000_000, dtype=np.int64))
    table = pa.table({"g": pa.chunked_array([column] * 100)})
    parquet.write_table(table, buffer, compression="zstd", row_group_size=100_000_000)
    return buffer.getvalue()


def _hdf5(fill: Callable[[Any], object]) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        fill(file)
    return buffer.getvalue()


def _sparse_outside(file: Any) -> None:
    """A sparse matrix whose column numbers lead outside of it."""
    group = file.create_group("X")
    group.attrs["encoding-type"], group.attrs["shape"] = "csr_matrix", [3, 4]
    group["data"], group["indices"], group["indptr"] = np.ones(3), np.array([0, 9_999_999, 1]), np.array([0, 1, 2, 3])
    for key, count in (("obs", 3), ("var", 4)):
        file.create_group(key).attrs["_index"] = "_index"
        file[key]["_index"] = np.array([f"n{i}" for i in range(count)], dtype="S")


def _tenx_lie(file: Any) -> None:
    """A 10x matrix with fewer names than genes."""
    group = file.create_group("matrix")
    group["data"], group["indices"], group["indptr"] = np.ones(2), np.array([0, 1]), np.array([0, 1, 2])
    group["shape"], group["barcodes"] = [2, 2], np.array(["a", "b"], dtype="S")
    group["features/id"], group["features/name"] = np.array(["x"], dtype="S"), np.array(["x"], dtype="S")


def _loom(file: Any) -> None:
    file.create_dataset("matrix", shape=(1_000_000, 100_000), dtype="f4", chunks=(1000, 1000))
    file.create_group("col_attrs")


CASES: list[tuple[str, str, bytes, str]] = [
    ("Matrix Market of 10¹⁸ entries", "t.zip", _mtx("1000000000 1000000000 1"), "give the files of one matrix"),
    ("Matrix Market with a lying count", "t.zip", _mtx("3 4 999999999999"), "at most"),
    ("Matrix Market without a table of barcodes", "t.zip", _mtx("3 4 1"), "no column 'g'"),
    ("zarr of 400 GB", "t.zip", _zarr("[1000000,100000]"), "declares"),
    ("zarr of nonsense", "t.zip", _zip({".zgroup": "{", "obs/.zgroup": "]"}), "zarr"),
    ("Parquet of many zeros", "t.parquet", _parquet(), "declares"),
    ("Parquet cut short", "t.parquet", _parquet()[:-50], "cannot be read"),
    ("h5ad with a broken sparse matrix", "t.h5ad", _hdf5(_sparse_outside), "broken sparse matrix"),
    ("10x with fewer names than genes", "t.h5", _hdf5(_tenx_lie), "do not fit"),
    ("loom of 400 GB", "t.loom", _hdf5(_loom), "declares"),
    ("h5mu without a modality", "t.h5mu", _hdf5(lambda file: file.create_group("mod")), "no modality"),
    ("FCS of 58 signs", "t.fcs", b"FCS3.1    " + b"9" * 48, "cannot be read"),
    ("CSV with a quotation that never ends", "t.csv", b'g,x\n"a,1\n' + b"b,2\n" * 9, "never ends"),
    ("CSV of one long quotation", "t.csv", b'g,x\n"' + b"a\n" * 2_000_000, "quotation"),
    ("R object", "t.rds", b"X\n\0\0\0\3\0\4\2", "R object"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_one_sentence_and_soon(case: tuple[str, str, bytes, str], home: Path, tmp_path: Path) -> None:
    what, name, content, words = case
    path = tmp_path / name
    path.write_bytes(content)
    start = time.monotonic()
    with pytest.raises(InputError, match=words) as refusal:
        read_file([path], options=CollectionOptions(set_column=("g",)))
    assert one_sentence(str(refusal.value)), what
    assert time.monotonic() - start < _SECONDS_MAX

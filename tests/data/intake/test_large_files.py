"""Large files: read in blocks, kept in files, with shared words; the same sets as of small ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.data.intake.cohort_options import CohortOptions
from core.data.intake.filters import apply_filters
from core.data.intake.formats import calls
from core.data.intake.formats.calls import CallsWriter
from core.errors import InputError
from tests.conftest import tiny_cohort
from tests.data.intake.test_collection import read
from tests.data.intake.test_image_sequence_cases import said


def test_a_long_table_is_read_in_blocks_as_a_short_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.data.intake import long_tables

    rng = np.random.default_rng(3)
    path = tmp_path / "x.csv"
    rows = [f"r{i},{''.join(rng.choice(list('ACGT'), 12))},{'uvw'[i % 3]},{i % 7},{i % 3 + 0.5}" for i in range(500)]
    path.write_text("read,dna,sample,batch,dose\n" + "\n".join(rows) + "\n")
    whole, first = read(path, tmp_path / "a", set_column=("sample",))
    monkeypatch.setattr(long_tables, "LONG_BYTES", 0)
    monkeypatch.setattr(long_tables, "BLOCK", 64)
    long, second = read(path, tmp_path / "b", set_column=("sample",))
    assert (whole.observations == long.observations).all() and (whole.set_id == long.set_id).all()
    assert whole.labels.keys() == long.labels.keys()
    assert {k: v.tolist() for k, v in whole.covariates.items()} == {k: v.tolist() for k, v in long.covariates.items()}
    said(second, "500 rows were read a block at a time")
    assert second["dropped"] == first["dropped"]
    path.write_text("read,dna,sample\n" + "a,ACGT,u\n" * 80 + "a,ACGT,u,v\n")
    with pytest.raises(InputError, match="line 82"):
        read(path, tmp_path / "c", set_column=("sample",))


def test_large_letters_lie_in_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same sets whether letters and indices stand in memory or in files, and whether words are shared or not."""
    from core.data.intake import coded_columns, letters

    rng = np.random.default_rng(4)
    path = tmp_path / "x.fa"
    texts = ["".join(rng.choice(list("ACGTN"), int(rng.integers(5, 30)), p=[0.24] * 4 + [0.04])) for _ in range(300)]
    path.write_text("".join(f">r{i} g=s{i % 4} dose={i % 4}\n{one}\n" for i, one in enumerate(texts)))
    plain, _ = read(path, tmp_path / "a", set_column=("g",), ambiguous="unknown")
    monkeypatch.setattr(letters, "_IN_MEMORY", 100)
    monkeypatch.setattr(letters, "_BLOCK", 256)
    monkeypatch.setattr(coded_columns, "_LONG", 10)
    monkeypatch.setattr(coded_columns, "DISTINCT_MAX", 50)
    filed, second = read(path, tmp_path / "b", set_column=("g",), ambiguous="unknown")
    assert (plain.observations == filed.observations).all() and (plain.set_id == filed.set_id).all()
    assert {k: v.tolist() for k, v in plain.labels.items()} == {k: v.tolist() for k, v in filed.labels.items()}
    np.testing.assert_array_equal(plain.covariates["dose"], filed.covariates["dose"])
    said(second, "'record' was left out")


def test_a_column_of_many_numbers_is_kept_as_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.data.intake import coded_columns

    monkeypatch.setattr(coded_columns, "DISTINCT_MAX", 5)
    column = coded_columns.CodedColumn(2)
    column.add([str(i / 8) for i in range(10)])
    column.add(["", "3"])
    values, texts = column.values(np.ones(14, dtype=bool))
    assert texts is None and not column.lost
    np.testing.assert_array_equal(values, [np.nan, np.nan, *(i / 8 for i in range(10)), np.nan, 3.0])
    column.add(["word"])
    assert column.lost


@pytest.mark.parametrize("normalise", ["none", "size_log1p", "arcsinh"])
def test_large_matrices_of_cells_lie_in_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, normalise: str) -> None:
    """The same sets whether a dense h5ad stands in memory or is copied to a file, a block at a time."""
    import anndata
    import pandas as pd

    from core.data.intake.formats import elements, observations

    rng = np.random.default_rng(5)
    x = rng.poisson(3.0, (500, 7)).astype(np.float64)
    cells = pd.DataFrame({"clone": [f"c{i % 6}" for i in range(500)]}, index=[f"cell{i}" for i in range(500)])
    path = tmp_path / "x.h5ad"
    anndata.AnnData(X=x, obs=cells).write_h5ad(path)
    asked = {"set_column": ("clone",), "normalise": normalise}
    plain, _ = read(path, tmp_path / "a", **asked)
    monkeypatch.setattr(elements, "_IN_MEMORY", 100)
    monkeypatch.setattr(observations, "_BLOCK_BYTES", 999)
    monkeypatch.setattr(elements.tempfile, "gettempdir", lambda: str(tmp_path / "b"))
    filed, answer = read(path, tmp_path / "b", **asked)
    assert isinstance(filed.observations, np.memmap)
    np.testing.assert_array_equal(plain.observations, filed.observations)
    assert (plain.set_id == filed.set_id).all()
    assert answer["applied"]["normalise"] == normalise
    x[3, 3] = 1e300
    anndata.AnnData(X=x, obs=cells).write_h5ad(path)
    with pytest.raises(InputError, match="missing or infinite"):
        read(path, tmp_path / "b", **asked)


@pytest.mark.parametrize("by_variant", [True, False])
def test_what_filters_leave_of_many_calls_lies_in_a_file(
    by_variant: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same calls as of a filter in memory, and nothing of a file is left but its map."""
    tiny = tiny_cohort()
    rows = tiny.calls.T if by_variant else tiny.calls
    writer = CallsWriter(tmp_path, rows.shape[1], "x")
    writer.append(np.ascontiguousarray(rows))
    filed = replace(tiny, calls=writer.matrix().T if by_variant else writer.matrix())
    monkeypatch.setattr(calls, "_IN_MEMORY", 0)
    monkeypatch.setattr(calls, "_BLOCK", 100)
    options = CohortOptions(maf_min=0.2, individual_missing_max=0.02, variant_missing_max=0.02)
    plain, first = apply_filters(tiny, options)
    kept, second = apply_filters(filed, options)
    assert first == second and all(first.values())
    assert plain.sample_id.tolist() == kept.sample_id.tolist()
    assert plain.variant_id.tolist() == kept.variant_id.tolist()
    assert isinstance(kept.calls, np.memmap)
    np.testing.assert_array_equal(plain.calls, kept.calls)
    assert not list(tmp_path.iterdir())

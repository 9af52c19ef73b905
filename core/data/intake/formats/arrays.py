"""NumPy files: one matrix (.npy), or a matrix with its ids, positions, labels and phenotypes (.npz)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Genotypes, Strings, number_ids
from core.data.intake.columns import individual_columns
from core.data.intake.formats import npy
from core.data.intake.formats.base import (
    CohortFormat,
    CohortSource,
    Head,
    ReadResult,
    formats,
    matrix_preview,
    only_file,
)
from core.data.intake.formats.calls import check_size, column
from core.data.intake.formats.matrix import check_shape, counts_from, orientation_of, ploidy_of
from core.errors import InputError

_MATRIX = ("call_genotype", "calls", "X", "genotypes", "genotype", "G", "GT", "geno", "dosage", "calldata/GT", "arr_0")
_SAMPLES = ("sample_id", "ids", "id", "samples", "sample", "iid", "individuals", "taxa")
_VARIANTS = ("variant_id", "snp", "snps", "variants", "marker", "markers", "rsid", "sid", "variants/ID")
_CONTIGS = ("variant_contig", "chrom", "contig", "chr", "chromosome", "variants/CHROM")
_POSITIONS = ("variant_position", "pos", "position", "bp", "variants/POS")
_MEGABASES = ("mbp", "mb", "pos_mb")
_ALLELES = ("variant_allele", "alleles")


@formats.register(
    "numpy",
    title="NumPy",
    kind="genotypes",
    help="NumPy .npy matrix, or .npz with a matrix, ids, positions, labels and phenotypes.",
    source="numpy.lib.format, versions 1 to 3",
)
class NumPy(CohortFormat):
    """Counts, dosages, or allele pairs (…, 2); individuals by variants or the reverse."""

    zipped = True
    endings = (".npy", ".npz")
    recognised = "by its first bytes (numpy's, or a zip of .npy members)"

    @staticmethod
    def matches(head: Head) -> bool:
        return head.first.startswith(npy.MAGIC) or head.suffix in (".npy", ".npz")

    @staticmethod
    def read(source: CohortSource) -> ReadResult[Genotypes]:
        only_file(source)
        return _genotypes(_load(source.main), source)

    @staticmethod
    def preview(source: CohortSource) -> dict[str, Any]:
        only_file(source)
        arrays = _load(source.main)
        result = _genotypes(arrays, source)
        genotypes = result.population
        ids, variants = genotypes.sample_id[:8].tolist(), genotypes.variant_id[:8].tolist()
        listed = ", ".join(f"{k} {v.dtype} {'x'.join(map(str, v.shape))}" for k, v in arrays.items())
        notes = [*result.notes, f"Arrays of the file: {listed}."]
        return matrix_preview((genotypes.n, genotypes.m), ids, variants, genotypes.calls, notes)


def _load(head: Head) -> dict[str, npt.NDArray[Any]]:
    arrays = npy.load(head, npy.headers(head))
    if not arrays:
        raise InputError(f"{head.name} holds no array; an individuals x variants matrix named X or calls is expected.")
    return arrays


def _genotypes(arrays: dict[str, npt.NDArray[Any]], source: CohortSource) -> ReadResult[Genotypes]:
    name = source.main.name
    key = _matrix_key(arrays, name)
    rest = {k: v for k, v in arrays.items() if k != key}
    matrix = arrays[key]
    check_shape(matrix, name)
    check_size(matrix.shape[0], matrix.shape[1], name)
    samples, variants = _named(rest, _SAMPLES), _named(rest, _VARIANTS)
    sample_length, variant_length = _length(samples), _length(variants) or _length(_named(rest, _CONTIGS + _POSITIONS))
    transposed, why = orientation_of(matrix.shape, sample_length, variant_length, source.options.orientation)
    declared = _declared_ploidy(rest)
    asked = source.options.coding if source.options.coding != "auto" or not declared else "counts"
    counts, coding, notes = counts_from(matrix, name, asked, transposed)
    calls = counts.T if transposed else counts
    n, m = calls.shape
    notes += [why] if why else []
    used = {key}
    sample_id = _ids(rest, (_SAMPLES, "sample", n), used, name)
    variant = _variant_columns(rest, m, used, name)
    labels, phenotypes, remarks = _individual_arrays({k: v for k, v in rest.items() if k not in used}, n, m)
    ploidy, said = ploidy_of(calls, declared or source.options.ploidy, matrix.ndim == 3 or coding.diploid)
    genotypes = Genotypes(
        calls=calls, sample_id=sample_id, **variant, labels=labels, phenotypes=phenotypes, ploidy=ploidy
    )
    return ReadResult(genotypes, {}, notes + said + remarks)


def _matrix_key(arrays: dict[str, npt.NDArray[Any]], name: str) -> str:
    def fits(array: npt.NDArray[Any]) -> bool:
        two = array.ndim == 2 or (array.ndim == 3 and array.shape[2] <= 2)
        return two and array.dtype.kind in "biuf"

    for key in _MATRIX:
        if key in arrays and fits(arrays[key]):
            return key
    candidates = [k for k, v in arrays.items() if fits(v) and k != "pheno"]
    if len(candidates) == 1:
        return candidates[0]
    listed = ", ".join(f"{k[:30]} {v.dtype} {'x'.join(map(str, v.shape))}" for k, v in list(arrays.items())[:8])
    what = "several matrices" if candidates else "no matrix of numbers"
    raise InputError(f"{name} holds {what} ({listed}); one individuals x variants matrix named X or calls is expected.")


def _named(arrays: dict[str, npt.NDArray[Any]], names: tuple[str, ...]) -> npt.NDArray[Any] | None:
    return next((arrays[k] for k in names if k in arrays), None)


def _length(array: npt.NDArray[Any] | None) -> int | None:
    return None if array is None or array.ndim == 0 else len(array)


def _ids(
    arrays: dict[str, npt.NDArray[Any]], axis: tuple[tuple[str, ...], str, int], used: set[str], name: str
) -> Strings:
    """The ids of one axis, `axis` being the keys where they may be, the axis' name and its length."""
    names, prefix, length = axis
    key = next((k for k in names if k in arrays), None)
    if key is None:
        return number_ids(prefix, length)
    used.add(key)
    if arrays[key].shape != (length,):
        raise InputError(
            f"{name} has {'x'.join(map(str, arrays[key].shape))} entries in {key!r}; the matrix has {length:,} "
            f"{prefix}s: give one id each."
        )
    return column(_text(arrays[key]))


def _text(array: npt.NDArray[Any]) -> list[str]:
    if array.dtype.kind == "S":
        return [v.decode("utf-8", "replace") for v in array.tolist()]
    return [str(v) for v in array.tolist()]


def _variant_columns(arrays: dict[str, npt.NDArray[Any]], m: int, used: set[str], name: str) -> dict[str, Any]:
    def take(names: tuple[str, ...], shape: tuple[int, ...]) -> npt.NDArray[Any] | None:
        key = next((k for k in names if k in arrays and arrays[k].shape == shape), None)
        if key is not None:
            used.add(key)
        return None if key is None else arrays[key]

    contig, position, megabases = take(_CONTIGS, (m,)), take(_POSITIONS, (m,)), take(_MEGABASES, (m,))
    alleles = take(_ALLELES, (m, 2))
    if position is None and megabases is not None and megabases.dtype.kind in "iuf":
        # A map may start at 0.0 Mb; base pairs count from 1, and 0 is our code for unknown.
        position = np.maximum(1, np.rint(np.nan_to_num(megabases.astype(np.float64)) * 1e6))
    if position is not None and position.dtype.kind not in "iuf":
        raise InputError(f"{name} has positions of type {position.dtype}; numbers of base pairs are expected.")
    return {
        "variant_id": _ids(arrays, (_VARIANTS, "variant", m), used, name),
        "variant_contig": column(_text(contig) if contig is not None else [""] * m),
        "variant_position": np.zeros(m, np.int64) if position is None else _integers(position),
        "variant_allele": np.full((m, 2), "", np.str_)
        if alleles is None
        else column(_text(alleles.reshape(-1)), 50).reshape(m, 2),
    }


def _integers(position: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    clean = np.nan_to_num(position.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    return np.clip(np.rint(clean), 0, 2**53).astype(np.int64)


def _declared_ploidy(arrays: dict[str, npt.NDArray[Any]]) -> str:
    ploidy = arrays.get("ploidy")
    return str(int(ploidy)) if ploidy is not None and ploidy.ndim == 0 and ploidy.dtype.kind in "iu" else ""


def _individual_arrays(
    arrays: dict[str, npt.NDArray[Any]], n: int, m: int
) -> tuple[dict[str, Strings], dict[str, npt.NDArray[np.float64]], list[str]]:
    """Arrays of one entry an individual: strings and few-valued codes become labels, numbers phenotypes."""
    columns: dict[str, list[str]] = {}
    phenotypes: dict[str, npt.NDArray[np.float64]] = {}
    forced: dict[str, Strings] = {}
    for key, array in arrays.items():
        if key.startswith("label:") and array.shape == (n,):
            forced[key.removeprefix("label:")] = column(_text(array))
        elif key.startswith("phenotype:") and array.shape == (n,) and array.dtype.kind in "biuf":
            phenotypes[key.removeprefix("phenotype:")] = array.astype(np.float64)
        elif key in ("pheno", "phenotypes", "Y", "y") and array.ndim <= 2 and array.shape[:1] == (n,):
            if array.dtype.kind in "biuf":
                table = array.reshape(n, -1).astype(np.float64)
                phenotypes |= dict(zip(_phenotype_names(arrays, table.shape[1]), table.T.copy(), strict=True))
        elif array.shape == (n,) and (n != m or array.dtype.kind in "SU") and array.dtype.kind in "SUbiuf":
            columns[key] = _text(array)
    labels, measured, notes = individual_columns(columns)
    return forced | labels, phenotypes | measured, notes


def _phenotype_names(arrays: dict[str, npt.NDArray[Any]], count: int) -> list[str]:
    for key in ("pheno_names", "phenotype_names", "traits", "trait_names"):
        if key in arrays and arrays[key].shape == (count,) and len(set(_text(arrays[key]))) == count:
            return _text(arrays[key])
    return [f"phenotype_{i + 1}" for i in range(count)]

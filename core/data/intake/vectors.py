"""Vectors of observations made ready: which features, which scale, principal components; the same for every format."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.intake.collection_options import CollectionOptions
from core.data.intake.counts import AUTO, normalised, scale_of
from core.data.intake.formats.observations import (
    ENTRIES_MAX,
    STORED_MAX,
    ObservationTable,
    check_entries,
    forget_pages,
    row_blocks,
)
from core.errors import InputError

Dense = npt.NDArray[np.float32]

# Modality → the settings that mean something for its observations alone.
_ONLY_OF = {
    "vector": ("features", "layer", "variable_genes", "components", "scale"),
    "sequence": ("sequence_column", "length", "ambiguous", "gaps", "alphabet"),
    "image": ("sizes", "frames", "channels"),
}
_EXACT = 1000  # the smaller side up to which all eigenvectors are found; beyond it only the leading ones


def require_settings(table: ObservationTable, options: CollectionOptions, name: str) -> None:
    """Raise InputError for a choice that would have no effect on these observations."""
    default = {one.name: one.default for one in fields(CollectionOptions)}
    given = [key for key, value in default.items() if getattr(options, key) != value]
    what = {"vector": "vectors", "image": "images", "sequence": "sequences"}[table.modality]
    useless = [key for kind, keys in _ONLY_OF.items() if kind != table.modality for key in keys if key in given]
    if table.modality != "vector" and options.normalise not in (AUTO, "none"):
        useless.append("normalise")
    if useless:
        raise InputError(f"{name} holds {what}, on which {useless[0]} has no effect; leave it out.")
    if options.layer != "X" and not table.layers:
        raise InputError(f"{name} has no layers, so layer={options.layer!r} cannot be taken; leave it out.")
    ways = [key for key in ("set_column", "whole", "neighbourhood") if getattr(options, key)]
    if len(ways) > 1:
        raise InputError(f"Both {ways[0]} and {ways[1]} say what a set is; choose one of them.")
    if not options.neighbourhood:
        for key in ("neighbourhoods", "window"):
            if key in given:
                raise InputError(
                    f"{key} belongs to neighbourhood, which was not given; name its column or leave it out."
                )


def prepare(table: ObservationTable, options: CollectionOptions, name: str) -> None:
    """Features chosen, values normalised, variable genes kept, scaled and projected as `options` say, in place.

    Afterwards the observations are (k, d) float32, the notes tell what was done, and `table.applied` holds what was
    decided for the reader. Raises InputError.
    """
    if table.modality != "vector":
        return
    x = table.observations
    if len(x.shape) != 2:
        raise InputError(
            f"The features of {name} have {len(x.shape)} axes ({' x '.join(map(str, x.shape))}); observations x "
            "features are expected: choose another layer, or flatten them."
        )
    _check_finite(x, name)
    how, said = scale_of(x, table, options.normalise)
    table.notes += said
    table.applied["normalise"] = how
    total = np.asarray(x.sum(axis=1, dtype=np.float64)).reshape(-1) if how == "size_log1p" else None
    _name_once(table)
    if options.features and options.features != tuple(table.feature.tolist()):
        x = _choose(table, x, options.features, name)
    whole = options.variable_genes or options.scale or options.components
    stored = isinstance(x, np.memmap) and not whole
    check_entries(x.shape[0] * x.shape[1], name, STORED_MAX if stored else ENTRIES_MAX)
    dense, said = _in_place(x, how, total, name) if stored else normalised(_single(x, name), how, total, name)
    table.notes += said if options.normalise != AUTO else []  # auto has said so
    if options.variable_genes:
        dense = _variable(table, dense, options.variable_genes)
    if options.scale:
        dense = _standardised(dense)
        table.notes.append("Features were standardised and cut at ±10.")
    if options.components:
        dense = _projected(table, dense, options.components, name)
    chosen = options.features or options.variable_genes or options.scale or options.components
    if table.loadings is not None and (chosen or how != "none"):
        table.loadings = None
        table.notes.append("Features were chosen or scaled, so the loadings do not lead back to genes any more.")
    table.observations = dense


def principal_components(x: Dense, count: int) -> tuple[Dense, float]:
    """(k, count) float32 scores on the leading principal components of x (k, d), and their share of the variance.

    The singular vectors of the centred cells, without a d × d matrix: exact by the Gram matrix of the smaller side
    where that is at most `_EXACT` wide, else by random projection and seven power iterations (Halko et al. 2011). The
    sign of each component is the one that makes the cubes of its loadings add to more than 0, which no tie between two
    features leaves to rounding.
    """
    centred = x - x.mean(axis=0, dtype=np.float64).astype(np.float32)
    total = float(np.square(centred, dtype=np.float64).sum())
    k, d = centred.shape
    if min(k, d) <= _EXACT:
        gram = _gram(centred if k <= d else centred.T)
        values, vectors = np.linalg.eigh(gram)
        values, vectors = values[::-1][:count], vectors[:, ::-1][:, :count]
        if k <= d:
            scores = vectors * np.sqrt(np.maximum(values, 0))
            loadings = centred.T @ vectors.astype(np.float32)
        else:
            scores, loadings = centred @ vectors, vectors
    else:
        from sklearn.utils.extmath import randomized_svd

        left, singular, right = randomized_svd(centred, count, n_oversamples=20, n_iter=7, random_state=0)
        scores, loadings, values = left * singular, right.T, np.square(singular)
    sign = np.where((loadings**3).sum(axis=0) < 0, -1, 1)
    scores = np.asarray(scores * sign, dtype=np.float32)
    return scores, float(np.sum(values, dtype=np.float64) / max(total, 1e-300))


def most_variable(x: Dense, count: int) -> npt.NDArray[np.int64]:
    """Sorted indices of the `count` features of largest dispersion within 20 bins of the mean (Satija et al. 2015).

    The bins compare genes of like expression; below 100 features there are too few for that, and the dispersion itself
    decides. Where values are negative, dispersion means nothing and the variance decides.
    """
    mean, variance = x.mean(axis=0, dtype=np.float64), x.var(axis=0, dtype=np.float64)
    if float(x.min(initial=0.0)) < 0:
        return np.sort(np.argsort(-variance, kind="stable")[:count]).astype(np.int64)
    dispersion = np.log(np.where(variance > 0, variance / np.maximum(mean, 1e-12), 1e-12))
    score = np.where(variance > 0, dispersion, -np.inf)
    if len(mean) >= 100:
        rank = np.argsort(np.argsort(mean)) * 20 // len(mean)
        for b in np.unique(rank):
            inside = rank == b
            score[inside] = (dispersion[inside] - dispersion[inside].mean()) / (dispersion[inside].std() + 1e-12)
        score[variance <= 0] = -np.inf
    return np.sort(np.argsort(-score, kind="stable")[:count]).astype(np.int64)


def _gram(x: Dense) -> npt.NDArray[np.float64]:
    """x xᵀ in double precision, by blocks of columns: a whole copy in double precision may not fit."""
    gram = np.zeros((len(x), len(x)))
    for start in range(0, x.shape[1], 4096):
        block = x[:, start : start + 4096].astype(np.float64)
        gram += block @ block.T
    return gram


def _in_place(x: Dense, how: str, total: npt.NDArray[np.float64] | None, name: str) -> tuple[Dense, list[str]]:
    """`normalised` of a map of float32 numbers, a block of rows at a time; they are replaced in its file."""
    said: list[str] = []
    for rows in row_blocks(x) if how != "none" else ():
        x[rows], said = normalised(np.array(x[rows]), how, None if total is None else total[rows], name)
        forget_pages(x)
    return x, said


def _check_finite(x: Any, name: str) -> None:
    values = x.data if hasattr(x, "tocsr") else x
    if values.dtype.kind not in "fiub":
        raise InputError(
            f"The features of {name} are of type {values.dtype}; numbers are expected: choose another layer."
        )
    if values.dtype.kind == "f":
        bad = 0
        for rows in row_blocks(values):
            bad += int((~np.isfinite(values[rows])).sum())
            forget_pages(values)
        if bad:
            raise InputError(
                f"The features of {name} have {bad:,} missing or infinite values; fill or remove them, or choose "
                "features without them."
            )


def _single(x: Any, name: str) -> Dense:
    """Dense single precision; a value beyond its range is refused, since it would become infinite."""
    values = x.data if hasattr(x, "tocsr") else x
    top = max(abs(float(values.max(initial=0))), abs(float(values.min(initial=0)))) if values.size else 0.0
    if top > float(np.finfo(np.float32).max):
        raise InputError(f"{name} has values to {top:.3g}, beyond single precision (3.4e38); scale or log them first.")
    dense = x.toarray() if hasattr(x, "toarray") else x
    return np.asarray(dense, dtype=np.float32)


def _name_once(table: ObservationTable) -> None:
    """Names of features made unique as AnnData does it (NAME, NAME-1), since walks and joins go by name."""
    seen: dict[str, int] = {}
    names = table.feature.tolist()
    taken, out = set(names), []
    for one in names:
        if one not in seen:
            seen[one] = 0
            out.append(one)
            continue
        while True:
            seen[one] += 1
            candidate = f"{one}-{seen[one]}"
            if candidate not in taken:
                break
        taken.add(candidate)
        out.append(candidate)
    again = sum(a != b for a, b in zip(names, out, strict=True))
    if again:
        table.feature = np.array(out, dtype=np.str_)
        table.notes.append(f"{again:,} features had a name that was taken; they were numbered, such as NAME-1.")


def _choose(table: ObservationTable, x: Any, wanted: tuple[str, ...], name: str) -> Any:
    place = table.aliases | {one: i for i, one in enumerate(table.feature.tolist())}
    missing = [one for one in wanted if one not in place]
    if missing:
        begin = ", ".join(table.feature[:5].tolist())
        raise InputError(f"{name} has no feature {missing[0]!r}; its features begin {begin}.")
    index = [place[one] for one in wanted]
    table.feature = table.feature[index]
    return (x.tocsc() if hasattr(x, "tocsc") else x)[:, index]


def _variable(table: ObservationTable, x: Dense, count: int) -> Dense:
    if count >= x.shape[1]:
        table.notes.append(f"All {x.shape[1]:,} features were kept: {count:,} most variable were asked for.")
        return x
    keep = most_variable(x, count)
    table.notes.append(f"The {count:,} most variable of {x.shape[1]:,} features were kept.")
    table.feature = table.feature[keep]
    return np.ascontiguousarray(x[:, keep])


def _standardised(x: Dense) -> Dense:
    mean, deviation = x.mean(axis=0, dtype=np.float64), x.std(axis=0, dtype=np.float64)
    scaled = (x - mean.astype(np.float32)) / np.where(deviation > 0, deviation, 1.0).astype(np.float32)
    return np.clip(scaled, -10, 10).astype(np.float32)


def _projected(table: ObservationTable, x: Dense, count: int, name: str) -> Dense:
    most = min(x.shape[0] - 1, x.shape[1])
    if count > most:
        raise InputError(
            f"{name} has {x.shape[0]:,} observations of {x.shape[1]:,} features, so at most {most:,} principal "
            f"components; {count:,} were asked for."
        )
    scores, share = principal_components(x, count)
    table.feature = np.array([f"PC{i + 1}" for i in range(count)], dtype=np.str_)
    table.notes.append(f"{count} principal components keep {share:.1%} of the variance.")
    return scores

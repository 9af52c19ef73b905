"""What the Datasets page shows of a collection of sets: its observations summed up at import, counts, a few sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.dataset import Dataset
from core.data.profile.collection_warnings import warnings_of
from core.data.profile.summaries import histogram, label_summary, phenotype_summary
from core.data.sets import SetCollection
from core.data.split import Split

SHOWN = 6  # sets in a glimpse
OBSERVATIONS = 200  # of each of them
AROUND = 2000  # observations of all sets behind them
_LETTERS = 60
_PROFILED = 50_000  # observations from which features are summed up


@dataclass(frozen=True)
class Glimpse:
    """A few sets to look at.

    Attributes:
        set_id: names of the sets, spread over the sizes from large to small.
        observations: one array (k, *shape) a set, at most OBSERVATIONS of each.
        sizes: how many observations each has in all.
        around: (k, *shape) observations of all sets, at random; empty for images and sequences.
        feature: names of the features of a vector.
    """

    set_id: list[str]
    observations: list[npt.NDArray[Any]]
    sizes: list[int]
    around: npt.NDArray[Any]
    feature: list[str]


def profile_collection(sets: SetCollection) -> dict[str, Any]:
    """What is read from the observations once, at import: "mean_share" of vectors, as in `overview`.

    "arrays" holds `size` (s,) and, for vectors, `feature_mean`, `feature_deviation` (d,).
    """
    arrays: dict[str, Any] = {"size": sets.sizes}
    if sets.modality != "vector":
        return {"arrays": arrays}
    rows = np.sort(np.random.default_rng(0).permutation(sets.k)[:_PROFILED])
    sample = np.asarray(sets.observations[rows], dtype=np.float64)
    arrays |= {"feature_mean": sample.mean(axis=0), "feature_deviation": sample.std(axis=0)}
    return {"mean_share": _mean_share(sets, sample, rows), "arrays": arrays}


def overview(dataset: Dataset) -> dict[str, Any]:
    """A collection in numbers, JSON types.

    "sizes" {"min", "median", "max", "single", "histogram"}, "labels" and "covariates" as
    `core.data.profile.summaries` sums them up (of sets), "features" [{"feature", "mean", "deviation"}] of a vector,
    "mean_share" (share of the variance that lies between the means of the sets), "unit" {"column", "units"},
    "chunk" (size of the parts that larger sets were cut into, 0: not cut), "split", and "warnings" {"severity",
    "text", "advice"}.
    """
    sets, split, profile = dataset.collection(), dataset.split(), dataset.profile()
    sizes, arrays = sets.sizes, profile["arrays"]
    found: dict[str, Any] = {
        "sets": sets.s,
        "observations": sets.k,
        "modality": sets.modality,
        "sizes": {
            "min": int(sizes.min()),
            "median": int(np.median(sizes)),
            "max": int(sizes.max()),
            "histogram": histogram(sizes, _size_edges(sizes)),
        },
        "labels": [label_summary(column, values, split) for column, values in sets.labels.items()],
        "covariates": [_covariate(name, values) for name, values in sets.covariates.items()],
        "features": _features(sets, arrays),
        "constant_features": int((arrays["feature_deviation"] < 1e-8).sum()) if "feature_deviation" in arrays else 0,
        "mean_share": profile.get("mean_share"),
        "unit": {"column": sets.unit, "units": len(np.unique(sets.labels[sets.unit]))} if sets.unit else None,
        "chunk": int(dataset.meta.import_options.get("chunk") or 0),
        "split": {"train": len(split.train), "holdout": len(split.holdout)},
    }
    return found | {"warnings": warnings_of(found)}


def glimpse(sets: SetCollection, split: Split) -> Glimpse:
    """SHOWN training sets with some of their observations; the same every time."""
    rng = np.random.default_rng(0)
    largest_first = split.train[np.argsort(-sets.sizes[split.train], kind="stable")]
    places = np.linspace(0, len(largest_first) - 1, min(SHOWN, len(largest_first))).round().astype(np.int64)
    chosen = [int(i) for i in largest_first[places]]
    rows = np.sort(rng.permutation(sets.k)[:AROUND]) if sets.modality == "vector" else np.zeros(0, dtype=np.int64)
    return Glimpse(
        set_id=[str(sets.set_id[i]) for i in chosen],
        observations=[_some(sets.observations_of(i), rng) for i in chosen],
        sizes=[int(sets.sizes[i]) for i in chosen],
        around=np.asarray(sets.observations[rows]),
        feature=[str(name) for name in sets.feature],
    )


def spelled(codes: npt.NDArray[Any], alphabet: str) -> list[str]:
    """Sequences (k, l) of indices into `alphabet` as text, cut at 60 letters."""
    return [
        "".join(alphabet[c] for c in row[:_LETTERS].tolist() if c >= 0) + ("…" if (row[_LETTERS:] >= 0).any() else "")
        for row in codes
    ]


def _mean_share(sets: SetCollection, sample: npt.NDArray[Any], rows: npt.NDArray[Any]) -> float:
    """Share of the observations' variance that lies between the means of the sets."""
    group = np.searchsorted(sets.offsets, rows, side="right") - 1
    scale = np.where(sample.std(axis=0) > 1e-8, sample.std(axis=0), 1.0)
    x = (sample - sample.mean(axis=0)) / scale
    count = np.bincount(group, minlength=sets.s)
    sums = np.stack([np.bincount(group, weights=column, minlength=sets.s) for column in x.T], axis=1)
    within = np.square(x - (sums / np.maximum(count, 1)[:, None])[group]).sum()
    return float(1 - within / max(np.square(x).sum(), 1e-12))


def _some(observations: npt.NDArray[Any], rng: np.random.Generator) -> npt.NDArray[Any]:
    return np.asarray(observations[np.sort(rng.permutation(len(observations))[:OBSERVATIONS])])


def _size_edges(sizes: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Bins that hold whole sizes: one for each of a few, at most 30 of equal width otherwise."""
    low, high = int(sizes.min()), int(sizes.max())
    step = max(1, -(-(high - low + 1) // 30))
    return np.arange(low, high + step + 1, step) - 0.5


def _features(sets: SetCollection, arrays: dict[str, npt.NDArray[Any]]) -> list[dict[str, Any]]:
    if "feature_mean" not in arrays:
        return []
    columns = (sets.feature.tolist(), arrays["feature_mean"].tolist(), arrays["feature_deviation"].tolist())
    return [{"feature": str(f), "mean": m, "deviation": d} for f, m, d in zip(*columns, strict=True)]


def _covariate(name: str, values: npt.NDArray[np.float64]) -> dict[str, Any]:
    """As of a phenotype; but few values that are no whole numbers are shares or doses, not codes of classes."""
    summary = phenotype_summary(name, values)
    known = values[np.isfinite(values)]
    if len(known) and known.max() > known.min() and (known != known.round()).any():
        summary["histogram"] = histogram(known, np.linspace(known.min(), known.max(), 31))
    return summary

"""A dataset in words: how large it is and what it holds."""

from __future__ import annotations

from core.data.dataset import DatasetMeta
from core.modalities import observation
from core.words import count


def kind_of(meta: DatasetMeta) -> str:
    """ "Genotypes", "Sets of vectors", "Sets of images" or "Sets of sequences"."""
    return f"Sets of {meta.modality}s" if meta.kind == "sets" else "Genotypes"


def size_of(meta: DatasetMeta) -> str:
    """ "2,000 individuals × 1,000 variants", "120 sets, 9,000 observations × 30 features"."""
    if meta.kind != "sets":
        return f"{count(meta.individuals, 'individual')} × {count(meta.variants, 'variant')}"
    sets, observations = count(meta.sets, "set"), f"{meta.observations:,}"
    if meta.modality == "vector":
        return f"{sets}, {count(meta.observations, 'observation')} × {count(meta.shape[0], 'feature')}"
    return f"{sets}, {observations} {meta.modality}s of {shape_of(meta)}"


def shape_of(meta: DatasetMeta) -> str:
    """One observation of a collection: "30 features", "32 × 32 pixels in colour", "110 letters"."""
    return observation(meta.modality, tuple(meta.shape)).words

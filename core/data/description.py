"""A dataset in words: how large it is and what it holds."""

from __future__ import annotations

from core.data.dataset import CohortFacts, CollectionFacts, DatasetMeta
from core.modalities import observation
from core.words import count


def kind_of(meta: DatasetMeta) -> str:
    """ "Genotypes", "Sets of vectors", "Sets of images" or "Sets of sequences"."""
    return "Genotypes" if isinstance(meta.facts, CohortFacts) else f"Sets of {meta.facts.modality}s"


def size_of(meta: DatasetMeta) -> str:
    """ "2,000 individuals × 1,000 variants", "120 sets, 9,000 observations × 30 features"."""
    facts = meta.facts
    if isinstance(facts, CohortFacts):
        return f"{count(facts.individuals, 'individual')} × {count(facts.variants, 'variant')}"
    return f"{count(facts.sets, 'set')}, {observation(facts.modality, tuple(facts.shape)).many(facts.observations)}"


def shape_of(facts: CollectionFacts) -> str:
    """One observation of a collection: "30 features", "32 × 32 pixels in colour", "up to 110 letters"."""
    return observation(facts.modality, tuple(facts.shape)).words

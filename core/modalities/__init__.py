"""Kinds of observations: how one is coded as numbers, in what units it is measured, its bounds and its words."""

from __future__ import annotations

from core.errors import InputError
from core.modalities.base import Observation
from core.modalities.image import Image
from core.modalities.sequence import Sequence
from core.modalities.vector import Vector

MODALITIES: dict[str, type[Observation]] = {kind.modality: kind for kind in (Vector, Image, Sequence)}


def observation(modality: str, stored: tuple[int, ...], alphabet: str = "") -> Observation:
    """What an observation of that modality and stored shape is. Raises InputError for an unknown modality."""
    if modality not in MODALITIES:
        raise InputError(f"The modality is {modality!r}; choose one of: {', '.join(MODALITIES)}.")
    return MODALITIES[modality](tuple(stored), alphabet)

"""The lessons in the order of a course."""

from pages.parts.learn import (
    collapse,
    earth_mover,
    gumbel,
    linkage,
    matthew,
    neighbourhoods,
    null_ceiling,
    pca_diffusion,
    privacy,
    reparameterisation,
    sets,
    walking,
)
from pages.parts.learn.lesson import Lesson

LESSONS: tuple[Lesson, ...] = (
    linkage.LESSON,
    gumbel.LESSON,
    reparameterisation.LESSON,
    earth_mover.LESSON,
    neighbourhoods.LESSON,
    collapse.LESSON,
    matthew.LESSON,
    privacy.LESSON,
    sets.LESSON,
    walking.LESSON,
    null_ceiling.LESSON,
    pca_diffusion.LESSON,
)

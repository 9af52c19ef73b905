"""The lessons in the order of a course."""

from pages.parts.learn import gumbel, linkage, neighbourhoods, sets
from pages.parts.learn.lesson import Lesson

LESSONS: tuple[Lesson, ...] = (
    linkage.LESSON,
    gumbel.LESSON,
    neighbourhoods.LESSON,
    sets.LESSON,
)

"""The lessons in the order of a course."""

from pages.parts.learn import linkage, neighbourhoods, sets
from pages.parts.learn.lesson import Lesson

LESSONS: tuple[Lesson, ...] = (linkage.LESSON, neighbourhoods.LESSON, sets.LESSON)

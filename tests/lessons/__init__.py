"""A test for each claim of a lesson."""

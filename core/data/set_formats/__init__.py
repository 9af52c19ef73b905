"""Readers of observations that will be grouped into sets; one file a format, filed in `set_formats`."""

from core.data.set_formats.base import ObservationTable, SetFormat, SetSource, set_formats

__all__ = ["ObservationTable", "SetFormat", "SetSource", "set_formats"]

"""Genotype file formats: one file a reader, filed here under its name."""

from __future__ import annotations

from core.data.intake.formats.base import Format, Head, ReadResult, Source
from core.registry import Registry

formats: Registry[type[Format]] = Registry("format", "core.data.intake.formats")

__all__ = ["Format", "Head", "ReadResult", "Source", "formats"]

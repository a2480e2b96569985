"""Mapping files as the rest of the program knows them: `Mapping`, and how they are loaded."""

from cdc.mapping.language import Mapping
from cdc.mapping.loading import load_mappings, read_mappings

__all__ = ["Mapping", "load_mappings", "read_mappings"]

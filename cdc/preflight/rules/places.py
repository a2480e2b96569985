"""The rules for where mappings put documents, beyond what a mapping file tells by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cdc.mapping.file.collection_names import namespace_mistake
from cdc.mapping.file.mapping import Mapping
from cdc.preflight.findings import Finding, Outcome


def place_findings(database: str, mappings: Iterable[Mapping]) -> Iterator[Finding]:
    """Name each mapping whose target cannot be a collection of this database."""
    for each in mappings:
        what = namespace_mistake(database, each.target)
        if what:
            mistake = each.origin.mistake(("target",), f"`target`: {what}")
            yield Finding(f"mapping {each.source}", Outcome.WRONG, str(mistake))

"""The rules for the collections that mappings name, beyond what a mapping file shows by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cdc.mapping.file.collection_names import namespace_mistake
from cdc.mapping.file.mapping import Mapping
from cdc.preflight.findings import Finding, Outcome


def place_findings(database: str, mappings: Iterable[Mapping]) -> Iterator[Finding]:
    """Yield a finding for each mapping whose target cannot be a collection of this database."""
    for each in mappings:
        what = namespace_mistake(database, each.target)
        if what:
            mistake = each.origin.mistake(("target",), f"`target`: {what}")
            yield Finding(f"mapping {each.source}", Outcome.WRONG, str(mistake))

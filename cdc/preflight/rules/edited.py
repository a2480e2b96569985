"""Judges mappings that were edited after the documents were written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cdc.preflight.findings import Finding, Outcome
from cdc.preflight.mapping_edits import MappingEdit


def edit_findings(edits: Iterable[MappingEdit], *, accept: bool) -> Iterator[Finding]:
    """Yield a finding for each edited mapping; only a risk with `accept`."""
    for each in edits:
        outcome = Outcome.WARNING if accept else Outcome.WRONG
        remedy = "" if accept else each.remedy
        yield Finding(f"mapping {each.mapping.source}", outcome, str(each), remedy)

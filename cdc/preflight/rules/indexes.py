"""The rules for the indexes that mappings request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cdc.model.server_facts import IndexFacts
from cdc.preflight.findings import Finding, Outcome


def index_findings(indexes: Iterable[IndexFacts]) -> Iterator[Finding]:
    """Judge every index: a missing one is created at the start."""
    for index in indexes:
        check = f"index {index.name} of {index.collection}"
        if index.obstacle:
            yield Finding(
                check,
                Outcome.UNFIT,
                index.obstacle,
                "drop that index, or write the same one into `indexes` of the mapping",
            )
        elif index.present:
            yield Finding(check, Outcome.OK, "is there")
        else:
            yield Finding(check, Outcome.OK, "will be created at the start")

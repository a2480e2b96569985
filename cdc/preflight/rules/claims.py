"""The rule that a collection belongs to one stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from cdc.model.claim import Claim
from cdc.preflight.findings import Finding, Outcome


def claim_findings(
    claims: Iterable[Claim], stream: str, tables: Mapping[str, Iterable[str]]
) -> Iterator[Finding]:
    """Yield a finding for each collection that another stream writes.

    `tables` are, by `database.collection`, the tables whose rows this stream would write there.
    """
    for each in claims:
        if each.is_anothers(stream) and each.collection in tables:
            yield Finding(
                f"claim on {each.collection}",
                Outcome.UNFIT,
                f"the stream {each.stream} writes it, since {each.since:%Y-%m-%d %H:%M:%S}:"
                " a resync or TRUNCATE of one would take the other's documents away",
                f"name another target in the mapping of {', '.join(tables[each.collection])}; or"
                f" take the collection out of the mappings of {each.stream} and start that again;"
                f" or, where {each.stream} is no more: cdc claims release {each.collection}",
            )

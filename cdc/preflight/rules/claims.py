"""The rule that a collection belongs to one stream, or its ids to several that never meet."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from cdc.model.claim import Claim
from cdc.model.id_space import IdSpace, told
from cdc.preflight.findings import Finding, Outcome
from cdc.terminal.moments import moment


def claim_findings(
    claims: Iterable[Claim],
    stream: str,
    tables: Mapping[str, Iterable[str]],
    ids: Mapping[str, IdSpace],
    histories: Collection[str] = (),
) -> Iterator[Finding]:
    """Yield a finding for each collection where another stream writes what this one may write.

    `tables` are, by `database.collection`, the tables whose rows this stream would write there,
    `ids` the constants that their ids hold, `histories` which of them keep changes. Where constants
    have changed, yield a warning.
    """
    for each in claims:
        if each.collection not in tables:
            continue
        ours = ids[each.collection]
        if each.bars(stream, ours):
            named = ", ".join(tables[each.collection])
            yield _barred(each, ours, named, keeps=each.collection in histories)
        elif each.stream == stream and each.ids != ours and ours:
            yield _moved(each, ours)


def _barred(claim: Claim, ours: IdSpace, tables: str, *, keeps: bool) -> Finding:
    theirs = f", with ids that hold {told(claim.ids)}" if claim.ids else ""
    mine = f", while this one's hold {told(ours)}" if ours else ""
    collection, stream = claim.collection, claim.stream
    whose = f" --stream {stream}" if claim.ids else ""
    named = (
        f"name another collection in `history` of the mapping of {tables};"
        if keeps
        else f"name another target in the mapping of {tables}; or let a constant keep the ids of"
        " both streams apart, in the mappings of both, as in id: [{source: stream}, KEY], unless"
        " the collection embeds or is embedded;"
    )
    return Finding(
        f"claim on {collection}",
        Outcome.UNFIT,
        f"the stream {stream} writes it, since {moment(claim.since)}{theirs}{mine}:"
        " a resync or TRUNCATE of one would take the other's documents away",
        f"{named} or take the collection out of the mappings of {stream} and start that again; or,"
        f" where {stream} is no more: cdc claims release {collection}{whose}",
    )


def _moved(claim: Claim, ours: IdSpace) -> Finding:
    before = f"with {told(claim.ids)}" if claim.ids else "without constants"
    old: dict[str, Any] = {f"_id.{field}": value for field, value in claim.ids.items()}
    old = {f"_id.{field}": {"$exists": False} for field in ours} | old
    collection = claim.collection.partition(".")[2]
    return Finding(
        f"claim on {claim.collection}",
        Outcome.WARNING,
        f"its ids hold {told(ours)} now: the documents that it made under ids {before} stay, and"
        " no resync removes them",
        "once the resync is done, remove them in mongosh:"
        f" db.getCollection({json.dumps(collection, ensure_ascii=False)})"
        f".deleteMany({json.dumps(old, ensure_ascii=False)})",
    )

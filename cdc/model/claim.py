"""Claims: each collection of the target belongs to one stream, or each share of it to one.

A claim is a document in the state database's `claims`, whose `_id` is unique:

    {_id: "database.collection", stream, since}
    {_id: "database.collection", stream: null, former, since}      given up by `former`

Streams whose ids can never meet may share a collection. Each holds the ids with its constants:

    {_id: "database.collection", stream: {shared: true}, since, shared: [
       {stream, ids: {field: constant, …}, since}, {stream: null, former, ids, since}, …]}

A stream claims the collections that its mappings name in the transaction in which it accepts them,
under its epoch. In the same transaction it gives up those that they no longer name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Self

from cdc.model.id_space import IdSpace, never_meet
from cdc.model.state_change import StateWrite

CLAIMS: Final = "claims"
"""The collection of the state database."""

SHARED: Final = {"shared": True}
"""What stands in a stream's place if there are shares: for older versions another's claim."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The documents of `database.collection` whose ids hold the constants `ids`.

    `stream` is None if its owner has given it up. `document` is what it was read from.
    """

    collection: str
    stream: str | None
    former: str | None
    since: datetime
    ids: IdSpace = field(default_factory=dict)
    document: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def all_in(cls, document: Mapping[str, Any]) -> list[Self]:
        """Parse a document, a claim or the shares of a collection; anybody may have edited one."""
        shares = document.get("shared")
        if not isinstance(shares, list):
            return [cls._parsed(document, document)]
        return [cls._parsed(document, each) for each in shares if isinstance(each, dict)]

    @classmethod
    def _parsed(cls, document: Mapping[str, Any], share: Mapping[str, Any]) -> Self:
        stream, former, since, ids = (
            share.get(name) for name in ("stream", "former", "since", "ids")
        )
        return cls(
            collection=str(document["_id"]),
            stream=None if stream is None else str(stream),
            former=None if former is None else str(former),
            since=since if isinstance(since, datetime) else datetime.fromtimestamp(0, UTC),
            ids=_constants(ids),
            document=document,
        )

    def bars(self, stream: str, ids: IdSpace) -> bool:
        """Return whether another stream holds ids that could be among these."""
        return self.stream not in (None, stream) and not never_meet(self.ids, ids)

    def given_up(self, now: datetime) -> Claim:
        """Return what is left of it; the next owner must not trust old documents."""
        return replace(self, stream=None, former=self.stream, since=now)

    def to_share(self) -> dict[str, Any]:
        """Return it as one of a collection's shares."""
        former = {} if self.stream is not None else {"former": self.former}
        return {"stream": self.stream, **former, "ids": dict(self.ids), "since": self.since}


def _constants(ids: object) -> IdSpace:
    if not isinstance(ids, dict):
        return {}
    return {str(name): value for name, value in ids.items() if isinstance(value, str | int)}


def claiming(
    stream: str, wanted: Mapping[str, IdSpace], known: Iterable[Claim], now: datetime
) -> list[StateWrite]:
    """Return the writes after which the stream owns the `wanted` ids of collections, and no others.

    What another stream has claimed or given up meanwhile makes its write fail as a duplicate.
    """
    found: dict[str, list[Claim]] = {}
    for each in known:
        found.setdefault(each.collection, []).append(each)
    ours = sorted(name for name, claims in found.items() if _own(stream, claims))
    return [
        *(
            _claimed(Claim(name, stream, None, now, ids), found.get(name, []))
            for name, ids in sorted(wanted.items())
            if [each.ids for each in _own(stream, found.get(name, []))] != [ids]
        ),
        *(given_up(stream, found[name], now) for name in ours if name not in wanted),
    ]


def _own(stream: str, claims: Iterable[Claim]) -> list[Claim]:
    return [each for each in claims if each.stream == stream]


def _claimed(claim: Claim, known: Sequence[Claim]) -> StateWrite:
    before = [each.given_up(claim.since) if each.stream == claim.stream else each for each in known]
    kept = [each for each in before if each.stream is not None or each.ids != claim.ids]
    query: dict[str, Any] = {"stream": {"$in": [None, claim.stream]}, "shared": None}
    if known:
        query = _as_read(known)
    if not claim.ids:  # of all documents: it says all that there is to say
        kept = []
    return _write(claim, query, [*kept, claim], upsert=True)


def given_up(stream: str, known: Sequence[Claim], now: datetime) -> StateWrite:
    """Return the write that releases a stream's claim; `known` are all on its collection."""
    left = [each.given_up(now) if each.stream == stream else each for each in known]
    [own] = _own(stream, known)
    query = _as_read(known) if "shared" in own.document else {"stream": stream}
    return _write(own, query, left, upsert=False)


def _as_read(known: Sequence[Claim]) -> dict[str, Any]:
    """Return what finds the document of the claims if it is as it was; None is no field, too."""
    return {name: known[0].document.get(name) for name in ("stream", "former", "shared")}


def _write(
    claim: Claim, query: Mapping[str, Any], shares: Sequence[Claim], *, upsert: bool
) -> StateWrite:
    only = shares[0] if len(shares) == 1 else None
    if only is None or only.ids:
        shared = [each.to_share() for each in shares]
        values = {"stream": SHARED, "shared": shared, "since": claim.since}
    else:
        former = {"former": only.former} if only.stream is None else {}
        values = {"stream": only.stream, **former, "since": only.since}
    gone = {name: "" for name in ("former", "shared") if name not in values}
    change = {"$set": values, "$unset": gone}
    return StateWrite(CLAIMS, {"_id": claim.collection, **query}, change, upsert=upsert)


def inherited(
    known: Iterable[Claim], stream: str, wanted: Mapping[str, IdSpace], *, anew: bool = False
) -> Iterator[str]:
    """Yield the collections where another stream has left documents with the `wanted` ids.

    A stream that begins `anew` is another than the former one of its name.
    """
    for each in known:
        ids = wanted.get(each.collection, {})
        is_another = anew or each.former != stream
        if each.stream is None and is_another and not never_meet(each.ids, ids):
            yield each.collection

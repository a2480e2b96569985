"""The position of a stream in a source's history.

Positions are compared by containment: of two GTID sets neither need contain the other, so no order
is defined. Only a transaction boundary is a position.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Self

FIRST_OFFSET: Final = 4
"""The offset of a binlog file's first event, after its magic number."""

Interval = tuple[int, int]
"""First and last transaction number, both included."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TAG = re.compile(r"[a-z_][a-z0-9_]{0,31}")
_INTERVAL = re.compile(r"([0-9]+)(?:-([0-9]+))?")
LAST_NUMBER = 2**63 - 2
"""The last transaction number of a server: `GNO_END` in MySQL's `sql/rpl_gtid.h`."""
_OFFSET_BITS = 40
"""A terabyte: no file of a log is as large, and files are numbered up to 2^31."""
_MARIADB_GTID = re.compile(r"[0-9]+-[0-9]+-[0-9]+")
_MARIADB_BITS = (32, 32, 64)
"""Of a domain, a server's id and a sequence number."""


class Source(NamedTuple):
    """The origin of a transaction number: the server's UUID, and MySQL 8.3's tag or empty."""

    uuid: str
    tag: str = ""

    def __str__(self) -> str:
        return f"{self.uuid}:{self.tag}" if self.tag else self.uuid


class GtidSet:
    """A MySQL GTID set: for each source its sorted, disjoint, non-adjacent intervals.

    Immutable. The last added interval is kept apart from the others, so that the set with the next
    transaction, which mostly continues it, shares all the rest.
    """

    __slots__ = ("_first", "_last", "_others", "_source")

    def __init__(
        self,
        others: Mapping[Source, tuple[Interval, ...]] = MappingProxyType({}),
        source: Source | None = None,
        first: int = 0,
        last: int = 0,
    ) -> None:
        """Hold `others` and, if `source` is given, its transactions `first` to `last`."""
        self._others = others
        self._source = source
        self._first = first
        self._last = last

    @property
    def intervals(self) -> Mapping[Source, tuple[Interval, ...]]:
        """The intervals of each source."""
        source = self._source
        if source is None:
            return self._others
        merged = _merged((*self._others.get(source, ()), (self._first, self._last)))
        return {**self._others, source: merged}

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the server's notation, `uuid:1-5:7:tag:1-3,uuid:…`; raises ValueError."""
        result = cls()
        for part in filter(None, re.sub(r"\s", "", text).lower().split(",")):
            uuid, *items = part.split(":")
            if not _UUID.fullmatch(uuid) or not items:
                raise ValueError(f"not a MySQL GTID set: {text!r}")
            source = Source(uuid)
            for item in items:
                if TAG.fullmatch(item):
                    source = Source(uuid, item)
                elif interval := _interval(item):
                    result = result.with_interval(source, *interval)
                else:
                    raise ValueError(f"not a MySQL GTID set: {text!r}")
        return result

    def with_interval(self, source: Source, first: int, last: int) -> Self:
        """Return this set with the transactions `first` to `last` of `source`."""
        if self._last + 1 == first and self._source == source:
            return type(self)(self._others, source, self._first, last)
        return type(self)(self.intervals, source, first, last)

    def contains(self, other: GtidSet) -> bool:
        """Return whether every transaction of `other` is in this set."""
        mine = self.intervals
        return all(
            any(a <= first and last <= b for a, b in mine.get(source, ()))
            for source, intervals in other.intervals.items()
            for first, last in intervals
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GtidSet) and self.intervals == other.intervals

    def __hash__(self) -> int:
        return hash(frozenset(self))

    def __repr__(self) -> str:
        return f"<GtidSet {str(self)!r}>"

    def __len__(self) -> int:
        return sum(last - first + 1 for _, (first, last) in self)

    def __iter__(self) -> Iterator[tuple[Source, Interval]]:
        return ((source, one) for source, many in self.intervals.items() for one in many)

    def __str__(self) -> str:
        by_uuid: dict[str, list[str]] = {}
        mine = self.intervals
        for source in sorted(mine):
            parts = by_uuid.setdefault(source.uuid, [source.uuid])
            parts += [source.tag] if source.tag else []
            parts += [f"{a}-{b}" if b > a else str(a) for a, b in mine[source]]
        return ",".join(":".join(parts) for parts in by_uuid.values())


def _interval(text: str) -> Interval | None:
    match = _INTERVAL.fullmatch(text)
    if match is None:
        return None
    first, last = int(match[1]), int(match[2] or match[1])
    return (first, last) if 1 <= first <= last <= LAST_NUMBER else None


def _merged(intervals: tuple[Interval, ...]) -> tuple[Interval, ...]:
    merged: list[Interval] = []
    for first, last in sorted(intervals):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)


class DomainGtid(NamedTuple):
    """The last transaction of a MariaDB replication domain."""

    server_id: int
    sequence: int


@dataclass(frozen=True, slots=True)
class MariadbGtids:
    """A MariaDB position: the last transaction of every domain."""

    domains: Mapping[int, DomainGtid] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the server's notation, `domain-server-sequence,…`; raises ValueError.

        If a domain occurs twice, as in `gtid_binlog_state`, its highest sequence counts.
        """
        domains: dict[int, DomainGtid] = {}
        for part in filter(None, re.sub(r"\s", "", text).split(",")):
            numbers = [*map(int, part.split("-"))] if _MARIADB_GTID.fullmatch(part) else []
            sizes = zip(numbers, _MARIADB_BITS, strict=False)
            if not numbers or any(number >> bits for number, bits in sizes):
                raise ValueError(f"not a MariaDB GTID position: {text!r}")
            domain, server_id, sequence = numbers
            if domain not in domains or domains[domain].sequence < sequence:
                domains[domain] = DomainGtid(server_id, sequence)
        return cls(domains)

    def advanced(self, domain: int, server_id: int, sequence: int) -> Self:
        """Return this position after the transaction `domain-server_id-sequence`."""
        return type(self)({**self.domains, domain: DomainGtid(server_id, sequence)})

    def contains(self, other: MariadbGtids) -> bool:
        """Return whether this position is at or after `other` in each of its domains."""
        return all(
            domain in self.domains and self.domains[domain].sequence >= theirs.sequence
            for domain, theirs in other.domains.items()
        )

    def within(self, other: MariadbGtids) -> Self:
        """Return this position without the domains that `other` does not know."""
        return type(self)({d: gtid for d, gtid in self.domains.items() if d in other.domains})

    def __str__(self) -> str:
        return ",".join(f"{d}-{g.server_id}-{g.sequence}" for d, g in sorted(self.domains.items()))


class GtidPosition(NamedTuple):
    """A position that any server of the same replication topology understands."""

    gtids: GtidSet | MariadbGtids

    def contains(self, other: Position) -> bool:
        """Return whether everything before `other` is before this position too."""
        mine, theirs = self.gtids, getattr(other, "gtids", None)
        if isinstance(mine, GtidSet) and isinstance(theirs, GtidSet):
            return mine.contains(theirs)
        if isinstance(mine, MariadbGtids) and isinstance(theirs, MariadbGtids):
            return mine.contains(theirs)
        return False

    def __str__(self) -> str:
        return str(self.gtids)


@dataclass(frozen=True, slots=True)
class FilePosition:
    """A position that only the server that wrote the file understands.

    `created` is the file's creation time in seconds since the epoch, by its format description
    event, 0 if unknown: a file of the same name with another time is another log.
    """

    file: str
    offset: int
    created: int = 0

    def contains(self, other: Position) -> bool:
        """Return whether `other` is this position or before it, in the same log."""
        if not isinstance(other, FilePosition) or file_stem(self.file) != file_stem(other.file):
            return False
        if self.file == other.file and self.created and other.created not in (0, self.created):
            return False
        return (file_number(self.file), self.offset) >= (file_number(other.file), other.offset)

    def __str__(self) -> str:
        return f"{self.file}:{self.offset}"


Position = GtidPosition | FilePosition


def joined(positions: Iterable[Position]) -> tuple[Position, ...]:
    """Return the fewest positions that hold together what these hold, of one log or topology.

    Of MySQL's GTIDs, and of files, it is one. Of MariaDB's it is one for each server of a domain:
    two servers' numbers say nothing of each other.
    """
    sets = GtidSet()
    last: dict[tuple[int, int], int] = {}
    file: FilePosition | None = None
    for each in positions:
        match each:
            case FilePosition():
                file = each if file is None or each.contains(file) else file
            case GtidPosition(gtids=MariadbGtids() as gtids):
                for domain, gtid in gtids.domains.items():
                    key = domain, gtid.server_id
                    last[key] = max(gtid.sequence, last.get(key, 0))
            case GtidPosition(gtids=GtidSet() as gtids):
                for source, interval in gtids:
                    sets = sets.with_interval(source, *interval)
    found: list[Position] = [
        GtidPosition(MariadbGtids({domain: DomainGtid(server_id, sequence)}))
        for (domain, server_id), sequence in sorted(last.items())
    ]
    found += [GtidPosition(sets)] if len(sets) else []
    found += [file] if file is not None else []
    return tuple(found)


def number(position: Position) -> int:
    """Return a number that grows with each transaction of a stream, as its position does.

    It is small again where the source's own numbers are, as after a RESET.
    """
    match position:
        case FilePosition(file=file, offset=offset):
            return file_number(file) << _OFFSET_BITS | offset
        case GtidPosition(gtids=MariadbGtids(domains=domains)):
            return sum(each.sequence for each in domains.values())
        case GtidPosition(gtids=GtidSet() as gtids):
            return len(gtids)
    raise TypeError(position)


def file_number(file: str) -> int:
    """Return the number that a binlog file's name ends with: `binlog.000017` is 17."""
    return int(file.rpartition(".")[2])


def file_stem(file: str) -> str:
    """Return the common beginning of a log's file names: of `binlog.000017` it is `binlog`."""
    return file.rpartition(".")[0]


def to_document(position: Position) -> dict[str, Any]:
    """Return the position as the stream's state document stores it."""
    match position:
        case FilePosition(file=file, offset=offset, created=created):
            return {"file": file, "offset": offset, "created": created}
        case GtidPosition(gtids=MariadbGtids() as gtids):
            return {"mariadb_gtid": str(gtids)}
        case GtidPosition(gtids=gtids):
            return {"gtid": str(gtids)}


def from_document(document: Mapping[str, Any]) -> Position:
    """Read what `to_document` wrote; raises ValueError for anything else."""
    match document:
        case {"file": str(file), "offset": int(offset), **rest}:
            return FilePosition(file, offset, int(rest.get("created", 0)))
        case {"mariadb_gtid": str(text)}:
            return GtidPosition(MariadbGtids.parse(text))
        case {"gtid": str(text)}:
            return GtidPosition(GtidSet.parse(text))
    raise ValueError(f"not a position: {dict(document)!r}")

"""Reads what a source has committed from the server itself, without code of cdc."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from cdc_sandbox.servers import MySQLServer

Document = dict[str, Any]


class History(Protocol):
    """A source's transactions since this object was made."""

    @property
    def start(self) -> Document:
        """`start:` of the configuration that begins there."""
        ...

    def committed(self) -> set[str]:
        """The identities of all transactions since then."""
        ...

    def reached(self, position: Document) -> bool:
        """Whether a checkpoint's position covers all of them."""
        ...


class MysqlGtids:
    """MySQL's executed set."""

    def __init__(self, server: MySQLServer) -> None:
        self._server = server
        self._before = self._executed()
        self.start: Document = {"gtid": self._before}

    def committed(self) -> set[str]:
        [(new,)] = self._server.execute(
            "SELECT GTID_SUBTRACT(@@GLOBAL.gtid_executed, %s)", (self._before,)
        )
        return set(expanded(new))

    def reached(self, position: Document) -> bool:
        [(subset,)] = self._server.execute(
            "SELECT GTID_SUBSET(@@GLOBAL.gtid_executed, %s)", (position["gtid"],)
        )
        return bool(subset)

    def _executed(self) -> str:
        [(executed,)] = self._server.execute("SELECT @@GLOBAL.gtid_executed")
        return str(executed).replace("\n", "")


def expanded(gtids: str) -> Iterator[str]:
    for part in filter(None, re.sub(r"\s", "", gtids).split(",")):
        uuid, *items = part.split(":")
        source = uuid
        for item in items:
            if re.fullmatch(r"[\d-]+", item):
                first, _, last = item.partition("-")
                for number in range(int(first), int(last or first) + 1):
                    yield f"{source}:{number}"
            else:
                source = f"{uuid}:{item}"


@dataclass(frozen=True, slots=True)
class Commit:
    """A transaction in a binlog file; `end` is the offset behind it."""

    identity: str
    file: str
    end: int


class BinlogFiles:
    """The server's own listing of its binlog files, from the end of the log on."""

    def __init__(self, server: MySQLServer) -> None:
        self._server = server
        *_, (file, size, *_) = server.execute("SHOW BINARY LOGS")
        self._file, self._offset = str(file), int(size)
        self.start: Document = {"file": self._file, "offset": self._offset}

    def committed(self) -> set[str]:
        return {commit.identity for commit in self.commits()}

    def reached(self, position: Document) -> bool:
        commits = self.commits()
        if not commits:
            return True
        last = commits[-1]
        return (position["file"], position["offset"]) >= (last.file, last.end)

    def commits(self) -> list[Commit]:
        return [commit for file in self._files() for commit in self._commits(file)]

    def _files(self) -> list[str]:
        names = [str(name) for name, *_ in self._server.execute("SHOW BINARY LOGS")]
        return [name for name in names if name >= self._file]

    def _commits(self, file: str) -> Iterator[Commit]:
        offset = self._offset if file == self._file else 4
        identity, end = "", 0
        listing = f"SHOW BINLOG EVENTS IN '{file}' FROM {offset}"
        for name, at, kind, _, event_end, info in self._server.execute(listing):
            if kind in ("Gtid", "Anonymous_Gtid", "Gtid_tagged"):
                if identity:
                    yield Commit(identity, file, end)
                identity = _identity(str(info)) or f"{name}:{at}"
            if kind in ("Query", "Xid", "XA_prepare", "Transaction_payload", "Query_compressed"):
                end = int(event_end)
        if identity:
            yield Commit(identity, file, end)


def _identity(info: str) -> str:
    found = re.search(r"GTID (\d+-\d+-\d+)", info)
    return found[1] if found else ""


class MariadbGtids(BinlogFiles):
    """MariaDB's GTIDs."""

    def __init__(self, server: MySQLServer) -> None:
        super().__init__(server)
        self.start = {"gtid": self._last()}

    def reached(self, position: Document) -> bool:
        reached = sequences(position["mariadb_gtid"])
        return all(
            reached.get(domain, 0) >= sequence
            for domain, sequence in sequences(self._last()).items()
        )

    def _last(self) -> str:
        [(position,)] = self._server.execute("SELECT @@GLOBAL.gtid_binlog_pos")
        return str(position)


def sequences(gtids: str) -> dict[str, int]:
    """The last transaction's number by domain."""
    parts = [gtid.split("-") for gtid in gtids.split(",") if gtid]
    return {domain: int(sequence) for domain, _, sequence in parts}

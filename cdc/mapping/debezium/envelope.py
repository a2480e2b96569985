"""The envelope of a row or a statement: Debezium's JSON, without schemas."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version
from typing import Any, Final, NamedTuple

from cdc.mapping.debezium.json_bytes import json_bytes
from cdc.mapping.debezium.table import Row
from cdc.model.message import Message
from cdc.model.witness import Witness

_SERVER_ID: Final = slice(5, 9)
"""Where an event's header has the id of the server that wrote it."""

_VERSION: Final = version("mysql-mongodb-cdc")

_Headers = tuple[tuple[str, bytes], ...]


class Origin(NamedTuple):
    """What the block `source` says of a change, or of a row that was read.

    `name` is the stream's, `witness` the transaction's place, None if it is unknown. `micros` is
    when the source committed it, or when the row was read, in microseconds since the epoch.
    `snapshot` is `false` for a change, else what kind of copy has read the row.
    """

    name: str
    mariadb: bool
    schema: str
    table: str
    micros: int
    witness: Witness | None
    gtid: str | None
    snapshot: str = "false"

    @property
    def topic(self) -> str:
        """The topic of the table."""
        return f"{self.name}.{topic_part(self.schema)}.{topic_part(self.table)}"

    def block(self) -> Row:
        """Return the block; its place is where the transaction begins."""
        witness = self.witness
        return {
            "version": _VERSION,
            "connector": "mariadb" if self.mariadb else "mysql",
            "name": self.name,
            "ts_ms": self.micros // 1000,
            "snapshot": self.snapshot,
            "db": self.schema,
            "sequence": None,
            "ts_us": self.micros,
            "ts_ns": self.micros * 1000,
            "table": self.table,
            "server_id": int.from_bytes(witness.event[_SERVER_ID], "little") if witness else 0,
            "gtid": self.gtid,
            "file": witness.file if witness else "",
            "pos": witness.offset if witness else 0,
            "row": 0,
            "thread": None,
            "query": None,
        }


def enveloped(
    topic: str,
    key: bytes | None,
    *,
    before: Row | None,
    after: Row | None,
    source: Row,
    order: dict[str, Any] | None,
    operation: str,
    now_ns: int,
    headers: _Headers = (),
) -> Message:
    """Return an envelope; `order` is its place in a transaction, `source` the block of that name.

    `now_ns` is when it is made, in nanoseconds since the epoch.
    """
    value = {
        "before": before,
        "after": after,
        "source": source,
        "transaction": order,
        "op": operation,
        "ts_ms": now_ns // 1_000_000,
        "ts_us": now_ns // 1000,
        "ts_ns": now_ns,
    }
    return Message(topic, key, json_bytes(value), source["ts_ms"], headers)


@lru_cache(maxsize=4_096)
def topic_part(name: str) -> str:
    """Return a name as a topic may hold it: what Kafka does not take is `_`, as in Debezium."""
    return "".join(c if (c.isascii() and c.isalnum()) or c in "._-" else "_" for c in name)

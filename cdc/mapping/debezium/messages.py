"""The messages of transactions: an envelope of each changed row, and where each begins and ends.

Format: "Data change events" and "Transaction metadata" in the documentation of Debezium's MySQL
connector; a changed key as "Primary key updates" there, deletes with tombstones.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cdc.mapping.debezium.envelope import Origin, enveloped
from cdc.mapping.debezium.json_bytes import json_bytes
from cdc.mapping.debezium.table import Compiled, PublishedTable, Row, Shown, published_table
from cdc.mapping.debezium.values import Decimals
from cdc.mapping.file.mapping import Mapping
from cdc.model.checkpoint import Inflight
from cdc.model.message import Message
from cdc.model.position import GtidPosition, MariadbGtids
from cdc.model.table_map import TableMap
from cdc.model.table_name import full_name
from cdc.model.transaction import ANY_TABLE, Effect, RowsEvent, SchemaChange, Transaction

CACHED_TABLES: Final = 2_000
TRANSACTION: Final = "transaction"
NEW_KEY: Final = "__debezium.newkey"
OLD_KEY: Final = "__debezium.oldkey"

Counts = tuple[tuple[str, int], ...]
"""The messages of a transaction's rows so far, by table in the order of their first ones."""


@dataclass(slots=True)
class Messages:
    """Tells the changes of transactions, in order, as the messages of topics `<name>.…`.

    `mappings_of` are those of a table, `plans_of` what they are compiled to. With `truncates` it is
    told that a table was emptied. `counts` has what the transaction that is being told has told,
    also its earlier parts.
    """

    name: str
    mappings_of: Callable[[str, str], Sequence[Mapping]]
    plans_of: Callable[[TableMap], Sequence[Compiled]]
    decimals: Decimals
    truncates: bool = True
    counts: dict[str, int] = field(default_factory=dict)
    now_ns: Callable[[], int] = time.time_ns
    _tables: dict[TableMap, PublishedTable] = field(default_factory=dict)
    _mariadb: bool = False

    def resume(self, inflight: Inflight | None) -> None:
        """Go on within a transaction of which an earlier part has been told."""
        self.counts = dict(inflight.published) if inflight else {}

    def begin(self, transaction: Transaction) -> None:
        """Begin a transaction, unless it is the next part of one."""
        if transaction.identity and not transaction.delivered:
            self.counts = {}

    @property
    def told(self) -> Counts:
        """What a checkpoint within the transaction remembers."""
        return tuple(self.counts.items())

    def of_rows(self, event: RowsEvent, transaction: Transaction) -> list[Message]:
        """Return the messages of the rows of an event; before the first of all, the beginning."""
        found: list[Message] = []
        table = self._table(event.table)
        self._mariadb = event.table.mariadb
        told = _Telling(self, transaction, event.table.schema, event.table.table)
        for row, (before, after) in enumerate(table.changes(event)):
            if before is None and after is None:
                continue
            if not self.counts:
                found.append(self._boundary("BEGIN", transaction))
            told.source["row"] = row
            found += told.change(before, after)
        return found

    def of_statement(self, change: SchemaChange, transaction: Transaction) -> Iterator[Message]:
        """Yield what is told of a statement: that a table was emptied."""
        for each in change.tables if self.truncates else ():
            emptied = each.effect is Effect.EMPTIED and each.table != ANY_TABLE
            if emptied and self.mappings_of(each.schema, each.table):
                told = _Telling(self, transaction, each.schema, each.table)
                yield told.message(None, None, None, "t", None)

    def end(self, transaction: Transaction) -> list[Message]:
        """Return the end of a transaction, if it is whole and something of it was told."""
        if not self.counts or not transaction.final:
            return []
        end = self._boundary("END", transaction)
        self.counts = {}
        return [end]

    def origin_of(self, transaction: Transaction, schema: str, table: str) -> Origin:
        """Return the origin of a transaction's changes of a table."""
        by_gtid = isinstance(transaction.before, GtidPosition)
        return Origin(
            self.name,
            self._is_of_mariadb(transaction),
            schema,
            table,
            round(transaction.committed_at * 1_000_000),
            transaction.checkpoint.witness,
            transaction.identity if by_gtid else None,
        )

    def _is_of_mariadb(self, transaction: Transaction) -> bool:
        gtids = getattr(transaction.before, "gtids", None)
        return isinstance(gtids, MariadbGtids) if gtids is not None else self._mariadb

    def _table(self, table: TableMap) -> PublishedTable:
        found = self._tables.get(table)
        if found is None:
            if len(self._tables) >= CACHED_TABLES:
                self._tables.pop(next(iter(self._tables)))
            mappings = self.mappings_of(table.schema, table.table)
            found = published_table(table, mappings, self.plans_of(table), self.decimals)
            self._tables[table] = found
        return found

    def _boundary(self, status: str, transaction: Transaction) -> Message:
        """Return the message that a transaction begins, or has ended with so many changes."""
        ended = status == "END"
        collections = [
            {"data_collection": name, "event_count": count} for name, count in self.counts.items()
        ]
        milliseconds = round(transaction.committed_at * 1_000_000) // 1000
        value = {
            "status": status,
            "id": transaction.identity,
            "event_count": sum(self.counts.values()) if ended else None,
            "data_collections": collections if ended else None,
            "ts_ms": milliseconds,
        }
        return Message(
            f"{self.name}.{TRANSACTION}",
            json_bytes({"id": transaction.identity}),
            json_bytes(value),
            milliseconds,
        )


class _Telling:
    """Makes the messages of one table's changes in one transaction."""

    def __init__(self, messages: Messages, transaction: Transaction, schema: str, table: str):
        self._messages = messages
        self._transaction = transaction
        origin = messages.origin_of(transaction, schema, table)
        self._topic = origin.topic
        self._collection = full_name(schema, table)
        self.source = origin.block()

    def change(self, before: Shown | None, after: Shown | None) -> Iterator[Message]:
        """Yield the messages of one row: of a changed key a delete and a create."""
        if before is None or after is None:
            operation, one = ("c", after) if after is not None else ("d", before)
            assert one is not None
            yield self._ordered(one.key, before, after, operation)
            if after is None:
                yield from self._tombstone(one.key)
        elif before.key == after.key:
            yield self._ordered(after.key, before, after, "u")
        else:
            assert before.key is not None
            assert after.key is not None
            headers: tuple[tuple[str, bytes], ...] = ((NEW_KEY, after.key),)
            yield self._ordered(before.key, before, None, "d", headers)
            yield from self._tombstone(before.key)
            yield self._ordered(after.key, None, after, "c", ((OLD_KEY, before.key),))

    def message(
        self,
        key: bytes | None,
        before: Row | None,
        after: Row | None,
        operation: str,
        order: dict[str, Any] | None,
        headers: tuple[tuple[str, bytes], ...] = (),
    ) -> Message:
        """Return an envelope."""
        return enveloped(
            self._topic,
            key,
            before=before,
            after=after,
            source=self.source,
            order=order,
            operation=operation,
            now_ns=self._messages.now_ns(),
            headers=headers,
        )

    def _ordered(
        self,
        key: bytes | None,
        before: Shown | None,
        after: Shown | None,
        operation: str,
        headers: tuple[tuple[str, bytes], ...] = (),
    ) -> Message:
        """Return an envelope with the next number of its transaction."""
        counts = self._messages.counts
        counts[self._collection] = counts.get(self._collection, 0) + 1
        order = {
            "id": self._transaction.identity,
            "total_order": sum(counts.values()),
            "data_collection_order": counts[self._collection],
        }
        old, new = before and before.row, after and after.row
        return self.message(key, old, new, operation, order, headers)

    def _tombstone(self, key: bytes | None) -> Iterator[Message]:
        """Yield the message by which compaction forgets a key; none for a row that has no key."""
        if key is not None:
            yield Message(self._topic, key, None, self.source["ts_ms"])

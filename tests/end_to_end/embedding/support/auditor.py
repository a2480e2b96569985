"""Reads one snapshot of all collections: each embedded value is what its collection holds there."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern

from tests.end_to_end.embedding.support.oracle import (
    Document,
    as_embedded,
    at,
    element,
    in_order,
    plain,
)
from tests.end_to_end.embedding.support.schemas import Embedded, Schema, Table
from tests.end_to_end.support.stream import Stream

Value = Any


class Auditor:
    """Looks again and again, on a thread of its own, until it finds something wrong."""

    def __init__(self, stream: Stream, schema: Schema, chance: random.Random) -> None:
        self._stream = stream
        self._schema = schema
        self._chance = chance
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.audits = 0
        self.values = 0
        self.excused = 0
        self.wrong: list[str] = []

    def __enter__(self) -> Auditor:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._chance.uniform(0, 0.05)) and not self.wrong:
            try:
                self.wrong = [*self._audit()]
                self.audits += 1
            except OperationFailure as error:  # a collection was just created, for example
                if not error.has_error_label("TransientTransactionError"):
                    raise

    def _audit(self) -> Iterator[str]:
        stream, schema = self._stream, self._schema
        with (
            stream.client.start_session() as session,
            session.start_transaction(ReadConcern("snapshot")),
        ):
            debts = [*stream.state["debts"].find(session=session)]
            found = {
                table.name: [
                    plain(each) for each in schema.collection(stream, table).find(session=session)
                ]
                for table in schema.tables
            }
        for table in schema.tables:
            for embed in table.embeds:
                owed = [
                    each["_id"]["key"]
                    for each in debts
                    if each["_id"]["embed"] == f"{table.name} {embed.path}"
                ]
                children = found[embed.child.name]
                yield from self._wrong(table, embed, found[table.name], children, owed)

    def _wrong(
        self,
        table: Table,
        embed: Embedded,
        documents: Sequence[Document],
        children: Sequence[Document],
        owed: Sequence[list[Value] | None],
    ) -> Iterator[str]:
        by_link: dict[Value, list[Document]] = {}
        for child in sorted(children, key=lambda each: _place(embed, each)):
            link = tuple(at(child, embed.child.field(their)) for _, their in embed.on)
            by_link.setdefault(link, []).append(child)
        excused = {None if each is None else tuple(plain({"": each})[""]) for each in owed}
        for document in documents:
            link = tuple(at(document, table.field(our)) for our, _ in embed.on)
            if not excused.isdisjoint({None, link}):
                self.excused += 1
                continue
            self.values += 1
            linked = [] if None in link else by_link.get(link, [])[: embed.limit]
            value = as_embedded(embed, [element(embed, each) for each in linked])
            if in_order(at(document, embed.path)) != in_order(value):
                yield (
                    f"{table.name} {document['_id']} {embed.path}"
                    f"\n    must be {value}\n    and is  {at(document, embed.path)}"
                )


def _place(embed: Embedded, child: Document) -> list[Value]:
    """Return a document's place in the array: by values as they are compared, null first."""
    values = [at(child, each) for each in embed.order]
    values += [at(child, embed.child.field(each)) for each in embed.child.key]
    return [(each is not None, each or 0) if not isinstance(each, str) else each for each in values]

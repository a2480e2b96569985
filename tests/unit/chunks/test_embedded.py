"""Verify compares whole documents, with what they embed when their chunk is settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import bson

from cdc.model.document_id import comparable
from cdc.model.job import JobKind, Options
from cdc.model.operation import Operation
from tests.unit.chunks.support.world import document, end, world_of


class Suffix:
    """Embeds the same value in each document; that of some ids is owed."""

    def __init__(self, value: str, *owed: object) -> None:
        self._value = value
        self._owed = owed

    def expected(self, collection: str, operations: Sequence[Operation]) -> list[Operation]:
        return [
            each._replace(document=embedding(each.document, self._value)) for each in operations
        ]

    def excused(
        self, collection: str, operations: Sequence[Operation], found: Mapping[object, bytes]
    ) -> list[Operation]:
        return [
            each._replace(document=found[comparable(each.id)])
            if comparable(each.id) in self._owed
            else each
            for each in operations
        ]


def embedding(raw: bytes, value: str) -> bytes:
    return bson.encode({**bson.decode(raw), "embedded": value})


def test_embedded_values_are_compared_repaired_and_owed() -> None:
    world = world_of(*range(5))
    world.embedded = Suffix("new", 3)
    world.target.documents = {
        key: embedding(raw, "old" if key in (2, 3) else "new")
        for key, raw in world.expected().items()
    }
    del world.target.documents[4]

    running = world.work(JobKind.VERIFY, Options(repair=True))
    end(world, running)

    progress = running.scan.progress
    assert [(each["kind"], each["_id"], each["fields"]) for each in progress.findings] == [
        ("different", 2, ["embedded"]),
        ("missing", 4, []),
    ]
    assert (progress.differences, progress.repaired, progress.owed) == (2, 2, 1)
    assert world.target.documents[2] == embedding(document(2, 1), "new")
    assert world.target.documents[3] == embedding(document(3, 1), "old")

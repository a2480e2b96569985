from __future__ import annotations

import bson
import pytest
from bson.raw_bson import RawBSONDocument

from cdc.model.batch import Batch, MappedTransaction
from cdc.model.checkpoint import Checkpoint
from cdc.model.operation import Operation, OperationKind
from cdc.model.position import FilePosition
from cdc.writers import commands
from cdc.writers.commands import Command

ID = b"\x12" + (7).to_bytes(8, "little")
DOCUMENT = bson.encode({"_id": 7, "name": "é"})


def decoded(raw: object) -> dict[str, object]:
    assert isinstance(raw, RawBSONDocument)
    return bson.decode(raw.raw)


def batch(*operations: Operation) -> Batch:
    checkpoint = Checkpoint(FilePosition("b.000001", 4))
    return Batch((MappedTransaction("1", checkpoint, 0.0, (("c", operations),)),))


def test_a_replace_is_an_upsert_of_the_whole_document() -> None:
    body = Command(
        "c", OperationKind.REPLACE, [Operation(OperationKind.REPLACE, ID, DOCUMENT)]
    ).body()

    assert decoded(body["updates"][0]) == {
        "q": {"_id": 7},
        "u": {"_id": 7, "name": "é"},
        "upsert": True,
        "collation": {"locale": "simple"},
    }


@pytest.mark.parametrize("kind", [OperationKind.INSERT, OperationKind.REPLACE])
def test_a_stamp_goes_into_what_is_sent_and_not_into_the_operation(kind: OperationKind) -> None:
    operation = Operation(kind, ID, DOCUMENT)

    body = Command("c", kind, [operation]).body(b"\x0aseen\0")

    sent = body["documents"][0] if kind == OperationKind.INSERT else body["updates"][0]
    found = decoded(sent) if kind == OperationKind.INSERT else decoded(sent)["u"]
    assert found == {"_id": 7, "name": "é", "seen": None}
    assert operation.document == DOCUMENT


def test_a_delete_names_one_document() -> None:
    body = Command("c", OperationKind.DELETE, [Operation(OperationKind.DELETE, ID)]).body()

    assert decoded(body["deletes"][0]) == {
        "q": {"_id": 7},
        "limit": 1,
        "collation": {"locale": "simple"},
    }


def test_deletes_are_sent_before_writes() -> None:
    other = b"\x12" + (8).to_bytes(8, "little")

    requests = commands.coalesced(
        batch(
            Operation(OperationKind.INSERT, ID, DOCUMENT), Operation(OperationKind.DELETE, other)
        ),
        insert_first=True,
    )

    assert [request.kind for request in requests] == [OperationKind.DELETE, OperationKind.INSERT]


def test_a_command_stays_below_the_size_of_a_bson_document() -> None:
    large = bson.encode({"_id": 7, "blob": b"x" * 6_000_000})
    operations = [
        Operation(OperationKind.REPLACE, b"\x12" + n.to_bytes(8, "little"), large) for n in range(5)
    ]

    requests = commands.coalesced(batch(*operations), insert_first=True)

    assert [len(request.operations) for request in requests] == [2, 2, 1]


def test_in_order_inserts_are_replaces_that_cannot_collide_by_id() -> None:
    requests = commands.in_order(batch(Operation(OperationKind.INSERT, ID, DOCUMENT)))

    assert [request.kind for request in requests] == [OperationKind.REPLACE]

from __future__ import annotations

import bson
import pytest
from bson.int64 import Int64
from bson.raw_bson import RawBSONDocument

from cdc.model.batch import Batch, MappedTransaction
from cdc.model.checkpoint import Checkpoint
from cdc.model.operation import Operation, OperationKind
from cdc.model.position import FilePosition
from cdc.writers import commands
from cdc.writers.commands import Command
from cdc.writers.documents import document_id
from cdc.writers.sharding import Sharding

INSERT, REPLACE, DELETE = OperationKind.INSERT, OperationKind.REPLACE, OperationKind.DELETE
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


TENANT = (("of", "tenant"),)
ORDERS = Sharding({"c": TENANT})


def order(kind: OperationKind, number: int, tenant: object, **more: object) -> Operation:
    document = bson.encode({"_id": number, "of": {"tenant": tenant}, **more})
    return Operation(kind, document_id(document), document)


def sent(command: Command) -> list[tuple[object, object]]:
    """The filter and the document of each statement."""
    body = command.body()
    if "documents" in body:
        return [(None, decoded(each)) for each in body["documents"]]
    statements = map(decoded, body.get("updates") or body["deletes"])
    return [(each["q"], each.get("u")) for each in statements]


def test_filters_hold_the_shard_key_by_dotted_paths() -> None:
    batch_of = batch(order(DELETE, 1, "a"), order(REPLACE, 2, "b", n=1))

    deletes, replaces = commands.coalesced(batch_of, insert_first=True, sharding=ORDERS)

    assert sent(deletes) == [({"_id": 1, "of.tenant": "a"}, None)]
    assert sent(replaces) == [
        ({"_id": 2, "of.tenant": "b"}, {"_id": 2, "of": {"tenant": "b"}, "n": 1})
    ]


def test_a_key_value_that_is_not_there_is_null_as_mongos_takes_it() -> None:
    raw = bson.encode({"_id": 1})

    [command] = commands.coalesced(
        batch(Operation(DELETE, document_id(raw), raw)), insert_first=True, sharding=ORDERS
    )

    assert sent(command) == [({"_id": 1, "of.tenant": None}, None)]


def test_a_deletion_of_what_was_not_found_names_the_id_alone() -> None:
    [command] = commands.coalesced(batch(Operation(DELETE, ID)), insert_first=True, sharding=ORDERS)

    assert sent(command) == [({"_id": 7}, None)]


def test_each_place_has_its_last_state() -> None:
    moves = batch(
        order(INSERT, 1, "a"),
        order(DELETE, 1, "a"),
        order(REPLACE, 1, "b"),
        order(DELETE, 1, "b"),
        order(REPLACE, 1, "a", n=2),
        order(INSERT, 2, "a"),
    )

    deletes, inserts = commands.coalesced(moves, insert_first=True, sharding=ORDERS)

    assert sent(deletes) == [({"_id": 1, "of.tenant": "b"}, None)]
    assert [document for _, document in sent(inserts)] == [
        {"_id": 1, "of": {"tenant": "a"}, "n": 2},
        {"_id": 2, "of": {"tenant": "a"}},
    ]
    assert (deletes.kind, inserts.kind) == (DELETE, INSERT)


def test_numbers_of_two_types_are_one_place() -> None:
    [command] = commands.coalesced(
        batch(order(REPLACE, 1, 5), order(DELETE, 1, Int64(5))), insert_first=True, sharding=ORDERS
    )

    assert command.kind == DELETE


def test_commands_are_unordered_behind_mongos_unless_they_repeat_the_source() -> None:
    changes = batch(order(REPLACE, 1, 5), order(DELETE, 2, 5), order(INSERT, 3, 5))
    behind = ORDERS.on(is_sharded=True)

    def orders(found: list[Command]) -> set[object]:
        return {each.body()["ordered"] for each in found}

    assert orders(commands.coalesced(changes, insert_first=True, sharding=ORDERS)) == {True}
    assert orders(commands.coalesced(changes, insert_first=True, sharding=behind)) == {False}
    assert orders(commands.in_order(changes, behind)) == {True}


def test_what_repeats_the_source_names_places_too() -> None:
    changes = batch(order(DELETE, 1, "a"), order(INSERT, 1, "b"))

    found = [each for command in commands.in_order(changes, ORDERS) for each in sent(command)]

    assert found == [
        ({"_id": 1, "of.tenant": "a"}, None),
        ({"_id": 1, "of.tenant": "b"}, {"_id": 1, "of": {"tenant": "b"}}),
    ]

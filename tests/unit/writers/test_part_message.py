"""Parts on their way to an applier: read as they were written, or refused."""

from __future__ import annotations

from typing import Any

import bson
import pytest
from bson import ObjectId, Timestamp
from hypothesis import given
from hypothesis import strategies as st

from cdc.model.checkpoint import Checkpoint
from cdc.model.done import Span
from cdc.model.operation import Operation, OperationKind
from cdc.model.position import FilePosition
from cdc.writers.clock import Clock
from cdc.writers.lane_documents import LanePart
from cdc.writers.part_message import Invitation, PartMessage, PartUnreadable, decode
from cdc.writers.sharding import Sharding
from cdc.writers.strategy import WriteStrategy

AFTER = Checkpoint(FilePosition("binlog.000001", 90))
OPERATIONS = st.lists(
    st.builds(
        Operation, st.sampled_from(OperationKind), st.binary(max_size=9), st.binary(max_size=30)
    ),
    max_size=5,
)
CHANGES = st.lists(st.tuples(st.sampled_from(["items", "people"]), OPERATIONS), max_size=4)


def message(changes: list[tuple[str, list[Operation]]]) -> PartMessage:
    spans = (Span("0-1-", 4, 5), Span("0-1-", 9, 9))
    return PartMessage(
        ObjectId("65f000000000000000000001"),
        7,
        LanePart(spans, 3, AFTER),
        3,
        1.5,
        WriteStrategy.UPSERT,
        Clock({"clusterTime": Timestamp(5, 1)}, Timestamp(5, 1)),
        frozenset({"people"}),
        {"items": "synced_at"},
        Sharding({"people": (("town",), ("a", "b"))}),
        changes,
    )


@given(CHANGES)
def test_a_part_is_read_as_it_was_written(changes: list[tuple[str, list[Operation]]]) -> None:
    written = message(changes)

    found = decode(written.encode())

    assert isinstance(found, PartMessage)
    names = {name for name, _ in changes}
    assert dict(found.changes) == {
        name: [each for other, operations in changes if other == name for each in operations]
        for name in names
    }
    assert len(found.changes) == len(names)
    assert found.stamps == ({"items": "synced_at"} if "items" in names else {})
    assert found.sharding.of_collection("people") == (
        (("town",), ("a", "b")) if "people" in names else ()
    )
    for each in ("lane", "round", "completed", "committed_at", "strategy", "clock"):
        assert getattr(found, each) == getattr(written, each)
    assert found.hidden == written.hidden & names
    assert found.note == written.note


def test_a_part_names_its_source_transactions() -> None:
    assert message([]).batch.identities == ["0-1-4", "0-1-5", "0-1-9"]


def test_an_invitation_is_read_as_it_was_written() -> None:
    invitation = Invitation(ObjectId(), "orders")

    assert decode(invitation.encode()) == invitation


@given(CHANGES, st.data())
def test_bytes_that_were_cut_are_refused(
    changes: list[tuple[str, list[Operation]]], data: st.DataObject
) -> None:
    whole = message(changes).encode()

    with pytest.raises(PartUnreadable):
        decode(whole[: data.draw(st.integers(0, len(whole) - 1))])


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"version": 1},
        {"version": 2, "invited": "orders", "lane": ObjectId()},
        {"version": 1, "invited": "orders", "lane": {"$ne": None}},
        {"version": 1, "lane": ObjectId(), "round": float("inf"), "done": []},
    ],
    ids=["empty", "of version 1 alone", "of another version", "no lane", "no round"],
)
def test_what_is_no_part_is_refused(found: dict[str, object]) -> None:
    with pytest.raises(PartUnreadable):
        decode(bson.encode(found))


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (("round",), "7"),
        (("done",), []),
        (("done",), [["0-1-", 5, 4]]),
        (("place",), None),
        (("last",), [1]),
        (("completed",), 1.5),
        (("committed_at",), float("nan")),
        (("committed_at",), "now"),
        (("cluster_time",), {}),
        (("cluster_time",), {"clusterTime": 5}),
        (("operation_time",), 5),
        (("hidden",), [5]),
        (("stamps",), [["items", 5]]),
        (("shard",), [["people", [[5]]]]),
        (("sharded",), 1),
        (("changes", 0, "collection"), 5),
    ],
    ids=repr,
)
def test_what_has_another_type_is_no_part(path: tuple[str | int, ...], wrong: object) -> None:
    """It would end the applier that writes it, and each that gets it then."""
    whole = message([("items", [Operation(OperationKind.DELETE, b"\x10abcd")])]).encode()
    found: Any = bson.decode(whole)
    inner = found
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = wrong

    with pytest.raises(PartUnreadable):
        decode(bson.encode(found))


def test_ids_that_do_not_add_up_are_refused() -> None:
    found = bson.decode(
        message([("items", [Operation(OperationKind.DELETE, b"\x10abcd")])]).encode()
    )
    found["changes"][0]["ids"] += b"x"

    with pytest.raises(PartUnreadable, match="ids do not add up"):
        decode(bson.encode(found))


def test_documents_that_do_not_add_up_are_refused() -> None:
    whole = message([("items", [Operation(OperationKind.INSERT, b"\x10abcd", b"doc")])]).encode()

    with pytest.raises(PartUnreadable, match="documents do not add up"):
        decode(whole + b"x")

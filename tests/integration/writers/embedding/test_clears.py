"""A piece of a clear that is too large with the documents that embed it is cut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from cdc.errors import CdcError
from cdc.mapping.file.embed_graph import EmbedGraph
from cdc.mapping.file.mapping import Mapping
from cdc.model.batch import Batch, MappedTransaction
from cdc.model.position import to_document
from cdc.model.state_change import CollectionClear
from cdc.writers.indexes import create_indexes
from cdc.writers.namespaces import Namespaces
from cdc.writers.writer import MongoWriter
from tests.integration.writers.support.failing import fail
from tests.integration.writers.support.writers import AFTER, START, begun

Client = MongoClient[dict[str, Any]]

WRITE_CONFLICT, EXPIRED, TOO_LARGE = 112, 290, 257
LINES = 20
MAPPINGS = (
    Mapping.model_validate({"source": "s.lines", "target": "lines"}),
    Mapping.model_validate(
        {
            "source": "s.orders",
            "target": "orders",
            "embed": {"lines": {"many": "lines", "on": "order_id", "fields": ["_id"]}},
        }
    ),
)


@pytest.fixture
def writer(failing_client: Client) -> Iterator[MongoWriter]:
    """A writer of orders with two lines each."""
    for name in ("docs", "state"):
        failing_client.drop_database(name)
    create_indexes(failing_client, Namespaces("docs", "state", "test"), MAPPINGS)
    lines = [{"_id": n, "order_id": n // 2} for n in range(LINES)]
    failing_client["docs"]["lines"].insert_many(lines)
    failing_client["docs"]["orders"].insert_many(
        [{"_id": n, "lines": [{"_id": 2 * n}, {"_id": 2 * n + 1}]} for n in range(LINES // 2)]
    )
    with begun(failing_client, "docs", "state", embeds=EmbedGraph(MAPPINGS)) as writer:
        yield writer
    failing_client.admin.command({"configureFailPoint": "failCommand", "mode": "off"})


def clearing(collection: str = "lines", **marks: Any) -> Batch:
    clear = CollectionClear(collection, marks=marks)
    return Batch((MappedTransaction("x", AFTER, 1.0, clears=(clear,)),))


def sequence(client: Client) -> int:
    [state] = client["state"]["streams"].find()
    return int(state["sequence"])


def owed(client: Client) -> int:
    return client["state"]["debts"].count_documents({})


@pytest.mark.parametrize("code", [TOO_LARGE, EXPIRED, WRITE_CONFLICT])
def test_it_is_cut_and_owes_what_embeds_it(
    failing_client: Client, writer: MongoWriter, code: int
) -> None:
    before = sequence(failing_client)
    fail(failing_client, 1, code, "delete")

    writer.apply(clearing())

    assert failing_client["docs"]["lines"].count_documents({}) == 0
    assert failing_client["docs"]["orders"].distinct("lines._id") == [0, 1]
    pieces = [2, 4, 8, 6]
    assert sequence(failing_client) == before + len(pieces) + 1
    assert owed(failing_client) == 1
    while writer.pay():
        pass
    assert failing_client["docs"]["orders"].distinct("lines._id") == []


@pytest.mark.parametrize("stays", ["lines", "orders"])
def test_documents_are_marked_in_smaller_pieces_too(
    failing_client: Client, writer: MongoWriter, stays: str
) -> None:
    fail(failing_client, 1, TOO_LARGE, "update", f"docs.{stays}")

    writer.apply(clearing(stays, gone=True))

    docs = failing_client["docs"]
    assert docs[stays].count_documents({"gone": True}) == docs[stays].count_documents({})
    assert docs["orders"].count_documents({"lines.1": {"$exists": True}}) == LINES // 2


def test_a_single_document_that_is_too_large_stops_the_writer_with_a_remedy(
    failing_client: Client, writer: MongoWriter
) -> None:
    fail(failing_client, 10, TOO_LARGE, "delete")

    with pytest.raises(CdcError, match="cannot hold a single document") as raised:
        writer.apply(clearing())

    assert "cacheSizeGB" in str(raised.value.remedy)
    assert failing_client["docs"]["lines"].count_documents({}) == LINES
    [state] = failing_client["state"]["streams"].find()
    assert state["position"] == to_document(START.position)

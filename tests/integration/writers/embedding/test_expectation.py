"""What verify expects of documents that embed, and what it excuses since it is owed."""

from __future__ import annotations

from typing import Any

import bson
import pytest
from bson import Int64
from pymongo import MongoClient

from cdc.chunks.diff import differences
from cdc.mapping.file.embed_graph import EmbedGraph
from cdc.mapping.file.mapping import Mapping
from cdc.model.document_id import comparable
from cdc.model.operation import Operation, OperationKind
from cdc.writers.documents import Documents, document_id
from cdc.writers.embedding.debts import DEBTS, Debts
from cdc.writers.embedding.edges import Edge
from cdc.writers.embedding.expectation import Expectation
from cdc.writers.embedding.links import Key, Values, link
from cdc.writers.namespaces import Namespaces

Document = dict[str, Any]

MAPPINGS = (
    Mapping.model_validate({"source": "s.users", "target": "users"}),
    Mapping.model_validate(
        {
            "source": "s.tweets",
            "target": "tweets",
            "embed": {"author": {"one": "users", "on": "user_id", "fields": ["name"]}},
        }
    ),
)
GRAPH = EmbedGraph(MAPPINGS)
EDGE = Edge.of(GRAPH.edges[0])
BY_ADA, BY_BOB, BY_NOBODY = ({"_id": n, "user_id": n} for n in (1, 2, 3))


class Target:
    """Tweets and their authors, and what is owed."""

    def __init__(self, client: MongoClient[Document], database: str, state_database: str) -> None:
        self._client = client
        self._names = (database, state_database)
        self._debts = Debts(client[state_database], "test", {EDGE.name: EDGE})
        self.state = client[state_database]
        self.expectation = Expectation(GRAPH, client, Namespaces(database, state_database, "test"))
        client[database]["users"].insert_many(
            [{"_id": 1, "name": "Ada", "secret": 1}, {"_id": 2, "name": "Bob"}]
        )

    def holds(self, *tweets: Document) -> None:
        self._client[self._names[0]]["tweets"].insert_many(tweets)

    def owes(self, *users: Any) -> None:
        keys: dict[Key, Values] = {}
        for each in users:
            linked = link(bson.encode({"_id": 0, "user_id": each}), EDGE.ours)
            assert linked is not None
            keys[linked[0]] = linked[1]
        self._debts.owe(EDGE, keys, None)

    def differing(self, *rows: Document) -> list[tuple[str, ...]]:
        """The fields in which tweets differ from what rows make of them, but for what is owed."""
        wanted = self.expectation.expected("tweets", [operation(each) for each in rows])
        documents = Documents(self._client, Namespaces(*self._names, "test"))
        found = documents.fetch("tweets", [each.id for each in wanted])
        excused = self.expectation.excused("tweets", wanted, found)
        return [each.fields for each, _ in differences("tweets", excused, found)]


@pytest.fixture
def target(client: MongoClient[Document], database: str, state_database: str) -> Target:
    return Target(client, database, state_database)


def operation(document: Document) -> Operation:
    raw = bson.encode(document)
    return Operation(OperationKind.INSERT, document_id(raw), raw)


def test_a_row_is_expected_with_what_its_document_embeds_now(target: Target) -> None:
    rows = [operation(each) for each in (BY_ADA, BY_BOB, BY_NOBODY)]

    expected = target.expectation.expected("tweets", rows)

    assert [bson.decode(each.document)["author"] for each in expected] == [
        {"name": "Ada"},
        {"name": "Bob"},
        None,
    ]
    assert target.expectation.expected("users", rows) == rows


def test_an_embedded_value_that_is_not_so_is_a_difference(target: Target) -> None:
    target.holds({**BY_ADA, "author": {"name": "Eve"}}, {**BY_BOB, "author": {"name": "Bob"}})

    assert target.differing(BY_ADA, BY_BOB) == [("author.name",)]


@pytest.mark.parametrize("key", [1, Int64(1), 1.0])
def test_a_value_that_is_owed_is_none_whatever_type_of_number_its_key_is(
    target: Target, key: Any
) -> None:
    target.holds({**BY_ADA, "author": {"name": "Eve"}}, {**BY_BOB, "author": {"name": "Eve"}})
    target.owes(key)

    assert target.differing(BY_ADA, BY_BOB) == [("author.name",)]


def test_where_all_is_owed_each_value_is_excused(target: Target) -> None:
    target.holds({**BY_ADA, "author": {"name": "Eve"}}, {**BY_BOB, "author": None})
    target.owes(*range(2_000))
    assert target.state[DEBTS].count_documents({}) == 1

    assert target.differing(BY_ADA, BY_BOB) == []


def test_what_is_owed_excuses_nothing_else(target: Target) -> None:
    target.holds({**BY_ADA, "text": "x", "author": {"name": "Eve"}}, BY_BOB)
    target.owes(1, 2)

    assert target.differing(BY_ADA, BY_BOB) == [("text",), ("author",)]


def test_ids_of_differences_are_those_of_rows(target: Target) -> None:
    target.owes(1)

    wanted = target.expectation.expected("tweets", [operation(BY_ADA)])
    found = {comparable(wanted[0].id): bson.encode({**BY_ADA, "author": {"name": "Eve"}})}
    [excused] = target.expectation.excused("tweets", wanted, found)

    assert (excused.id, excused.kind) == (wanted[0].id, wanted[0].kind)
    assert excused.document == found[comparable(excused.id)]

"""Indexes that mappings ask for, on a real MongoDB."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cdc.errors import Unfit, UsageError
from cdc.mapping.file.mapping import Mapping
from cdc.writers.indexes import create_indexes, index_facts
from cdc.writers.namespaces import Namespaces
from cdc_sandbox.servers import MongoServer

EVERY_KIND: list[dict[str, Any]] = [
    {"keys": {"author.id": 1, "created_at": -1}},
    {"keys": {"slug": 1}, "unique": True, "name": "slugs"},
    {"keys": {"lang": 1}, "sparse": True},
    {"keys": {"title": "text", "body": "text", "lang": 1}},
    {"keys": {"place": "2dsphere"}},
    {"keys": {"token": "hashed"}},
    {"keys": {"score": 1}, "partial_filter_expression": {"score": {"$gt": 5}}},
    {"keys": {"name": 1}, "collation": {"locale": "en", "strength": 2}},
]


def asking(*indexes: dict[str, Any]) -> list[Mapping]:
    return [Mapping.model_validate({"source": "a.b", "target": "things", "indexes": indexes})]


def of_stream(database: str) -> Namespaces:
    return Namespaces(database, "state", "test")


def states(mongo: MongoServer, database: str, *indexes: dict[str, Any]) -> list[tuple[bool, str]]:
    with mongo.client() as client:
        facts = index_facts(client, of_stream(database), asking(*indexes))
        return [(each.present, each.obstacle) for each in facts]


def create(mongo: MongoServer, database: str, *indexes: dict[str, Any]) -> None:
    with mongo.client() as client:
        create_indexes(client, of_stream(database), asking(*indexes))


def test_every_kind_is_created_and_found_again(mongo: MongoServer, database: str) -> None:
    before = states(mongo, database, *EVERY_KIND)

    create(mongo, database, *EVERY_KIND)
    create(mongo, database, *EVERY_KIND)

    assert before == [(False, "")] * len(EVERY_KIND)
    assert states(mongo, database, *EVERY_KIND) == [(True, "")] * len(EVERY_KIND)
    with mongo.client() as client:
        names = set(client[database]["things"].index_information())
    assert {"author.id_1_created_at_-1", "slugs", "place_2dsphere"} < names


@pytest.mark.parametrize(
    ("there", "wanted", "obstacle"),
    [
        ({"keys": {"a": 1}}, {"keys": {"a": 1}, "name": "mine"}, "under another name, a_1"),
        ({"keys": {"a": 1}}, {"keys": {"a": 1}, "unique": True}, "another index has its name"),
        ({"keys": {"a": 1}, "name": "x"}, {"keys": {"b": 1}, "name": "x"}, "another index has"),
    ],
)
def test_an_index_in_the_way_is_told_by_the_check_and_stops_the_start(
    mongo: MongoServer,
    database: str,
    there: dict[str, Any],
    wanted: dict[str, Any],
    obstacle: str,
) -> None:
    create(mongo, database, there)

    [(present, found)] = states(mongo, database, wanted)
    with pytest.raises(Unfit) as stopped:
        create(mongo, database, wanted)

    assert not present
    assert obstacle in found
    assert "is in the way of one that" in stopped.value.message


def test_documents_that_a_unique_index_forbids_stop_the_start(
    mongo: MongoServer, database: str
) -> None:
    with mongo.client() as client:
        client[database]["things"].insert_many([{"slug": 1}, {"slug": 1}])

    with pytest.raises(Unfit, match="have the same keys"):
        create(mongo, database, {"keys": {"slug": 1}, "unique": True})


def test_an_index_that_mongodb_does_not_know_is_a_mistake_of_the_mapping(
    mongo: MongoServer, database: str
) -> None:
    with pytest.raises(UsageError, match=r"mapping:1: MongoDB refuses an index"):
        create(mongo, database, {"keys": {"a": 1}, "collation": {"locale": "no such place"}})


KEEPING: dict[str, Any] = {"collection": "kept", "keep_days": 2}


def keeping(**history: Any) -> list[Mapping]:
    mapping = {"source": "a.b", "target": "things", "history": {**KEEPING, **history}}
    return [Mapping.model_validate(mapping)]


def test_a_history_s_indexes_are_created_and_found_again(mongo: MongoServer, database: str) -> None:
    with mongo.client() as client:
        namespaces = of_stream(database)
        before = [*index_facts(client, namespaces, keeping())]
        create_indexes(client, namespaces, keeping())
        after = [*index_facts(client, namespaces, keeping())]
        there = client[database]["kept"].index_information()

    assert [each.present for each in before] == [False, False]
    assert [each.present for each in after] == [True, True]
    assert [each.name for each in after] == ["keys_1_number_1__id.row_1", "committed_at_1"]
    assert there["committed_at_1"]["expireAfterSeconds"] == 2 * 86_400


def test_a_history_that_is_kept_for_other_days_is_mended_as_it_says(
    mongo: MongoServer, database: str
) -> None:
    with mongo.client() as client:
        namespaces = of_stream(database)
        create_indexes(client, namespaces, keeping(keep_days=1))
        _, told = index_facts(client, namespaces, keeping())
        with pytest.raises(Unfit) as stopped:
            create_indexes(client, namespaces, keeping())
        change = {"name": "committed_at_1", "expireAfterSeconds": 172_800}
        client[database].command({"collMod": "kept", "index": change})
        _, mended = index_facts(client, namespaces, keeping())

    assert told.obstacle == "it has documents expire after 1 days, and `keep_days` says 2"
    command = f'runCommand({{collMod: "kept", index: {json.dumps(change)}}})'
    assert f'db.getSiblingDB("{database}").{command}' in told.remedy
    assert "kept" in stopped.value.message
    assert mended.present


def test_another_index_of_a_history_s_times_is_in_the_way(
    mongo: MongoServer, database: str
) -> None:
    with mongo.client() as client:
        namespaces = of_stream(database)
        client[database]["kept"].create_index("committed_at")
        _, told = index_facts(client, namespaces, keeping())

    assert told.obstacle == "another index has its name"
    assert told.remedy == "drop that index"  # a history has no `indexes` to write it into


def test_a_view_in_the_place_of_a_history_is_left_to_the_rule_of_views(
    mongo: MongoServer, database: str
) -> None:
    with mongo.client() as client:
        client[database].create_collection("kept", viewOn="things", pipeline=[])

        assert [*index_facts(client, of_stream(database), keeping())] == []

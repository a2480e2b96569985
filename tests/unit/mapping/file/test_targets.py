from __future__ import annotations

from typing import Any

from bson import MaxKey

from cdc.mapping.compile.shard_ownership import own_documents
from cdc.mapping.file.id_constants import constant_parts
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.targets import target_mistakes
from cdc.model.id_space import around, never_meet
from cdc.model.transaction import ANY_TABLE

BOTH: list[Any] = [{"source": "schema"}, {"source": "table"}, "id"]
SCHEMA: list[Any] = [{"source": "schema"}, "id"]
TABLE: list[Any] = [{"source": "table"}, "id"]


FIRST = {"stream": "eu", "of": 5, "schema": "shop", "table": "orders_1"}


def told(*mappings: dict[str, Any]) -> list[str]:
    parsed = [Mapping.model_validate({"target": "orders", **each}) for each in mappings]
    return [mistake.what for mistake in target_mistakes(parsed)]


def test_mappings_with_targets_of_their_own_need_nothing_in_the_id() -> None:
    assert not told({"source": "a.orders"}, {"source": "a.orders", "target": "copies"})


def test_a_glob_wants_what_varies_in_the_id() -> None:
    (missing,) = told({"source": "shop_*.orders_?", "id": SCHEMA})

    assert "write {source: table} into the id" in missing
    assert not told({"source": "shop_*.orders_?", "id": BOTH})
    assert not told({"source": "shop_*.orders", "id": SCHEMA})


def test_a_glob_over_an_id_that_is_an_expression_is_refused() -> None:
    expression = {"sql": "CONCAT(a, b)", "unique": "asserted"}

    assert len(told({"source": "shop_*.orders", "id": expression})) == 1


def test_two_mappings_with_one_target_are_refused() -> None:
    (shared,) = told({"source": "a.orders"}, {"source": "b.orders"})

    assert shared.startswith("the target `orders` belongs to ")


def test_two_mappings_may_share_a_target_where_a_name_in_both_ids_differs() -> None:
    one, other = {"source": "a.orders", "id": SCHEMA}, {"source": "b.orders", "id": SCHEMA}

    assert not told(one, other)
    assert told(one, one)


def test_two_mappings_with_one_target_agree_on_the_stamp() -> None:
    one = {"source": "a.orders", "id": SCHEMA, "stamp": "seen"}
    other = {"source": "b.orders", "id": SCHEMA}

    assert told(one, other) == ["mappings with the target `orders` must agree on `stamp`"]
    assert not told(one, other | {"stamp": "seen"})


def test_a_column_that_is_called_like_a_name_keeps_nothing_apart() -> None:
    one = {"source": "a.orders", "id": SCHEMA}
    other = {"source": "b.orders", "id": ["schema", "id"]}

    assert len(told(one, other)) == 1


def test_different_names_in_the_ids_keep_nothing_apart() -> None:
    one = {"source": "a.orders_1", "id": SCHEMA}
    other = {"source": "b.orders_2", "id": TABLE}

    assert len(told(one, other)) == 1


def test_a_tables_own_documents_are_told_by_its_names_in_the_id() -> None:
    mapping = Mapping.model_validate({"source": "shop_*.orders_?", "target": "orders", "id": BOTH})

    assert own_documents(mapping, "shop_eu", "orders_1") == {
        "_id.schema": "shop_eu",
        "_id.table": "orders_1",
        "_id": {
            "$gte": {"schema": "shop_eu", "table": "orders_1"},
            "$lt": {"schema": "shop_eu", "table": "orders_1", "": MaxKey()},
        },
    }


def test_two_mappings_may_share_a_target_where_a_constant_in_both_ids_differs() -> None:
    one = {"source": "a.orders", "id": [{"value": "a"}, "id"]}
    other = {"source": "b.orders", "id": [{"value": "b"}, "id"]}

    assert not told(one, other)
    assert told(one, one | {"source": "b.orders"})
    assert told(one, other | {"id": [{"value": "b", "name": "of"}, "id"]})
    assert told(one, other | {"id": [{"value": "a"}, {"value": "b", "name": "of"}, "id"]})
    assert told(one, other | {"id": ["value", "id"]}), "a column may hold what the constant is"


def test_a_table_has_one_mapping_to_a_collection_whatever_the_ids_are() -> None:
    one = {"source": "a.orders", "id": [{"value": "a"}, "id"]}

    assert told(one, one | {"id": [{"value": "b"}, "id"]})


def test_the_constants_in_the_ids_tell_a_streams_own_documents() -> None:
    parts: list[Any] = [{"source": "stream"}, {"value": 5, "name": "of"}, {"source": "schema"}]
    mapping = Mapping.model_validate(
        {"source": "shop.orders_*", "target": "orders", "id": [*parts, {"source": "table"}, "id"]}
    ).bind(stream="eu")

    assert own_documents(mapping, "shop", "orders_1") == {
        "_id.stream": "eu",
        "_id.of": 5,
        "_id.schema": "shop",
        "_id.table": "orders_1",
        "_id": {"$gte": FIRST, "$lt": FIRST | {"": MaxKey()}},
    }
    assert constant_parts(mapping) == {"stream": "eu", "of": 5, "schema": "shop"}


def test_only_what_the_ids_begin_with_is_a_range_of_them() -> None:
    mapping = Mapping.model_validate(
        {
            "source": "shop.orders_*",
            "target": "orders",
            "id": [{"source": "table"}, "id", {"value": "eu"}],
        }
    )

    whole_schema = own_documents(mapping, "shop", ANY_TABLE)
    assert {*whole_schema} == {"_id.table", "_id.value"}
    assert own_documents(mapping, "shop", "orders_1")["_id"]["$gte"] == {"table": "orders_1"}


def test_ids_never_meet_where_they_hold_different_constants_at_one_field() -> None:
    assert never_meet({"a": "x", "b": 1}, {"b": 2, "c": "x"})
    assert never_meet({"a": "1"}, {"a": 1})
    for one, other in (({}, {}), ({"a": 1}, {}), ({"a": 1}, {"b": 2}), ({"a": 1}, {"a": 1})):
        assert not never_meet(one, other)
        assert not never_meet(other, one)


def test_the_ids_of_several_mappings_share_what_all_of_them_hold() -> None:
    assert around([{"a": 1, "b": 2}, {"b": 2, "a": 3}]) == {"b": 2}
    assert around([{"b": 2, "a": 1}]) == {"a": 1, "b": 2}
    assert around([{"a": 1}, {}]) == {}


def test_a_collection_of_one_table_is_all_its_own() -> None:
    mapping = Mapping(source="shop.orders", target="orders")

    assert own_documents(mapping, "shop", "orders") == {}

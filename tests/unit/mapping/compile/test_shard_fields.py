"""What a shard key can be made of."""

from __future__ import annotations

from typing import Any

import pytest

from cdc.mapping.file.problems import MappingError
from cdc.model.table_map import Column, FieldType, TableMap
from tests.unit.mapping.support.row_images import plan, table, varchar

TENANT = Column("tenant", FieldType.LONG, nullable=False)
ORDERS = table(TENANT, varchar("note"), Column("tags", FieldType.JSON, nullable=False))


def refused(columns: TableMap, **mapping: Any) -> list[str]:
    with pytest.raises(MappingError) as caught:
        plan(columns, **mapping)
    return [one.what for one in caught.value.mistakes]


def test_an_unknown_field_is_named_with_the_nearest() -> None:
    assert refused(ORDERS, shard_key={"tenent": 1}) == [
        "the documents have no field `tenent`, did you mean `tenant`?"
    ]


def test_a_column_that_may_be_null_has_no_place_for_every_row() -> None:
    [what] = refused(ORDERS, shard_key={"note": 1})

    assert what == "column `note` of `note` may be NULL: make it NOT NULL, or write `default`"
    assert plan(
        ORDERS, shard_key={"note": 1}, fields={"note": {"column": "note", "default": ""}}
    ).layout.shard


def test_a_value_that_may_be_an_array_is_none() -> None:
    [what] = refused(ORDERS, shard_key={"tags": 1})

    assert what.startswith("column `tags` of `tags` (JSON) may hold an array or a document")


def test_parts_of_the_id_may_stand_in_it() -> None:
    parts: list[Any] = [{"source": "schema"}, "id"]

    assert plan(ORDERS, id=parts, shard_key={"_id.schema": 1, "_id.id": 1}).layout.shard == ()
    assert refused(ORDERS, id=parts, shard_key={"_id.shema": 1}) == [
        "the documents have no field `_id.shema`, did you mean `_id.schema`?"
    ]
    assert refused(ORDERS, shard_key={"_id.id": 1}) == [
        "the documents have no field `_id.id`, did you mean `_id`?"
    ]

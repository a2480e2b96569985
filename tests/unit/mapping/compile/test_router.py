from __future__ import annotations

from typing import Any

import pytest

from cdc.errors import Unfit
from cdc.mapping.compile.router import TableRouter
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.table_globs import source_pattern
from cdc.model.table_map import Column, FieldType, TableMap
from cdc.model.transaction import ANY_TABLE


def mapping(source: str, target: str = "orders", **keys: Any) -> Mapping:
    return Mapping.model_validate({"source": source, "target": target, **keys})


def table(schema: str, name: str) -> TableMap:
    return TableMap(schema, name, (Column("id", FieldType.LONG, nullable=False),), (0,), (0,))


def test_a_table_is_followed_by_name_or_by_glob() -> None:
    router = TableRouter([mapping("shop.orders"), mapping("eu_*.orders_?", "shards")])

    assert router.follows("shop", "orders")
    assert router.follows("eu_1", "orders_x")
    assert not router.follows("shop", "orders_x")
    assert not router.follows("eu", "orders_x")


def test_a_schema_is_followed_where_any_table_of_it_could_be() -> None:
    router = TableRouter([mapping("eu_*.orders")])

    assert router.follows("eu_1", ANY_TABLE)
    assert not router.follows("us_1", ANY_TABLE)


def test_a_table_that_two_mappings_name_feeds_both() -> None:
    router = TableRouter([mapping("shop.orders", "a"), mapping("shop.o*", "b")])

    assert [plan.collection for plan in router.plans(table("shop", "orders"))] == ["a", "b"]


def test_mappings_of_a_table_keep_their_order_whether_they_name_it_or_a_glob_matches_it() -> None:
    sources = ["shop.o*", "shop.orders", "*.orders", "shop.items", "shop.* !shop.orders"]
    router = TableRouter([mapping(each, str(at)) for at, each in enumerate(sources)])

    assert [each.target for each in router.mappings("shop", "orders")] == ["0", "1", "2"]


def test_a_source_is_read_once_however_many_mappings_there_are() -> None:
    many = [mapping(f"many.t{number}", str(number)) for number in range(3_000)]
    before = source_pattern.cache_info().misses

    assert [each.target for each in TableRouter(many).mappings("many", "t7")] == ["7"]
    assert sum(each.follows("many", "t8") for each in many) == 1

    assert source_pattern.cache_info().misses == before


def test_a_table_that_a_glob_names_is_judged_once() -> None:
    judged: list[tuple[str, str]] = []
    router = TableRouter([mapping("shop.o*")], lambda *name: judged.append(name))

    router.plans(table("shop", "orders"))
    router.plans(table("shop", "orders"))
    router.plans(table("shop", "others"))

    assert judged == [("shop", "orders"), ("shop", "others")]


def test_a_table_that_a_mapping_names_was_judged_at_the_start() -> None:
    def refuse(schema: str, table: str) -> None:
        raise Unfit(f"{schema}.{table}")

    router = TableRouter([mapping("shop.orders"), mapping("shop.o*", "all")], refuse)

    assert len(router.plans(table("shop", "orders"))) == 2
    with pytest.raises(Unfit):
        router.plans(table("shop", "others"))

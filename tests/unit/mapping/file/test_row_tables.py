"""The table of a document's row is told by the collection's mappings and the document's id."""

from __future__ import annotations

from typing import Any

import pytest

from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.row_tables import row_table

SCHEMA, TABLE, STREAM = {"source": "schema"}, {"source": "table"}, {"source": "stream"}


def mapping(source: str, *parts: Any) -> Mapping:
    return Mapping.model_validate({"source": source, "target": "t", "id": [*parts] or ["id"]})


@pytest.mark.parametrize(
    ("mappings", "identifier", "table"),
    [
        ([mapping("shop.orders")], 7, "shop.orders"),
        ([mapping("shop_*.orders", SCHEMA, "id")], {"schema": "shop_2", "id": 7}, "shop_2.orders"),
        ([mapping("shop.orders_*", TABLE, "id")], {"table": "orders_9", "id": 7}, "shop.orders_9"),
        (
            [mapping("a.orders", SCHEMA, "id"), mapping("b.lines", SCHEMA, "id")],
            {"schema": "b", "id": 7},
            "b.lines",
        ),
        ([mapping("shop_*.orders", SCHEMA, "id")], {"schema": "other", "id": 7}, ""),
        ([mapping("shop.orders", STREAM, {"value": 5}, "id")], {"stream": "a"}, "shop.orders"),
        ([], 7, ""),
    ],
)
def test_the_names_in_the_id_tell_the_table(
    mappings: list[Mapping], identifier: Any, table: str
) -> None:
    assert row_table(mappings, identifier) == table

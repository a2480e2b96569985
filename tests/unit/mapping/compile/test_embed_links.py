"""What the columns of tables cannot make of an embed, once they are known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cdc.mapping.compile.compiler import compile_plan
from cdc.mapping.compile.embed_links import Compiled, link_mistakes
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.problems import MappingError
from cdc.model.table_map import Column, FieldType, TableMap
from tests.unit.mapping.support.row_images import ID, varchar

NUMBER = Column("user_id", FieldType.LONG)
JSON = Column("user_id", FieldType.JSON, length=4)
BYTES = Column("user_id", FieldType.VARCHAR, length=16, collation=63)
DATE = Column("user_id", FieldType.DATETIME2)
DECIMAL = Column("user_id", FieldType.NEWDECIMAL, precision=10)
SET = Column("user_id", FieldType.SET, length=1, members=("a", "b"))
AUTHOR = {"one": "users", "on": "user_id"}
LINES = {"many": "lines", "on": "order_id"}


def compiled(name: str, *columns: Column, **mapping: Any) -> Compiled:
    rule = Mapping.model_validate({"source": f"app.{name}", "target": name} | mapping)
    table = TableMap("app", name, (ID, *columns), (0,), (0,))
    return Compiled(rule, compile_plan(rule, table).layout)


def told(*sides: Compiled) -> list[str]:
    return [each.what for each in link_mistakes(sides)]


def refused(*columns: Column, **mapping: Any) -> list[str]:
    with pytest.raises(MappingError) as caught:
        compiled("tweets", *columns, **mapping)

    return [each.what for each in caught.value.mistakes]


@pytest.mark.parametrize("column", [NUMBER, DECIMAL])
def test_numbers_link_numbers_of_any_size(column: Column) -> None:
    assert not told(compiled("users"), compiled("tweets", column, embed={"author": AUTHOR}))


@pytest.mark.parametrize(
    ("column", "kind"), [(varchar("user_id"), "texts"), (BYTES, "bytes"), (DATE, "dates")]
)
def test_a_link_of_kinds_that_are_never_equal_is_refused(column: Column, kind: str) -> None:
    assert told(compiled("users"), compiled("tweets", column, embed={"author": AUTHOR})) == [
        f"`user_id` holds {kind} (`user_id` of app.tweets), and `_id` of `users` numbers (`id` of"
        " app.users): they are never equal"
    ]


def test_an_expression_has_a_kind_too() -> None:
    fields = {"author": {"sql": "CAST(user_id AS CHAR)"}}
    tweets = compiled(
        "tweets", NUMBER, fields=fields, embed={"a": {"one": "users", "on": "author"}}
    )

    (what,) = told(compiled("users"), tweets)

    assert what.startswith("`author` holds texts (`user_id` of app.tweets), and `_id` of `users`")


def test_a_mask_makes_texts() -> None:
    masked = {"author": {"column": "user_id", "mask": "redact"}}
    tweets = compiled(
        "tweets", NUMBER, fields=masked, embed={"a": {"one": "users", "on": "author"}}
    )

    assert len(told(compiled("users"), tweets)) == 1


@pytest.mark.parametrize("column", [JSON, SET])
def test_our_link_is_no_array_or_document(column: Column) -> None:
    (what,) = refused(column, embed={"author": AUTHOR})

    assert what.startswith("`user_id` of `tweets` holds values that may be arrays or documents")
    assert refused(column, embed={"author": {"one": "users", "on": {"user_id.id": "_id"}}})


def test_their_link_and_order_are_no_arrays_or_documents() -> None:
    lines = compiled("lines", replace(JSON, name="order_id"), replace(JSON, name="at"))

    link, order = told(lines, compiled("orders", embed={"lines": {**LINES, "order": ["at"]}}))

    assert link.startswith("`order_id` of `lines` holds values that may be arrays or documents")
    assert order.startswith("`at` of `lines` holds values that may be arrays or documents")


def test_a_column_that_is_not_there_is_no_link() -> None:
    assert refused(embed={"author": AUTHOR}) == [
        "the documents of `tweets` have no field `user_id`: app.tweets"
    ]
    assert told(compiled("lines"), compiled("orders", embed={"lines": LINES})) == [
        "the documents of `lines` have no field `order_id`: app.lines"
    ]


def of_two(name: str, **mapping: Any) -> Compiled:
    """Compile for a table whose primary key is (order_id, line), as no mapping says."""
    rule = Mapping.model_validate({"source": f"app.{name}", "target": name} | mapping)
    columns = tuple(replace(NUMBER, name=each, nullable=False) for each in ("order_id", "line"))
    return Compiled(rule, compile_plan(rule, TableMap("app", name, columns, (0, 1))).layout)


def test_a_part_of_the_primary_key_is_told_where_it_is() -> None:
    embed = {**LINES, "fields": ["line"], "order": ["line"]}

    assert told(of_two("lines"), compiled("orders", embed={"lines": embed})) == [
        "the documents of `lines` have no field `order_id`: app.lines; it is `_id.order_id`, so"
        " write `on: {_id: _id.order_id}`",
        "the documents of `lines` have no field `line`: app.lines; it is `_id.line`, so write"
        " `fields: {line: _id.line}`",
        "the documents of `lines` have no field `line`: app.lines; it is `_id.line`, so write"
        " `order: [_id.line]`",
    ]
    right = {"many": "lines", "on": {"_id": "_id.order_id"}, "order": ["_id.line"]}
    assert not told(of_two("lines"), compiled("orders", embed={"lines": right}))


def test_so_is_a_part_of_one_s_own() -> None:
    with pytest.raises(MappingError) as caught:
        of_two("lines", embed={"order": {"one": "orders", "on": "order_id"}})

    assert [each.what for each in caught.value.mistakes] == [
        "the documents of `lines` have no field `order_id`: app.lines; it is `_id.order_id`, so"
        " write `on: {_id.order_id: _id}`"
    ]
    assert refused(embed={"x": {"one": "users", "on": {"id": "name"}}}) == [
        "the documents of `tweets` have no field `id`: app.tweets; it is `_id`, so write"
        " `on: {_id: name}`"
    ]


def test_a_column_that_is_not_there_is_not_embedded() -> None:
    lines = compiled("lines", replace(NUMBER, name="order_id"))
    embed = {**LINES, "fields": ["sku"], "order": ["line"]}

    assert told(lines, compiled("orders", embed={"lines": embed})) == [
        "the documents of `lines` have no field `sku`: app.lines",
        "the documents of `lines` have no field `line`: app.lines",
    ]


def test_a_field_that_only_some_tables_have_is_no_mistake() -> None:
    fields = {"user_id": {"column": "user_id", "optional": True}}

    assert not told(compiled("users"), compiled("tweets", fields=fields, embed={"a": AUTHOR}))


def test_the_order_may_be_of_what_is_embedded() -> None:
    columns = [replace(NUMBER, name="order_id"), replace(NUMBER, name="product_id")]
    product = {"one": "products", "on": "product_id", "fields": {"name": "title"}}
    lines = compiled("lines", *columns, embed={"product": product})
    products = compiled("products", varchar("title"))

    def ordered(*by: str) -> list[str]:
        embed = {"lines": {**LINES, "order": by}}
        return told(products, lines, compiled("orders", embed=embed))

    assert not ordered("product.name")
    assert ordered("product.title") == [
        "the documents of `lines` have no field `product.title`: app.lines"
    ]
    assert ordered("product")[0].startswith("`product` of `lines` holds values that may be arrays")


def test_compound_ids_link_each_other_part_by_part() -> None:
    part = Column("part", FieldType.LONG, nullable=False)
    letter = replace(varchar("part"), nullable=False)
    both = {"one": "other", "on": "_id"}

    one = compiled("one", part, id=["id", "part"], embed={"other": both})

    assert not told(one, compiled("other", part, id=["id", "part"]))
    assert len(told(one, compiled("other", letter, id=["id", "part"]))) == 1
    assert len(told(one, compiled("other"))) == 1


@pytest.mark.parametrize("path", ["user_id", "user_id.name"])
def test_an_embed_does_not_stand_in_a_columns_place(path: str) -> None:
    embed = {path: {"one": "users", "on": "_id"}}

    assert refused(NUMBER, embed=embed) == ["`user_id` is the field of a column; name another"]
    assert compiled("tweets", NUMBER, exclude="user_id", embed=embed)

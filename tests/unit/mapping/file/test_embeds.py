"""What a mapping may say of embedded documents, and the mistakes that are told at load."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from cdc.config.yaml12 import parse
from cdc.mapping.file.embed_graph import EmbedGraph, embed_mistakes
from cdc.mapping.file.embeds import Embed, Pair
from cdc.mapping.file.mapping import Mapping

AUTHOR = {"one": "users", "on": "user_id"}
LINES = {"many": "lines", "on": "order_id"}


def mapping(target: str, **keys: Any) -> Mapping:
    return Mapping.model_validate({"source": f"app.{target}", "target": target} | keys)


def told(*mappings: Mapping) -> list[str]:
    return [each.what for each in embed_mistakes(mappings)]


@pytest.mark.parametrize(
    ("written", "pairs"),
    [
        (AUTHOR, [("user_id", "_id")]),
        (LINES, [("_id", "order_id")]),
        ({"one": "users", "on": {"by": "name"}}, [("by", "name")]),
        ({"many": "lines", "on": {"a": "b", "c": "d"}}, [("a", "b"), ("c", "d")]),
    ],
)
def test_a_link_has_a_short_form_for_each_kind(
    written: dict[str, Any], pairs: list[tuple[str, str]]
) -> None:
    assert Embed.model_validate(written).pairs == tuple(Pair(*each) for each in pairs)


def test_fields_are_a_list_or_have_names_of_their_own() -> None:
    listed = Embed.model_validate({**AUTHOR, "fields": ["name", "_id"]})
    named = Embed.model_validate({**AUTHOR, "fields": {"who": "name.first"}})

    assert listed.fields == {"name": "name", "_id": "_id"}
    assert named.fields == {"who": "name.first"}
    assert named.read == frozenset({"name.first", "_id"})
    assert Embed.model_validate(AUTHOR).read is None


@pytest.mark.parametrize(
    ("written", "what"),
    [
        ({"on": "a"}, "must hold one of `one` and `many`"),
        ({"one": "a", "many": "b", "on": "a"}, "must hold one of `one` and `many`"),
        ({**AUTHOR, "limit": 3}, "`limit` means nothing under `one`"),
        ({**AUTHOR, "order": ["a"]}, "`order` means nothing under `one`"),
        ({**LINES, "limit": 0}, "greater than or equal to 1"),
        ({**LINES, "fields": []}, "at least 1"),
        ({**LINES, "on": {}}, "at least 1"),
        ({**LINES, "order": [f"f{n}" for n in range(31)]}, "at most 32 fields with `_id`"),
        ({**LINES, "fields": ["a.b"]}, "`a.b` nests"),
        ({**LINES, "fields": {"a.b": "c"}}, "without a dot"),
    ],
)
def test_what_an_embed_cannot_mean_is_refused(written: dict[str, Any], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        Embed.model_validate(written)


def test_embeds_that_fit_are_no_mistake() -> None:
    assert not told(
        mapping("users", fields={"name": "name"}),
        mapping("products"),
        mapping("lines", embed={"product": {"one": "products", "on": "product_id"}}),
        mapping(
            "orders",
            embed={
                "by.author": {**AUTHOR, "fields": ["name"]},
                "by.editor": {"one": "users", "on": "editor_id"},
                "lines": {**LINES, "fields": ["product"], "order": ["product.name"]},
            },
        ),
    )


def test_a_collection_must_be_one_of_the_stream() -> None:
    (what,) = told(mapping("users"), mapping("tweets", embed={"a": {"one": "user", "on": "b"}}))

    assert what == "no mapping makes a collection `user`, did you mean `users`?"


def test_a_collection_cannot_embed_itself_in_the_end() -> None:
    (what,) = told(
        mapping("a", embed={"b": {"one": "b", "on": "x"}}),
        mapping("b", embed={"c": {"one": "c", "on": "x"}}),
        mapping("c", embed={"a": {"one": "a", "on": "x"}}),
    )

    assert what.startswith("no end is in sight: `")
    assert told(mapping("a", embed={"b": {"one": "a", "on": "x"}}))


def test_a_link_is_of_fields_that_both_sides_have() -> None:
    users = mapping("users", fields={"name": "n"})
    tweets = {"fields": {"text": "t", "author": "user_id"}}

    assert told(users, mapping("tweets", **tweets, embed={"a": AUTHOR})) == [
        "the documents of `tweets` have no field `user_id`"
    ]
    assert told(
        users, mapping("tweets", **tweets, embed={"a": {"many": "users", "on": {"author": "nam"}}})
    ) == ["the documents of `users` have no field `nam`"]


@pytest.mark.parametrize("ours", ["by", "by.author", "by.author.id"])
def test_our_link_is_not_made_of_what_is_embedded(ours: str) -> None:
    embed = {"by.author": AUTHOR, "others": {"many": "users", "on": {ours: "name"}}}

    assert told(mapping("users"), mapping("tweets", embed=embed)) == [
        f"`{ours}` is made of `by.author`, which `tweets` embeds: link by own fields"
    ]


def test_their_link_is_not_made_of_what_is_embedded() -> None:
    lines = mapping("lines", embed={"product": {"one": "products", "on": "product_id"}})
    orders = mapping("orders", embed={"lines": {"many": "lines", "on": "product.order"}})

    assert told(mapping("products"), lines, orders) == [
        "`product.order` is made of `product`, which `lines` embeds: link by own fields"
    ]


@pytest.mark.parametrize(
    "embed",
    [
        {"many": "lines", "on": {"at": "order_id"}},
        {"many": "lines", "on": "at"},
        {**LINES, "fields": ["at"]},
        {**LINES, "order": ["at"]},
    ],
)
def test_a_stamp_is_neither_a_link_nor_embedded(embed: dict[str, Any]) -> None:
    (what,) = told(
        mapping("lines", stamp="at"), mapping("orders", stamp="at", embed={"lines": embed})
    )

    assert what.startswith("`at` is the stamp of `")


def test_a_mark_of_rows_that_are_gone_is_embedded() -> None:
    lines = mapping("lines", fields={"order_id": "o"}, on_delete={"set": {"gone": True}})

    assert not told(lines, mapping("orders", embed={"lines": {**LINES, "fields": ["gone"]}}))


def test_a_column_that_no_field_holds_is_no_link() -> None:
    lines = mapping("lines", exclude=["order_id"])

    assert told(lines, mapping("orders", embed={"lines": LINES})) == [
        "the documents of `lines` have no field `order_id`"
    ]


@pytest.mark.parametrize(
    ("child", "embed", "place", "line"),
    [
        ({"id": ["order_id", "line"]}, LINES, "_id.order_id", "on: {_id: _id.order_id}"),
        (
            {"id": ["order_id", "line"], "fields": {"n": "n"}},
            {"many": "lines", "on": {"number": "order_id", "shop": "line"}},
            "_id.order_id",
            "on: {number: _id.order_id, shop: _id.line}",
        ),
        ({"id": "order_id"}, LINES, "_id", "on: {_id: _id}"),
        (
            {"id": [{"column": "order_id", "name": "order"}]},
            LINES,
            "_id.order",
            "on: {_id: _id.order}",
        ),
        ({"id": "order_id"}, {"one": "lines", "on": {"n": "order_id"}}, "_id", "on: {n: _id}"),
        ({"id": "order_id"}, {"many": "lines", "on": "_id.order_id"}, "_id", "on: {_id: _id}"),
        (
            {"id": ["order_id", "line"], "case": "camel"},
            {"many": "lines", "on": "orderId"},
            "_id.order_id",
            "on: {_id: _id.order_id}",
        ),
        (
            {"id": ["a b", {"source": "schema"}], "fields": {"n": "n"}},
            {"many": "lines", "on": {"a: {b": "a b", "true": "n"}},
            "_id.a b",
            'on: {"a: {b": "_id.a b", "true": n}',
        ),
    ],
)
def test_a_link_to_a_part_of_an_id_is_told_as_it_is_written(
    child: dict[str, Any], embed: dict[str, Any], place: str, line: str
) -> None:
    what = told(mapping("lines", **child), mapping("orders", embed={"lines": embed}))[0]

    assert what.endswith(f"; it is `{place}`, so write `{line}`")
    written = parse(line).data
    assert not told(mapping("lines", **child), mapping("orders", embed={"l": embed | written}))


def test_so_is_a_link_of_one_s_own_id() -> None:
    lines = mapping("lines", id=["order_id", "line"], embed={"o": {"one": "orders", "on": "line"}})

    assert told(mapping("orders"), lines) == [
        "the documents of `lines` have no field `line`; it is `_id.line`, so write"
        " `on: {_id.line: _id}`"
    ]


def test_parts_of_an_id_are_embedded_and_ordered_by_as_they_are_written() -> None:
    lines = mapping("lines", id=["order_id", "line"])
    embed = {"many": "lines", "on": {"_id": "_id.order_id"}}
    wrong = {"fields": ["sku", "line"], "order": ["line", "sku"]}

    assert told(lines, mapping("orders", embed={"lines": embed | wrong})) == [
        "the documents of `lines` have no field `line`; it is `_id.line`, so write"
        " `fields: {sku: sku, line: _id.line}`",
        "the documents of `lines` have no field `line`; it is `_id.line`, so write"
        " `order: [_id.line, sku]`",
    ]


def test_a_link_to_an_excluded_column_is_told_by_the_name_of_its_field() -> None:
    lines = mapping("lines", exclude=["order_id"], case="camel")

    assert told(lines, mapping("orders", embed={"lines": {"many": "lines", "on": "orderId"}})) == [
        "the documents of `lines` have no field `orderId`"
    ]


def test_what_is_embedded_and_ordered_by_is_a_field_of_the_child() -> None:
    lines = mapping("lines", fields={"order_id": "o", "at": "a"})
    embed = {**LINES, "fields": ["sku"], "order": ["line"]}

    assert told(lines, mapping("orders", embed={"lines": embed})) == [
        "the documents of `lines` have no field `sku`",
        "the documents of `lines` have no field `line`",
    ]


def test_one_document_is_found_by_what_is_unique() -> None:
    embed = {"author": {"one": "users", "on": {"by": "name"}}}
    unique = [{"keys": {"name": 1}, "unique": True}]

    (what,) = told(mapping("users"), mapping("tweets", embed=embed))

    assert what.startswith("several documents of `users` may have the same `name`")
    assert what.endswith(
        "; if they may be NULL, with `sparse: true`, and `nulls: omit` in that mapping"
    )
    assert not told(mapping("users", indexes=unique), mapping("tweets", embed=embed))


def test_one_document_is_found_by_all_parts_of_its_id() -> None:
    users = mapping("users", id=["shop", "number"])

    assert not told(
        users,
        mapping("a", embed={"u": {"one": "users", "on": {"s": "_id.shop", "n": "_id.number"}}}),
    )
    assert (
        len(told(users, mapping("a", embed={"u": {"one": "users", "on": {"n": "_id.number"}}})))
        == 1
    )


@pytest.mark.parametrize("path", ["author", "author.name", "by"])
def test_an_embed_stands_in_no_fields_place(path: str) -> None:
    fields = {"author": "a", "by.user": "b", "user_id": "c"}

    assert len(told(mapping("users"), mapping("t", fields=fields, embed={path: AUTHOR}))) == 1
    assert not told(mapping("users"), mapping("t", fields=fields, embed={"by.author": AUTHOR}))


def test_an_embed_does_not_lie_inside_another() -> None:
    embed = {"author": AUTHOR, "author.again": AUTHOR}

    assert told(mapping("users"), mapping("tweets", embed=embed)) == [
        "`author.again` lies inside `author`, which is embedded itself"
    ]


def test_mappings_with_one_target_agree_on_what_is_embedded() -> None:
    shard: Any = {"id": [{"source": "schema"}, "id"], "source": "app.t"}
    one, other = mapping("tweets", **shard, embed={"a": AUTHOR}), mapping("tweets", **shard)

    assert told(mapping("users"), one, other) == [
        "mappings with the target `tweets` must agree on `embed`"
    ]


def test_children_come_before_parents() -> None:
    graph = EmbedGraph(
        [
            mapping("orders", embed={"lines": LINES, "customer": {"one": "users", "on": "u"}}),
            mapping("lines", embed={"product": {"one": "products", "on": "p"}}),
            mapping("products"),
            mapping("users"),
            mapping("others"),
        ]
    )

    order = graph.children_first()

    assert {*order} == {"orders", "lines", "products", "users"}
    assert order.index("products") < order.index("lines") < order.index("orders")
    assert [each.path for each in graph.below("orders")] == ["lines", "customer"]
    assert [each.parent for each in graph.above("users")] == ["orders"]


def test_a_hidden_collection_that_no_other_embeds_is_a_mistake() -> None:
    (what,) = told(mapping("users", hidden=True), mapping("tweets"))

    assert what == (
        "no other mapping embeds `users`, and nobody else sees a hidden collection: leave `hidden`"
        " out, or embed it"
    )
    assert not told(mapping("users", hidden=True), mapping("tweets", embed={"author": AUTHOR}))


def test_a_hidden_collection_may_be_embedded_in_a_hidden_one_that_somebody_sees() -> None:
    products = mapping("products", hidden=True)
    lines = mapping(
        "lines", hidden=True, embed={"product": {"one": "products", "on": "product_id"}}
    )

    assert len(told(products, lines)) == 1
    assert not told(products, lines, mapping("orders", embed={"lines": LINES}))


def test_mappings_of_one_target_agree_on_whether_it_is_hidden() -> None:
    one = mapping("users", hidden=True, id=[{"source": "table"}, "id"])
    other = one.model_copy(update={"source": "app.others", "hidden": False})
    tweets = mapping("tweets", embed={"a": {"many": "users", "on": {"_id": "name"}}})

    assert "mappings with the target `users` must agree on `hidden`" in told(one, other, tweets)


@pytest.mark.parametrize("theirs", ["q", "q.z", "_id.q"])
def test_a_link_through_what_is_embedded_is_one_mistake(theirs: str) -> None:
    child = mapping("c", embed={"q": {"one": "d", "on": "y"}})
    link = {"one": "c", "on": {"x": theirs}}

    found = told(mapping("d"), child, mapping("b", embed={"r": link}))

    assert len(found) == 1

import re
from typing import Any

import pytest

from cdc.mapping.compile.compiler import compile_plan
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.problems import MappingError
from cdc.mapping.layout.document import Leaf
from cdc.model.table_map import Column, FieldType, TableMap
from tests.unit.mapping.support.row_images import ID, table, varchar


def refused(columns: TableMap, **mapping: Any) -> list[str]:
    with pytest.raises(MappingError) as caught:
        compile_plan(Mapping(source=columns.name, target="things", **mapping), columns)

    return [one.what for one in caught.value.mistakes]


def keyed(column: Column) -> TableMap:
    return TableMap("shop", "things", (column,), (0,), (0,))


def test_an_unknown_column_comes_with_a_suggestion() -> None:
    columns = table(varchar("user_id"), varchar("lang"))

    found = refused(columns, fields={"a": "usr_id", "b": "lange"})

    assert found == [
        "unknown column `lange`, did you mean `lang`?",
        "unknown column `usr_id`, did you mean `user_id`?",
    ]


def test_an_unknown_excluded_column_is_a_mistake() -> None:
    assert refused(table(varchar("a")), exclude="zzz") == [
        "unknown column `zzz`; there is `id`, `a`"
    ]


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (None, "no primary key that the binlog tells of (binlog_row_metadata=FULL does)"),
        ((), "no primary key"),
        ((("id",), ("a", "b")), "no primary key"),
    ],
)
def test_a_table_without_a_primary_key_is_refused(
    keys: tuple[tuple[str, ...], ...] | None, told: str
) -> None:
    """The server tells all keys, and the binlog perhaps none: only that has its setting blamed."""
    others = "".join(f"`id: [{', '.join(each)}]`, or " for each in keys or ())

    assert refused(TableMap("shop", "things", (ID,), unique_keys=keys)) == [
        f"table shop.things has {told}; cdc needs one to tell its rows apart, or {others}`id:` as"
        " {sql: …, unique: asserted}"
    ]


def test_a_key_on_a_prefix_is_refused() -> None:
    columns = TableMap("shop", "things", (varchar("a"),), (0,), (10,))

    assert "the primary key holds a prefix of a column, not all of it" in refused(columns)


def test_an_id_without_the_whole_primary_key_is_refused() -> None:
    other = Column("shard", FieldType.LONG, nullable=False)
    keys = (("id", "shard"), ("shard", "code"))
    columns = TableMap("shop", "things", (ID, other), (0, 1), (0, 0), unique_keys=keys)

    assert refused(columns, id="id") == [
        "the id must hold a whole primary or NOT NULL unique key: (id, shard) or (shard, code)"
    ]


def test_an_id_on_a_table_without_a_key_is_refused() -> None:
    columns = TableMap("shop", "things", (ID,), unique_keys=())

    assert refused(columns, id="id") == [
        "the id must hold a whole primary or NOT NULL unique key; table shop.things has none"
    ]


@pytest.mark.parametrize("known", [(("id",), ("shard",)), None])
def test_an_id_on_another_unique_key_is_taken_in_the_stream_too(
    known: tuple[tuple[str, ...], ...] | None,
) -> None:
    other = Column("shard", FieldType.LONG, nullable=False)
    columns = TableMap("shop", "things", (ID, other), (0,), (0,), unique_keys=known)

    plan = compile_plan(Mapping(source="shop.things", target="things", id="shard"), columns)  # type: ignore[arg-type]

    assert plan.layout.id == Leaf("_id", 0)


def test_a_nullable_column_is_no_id() -> None:
    columns = table(Column("a", FieldType.LONG))

    assert refused(columns, id=["id", "a"]) == ["column `a` of the id may be NULL"]


@pytest.mark.parametrize(
    "column",
    [
        Column("k", FieldType.FLOAT, nullable=False),
        Column("k", FieldType.DOUBLE, nullable=False),
        Column("k", FieldType.DATETIME2, nullable=False, scale=6),
        Column("k", FieldType.TIMESTAMP2, nullable=False, scale=4),
        Column("k", FieldType.ENUM, nullable=False, length=1, members=("a", "")),
    ],
)
def test_a_column_whose_values_could_become_equal_is_no_id(column: Column) -> None:
    (found,) = refused(keyed(column))

    assert re.match(r"column `k` \(\w+\) is no id", found)


def test_a_cast_that_makes_no_sense_is_refused() -> None:
    columns = table(varchar("a"))

    (found,) = refused(columns, fields={"a": {"column": "a", "type": "bool"}})

    assert found == "column `a`: a VARCHAR cannot become `type: bool`"


@pytest.mark.parametrize(
    ("column", "default"),
    [
        (Column("a", FieldType.LONG), "x"),
        (Column("a", FieldType.LONG), 1 << 31),
        (Column("a", FieldType.DATE), "2024-01-01"),
        (varchar("a"), 5),
    ],
)
def test_a_default_of_another_type_is_refused(column: Column, default: object) -> None:
    (found,) = refused(table(column), fields={"a": {"column": "a", "default": default}})

    assert found.startswith(f"column `a`: default {default!r} is ")


def test_a_type_that_is_not_supported_is_refused_by_name_even_if_no_field_needs_it() -> None:
    columns = table(Column("a", FieldType.NULL))

    assert "column `a`: type NULL is not supported yet" in refused(columns, fields={"b": "id"})


@pytest.mark.parametrize("name", ["a.b", "$a", "_id"])
def test_a_column_name_that_is_no_field_name_needs_fields(name: str) -> None:
    (found,) = refused(table(varchar(name)))

    assert found == f"column `{name}` cannot be the name of a field; list `fields`"

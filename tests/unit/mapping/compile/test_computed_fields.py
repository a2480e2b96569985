"""Fields and ids that are expressions."""

import hashlib
import hmac
import struct
from dataclasses import replace
from typing import Any

import bson
import pytest

from cdc.errors import RecordError
from cdc.mapping.file.problems import MappingError
from cdc.model.operation import OperationKind
from cdc.model.table_map import Column, FieldType
from cdc.model.transaction import RowsKind
from tests.unit.mapping.support.row_images import (
    MASK_KEY,
    documents,
    event,
    operations,
    plan,
    prefixed,
    row,
    table,
    varchar,
)

PEOPLE = table(
    varchar("lang"), varchar("email"), Column("born", FieldType.DATE), Column("n", FieldType.LONG)
)
ANN = row(7, prefixed(b"DE"), prefixed(b"Ann@X"), None, struct.pack("<i", 3))
NOBODY = row(8, None, None, None, None)
BORN_NEVER = row(9, None, None, bytes(3), None)
SLUG = {"sql": "LOWER(CONCAT(lang, '-', id))"}


def fields(**rules: Any) -> dict[str, Any]:
    return {"fields": rules}


def test_an_expression_makes_a_field() -> None:
    found = documents(PEOPLE, ANN, NOBODY, **fields(slug=SLUG, lang="lang"))

    assert found == [
        {"_id": 7, "slug": "de-7", "lang": "DE"},
        {"_id": 8, "slug": None, "lang": None},
    ]


def test_nulls_that_are_omitted_leave_the_field_out() -> None:
    rules = {"a": {"sql": "n + 1"}, "b.c": {"sql": "n * 2"}}

    assert documents(PEOPLE, ANN, NOBODY, fields=rules, nulls="omit") == [
        {"_id": 7, "a": 4, "b": {"c": 6}},
        {"_id": 8},
    ]


def test_columns_are_found_in_any_case() -> None:
    assert documents(PEOPLE, ANN, **fields(a={"sql": "N + `Id`"})) == [{"_id": 7, "a": 10}]


def test_a_masked_expression_hashes_what_it_makes() -> None:
    masked = {"sql": "LOWER(email)", "mask": "hash"}
    cut = {"sql": "LOWER(email)", "mask": {"truncate": 2}}
    hidden = {"sql": "LOWER(email)", "mask": "redact"}

    first, second = documents(PEOPLE, ANN, NOBODY, **fields(h=masked, t=cut, r=hidden))

    digest = hmac.new(MASK_KEY, b"ann@x", hashlib.sha256).hexdigest()
    assert first == {"_id": 7, "h": digest, "t": "an", "r": "***"}
    assert second == {"_id": 8, "h": None, "t": None, "r": "***"}


def test_a_mask_of_a_number_is_a_mistake() -> None:
    with pytest.raises(MappingError, match="write CAST"):
        plan(PEOPLE, **fields(a={"sql": "n + 1", "mask": "hash"}))


def test_an_optional_expression_goes_with_its_column() -> None:
    rules = fields(a={"sql": "no_more + 1", "optional": True}, b={"sql": "n + 1", "optional": True})

    assert documents(PEOPLE, ANN, **rules) == [{"_id": 7, "b": 4}]
    with pytest.raises(MappingError, match="unknown column `no_more`"):
        plan(PEOPLE, **fields(a={"sql": "no_more + 1"}))


def test_a_date_of_no_calendar_becomes_null_and_is_counted() -> None:
    rule = plan(PEOPLE, **fields(day={"sql": "DATE(born)"}))

    (found,) = rule.operations(event(PEOPLE, BORN_NEVER), 0)

    assert bson.decode(found.document) == {"_id": 9, "day": None}
    assert set(rule.losses) == {("day", "zero or partial date")} or len(rule.losses) == 1


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        ({"sql": "n", "type": "string"}, "write CAST"),
        ({"sql": "n", "default": 3}, "write COALESCE"),
        ({"sql": "SLEEP(3)"}, "SLEEP"),
        ({"sql": " "}, "empty"),
        ({"sql": "n +"}, "unexpected end: an expression expected"),
    ],
)
def test_what_means_nothing_is_refused_when_it_is_loaded(rule: Any, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        plan(PEOPLE, **fields(a=rule))


def test_a_value_out_of_range_is_an_error_of_its_row() -> None:
    huge = row(2**62, None, prefixed(b"secret"), None, None)

    with pytest.raises(RecordError) as caught:
        operations(PEOPLE, ANN, huge, **fields(twice={"sql": "id * 4"}))

    assert "`twice` of the row with id 4611686018427387904 cannot be carried over" in str(
        caught.value
    )
    assert caught.value.column == "twice"
    assert "secret" not in str(caught.value)


ID = {"sql": "CONCAT(lang, '-', id)", "unique": "asserted"}


def test_an_expression_is_the_id_and_its_columns_stay_fields() -> None:
    (found,) = documents(PEOPLE, ANN, id=ID, exclude=["email", "born"])

    assert found == {"_id": "DE-7", "id": 7, "lang": "DE", "n": 3}


def test_an_id_that_an_update_changes_moves_the_document() -> None:
    moved = row(7, prefixed(b"fr"), None, None, None)

    found = operations(PEOPLE, ANN, moved, kind=RowsKind.UPDATE, id=ID)

    assert [one.kind for one in found] == [OperationKind.DELETE, OperationKind.REPLACE]
    assert bson.decode(found[1].document)["_id"] == "fr-7"


def test_a_null_is_no_id() -> None:
    with pytest.raises(RecordError, match="holds NULL"):
        operations(PEOPLE, NOBODY, id=ID)


def test_a_table_without_a_key_can_have_an_asserted_id() -> None:
    keyless = replace(PEOPLE, primary_key=(), key_prefixes=())

    (found,) = documents(keyless, ANN, id=ID, fields={"n": "n"})

    assert found == {"_id": "DE-7", "n": 3}


def test_an_id_that_nobody_asserts_is_refused() -> None:
    with pytest.raises(ValueError, match="needs `unique: asserted`"):
        plan(PEOPLE, id={"sql": "lang"})


def test_an_id_of_hidden_columns_is_not_told_in_errors() -> None:
    broken = row(2**62, None, prefixed(b"secret"), None, None)
    rules: dict[str, Any] = {
        "id": {"sql": "email", "unique": "asserted"},
        "fields": {"mail": {"column": "email", "mask": "redact"}, "twice": {"sql": "id * 4"}},
    }

    with pytest.raises(RecordError) as caught:
        operations(PEOPLE, broken, **rules)

    assert "`twice` cannot be carried over" in str(caught.value)
    assert "secret" not in str(caught.value)


MOMENTS = table(
    Column("made", FieldType.DATETIME2, scale=6), Column("doc", FieldType.JSON, length_bytes=4)
)


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("made", "no microseconds"),
        ("COALESCE(made, TIMESTAMP '2024-01-01 00:00:00')", "no microseconds"),
        ("doc->'$.code'", "may be an array"),
        ("1 + 1", "names no column"),
    ],
)
def test_an_expression_whose_values_could_become_one_id_is_refused(sql: str, what: str) -> None:
    with pytest.raises(MappingError, match=what):
        plan(MOMENTS, id={"sql": sql, "unique": "asserted"})


@pytest.mark.parametrize(
    "sql", ["DATE_FORMAT(made, '%f')", "CAST(made AS DATETIME(3))", "doc->>'$.a'"]
)
def test_an_expression_that_says_what_it_gives_up_is_an_id(sql: str) -> None:
    assert plan(MOMENTS, id={"sql": sql, "unique": "asserted"}).collection == "things"

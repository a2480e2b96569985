"""What the language takes, whether or not this version acts on it yet."""

from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from cdc.mapping.file.mapping import IdExpression, IdPart, Mapping, SoftDelete, ValueType

WHOLE = yaml.safe_load("""
source: twitter.tweets
target: tweets
id: {sql: "CONCAT(lang, '-', id)", unique: asserted}
fields:
  author.id: user_id
  lang: {column: lang, default: und}
  score: {column: score, type: double}
  slug: {sql: "LOWER(lang)", optional: true}
  email: {column: email, mask: hash}
  phone: {column: phone, mask: {truncate: 3}, optional: true}
  origin: {value: mysql}
  shard: {source: table}
case: keep
nulls: omit
where: "deleted_at IS NULL"
on_delete: {set: {deleted.at: $now, deleted.by: cdc}}
on_truncate: ignore
on_drop: apply
on_alter: halt
on_error: halt
indexes: [{keys: {author.id: 1, created_at: -1}, unique: true}, {keys: {text: text}, name: words}]
""")


def mapping(**keys: Any) -> Mapping:
    return Mapping.model_validate({"source": "shop.things", "target": "things", **keys})


def refusal(**keys: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        mapping(**keys)
    return str(caught.value)


def test_the_whole_language_is_taken() -> None:
    found = Mapping.model_validate(WHOLE)

    assert found.id == IdExpression(sql="CONCAT(lang, '-', id)", unique="asserted")
    assert found.on_delete == SoftDelete(set={"deleted.at": "$now", "deleted.by": "cdc"})
    assert found.indexes[0].keys == {"author.id": 1, "created_at": -1}
    assert (found.id_parts, found.id_columns) == ((), ())


def test_what_goes_unsaid_is_safe() -> None:
    found = mapping()

    assert (found.case, found.nulls, found.where, found.on_delete) == (
        "keep",
        "keep",
        None,
        "delete",
    )
    assert (found.on_truncate, found.on_drop, found.on_alter, found.on_error) == (
        "apply",
        "halt",
        "resync",
        "dead_letter",
    )


def test_an_id_lists_columns_and_names_of_the_table() -> None:
    found = mapping(id=["a", {"source": "schema"}, {"column": "b", "type": "uuid"}])

    assert found.id_columns == ("a", "b")
    assert found.id_parts == (
        IdPart(column="a"),
        IdPart(source="schema"),
        IdPart(column="b", type=ValueType.UUID),
    )


def test_a_constant_of_an_id_has_the_name_that_it_is_given() -> None:
    found = mapping(id=["a", {"source": "stream"}, {"value": "eu"}, {"value": 7, "name": "region"}])

    assert [part.field for part in found.id_parts] == ["a", "stream", "value", "region"]
    assert found.id_columns == ("a",)


@pytest.mark.parametrize(
    "id_",
    [
        7,
        None,
        {"sql": "a"},
        {"sql": "a", "unique": True},
        {"source": "a"},
        [{}],
        [["a"]],
        ["a", {"value": True}],
        ["a", {"value": 1.0}],
        ["a", {"value": 2**63}],
        ["a", {"value": ["b"]}],
        ["a", {"value": "b", "type": "string"}],
        ["a", {"value": "b", "name": "c.d"}],
        ["a", {"value": "b", "name": "$c"}],
        ["a", {"value": "b", "source": "stream"}],
        ["a", {"source": "stream", "name": "b"}],
        [{"column": "a", "name": "b.c"}],
        [{"column": "a", "name": ""}],
    ],
)
def test_what_cannot_be_an_id_is_refused(id_: object) -> None:
    assert "id" in refusal(id=id_)


@pytest.mark.parametrize(
    "field",
    [
        {},
        {"column": "a", "sql": "a"},
        {"value": 1, "type": "string"},
        {"source": "schema", "optional": True},
        {"column": "a", "mask": "hash", "type": "string"},
        {"column": "a", "mask": "redact", "default": "x"},
        {"column": "a", "mask": "hsah"},
        {"column": "a", "mask": {"truncate": 0}},
        {"sql": ""},
    ],
)
def test_what_cannot_be_a_field_is_refused(field: object) -> None:
    assert "fields.f" in refusal(fields={"f": field})


def test_a_constant_may_be_null() -> None:
    found = mapping(fields={"a": {"value": None}})

    assert found.fields is not None
    assert found.fields["a"].model_fields_set == {"value"}


@pytest.mark.parametrize(
    "on_delete", ["set", {}, {"set": {}}, {"set": {"_id": 1}}, {"set": {"a": "$today"}}]
)
def test_what_cannot_happen_on_a_delete_is_refused(on_delete: object) -> None:
    assert "on_delete" in refusal(on_delete=on_delete)


@pytest.mark.parametrize(
    "index", [{}, {"keys": {}}, {"keys": {"a": 2}}, {"keys": {"a": True}}, {"keys": {"$a": 1}}]
)
def test_what_cannot_be_an_index_is_refused(index: object) -> None:
    assert "indexes" in refusal(indexes=[index])


POLICIES = {"on_truncate", "on_drop", "on_alter", "on_error", "indexes"}


def without(key: str) -> Mapping:
    return Mapping.model_validate({name: value for name, value in WHOLE.items() if name != key})


@pytest.mark.parametrize("key", sorted(set(WHOLE) - {"source", "target", "case"} - POLICIES))
def test_every_key_that_says_what_a_document_is_is_part_of_the_fingerprint(key: str) -> None:
    assert Mapping.model_validate(WHOLE).fingerprint != without(key).fingerprint


@pytest.mark.parametrize("key", sorted(POLICIES))
def test_a_policy_may_change_without_another_fingerprint(key: str) -> None:
    assert Mapping.model_validate(WHOLE).fingerprint == without(key).fingerprint

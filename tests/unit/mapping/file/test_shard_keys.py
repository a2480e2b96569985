"""The mistakes in shard keys that the files show, each with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdc.mapping.file.loading import load_mappings
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.problems import MappingError

SHORT = "source: shop.orders\ntarget: orders\n"


def told(folder: Path, *texts: str) -> list[str]:
    for at, text in enumerate(texts):
        (folder / f"{at}.yaml").write_text(text)
    try:
        load_mappings(["*.yaml"], relative_to=folder)
    except MappingError as error:
        return [f"{one.file.name}:{one.line}: {one.what}" for one in error.mistakes]
    return []


def test_ranges_and_one_hashed_field_are_a_key(tmp_path: Path) -> None:
    assert told(tmp_path, SHORT + "shard_key: {tenant: 1, _id: hashed}\n") == []


def test_a_key_has_one_hashed_field_at_most(tmp_path: Path) -> None:
    assert told(tmp_path, SHORT + "shard_key:\n  tenant: hashed\n  _id: hashed\n") == [
        "0.yaml:5: `_id` is hashed, as `tenant` is: a shard key has one such field at most"
    ]


@pytest.mark.parametrize("kind", ["-1", "true", "text", "2"])
def test_other_kinds_are_refused(tmp_path: Path, kind: str) -> None:
    assert told(tmp_path, SHORT + f"shard_key: {{tenant: {kind}}}\n") == [
        "0.yaml:3: `shard_key.tenant`: must be 1 or hashed: a shard key knows no other"
    ]


def test_an_empty_key_is_refused(tmp_path: Path) -> None:
    [what] = told(tmp_path, SHORT + "shard_key: {}\n")

    assert what.startswith("0.yaml:3: `shard_key`")


def test_a_field_and_a_part_of_it_are_refused(tmp_path: Path) -> None:
    assert told(tmp_path, SHORT + "shard_key:\n  _id: 1\n  _id.schema: 1\n") == [
        "0.yaml:5: `_id.schema` is a part of `_id`, which is in the key as a whole"
    ]


def test_fields_must_be_there_and_come_from_columns(tmp_path: Path) -> None:
    fields = (
        "fields:\n  tenant: tenant\n  of: {value: 5}\n  s: {sql: tenant + 1}\n"
        "  may: {column: b, optional: true}\n  red: {column: b, mask: redact}\n"
    )
    key = "shard_key:\n  tenat: 1\n  of: 1\n  s: 1\n  may: 1\n  red: 1\n  tenant: 1\n"

    assert told(tmp_path, SHORT + fields + key) == [
        "0.yaml:10: the documents have no field `tenat`, did you mean `tenant`?",
        "0.yaml:11: `of` comes from no column: a shard key is made of columns",
        "0.yaml:12: `s` comes from no column: a shard key is made of columns",
        "0.yaml:13: `may` is optional: a document without it would have no place",
        "0.yaml:14: `red` comes from no column: a shard key is made of columns",
    ]


def test_what_would_leave_documents_at_old_places_is_refused(tmp_path: Path) -> None:
    stays = "documents of rows that are gone would stay, and a row that comes again could not"
    policies = "on_delete: {set: {gone: true}}\non_truncate: ignore\non_drop: ignore\n"

    found = told(tmp_path, SHORT + policies + "shard_key: {tenant: 1}\n")

    of = "and `tenant` in the shard key do not go together"
    assert found == [
        f"0.yaml:3: `set` {of}: {stays} find its own",
        f"0.yaml:4: `ignore` {of}: {stays} find its own",
        f"0.yaml:5: `ignore` {of}: {stays} find its own",
    ]
    assert told(tmp_path, SHORT + policies + "shard_key: {_id: hashed}\n") == []


def test_embeds_are_refused_on_both_sides(tmp_path: Path) -> None:
    users = "source: shop.users\ntarget: users\nshard_key: {country: 1}\n"
    orders = SHORT + "shard_key: {tenant: 1}\nembed:\n  user: {one: users, on: {user_id: _id}}\n"

    assert told(tmp_path, orders, users) == [
        "0.yaml:4: documents with `tenant` in the shard key cannot embed others yet: take `embed`"
        " or the field out",
        "1.yaml:3: documents with `country` in the shard key cannot be embedded yet, and another"
        " mapping embeds these",
    ]


def test_a_hidden_collection_is_not_sharded(tmp_path: Path) -> None:
    [what] = [
        each
        for each in told(tmp_path, SHORT + "hidden: true\nshard_key: {_id: 1}\n")
        if "shard" in each
    ]

    assert what == "0.yaml:4: a hidden collection is not sharded: take `shard_key` or `hidden` out"


def test_mappings_of_one_collection_agree(tmp_path: Path) -> None:
    one = (
        "source: a.orders\ntarget: orders\nid: [{source: schema}, id]\nshard_key: {t: 1, _id: 1}\n"
    )
    other = one.replace("a.orders", "b.orders").replace("{t: 1, _id: 1}", "{_id: 1, t: 1}")

    assert told(tmp_path, one, other) == [
        "1.yaml:4: mappings with the target `orders` must agree on `shard_key`"
    ]


def test_a_key_changes_no_document() -> None:
    plain = Mapping(source="a.t", target="t")

    assert plain.fingerprint == Mapping(source="a.t", target="t", shard_key={"a": 1}).fingerprint

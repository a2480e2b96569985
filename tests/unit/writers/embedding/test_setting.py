"""Documents that get equal values have one statement, and a refusal is told of the right one."""

from __future__ import annotations

from typing import Any

import bson
import pytest
from bson.raw_bson import RawBSONDocument

from cdc.model.operation import Operation, OperationKind
from cdc.writers.documents import document_id
from cdc.writers.embedding.setting import Setting
from cdc.writers.errors import Refused, RefusedTogether, check_reply

EVE, ANN = bson.encode({"author": {"name": "Eve"}}), bson.encode({"author": {"name": "Ann"}})
REPLY = {"writeErrors": [{"index": 1, "code": 121, "errmsg": "no"}]}


def setting(*fields: bytes, apart: bool = False) -> Setting:
    """A command that sets these fields in documents 0, 1, …"""
    documents = [bson.encode({"_id": number}) for number in range(len(fields))]
    ids = [document_id(each) for each in documents]
    operations = [
        Operation(OperationKind.REPLACE, identifier, document)
        for identifier, document in zip(ids, documents, strict=True)
    ]
    by_id = dict(zip(ids, fields, strict=True))
    return Setting("c", OperationKind.REPLACE, operations, by_id, apart)


def statements(command: Setting, stamp: bytes = b"") -> list[dict[str, Any]]:
    updates: list[RawBSONDocument] = command.body(stamp)["updates"]
    return [bson.decode(each.raw) for each in updates]


def test_documents_that_get_equal_values_have_one_statement() -> None:
    command = setting(EVE, ANN, EVE, EVE)

    assert command.is_shared
    assert statements(command) == [
        {
            "q": {"_id": {"$in": [0, 2, 3]}},
            "u": {"$set": {"author": {"name": "Eve"}}},
            "multi": True,
            "collation": {"locale": "simple"},
        },
        {
            "q": {"_id": 1},
            "u": {"$set": {"author": {"name": "Ann"}}},
            "collation": {"locale": "simple"},
        },
    ]


def test_each_has_its_own_where_they_are_apart() -> None:
    command = setting(EVE, EVE, apart=True)

    assert not command.is_shared
    assert [each["q"] for each in statements(command)] == [{"_id": 0}, {"_id": 1}]
    assert not any("multi" in each for each in statements(command))


def test_a_stamp_is_set_too() -> None:
    [statement] = statements(setting(EVE, EVE), b"\x0aseen\0")

    assert statement["u"] == {"$set": {"author": {"name": "Eve"}, "seen": None}}


def test_a_refusal_names_no_document_if_any_statement_is_of_several() -> None:
    with pytest.raises(RefusedTogether):
        check_reply(setting(EVE, ANN, EVE), REPLY)


@pytest.mark.parametrize("command", [setting(EVE, ANN), setting(EVE, EVE, apart=True)])
def test_a_refusal_names_the_document_if_each_has_its_statement(command: Setting) -> None:
    with pytest.raises(Refused) as raised:
        check_reply(command, REPLY)

    assert raised.value.id == command.operations[1].id

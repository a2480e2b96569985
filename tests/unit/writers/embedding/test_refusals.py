"""Which embedded values are left out if the target refuses a document."""

from __future__ import annotations

from typing import Any

import bson
import pytest

from cdc.mapping.file.embed_graph import EmbedGraph
from cdc.mapping.file.mapping import Mapping
from cdc.model.operation import Operation, OperationKind
from cdc.writers.commands import Command
from cdc.writers.embedding.edges import Edge
from cdc.writers.embedding.refusals import refusal_of
from cdc.writers.embedding.terms import Refusal
from cdc.writers.errors import Refused

DUPLICATE, VALIDATOR, UNAUTHORIZED = 11000, 121, 13
AUTHOR, LINES, EMPTY = ("by", "author"), ("lines",), ("empty",)
DOCUMENT = {"_id": 1, "by": {"author": {"name": "Ada"}}, "lines": [{"no": 1}], "empty": []}


def edges() -> list[Edge]:
    embed = {
        "by.author": {"one": "users", "on": "user_id"},
        "lines": {"many": "items", "on": "order_id"},
        "empty": {"many": "items", "on": "other_id"},
    }
    mapping = {"source": "a.orders", "target": "orders", "embed": embed}
    return [Edge.of(each) for each in EmbedGraph([Mapping.model_validate(mapping)]).edges]


def refused(code: int, *keys: str) -> Refused:
    raw = bson.encode(DOCUMENT)
    command = Command(
        "orders",
        OperationKind.REPLACE,
        [Operation(OperationKind.REPLACE, b"\x10\x01\0\0\0", raw)],
    )
    error: dict[str, Any] = {"code": code, "errmsg": "no", "keyPattern": dict.fromkeys(keys, 1)}
    return Refused(command, error)


def left_out(*paths: tuple[str, ...], known: Refused | None = None) -> Refusal:
    told = refused(VALIDATOR) if known is None else known
    assert told.reason is not None
    return Refusal(frozenset(paths), told.reason, f"no (code {told.code})")


@pytest.mark.parametrize(
    ("keys", "paths"),
    [
        (["lines.no"], [LINES]),
        (["note", "by.author.name"], [AUTHOR]),
        (["by"], [AUTHOR]),
        (["lines"], [LINES]),
    ],
)
def test_a_duplicate_key_names_the_values(keys: list[str], paths: list[tuple[str, ...]]) -> None:
    told = refused(DUPLICATE, *keys)

    assert refusal_of(told, edges(), None, derived=False) == left_out(*paths, known=told)


@pytest.mark.parametrize("keys", [["_id"], ["note"], ["linesman"]])
def test_a_duplicate_key_of_the_row_is_the_rows_fault(keys: list[str]) -> None:
    assert refusal_of(refused(DUPLICATE, *keys), edges(), None, derived=False) is None


def test_any_other_reason_may_be_each_value_that_is_there() -> None:
    found = refusal_of(refused(VALIDATOR), edges(), None, derived=False)

    assert found == left_out(AUTHOR, LINES)


def test_what_is_refused_without_values_is_the_rows_fault_or_stays_as_it_is() -> None:
    known = left_out(AUTHOR, LINES)

    own = refusal_of(refused(VALIDATOR), edges(), known, derived=False)
    derived = refusal_of(refused(VALIDATOR), edges(), known, derived=True)

    assert own is None
    assert derived == left_out(AUTHOR, LINES, EMPTY)._replace(stays=True)


@pytest.mark.parametrize("derived", [True, False])
def test_what_is_no_documents_fault_is_no_values_either(derived: bool) -> None:
    assert refusal_of(refused(UNAUTHORIZED), edges(), None, derived=derived) is None

"""Which rows have documents, as `where` says."""

import struct
from typing import Any

import bson
import pytest

from cdc.errors import RecordError
from cdc.mapping.file.problems import MappingError
from cdc.model.operation import Operation, OperationKind
from cdc.model.table_map import Column, FieldType
from cdc.model.transaction import RowsKind
from tests.unit.mapping.support.row_images import (
    event,
    operations,
    plan,
    prefixed,
    row,
    table,
    varchar,
)

INSERT, UPDATE, DELETE = RowsKind.INSERT, RowsKind.UPDATE, RowsKind.DELETE
THINGS = table(varchar("lang"), Column("size", FieldType.LONGLONG))
WHERE = "lang <> 'xx' AND size > 0"
SIZE = struct.pack("<q", 7)
IN = row(1, prefixed(b"de"), SIZE)
OUT = row(1, prefixed(b"xx"), SIZE)
UNKNOWN = row(1, None, SIZE)
IN_2 = row(2, prefixed(b"fr"), SIZE)
OUT_2 = row(2, prefixed(b"xx"), SIZE)
MARK = {"set": {"gone": True}}

REPLACE_1, REPLACE_2 = (OperationKind.REPLACE, 1, False), (OperationKind.REPLACE, 2, False)
DELETE_1 = (OperationKind.DELETE, 1, False)
MARK_1 = (OperationKind.REPLACE, 1, True)

CASES = [
    (INSERT, [IN], [(OperationKind.INSERT, 1, False)], [(OperationKind.INSERT, 1, False)]),
    (INSERT, [OUT], [], []),
    (INSERT, [UNKNOWN], [], []),
    (UPDATE, [IN, IN], [REPLACE_1], [REPLACE_1]),
    (UPDATE, [OUT, IN], [REPLACE_1], [REPLACE_1]),
    (UPDATE, [IN, OUT], [DELETE_1], [MARK_1]),
    (UPDATE, [IN, UNKNOWN], [DELETE_1], [MARK_1]),
    (UPDATE, [OUT, UNKNOWN], [], []),
    (UPDATE, [IN, IN_2], [DELETE_1, REPLACE_2], [MARK_1, REPLACE_2]),
    (UPDATE, [IN, OUT_2], [DELETE_1], [MARK_1]),
    (UPDATE, [OUT, IN_2], [REPLACE_2], [REPLACE_2]),
    (UPDATE, [OUT, OUT_2], [], []),
    (DELETE, [IN], [DELETE_1], [MARK_1]),
    (DELETE, [OUT], [], []),
    (DELETE, [UNKNOWN], [], []),
]


def told(found: list[Operation]) -> list[tuple[OperationKind, int, bool]]:
    return [
        (
            one.kind,
            struct.unpack("<q", one.id[1:])[0],
            bool(one.document) and "gone" in bson.decode(one.document),
        )
        for one in found
    ]


@pytest.mark.parametrize(("kind", "images", "hard", "soft"), CASES)
def test_the_filter_is_asked_about_both_images(
    kind: RowsKind, images: list[bytes], hard: list[Any], soft: list[Any]
) -> None:
    assert told(operations(THINGS, *images, kind=kind, where=WHERE)) == hard
    assert told(operations(THINGS, *images, kind=kind, where=WHERE, on_delete=MARK)) == soft


@pytest.mark.parametrize("on_delete", ["delete", MARK])
def test_checked_and_generated_code_agree_on_every_sequence(on_delete: Any) -> None:
    rule = plan(THINGS, where=WHERE, on_delete=on_delete)
    now = bytes(8)

    for kind, images, _, _ in CASES:
        generated = rule.operations(event(THINGS, *images, kind=kind), 0)
        checked: list[Operation] = []
        read = getattr(rule._patterns.reference, kind.value)
        end = read(b"".join(images), 0, checked.append, now)
        assert checked == generated
        assert end == len(b"".join(images))


def test_rows_of_one_event_are_asked_one_by_one() -> None:
    found = operations(THINGS, IN, OUT, UNKNOWN, IN_2, where=WHERE)

    assert [identifier for _, identifier, _ in told(found)] == [1, 2]


def test_a_filter_that_cannot_be_computed_is_an_error_of_its_row() -> None:
    huge = row(5, prefixed(b"secret"), struct.pack("<q", 2**63 - 1))

    with pytest.raises(RecordError) as caught:
        operations(THINGS, IN, huge, where="size + 1 > 0")

    assert "`where` cannot be carried over: a BIGINT value" in str(caught.value)
    assert caught.value.table == "shop.things"
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ("lnag = 'de' AND sise > 1", "unknown column `lnag`, did you mean `lang`?"),
        ("lang = 3", "`where`: "),
        ("lang", "`where`: "),
    ],
)
def test_mistakes_are_told_with_the_expression(where: str, what: str) -> None:
    with pytest.raises(MappingError, match=what):
        plan(THINGS, where=where)


def test_every_unknown_column_is_told_at_once() -> None:
    with pytest.raises(MappingError) as caught:
        plan(THINGS, where="lnag = 'de' AND sise > 1", exclude=["nothing"])

    assert len(caught.value.mistakes) == 3


def test_the_generated_source_shows_the_filter() -> None:
    assert f"# where: {WHERE}" in plan(THINGS, where=WHERE).generated_source


def test_a_constant_may_hold_any_character() -> None:
    found = operations(THINGS, row(1, prefixed(b"de"), SIZE), where="lang <> 'a\0\n\u2028'")

    assert told(found) == [(OperationKind.INSERT, 1, False)]

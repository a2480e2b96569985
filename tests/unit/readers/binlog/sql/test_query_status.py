"""Status variables as servers have written them."""

from __future__ import annotations

import pytest

from cdc.readers.binlog.sql import query_status
from cdc.readers.binlog.sql.query_status import NO_BACKSLASH_ESCAPES, AlterPhase, QueryStatus

MYSQL = "0000000000012000a04500000000060373746404ff00ff00ff00"
MARIADB = "00000000010100002054000000000603737464042d0000090009"


@pytest.mark.parametrize(
    ("status", "schemas"),
    [
        (MYSQL + "0c01650012ff001500", {"e"}),
        (MYSQL + "0c026500640012ff001500", {"d", "e"}),
        (MYSQL + "0b04726f6f7401250c0165000d3a110111ae0000000000000012ff00", {"e"}),
        (MYSQL + "0903000000000000000c026500640012ff00", {"d", "e"}),
        (MYSQL + "0cfe12ff001500", None),
        (MYSQL + "11200000000000000012ff00", None),
        (MARIADB, None),
    ],
)
def test_the_schemas_that_a_statement_used(status: str, schemas: set[str] | None) -> None:
    found = query_status.read(bytes.fromhex(status))

    assert found.schemas == schemas
    assert found.collation in (0xFF, 0x2D)


def test_the_sql_mode_and_the_collation() -> None:
    status = (
        "0000000000010000100000000000060373746404ff00ff00ff000c01640011850000000000000012ff001300"
    )

    found = query_status.read(bytes.fromhex(status))

    assert found == QueryStatus(NO_BACKSLASH_ESCAPES, 0xFF, frozenset({"d"}), None)


@pytest.mark.parametrize(
    ("added", "phase"),
    [
        ("8202", AlterPhase.START),
        ("81240200000000000082046e00000000000000", AlterPhase.COMMIT),
        ("82087000000000000000", AlterPhase.ROLLBACK),
        ("80c32301813d02000000000000", None),
        ("83012d002d0082" + "02", AlterPhase.START),
    ],
)
def test_the_phase_of_an_alter(added: str, phase: AlterPhase | None) -> None:
    assert query_status.read(bytes.fromhex(MARIADB + added)).phase is phase


@pytest.mark.parametrize("cut", range(len(bytes.fromhex(MYSQL + "0c0265006400"))))
def test_a_block_that_ends_early_tells_what_it_holds(cut: int) -> None:
    whole = bytes.fromhex(MYSQL + "0c0265006400")

    assert query_status.read(whole[:cut]).schemas is None


def test_what_stands_behind_an_unknown_variable_is_not_read() -> None:
    assert query_status.read(b"\xf0\x01" + bytes.fromhex(MYSQL)) == QueryStatus()

from __future__ import annotations

import pytest

from cdc.model.position import FilePosition, GtidPosition, GtidSet, MariadbGtids, Position
from cdc.observability.passed_over import passed_over
from cdc.readers.server.status import SourceStatus

UUID = "3e11fa47-71ca-11e1-9e33-c80aa9429562"
LOGS = {"b.000002": 100, "b.000003": 200}


def mysql(items: str) -> Position:
    return GtidPosition(GtidSet.parse(f"{UUID}:{items}"))


def mariadb(gtids: str) -> Position:
    return GtidPosition(MariadbGtids.parse(gtids))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (mysql("1-5"), mysql("1-9"), "skips 4 transactions, of tables that are not known"),
        (mysql("1-9"), mysql("1-5"), "applies 4 transactions again"),
        (mysql("1-9"), mysql("1-9"), "skips nothing"),
        (
            mysql("1-5:8"),
            mysql("1-7"),
            "skips 2 transactions, of tables that are not known and applies 1 transaction again",
        ),
        (
            mariadb("0-1-5,1-1-3"),
            mariadb("0-2-9,1-1-3"),
            "skips 4 numbers of transactions, of tables that are not known",
        ),
        (
            FilePosition("b.000002", 40),
            FilePosition("b.000003", 50),
            "skips 110 bytes, of tables that are not known",
        ),
        (FilePosition("b.000003", 50), FilePosition("b.000003", 20), "applies 30 bytes again"),
        (
            FilePosition("b.000001", 50),
            FilePosition("b.000003", 20),
            "how much of the binlog that skips is not known",
        ),
        (mysql("1-5"), mariadb("0-1-5"), "how much of the binlog that skips is not known"),
    ],
)
def test_a_move_tells_how_much_it_passes_over(before: Position, after: Position, told: str) -> None:
    found = passed_over(before, after, SourceStatus(after, LOGS, 0.0))

    assert str(found) == told
    assert found.may_skip == (told != "skips nothing" and not told.startswith("applies"))

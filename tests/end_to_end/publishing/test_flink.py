"""Flink's own format `debezium-json` reads what is published."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from cdc.errors import Unfit
from tests.end_to_end.support.jobs import until_copied
from tests.end_to_end.support.published import values
from tests.end_to_end.support.stream import Stream
from tests.support import flink

pytestmark = [
    pytest.mark.slow,  # fetches Flink
    pytest.mark.parametrize("copying", ["mysql-gtid"], indirect=True),
]


def rows_of(messages: Sequence[bytes | None]) -> list[tuple[str, ...]]:
    try:
        return flink.rows_of(messages)
    except Unfit as error:
        pytest.skip(str(error))


def test_it_makes_rows_of_reads_and_changes(copying: Stream) -> None:
    copying.sql("INSERT INTO items VALUES (1, 'one'), (2, NULL)")
    copying.start()
    until_copied(copying)
    copying.sql(
        "INSERT INTO items VALUES (3, 'größer 🙂')",
        "UPDATE items SET word = 'two' WHERE id = 2",
        "UPDATE items SET id = 4 WHERE id = 3",
        "DELETE FROM items WHERE id = 1",
    )
    copying.until_caught_up()

    messages = values(copying, "items")

    assert messages.count(None) == 2  # tombstones, of which nothing comes
    assert rows_of(messages) == [
        ("+I", "1", "one"),
        ("+I", "2", ""),
        ("+I", "3", "größer 🙂"),
        ("-U", "2", ""),
        ("+U", "2", "two"),
        ("-D", "3", "größer 🙂"),
        ("+I", "4", "größer 🙂"),
        ("-D", "1", "one"),
    ]


@pytest.mark.parametrize("truncates", [True, False])
def test_it_does_not_know_a_truncate_which_can_be_left_out(
    copying: Stream, truncates: bool
) -> None:
    copying.settings["publish"]["truncates"] = truncates
    copying.start()
    copying.until_streaming()
    copying.sql("INSERT INTO items VALUES (1, 'a')", "TRUNCATE items")
    copying.until_caught_up()

    created, *rest = rows_of(values(copying, "items"))

    assert created == ("+I", "1", "a")
    assert [each[0] for each in rest] == ["!"] * truncates
    assert all('Unknown "op" value "t"' in each[1] for each in rest)
    assert copying.documents("items") == {}

from __future__ import annotations

from datetime import datetime
from typing import Any

import bson
import pytest

from cdc.errors import Defect, Halted, SourceDiverged
from cdc.model.last_end import ENDED_BY, MOST_LETTERS, LastEnd, to_fields

AT = datetime(2026, 12, 1, 10, 0, 5)
EPOCH = 7


def saved(error: Exception) -> dict[str, Any]:
    """A state document as the target makes it of the update."""
    fields = to_fields(error, EPOCH)[ENDED_BY]
    assert fields.pop("at") == "$$NOW"
    literal = {name: each["$literal"] for name, each in fields.items()}
    return {"epoch": EPOCH, ENDED_BY: {"at": AT, **literal}}


def test_what_has_ended_a_daemon_is_told_with_its_place_and_remedy() -> None:
    error = SourceDiverged("$lost", position="f:4", table="shop.items", remedy="cdc position set")

    last = LastEnd.of(saved(error))

    assert last is not None
    assert last.to_facts() == {
        "at": "2026-12-01T10:00:05+00:00",
        "error": "SourceDiverged",
        "message": "$lost (table shop.items, position f:4)",
        "remedy": "cdc position set",
        "exit_code": 4,
    }


def test_an_exception_that_nobody_foresaw_is_a_defect_without_its_text() -> None:
    last = LastEnd.of(saved(KeyError("the value of a row")))

    assert last is not None
    assert (last.error, last.exit_code) == (Defect.__name__, 1)
    assert "KeyError" in last.message
    assert "value" not in last.message


def test_a_long_message_is_cut() -> None:
    last = LastEnd.of(saved(Halted("x" * 10_000)))

    assert last is not None
    assert len(last.message) == MOST_LETTERS


def test_what_is_no_text_does_not_keep_the_end_from_being_saved() -> None:
    error = Halted("said \udcff, \0 and é", remedy="mend \ud83d")

    assert bson.encode(to_fields(error, EPOCH))
    last = LastEnd.of(saved(error))
    assert last is not None
    assert (last.message, last.remedy) == ("said \\udcff, \0 and é", "mend \\ud83d")


@pytest.mark.parametrize(
    "document",
    [
        None,
        {"epoch": EPOCH},
        saved(Halted("of an earlier epoch")) | {"epoch": EPOCH + 1},
        {"epoch": EPOCH, ENDED_BY: "edited"},
        {"epoch": EPOCH, ENDED_BY: {"epoch": EPOCH, "at": "edited"}},
    ],
    ids=["no stream", "stopped", "a version that leaves it", "text", "no time"],
)
def test_nothing_is_told_where_nothing_is_known(document: dict[str, Any] | None) -> None:
    assert LastEnd.of(document) is None

from __future__ import annotations

import hashlib
import hmac
import json
import re
import textwrap
from datetime import UTC, datetime
from typing import Any

import pytest

from cdc.errors import RefusedEvent
from cdc.model.notice import Notice, NoticeEvent
from cdc.observability.notify.delivery import MOST_CHARACTERS, SIGNATURE, body_of, signature
from cdc.observability.notify.notifier import halted
from tests.support.checkout import ROOT

SECRET = b"0123456789abcdef"
NOTICE = Notice(NoticeEvent.TEST, "said", {"count": 2}, "an-id", datetime(2026, 1, 1, tzinfo=UTC))


def test_the_body_is_as_documented() -> None:
    body = json.loads(body_of(NOTICE, "shop"))

    assert body.pop("host")
    assert body == {
        "version": 1,
        "id": "an-id",
        "event": "test",
        "at": "2026-01-01T00:00:00.000+00:00",
        "stream": "shop",
        "summary": "said",
        "details": {"count": 2},
    }


def test_long_texts_are_cut() -> None:
    long = Notice(NoticeEvent.TEST, "x" * 9999, {"error": "y" * 9999, "count": 1})

    body = json.loads(body_of(long, "shop"))

    assert len(body["summary"]) == len(body["details"]["error"]) == MOST_CHARACTERS + 1
    assert body["details"]["count"] == 1


def test_the_signature_covers_the_time_and_the_body() -> None:
    [signed] = signature(b"{}", SECRET, at=1700000000).values()

    told = hmac.new(SECRET, b"1700000000.{}", hashlib.sha256).hexdigest()
    assert signed == f"t=1700000000,v1={told}"
    assert signature(b"{}", b"", at=1700000000) == {}


@pytest.mark.parametrize(
    ("header", "body", "now", "taken"),
    [
        ("", b"{}", 0, True),
        ("", b"{ }", 0, False),
        ("", b"{}", 301, False),
        ("t=1,v1=00", b"{}", 0, False),
        ("nonsense", b"{}", 0, False),
    ],
    ids=["right", "another body", "old", "another signature", "none"],
)
def test_the_receiver_of_the_docs_knows_what_is_ours(
    header: str, body: bytes, now: int, taken: bool
) -> None:
    page = (ROOT / "docs" / "observing.md").read_text()
    [code] = re.findall(r"```python\n(import hashlib.*?)```", page, re.DOTALL)
    known: dict[str, Any] = {}
    exec(textwrap.dedent(code), known)
    at = 1700000000
    right = signature(b"{}", SECRET, at=at)[SIGNATURE]

    assert known["is_ours"](header or right, body, SECRET, now=at + now) is taken


def test_a_halt_tells_what_the_log_does() -> None:
    told = halted(RefusedEvent("no", position="x:1", table="a.b", remedy="do it"))

    assert told.summary == "the daemon has ended: no"
    assert told.details == {
        "error": "RefusedEvent",
        "message": "no",
        "remedy": "do it",
        "table": "a.b",
        "position": "x:1",
        "exit_code": 4,
    }


def test_a_defect_tells_its_kind_alone_since_its_text_may_hold_values() -> None:
    told = halted(ValueError("swordfish"))

    assert told.details == {"error": "ValueError", "exit_code": 1}
    assert "swordfish" not in told.summary

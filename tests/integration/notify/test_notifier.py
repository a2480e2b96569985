"""Notices against a real receiver that fails, hangs, drips and redirects."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from pydantic import SecretStr

from cdc.config.notify import NotifyConfig
from cdc.errors import UsageError
from cdc.model.notice import Notice, NoticeEvent
from cdc.observability.notify import delivery, notifier
from cdc.observability.notify.delivery import SIGNATURE, signature
from cdc.observability.notify.notifier import MOST_WAITING, Notifier
from tests.support.waiting import eventually
from tests.support.webhook import Webhook, status

SECRET = "0123456789abcdef"
AT_ONCE = 0.2
"""Seconds within which what must not wait is done."""


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook().serving() as found:
        yield found


@pytest.fixture
def log() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as found:
        yield found


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifier, "FIRST_WAIT_SECONDS", 0.05)
    monkeypatch.setattr(notifier, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(notifier, "CLOSE_SECONDS", 1.0)


def made(webhook: Webhook, **settings: Any) -> Notifier:
    return Notifier(NotifyConfig(url=SecretStr(webhook.url), **settings), "shop")


def unknown() -> None:
    return None


def notice(number: int = 0, event: NoticeEvent = NoticeEvent.JOB) -> Notice:
    return Notice(event, f"said {number}", {"number": number})


def numbers(webhook: Webhook) -> list[int]:
    return [each["details"]["number"] for each in webhook.notices]


def test_they_arrive_in_order_and_are_counted(webhook: Webhook) -> None:
    told = made(webhook)
    with told.running(unknown):
        for each in range(5):
            told.tell(notice(each))
        eventually(lambda: told.stats().sent.get("job") == 5)

    assert numbers(webhook) == [0, 1, 2, 3, 4]
    [first, *_] = webhook.received
    assert first.headers["Content-Type"] == "application/json"
    assert first.headers["User-Agent"].startswith("mysql-mongodb-cdc/")
    assert SIGNATURE not in first.headers
    assert told.stats().dropped == {}
    assert told.stats().waiting == 0


def test_each_attempt_is_signed_anew_with_the_secret_of_the_file(
    webhook: Webhook, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET + "\n")
    told = made(webhook, secret_file=file)
    with told.running(unknown):
        told.tell(notice(1))
        eventually(lambda: told.stats().sent)
        file.write_text("another secret of mine")
        told.tell(notice(2))
        eventually(lambda: told.stats().sent["job"] == 2)

    for secret, received in zip((SECRET, "another secret of mine"), webhook.received, strict=True):
        signed = received.headers[SIGNATURE]
        at = int(signed.partition(",")[0].removeprefix("t="))
        assert abs(at - received.at) < 5
        assert signature(received.body, secret.encode(), at=at) == {SIGNATURE: signed}


@pytest.mark.parametrize("failing", ["503", "500", "429", "408", "cut"])
def test_what_may_pass_is_tried_again_under_the_same_id(
    webhook: Webhook, failing: str, log: list[Any]
) -> None:
    webhook.answers = [webhook.cut if failing == "cut" else status(int(failing))] * 2
    told = made(webhook)
    with told.running(unknown):
        told.tell(notice(1))
        told.tell(notice(2))
        eventually(lambda: told.stats().sent.get("job") == 2)

    assert numbers(webhook) == [1, 1, 1, 2]
    assert len({each["id"] for each in webhook.notices}) == 2
    assert len([each for each in log if each["event"] == "notice_retry"]) == 2
    assert "a-secret-path" not in str(log)


def test_where_nobody_listens_it_is_tried_again(log: list[Any]) -> None:
    told = Notifier(NotifyConfig(url=SecretStr("http://127.0.0.1:1/a-secret-path")), "shop")
    with told.running(unknown):
        told.tell(notice(1))
        eventually(lambda: [each for each in log if each["event"] == "notice_retry"])
        assert told.stats().waiting == 1

    assert told.stats().dropped == {("job", "stopped"): 1}
    assert "Connection refused" in str(log)
    assert "a-secret-path" not in str(log)


@pytest.mark.parametrize("code", [400, 401, 404, 410, 301, 302, 307, 308])
def test_what_is_refused_is_dropped_at_once_and_the_next_one_is_sent(
    webhook: Webhook, code: int, log: list[Any]
) -> None:
    webhook.answers = [status(code, Location="/elsewhere")]
    told = made(webhook)
    with told.running(unknown):
        told.tell(notice(1))
        told.tell(notice(2))
        eventually(lambda: told.stats().sent)

    assert numbers(webhook) == [1, 2]
    assert {each.path for each in webhook.received} == {"/hooks/a-secret-path"}
    assert told.stats().dropped == {("job", "refused"): 1}
    [dropped] = [each for each in log if each["event"] == "notice_dropped"]
    assert dropped["summary"] == "said 1"
    assert str(code) in dropped["error"]
    assert ("redirects are not followed" in dropped["error"]) == (code < 400)


def test_one_that_is_never_taken_is_given_up(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier, "KEPT_SECONDS", 0.3)
    webhook.default = status(503)
    told = made(webhook)
    with told.running(unknown):
        told.tell(notice(1))
        eventually(lambda: told.stats().dropped)

    assert told.stats().dropped == {("job", "not_taken"): 1}
    assert len(webhook.received) > 1


def test_nobody_waits_for_one_that_hangs_and_what_is_too_much_is_dropped(
    webhook: Webhook, log: list[Any]
) -> None:
    webhook.default = webhook.hang
    told = made(webhook)
    with told.running(unknown):
        told.tell(notice(0))
        eventually(lambda: webhook.received)

        began = time.monotonic()
        for each in range(1, MOST_WAITING + 10):
            told.tell(notice(each))
        assert time.monotonic() - began < AT_ONCE
        assert told.stats().waiting == MOST_WAITING
        assert told.stats().dropped == {("job", "queue_full"): 10}

        began = time.monotonic()
    assert time.monotonic() - began < notifier.CLOSE_SECONDS + 1
    assert told.stats().waiting == 0
    assert told.stats().dropped == {
        ("job", "queue_full"): 10,
        ("job", "stopped"): MOST_WAITING,
    }
    assert len([each for each in log if each["event"] == "notice_dropped"]) == MOST_WAITING + 10


def test_one_that_hangs_is_tried_again_after_a_while(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "ANSWER_SECONDS", 0.2)
    webhook.answers = [webhook.hang]
    told = made(webhook)
    with told.running(unknown):
        told.tell(notice(1))
        eventually(lambda: told.stats().sent)

    assert numbers(webhook) == [1, 1]


def test_an_answer_without_end_is_not_read(webhook: Webhook) -> None:
    webhook.answers = [webhook.drip]
    told = made(webhook)
    with told.running(unknown):
        told.tell(notice(1))
        told.tell(notice(2))
        eventually(lambda: told.stats().sent.get("job") == 2)

    assert numbers(webhook) == [1, 2]


def test_what_is_left_at_a_stop_is_tried_once_more(webhook: Webhook) -> None:
    webhook.answers = [status(503)]
    told = made(webhook)
    with told.running(unknown):
        told.tell(notice(1))
        eventually(lambda: webhook.received)
        told.tell(notice(2))

    assert numbers(webhook) == [1, 1, 2]
    assert told.stats().sent == {"job": 2}


def test_a_stop_waits_for_nothing_where_nothing_is_left(webhook: Webhook) -> None:
    told = made(webhook)
    others = {*threading.enumerate()}
    with told.running(unknown):
        told.tell(notice(1))
        eventually(lambda: told.stats().sent)
        began = time.monotonic()
    assert time.monotonic() - began < AT_ONCE
    assert not [
        each for each in threading.enumerate() if each.name == "notices" and each not in others
    ]


def test_an_error_that_ends_the_daemon_is_told_last(webhook: Webhook) -> None:
    told = made(webhook)

    def end() -> None:
        with told.running(unknown):
            told.tell(notice(1))
            raise UsageError("no such thing", remedy="do another")

    with pytest.raises(UsageError):
        end()

    assert [each["event"] for each in webhook.notices] == ["job", "halt"]
    assert webhook.notices[1]["details"]["message"] == "no such thing"


def test_only_the_chosen_events_are_told(webhook: Webhook) -> None:
    told = made(webhook, events=("job",))
    with told.running(unknown):
        told.tell(notice(1, NoticeEvent.DEAD_LETTER))
        told.tell(notice(2))
        eventually(lambda: told.stats().sent)

    assert numbers(webhook) == [2]
    assert told.stats().dropped == {}


def test_the_lag_is_told_by_itself(webhook: Webhook) -> None:
    lags = iter([0.0, 100.0, 90.0])
    lag = [0.0]

    def lag_seconds() -> float:
        lag[0] = next(lags, lag[0])
        return lag[0]

    told = made(webhook, lag_seconds=60)
    with told.running(lag_seconds):
        eventually(lambda: webhook.of("lag"))
        lag[0] = 0.0
        eventually(lambda: len(webhook.of("lag")) == 2)

    assert [each["details"]["state"] for each in webhook.of("lag")] == ["above", "below"]


def test_a_secret_that_is_gone_is_waited_for(webhook: Webhook, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET)
    told = made(webhook, secret_file=file)
    file.unlink()
    with structlog.testing.capture_logs() as log, told.running(unknown):
        told.tell(notice(1))
        eventually(lambda: [each for each in log if each["event"] == "notice_retry"])
        file.write_text(SECRET)
        eventually(lambda: told.stats().sent)

    assert SIGNATURE in webhook.received[0].headers
    assert json.loads(webhook.received[0].body)["details"] == {"number": 1}

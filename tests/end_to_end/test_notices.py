"""Notices of a real daemon, each kind, and `cdc notify test`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cdc.model.job import Job, JobKind, Options
from tests.end_to_end.support.command import cdc
from tests.end_to_end.support.halting import HALTED
from tests.end_to_end.support.http import metrics
from tests.end_to_end.support.jobs import until_copied
from tests.end_to_end.support.proxy import Proxy
from tests.end_to_end.support.stream import Stream
from tests.support.waiting import eventually
from tests.support.webhook import Webhook, status

COLUMNS = "id INT NOT NULL PRIMARY KEY, word VARCHAR(40)"
SECRET = "swordfish-4711"
BOTH = pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)
ONE = pytest.mark.parametrize("stream", ["mysql-gtid"], indirect=True)


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook().serving() as found:
        yield found


@pytest.fixture
def items(stream: Stream, webhook: Webhook) -> Stream:
    """A stream whose daemon tells the webhook."""
    stream.table("items", COLUMNS)
    stream.settings["notify"] = {"url": webhook.url}
    stream.settings["http"] = {"listen": "127.0.0.1:0"}
    return stream


@BOTH
def test_a_dead_letter_is_told_without_its_row(items: Stream, webhook: Webhook) -> None:
    items.database.create_collection("items", validator={"word": {"$not": {"$regex": "^sword"}}})
    daemon = items.start()
    items.sql(f"INSERT INTO items VALUES (4711, '{SECRET}'), (4712, '{SECRET}'), (1, 'one')")

    [told] = eventually(lambda: webhook.of("dead_letter"))

    assert told["stream"] == items.name
    assert told["details"].pop("position")
    letters = {each["_id"] for each in items.state["dead_letters"].find()}
    assert {*told["details"].pop("letters")} == letters
    assert told["details"] == {
        "table": f"{items.schema}.items",
        "collection": "items",
        "reason": "validator",
        "count": 2,
    }
    assert SECRET not in str(webhook.received)
    assert "4711" not in str(told["summary"])
    eventually(lambda: metrics(daemon).get("cdc_notices_sent_total{dead_letter}") == 1)

    items.sql(f"UPDATE items SET word = '{SECRET}!' WHERE id = 4711")
    items.until_caught_up()
    items.stop()
    assert len(webhook.of("dead_letter")) == 1  # it was open already


@BOTH
def test_a_schema_change_and_the_job_that_it_asks_for_are_told(
    items: Stream, webhook: Webhook
) -> None:
    items.start(ledger=False)
    items.sql("INSERT INTO items VALUES (1, 'one')")
    items.until_caught_up()
    items.sql("ALTER TABLE items ADD COLUMN more INT NOT NULL DEFAULT 7")

    [changed] = eventually(lambda: webhook.of("schema_change"))
    [job] = eventually(lambda: webhook.of("job"))

    assert changed["details"].pop("position")
    assert changed["details"] == {
        "statement": "ALTER",
        "table": f"{items.schema}.items",
        "effect": "rewritten",
        "policy": "on_alter: resync",
    }
    details = job["details"]
    assert (details["kind"], details["state"], details["rows"]) == ("resync", "done", 1)
    assert details["table"] == f"{items.schema}.items"


@ONE
def test_a_job_that_failed_is_told_with_its_remedy(items: Stream, webhook: Webhook) -> None:
    items.start(ledger=False)
    items.until_streaming()
    options = Options(where="no such thing")
    table = f"{items.schema}.items"
    asked = Job.request(items.name, JobKind.BACKFILL, table, by="a test", options=options)
    items.state["jobs"].insert_one(asked.to_document())

    [told] = eventually(lambda: webhook.of("job"))

    assert (told["details"]["kind"], told["details"]["state"]) == ("backfill", "failed")
    assert told["details"]["error"]
    assert "cdc backfill" in told["details"]["remedy"]


@BOTH
def test_a_halt_is_told_before_the_end(items: Stream, webhook: Webhook) -> None:
    items.follow("items", {"on_truncate": "halt"})
    daemon = items.start()
    items.sql("INSERT INTO items VALUES (1, 'one')")
    items.until_caught_up()
    items.sql("TRUNCATE items")

    assert daemon.wait() == HALTED
    [told] = webhook.of("halt")

    [said] = [each for each in daemon.events("stopped") if each.get("exit_code") == HALTED]
    details = told["details"]
    assert (details["exit_code"], details["error"]) == (HALTED, "RefusedEvent")
    assert details["message"] == said["message"]
    assert details["table"] == f"{items.schema}.items"
    assert details["remedy"]


@ONE
def test_a_lag_is_told_once_and_once_that_it_is_over(items: Stream, webhook: Webhook) -> None:
    items.settings["notify"]["lag_seconds"] = 3
    with Proxy(items.source.port) as proxy:
        items.proxied_source(proxy.port)
        items.start()
        items.sql("INSERT INTO items VALUES (1, 'one')")
        items.until_caught_up()
        proxy.black_hole()
        eventually(lambda: webhook.of("lag"))
        proxy.heal()
        eventually(lambda: len(webhook.of("lag")) == 2)
        items.settle()

    above, below = (each["details"] for each in webhook.of("lag"))
    assert above["state"] == "above"
    assert above["lag_seconds"] > above["threshold_seconds"] == 3
    assert below["state"] == "below"
    assert below["lag_seconds"] <= 1.5


@ONE
def test_a_webhook_that_hangs_is_never_in_the_stream_s_way(items: Stream, webhook: Webhook) -> None:
    webhook.default = webhook.hang
    daemon = items.start(ledger=False)
    items.until_streaming()
    items.sql("ALTER TABLE items ADD COLUMN more INT NOT NULL DEFAULT 7")
    eventually(lambda: webhook.received)

    items.sql("INSERT INTO items VALUES (1, 'one', 7)")
    items.until_caught_up()
    assert items.documents("items")[1]["word"] == "one"
    until_copied(items)
    assert daemon.stop() == 0
    assert {each["reason"] for each in daemon.events("notice_dropped")} == {"stopped"}


@ONE
def test_what_is_refused_is_a_metric_and_a_line_of_the_log(items: Stream, webhook: Webhook) -> None:
    webhook.default = status(404)
    daemon = items.start(ledger=False)
    items.until_streaming()
    items.sql("ALTER TABLE items ADD COLUMN more INT NOT NULL DEFAULT 7")

    eventually(
        lambda: metrics(daemon).get("cdc_notices_dropped_total{schema_change}{refused}") == 1
    )
    dropped = daemon.until_logged("notice_dropped")
    assert (dropped["of"], dropped["reason"], dropped["error"]) == (
        "schema_change",
        "refused",
        "404 Not Found",
    )
    assert "a-secret-path" not in daemon.stderr


@ONE
def test_somebody_can_see_whether_notices_arrive(items: Stream, webhook: Webhook) -> None:
    secret = items.config.with_name("secret")
    secret.write_text("0123456789abcdef")
    items.settings["notify"]["secret_file"] = "secret"
    items.configure()

    taken = cdc(items, "notify", "test")
    webhook.default = status(403)
    refused = cdc(items, "notify", "test")
    del items.settings["notify"]
    items.configure()
    missing = cdc(items, "notify", "test")

    host = webhook.url.split("/")[2]
    assert (taken.returncode, taken.stdout) == (0, f"{host} has taken it: 204 No Content; signed\n")
    assert [each["event"] for each in webhook.notices] == ["test", "test"]
    assert refused.returncode == 1
    assert f"{host} has not taken it: 403 Forbidden" in refused.stderr
    assert missing.returncode == 2
    assert "no webhook is configured" in missing.stderr

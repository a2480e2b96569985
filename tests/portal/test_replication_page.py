"""The technical worker's page, beside a daemon that runs, has ended, hangs, or has lost a side."""

from __future__ import annotations

import html
import re
import signal
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import DatetimeMS
from django.core.cache import cache
from django.test import Client, override_settings

from cdc.model.dead_letter import DeadLetter, LetterState
from cdc.model.job import JOBS, Job, JobKind, JobState, Options, Phase, Progress
from cdc_sandbox.servers import Flavour, MongoServer, MySQLServer
from cdc_sandbox.servers.ports import free_port
from portal import mongodb
from portal.accounts.roles import Role
from portal.dashboards.replication import jobs
from portal.dashboards.replication.letters import MOST_AT_ONCE
from tests.end_to_end.support.halting import halted
from tests.end_to_end.support.history import MysqlGtids
from tests.end_to_end.support.nursery import nursery
from tests.end_to_end.support.proxy import Proxy
from tests.end_to_end.support.stream import Stream
from tests.portal.support.people import PASSWORD, person
from tests.support.waiting import eventually

PAGE = "/replication/"
STATE = "/replication/state/"
ASK = "/replication/jobs/"
CANCEL = "/replication/jobs/cancel/"
RESYNC = "/replication/resync/"
RETRY = "/replication/letters/retry/"
DISCARD = "/replication/letters/discard/"
UNANSWERED_SECONDS = 20.0
"""A page with both sides silent, and a busy machine; the driver alone would wait for 30 s."""


@pytest.fixture(scope="session")
def flavour() -> Flavour:
    """What the page shows does not come from Django's database: one flavour does."""
    return "mysql"


@pytest.fixture
def client(client: Client) -> Client:
    client.force_login(person("tess", Role.TECHNICAL_WORKER))
    return client


@pytest.fixture(scope="session")
def forks() -> Iterator[None]:
    """What forks the daemons ends with the run."""
    yield
    nursery().close()


@pytest.fixture
def stream(
    forks: None, mysql: MySQLServer, mongo: MongoServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stream]:
    """A stream of its own over `items`, with a daemon's address; the portal shows this one."""
    schema = f"test_{uuid.uuid4().hex[:12]}"
    mysql.execute(f"CREATE DATABASE {schema} CHARACTER SET utf8mb4")
    with mongo.client() as target:
        folder = tmp_path_factory.mktemp("stream")
        made = Stream(mysql, mongo, target, MysqlGtids(mysql), schema=schema, folder=folder)
        made.settings["http"] = {"listen": f"127.0.0.1:{free_port()}"}
        made.settings["lease"] = {"ttl_seconds": 2}
        made.table("items", "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)")
        with shown(made):
            yield made
        made.close()
        made.drop()


@pytest.fixture
def running(stream: Stream) -> Stream:
    """The same, caught up."""
    stream.start()
    stream.until_streaming()
    stream.daemon.until_logged("http_listening")
    stream.sql("INSERT INTO items VALUES (1, 'one'), (2, 'two'), (3, 'three')")
    stream.until_caught_up()
    return stream


@pytest.fixture
def asked(target: MongoServer) -> Iterator[mongodb.Documents]:
    """A state database without a daemon: jobs stay where they are."""
    status = f"http://127.0.0.1:{free_port()}/status"
    with override_settings(CDC_NAME="lonely", CDC_STATUS_URL=status):
        yield mongodb.state()


def shown(stream: Stream, **more: Any) -> override_settings:
    return override_settings(
        MONGODB_URI=stream.mongo.uri,
        MONGODB_DATABASE=stream.database.name,
        MONGODB_STATE_DATABASE=stream.state.name,
        CDC_NAME=stream.name,
        CDC_STATUS_URL=f"http://{stream.settings['http']['listen']}/status",
        **more,
    )


def page(client: Client) -> str:
    answer = client.get(PAGE)
    assert answer.status_code == 200
    return answer.content.decode()


def until_page_says(client: Client, *texts: str) -> str:
    def says() -> str:
        seen = page(client)
        for text in texts:
            assert text in seen
        return seen

    return eventually(says)


def table_row(page: str, table: str) -> dict[str, str]:
    """What the page says of a table, by the headings."""
    row = page.partition(f"<code>{table}</code></th>")[2].partition("</tr>")[0]
    cells = re.findall(r'data-label="([^"]+)">(.*?)</td>', row)
    return {label: re.sub("<[^>]+>", "", cell).strip() for label, cell in cells}


def ask(client: Client, kind: str, table: str) -> str:
    """Press a button; return what the page then says."""
    return client.post(ASK, {kind: table}, follow=True).content.decode()


class TestBesideADaemon:
    def test_the_page_tells_lag_position_and_tables(self, client: Client, running: Stream) -> None:
        seen = until_page_says(client, "Up to date", "MongoDB holds all that MySQL has committed.")

        [(executed,)] = running.source.execute("SELECT @@GLOBAL.gtid_executed")
        assert str(executed).replace("\n", "") in seen
        assert f'value="{running.schema}.items"' in seen
        assert "None: every row could be carried over." in seen

    def test_what_refreshes_itself_is_what_the_page_shows(
        self, client: Client, running: Stream
    ) -> None:
        until_page_says(client, "Up to date")

        state = client.get(STATE).json()

        assert (state["word"], state["lag_seconds"]) == ("Up to date", 0)
        assert time.time() - state["at"] < 60
        assert "Up to date" in state["parts"]["verdict"]
        assert state["lags"][-1][1] is not None
        assert state["parts"]["jobs"].strip() in page(client)

    def test_the_lag_of_before_the_page_was_opened_is_shown_as_the_daemon_has_kept_it(
        self, client: Client, running: Stream
    ) -> None:
        lags = eventually(lambda: client.get(STATE).json()["lags"])

        [(at, lag), *_] = lags
        assert -1 < time.time() - at < 600
        assert lag is None or lag >= 0
        answer = page(client)
        assert f"[{at:.0f}"[:8] in answer.partition('data-lags="')[2]
        assert "The highest lag of each minute" in answer

    def test_each_table_is_told_with_its_documents_and_its_last_change(
        self, client: Client, running: Stream
    ) -> None:
        cache.clear()
        running.sql("INSERT INTO items VALUES (4, 'four')")
        running.until_caught_up()

        def documents() -> str:
            cache.clear()  # counts are kept for some seconds
            row = table_row(page(client), f"{running.schema}.items")
            assert row["Documents"] == "4"
            assert row["Last change"].endswith(" ago")
            return row["Last verified"]

        assert eventually(documents) == "never"

    def test_the_three_stations_of_a_row_are_told(self, client: Client, running: Stream) -> None:
        seen = until_page_says(client, "Up to date")

        told = re.findall(r"<strong>(\w+)</strong> <span class=\"state\">([^<]+)</span>", seen)
        assert told == [("MySQL", "connected"), ("cdc", "replicating"), ("MongoDB", "connected")]

    def test_a_side_that_is_lost_is_named_with_how_long_it_has_been_tried(
        self, client: Client, stream: Stream
    ) -> None:
        with Proxy(stream.source.port) as proxy:
            stream.proxied_source(proxy.port)
            stream.start()
            stream.until_streaming()
            proxy.black_hole()
            proxy.cut()

            seen = until_page_says(client, "MySQL is away", "Nothing is lost")

        assert "The daemon has been trying to reach MySQL for" in seen

    def test_a_daemon_that_is_busy_with_a_lost_side_still_counts_as_running(
        self, client: Client, stream: Stream
    ) -> None:
        with Proxy(stream.mongo.port) as proxy:
            stream.proxied_target(proxy.port)
            stream.start()
            stream.until_streaming()
            proxy.black_hole()

            until_page_says(client, "MongoDB is away")

    def test_the_daemon_of_another_stream_does_not_speak_for_this_one(
        self, client: Client, running: Stream
    ) -> None:
        with override_settings(CDC_NAME="orders"):
            seen = page(client)

        assert f"tells of the stream {running.name}, not of orders" in seen
        assert "The stream orders was never started" in seen


class TestWithoutADaemon:
    def test_one_that_was_stopped_is_told_from_one_that_died(
        self, client: Client, running: Stream
    ) -> None:
        running.stop()

        seen = page(client)

        assert "The daemon does not answer" in seen
        assert "Nobody listens at" in seen
        assert "It was stopped in good order." in seen
        assert "Last wrote <time" in seen

    def test_one_that_ended_by_itself_is_told_with_what_to_do(
        self, client: Client, running: Stream
    ) -> None:
        running.sql("SET SESSION binlog_format = STATEMENT", f"DELETE FROM {running.tables[0]}")
        said = halted(running.daemon)

        seen = html.unescape(page(client))

        assert "It ended by itself: " in seen
        assert said["message"] in seen
        assert "cdc position skip" in seen
        assert "It was stopped in good order." not in seen

    def test_one_that_was_killed_has_shown_no_sign_of_life_since_then(
        self, client: Client, running: Stream
    ) -> None:
        asked = datetime.now(UTC)
        running.daemon.kill()

        seen = until_page_says(client, "The daemon does not answer", "No sign of life since")

        state = client.get(STATE).json()
        assert (state["word"], state["lag_seconds"]) == ("The daemon does not answer", None)
        since = re.search(r'No sign of life since <time datetime="([^"]+)"', seen)
        assert since is not None
        assert abs(datetime.fromisoformat(since[1]) - asked) < timedelta(minutes=1)

    def test_one_that_hangs_is_told_within_the_page_s_time(
        self, client: Client, running: Stream
    ) -> None:
        running.daemon.send(signal.SIGSTOP)
        started = time.monotonic()
        try:
            seen = page(client)
            took = time.monotonic() - started
        finally:
            running.daemon.send(signal.SIGCONT)

        assert "accepts connections and says nothing" in seen
        assert took < UNANSWERED_SECONDS

    def test_a_stream_that_was_never_started_is_told(
        self, client: Client, asked: mongodb.Documents
    ) -> None:
        seen = page(client)

        assert "The daemon does not answer" in seen
        assert "The stream lonely was never started" in seen
        assert "The stream follows no table yet." in seen


def test_with_mongodb_down_the_page_tells_so_and_what_the_daemon_says(
    client: Client, running: Stream
) -> None:
    with shown(running), override_settings(MONGODB_URI=f"mongodb://127.0.0.1:{free_port()}/"):
        started = time.monotonic()
        seen = page(client)
        took = time.monotonic() - started

    assert "MongoDB does not answer the portal" in seen
    assert "Up to date" in seen
    assert took < UNANSWERED_SECONDS


class TestJobs:
    def test_a_verification_finds_what_differs_and_a_resync_mends_it(
        self, client: Client, running: Stream
    ) -> None:
        table = f"{running.schema}.items"
        running.database["items"].delete_one({"_id": 2})
        running.database["items"].update_one({"_id": 3}, {"$set": {"word": "drei"}})
        running.database["items"].insert_one({"_id": 4, "word": "vier"})

        assert f"Asked for a verify of {table}." in ask(client, "verify", table)
        seen = until_page_says(
            client,
            "<span>1 missing</span><span>1 extra</span><span>1 different</span>",
            '<span class="badge bad">3 differ</span>',
        )
        assert "<td><code>3</code></td><td>items</td><td>different</td><td>word</td>" in seen

        ask(client, "resync", table)
        until_page_says(client, "<span>1 removed</span>", '<span class="badge good">done</span>')
        ask(client, "verify", table)
        seen = until_page_says(client, '<span class="badge good">equal</span>')
        assert running.documents("items") == running.rows("items")
        assert re.fullmatch(r"equal .* ago", table_row(seen, table)["Last verified"])
        assert "<span>took " in seen

    def test_a_job_is_the_daemon_s_own_kind(self, client: Client, running: Stream) -> None:
        ask(client, "verify", f"{running.schema}.items")

        [document] = running.state[JOBS].find({"requested_by": "tess"})
        job = Job.from_document(document)
        assert (job.stream, job.kind, job.options) == (running.name, JobKind.VERIFY, Options())

    @pytest.mark.parametrize(
        ("kind", "table"),
        [("verify", "mysql.user"), ("verify", "items"), ("backfill", "items"), ("", "")],
    )
    def test_what_the_stream_does_not_keep_or_the_page_does_not_offer_is_refused(
        self, client: Client, running: Stream, kind: str, table: str
    ) -> None:
        seen = ask(client, kind, table)

        assert "does not keep a table" in seen or "was not said" in seen
        assert running.state[JOBS].count_documents({}) == 0

    def test_a_second_one_is_refused_while_the_first_is_open(
        self, client: Client, running: Stream
    ) -> None:
        table = f"{running.schema}.items"
        running.stop()
        ask(client, "resync", table)

        assert f"A resync of {table} is queued already." in ask(client, "resync", table)
        assert "It waits for a daemon: none answers." in page(client)
        assert f"Asked for a verify of {table}." in ask(client, "verify", table)
        assert running.state[JOBS].count_documents({}) == 2

    def test_of_several_who_ask_at_once_one_is_heard(self, asked: mongodb.Documents) -> None:
        def ask_once(number: int) -> bool:
            try:
                jobs.ask(asked, JobKind.RESYNC, "a.b", known=["a.b"], by=f"somebody {number}")
            except jobs.Refused:
                return False
            return True

        for round_ in range(1, 4):
            with ThreadPoolExecutor(8) as pool:
                heard = list(pool.map(ask_once, range(8)))
            assert heard.count(True) == 1
            assert asked[JOBS].count_documents({}) == round_
            asked[JOBS].update_many({}, {"$set": {"state": JobState.DONE.value}})

    def test_an_open_one_is_cancelled_and_an_ended_one_is_not(
        self, client: Client, asked: mongodb.Documents
    ) -> None:
        job = jobs.ask(asked, JobKind.VERIFY, "a.b", known=["a.b"], by="tess")

        first = client.post(CANCEL, {"job": job.id}, follow=True).content.decode()
        second = client.post(CANCEL, {"job": job.id}, follow=True).content.decode()

        assert "Cancelled." in first
        assert "This job is not open any more." in second
        [document] = asked[JOBS].find()
        assert document["state"] == "cancelled"

    def test_progress_is_rows_pace_and_time_left_and_never_the_key_where_it_is(
        self, client: Client, asked: mongodb.Documents
    ) -> None:
        job = jobs.ask(asked, JobKind.RESYNC, "a.b", known=["a.b"], by="tess")
        progress = Progress(
            rows=1_000, total=4_000, cursor=("a masked key",), pending=(("b", b"a masked key"),)
        ).to_document()
        progress["started_at"] = datetime.fromtimestamp(time.time() - 10, UTC)
        change = {"state": JobState.RUNNING.value, "progress": progress}
        asked[JOBS].update_one({"_id": job.id}, {"$set": change})

        seen = page(client)

        assert '<progress value="1000" max="4000" aria-label="Resync of a.b">' in seen
        assert "1,000 of about 4,000 rows" in seen
        [entry] = jobs.shown(asked)
        assert entry.job.progress is not None
        assert not entry.job.progress.pending
        assert entry.rows_per_second == pytest.approx(100, rel=0.2)
        assert entry.seconds_left == pytest.approx(30, rel=0.2)
        assert "a masked key" not in seen

    def test_a_verification_of_a_part_says_that_it_is_one(
        self, client: Client, asked: mongodb.Documents
    ) -> None:
        job = jobs.ask(asked, JobKind.VERIFY, "a.b", known=["a.b"], by="tess")
        progress = Progress(rows=150, percent=5.0).to_document()
        change = {"state": JobState.DONE.value, "progress": progress}
        asked[JOBS].update_one({"_id": job.id}, {"$set": change})

        assert "150 rows, about 5% of the table" in page(client)

    def test_a_search_for_documents_without_rows_has_a_bar_of_its_own(
        self, client: Client, asked: mongodb.Documents
    ) -> None:
        job = jobs.ask(asked, JobKind.RESYNC, "a.b", known=["a.b"], by="tess")
        progress = Progress(
            Phase.DOCUMENTS, rows=4_000, total=4_000, searched=1_000, to_search=5_000
        ).to_document()
        change = {"state": JobState.RUNNING.value, "progress": progress}
        asked[JOBS].update_one({"_id": job.id}, {"$set": change})

        seen = page(client)

        assert '<progress value="1000" max="5000" aria-label="Resync of a.b">' in seen
        assert "now looking for documents without rows: 1,000 of about 5,000" in seen

    @pytest.mark.parametrize(
        ("id_", "written"),
        [
            (DatetimeMS(317_355_451_200_000), "5 Aug 12026, 12:00:00"),
            (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02 03:04:05+00:00"),
        ],
    )
    def test_a_document_that_differs_may_have_any_date_as_its_id(
        self, client: Client, asked: mongodb.Documents, id_: object, written: str
    ) -> None:
        job = jobs.ask(asked, JobKind.VERIFY, "a.b", known=["a.b"], by="tess")
        finding = {"_id": id_, "collection": "b", "kind": "extra", "fields": []}
        progress = Progress(extra=1).to_document() | {"findings": [finding]}
        asked[JOBS].update_one({"_id": job.id}, {"$set": {"progress": progress}})

        assert f"<code>{written}</code>" in page(client)


@pytest.fixture
def letter(asked: mongodb.Documents) -> dict[str, Any]:
    """An open letter of the stream, as the daemon writes one."""
    found = {
        "_id": "0123456789abcdef",
        "stream": "lonely",
        "state": "open",
        "table": "a.b",
        "collection": "b",
        "key": 77,
        "action": "insert",
        "reason": "too_large",
        "error": "its document is larger than MongoDB permits",
        "column": "body",
        "row": '{"body": "a secret"}',
        "last_at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "count": 2,
    }
    asked["dead_letters"].insert_one(found)
    return found


class TestDeadLetters:
    def test_the_open_ones_are_listed_without_their_rows(
        self, client: Client, asked: mongodb.Documents, letter: dict[str, Any]
    ) -> None:
        others = [{"_id": "1", "state": "resolved"}, {"_id": "2", "stream": "another"}]
        asked["dead_letters"].insert_many([{**letter, **each} for each in others])

        seen = page(client)

        assert "1 open." in seen
        row = table_row(seen.partition('aria-label="Open dead letters"')[2], "a.b")
        assert row["Last failed"].endswith(" ago")
        del row["Last failed"]
        assert row == {
            "Document": "77",
            "Column": "body",
            "Reason": "too_large",
            "Change": "insert",
            "Times": "2",
        }
        assert "a secret" not in seen

    def test_a_retry_is_a_job_on_its_row_alone_and_says_who_asked(
        self, client: Client, asked: mongodb.Documents, letter: dict[str, Any]
    ) -> None:
        answer = client.post(RETRY, {"letter": letter["_id"]}, follow=True).content.decode()

        assert "Asked for a retry: the rows are read again" in answer
        [document] = asked[JOBS].find()
        job = Job.from_document(document)
        assert (job.kind, job.table, job.requested_by) == (JobKind.RETRY, "a.b", "tess")
        assert job.options == Options(target="b", ids=(77,))
        again = client.post(RETRY, {"letter": letter["_id"]}, follow=True).content.decode()
        assert "A retry of a.b is queued already." in again

    def test_all_are_retried_by_a_job_for_each_table(
        self, client: Client, asked: mongodb.Documents, letter: dict[str, Any]
    ) -> None:
        others: list[dict[str, Any]] = [
            {"_id": "1", "key": 78},
            {"_id": "2", "table": "a.c", "key": 1},
            {"_id": "3", "table": "a.c", "key": None},
        ]
        asked["dead_letters"].insert_many([{**letter, **each} for each in others])
        assert "Retry all 4" in page(client)

        answer = client.post(RETRY, {"letter": "all"}, follow=True).content.decode()

        assert "Asked for 2 retries" in answer
        found = {each["table"]: each["options"]["ids"] for each in asked[JOBS].find()}
        assert {table: sorted(ids) for table, ids in found.items()} == {"a.b": [77, 78], "a.c": [1]}

    def test_one_whose_row_nobody_can_tell_is_not_retried(
        self, client: Client, asked: mongodb.Documents, letter: dict[str, Any]
    ) -> None:
        asked["dead_letters"].update_one({}, {"$set": {"key": None}})

        answer = client.post(RETRY, {"letter": letter["_id"]}, follow=True).content.decode()

        assert "does not tell its row" in answer
        assert 'form="retry"' not in page(client)
        assert asked[JOBS].count_documents({}) == 0

    def test_one_of_a_later_version_or_that_somebody_has_edited_keeps_no_other_back(
        self, client: Client, asked: mongodb.Documents, letter: dict[str, Any]
    ) -> None:
        odd: list[dict[str, Any]] = [
            {"_id": "1", "key": 78, "reason": "of a later version"},
            {"_id": "2", "table": None},
            {"_id": "3", "collection": ["b"]},
        ]
        asked["dead_letters"].insert_many([{**letter, **each} for each in odd])

        answer = client.post(RETRY, {"letter": "all"}, follow=True).content.decode()

        assert "Asked for a retry" in answer
        [job] = asked[JOBS].find()
        assert sorted(job["options"]["ids"]) == [77, 78]
        answer = client.post(RETRY, {"letter": "3"}, follow=True).content.decode()
        assert "does not tell its row" in answer

    def test_of_very_many_a_first_part_is_retried_and_no_row_is_read(
        self, client: Client, asked: mongodb.Documents, letter: dict[str, Any]
    ) -> None:
        row = {"row": "x" * 4_000}
        many = ({**letter, **row, "_id": str(n), "key": n} for n in range(MOST_AT_ONCE + 1))
        asked["dead_letters"].insert_many(many)

        answer = client.post(RETRY, {"letter": "all"}, follow=True).content.decode()

        assert "Asked for a retry" in answer
        [job] = asked[JOBS].find()
        assert len(job["options"]["ids"]) == MOST_AT_ONCE

    def test_discarding_asks_first_and_its_letter_says_who_did_it(
        self, client: Client, asked: mongodb.Documents, letter: dict[str, Any]
    ) -> None:
        question = client.get(DISCARD, {"letter": letter["_id"]}).content.decode()
        assert "Discard this dead letter?" in question
        assert letter["error"] in question
        assert "a secret" not in question
        [before] = asked["dead_letters"].find()
        assert before["state"] == "open"

        answer = client.post(DISCARD, {"letter": letter["_id"]}, follow=True).content.decode()

        assert "Discarded. Its document stays as it is." in answer
        [after] = asked["dead_letters"].find()
        assert (after["state"], after["discarded_by"]) == ("discarded", "tess")
        assert abs(after["resolved_at"] - datetime.now(UTC)) < timedelta(minutes=5)
        assert DeadLetter.from_document(after).state is LetterState.DISCARDED

    @pytest.mark.parametrize("change", [{"state": "resolved"}, {"stream": "another"}])
    def test_one_that_is_not_open_or_not_of_this_stream_is_left_alone(
        self,
        client: Client,
        asked: mongodb.Documents,
        letter: dict[str, Any],
        change: dict[str, str],
    ) -> None:
        asked["dead_letters"].update_one({}, {"$set": change})
        before = asked["dead_letters"].find_one()

        answers = [
            client.get(DISCARD, {"letter": letter["_id"]}, follow=True),
            client.post(DISCARD, {"letter": letter["_id"]}, follow=True),
            client.post(RETRY, {"letter": letter["_id"]}, follow=True),
        ]

        for answer in answers:
            assert "This dead letter is not open any more." in answer.content.decode()
        assert asked["dead_letters"].find_one() == before
        assert asked[JOBS].count_documents({}) == 0

    def test_the_daemon_carries_the_row_over_that_was_retried(
        self, client: Client, stream: Stream
    ) -> None:
        stream.database.create_collection("items", validator={"word": {"$ne": "refused"}})
        stream.start()
        stream.until_streaming()
        stream.daemon.until_logged("http_listening")
        stream.sql("INSERT INTO items VALUES (1, 'refused'), (2, 'taken')")
        until_page_says(client, "1 open.", ">validator</td>")
        stream.database.command("collMod", "items", validator={})

        client.post(RETRY, {"letter": "all"})

        until_page_says(client, "None: every row could be carried over.")
        assert stream.documents("items") == stream.rows("items")


class TestResync:
    def test_it_asks_before_it_acts(self, client: Client, running: Stream) -> None:
        table = f"{running.schema}.items"
        assert f'href="{RESYNC}?table={table}"' in page(client)

        question = client.get(RESYNC, {"table": table}).content.decode()

        assert f"Resync <code>{table}</code>?" in question
        assert "<code>items</code>" in question
        assert f'name="resync" value="{table}"' in question
        assert running.state[JOBS].count_documents({"kind": "resync"}) == 0

    def test_a_table_that_the_stream_does_not_keep_has_no_such_page(
        self, client: Client, running: Stream
    ) -> None:
        assert client.get(RESYNC, {"table": "mysql.user"}).status_code == 404
        assert client.get(RESYNC).status_code == 404


class TestAccess:
    @pytest.mark.parametrize("role", [Role.CUSTOMER, Role.SENIOR_MANAGEMENT])
    def test_other_roles_are_refused(self, client: Client, role: Role) -> None:
        client.force_login(person("someone", role))

        answers = [
            *map(client.get, (PAGE, STATE, RESYNC, DISCARD)),
            *map(client.post, (ASK, CANCEL, RETRY, DISCARD)),
        ]

        assert {answer.status_code for answer in answers} == {403}

    @pytest.mark.parametrize("path", [PAGE, STATE, RESYNC, DISCARD, ASK, CANCEL, RETRY])
    def test_who_is_not_logged_in_is_sent_to_log_in(self, client: Client, path: str) -> None:
        client.logout()

        assert client.get(path).headers["Location"] == f"/login/?next={path}"

    @pytest.mark.parametrize("path", [ASK, CANCEL, RETRY, DISCARD])
    def test_jobs_are_asked_for_and_cancelled_by_a_form_of_the_page_only(
        self, client: Client, path: str
    ) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = client.cookies

        assert strict.post(path, {"verify": "a.b"}).status_code == 403

    @pytest.mark.parametrize("path", [ASK, CANCEL, RETRY])
    def test_who_logs_in_to_press_a_button_comes_back_to_the_page(
        self, client: Client, path: str
    ) -> None:
        client.logout()

        asked = client.post(path, {"verify": "a.b"}).headers["Location"]
        form = {"username": "tess", "password": PASSWORD}
        back = client.post(asked, form).headers["Location"]

        assert client.get(back).headers["Location"] == PAGE

    def test_who_is_logged_out_meanwhile_is_sent_to_log_in(self, client: Client) -> None:
        client.logout()

        assert client.get(STATE).headers["Location"].startswith("/login/")


def other_stream(name: str, **edited: Any) -> dict[str, Any]:
    """The state document of a stream that nobody runs."""
    position = {"position": {"gtid": "00000000-0000-0000-0000-000000000001:1-5"}}
    saved = {"epoch": 1, "sequence": 2, "lease_until": None, "updated_at": datetime.now(UTC)}
    return {"_id": name, **position, **saved, **edited}


def test_all_streams_of_the_state_database_are_listed_if_there_are_several(
    client: Client, stream: Stream
) -> None:
    stream.start()
    stream.until_caught_up()
    alone = client.get(PAGE).content.decode()
    stream.state["streams"].insert_many(
        [
            other_stream("forgotten"),
            other_stream("edited", lease_until="tomorrow", lag_seconds="none", updated_at=5),
        ]
    )

    page = client.get(PAGE).content.decode()

    assert "All streams" not in alone
    assert "All streams" in page
    rows = re.findall(r"<tr><td><code>([^<]+)</code>", page.partition("All streams")[2])
    assert rows[-1] == stream.name
    assert set(rows[:2]) == {"forgotten", "edited"}

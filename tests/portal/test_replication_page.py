"""The technical worker's page, beside a daemon that runs, has ended, hangs, or has lost a side."""

from __future__ import annotations

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
from django.test import Client, override_settings

from cdc.model.job import JOBS, Job, JobKind, JobState, Options, Phase, Progress
from cdc_sandbox.servers import Flavour, MongoServer, MySQLServer
from cdc_sandbox.servers.ports import free_port
from portal import mongodb
from portal.accounts.roles import Role
from portal.dashboards.replication import jobs
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
        assert state["parts"]["jobs"].strip() in page(client)

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
        until_page_says(client, '<span class="badge good">equal</span>')
        assert running.documents("items") == running.rows("items")

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


def test_dead_letters_are_listed_without_their_rows(
    client: Client, asked: mongodb.Documents
) -> None:
    letter = {
        "stream": "lonely",
        "state": "open",
        "table": "a.b",
        "collection": "b",
        "action": "insert",
        "reason": "too_large",
        "column": "body",
        "row": '{"body": "a secret"}',
        "last_at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "count": 2,
    }
    asked["dead_letters"].insert_many(
        [letter, {**letter, "state": "resolved"}, {**letter, "stream": "another"}]
    )

    seen = page(client)

    assert "1 open." in seen
    assert "<td>body</td><td>too_large</td><td>insert</td>" in seen
    assert "a secret" not in seen


class TestAccess:
    @pytest.mark.parametrize("role", [Role.CUSTOMER, Role.SENIOR_MANAGEMENT])
    def test_other_roles_are_refused(self, client: Client, role: Role) -> None:
        client.force_login(person("someone", role))

        answers = [*map(client.get, (PAGE, STATE)), *map(client.post, (ASK, CANCEL))]

        assert {answer.status_code for answer in answers} == {403}

    @pytest.mark.parametrize("path", [ASK, CANCEL])
    def test_jobs_are_asked_for_and_cancelled_by_a_form_of_the_page_only(
        self, client: Client, path: str
    ) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = client.cookies

        assert strict.post(path, {"verify": "a.b"}).status_code == 403

    @pytest.mark.parametrize("path", [ASK, CANCEL])
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

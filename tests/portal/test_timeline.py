from __future__ import annotations

import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import DatetimeMS, Decimal128
from django.test import Client, override_settings
from django.utils import timezone

from cdc_sandbox.servers import MongoServer, mongo_server
from portal import mongodb
from portal.accounts.authors import author_of
from portal.accounts.roles import Role
from portal.dashboards.timeline.reading import ENTRIES_PER_PAGE
from portal.tweets.models import Author, Tweet
from tests.portal.support.flavours import one_flavour
from tests.portal.support.people import person, seen

LONG_AGO = datetime(2010, 9, 2, 18, 11, 23, tzinfo=UTC)
ZOE = 12
NAME = "/timeline/name/"

_ENTRY = re.compile(r'<article class="card entry" id="tweet-(\d+)" data-progress="([\w-]+)"')

pytestmark = pytest.mark.usefixtures("target")
flavour = one_flavour


@pytest.fixture
def ana(client: Client) -> Author:
    """A customer who is logged in: as whom she writes."""
    account = person("ana")
    client.force_login(account)
    return author_of(account)


def replicate(tweet: Tweet, **more: Any) -> None:
    """Put a tweet into MongoDB, as `config/mappings/tweets.yaml` maps it."""
    at = tweet.updated_at
    names = {"screen_name": tweet.author.screen_name, "name": tweet.author.name}
    put(tweet.pk, tweet.text, tweet.author_id, **{"at": at, "author": names, **more})


def put(
    id_: int,
    text: str = "of the dataset",
    user_id: int = ZOE,
    *,
    at: datetime | DatetimeMS = LONG_AGO,
    **more: Any,
) -> None:
    key = id_ if id_ < 1 << 63 else Decimal128(str(id_))
    document = {
        "_id": key,
        "user_id": user_id,
        "author": {"screen_name": "zoe", "name": "Zoë <Müller>"},
        "text": text,
        "created_at": at,
        "updated_at": at,
        **more,
    }
    mongodb.documents()["tweets"].replace_one({"_id": key}, document, upsert=True)


def settle(tweet: Tweet) -> None:
    """Make it old enough to be no news."""
    then = timezone.now() - timedelta(minutes=5)
    Tweet.objects.filter(pk=tweet.pk).update(created_at=then, updated_at=then)
    tweet.refresh_from_db()


def page(client: Client, address: str = "/timeline/") -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def entries(client: Client, address: str = "/timeline/") -> list[tuple[int, str]]:
    """Return ids and how far each has come."""
    return [(int(id_), progress) for id_, progress in _ENTRY.findall(page(client, address))]


def everything(client: Client) -> list[int]:
    """Return the ids of all pages."""
    seen: list[int] = []
    address: str | None = "/timeline/"
    while address:
        shown = page(client, address)
        seen += [int(id_) for id_, _ in _ENTRY.findall(shown)]
        older = re.search(r'rel="next" href="([^"]+)"', shown)
        address = f"/timeline/{older[1]}" if older else None
    return seen


def words(client: Client) -> str:
    """Return the page's text, without tags and runs of blanks."""
    return " ".join(re.sub(r"<[^>]+>", "", page(client)).split())


class TestReading:
    def test_tweets_come_newest_first_with_their_authors(self, client: Client, ana: Author) -> None:
        put(1, "the first")
        put(2, "the second", 13, author=None)

        assert entries(client) == [(2, "replicated"), (1, "replicated")]
        assert "Zoë &lt;Müller&gt;" in page(client)
        assert "@zoe" in page(client)
        assert "who is not replicated yet" in page(client)

    def test_each_tells_when_it_was_replicated(self, client: Client, ana: Author) -> None:
        at = LONG_AGO + timedelta(milliseconds=1)
        put(1, at=at, replicated_at=at + timedelta(seconds=0.4))

        assert 'title="2 Sep 2010, 18:11:23 UTC" data-ago>2 Sep 2010</time>' in page(client)
        assert "Saved in MySQL, replicated in 400 ms" in words(client)

    def test_times_of_the_last_days_are_relative(self, client: Client, ana: Author) -> None:
        at = timezone.now() - timedelta(minutes=3, seconds=20)
        put(1, at=at, replicated_at=at - timedelta(minutes=1))

        assert "3 min ago" in words(client)
        assert "Saved in MySQL, replicated 4 min ago" in words(client)

    def test_a_replication_of_days_is_told(self, client: Client, ana: Author) -> None:
        at = LONG_AGO + timedelta(milliseconds=1)
        put(1, at=at, replicated_at=at + timedelta(days=3))

        assert "Saved in MySQL, replicated in 3 d" in words(client)

    def test_of_the_dataset_it_is_not_told(self, client: Client, ana: Author) -> None:
        put(1, replicated_at=LONG_AGO + timedelta(days=3))

        assert "Saved in MySQL, replicated 5 Sep 2010" in words(client)

    def test_a_document_from_before_the_stamp_says_so(self, client: Client, ana: Author) -> None:
        put(1)

        assert "Saved in MySQL, replicated before documents told when" in words(client)

    def test_texts_are_shown_as_texts_and_only_web_addresses_are_links(
        self, client: Client, ana: Author
    ) -> None:
        put(1, '<script>alert(1)</script> https://a.example/?b=1&c="x javascript:alert(1)')

        shown = page(client)

        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
        assert re.findall(r'<a href="(\w+:[^"]*)"', shown) == ["https://a.example/?b=1&amp;c="]

    @pytest.mark.parametrize(
        "odd",
        [
            {"text": None},
            {"created_at": None},
            {"updated_at": "Thu Sep 02 18:11:23 +0000 2010"},
            {"user_id": None},
            {"user_id": "ana"},
            {"_id": "two"},
        ],
    )
    def test_what_is_no_tweet_is_left_out(
        self, client: Client, ana: Author, odd: dict[str, Any]
    ) -> None:
        put(1)
        put(2)
        whole = mongodb.documents()["tweets"].find_one_and_delete({"_id": 2})
        assert whole is not None
        mongodb.documents()["tweets"].insert_one(whole | odd)

        assert entries(client) == [(1, "replicated")]

    def test_pages_hold_every_tweet_once(self, client: Client, ana: Author) -> None:
        highest = (1 << 64) - 1
        of_one_instant = [highest, (1 << 63) + 1, *range(2 * ENTRIES_PER_PAGE, 0, -1)]
        ids = [3_000, *of_one_instant, highest - 1]
        put(3_000, at=LONG_AGO + timedelta(milliseconds=1))
        put(highest - 1, at=LONG_AGO - timedelta(milliseconds=1))
        for id_ in of_one_instant:
            put(id_)

        assert everything(client) == ids

    @pytest.mark.parametrize(
        ("at", "shown"),
        [
            (DatetimeMS(317_355_451_200_007), "5 Aug 12026, 12:00:00"),
            (DatetimeMS(-62_156_635_200_000), "2 May 0000, 12:00:00"),
            (DatetimeMS((1 << 63) - 1), "17 Aug 292278994, 07:12:55"),
            (DatetimeMS(-1 << 63), "16 May -292275055, 16:47:04"),
        ],
    )
    def test_dates_beyond_those_of_a_calendar_are_shown_as_text(
        self, client: Client, ana: Author, at: DatetimeMS, shown: str
    ) -> None:
        put(1, at=at)
        put(2, at=at, updated_at=LONG_AGO, replicated_at=LONG_AGO)
        put(3, updated_at=at, replicated_at=at)

        assert {id_ for id_, _ in entries(client)} == {1, 2, 3}
        assert f"{shown} UTC Saved in MySQL, replicated before documents" in words(client)

    def test_ones_own_tweet_may_have_such_a_date_too(self, client: Client, ana: Author) -> None:
        tweet = Tweet.objects.create(author=ana, text="mine")
        replicate(tweet, updated_at=DatetimeMS(317_355_451_200_007))

        assert entries(client) == entries(client, "/timeline/?of=me") == [(tweet.pk, "replicated")]

    @pytest.mark.parametrize("sign", [1, -1])
    def test_pages_hold_every_tweet_of_such_dates_once(
        self, client: Client, ana: Author, sign: int
    ) -> None:
        ids = list(range(2 * ENTRIES_PER_PAGE + 1, 0, -1))
        for id_ in ids:
            put(id_, at=DatetimeMS(sign * 317_355_451_200_000 + id_ // 3))

        assert everything(client) == ids

    @pytest.mark.parametrize(
        "before",
        ["x", "7", "-1", "1.5-7", "", f"0-{1 << 64}", f"{(1 << 63) * 1000}-7", "9" * 5000],
    )
    def test_what_is_no_place_is_no_page(self, client: Client, ana: Author, before: str) -> None:
        assert client.get(f"/timeline/?before={before}").status_code == 404

    def test_a_place_may_be_before_all_time(self, client: Client, ana: Author) -> None:
        year_one = (
            datetime(1, 1, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
        ).total_seconds()

        for of in ("", "&of=me"):
            assert entries(client, f"/timeline/?before={int(year_one * 1e6)}-7{of}") == []

    def test_nothing_there_says_what_will_be(self, client: Client, ana: Author) -> None:
        assert "Nothing has arrived yet" in page(client)
        assert "You have not written yet" in page(client, "/timeline/?of=me")
        assert "That was all" in page(client, "/timeline/?before=0-1")


class TestNews:
    def since(self, client: Client) -> str:
        """The address at which the page asks for news."""
        [address] = re.findall(r'data-news="([^"]+)"', page(client))
        return str(address)

    def test_others_tweets_that_came_since_the_page_are_counted(
        self, client: Client, ana: Author
    ) -> None:
        put(5, "there already")
        address = self.since(client)
        assert client.get(address).json() == {"new": 0, "more": False}

        put(4, "of the same instant, and before it")
        put(6, "of the same instant")
        put(1, "later", at=LONG_AGO + timedelta(seconds=1))
        put(2, "one's own", user_id=ana.pk, at=LONG_AGO + timedelta(seconds=1))

        assert client.get(address).json() == {"new": 2, "more": False}

    def test_on_an_empty_page_what_comes_from_now_on_is_new(
        self, client: Client, ana: Author
    ) -> None:
        address = self.since(client)
        put(1)
        put(2, at=timezone.now() + timedelta(seconds=1))

        assert client.get(address).json() == {"new": 1, "more": False}

    def test_more_than_a_page_of_them_is_said_so(self, client: Client, ana: Author) -> None:
        put(1)
        address = self.since(client)
        for number in range(ENTRIES_PER_PAGE + 5):
            put(10 + number)

        assert client.get(address).json() == {"new": ENTRIES_PER_PAGE, "more": True}

    def test_only_the_newest_page_of_everybody_asks(self, client: Client, ana: Author) -> None:
        put(1)

        assert "data-news" not in page(client, "/timeline/?of=me")
        assert "data-news" not in page(client, "/timeline/?before=1-1")

    @pytest.mark.parametrize("since", ["", "soon", "1"])
    def test_what_is_no_place_in_the_timeline_is_not_found(
        self, client: Client, ana: Author, since: str
    ) -> None:
        assert client.get("/timeline/news/", {"since": since}).status_code == 404

    @pytest.mark.parametrize("role", [Role.TECHNICAL_WORKER, Role.SENIOR_MANAGEMENT])
    def test_other_roles_are_refused(self, client: Client, role: Role) -> None:
        client.force_login(person("other", role))

        assert client.get("/timeline/news/?since=1-1").status_code == 403

    def test_who_is_not_logged_in_is_sent_to_log_in(self, client: Client) -> None:
        client.logout()

        assert client.get("/timeline/news/").headers["Location"].startswith("/login/")


class TestWriting:
    def test_a_tweet_is_on_its_way_until_it_is_replicated(
        self, client: Client, ana: Author
    ) -> None:
        assert client.post("/timeline/", {"text": "Olá #mundo"}).headers["Location"] == "/timeline/"
        tweet = Tweet.objects.get()

        assert (tweet.author, tweet.text) == (ana, "Olá #mundo")
        assert entries(client) == [(tweet.pk, "on-its-way")]
        assert entries(client, "/timeline/?of=me") == [(tweet.pk, "on-its-way")]

        replicate(tweet)

        assert entries(client) == [(tweet.pk, "replicated")]
        assert entries(client, "/timeline/?of=me") == [(tweet.pk, "replicated")]

    def test_ones_own_of_the_last_minute_leads_however_much_others_write(
        self, client: Client, ana: Author
    ) -> None:
        client.post("/timeline/", {"text": "mine"})
        tweet = Tweet.objects.get()
        replicate(tweet)
        for id_ in range(1, 2 + ENTRIES_PER_PAGE):
            put(id_, at=timezone.now())

        assert entries(client)[0] == (tweet.pk, "replicated")

        settle(tweet)
        replicate(tweet)

        assert tweet.pk not in dict(entries(client))
        assert entries(client, "/timeline/?of=me")[0][0] == tweet.pk

    def test_a_change_is_on_its_way_until_it_is_replicated(
        self, client: Client, ana: Author
    ) -> None:
        client.post("/timeline/", {"text": "first"})
        tweet = Tweet.objects.get()
        settle(tweet)
        replicate(tweet)
        address = f"/timeline/{tweet.pk}/change/"
        assert "first" in page(client, address)

        client.post(address, {"text": "second", **seen(client, address)})

        assert entries(client) == [(tweet.pk, "change-on-its-way")]
        assert "second" in page(client)
        tweet.refresh_from_db()
        replicate(tweet)
        assert entries(client) == [(tweet.pk, "replicated")]

    def test_what_is_deleted_is_being_removed_until_it_is_gone(
        self, client: Client, ana: Author
    ) -> None:
        client.post("/timeline/", {"text": "a mistake"})
        tweet = Tweet.objects.get()
        replicate(tweet)
        address = f"/timeline/{tweet.pk}/delete/"
        assert "a mistake" in page(client, address)
        assert Tweet.objects.exists()

        client.post(address)

        assert not Tweet.objects.exists()
        assert entries(client) == [(tweet.pk, "being-removed")]
        assert address not in page(client)
        mongodb.documents()["tweets"].delete_one({"_id": tweet.pk})
        assert entries(client) == []

    def test_too_long_a_text_is_refused_and_kept_in_the_form(
        self, client: Client, ana: Author
    ) -> None:
        shown = client.post("/timeline/", {"text": "much " * 60}).content.decode()

        assert "A tweet has 280 characters at most" in shown
        assert "much much" in shown
        assert not Tweet.objects.exists()

    def test_of_two_tabs_the_second_is_told_what_the_first_has_changed(
        self, client: Client, ana: Author
    ) -> None:
        tweet = Tweet.objects.create(author=ana, text="first")
        address = f"/timeline/{tweet.pk}/change/"
        one, other = seen(client, address), seen(client, address)

        kept = client.post(address, {"text": "second <b>", **one})
        refused = client.post(address, {"text": "third", **other})

        assert (kept.status_code, refused.status_code) == (302, 200)
        tweet.refresh_from_db()
        assert tweet.text == "second <b>"
        told = refused.content.decode()
        assert "Your tweet was changed since you opened this page" in told
        assert "second &lt;b&gt;" in told
        assert "third</textarea>" in told

    def test_who_was_told_may_put_the_own_in_its_place(self, client: Client, ana: Author) -> None:
        tweet = Tweet.objects.create(author=ana, text="first")
        address = f"/timeline/{tweet.pk}/change/"
        before = seen(client, address)
        client.post(address, {"text": "second", **before})
        told = client.post(address, {"text": "third", **before}).content.decode()
        [now] = re.findall('name="seen" value="([^"]+)"', told)

        client.post(address, {"text": "third", "seen": now})

        tweet.refresh_from_db()
        assert tweet.text == "third"

    @pytest.mark.parametrize("lost", [{}, {"seen": ""}, {"seen": "0" * 64}])
    def test_a_change_that_does_not_say_what_it_was_based_on_is_refused(
        self, client: Client, ana: Author, lost: dict[str, str]
    ) -> None:
        tweet = Tweet.objects.create(author=ana, text="first")

        client.post(f"/timeline/{tweet.pk}/change/", {"text": "second", **lost})

        tweet.refresh_from_db()
        assert tweet.text == "first"

    def test_what_is_there_already_needs_no_saying(self, client: Client, ana: Author) -> None:
        tweet = Tweet.objects.create(author=ana, text="first")
        address = f"/timeline/{tweet.pk}/change/"
        before = seen(client, address)
        client.post(address, {"text": "second", **before})

        assert client.post(address, {"text": "second", **before}).status_code == 302

    def test_only_ones_own_tweets_can_be_changed(self, client: Client, ana: Author) -> None:
        zoe = author_of(person("zoe"))
        of_zoe = Tweet.objects.create(author=zoe, text="hers")

        for address in (f"/timeline/{of_zoe.pk}/change/", f"/timeline/{of_zoe.pk}/delete/"):
            assert client.get(address).status_code == 404
            assert client.post(address, {"text": "mine now"}).status_code == 404

        assert Tweet.objects.get().text == "hers"

    @pytest.mark.parametrize("role", [Role.TECHNICAL_WORKER, Role.SENIOR_MANAGEMENT])
    def test_other_roles_cannot_write(self, client: Client, role: Role) -> None:
        client.force_login(person("tom", role))

        assert client.post("/timeline/", {"text": "x"}).status_code == 403
        assert not Tweet.objects.exists()


class TestName:
    def test_it_is_changed_in_mysql_and_shown_as_the_tweets_have_it(
        self, client: Client, ana: Author
    ) -> None:
        tweet = Tweet.objects.create(author=ana, text="mine")
        replicate(tweet)

        kept = client.post(NAME, {"name": "Ana María", **seen(client, NAME)})

        assert kept.headers["Location"] == "/timeline/"
        ana.refresh_from_db()
        assert ana.name == "Ana María"
        assert "<h2><bdi>ana</bdi></h2>" in page(client)
        tweet.refresh_from_db()
        replicate(tweet)
        assert "<h2><bdi>Ana María</bdi></h2>" in page(client)

    def test_of_two_tabs_the_second_is_told_what_the_first_has_changed(
        self, client: Client, ana: Author
    ) -> None:
        one, other = seen(client, NAME), seen(client, NAME)
        client.post(NAME, {"name": "Ana <b>", **one})

        refused = client.post(NAME, {"name": "Anna", **other})

        ana.refresh_from_db()
        assert ana.name == "Ana <b>"
        assert "Your name is now: Ana &lt;b&gt;" in refused.content.decode()

    @pytest.mark.parametrize("name", ["", " ", "x" * 256])
    def test_what_is_no_name_is_refused(self, client: Client, ana: Author, name: str) -> None:
        client.post(NAME, {"name": name, **seen(client, NAME)})

        ana.refresh_from_db()
        assert ana.name == "ana"

    @pytest.mark.parametrize("role", [Role.TECHNICAL_WORKER, Role.SENIOR_MANAGEMENT])
    def test_other_roles_have_none(self, client: Client, role: Role) -> None:
        client.force_login(person("tom", role))

        assert client.post(NAME, {"name": "Thomas"}).status_code == 403


class TestTargetDown:
    @pytest.fixture(params=["refuses", "is silent", "is frozen"])
    def down(self, request: pytest.FixtureRequest) -> Iterator[str]:
        """A MongoDB that refuses, one that takes connections and says nothing, one that hangs."""
        if request.param == "is frozen":
            server = request.getfixturevalue("stopped_in_a_query")
            yield server.uri
            return
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
            if request.param == "refuses":
                listening.close()
            yield f"mongodb://127.0.0.1:{port}/"

    @pytest.fixture
    def stopped_in_a_query(self) -> Iterator[MongoServer]:
        with mongo_server() as server:
            with override_settings(MONGODB_URI=server.uri):
                list(mongodb.documents()["tweets"].find())  # so that there is a connection
            os.kill(server.pid, signal.SIGSTOP)
            yield server
            os.kill(server.pid, signal.SIGCONT)

    def test_the_page_says_so_soon_and_writing_goes_on(
        self, client: Client, ana: Author, down: str
    ) -> None:
        with override_settings(MONGODB_URI=down):
            started = time.monotonic()
            assert client.post("/timeline/", {"text": "all the same"}).status_code == 302
            shown = page(client)
            took = time.monotonic() - started

        assert "MongoDB does not answer" in shown
        assert _ENTRY.findall(shown) == [(str(Tweet.objects.get().pk), "unknown")]
        assert "Nothing has arrived yet" not in shown
        assert took < 20  # two seconds, and the rest for a busy machine; the driver waits for 30 s

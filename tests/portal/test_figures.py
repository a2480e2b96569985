"""Senior management's page: what it counts in MongoDB, and what it says of the data's age."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from bson import DatetimeMS, Decimal128
from django.core.cache import cache
from django.test import Client, override_settings

from cdc_sandbox.servers import Flavour, MongoServer
from cdc_sandbox.servers.ports import free_port
from portal import mongodb
from portal.accounts.roles import Role
from portal.dashboards.figures import counting
from portal.dashboards.figures.counting import Bar, Period, Ranked, Registrations
from portal.dashboards.figures.freshness import freshness
from portal.dashboards.replication.verdict import Verdict
from tests.portal.support.people import person

PAGE = "/figures/"
CSV = "/figures/tweets.csv"
NEWEST = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)
ANSWERED_SECONDS = 20.0
"""The driver alone would wait for 30 s."""


@pytest.fixture(scope="session")
def flavour() -> Flavour:
    """What the page shows does not come from Django's database: one flavour does."""
    return "mysql"


@pytest.fixture
def client(client: Client) -> Client:
    client.force_login(person("max", Role.SENIOR_MANAGEMENT))
    return client


@pytest.fixture
def documents(target: MongoServer) -> Iterator[mongodb.Documents]:
    """The target database; no daemon answers."""
    cache.clear()
    status = f"http://127.0.0.1:{free_port()}/status"
    with override_settings(CDC_NAME="figured", CDC_STATUS_URL=status):
        yield mongodb.documents()


def tweet(number: int, at: datetime, author: Any = 1, *tags: Any) -> dict[str, Any]:
    return {
        "_id": number,
        "user_id": author,
        "created_at": at,
        "entities": {"hashtags": [{"text": tag} for tag in tags]},
    }


def day(number: int, hour: int = 12) -> datetime:
    return datetime(2026, 3, number, hour, tzinfo=UTC)


class TestCounting:
    def test_tweets_are_counted_by_day_of_utc_and_days_without_any_are_there(
        self, documents: mongodb.Documents
    ) -> None:
        late = datetime(2026, 3, 1, 23, 59, 59, 999_000, tzinfo=UTC)
        documents["tweets"].insert_many(
            [tweet(1, day(1, 0)), tweet(2, late), tweet(3, day(2, 0)), tweet(4, day(4))]
        )

        counted = counting.tweets_over_time(documents, None)

        assert counted.unit == "day"
        assert counted.bars == [
            Bar(date(2026, 3, 1), 2),
            Bar(date(2026, 3, 2), 1),
            Bar(date(2026, 3, 3), 0),
            Bar(date(2026, 3, 4), 1),
        ]

    def test_a_period_ends_with_the_newest_tweet_and_has_all_its_days(
        self, documents: mongodb.Documents
    ) -> None:
        since = Period.MONTH.before(NEWEST)
        assert since == datetime(2026, 3, 2, tzinfo=UTC)
        documents["tweets"].insert_many([tweet(1, day(1, 23)), tweet(2, day(31))])

        counted = counting.tweets_over_time(documents, since)

        assert (len(counted.bars), counted.tweets) == (30, 1)
        assert counted.bars[-1] == Bar(date(2026, 3, 31), 1)

    def test_many_years_are_counted_by_month(self, documents: mongodb.Documents) -> None:
        first = datetime(2010, 9, 2, 18, 11, tzinfo=UTC)
        documents["tweets"].insert_many([tweet(1, first), tweet(2, first), tweet(3, NEWEST)])

        counted = counting.tweets_over_time(documents, None)

        assert counted.unit == "month"
        assert counted.bars[0] == Bar(date(2010, 9, 1), 2)
        assert counted.bars[-1] == Bar(date(2026, 3, 1), 1)
        assert len(counted.bars) == 187
        assert counted.tweets == 3

    def test_centuries_are_counted_by_year(self, documents: mongodb.Documents) -> None:
        first, last = datetime(1, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
        documents["tweets"].insert_many([tweet(1, first), tweet(2, NEWEST), tweet(3, last)])

        counted = counting.tweets_over_time(documents, None)

        assert counted.unit == "year"
        assert len(counted.bars) == 9999
        assert [bar for bar in counted.bars if bar.tweets] == [
            Bar(date(1, 1, 1), 1),
            Bar(date(2026, 1, 1), 1),
            Bar(date(9999, 1, 1), 1),
        ]

    def test_top_authors_have_their_names_also_beyond_what_int64_holds(
        self, documents: mongodb.Documents
    ) -> None:
        large = Decimal128(str(2**64 - 1))
        documents["users"].insert_many(
            [
                {"_id": 1, "screen_name": "ana", "name": "Ana"},
                {"_id": large, "screen_name": "max", "name": "Max"},
            ]
        )
        authors = [1, large, large, 3, 3, 3]
        documents["tweets"].insert_many(
            [tweet(number, NEWEST, author) for number, author in enumerate(authors)]
        )

        assert counting.top_authors(documents, None) == [
            Ranked("author 3", "", 3),
            Ranked("@max", "Max", 2),
            Ranked("@ana", "Ana", 1),
        ]

    def test_top_hashtags_are_ten_whatever_their_case(self, documents: mongodb.Documents) -> None:
        others = [f"tag{number}" for number in range(11)]
        documents["tweets"].insert_many(
            [
                tweet(1, NEWEST, 1, "MySQL", "cdc", *others),
                tweet(2, NEWEST, 1, "mysql"),
                tweet(3, day(1), 1, "cdc"),
            ]
        )

        top = counting.top_hashtags(documents, day(2))

        assert top[:2] == [Ranked("#mysql", "", 2), Ranked("#cdc", "", 1)]
        assert len(top) == 10

    @pytest.mark.parametrize(
        ("spelled", "shown"),
        [
            (("ÄRGER", "Ärger", "ärger", "ärger"), "#ärger"),
            (("STRASSE", "straße", "straße"), "#straße"),
            (("ΟΔΟΣ", "οδος", "οδος"), "#οδος"),
            (("e\u0301té", "ÉTÉ", "ÉTÉ"), "#été"),
        ],
    )
    def test_hashtags_of_every_alphabet_are_one_whatever_their_case(
        self, documents: mongodb.Documents, spelled: tuple[str, ...], shown: str
    ) -> None:
        documents["tweets"].insert_one(tweet(1, NEWEST, 1, *spelled, "cdc"))

        top = counting.top_hashtags(documents, None)

        assert top == [Ranked(shown, "", len(spelled)), Ranked("#cdc", "", 1)]

    @pytest.mark.parametrize("others", [("ひらがな", "ヒラガナ"), ("x²", "x2"), ("ärger", "arger")])
    def test_hashtags_that_differ_in_more_than_case_are_two(
        self, documents: mongodb.Documents, others: tuple[str, str]
    ) -> None:
        documents["tweets"].insert_one(tweet(1, NEWEST, 1, *others))

        assert len(counting.top_hashtags(documents, None)) == 2

    def test_spellings_that_are_rare_each_count_together(
        self, documents: mongodb.Documents
    ) -> None:
        others = [f"tag{number}" for number in range(10)]
        tags = [*others, *others, "Ärger", "ärger", "ÄRGER"]
        documents["tweets"].insert_one(tweet(1, NEWEST, 1, *tags))

        top = counting.top_hashtags(documents, None)

        assert top[:2] == [Ranked("#ärger", "", 3), Ranked("#tag0", "", 2)]

    @pytest.mark.parametrize(
        "entities", [None, {}, [], "text", {"hashtags": None}, {"hashtags": [{"text": 5}, "x"]}]
    )
    def test_entities_of_another_shape_count_as_none(
        self, documents: mongodb.Documents, entities: Any
    ) -> None:
        odd = {**tweet(1, NEWEST), "entities": entities}
        documents["tweets"].insert_many([odd, tweet(2, NEWEST, 1, "cdc")])

        assert counting.top_hashtags(documents, None) == [Ranked("#cdc", "", 1)]

    def test_registrations_are_by_role_with_those_of_the_last_month(
        self, documents: mongodb.Documents
    ) -> None:
        joined = [("customer", 1), ("customer", 40), ("senior_management", 40), ("guest", 2)]
        documents["accounts"].insert_many(
            [{"role": role, "date_joined": NEWEST - timedelta(days=days)} for role, days in joined]
        )

        assert counting.registrations(documents, NEWEST) == [
            Registrations("customer", 2, 1),
            Registrations("technical worker", 0, 0),
            Registrations("senior management", 1, 0),
            Registrations("guest", 1, 1),
        ]


class TestPage:
    def test_it_shows_the_figures_and_a_table_beside_the_chart(
        self, client: Client, documents: mongodb.Documents
    ) -> None:
        documents["users"].insert_one({"_id": 1, "screen_name": "ana", "name": "<b>Ana</b>"})
        documents["tweets"].insert_many([tweet(1, day(30)), tweet(2, day(31), 1, "cdc")])
        documents["accounts"].insert_one({"role": "customer", "date_joined": datetime.now(UTC)})

        seen = client.get(PAGE).content.decode()

        assert "2 tweets in the 30 days up to the newest one" in seen
        assert '<time datetime="2026-03-31">31 Mar 2026</time>' in seen
        assert '<data value="1">1</data>' in seen
        assert "@ana" in seen
        assert "&lt;b&gt;Ana&lt;/b&gt;" in seen
        assert "#cdc" in seen
        assert '<td class="number">+1</td>' in seen

    def test_the_period_is_asked_for_and_nonsense_is_a_month(
        self, client: Client, documents: mongodb.Documents
    ) -> None:
        documents["tweets"].insert_many([tweet(1, NEWEST - timedelta(days=100)), tweet(2, NEWEST)])

        counts = {
            asked: "2 tweets" in client.get(PAGE, {"period": asked}).content.decode()
            for asked in ("month", "year", "all", "x")
        }

        assert counts == {"month": False, "year": True, "all": True, "x": False}

    def test_the_days_are_asked_for_the_first_and_the_last_included(
        self, client: Client, documents: mongodb.Documents
    ) -> None:
        midnight = day(3, 0)
        moments = [
            *(day(1, 23), day(2, 0), day(2)),
            *(midnight - timedelta(milliseconds=1), midnight),
        ]
        documents["tweets"].insert_many([tweet(at, each) for at, each in enumerate(moments)])

        answer = client.get(PAGE, {"since": f"{day(2):%Y-%m-%d}", "until": f"{day(2):%Y-%m-%d}"})

        counted = answer.context["summary"]
        assert counted.over_time.bars == [Bar(day(2).date(), 3)]
        assert (counted.earlier, counted.change_percent) == (1, 200)
        assert sum(each.times for each in counted.top_authors) == 3
        seen = " ".join(answer.content.decode().split())
        assert "3 tweets in the 1 day from 2 Mar 2026 to 2 Mar 2026" in seen
        assert "+200 %</span>" in seen
        assert "against 1 in the 1 day before" in seen

    def test_a_change_from_next_to_nothing_is_told_by_its_count_alone(
        self, client: Client, documents: mongodb.Documents
    ) -> None:
        documents["tweets"].insert_one(tweet(0, day(1)))
        documents["tweets"].insert_many([tweet(1 + at, day(2)) for at in range(11)])

        answer = client.get(PAGE, {"since": "2026-03-02", "until": "2026-03-02"})

        assert answer.context["summary"].change_percent is None
        assert "1 in the 1 day before" in answer.content.decode()

    def test_days_without_a_tweet_are_shown_up_to_the_last_that_was_asked_for(
        self, client: Client, documents: mongodb.Documents
    ) -> None:
        documents["tweets"].insert_one(tweet(1, day(2)))

        asked = {"since": "2026-03-01", "until": "2026-03-04"}
        counted = client.get(PAGE, asked).context["summary"]

        assert [each.tweets for each in counted.over_time.bars] == [0, 1, 0, 0]
        assert (counted.earlier, counted.change_percent) == (0, None)

    @pytest.mark.parametrize(
        ("asked", "said"),
        [
            ({"since": "2026-03-02", "until": "2026-03-01"}, "The last day is before the first."),
            ({"since": "2026-03-02"}, "Enter the last day."),
            ({"since": "", "until": "2026-03-01"}, "Enter the first day."),
            ({"since": "soon", "until": "2026-03-01"}, "This is no day: it looks like 2026-11-30."),
        ],
    )
    def test_days_that_are_none_are_told_once_and_a_month_is_shown(
        self, client: Client, documents: mongodb.Documents, asked: dict[str, str], said: str
    ) -> None:
        answer = client.get(PAGE, asked)

        assert answer.content.decode().count(said) == 1
        assert len(answer.context["form"].errors) == 1
        assert answer.context["period"] is Period.MONTH

    @pytest.mark.parametrize(
        "asked",
        [
            {"since": "0001-01-01", "until": "0001-01-02"},
            {"since": "9999-12-30", "until": "9999-12-31"},
        ],
    )
    def test_the_ends_of_the_calendar_can_be_asked_for(
        self, client: Client, documents: mongodb.Documents, asked: dict[str, str]
    ) -> None:
        documents["tweets"].insert_one(tweet(1, NEWEST))

        assert client.get(PAGE, asked).context["summary"].over_time.bars == []

    def test_the_tweets_over_time_are_downloaded_as_they_are_shown(
        self, client: Client, documents: mongodb.Documents
    ) -> None:
        documents["tweets"].insert_many([tweet(1, day(1)), tweet(2, day(3)), tweet(3, day(3))])

        answer = client.get(CSV, {"since": "2026-03-01", "until": "2026-03-03"})

        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        name = 'attachment; filename="tweets-2026-03-01-to-2026-03-03.csv"'
        assert answer.headers["Content-Disposition"] == name
        lines = ["day,tweets", "2026-03-01,1", "2026-03-02,0", "2026-03-03,2", ""]
        assert answer.content.decode() == "\r\n".join(lines)
        assert f'href="{CSV}?period=month"' in client.get(PAGE).content.decode()

    def test_what_cannot_be_counted_is_not_downloaded_as_nothing(
        self, client: Client, documents: mongodb.Documents, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("portal.dashboards.figures.summary.COUNTED_WITHIN_SECONDS", 1e-6)
        documents["tweets"].insert_one(tweet(1, NEWEST))

        answer = client.get(CSV, follow=True)

        assert "The figures could not be counted now" in answer.content.decode()

    @pytest.mark.parametrize("role", [Role.CUSTOMER, Role.TECHNICAL_WORKER])
    def test_other_roles_download_nothing(self, client: Client, role: Role) -> None:
        client.force_login(person("other", role))

        assert client.get(CSV).status_code == 403

    def test_who_is_not_logged_in_downloads_nothing(self, client: Client) -> None:
        client.logout()

        assert client.get(CSV).headers["Location"].startswith("/login/")

    def test_what_was_counted_holds_for_a_minute_and_says_when(
        self, client: Client, documents: mongodb.Documents
    ) -> None:
        documents["tweets"].insert_one(tweet(1, NEWEST))
        first = client.get(PAGE)
        documents["tweets"].insert_one(tweet(2, NEWEST))

        again, other = client.get(PAGE), client.get(PAGE, {"period": "year"})

        assert again.context["summary"] == first.context["summary"]
        assert f"{again.context['summary'].at:%H:%M:%S} UTC" in again.content.decode()
        assert other.context["summary"].over_time.tweets == 2

    def test_what_takes_too_long_is_left_out_and_said(
        self, client: Client, documents: mongodb.Documents, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("portal.dashboards.figures.summary.COUNTED_WITHIN_SECONDS", 1e-6)
        documents["tweets"].insert_one(tweet(1, NEWEST, 1, "cdc"))

        seen = client.get(PAGE).content.decode()

        assert seen.count("Counting this took too long") == 4
        assert "The newest was not found in time" in seen

    @pytest.mark.parametrize("period", ["month", "year", "all"])
    @pytest.mark.parametrize(
        "odd", [DatetimeMS(317_355_451_200_007), DatetimeMS(-62_156_635_200_000)]
    )
    def test_tweets_of_dates_beyond_those_of_a_calendar_are_in_no_period(
        self, client: Client, documents: mongodb.Documents, period: str, odd: Any
    ) -> None:
        documents["tweets"].insert_many([tweet(1, NEWEST), tweet(2, odd, 2, "cdc")])
        documents["accounts"].insert_one({"role": "customer", "date_joined": odd})

        summary = client.get(PAGE, {"period": period}).context["summary"]

        assert (summary.newest, summary.over_time.tweets) == (NEWEST, 1)
        assert (len(summary.top_authors), summary.top_hashtags) == (1, [])

    @pytest.mark.parametrize("period", ["month", "year", "all"])
    @pytest.mark.parametrize("odd", [datetime(1, 1, 1, tzinfo=UTC), datetime.max])
    def test_the_first_and_the_last_day_of_a_calendar_are(
        self, client: Client, documents: mongodb.Documents, period: str, odd: datetime
    ) -> None:
        documents["tweets"].insert_one(tweet(1, odd))

        summary = client.get(PAGE, {"period": period}).context["summary"]

        assert summary.over_time.tweets == 1

    def test_without_tweets_it_says_so(self, client: Client, documents: mongodb.Documents) -> None:
        seen = client.get(PAGE).content.decode()

        assert "No tweets yet" in seen
        assert "No account was replicated yet." in seen

    def test_with_mongodb_down_it_says_so_soon(
        self, client: Client, documents: mongodb.Documents
    ) -> None:
        with override_settings(MONGODB_URI=f"mongodb://127.0.0.1:{free_port()}/"):
            started = time.monotonic()
            answer = client.get(PAGE)
            took = time.monotonic() - started

        assert answer.status_code == 200
        assert "MongoDB does not answer" in answer.content.decode()
        assert took < ANSWERED_SECONDS


class TestAge:
    @pytest.mark.parametrize(
        ("lag", "level"), [(0.5, "good"), (60, "good"), (61, "warning"), (7200, "warning")]
    )
    def test_it_is_the_lag_where_the_daemon_knows_it(self, lag: float, level: str) -> None:
        told = freshness(Verdict("good", "", "", lag), None)

        assert (told.level, told.age_seconds) == (level, lag)

    def test_without_a_daemon_it_is_that_of_the_last_change_that_came(
        self, client: Client, documents: mongodb.Documents
    ) -> None:
        committed = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=3, seconds=20)
        mongodb.state()["streams"].insert_one(
            {
                "_id": "figured",
                "position": {"file": "binlog.000001", "offset": 4},
                "committed_at": committed,
                "lease_until": None,
            }
        )

        answer = client.get(PAGE)

        shown = answer.context["freshness"]
        assert shown.age_seconds == pytest.approx(200, abs=30)
        assert "Replication does not answer." in answer.content.decode()
        assert f"{committed:%H:%M:%S} UTC" in answer.content.decode()

    def test_where_nothing_is_known_nothing_is_invented(
        self, client: Client, documents: mongodb.Documents
    ) -> None:
        answer = client.get(PAGE)

        assert answer.context["freshness"].age_seconds is None
        assert "cannot be told now" in answer.content.decode()

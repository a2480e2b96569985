from __future__ import annotations

import re
from collections import Counter

import pytest
from playwright.sync_api import Page, expect

from portal.accounts.models import User
from portal.accounts.roles import Role
from tests.portal.browser.support.barriers import barriers
from tests.portal.browser.support.stack import Stack
from tests.portal.browser.support.visitor import Visit
from tests.portal.support.people import person
from tests.support.waiting import eventually


@pytest.fixture
def mara(stack: Stack) -> User:
    """Somebody of senior management; her name is used once."""
    return person(f"mara{User.objects.count()}", Role.SENIOR_MANAGEMENT)


def figure(page: Page, name: str) -> str:
    """The big number that goes by this name."""
    stat = page.locator(".stat").filter(has=page.get_by_text(name, exact=True))
    return stat.locator("dd").first.inner_text()


class TestSeniorManagement:
    @pytest.mark.usefixtures("tweets")
    def test_the_figures_are_those_of_the_replicated_data(
        self, visit: Visit, stack: Stack, mara: User
    ) -> None:
        eventually(lambda: stack.documents["accounts"].find_one({"_id": mara.pk}))
        tweets = list(stack.documents["tweets"].find())
        authors = Counter(tweet["user_id"] for tweet in tweets)
        [(busiest, most)] = authors.most_common(1)
        accounts = stack.documents["accounts"].count_documents({})
        name = stack.documents["users"].find_one({"_id": busiest})

        # Counts are kept for a minute: only this test asks for all time.
        page = visit(mara).open("/figures/?period=all")

        assert figure(page, "Tweets") == f"{len(tweets):,}"
        assert figure(page, "Accounts") == f"{accounts:,}"
        first = page.get_by_role("region", name="Top authors").get_by_role("row").nth(1)
        expect(first).to_contain_text(f"{most:,}")
        assert name is not None
        expect(page.get_by_role("region", name="Top authors")).to_contain_text(str(name["name"]))
        roles = page.get_by_role("region", name="Registrations by role")
        expect(roles.get_by_role("row").filter(has_text="Senior management")).to_be_visible()

    @pytest.mark.usefixtures("tweets")
    def test_the_chart_says_what_its_table_says(self, visit: Visit, mara: User) -> None:
        page = visit(mara).open("/figures/?period=year")
        days = page.get_by_role("region", name="Tweets by day")

        expect(days.locator("canvas")).to_be_visible()
        days.get_by_text("As a table").click()

        counts = days.locator("td data").evaluate_all("cells => cells.map(cell => +cell.value)")
        assert sum(counts) > 0
        # Not the figure of all tweets: some are older than a year, or of no date.
        expect(days.first).to_contain_text(
            f"{sum(counts):,} tweets in the 365 days up to the newest one"
        )

    @pytest.mark.usefixtures("tweets")
    def test_days_are_chosen_and_downloaded_by_keys_alone(self, visit: Visit, mara: User) -> None:
        visitor = visit(mara)
        page = visitor.open("/figures/?period=year")
        newest = page.locator("#over-time time").last.get_attribute("datetime") or ""

        page.get_by_label("First day").fill(newest)
        page.get_by_label("Last day").fill(newest)
        page.get_by_role("button", name="Show these days").press("Enter")

        expect(page.get_by_role("region", name="Tweets by day")).to_contain_text(
            "in the 1 day from"
        )
        expect(page.get_by_label("First day")).to_have_value(newest)
        counted = page.locator("#over-time data").all_text_contents()
        visitor.keep_picture("figures-days")
        assert barriers(page) == []
        with page.expect_download() as download:
            page.get_by_role("link", name="Download CSV").press("Enter")
        assert download.value.suggested_filename == f"tweets-{newest}-to-{newest}.csv"
        text = download.value.path().read_text()
        assert text.splitlines() == ["day,tweets", f"{newest},{counted[0].replace(',', '')}"]

    @pytest.mark.usefixtures("tweets")
    def test_the_age_of_the_data_is_told_with_and_without_a_daemon(
        self, visit: Visit, stack: Stack, mara: User
    ) -> None:
        visitor = visit(mara)

        age = visitor.open("/figures/").locator("#freshness")
        expect(age).to_contain_text("The data is up to date.")

        with stack.without_daemon():
            visitor.page.reload()
            expect(age).to_contain_text("Replication does not answer.")

    @pytest.mark.parametrize("path", ["/timeline/", "/replication/", "/replication/state/"])
    def test_the_pages_of_other_roles_are_forbidden(
        self, visit: Visit, mara: User, path: str
    ) -> None:
        page = visit(mara).open_refused(path, status=403)

        page.get_by_role("link", name="To your page").click()

        expect(page).to_have_url(re.compile("/figures/$"))

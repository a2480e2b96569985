from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from cdc_sandbox.servers.ports import LOOPBACK
from portal.accounts.allowances import take
from portal.accounts.authors import author_of
from portal.accounts.models import Allowance, User
from portal.tweets.models import Tweet
from tests.portal.browser.support.barriers import barriers
from tests.portal.browser.support.stack import Stack
from tests.portal.browser.support.visitor import DESKTOP, PHONE, Visit
from tests.portal.support.people import PASSWORD, person
from tests.support.waiting import eventually

REPLICATED = re.compile(r"aved in MySQL, replicated in \d")


@pytest.fixture
def ana(stack: Stack) -> User:
    """A customer; her name is used once."""
    return person(f"ana{User.objects.count()}")


@pytest.fixture
def used_up(stack: Stack) -> Iterator[None]:
    """From loopback somebody has registered, and asked for links, as often as one may."""
    for what in ("register", "reset"):
        while take(what, LOOPBACK, per_hour=10, now=timezone.now()) is None:
            pass
    yield
    Allowance.objects.all().delete()


def register(page: Page, name: str) -> None:
    page.get_by_label("Username").fill(name)
    page.get_by_label("Mail address").fill(f"{name}@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Register").click()


def write(page: Page, text: str) -> Locator:
    """Write a tweet and return where the timeline has it."""
    page.get_by_label("Your tweet").fill(text)
    page.get_by_role("button", name="Tweet").click()
    return entry(page, text)


def entry(page: Page, text: str) -> Locator:
    return page.get_by_role("article").filter(has_text=text)


def texts(stack: Stack) -> set[object]:
    """What the replicated tweets say."""
    return {tweet["text"] for tweet in stack.documents["tweets"].find()}


def names(stack: Stack, *texts: str) -> set[object]:
    """The names of their authors that the replicated tweets of these texts embed."""
    found = stack.documents["tweets"].find({"text": {"$in": [*texts]}})
    return {tweet["author"]["name"] for tweet in found}


class TestCustomer:
    def test_a_tweet_from_registration_to_its_end(self, visit: Visit, stack: Stack) -> None:
        visitor = visit()
        page = visitor.page

        visitor.open("/")
        page.get_by_role("main").get_by_role("link", name="Register").click()
        register(page, "newcomer")

        expect(page.get_by_role("heading", name="Timeline")).to_be_visible()
        tweet = write(page, "The first of mine")
        expect(tweet).to_contain_text(REPLICATED)
        assert "The first of mine" in texts(stack)
        visitor.keep_picture("timeline-replicated")

        tweet.get_by_role("link", name="Change").click()
        page.get_by_label("Your tweet").fill("The first of mine, said better")
        page.get_by_role("button", name="Keep the change").click()
        tweet = entry(page, "The first of mine, said better")
        expect(tweet).to_contain_text(REPLICATED)
        assert "The first of mine, said better" in texts(stack)

        tweet.get_by_role("link", name="Delete").click()
        page.get_by_role("button", name="Delete it").click()
        expect(entry(page, "The first of mine")).to_have_count(0)
        eventually(lambda: not any("of mine" in str(each) for each in texts(stack)))

    def test_others_new_tweets_announce_themselves(
        self, visit: Visit, stack: Stack, ana: User
    ) -> None:
        visitor = visit(ana)
        page = visitor.open("/timeline/")
        zoe = author_of(person(f"zoe{User.objects.count()}"))
        for number in range(3):
            Tweet.objects.create(author=zoe, text=f"News of Zoë's, {number}")

        link = page.get_by_role("status").get_by_role("link", name="3 new tweets")
        expect(link).to_be_visible()
        visitor.keep_picture("timeline-news")
        assert barriers(page) == []
        expect(entry(page, "News of Zoë's, 2")).to_have_count(0)
        link.press("Enter")

        expect(entry(page, "News of Zoë's, 2")).to_be_visible()
        expect(link).to_have_count(0)

    def test_the_counter_turns_red_where_a_tweet_is_too_long(
        self, visit: Visit, stack: Stack, ana: User
    ) -> None:
        visitor = visit(ana)
        page = visitor.open("/timeline/")
        page.get_by_label("Your tweet").fill("x" * 285)

        counter = page.locator(".left")
        expect(counter).to_have_text("5 too many")
        expect(counter).to_have_class(re.compile("over"))
        visitor.keep_picture("timeline-too-long")
        assert barriers(page) == []
        page.get_by_label("Your tweet").fill("x")
        expect(counter).not_to_have_class(re.compile("over"))

    @pytest.mark.parametrize(("width", "dark"), [(DESKTOP, False), (PHONE, True)])
    def test_a_change_in_another_tab_is_shown_before_it_is_changed_again(
        self, visit: Visit, ana: User, width: int, dark: bool
    ) -> None:
        tweet = Tweet.objects.create(author=author_of(ana), text="The train leaves at nine")
        visitor = visit(ana, width=width, dark=dark)
        page = visitor.open(f"/timeline/{tweet.pk}/change/")
        tweet.text = "The train leaves at ten,\nfrom platform 4"
        tweet.save()

        page.get_by_label("Your tweet").fill("The train leaves at half past nine")
        page.get_by_role("button", name="Keep the change").click()

        expect(
            page.get_by_text("Your tweet was changed since you opened this page")
        ).to_be_visible()
        expect(page.get_by_text("The train leaves at ten")).to_be_visible()
        expect(page.get_by_label("Your tweet")).to_have_value("The train leaves at half past nine")
        visitor.keep_picture("changed-meanwhile")
        assert barriers(page) == []
        page.get_by_role("button", name="Keep the change").click()
        mine = entry(page, "The train leaves at half past nine").filter(has_text=ana.username)
        expect(mine).to_be_visible()

    def test_everybody_reads_it(self, visit: Visit, ana: User) -> None:
        write(visit(ana).open("/timeline/"), "Good morning to all")

        reader = visit(person("reader"))
        page = reader.open("/timeline/")

        expect(entry(page, "Good morning to all")).to_contain_text(ana.username)
        expect(entry(page, "Good morning to all").get_by_role("link", name="Change")).to_have_count(
            0
        )

    def test_markup_is_text_and_addresses_are_links(self, visit: Visit, ana: User) -> None:
        text = "<img src=x onerror=alert(1)> https://example.com/a?b=1&c=2 javascript:alert(1)"

        tweet = write(visit(ana).open("/timeline/"), text)

        expect(tweet.locator(".text")).to_have_text(text)
        expect(tweet.locator(".text a")).to_have_attribute("href", "https://example.com/a?b=1&c=2")

    def test_a_changed_name_comes_to_tweets_by_replication(
        self, visit: Visit, stack: Stack, ana: User
    ) -> None:
        page = visit(ana).open("/timeline/")
        first, second = f"First of {ana.username}", f"Second of {ana.username}"
        expect(write(page, first)).to_contain_text(REPLICATED)
        expect(write(page, second)).to_contain_text(REPLICATED)

        page.get_by_role("link", name="Change your name").click()
        page.get_by_label("Your name").fill("Ana María")
        page.get_by_role("button", name="Keep the change").click()
        eventually(lambda: names(stack, first, second) == {"Ana María"})
        other = visit(person(f"reader{User.objects.count()}")).open("/timeline/")

        for text in (first, second):
            expect(entry(other, text).get_by_role("heading")).to_have_text("Ana María")

    def test_without_the_daemon_a_tweet_is_on_its_way_until_there_is_one_again(
        self, visit: Visit, stack: Stack, ana: User
    ) -> None:
        with stack.without_daemon():
            tweet = write(visit(ana).open("/timeline/"), "Sent while nobody listens")
            expect(tweet).to_contain_text("on its way")

        expect(tweet).to_contain_text("replicated")

    def test_characters_that_a_browser_counts_twice_count_once(
        self, visit: Visit, ana: User
    ) -> None:
        page = visit(ana).open("/timeline/")
        page.get_by_label("Your tweet").focus()

        page.keyboard.insert_text("🦀" * 280)
        expect(page.get_by_text("0 left", exact=True)).to_be_visible()
        page.get_by_role("button", name="Tweet").click()

        expect(entry(page, "🦀" * 280).locator(".text")).to_have_text("🦀" * 280)

    def test_a_tweet_that_is_too_long_is_not_sent(self, visit: Visit, ana: User) -> None:
        page = visit(ana).open("/timeline/")

        write(page, "🦀" * 283)
        expect(page.get_by_text("3 too many")).to_be_visible()
        expect(page.locator("#id_text:invalid")).to_have_value("🦀" * 283)
        page.get_by_label("Your tweet").fill("short")

        expect(page.locator("#id_text:valid")).to_have_value("short")

    def test_without_scripts_a_tweet_that_is_too_long_is_kept_in_the_form(
        self, visit: Visit, ana: User
    ) -> None:
        page = visit(ana, scripts=False).open("/timeline/")

        write(page, "x" * 281)

        expect(page.get_by_label("Your tweet")).to_have_value("x" * 281)
        expect(page.get_by_text("280 characters at most; this has 281")).to_be_visible()
        assert not Tweet.objects.filter(text="x" * 281).exists()

    @pytest.mark.parametrize(
        ("path", "heading"),
        [("/register/", "Too many new accounts"), ("/password/reset/", "Too many links")],
    )
    @pytest.mark.parametrize(("width", "dark"), [(DESKTOP, False), (PHONE, True)])
    def test_who_comes_too_often_is_told_when_to_come_again(
        self, visit: Visit, used_up: None, path: str, heading: str, width: int, dark: bool
    ) -> None:
        visitor = visit(width=width, dark=dark)
        page = visitor.open(path)
        if path == "/register/":
            register(page, "latecomer")
        else:
            page.get_by_label("Mail address").fill("ana@example.com")
            page.get_by_role("button", name="Send the link").click()

        expect(page.get_by_role("heading")).to_have_text(heading)
        told = re.compile(r"Try again in [1-6] minutes\.")  # six, less what a busy machine takes
        expect(page.get_by_text(told)).to_be_visible()
        visitor.keep_picture(f"too-often{path.replace('/', '-')}")
        assert barriers(page) == []
        assert "a status of 429" in visitor.complaints.pop()

    @pytest.mark.parametrize("path", ["/replication/", "/figures/"])
    def test_the_pages_of_other_roles_are_forbidden(
        self, visit: Visit, ana: User, path: str
    ) -> None:
        visitor = visit(ana)

        page = visitor.open_refused(path, status=403)

        expect(page.get_by_role("heading")).to_have_text("This page is not for your role")
        page.get_by_role("link", name="To your page").click()
        expect(page).to_have_url(re.compile("/timeline/$"))

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from typing import Literal

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from portal.accounts.authors import author_of
from portal.accounts.models import User
from portal.accounts.roles import Role
from portal.tweets.models import Tweet
from tests.portal.browser.support.stack import Stack
from tests.portal.browser.support.visitor import Visit
from tests.portal.support.people import person
from tests.support.waiting import eventually

FROZEN_SECONDS = 9
"""A gap that is more than one of the daemon's samples."""

MUTED = """() => {
  const probe = document.body.appendChild(document.createElement('i'));
  probe.className = 'muted';
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}"""

AXIS = """async (seconds) => {
  const loaded = performance.getEntriesByType('resource').map(each => each.name);
  const charts = await import(loaded.find(each => /\\/charts[^/]*\\.js/.test(each)));
  return charts.lagAxis.values(null, seconds);
}"""

ACCOUNTS = "/replication/preview/?mapping=mappings/accounts.yaml"


@pytest.fixture
def tess(stack: Stack) -> User:
    """A technical worker; her name is used once."""
    return person(f"tess{User.objects.count()}", Role.TECHNICAL_WORKER)


@pytest.fixture
def tweet(stack: Stack) -> Tweet:
    """A tweet that is replicated."""
    author = author_of(person(f"author{User.objects.count()}"))
    tweet = Tweet.objects.create(author=author, text="What the row says")
    eventually(lambda: document_of(tweet, stack), waiting_for="the tweet's document")
    return tweet


def document_of(tweet: Tweet, stack: Stack) -> dict[str, object] | None:
    return stack.documents["tweets"].find_one({"_id": tweet.pk})


def ask_for(page: Page, kind: str, stack: Stack) -> Locator:
    """Ask for a job on the tweets, and return the job that the page then shows first."""
    table = f"{stack.database}.tweets"
    with page.expect_navigation():
        button_for(page, kind, stack).click()
    if kind == "Resync":
        with page.expect_navigation():
            page.get_by_role("button", name="Resync it").click()
    job = page.get_by_role("region", name="Jobs").get_by_role("listitem").first
    expect(job).to_contain_text(f"{kind} {table}")
    return job


def button_for(page: Page, kind: str, stack: Stack) -> Locator:
    role: Literal["button", "link"] = "link" if kind == "Resync" else "button"
    return page.get_by_role(role, name=f"{kind} {stack.database}.tweets")


def until_it_says(job: Locator, words: str) -> None:
    expect(job).to_contain_text(words)


class TestTechnicalWorker:
    def test_the_state_is_told_and_refreshed(
        self, visit: Visit, stack: Stack, tess: User, tweet: Tweet
    ) -> None:
        page = visit(tess).open("/replication/")
        [(server,)] = stack.source.execute("SELECT @@server_uuid")

        expect(page.locator(".word")).to_have_text("Up to date")
        position = page.get_by_role("region", name="Position").locator(".wide dd")
        expect(position).to_contain_text(server)
        expect(page.get_by_role("region", name="Lag").locator("canvas")).to_be_visible()

        before = position.inner_text()
        tweet.delete()

        expect(position).not_to_have_text(before)
        expect(position).to_contain_text(server)

    def test_a_tab_that_is_opened_now_shows_the_lag_of_before(
        self, visit: Visit, stack: Stack, tess: User
    ) -> None:
        visitor = visit(tess)

        def kept() -> int:
            page = visitor.open("/replication/")
            return len(json.loads(page.locator("#curve").get_attribute("data-lags") or "[]"))

        eventually(lambda: kept() > 1, waiting_for="two samples of the daemon")
        page = visitor.page
        lag = page.get_by_role("region", name="Lag", exact=True)
        lag.get_by_text("As a table").click()
        expect(lag.locator("#curve-rows tr").first).to_be_visible()
        expect(page.locator("#curve-summary")).to_contain_text("Since")

    def test_without_scripts_the_lag_is_a_table(
        self, visit: Visit, stack: Stack, tess: User
    ) -> None:
        page = visit(tess, scripts=False).open("/replication/")

        page.get_by_role("region", name="Lag", exact=True).get_by_text("As a table").click()

        expect(page.locator("#curve-rows td").first).to_be_visible()

    def test_the_position_is_copied(self, visit: Visit, stack: Stack, tess: User) -> None:
        page = visit(tess).open("/replication/")
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        position = page.locator("#position")

        page.get_by_role("button", name="Pause").click()
        page.get_by_role("button", name="Copy the position").click()

        expect(page.locator("#announcement")).to_have_text("Copied.")
        assert page.evaluate("() => navigator.clipboard.readText()") == position.inner_text()

    def test_a_resync_is_not_asked_for_by_one_click(
        self, visit: Visit, stack: Stack, tess: User, tweet: Tweet
    ) -> None:
        page = visit(tess).open("/replication/")
        before = stack.state["jobs"].count_documents({"kind": "resync"})

        button_for(page, "Resync", stack).click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Resync")
        page.get_by_role("link", name="Cancel").click()

        expect(page).to_have_url(re.compile("/replication/$"))
        assert stack.state["jobs"].count_documents({"kind": "resync"}) == before

    def test_dead_letters_are_retried_and_discarded_by_keys_alone(
        self, visit: Visit, stack: Stack, tess: User, tweet: Tweet
    ) -> None:
        letter = {
            "stream": stack.database,
            "state": "open",
            "table": f"{stack.database}.tweets",
            "collection": "tweets",
            "action": "insert",
            "reason": "refused",
            "error": "the target refused it",
            "column": "",
            "last_at": datetime.now(UTC),
            "count": 1,
        }
        stack.state["dead_letters"].insert_many(
            [{**letter, "_id": "1", "key": tweet.pk}, {**letter, "_id": "2", "key": 1}]
        )
        visitor = visit(tess)
        page = visitor.open("/replication/")
        letters = page.get_by_role("region", name="Dead letters").first
        visitor.keep_picture("replication-letters")

        page.get_by_role("button", name=f"Retry {tweet.pk}").press("Enter")
        job = page.get_by_role("region", name="Jobs").get_by_role("listitem").first
        expect(job).to_contain_text(f"Retry {stack.database}.tweets")
        until_it_says(job, "done")
        page.get_by_role("link", name="Discard 1 of").press("Enter")
        visitor.keep_picture("replication-discard")
        page.get_by_role("button", name="Discard it").press("Enter")

        expect(page.get_by_role("status").first).to_contain_text("Discarded.")
        expect(letters).not_to_contain_text("Discard 1")
        stack.state["dead_letters"].delete_many({})

    def test_another_stream_that_nobody_runs_is_listed_above(
        self, visit: Visit, stack: Stack, tess: User
    ) -> None:
        page = visit(tess).open("/replication/")
        table = page.get_by_role("region", name="All streams")
        expect(table).to_have_count(0)
        own = stack.state["streams"].find_one() or {}
        stack.state["streams"].insert_one(
            {**own, "_id": "forum-eu", "owner": None, "lease_until": None}
        )
        try:
            rows = table.get_by_role("row")

            expect(rows).to_have_count(3)  # the page looks again by itself

            expect(rows.nth(1)).to_contain_text("forum-eu")
            expect(rows.nth(1)).to_contain_text("stopped")
            expect(rows.nth(2)).to_contain_text("this page")
        finally:
            stack.state["streams"].delete_one({"_id": "forum-eu"})

    def test_nothing_moves_once_the_page_is_there(
        self, visit: Visit, stack: Stack, tess: User, tweet: Tweet
    ) -> None:
        page = visit(tess).open("/replication/")
        before = button_for(page, "Verify", stack).bounding_box()

        expect(page.locator("#refreshed")).to_contain_text("Refreshed")

        assert button_for(page, "Verify", stack).bounding_box() == before

    def test_a_button_that_is_held_while_the_page_is_refreshed_is_clicked(
        self, visit: Visit, stack: Stack, tess: User, tweet: Tweet
    ) -> None:
        page = visit(tess).open("/replication/")
        refreshed = page.locator("#refreshed")
        with stack.without_daemon():
            job = ask_for(page, "Verify", stack)
            job.get_by_role("button", name="Cancel").hover()
            page.mouse.down()
            stack.state["jobs"].update_one({"state": "queued"}, {"$set": {"requested_by": "Zoe"}})
            for _ in range(2):
                expect(refreshed).not_to_have_text(refreshed.inner_text())
            page.mouse.up()

            expect(job).to_contain_text("cancelled")

    def test_a_verification_goes_on_to_its_end(
        self, visit: Visit, stack: Stack, tess: User, tweet: Tweet
    ) -> None:
        page = visit(tess).open("/replication/")

        job = ask_for(page, "Verify", stack)

        until_it_says(job, "equal")
        expect(job).to_contain_text(f"asked for by {tess.username}")
        expect(job).to_contain_text("0 missing")

    def test_a_damaged_document_is_found_and_mended(
        self, visit: Visit, stack: Stack, tess: User, tweet: Tweet
    ) -> None:
        visitor = visit(tess)
        page = visitor.open("/replication/")
        whole = document_of(tweet, stack)
        stack.documents["tweets"].update_one({"_id": tweet.pk}, {"$set": {"text": "damaged"}})

        found = ask_for(page, "Verify", stack)
        until_it_says(found, "1 different")
        found.get_by_text("What differs").click()
        expect(found.get_by_role("table")).to_contain_text(str(tweet.pk))
        visitor.keep_picture("replication-damage-found")

        mended = ask_for(page, "Resync", stack)
        until_it_says(mended, "done")
        after = document_of(tweet, stack)
        assert whole is not None
        assert after is not None
        assert after | {"replicated_at": None} == whole | {"replicated_at": None}

        until_it_says(ask_for(page, "Verify", stack), "equal")

    def test_a_daemon_that_was_stopped_is_told_and_its_work_waits(
        self, visit: Visit, stack: Stack, tess: User, tweet: Tweet
    ) -> None:
        visitor = visit(tess)
        page = visitor.open("/replication/")
        expect(page.locator(".word")).to_have_text("Up to date")

        with stack.without_daemon():
            expect(page.locator(".word")).to_have_text("The daemon does not answer")
            expect(page.get_by_role("main")).to_contain_text("It was stopped in good order.")
            job = ask_for(page, "Verify", stack)
            expect(job).to_contain_text("It waits for a daemon: none answers.")
            visitor.keep_picture("replication-daemon-stopped")

        expect(page.locator(".word")).to_have_text("Up to date")
        until_it_says(job, "equal")

    def test_without_scripts_the_page_tells_the_same_when_it_is_loaded_again(
        self, visit: Visit, stack: Stack, tess: User, tweet: Tweet
    ) -> None:
        page = visit(tess, scripts=False).open("/replication/")
        expect(page.locator(".word")).to_have_text("Up to date")
        job = ask_for(page, "Verify", stack)

        def has_ended() -> bool:
            page.reload()
            return "equal" in job.inner_text()

        eventually(has_ended, waiting_for="the verification's end")

    @pytest.mark.parametrize("path", ["/timeline/", "/figures/"])
    def test_the_pages_of_other_roles_are_forbidden(
        self, visit: Visit, tess: User, path: str
    ) -> None:
        page = visit(tess).open_refused(path, status=403)

        page.get_by_role("link", name="To your page").click()

        expect(page).to_have_url(re.compile("/replication/$"))


class TestTheLag:
    def test_a_daemon_that_stood_still_shows_it_afterwards_and_says_the_same_when_loaded_again(
        self, visit: Visit, stack: Stack, tess: User, tweet: Tweet
    ) -> None:
        visitor = visit(tess)
        page = visitor.open("/replication/")
        expect(page.locator(".word")).to_have_text("Up to date")
        with stack.frozen_daemon():
            tweet.delete()
            began = time.monotonic()
            eventually(lambda: time.monotonic() - began > FROZEN_SECONDS, waiting_for="the time")

        summary = page.locator("#curve-summary")
        expect(summary).to_contain_text(re.compile(r"Highest: (9(\.\d)?|[1-5]\d) s"))
        eventually(lambda: stack.documents["tweets"].find_one({"_id": tweet.pk}) is None)
        expect(page.locator(".word")).to_have_text("Up to date")
        expect(page.locator(".stat").first).to_contain_text("Nothing is to come")
        said = highest(summary)
        visitor.keep_picture("replication-after-a-freeze")
        page.reload()

        assert highest(summary) == said
        other = visit(tess).open("/replication/")
        assert highest(other.locator("#curve-summary")) == said

    def test_a_portal_that_does_not_answer_leaves_nothing_green(
        self, visit: Visit, stack: Stack, tess: User
    ) -> None:
        visitor = visit(tess)
        page = visitor.open("/replication/")
        expect(page.locator(".word")).to_have_text("Up to date")
        green = colour(page)

        page.route("**/replication/state/", lambda route: route.abort())
        expect(page.locator("#stale")).to_contain_text("The portal has not answered since")
        grey = colour(page)
        visitor.keep_picture("replication-stale")
        page.unroute("**/replication/state/")
        expect(page.locator("#stale")).to_be_hidden()
        again = colour(page)
        visitor.complaints.clear()

        assert grey == page.evaluate(MUTED)
        assert again == green != grey

    @pytest.mark.parametrize(
        ("seconds", "marks"),
        [
            ([0, 0.05, 0.1], ["0 ms", "50 ms", "100 ms"]),
            ([0, 0.5, 1, 1.5], ["0 s", "0.5 s", "1 s", "1.5 s"]),
            ([0, 30, 60, 90], ["0 s", "30 s", "1 min", "1 min 30 s"]),
        ],
    )
    def test_its_axis_is_marked_in_one_unit(
        self, visit: Visit, stack: Stack, tess: User, seconds: list[float], marks: list[str]
    ) -> None:
        page = visit(tess).open("/replication/")
        page.wait_for_load_state("networkidle")

        assert page.evaluate(AXIS, seconds) == marks


def highest(summary: Locator) -> str:
    expect(summary).to_contain_text("Highest: ")
    return summary.inner_text().partition("Highest: ")[2].partition(" at")[0]


def colour(page: Page) -> str:
    found: str = page.locator(".word").evaluate("each => getComputedStyle(each).color")
    return found


class TestPreviewOfAMapping:
    @pytest.mark.parametrize("scripts", [True, False])
    def test_what_is_typed_is_previewed(
        self, visit: Visit, stack: Stack, tess: User, scripts: bool
    ) -> None:
        page = visit(tess, scripts=scripts).open("/replication/")
        page.get_by_role("link", name="Preview a mapping").click()
        page.goto(ACCOUNTS)
        preview = page.get_by_role("region", name="Preview")
        expect(preview).to_contain_text('"role": ')
        text = page.get_by_label("The mapping")

        text.fill(text.input_value().replace("role: role", "who.role: role"))
        if not scripts:
            page.get_by_role("button", name="Preview").click()

        expect(preview).to_contain_text('"who": {')
        expect(preview).to_contain_text("By the text as it was changed here.")
        if scripts:
            expect(page.locator("#announcement")).to_contain_text("read just now.")
        expect(text).to_have_value(re.compile("who.role: role"))

    def test_what_was_typed_before_the_script_ran_is_previewed_too(
        self, visit: Visit, stack: Stack, tess: User
    ) -> None:
        page = visit(tess).page
        held: list[Route] = []

        def hold(route: Route) -> None:
            held.append(route)

        page.route("**/preview.js", hold)
        with page.expect_request("**/preview.js"):
            page.goto(ACCOUNTS, wait_until="commit")
        text = page.get_by_label("The mapping")

        text.fill(text.input_value().replace("role: role", "who.role: role"))
        held.pop().continue_()

        expect(page.get_by_role("region", name="Preview")).to_contain_text('"who": {')

    def test_mistakes_are_told_while_typing_and_the_way_back_is_the_file(
        self, visit: Visit, stack: Stack, tess: User
    ) -> None:
        page = visit(tess).open(ACCOUNTS)
        preview = page.get_by_role("region", name="Preview")
        text = page.get_by_label("The mapping")
        file = text.input_value()

        text.fill(file.replace("date_joined: date_joined", "joined: date_joned"))

        mistake = preview.get_by_role("list", name="Mistakes").get_by_role("listitem")
        expect(mistake).to_contain_text("unknown column `date_joned`, did you mean `date_joined`?")
        expect(mistake.locator("pre")).to_have_text("joined: date_joned")
        expect(page.locator("#announcement")).to_have_text("1 mistake: no rows are shown.")

        page.get_by_role("link", name="Back to the file").click()

        expect(text).to_have_value(file)
        expect(preview).to_contain_text("By the mapping's file.")

    def test_of_what_is_typed_while_one_is_drawn_the_last_is_previewed(
        self, visit: Visit, stack: Stack, tess: User
    ) -> None:
        page = visit(tess).open(ACCOUNTS)
        text = page.get_by_label("The mapping")
        file = text.input_value()
        asked: list[Route] = []

        def hold_the_first(route: Route) -> None:
            asked.append(route)
            if len(asked) > 1:
                route.continue_()

        page.route("**/preview/drawn/", hold_the_first)
        with page.expect_request("**/preview/drawn/"):
            text.fill(file.replace("role: role", "first: role"))
        button = page.get_by_role("button", name="Preview")
        for name in ("second", "third"):
            text.fill(file.replace("role: role", f"{name}: role"))
            button.click()
        asked[0].continue_()

        expect(page.get_by_role("region", name="Preview")).to_contain_text('"third": ')
        assert len(asked) == 2

    def test_what_is_far_too_large_leaves_the_preview(
        self, visit: Visit, stack: Stack, tess: User
    ) -> None:
        page = visit(tess).open(ACCOUNTS)

        page.get_by_label("The mapping").fill("#" * 3_000_000)

        expect(page.locator("#drawn")).to_contain_text("This is far too large to be sent")
        expect(page.locator("#drawn")).to_contain_text("By the mapping's file.")

    def test_nobody_s_password_is_shown(self, visit: Visit, stack: Stack, tess: User) -> None:
        page = visit(tess).open(ACCOUNTS)
        text = page.get_by_label("The mapping")

        text.fill(text.input_value().replace("role: role", "role: password"))

        told = "column `password` is masked or left out in the mapping's file"
        expect(page.get_by_role("list", name="Mistakes")).to_contain_text(told)
        assert tess.password not in page.content()

    def test_what_is_typed_stays_if_the_session_has_ended(
        self, visit: Visit, stack: Stack, tess: User
    ) -> None:
        page = visit(tess).open(ACCOUNTS)
        page.context.clear_cookies(name="sessionid")

        page.get_by_label("The mapping").fill("typed long and well")

        expect(page.locator("#drawn")).to_contain_text("You are not logged in any more.")
        expect(page.get_by_label("The mapping")).to_have_value("typed long and well")

    def test_the_tweets_are_shown_first_and_each_line_whole(
        self, visit: Visit, stack: Stack, tess: User, tweet: Tweet
    ) -> None:
        visitor = visit(tess)
        page = visitor.open("/replication/preview/")
        visitor.keep_picture("preview-tweets")
        text = page.get_by_label("The mapping")

        expect(page.locator("#file")).to_have_text("mappings/tweets.yaml")
        expect(text).to_have_value(re.compile(f"source: {stack.database}.tweets"))
        assert text.evaluate("each => each.scrollWidth <= each.clientWidth")
        expect(page.locator("#drawn")).not_to_contain_text("***")
        expect(page.locator("#drawn")).not_to_contain_text("Hashes")

    def test_another_table_is_shown_once_it_is_chosen(
        self, visit: Visit, stack: Stack, tess: User, tweet: Tweet
    ) -> None:
        page = visit(tess).open("/replication/preview/")
        table, preview = page.get_by_label("Table"), page.locator("#drawn")

        table.focus()
        table.select_option("mappings/accounts.yaml")

        text = page.get_by_label("The mapping")
        expect(text).to_have_value(re.compile(f"source: {stack.database}.accounts_user"))
        expect(page.locator("#file")).to_have_text("mappings/accounts.yaml")
        expect(preview).to_contain_text("accounts_user")
        expect(preview).to_contain_text("*** stands for a column")
        expect(preview).to_contain_text("By the mapping's file.")
        expect(table).to_be_focused()
        expect(page).to_have_url(re.compile(r"\?mapping=mappings%2Faccounts.yaml$"))
        expect(page.get_by_role("button", name="Show its file")).to_be_hidden()

        text.fill(text.input_value().replace("role: role", "who.role: role"))
        expect(preview).to_contain_text('"who": {')
        assert tess.password not in page.content()

    def test_what_was_typed_is_still_there_when_its_table_is_chosen_again(
        self, visit: Visit, stack: Stack, tess: User, tweet: Tweet
    ) -> None:
        page = visit(tess).open(ACCOUNTS)
        table, preview = page.get_by_label("Table"), page.locator("#drawn")
        text = page.get_by_label("The mapping")
        file = text.input_value()
        text.fill(file.replace("role: role", "who.role: role"))

        table.select_option("mappings/tweets.yaml")
        expect(preview).to_contain_text(f"{stack.database}.tweets")
        table.select_option("mappings/accounts.yaml")

        expect(text).to_have_value(re.compile("who.role: role"))
        expect(preview).to_contain_text('"who": {')
        expect(preview).to_contain_text("By the text as it was changed here.")
        page.get_by_role("link", name="Back to the file").click()
        expect(text).to_have_value(file)

    def test_a_table_that_cannot_be_shown_is_not_the_one_that_is_named(
        self, visit: Visit, stack: Stack, tess: User
    ) -> None:
        page = visit(tess).open(ACCOUNTS)
        page.context.clear_cookies(name="sessionid")

        page.get_by_label("Table").select_option("mappings/users.yaml")

        expect(page.locator("#drawn")).to_contain_text("You are not logged in any more.")
        expect(page.get_by_label("Table")).to_have_value("mappings/accounts.yaml")

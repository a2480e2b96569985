from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import closing
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from playwright.sync_api import Browser, expect, sync_playwright

from cdc_sandbox.servers import MongoServer, MySQLServer
from portal.accounts.models import User
from portal.tweets.models import Tweet
from tests.portal.browser import chromium
from tests.portal.browser.support.stack import Stack
from tests.portal.browser.support.visitor import PATIENCE_MILLISECONDS, Visit, Visitor
from tests.portal.support.database import migrated
from tests.support.outcome import FAILED
from tests.support.waiting import eventually

INVENTED_TWEETS = 400
FLAGS = ("--disable-gpu", "--disable-background-networking")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium with a fresh profile."""
    program = chromium.find()
    if program is None:
        if os.environ.get("CI"):
            pytest.fail(chromium.MISSING)
        pytest.skip(chromium.MISSING)
    with (
        pytest.MonkeyPatch.context() as patch,
        sync_playwright() as playwright,
        playwright.chromium.launch(
            executable_path=program, headless=True, chromium_sandbox=False, args=FLAGS
        ) as browser,
    ):
        # Playwright's loop waits in this thread while a test runs: Django would take it for async.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        expect.set_options(timeout=PATIENCE_MILLISECONDS)
        yield browser


@pytest.fixture(scope="package")
def stack(
    request: pytest.FixtureRequest,
    browser: Browser,
    mysql: MySQLServer,
    mongo: MongoServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    """The portal and its daemon; Django's default connection is that of the portal."""
    database = migrated(mysql)
    folder = tmp_path_factory.mktemp("portal")
    with mongo.client() as client:
        stack = Stack(folder, mysql, mongo, client, database=database)
        with closing(stack):
            stack.start()
            yield stack
        if request.session.testsfailed:
            print(f"kept: {folder}, {database} on {mysql} and {mongo}")
            return
        for documents in (stack.documents, stack.state):
            client.drop_database(documents)
        for statement in (f"DROP DATABASE {database}", f"DROP USER '{database}'@'%'"):
            mysql.execute(statement)


@pytest.fixture(scope="package")
def tweets(stack: Stack) -> int:
    """So many invented tweets, all of them replicated."""
    call_command("generate_tweets", INVENTED_TWEETS, seed=7, stdout=StringIO())
    eventually(
        lambda: stack.documents["tweets"].count_documents({}) == Tweet.objects.count(),
        waiting_for="the tweets in MongoDB",
    )
    return INVENTED_TWEETS


@pytest.fixture
def visit(request: pytest.FixtureRequest, stack: Stack, browser: Browser) -> Iterator[Visit]:
    """Make visitors; in the end no browser may have complained of anything."""
    visitors: list[Visitor] = []

    def make(account: User | None = None, **look: Any) -> Visitor:
        visitor = Visitor(browser, stack.url, **look)
        visitors.append(visitor)
        if account is not None:
            visitor.enter_as(account)
        return visitor

    yield make

    if request.node.stash.get(FAILED, False):
        for number, visitor in enumerate(visitors):
            visitor.keep_picture(f"failed-{re.sub('[^a-z0-9]+', '-', request.node.name)}-{number}")
    for visitor in visitors:
        visitor.close()
    assert [each for visitor in visitors for each in visitor.complaints] == []

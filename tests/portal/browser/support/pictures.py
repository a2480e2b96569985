"""Takes the pictures of README.md: `python -m tests.portal.browser.support.pictures`.

It starts servers, a daemon and the portal of its own, with invented tweets, and writes
`docs/images`; with `--all` every page, light and dark, on a desktop and on a phone, into
`build/pictures`.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from io import StringIO
from itertools import product
from pathlib import Path
from typing import Final

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.portal.settings"
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright's loop waits in this thread
django.setup()

from django.core.management import call_command  # noqa: E402 - after the set-up
from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402

from cdc_sandbox.servers import mongo_server, mysql_server  # noqa: E402
from portal.accounts.authors import author_of  # noqa: E402
from portal.accounts.models import User  # noqa: E402
from portal.accounts.roles import Role  # noqa: E402
from portal.tweets.forms import TweetForm  # noqa: E402
from portal.tweets.models import Tweet  # noqa: E402
from tests.portal.browser import chromium  # noqa: E402
from tests.portal.browser.support.pages import PAGES  # noqa: E402
from tests.portal.browser.support.stack import Stack  # noqa: E402
from tests.portal.browser.support.visitor import DESKTOP, PHONE, Visitor  # noqa: E402
from tests.portal.support.database import migrated  # noqa: E402
from tests.portal.support.people import administrator, person  # noqa: E402
from tests.support.checkout import ROOT  # noqa: E402
from tests.support.waiting import eventually  # noqa: E402

IMAGES: Final = ROOT / "docs" / "images"
EVERYTHING: Final = ROOT / "build" / "pictures"
INVENTED_TWEETS: Final = 4_000
WRITTEN_SECONDS: Final = 150
HEIGHT: Final = 960
TEXTS: Final = (
    "Hello from MySQL",
    "One COMMIT, and everybody reads it. #exactlyonce",
    "No second write that could be lost #cdc",
)

SHOWN: Final = {
    "timeline": (Role.CUSTOMER, "/timeline/"),
    "replication": (Role.TECHNICAL_WORKER, "/replication/"),
    "figures": (Role.SENIOR_MANAGEMENT, "/figures/"),
}
"""The pictures of the README, and whose pages they show."""


@contextmanager
def stage() -> Iterator[Stack]:
    """Run the portal and its daemon over invented tweets."""
    with ExitStack() as ended:
        folder = Path(ended.enter_context(tempfile.TemporaryDirectory(prefix="pictures-")))
        mysql = ended.enter_context(mysql_server("mysql"))
        mongo = ended.enter_context(mongo_server())
        client = ended.enter_context(mongo.client())
        stack = Stack(folder, mysql, mongo, client, database=migrated(mysql, "twitter"))
        ended.enter_context(closing(stack))
        stack.start()
        call_command("generate_tweets", INVENTED_TWEETS, seed=7, stdout=StringIO())
        eventually(
            lambda: stack.documents["tweets"].count_documents({}) == Tweet.objects.count(),
            waiting_for="the tweets in MongoDB",
        )
        yield stack


def people() -> dict[Role, User]:
    """Make somebody of each role, and some who have registered; the customer has written."""
    found = {
        Role.CUSTOMER: person("ana_maria", Role.CUSTOMER, first_name="Ana", last_name="María"),
        Role.TECHNICAL_WORKER: person("tess", Role.TECHNICAL_WORKER),
        Role.SENIOR_MANAGEMENT: person("mara", Role.SENIOR_MANAGEMENT),
    }
    for number in range(12):
        person(f"customer{number}")
    author = author_of(found[Role.CUSTOMER])
    for text in TEXTS:
        form = TweetForm({"text": text}, author=author)
        assert form.is_valid()
        form.save()
    return found


def look_at(
    stack: Stack, browser: Browser, whose: User | None, path: str, **look: object
) -> Visitor:
    """Open a page, and wait until it has what it comes with."""
    visitor = Visitor(browser, stack.url, **look)  # type: ignore[arg-type]  # width, dark
    if whose is not None:
        visitor.enter_as(whose)
    visitor.open(path)
    visitor.page.wait_for_load_state("networkidle")
    return visitor


def verified(stack: Stack, page: Page) -> None:
    """Have each table verified, and wait for the results."""
    for table in ("tweets", "users"):
        with page.expect_navigation():
            page.get_by_role("button", name=f"Verify {stack.database}.{table}").click()
    eventually(
        lambda: stack.state["jobs"].count_documents({"kind": "verify", "state": "done"}) == 2,
        waiting_for="the verifications",
    )


def written_for_a_while(whose: User) -> None:
    """Write tweets, few and many at once, so that there is a lag to be drawn."""
    author, until = author_of(whose), time.monotonic() + WRITTEN_SECONDS
    while time.monotonic() < until:
        call_command("generate_tweets", random.randrange(1, 200), stdout=StringIO())
        Tweet.objects.create(author=author, text=TEXTS[0]).delete()
        time.sleep(random.random())


def take(stack: Stack, browser: Browser, whose: dict[Role, User]) -> None:
    """Write the pictures of the README."""
    for name, (role, path) in SHOWN.items():
        with closing(look_at(stack, browser, whose[role], path)) as visitor:
            visitor.page.set_viewport_size({"width": DESKTOP, "height": HEIGHT})
            visitor.page.wait_for_timeout(1_000)  # a chart follows the new size
            visitor.page.screenshot(path=IMAGES / f"{name}.png")


def take_all(stack: Stack, browser: Browser, whose: dict[Role, User]) -> None:
    """Write a picture of each page in each look."""
    EVERYTHING.mkdir(parents=True, exist_ok=True)
    root = administrator()
    own = author_of(whose[Role.CUSTOMER]).tweets.first()
    assert own is not None
    pages: dict[str, tuple[User | None, str]] = {
        name: (whose[role] if role else None, path.format(tweet=own.pk, database=stack.database))
        for name, (role, path) in PAGES.items()
    }
    pages |= {"admin": (root, "/admin/"), "admin-accounts": (root, "/admin/accounts/user/")}
    for (name, (who, path)), width, dark in product(pages.items(), (DESKTOP, PHONE), (False, True)):
        with closing(look_at(stack, browser, who, path, width=width, dark=dark)) as visitor:
            look = f"{'dark' if dark else 'light'}-{width}"
            visitor.page.screenshot(path=EVERYTHING / f"{name}-{look}.png", full_page=True)


def main() -> int:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="each page in each look")
    everything = parser.parse_args().all
    program = chromium.find()
    if program is None:
        print(chromium.MISSING, file=sys.stderr)
        return 1
    with (
        stage() as stack,
        sync_playwright() as playwright,
        playwright.chromium.launch(
            executable_path=program, headless=True, chromium_sandbox=False
        ) as browser,
    ):
        whose = people()
        technician = look_at(stack, browser, whose[Role.TECHNICAL_WORKER], "/replication/")
        with closing(technician):
            verified(stack, technician.page)
        written_for_a_while(whose[Role.CUSTOMER])
        take(stack, browser, whose)
        if everything:
            take_all(stack, browser, whose)
    return 0


if __name__ == "__main__":
    sys.exit(main())

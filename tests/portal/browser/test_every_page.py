"""What holds for each page: no complaint, no barrier, no scrolling sideways, keys lead through."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from portal.accounts.authors import author_of
from portal.accounts.models import User
from portal.accounts.roles import Role
from portal.tweets.models import Tweet
from tests.portal.browser.support.barriers import barriers
from tests.portal.browser.support.pages import PAGES
from tests.portal.browser.support.stack import Stack
from tests.portal.browser.support.visitor import DESKTOP, PHONE, Visit
from tests.portal.support.people import person

LOOKS = {"desktop-light": (DESKTOP, False), "phone-dark": (PHONE, True)}

# What the Tab key is to reach, in this order.
IN_ORDER = """() => [...document.querySelectorAll(
    'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')]
  .filter(each => !each.disabled && each.checkVisibility({visibilityProperty: true}))
  .map(each => each.outerHTML)"""
BEGIN_AT_THE_TOP = """() => {
  document.body.tabIndex = -1;
  document.body.focus();
  document.body.removeAttribute('tabindex');
}"""
FOCUSED = "() => document.activeElement === document.body ? '' : document.activeElement.outerHTML"
OUTLINED = """() => {
  const look = getComputedStyle(document.activeElement);
  return look.outlineStyle !== 'none' && parseFloat(look.outlineWidth) >= 2;
}"""
WIDER_THAN_THE_WINDOW = """() => {
  const width = document.documentElement.clientWidth;
  return document.documentElement.scrollWidth <= width ? [] :
    [...document.querySelectorAll('body *')]
      .filter(each => each.getBoundingClientRect().right > width)
      .map(each => each.outerHTML.slice(0, 120));
}"""


@pytest.fixture(scope="module")
def people(tweets: int) -> dict[Role | None, User | None]:
    """One of each role, and nobody; there are tweets to look at. Their names are used once."""
    number = User.objects.count()
    return {None: None, **{role: person(f"every-{role.value}-{number}", role) for role in Role}}


@pytest.fixture(params=PAGES)
def name(request: pytest.FixtureRequest) -> str:
    """Each page in turn."""
    page: str = request.param
    return page


@pytest.fixture
def where(
    name: str, stack: Stack, people: dict[Role | None, User | None]
) -> tuple[User | None, str]:
    """Who looks at the page, and its address."""
    role, path = PAGES[name]
    customer = people[Role.CUSTOMER]
    assert customer is not None
    author = author_of(customer)
    tweet = author.tweets.first() or Tweet.objects.create(author=author, text="Of no consequence")
    return people[role], path.format(tweet=tweet.pk, database=stack.database)


class TestEveryPage:
    @pytest.mark.parametrize(("width", "dark"), LOOKS.values(), ids=LOOKS)
    def test_anybody_can_use_it_on_any_screen(
        self, visit: Visit, name: str, where: tuple[User | None, str], width: int, dark: bool
    ) -> None:
        account, path = where
        visitor = visit(account, width=width, dark=dark)
        page = visitor.open(path)
        page.wait_for_load_state("networkidle")
        visitor.keep_picture(name)

        assert page.evaluate(WIDER_THAN_THE_WINDOW) == []
        assert barriers(page) == []

    def test_keys_lead_through_it_in_its_order_and_the_focus_is_seen(
        self, visit: Visit, where: tuple[User | None, str]
    ) -> None:
        account, path = where
        page = visit(account).open(path)
        page.wait_for_load_state("networkidle")
        expected = page.evaluate(IN_ORDER)
        page.evaluate(BEGIN_AT_THE_TOP)

        reached = [""]
        for _ in expected:
            while page.evaluate(FOCUSED) == reached[-1]:  # a date has a stop for each of its parts
                page.keyboard.press("Tab")
                assert page.evaluate(OUTLINED), page.evaluate(FOCUSED)
            reached.append(page.evaluate(FOCUSED))

        assert reached[1:] == expected

    def test_the_first_key_skips_to_the_content(
        self, visit: Visit, where: tuple[User | None, str]
    ) -> None:
        account, path = where
        page = visit(account).open(path)
        page.evaluate(BEGIN_AT_THE_TOP)

        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")

        expect(page.get_by_role("main")).to_be_focused()

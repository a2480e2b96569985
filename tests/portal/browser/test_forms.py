from __future__ import annotations

import re

from playwright.sync_api import expect

from portal.accounts.models import User
from tests.portal.browser.support.barriers import barriers
from tests.portal.browser.support.stack import Stack
from tests.portal.browser.support.visitor import Visit
from tests.portal.support.people import PASSWORD


class TestForms:
    def test_a_password_is_shown_on_request_and_hidden_before_it_is_sent(
        self, visit: Visit, stack: Stack
    ) -> None:
        visitor = visit()
        page = visitor.open("/register/")
        password = page.get_by_label("Password", exact=True)
        password.fill("short")

        page.get_by_role("button", name="Show Password", exact=True).press("Enter")
        expect(password).to_have_attribute("type", "text")
        expect(password).to_have_value("short")
        visitor.keep_picture("register-shown")
        page.get_by_role("button", name="Hide Password", exact=True).press("Enter")
        expect(password).to_have_attribute("type", "password")

    def test_the_cursor_is_in_the_first_wrong_field_and_nobody_is_kept_out(
        self, visit: Visit, stack: Stack
    ) -> None:
        visitor = visit()
        page = visitor.open("/register/")
        page.get_by_label("Username").fill("somebody")
        page.get_by_role("button", name="Register").click()

        expect(page.get_by_label("Mail address")).to_be_focused()
        expect(page.get_by_text("Enter your mail address.")).to_be_visible()
        visitor.keep_picture("register-wrong")
        assert barriers(page) == []

    def test_a_wrong_password_puts_the_cursor_where_it_is_typed_again(
        self, visit: Visit, stack: Stack
    ) -> None:
        page = visit().open("/login/")
        page.get_by_label("Username").fill("nobody")
        page.get_by_label("Password", exact=True).fill("a guess")
        page.get_by_role("button", name="Log in").click()

        expect(page.get_by_label("Password", exact=True)).to_be_focused()

    def test_who_registers_writes_at_once(self, visit: Visit, stack: Stack) -> None:
        page = visit(scripts=False).open("/register/")
        name = f"newcomer{User.objects.count()}"
        page.get_by_label("Username").fill(name)
        page.get_by_label("Mail address").fill(f"{name}@example.com")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_label("Password again", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Register").click()

        expect(page).to_have_url(re.compile("/timeline/$"))
        expect(page.get_by_role("status").first).to_contain_text(f"Welcome, {name}!")

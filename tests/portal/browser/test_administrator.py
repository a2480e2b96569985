from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from portal.accounts.models import User
from portal.accounts.roles import Role
from tests.portal.browser.support.visitor import Visit
from tests.portal.support.people import PASSWORD, administrator, person


class TestAdministrator:
    def test_a_technical_worker_is_made_and_logs_in(self, visit: Visit) -> None:
        page = visit(administrator("chief")).open("/admin/")

        page.get_by_role("link", name="Users", exact=True).click()
        page.get_by_role("link", name="Add user").first.click()
        page.get_by_label("Username:").fill("worker")
        page.get_by_label("Email address:").fill("worker@example.com")
        page.get_by_label("Role:").select_option(label="technical worker")
        page.get_by_label("Password:").fill(PASSWORD)
        page.get_by_label("Password confirmation:").fill(PASSWORD)
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("was added successfully")).to_be_visible()
        assert User.objects.get(username="worker").role == Role.TECHNICAL_WORKER

        page = visit().open("/login/")
        page.get_by_label("Username").fill("worker")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()

        expect(page).to_have_url(re.compile("/replication/$"))

    def test_what_another_has_changed_meanwhile_is_shown(self, visit: Visit) -> None:
        account = person("contested")
        visitor = visit(administrator("second"))
        page = visitor.open(f"/admin/accounts/user/{account.pk}/change/")
        User.objects.filter(pk=account.pk).update(is_active=False)

        page.get_by_label("Role:").select_option(label="technical worker")
        page.get_by_role("button", name="Save", exact=True).click()

        expect(page.get_by_text("Active is now: no")).to_be_visible()
        visitor.keep_picture("admin-changed-meanwhile")

    def test_accounts_are_found_by_role(self, visit: Visit) -> None:
        person("someone", Role.SENIOR_MANAGEMENT)
        visitor = visit(administrator("finder"))
        page = visitor.open("/admin/accounts/user/")

        page.get_by_role("link", name="senior management").click()

        expect(page.get_by_role("link", name="someone")).to_be_visible()
        expect(page.get_by_role("link", name="finder")).to_have_count(0)
        visitor.keep_picture("admin-accounts")

    @pytest.mark.usefixtures("tweets")
    @pytest.mark.parametrize("path", ["accounts/user", "tweets/author", "tweets/tweet"])
    def test_no_column_of_a_list_is_cut(self, visit: Visit, path: str) -> None:
        name = f"wide{User.objects.count()}"
        person(f"{name}_of_senior_management", Role.SENIOR_MANAGEMENT)
        visitor = visit(administrator(name))
        page = visitor.open(f"/admin/{path}/")
        visitor.keep_picture(f"admin-{path.replace('/', '-')}")

        results = page.locator(".results")

        assert results.evaluate("each => each.scrollWidth - each.clientWidth") <= 0

    def test_what_the_portal_does_not_write_is_not_listed(self, visit: Visit) -> None:
        page = visit(administrator("tidy")).open("/admin/")

        expect(page.get_by_role("link", name="Access attempts", exact=True)).to_be_visible()
        expect(page.get_by_role("link", name="Access logs", exact=True)).to_have_count(0)
        expect(page.get_by_role("navigation", name="Sidebar")).to_have_count(0)

    def test_others_are_asked_to_log_in(self, visit: Visit) -> None:
        page = visit(person("nosy")).open("/admin/")

        expect(page).to_have_url(re.compile(r"/admin/login/\?next=/admin/$"))

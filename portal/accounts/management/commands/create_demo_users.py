"""`manage.py create_demo_users`: an account for each role, and an administrator."""

from __future__ import annotations

from argparse import ArgumentParser
from secrets import token_urlsafe
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from portal.accounts.authors import author_of
from portal.accounts.models import User
from portal.accounts.roles import Role

_PASSWORD_BYTES = 9
DEMO_USERS: dict[str, Role] = {
    "customer": Role.CUSTOMER,
    "technician": Role.TECHNICAL_WORKER,
    "manager": Role.SENIOR_MANAGEMENT,
    "admin": Role.TECHNICAL_WORKER,
}
_ADMINISTRATOR = "admin"


class Command(BaseCommand):
    """Creates the accounts for logins to a demo; existing ones get a new password."""

    help = "Makes customer, technician, manager and admin, and prints how to log in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--password", help="for all of them  [default: made up, and printed]")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        """Create or renew the accounts."""
        password = options["password"] or token_urlsafe(_PASSWORD_BYTES)
        for username, role in DEMO_USERS.items():
            _renew(username, role, password)
            self.stdout.write(f"{username:10}  {password}  {role.label}{_also(username)}")


def _renew(username: str, role: Role, password: str) -> None:
    account = User.objects.filter(username=username).first() or User(username=username, role=role)
    mighty = username == _ADMINISTRATOR
    if account.pk and (account.role, account.is_superuser) != (role, mighty):
        raise CommandError(f"{username} is an account already, and not the demo's: rename it first")
    account.is_staff = account.is_superuser = mighty
    account.email = account.email or f"{username}@example.com"
    account.set_password(password)
    account.save()
    if role is Role.CUSTOMER:
        author_of(account)


def _also(username: str) -> str:
    return ", and everything in /admin/" if username == _ADMINISTRATOR else ""

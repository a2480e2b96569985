"""The account, a Django user with a role, and the limits of a visitor's requests."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db import models

from portal.accounts.roles import DASHBOARDS, Role
from portal.tweets.models import SCREEN_NAME_CHARACTERS, Author


class Accounts(UserManager["User"]):
    """Creates accounts."""

    def create_superuser(
        self,
        username: str,
        email: str | None = None,
        password: str | None = None,
        **extra_fields: Any,
    ) -> User:
        """Create an account that may do everything; its role is technical worker by default."""
        extra_fields.setdefault("role", Role.TECHNICAL_WORKER)
        return super().create_superuser(username, email, password, **extra_fields)


class User(AbstractUser):
    """A user who logs in. Its tweets are those of `author`, whose screen name is its username."""

    username = models.CharField(
        max_length=SCREEN_NAME_CHARACTERS,
        unique=True,
        help_text=f"At most {SCREEN_NAME_CHARACTERS} letters, digits and @ . + - _. "
        "Everybody sees it.",
        validators=[UnicodeUsernameValidator()],
        error_messages={"unique": "This name is taken."},
    )
    role = models.CharField(max_length=32, choices=Role.choices, default=Role.CUSTOMER)
    author = models.OneToOneField(
        Author, on_delete=models.PROTECT, null=True, blank=True, editable=False
    )

    objects: ClassVar[Accounts] = Accounts()

    class Meta:
        """Refuses an account with a role that the portal does not know."""

        constraints = (
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="accounts_user_role_is_known"
            ),
        )

    @property
    def dashboard(self) -> str:
        """Return the name of the account's start page."""
        return DASHBOARDS[Role(self.role)]


class Allowance(models.Model):
    """The time until which somebody's uses fill their limit."""

    key = models.CharField(max_length=64, primary_key=True)
    used_until = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.key[:12]} until {self.used_until:%H:%M:%S}"

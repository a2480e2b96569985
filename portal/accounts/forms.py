"""The forms for visitors' own data."""

from __future__ import annotations

import unicodedata
from threading import Thread
from typing import Any

from django.contrib.auth.forms import BaseUserCreationForm, PasswordResetForm
from django.core.exceptions import ValidationError
from django.db import transaction

from portal.accounts.authors import author_of
from portal.accounts.models import User
from portal.accounts.roles import Role
from portal.tweets.models import Author

_TAKEN = ValidationError("This name is taken.", code="unique")


class RegistrationForm(BaseUserCreationForm[User]):
    """Creates a customer, whatever else a request says: no other field is read.

    A username is public, so the form may say that one is taken. It never says whether a mail
    address is known: several accounts may have the same.
    """

    class Meta(BaseUserCreationForm.Meta):
        """The fields of a visitor."""

        model = User
        fields = ("username", "email")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].required = True

    def clean_username(self) -> str:
        """Refuse the screen name of an author without an account."""
        username: str = self.cleaned_data["username"]
        if Author.objects.filter(screen_name=username).exists():
            raise _TAKEN
        return username

    def refuse_username(self) -> None:
        """Add the error that the username is taken."""
        self.add_error("username", _TAKEN)

    def save(self, commit: bool = True) -> User:
        """Create the account and its author, both or neither."""
        account = super().save(commit=False)
        account.role = Role.CUSTOMER
        with transaction.atomic():
            account.save()
            author_of(account)
        return account


class ResetForm(PasswordResetForm):
    """Sends the mail after the answer, which takes no longer than without a mail."""

    def send_mail(self, *args: Any, **kwargs: Any) -> None:
        """Send one mail, in a thread of its own."""
        Thread(target=super().send_mail, args=args, kwargs=kwargs).start()


def mailbox(form: PasswordResetForm) -> str:
    """Return the requested address, normalised as accounts are found by it."""
    return unicodedata.normalize("NFKC", form.cleaned_data["email"]).casefold()

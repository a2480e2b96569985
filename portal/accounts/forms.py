"""The forms for visitors' own data."""

from __future__ import annotations

import unicodedata
from threading import Thread
from typing import Any, ClassVar

from django.contrib.auth.forms import (
    AuthenticationForm,
    BaseUserCreationForm,
    PasswordChangeForm,
    PasswordResetForm,
    SetPasswordForm,
)
from django.core.exceptions import ValidationError
from django.db import transaction

from portal.accounts.authors import author_of
from portal.accounts.models import User
from portal.accounts.passwords import DIFFER, MISSING, RULES
from portal.accounts.roles import Role
from portal.plain_forms import PlainForm
from portal.tweets.models import Author

_TAKEN = ValidationError("This name is taken.", code="unique")


_UNKNOWN = "This username and this password do not belong together. Capital letters count."
_ODD_NAME = "A username has letters, digits and @ . + - _, and nothing else."
_NO_ADDRESS = "Enter your mail address."
_MALFORMED = "This is no mail address: it looks like name@example.com."


class _Passwords(PlainForm):
    """Two fields for one new password: the rules, and what breaks them, stand at the first."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        first, second = (each for name, each in self.fields.items() if name[-1] in "12")
        first.help_text, second.help_text = RULES, ""

    def validate_password_for_user(self, user: User, field: str = "password2") -> None:
        """Judge the password; its errors belong to the field where it was chosen."""
        super().validate_password_for_user(user, f"{field[:-1]}1")  # type: ignore[misc]  # a mixin


class LoginForm(PlainForm, AuthenticationForm):
    """Asks for name and password; which of the two is wrong is not said."""

    labels_of: ClassVar = {"username": "Username", "password": "Password"}
    missing: ClassVar = {"username": "Enter your username.", "password": "Enter your password."}
    refusals: ClassVar = {"invalid_login": _UNKNOWN}

    def get_invalid_login_error(self) -> ValidationError:
        """Return the error, which stands at the password: that is typed again."""
        return ValidationError({"password": super().get_invalid_login_error()})


class RegistrationForm(_Passwords, BaseUserCreationForm[User]):
    """Creates a customer, whatever else a request says: no other field is read.

    A username is public, so the form may say that one is taken. It never says whether a mail
    address is known: several accounts may have the same.
    """

    labels_of: ClassVar = {
        "username": "Username",
        "email": "Mail address",
        "password1": "Password",
        "password2": "Password again",
    }
    missing: ClassVar = {"username": "Choose a username.", "email": _NO_ADDRESS, **MISSING}
    refusals: ClassVar = {"password_mismatch": DIFFER}

    class Meta(BaseUserCreationForm.Meta):
        """The fields of a visitor."""

        model = User
        fields = ("username", "email")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].error_messages["invalid"] = _ODD_NAME
        email = self.fields["email"]
        email.required = True
        email.help_text = "For a link, should you forget your password. Nobody sees it."
        email.error_messages["invalid"] = _MALFORMED
        email.widget.attrs["autocomplete"] = "email"

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


class ChangeForm(_Passwords, PasswordChangeForm):
    """Asks for the password that is held, and twice for another."""

    labels_of: ClassVar = {
        "old_password": "Password now",
        "new_password1": "New password",
        "new_password2": "New password again",
    }
    missing: ClassVar = MISSING
    refusals: ClassVar = {
        "password_mismatch": DIFFER,
        "password_incorrect": "This is not your password. Capital letters count.",
    }


class ChoiceForm(_Passwords, SetPasswordForm):  # type: ignore[type-arg]  # only in its stubs
    """Asks twice for a password, behind the link of a mail."""

    labels_of: ClassVar = ChangeForm.labels_of
    missing: ClassVar = MISSING
    refusals: ClassVar = {"password_mismatch": DIFFER}


class ResetForm(PlainForm, PasswordResetForm):
    """Sends the mail after the answer, which takes no longer than without a mail."""

    labels_of: ClassVar = {"email": "Mail address"}
    missing: ClassVar = {"email": _NO_ADDRESS}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].error_messages["invalid"] = _MALFORMED

    def send_mail(self, *args: Any, **kwargs: Any) -> None:
        """Send one mail, in a thread of its own."""
        Thread(target=super().send_mail, args=args, kwargs=kwargs).start()


def mailbox(form: PasswordResetForm) -> str:
    """Return the requested address, normalised as accounts are found by it."""
    return unicodedata.normalize("NFKC", form.cleaned_data["email"]).casefold()

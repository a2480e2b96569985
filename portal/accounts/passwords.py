"""What a new password must be, said before it is typed."""

from __future__ import annotations

from typing import Final

from django.conf import settings

RULES: Final = (
    f"At least {settings.PASSWORD_CHARACTERS} characters, and not digits alone; no common password,"
    " and nothing like your name or mail address."
)

MISSING: Final = {
    "old_password": "Enter the password that you have now.",
    "new_password1": "Enter a new password.",
    "new_password2": "Enter the new password again.",
    "password1": "Enter a password.",
    "password2": "Enter the password again.",
}

DIFFER: Final = "The two passwords differ."

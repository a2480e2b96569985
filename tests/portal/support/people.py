from __future__ import annotations

import re
from typing import Any

from django.test import Client

from portal.accounts.models import User
from portal.accounts.roles import Role

PASSWORD = "a well kept secret 7"
GUESS = "a bad guess at it 8"


def person(username: str, role: Role = Role.CUSTOMER, **more: Any) -> User:
    return User.objects.create_user(
        username, f"{username}@example.com", PASSWORD, role=role, **more
    )


def administrator(username: str = "root") -> User:
    return User.objects.create_superuser(username, f"{username}@example.com", PASSWORD)


def application(username: str = "newcomer", **more: str) -> dict[str, str]:
    """What the registration form sends."""
    return {
        "username": username,
        "email": f"{username}@example.com",
        "password1": PASSWORD,
        "password2": PASSWORD,
        **more,
    }


def seen(client: Client, address: str) -> dict[str, str]:
    """What the form of a page sends back of the state that it showed."""
    answer = client.get(address)
    [value] = re.findall('name="seen" value="([^"]+)"', answer.content.decode())
    return {"seen": value}

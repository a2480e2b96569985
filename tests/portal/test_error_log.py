"""What the log holds of an error: all that finds it, and nothing that a visitor has sent."""

from __future__ import annotations

import re
import subprocess

import pytest

from portal.error_log import without_values
from tests.portal.support.deployment import ENVIRONMENT, manage

_ASK = """
from django.test import Client
client = Client(headers={{"host": "portal.example.com"}}, raise_request_exception=False)
answer = client.{asked}
print(answer.status_code)
"""
LOGIN = 'post("/login/", {"username": "a guessed name", "password": "a typed secret"}, secure=True)'
RESET = 'get("/password/reset/MTc/c4-a-token-of-a-mail/", secure=True)'


def ask(asked: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Ask a portal whose database nobody serves."""
    script = _ASK.format(asked=asked)
    return manage("shell", "--no-imports", "-c", script, **{**ENVIRONMENT, **environment})


@pytest.mark.parametrize(
    ("asked", "page"),
    [(LOGIN, "/login/"), (RESET, "/password/reset/<uidb64>/<token>/")],
    ids=["form", "link"],
)
def test_an_error_is_in_the_log_with_its_traceback_and_nothing_that_was_sent(
    asked: str, page: str
) -> None:
    done = ask(asked)

    assert done.stdout == "500\n", done.stderr
    [line] = re.findall(r"^.* ERROR django\.request: .*$", done.stderr, re.MULTILINE)
    assert line.endswith(f"ERROR django.request: Internal Server Error: {page}")
    assert "Traceback (most recent call last):" in done.stderr
    assert "django.db.utils.OperationalError: (2003, " in done.stderr
    for secret in ("a guessed name", "a typed secret", "token-of-a-mail", "portal:secret@"):
        assert secret not in done.stderr
    assert ENVIRONMENT["PORTAL_SECRET_KEY"] not in done.stderr


def test_what_visitors_do_wrong_is_no_error() -> None:
    done = ask('get("/nowhere/", secure=True)')

    assert (done.stdout, done.stderr) == ("404\n", "")


def test_more_than_a_form_may_hold_is_refused_in_our_words_and_is_no_error() -> None:
    many = 'post("/login/", {str(n): "a typed secret" for n in range(1500)}, secure=True)'

    done = ask(f"{many}; print(answer.content.decode())")

    assert done.stdout.endswith("\n400\n")
    assert "This could not be understood" in done.stdout
    assert done.stderr == ""


def test_a_host_that_is_not_allowed_is_a_line_without_the_host() -> None:
    done = ask('get("/login/", headers={"host": "a-host-that-was-sent"}, secure=True)')

    assert done.stdout == "400\n"
    [line] = done.stderr.splitlines()
    assert line.endswith(
        "ERROR django.security.DisallowedHost: "
        "a request for a host that PORTAL_ALLOWED_HOSTS does not name was refused"
    )


@pytest.mark.parametrize(
    ("told", "hidden"),
    [
        (
            """django.db.utils.IntegrityError: (1062, "Duplicate entry 'O'Brien' for key 'a'")""",
            """django.db.utils.IntegrityError: (1062, "Duplicate entry '***'")""",
        ),
        (
            """pymysql.err.DataError: (1366, "Incorrect string value: '\\\\xF0' for column 'a'")""",
            """pymysql.err.DataError: (1366, "Incorrect string value: '***'")""",
        ),
        (
            """pymysql.err.OperationalError: (2003, "Can't connect to MySQL server on 'db'")""",
            """pymysql.err.OperationalError: (2003, "Can't connect to MySQL server on 'db'")""",
        ),
        (
            """pymysql.err.ProgrammingError: (1146, "Table 'twitter.users' doesn't exist")""",
            """pymysql.err.ProgrammingError: (1146, "Table 'twitter.users' doesn't exist")""",
        ),
    ],
)
def test_a_value_that_mysql_quotes_is_hidden(told: str, hidden: str) -> None:
    assert without_values(f"Traceback\n{told}\n") == f"Traceback\n{hidden}\n"

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.portal.support.deployment import ENVIRONMENT, manage

_ASK_FOR_A_PAGE = """
import django; django.setup()
from django.test import Client
answer = Client(headers={"host": "portal.example.com"}).get("/login/", secure=True)
print(answer.status_code, answer.headers["Strict-Transport-Security"])
"""


def check(**environment: str) -> subprocess.CompletedProcess[str]:
    return manage("check", "--deploy", "--fail-level=INFO", **environment)


def test_the_settings_are_fit_to_be_deployed() -> None:
    done = check(**ENVIRONMENT)

    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_a_command_that_needs_the_sandbox_says_so_without_it(tmp_path: Path) -> None:
    hidden = "import sys; sys.modules['cdc_sandbox'] = None"
    (tmp_path / "sitecustomize.py").write_text(hidden)

    done = manage("load_tweets", "tweets.json", **ENVIRONMENT, PYTHONPATH=str(tmp_path))

    assert done.returncode == 1
    assert done.stderr == (
        "this command reads and invents tweets by the sandbox: pip install ./sandbox\n"
    )


@pytest.mark.parametrize("name", ["PORTAL_SECRET_KEY", "PORTAL_DATABASE_URL"])
def test_a_setting_that_is_missing_is_named(name: str) -> None:
    done = check(**{key: value for key, value in ENVIRONMENT.items() if key != name})

    assert done.stderr.startswith(f"{name} is not set")
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("PORTAL_DATABASE_URL", "portal:secret@db/twitter", "is no URL as mysql://USER:PASSWORD@"),
        ("PORTAL_DATABASE_URL", "oddsql://portal:secret@db/twitter", "is no URL as mysql://"),
        ("PORTAL_DATABASE_URL", "mysql://portal:secret@db:many/twitter", "is no URL as mysql://"),
        ("PORTAL_DATABASE_URL", "mysql://portal:secret@db", "is no URL as mysql://"),
        ("PORTAL_MONGODB_URI", "mongo.example.com", "is no URI as mongodb://127.0.0.1:27017/"),
        (
            "PORTAL_MONGODB_URI",
            "mongodb://u:secret@a:b/",
            "is no URI as mongodb://127.0.0.1:27017/",
        ),
        (
            "PORTAL_CDC_STATUS_URL",
            "127.0.0.1:9108/status",
            "write a URL, as http://127.0.0.1:9108/",
        ),
        ("PORTAL_CDC_STATUS_URL", "http://cdc:many/status", "write a URL, as http://"),
        ("PORTAL_CDC_STATUS_URL", "http:///status", "write a URL, as http://"),
        ("PORTAL_CDC_STATUS_URL", "http://cdc/sta tus", "write a URL, as http://"),
    ],
)
def test_an_address_that_is_none_is_named_without_its_password(
    name: str, value: str, told: str
) -> None:
    done = check(**{**ENVIRONMENT, name: value})

    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(f"{name} is ")
    assert told in line
    assert "secret" not in line


def test_a_secrets_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing"

    done = check(**{**ENVIRONMENT, "PORTAL_SECRET_KEY_FILE": str(missing)})

    assert done.returncode != 0
    assert f"PORTAL_SECRET_KEY_FILE is {missing}, which cannot be read: No such" in done.stderr


def test_a_secret_may_be_in_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(ENVIRONMENT["PORTAL_SECRET_KEY"] + "\n")

    done = check(**{**ENVIRONMENT, "PORTAL_SECRET_KEY": "", "PORTAL_SECRET_KEY_FILE": str(secret)})

    assert done.returncode == 0, done.stderr


def test_the_password_of_the_database_may_be_apart_from_its_address(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("p:@/ %\n")

    done = manage(
        *("shell", "--no-imports", "-c"),
        "from django.conf import settings as s; print(s.DATABASES['default']['PASSWORD'])",
        **{**ENVIRONMENT, "PORTAL_DATABASE_URL": "mysql://portal@db.example.com/twitter"},
        PORTAL_DATABASE_PASSWORD_FILE=str(secret),
    )

    assert done.stdout == "p:@/ %\n", done.stderr


def test_plain_http_is_told() -> None:
    done = check(**ENVIRONMENT, PORTAL_HTTPS="0")

    assert "SECURE_SSL_REDIRECT" in done.stderr
    assert done.returncode == 1


def test_pages_find_their_collected_files_and_tell_browsers_to_keep_to_https(
    tmp_path: Path,
) -> None:
    environment = {**ENVIRONMENT, "PORTAL_STATIC_ROOT": str(tmp_path / "static")}
    collected = manage("collectstatic", "--no-input", **environment)
    assert collected.returncode == 0, collected.stderr

    asked = manage("shell", "--no-imports", "-c", _ASK_FOR_A_PAGE, **environment)

    assert asked.stdout.split(maxsplit=1)[0] == "200", asked.stderr
    assert "max-age=31536000; includeSubDomains; preload" in asked.stdout

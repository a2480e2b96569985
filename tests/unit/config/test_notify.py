"""What `notify` may say."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdc.config import load
from cdc.errors import UsageError

CONFIG = """\
name: shop
source: {host: db, user: cdc, password: hush}
target: {uri: "mongodb://localhost", database: shop}
notify: {%s}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "users.yaml").write_text("source: shop.users\n")
    (tmp_path / "short").write_text("too short\n")
    (tmp_path / "secret").write_text("0123456789abcdef\n")
    return tmp_path


def write(folder: Path, notify: str) -> Path:
    path = folder / "cdc.yaml"
    path.write_text(CONFIG % notify)
    return path


def test_it_tells_of_everything_if_it_does_not_say_of_what(folder: Path) -> None:
    config = load(write(folder, "url: 'https://hooks.example.com:8443/a/b?c=d'"), {}).notify

    assert config is not None
    assert config.events == ("schema_change", "dead_letter", "halt", "lag", "job")
    assert config.lag_seconds == 300
    assert config.read_secret() == b""
    assert config.host == "hooks.example.com:8443"
    assert "/a/b" not in repr(config)


def test_the_secret_is_what_its_file_holds_but_for_the_newline(folder: Path) -> None:
    config = load(write(folder, "url: 'http://h/', secret_file: secret"), {}).notify

    assert config is not None
    assert config.read_secret() == b"0123456789abcdef"


@pytest.mark.parametrize(
    ("notify", "told"),
    [
        ("url: 'ftp://hooks/'", "must begin with https:// or http:// and name a host"),
        ("url: 'https:///path'", "must begin with https:// or http:// and name a host"),
        ("url: 'https://h:x/'", "must begin with https:// or http:// and name a host"),
        ("url: 'https://[h/'", "notify.url: Invalid IPv6 URL"),
        ("url: 'https://u:p@h/'", "would not be sent"),
        ("url: 'https://h/', secret_file: short", "is shorter than 16 bytes"),
        ("url: 'https://h/', secret_file: none", "there is no file"),
        ("url: 'https://h/', events: []", "notify.events"),
        ("url: 'https://h/', events: [jobs]", "notify.events"),
        ("url: 'https://h/', lag_seconds: 0", "notify.lag_seconds"),
        ("events: [job]", "notify.url"),
    ],
)
def test_mistakes_are_told(folder: Path, notify: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(write(folder, notify), {})

    assert told in str(caught.value)

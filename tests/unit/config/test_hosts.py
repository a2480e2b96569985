"""The two ways to name a source: one host, or several."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdc.config import SourceConfig, load
from cdc.errors import UsageError

TEXT = """\
name: shop
source: {SOURCE, user: cdc, password: hush}
target: {uri: "mongodb://localhost", database: shop}
"""


def source(folder: Path, named: str) -> SourceConfig:
    (folder / "mappings").mkdir()
    (folder / "mappings" / "users.yaml").write_text("source: shop.users\n")
    path = folder / "cdc.yaml"
    path.write_text(TEXT.replace("SOURCE", named))
    return load(path, {}).source


def refusal(folder: Path, named: str) -> str:
    with pytest.raises(UsageError) as caught:
        source(folder, named)
    return str(caught.value).replace(str(folder), "").strip("/")


def test_one_host_is_one_address(tmp_path: Path) -> None:
    found = source(tmp_path, "host: db, port: 3307")

    assert [str(each) for each in found.addresses] == ["db:3307"]
    assert found.each_host() == (found,)


def test_hosts_are_names_or_addresses_with_or_without_a_port(tmp_path: Path) -> None:
    found = source(tmp_path, "hosts: [db1, 'db2:3307', '::1', '[fe80::1]:3308', 10.0.0.7]")

    assert [tuple(each) for each in found.addresses] == [
        ("db1", 3306),
        ("db2", 3307),
        ("::1", 3306),
        ("fe80::1", 3308),
        ("10.0.0.7", 3306),
    ]
    assert [str(each) for each in found.addresses][2:4] == ["[::1]:3306", "[fe80::1]:3308"]


def test_each_host_is_a_source_of_its_own(tmp_path: Path) -> None:
    found = source(tmp_path, "hosts: [db1, 'db2:3307'], prefer_read_only: true")

    alone = found.each_host()

    assert [(each.address, each.hosts) for each in alone] == [
        (("db1", 3306), ()),
        (("db2", 3307), ()),
    ]
    assert {each.user for each in alone} == {"cdc"}


@pytest.mark.parametrize(
    ("named", "what"),
    [
        ("port: 3306", "write `host: NAME`, or `hosts: [NAME:PORT, …]`"),
        ("host: db, hosts: [db2]", "`host` is written too: keep one of the two"),
        ("hosts: [db2], port: 3307", "`port` belongs to `host`: write NAME:PORT in this list"),
        ("hosts: []", "write `host: NAME`, or `hosts: [NAME:PORT, …]`"),
        ("hosts: [db, 'db:3306']", "`db:3306` stands twice"),
        ("hosts: ['db:0']", "`db:0`: ports are 1 to 65535"),
        ("hosts: ['db:99999']", "`db:99999`: ports are 1 to 65535"),
        ("hosts: ['db:']", "`db:`: write NAME, NAME:PORT or [IPv6]:PORT"),
        ("hosts: ['mysql://db']", "`mysql://db`: write NAME, NAME:PORT or [IPv6]:PORT"),
        ("hosts: ['a b']", "`a b`: write NAME, NAME:PORT or [IPv6]:PORT"),
    ],
)
def test_what_names_no_hosts_is_a_mistake(tmp_path: Path, named: str, what: str) -> None:
    assert refusal(tmp_path, named) == f"cdc.yaml:2: source.hosts: {what}"


def test_a_preference_needs_a_choice(tmp_path: Path) -> None:
    assert refusal(tmp_path, "host: db, prefer_read_only: true") == (
        "cdc.yaml:2: source.prefer_read_only: chooses among `hosts`, and there is one host only"
    )


def test_a_file_begins_on_one_host_only(tmp_path: Path) -> None:
    path = tmp_path / "cdc.yaml"
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "users.yaml").write_text("source: shop.users\n")
    text = TEXT.replace("SOURCE", "hosts: [a, b]") + "start: {file: binlog.000001, offset: 4}\n"
    path.write_text(text)

    with pytest.raises(UsageError, match="start: a file is one server's"):
        load(path, {})

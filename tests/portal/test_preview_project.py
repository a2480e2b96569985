"""What a preview takes from cdc.yaml: which mappings there are, and no secret."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from portal.dashboards.preview.drawn import Account
from portal.dashboards.preview.project import NotReadable, project_config

ACCOUNT = Account(host="db.example.com", port=3307, user="${portal}", password="${own}")
SECRET = "a well kept secret"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "users.yaml").write_text("source: twitter.users\ntarget: users\n")
    return tmp_path / "cdc.yaml"


def write(path: Path, **lines: str) -> None:
    written = {
        "name": "twitter",
        "source": f"{{hosts: [a, b], user: cdc, password: {SECRET}, tls: required}}",
        "target": f"{{uri: 'mongodb://cdc:{SECRET}@mongo/', database: twitter}}",
        "mappings": "['*users.yaml']",
        **lines,
    }
    path.write_text("\n".join(f"{name}: {value}" for name, value in written.items()))


def test_rows_come_by_the_account_of_the_portal(path: Path) -> None:
    write(path)

    config = project_config(path, "twitter", ACCOUNT)

    source = config.source
    assert [(each.host, each.port) for each in source.addresses] == [("db.example.com", 3307)]
    assert (source.user, source.read_password()) == (ACCOUNT.user, ACCOUNT.password)
    assert source.tls.mode == "off"
    assert config.mappings == (str(path.parent / "*users.yaml"),)
    assert SECRET not in repr(config) + config.target.uri.get_secret_value()


def test_what_changes_documents_is_read(path: Path) -> None:
    write(path, source="{time_zone: Europe/Berlin, ignore_statements_on: ['a.b']}")

    source = project_config(path, "twitter", ACCOUNT).source

    assert (source.time_zone, source.ignore_statements_on) == ("Europe/Berlin", ("a.b",))


@pytest.mark.parametrize("written", [{"mask_key": SECRET}, {"mask_key_file": "/not/there"}])
def test_hashes_are_made_with_a_key_of_the_moment(path: Path, written: dict[str, str]) -> None:
    write(path, **written)

    keys = {project_config(path, "twitter", ACCOUNT).read_mask_key() for _ in range(2)}

    assert len(keys) == 2
    assert SECRET.encode() not in keys


def test_without_a_key_there_is_none(path: Path) -> None:
    write(path)

    assert project_config(path, "twitter", ACCOUNT).read_mask_key() == b""


def test_variables_of_secrets_need_not_be_set(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOLDER", os.curdir)
    write(path, source="{password: '${UNSET_1}'}", mappings="['${FOLDER}/*.yaml']")

    assert project_config(path, "twitter", ACCOUNT).name == "twitter"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ({"name": "orders"}, "is of the stream orders, not of twitter"),
        ({"name": "'${UNSET_1}'"}, "`name`: the environment variable UNSET_1 is not set"),
        ({"mappings": "[none/*.yaml]"}, "`none/*.yaml` matches no file in "),
        ({"mappings": "[["}, "cdc.yaml:4: not YAML"),
        ({"source": "{time_zone: Middle/Earth}"}, "no time zone has this name"),
    ],
)
def test_what_cannot_be_used_is_named(path: Path, written: dict[str, str], told: str) -> None:
    write(path, **written)

    with pytest.raises(NotReadable) as caught:
        project_config(path, "twitter", ACCOUNT)

    assert told in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_file_that_is_not_there_is_named(path: Path) -> None:
    with pytest.raises(NotReadable, match=r"cdc\.yaml cannot be read: No such file"):
        project_config(path, "twitter", ACCOUNT)

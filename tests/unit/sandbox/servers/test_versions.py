from __future__ import annotations

import re
from importlib.resources import files

import pytest

from cdc.errors import UsageError
from cdc_sandbox.servers.maven import read_sums
from cdc_sandbox.servers.versions import (
    DEFAULTS,
    KNOWN,
    NAMES,
    VARIABLE,
    Jar,
    Jars,
    Name,
    Version,
    Wheel,
    chosen,
    find,
    parse,
)


@pytest.mark.parametrize("version", KNOWN, ids=lambda it: f"{it.name}={it.number}")
def test_every_known_version_is_found_by_its_own_number(version: Version) -> None:
    assert find(version.name, version.number) == version


@pytest.mark.parametrize(
    ("name", "asked", "found"),
    [
        ("mysql", "8.0", "8.0.31"),
        ("mysql", "9", "9.7"),
        ("mariadb", "10", "10.11"),
        ("mariadb", "11.4", "11.4.5"),
        ("mongo", "6.0", "6.0.27"),
        ("mongo", "5", "5.0.4"),
    ],
)
def test_the_beginning_of_a_version_names_the_newest_that_begins_so(
    name: Name, asked: str, found: str
) -> None:
    assert find(name, asked).number == found


@pytest.mark.parametrize("asked", ["10.1", "1", "10.5.", "10.5.29", "9.7"])
def test_a_version_that_is_not_there_is_told_with_those_that_are(asked: str) -> None:
    with pytest.raises(UsageError, match=f"no mariadb {re.escape(asked)} to be had") as caught:
        find("mariadb", asked)

    assert caught.value.remedy == "one of 10.5, 10.11, 11.4.5, 11.8"


def test_several_servers_are_asked_for_in_one_word_each() -> None:
    found = parse("mysql=8.0.31  mariadb=10.5 mongo=5.0.4")

    assert {name: version.number for name, version in found.items()} == {
        "mysql": "8.0.31",
        "mariadb": "10.5",
        "mongo": "5.0.4",
    }


@pytest.mark.parametrize("word", ["8.0.31", "mysql", "mysql=", "postgres=17", "mongod=5.0.4"])
def test_a_word_that_names_no_server_and_version_is_an_error(word: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"{VARIABLE} has {word!r}")):
        parse(f"mariadb=10.5 {word}")


def test_a_server_that_is_named_twice_is_an_error() -> None:
    with pytest.raises(UsageError, match="names mysql twice"):
        parse("mysql=8.0.15 mysql=8.0.31")


def test_the_argument_overrides_the_variable_and_the_variable_the_default() -> None:
    environment = {VARIABLE: "mysql=8.0.15"}

    assert chosen("mysql", "8.0.31", environment).number == "8.0.31"
    assert chosen("mysql", None, environment).number == "8.0.15"
    assert chosen("mariadb", None, environment) == DEFAULTS["mariadb"]


@pytest.mark.parametrize("name", NAMES)
def test_a_chosen_version_does_not_stand_in_for_the_default_in_the_cache(name: Name) -> None:
    ours = {version.kind for version in KNOWN if version.origin == DEFAULTS[name].origin}
    others = [version.kind for version in KNOWN if version.kind not in ours]

    assert DEFAULTS[name].kind in ours
    assert len(set(others)) == len(others)
    assert not [kind for kind in others if re.match(rf"{DEFAULTS[name].kind}-\d", kind)]


@pytest.mark.parametrize(
    ("number", "is_told"),
    [("9.7.4", True), ("9.7", True), ("9.70.1", False), ("9.8.0", False), ("9", False)],
)
def test_a_version_is_told_by_all_that_begin_with_it(number: str, is_told: bool) -> None:
    assert find("mysql", "9.7").is_told_by(number) == is_told


def test_whatever_the_distribution_has_is_the_default() -> None:
    assert DEFAULTS["mysql"].is_told_by("8.4.7")


@pytest.mark.parametrize("version", KNOWN, ids=lambda it: f"{it.name}={it.number}")
def test_what_an_index_serves_is_pinned(version: Version) -> None:
    match version.origin:
        case Jar(coordinates=coordinates):
            assert re.fullmatch(r"[\w.-]+:[\w.-]+:[\d.]+", coordinates)
        case Jars(coordinates=several):
            assert all(re.fullmatch(r"[\w.-]+:[\w.-]+:[\d.]+", each) for each in several)
            sums = files("cdc_sandbox.servers") / "jars" / f"{version.name}-{version.number}.sha256"
            jars = read_sums(sums.read_text())
            assert len(jars) > len(several)
            assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in jars.values())
        case Wheel(requirement=requirement):
            assert re.fullmatch(r"[\w-]+==[\d.]+", requirement)

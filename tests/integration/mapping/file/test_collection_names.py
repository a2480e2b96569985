"""The names of collections that a mapping may write are those that a server takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from pymongo.errors import InvalidName, OperationFailure

from cdc.mapping.file.collection_names import namespace_mistake
from cdc.mapping.file.loading import load_mappings
from cdc.mapping.file.problems import MappingError
from cdc_sandbox.servers import MongoServer

NAMES = [
    "orders",
    "a.b.c",
    "a b",
    "a/b",
    "a\\b",
    'a"b',
    "é" * 100,
    "system",
    "systems.a",
    "System.a",
    "tmp.a",
    "fs.chunks",
    "a..b",
    ".a",
    "a.",
    ".",
    "..",
    "$a",
    "a$b",
    "a.$b",
    "oplog.$main",
    "a\0b",
    "\ud800",
    "system.a",
    "system.views",
    "system.profile",
    "a.system.b",
    "a.b.system.c",
    "a.system",
    "x" * 300,
]


def is_mistake(folder: Path, name: str) -> bool:
    written = "".join(f"\\u{ord(each):04x}" for each in name)
    (folder / "one.yaml").write_text(f'source: shop.orders\ntarget: "{written}"\n')
    try:
        load_mappings(["one.yaml"], relative_to=folder)
    except MappingError as error:
        return [(each.file.name, each.line) for each in error.mistakes] == [("one.yaml", 2)]
    return False


def is_refused(mongo: MongoServer, database: str, name: str) -> bool:
    with mongo.client() as client:
        try:
            client[database][name].insert_one({})
        except (OperationFailure, InvalidName, UnicodeEncodeError):
            return True
        return False


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_name_is_a_mistake_where_the_server_or_the_driver_refuses_it(
    mongo: MongoServer, database: str, tmp_path: Path, name: str
) -> None:
    assert is_mistake(tmp_path, name) == is_refused(mongo, database, name)


@pytest.mark.parametrize("letter", ["x", "é"])
@pytest.mark.parametrize("beyond", [0, 1])
def test_database_and_name_together_are_as_long_as_the_server_takes(
    mongo: MongoServer, database: str, letter: str, beyond: int
) -> None:
    room = 255 - len(f"{database}.") + beyond
    name = letter * (room // len(letter.encode())) + "x" * (room % len(letter.encode()))

    told = namespace_mistake(database, name) is not None

    assert told == is_refused(mongo, database, name) == bool(beyond)

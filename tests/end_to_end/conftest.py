from __future__ import annotations

import random
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from cdc_sandbox.servers import MongoServer, MySQLServer, mysql_server
from tests.end_to_end.support.first_copies import CHUNK_ROWS
from tests.end_to_end.support.history import History, MariadbGtids, MysqlGtids
from tests.end_to_end.support.keys import INTEGER
from tests.end_to_end.support.nursery import nursery
from tests.end_to_end.support.shuffling import fill
from tests.end_to_end.support.sources import KINDS, MakeStream
from tests.end_to_end.support.stream import Stream
from tests.support.three_members import ThreeMembers, three_members
from tests.support.unsynced import UNSYNCED


@pytest.fixture(scope="session", autouse=True)
def _nursery() -> Iterator[None]:
    yield
    nursery().close()


@pytest.fixture(scope="session")
def mysql_without_gtids() -> Iterator[MySQLServer]:
    """A MySQL that is positioned by files only, shared by the whole run."""
    options = [*UNSYNCED, "--gtid-mode=OFF", "--enforce-gtid-consistency=OFF"]
    with mysql_server(options=options) as server:
        yield server


@pytest.fixture(scope="session")
def client(mongo: MongoServer) -> Iterator[MongoClient[dict[str, Any]]]:
    with mongo.client() as client:
        yield client


@pytest.fixture
def make_stream(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MakeStream]:
    """Make streams from `source` to `mongo`; what they leave is kept if the test fails."""
    with ExitStack() as cleaning:

        def make(
            source: MySQLServer,
            mongo: MongoServer,
            client: MongoClient[dict[str, Any]],
            history: Callable[[MySQLServer], History],
        ) -> Stream:
            schema = f"test_{uuid.uuid4().hex[:12]}"
            source.execute(f"CREATE DATABASE {schema} CHARACTER SET utf8mb4")
            folder = tmp_path_factory.mktemp("stream")
            stream = Stream(source, mongo, client, history(source), schema=schema, folder=folder)
            cleaning.callback(_clean, request, stream, folder)
            cleaning.callback(stream.close)
            return stream

        yield make


def _clean(request: pytest.FixtureRequest, stream: Stream, folder: Path) -> None:
    if request.session.testsfailed:
        print(f"kept: {folder}, {stream.schema} on {stream.source} and {stream.mongo}")
        for daemon in stream.daemons:
            print(f"--- {daemon}\n{daemon.stderr[-4000:]}")
        return
    if stream.source.running and stream.mongo.running:
        stream.drop()
    shutil.rmtree(folder)


@pytest.fixture(params=KINDS)
def stream(
    request: pytest.FixtureRequest,
    mongo: MongoServer,
    client: MongoClient[dict[str, Any]],
    make_stream: MakeStream,
) -> Stream:
    """A stream from each kind of source in turn."""
    fixture, history = KINDS[request.param]
    return make_stream(request.getfixturevalue(fixture), mongo, client, history)


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreeMembers]:
    """A replica set of three members, for the tests of one file."""
    with three_members(tmp_path_factory.mktemp("members")) as members:
        yield members


@pytest.fixture(scope="module")
def members_client(members: ThreeMembers) -> Iterator[MongoClient[dict[str, Any]]]:
    with members.client() as client:
        yield client


@pytest.fixture
def of_three(
    members: ThreeMembers,
    members_client: MongoClient[dict[str, Any]],
    mysql: MySQLServer,
    mongo: MongoServer,
    make_stream: MakeStream,
) -> Stream:
    """A stream into the three members."""
    stream = make_stream(mysql, mongo, members_client, MysqlGtids)
    stream.settings["target"]["uri"] = members.uri
    stream.table("items", "id INT NOT NULL PRIMARY KEY, version INT NOT NULL")
    return stream


@pytest.fixture
def two_streams(
    mysql: MySQLServer,
    mariadb: MySQLServer,
    mongo: MongoServer,
    client: MongoClient[dict[str, Any]],
    make_stream: MakeStream,
) -> tuple[Stream, Stream]:
    """One from MySQL and one from MariaDB, with one state and one target database."""
    first = make_stream(mysql, mongo, client, MysqlGtids)
    second = make_stream(mariadb, mongo, client, MariadbGtids)
    second.settings["target"] = first.settings["target"]
    second.state, second.database = first.state, first.database
    return first, second


@pytest.fixture(params=KINDS)
def own_source(
    request: pytest.FixtureRequest,
    mongo: MongoServer,
    client: MongoClient[dict[str, Any]],
    make_stream: MakeStream,
) -> Iterator[Stream]:
    """A stream from a source whose log the test may destroy; one row was applied, then it ended."""
    without_gtids = ["--gtid-mode=OFF", "--enforce-gtid-consistency=OFF"]
    with mysql_server(
        request.param.partition("-")[0],
        options=[*UNSYNCED, *(without_gtids if request.param == "mysql-file" else ())],
    ) as source:
        stream = make_stream(source, mongo, client, KINDS[request.param][1])
        stream.table("items", "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)")
        stream.start()
        stream.sql("INSERT INTO items VALUES (1, 'read')")
        stream.until_caught_up()
        stream.stop()
        yield stream
        stream.close()


@pytest.fixture
def held(request: pytest.FixtureRequest, stream: Stream) -> Stream:
    """A stream whose first copy is made by two workers, in ten ranges of twenty chunks."""
    if request.node.callspec.params["stream"] == "mariadb-file":
        pytest.skip("a stream that begins with a backfill is positioned by GTIDs on MariaDB")
    stream.settings["start"] = "backfill"
    stream.settings["chunks"] = {"rows": CHUNK_ROWS, "workers": 2, "allow_brief_lock": True}
    return stream


@pytest.fixture
def filled(held: Stream) -> Stream:
    fill(held, INTEGER, random.Random(0))
    return held

"""What a history does beside rows: statements, letters, refusals, claims, indexes, targets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pymongo import MongoClient

from cdc.writers.observer import WriteStep
from cdc_sandbox.servers import MongoServer, MySQLServer, mongo_server
from tests.end_to_end.support.command import cdc
from tests.end_to_end.support.halting import halted
from tests.end_to_end.support.history import MariadbGtids, MysqlGtids
from tests.end_to_end.support.row_history import COLUMNS, MAPPING, Recorder, assert_kept, history
from tests.end_to_end.support.sources import ONE_KIND, MakeStream
from tests.end_to_end.support.stream import Document, Stream
from tests.support.waiting import eventually

BOTH_SERVERS = pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-gtid"], indirect=True)
UNFIT = 3
ROW = "INSERT INTO orders VALUES ({0}, {0}, 'word', 'note', 1, 'secret')"


@pytest.fixture
def orders(stream: Stream) -> Stream:
    stream.table("orders", COLUMNS, MAPPING)
    return stream


def told(stream: Stream) -> list[tuple[str, list[int]]]:
    return [(each["action"], each["keys"]) for each in history(stream)]


@BOTH_SERVERS
def test_a_statement_that_takes_rows_away_is_kept_as_one(orders: Stream) -> None:
    orders.start()
    orders.sql(
        ROW.format(1),
        "TRUNCATE orders",
        ROW.format(2),
        "ALTER TABLE orders MODIFY number BIGINT NOT NULL",
        "DELETE FROM orders",
    )

    orders.until_caught_up()

    assert told(orders) == [
        ("insert", [1]),
        ("truncate", []),
        ("insert", [2]),
        ("alter", []),
        ("delete", [2]),
    ]
    truncated = history(orders)[1]
    assert truncated["_id"]["table"] == f"{orders.schema}.orders"
    assert (truncated["before"], truncated["after"]) == (None, None)


@BOTH_SERVERS
def test_what_may_have_emptied_a_temporary_table_is_not_kept_as_if_rows_were_gone(
    orders: Stream,
) -> None:
    orders.start(ledger=False)
    orders.sql(
        ROW.format(1),
        "SET SESSION binlog_format = STATEMENT",
        f"CREATE TEMPORARY TABLE orders ({COLUMNS})",
        "TRUNCATE orders",
        "DROP TABLE orders",
    )

    orders.until_caught_up()

    assert told(orders)[0] == ("insert", [1])
    assert {action for action, _ in told(orders)[1:]} <= {"alter"}
    assert [*orders.documents("orders")] == [1]


@BOTH_SERVERS
@pytest.mark.parametrize("point", ["in_piece", "before_commit", "after_commit"])
def test_a_truncate_is_kept_once_whatever_dies(orders: Stream, point: str) -> None:
    orders.settings["apply"] = {"batch_rows": 1}
    orders.sql(ROW.format(1), "TRUNCATE orders", ROW.format(2))
    count = {"in_piece": 1, "before_commit": 2, "after_commit": 2}[point]

    assert orders.start(fault=f"{point}:{count}").wait() == -9
    orders.start()
    orders.until_caught_up()

    assert told(orders) == [("insert", [1]), ("truncate", []), ("insert", [2])]
    assert [*orders.documents("orders")] == [2]


@BOTH_SERVERS
def test_a_copy_keeps_no_history_and_a_row_s_next_change_tells_what_it_was(orders: Stream) -> None:
    orders.settings["start"] = "backfill"
    orders.sql(ROW.format(1))
    orders.start(ledger=False)
    orders.daemon.until_logged("job_done")
    before = history(orders)

    orders.sql("UPDATE orders SET number = 5")
    orders.until_caught_up()
    resync = cdc(orders, "resync", f"{orders.schema}.orders")

    assert before == []
    assert resync.returncode == 0
    [found] = history(orders)
    assert found["before"]["number"] == 1
    assert found["after"]["number"] == 5


@BOTH_SERVERS
def test_a_row_that_cannot_be_mapped_is_a_letter_and_its_change_is_kept(stream: Stream) -> None:
    fields = {"data": {"column": "data", "type": "json"}}
    mapping = {"fields": fields, "history": "orders_history"}
    stream.table("orders", "id INT NOT NULL PRIMARY KEY, data LONGTEXT", mapping)
    stream.start()
    stream.sql(
        "INSERT INTO orders VALUES (1, '[1]'), (2, '[2]')",
        "UPDATE orders SET data = 'no JSON' WHERE id = 2",
        "UPDATE orders SET data = '[3]' WHERE id = 2",
    )

    stream.until_caught_up()

    found = [(each["keys"], each["before"], each["after"], each.get("missing")) for each in
             history(stream)]  # fmt: skip
    assert found == [
        ([1], None, {"_id": 1, "data": [1]}, None),
        ([2], None, {"_id": 2, "data": [2]}, None),
        ([2], {"_id": 2, "data": [2]}, None, {"after": "value"}),
        ([2], None, {"_id": 2, "data": [3]}, {"before": "value"}),
    ]
    assert stream.documents("orders")[2] == {"data": [3]}


@ONE_KIND
def test_a_document_that_the_target_refuses_is_a_letter_and_its_change_is_kept(
    orders: Stream,
) -> None:
    orders.database.create_collection("orders", validator={"number": {"$lt": 10}})
    orders.start()

    orders.sql(ROW.format(1), "UPDATE orders SET number = 20", ROW.format(2))
    orders.until_caught_up()

    assert orders.state["dead_letters"].count_documents({"state": "open"}) == 1
    assert told(orders) == [("insert", [1]), ("update", [1]), ("insert", [2])]


@ONE_KIND
def test_a_change_that_the_history_refuses_stops_the_stream_until_it_takes_it(
    orders: Stream,
) -> None:
    validator = {"after.number": {"$not": {"$gt": 10}}}
    orders.database.create_collection("orders_history", validator=validator)
    recorder = Recorder(orders)
    recorder.transaction(ROW.format(1))
    recorder.transaction("UPDATE orders SET number = 20")

    said = halted(orders.start())

    assert "refuses to write a document of orders_history" in said["message"]
    assert "on_error" not in said["remedy"]
    assert orders.documents("orders") == {}
    orders.database.command("collMod", "orders_history", validator={})
    orders.start()
    orders.until_caught_up()
    assert_kept(orders, recorder)


@BOTH_SERVERS
def test_partial_images_stop_the_stream_since_what_was_before_is_unknown(orders: Stream) -> None:
    orders.start()
    orders.sql(ROW.format(1), "SET SESSION binlog_row_image = MINIMAL", "DELETE FROM orders")

    said = halted(orders.daemon)

    assert "row images that lack columns" in said["message"]
    assert said["table"] == f"{orders.schema}.orders"


@ONE_KIND
def test_a_history_that_is_begun_later_needs_no_resync(orders: Stream) -> None:
    orders.follow("orders", {key: each for key, each in MAPPING.items() if key != "history"})
    orders.start()
    orders.sql(ROW.format(1))
    orders.until_caught_up()
    orders.stop()

    orders.follow("orders", MAPPING)
    orders.start()
    orders.sql(ROW.format(2))
    orders.until_caught_up()

    assert told(orders) == [("insert", [2])]
    claims = {each["_id"] for each in orders.state["claims"].find({"stream": orders.name})}
    assert f"{orders.database.name}.orders_history" in claims


def test_one_history_belongs_to_one_stream(two_streams: tuple[Stream, Stream]) -> None:
    first, second = two_streams
    first.table("orders", COLUMNS, MAPPING)
    second.table("others", COLUMNS, MAPPING)
    first.start(ledger=False)
    first.until_streaming()
    second.configure()

    check = cdc(second, "check")
    refused = second.start(ledger=False)

    assert check.returncode == UNFIT
    [line] = [each for each in check.stdout.splitlines() if "claim on" in each]
    assert f"{first.database.name}.orders_history" in line
    assert refused.wait() == UNFIT


def test_a_history_that_another_stream_writes_is_named_otherwise(
    two_streams: tuple[Stream, Stream],
) -> None:
    first, second = two_streams
    first.table("orders_history", COLUMNS)
    second.table("orders", COLUMNS, MAPPING)
    first.start(ledger=False)
    first.until_streaming()
    second.configure()

    check = cdc(second, "check")

    [line] = [each for each in check.stdout.splitlines() if "claim on" in each]
    assert f"another collection in `history` of the mapping of {second.schema}.orders" in line
    assert "constant" not in line


@ONE_KIND
def test_it_goes_with_the_stream_s_documents_and_only_then(orders: Stream) -> None:
    orders.start()
    orders.sql(ROW.format(1))
    orders.until_caught_up()
    orders.stop()

    told_first = cdc(orders, "stream", "remove", orders.name)
    removed = cdc(orders, "stream", "remove", orders.name, "--yes", "--documents")

    assert f"the whole collection {orders.database.name}.orders_history" in told_first.stdout
    assert removed.returncode == 0, removed.stderr
    assert orders.database.list_collection_names() == []


def days(stream: Stream) -> float | None:
    indexes = stream.database["orders_history"].index_information()
    seconds = indexes.get("committed_at_1", {}).get("expireAfterSeconds")
    return None if seconds is None else seconds / 86_400


@ONE_KIND
def test_changes_expire_after_the_days_that_the_mapping_says(orders: Stream) -> None:
    keeping = {**MAPPING, "history": {"collection": "orders_history", "keep_days": 90}}
    orders.follow("orders", keeping)
    orders.configure()

    will_be = cdc(orders, "check")
    orders.start()
    orders.sql(ROW.format(1))
    orders.until_caught_up()
    is_there = cdc(orders, "check")
    orders.stop()
    created = days(orders)
    orders.follow("orders", {**MAPPING, "history": {**keeping["history"], "keep_days": 30}})
    other = cdc(orders, "check")
    refused = orders.start()

    assert "index committed_at_1 of orders_history: will be created" in will_be.stdout
    assert "index committed_at_1 of orders_history: is there" in is_there.stdout
    assert "have documents expire" not in is_there.stdout
    assert created == 90
    assert other.returncode == UNFIT
    assert "after 90 days, and `keep_days` says 30" in other.stdout
    assert refused.wait() == UNFIT
    change = {"name": "committed_at_1", "expireAfterSeconds": 30 * 86_400}
    orders.database.command({"collMod": "orders_history", "index": change})
    orders.start()
    orders.until_streaming()
    assert cdc(orders, "check").returncode == 0


def stages(plan: Document) -> list[str]:
    return [plan["stage"], *(stages(plan["inputStage"]) if "inputStage" in plan else [])]


@ONE_KIND
def test_what_a_row_was_at_a_time_is_found_by_the_index(orders: Stream) -> None:
    orders.start()
    orders.sql(ROW.format(1), "UPDATE orders SET number = 5", "UPDATE orders SET id = 9")
    orders.until_caught_up()
    then = history(orders)[1]["committed_at"]

    found = (
        orders.database["orders_history"]
        .find({"keys": 1, "committed_at": {"$lte": then}})
        .sort([("number", -1), ("_id.row", -1)])
        .limit(1)
    )

    assert [each["after"]["number"] for each in found] == [5]
    assert stages(found.explain()["queryPlanner"]["winningPlan"]) == ["LIMIT", "FETCH", "IXSCAN"]


@pytest.fixture(scope="module")
def standalone() -> Iterator[MongoServer]:
    with mongo_server(replica_set=False) as server:
        yield server


@pytest.fixture(scope="module")
def standalone_client(standalone: MongoServer) -> Iterator[MongoClient[Document]]:
    with standalone.client() as client:
        yield client


@pytest.fixture(params=["mysql", "mariadb"])
def alone(
    request: pytest.FixtureRequest,
    standalone: MongoServer,
    standalone_client: MongoClient[Document],
    make_stream: MakeStream,
) -> Stream:
    """A stream to a target without transactions."""
    source: MySQLServer = request.getfixturevalue(request.param)
    kept = {"mysql": MysqlGtids, "mariadb": MariadbGtids}[request.param]
    stream = make_stream(source, standalone, standalone_client, kept)
    stream.settings["apply"] = {"mode": "at_least_once", "batch_rows": 1}
    stream.table("orders", COLUMNS, MAPPING)
    return stream


@pytest.mark.parametrize(
    "point",
    [WriteStep.BEFORE_TRANSACTION, WriteStep.BEFORE_COMMIT, WriteStep.AFTER_COMMIT],
    ids=lambda point: point.value,
)
def test_without_transactions_what_is_applied_again_is_kept_once(
    alone: Stream, point: WriteStep
) -> None:
    recorder = Recorder(alone)
    recorder.transaction(ROW.format(1), ROW.format(2))
    recorder.transaction("UPDATE orders SET number = number + 1", "UPDATE orders SET id = id + 10")
    recorder.transaction("UPDATE orders SET word = 'other'", "DELETE FROM orders WHERE id = 11")

    for batch in (1, 2):
        assert alone.start(fault=f"{point.value}:{batch}", ledger=False).wait() == -9
    alone.start(ledger=False)
    alone.until_caught_up()

    assert_kept(alone, recorder)


@ONE_KIND
def test_a_document_is_kept_as_it_was_without_what_it_embeds(orders: Stream) -> None:
    orders.table("people", "id INT NOT NULL PRIMARY KEY, name VARCHAR(20)")
    embedding = {**MAPPING, "embed": {"who": {"one": "people", "on": "number"}}}
    orders.follow("orders", embedding)
    orders.sql("INSERT INTO people VALUES (1, 'Ann')", ROW.format(1))
    orders.start()
    orders.until_caught_up()

    orders.sql("UPDATE people SET name = 'Anna'")
    orders.until_caught_up()

    eventually(lambda: orders.documents("orders")[1]["who"]["name"] == "Anna")
    [only] = history(orders)
    assert only["after"] == {"_id": 1, "word": "word", "note": "no", "number": 1}

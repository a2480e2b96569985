"""Two streams in one collection: constants in their ids keep their documents apart."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cdc.writers.collection_clear import PIECE
from cdc.writers.observer import WriteStep
from tests.end_to_end.support.command import cdc
from tests.end_to_end.support.stream import Stream

Streams = tuple[Stream, Stream]
COLUMNS = "id INT NOT NULL PRIMARY KEY, note TEXT"
OWN_IDS: dict[str, Any] = {"id": [{"source": "stream"}, "id"]}


@pytest.fixture(params=["mysql", "mariadb"])
def streams(request: pytest.FixtureRequest, two_streams: Streams) -> Streams:
    """One from each kind of server, with one state and one target database; the named one first."""
    first, second = two_streams if request.param == "mysql" else two_streams[::-1]
    for each in (first, second):
        each.settings["start"] = "backfill"
    return first, second


def follow(stream: Stream, **mapping: Any) -> None:
    stream.table("orders", COLUMNS, OWN_IDS | mapping)
    stream.sql(f"INSERT INTO orders VALUES (1, 'of {stream.name}'), (2, NULL)")


def settled(stream: Stream) -> None:
    """Run until everything is copied and applied."""
    stream.start(ledger=False)
    stream.daemon.until_logged("job_done")
    stream.until_caught_up()


def both_settled(streams: Streams, **mapping: Any) -> None:
    for each in streams:
        follow(each, **mapping)
        settled(each)


def documents(stream: Stream) -> dict[Any, Any]:
    """The documents whose ids hold the stream's name, by the rest of the id."""
    return {
        key: document
        for (name, key), document in stream.documents("orders").items()
        if name == stream.name
    }


def as_copied(stream: Stream) -> dict[int, Any]:
    return {1: {"note": f"of {stream.name}"}, 2: {"note": None}}


def test_two_streams_fill_one_collection_and_each_follows_its_own(streams: Streams) -> None:
    both_settled(streams)

    for each in streams:
        each.sql("UPDATE orders SET note = 'new' WHERE id = 2", "DELETE FROM orders WHERE id = 1")
        each.until_caught_up()

    assert streams[0].database["orders"].count_documents({}) == 2
    for each in streams:
        assert documents(each) == {2: {"note": "new"}}
        assert cdc(each, "verify").returncode == 0
    listed = cdc(streams[0], "claims", "list")
    for each in streams:
        [line] = [line for line in listed.stdout.splitlines() if f".orders  {each.name} " in line]
        assert line.endswith(f'  with stream: "{each.name}"')


@pytest.mark.parametrize("statement", ["TRUNCATE orders", "DROP TABLE orders"])
def test_what_empties_ones_table_leaves_the_others_documents(
    streams: Streams, statement: str
) -> None:
    both_settled(streams, on_drop="apply")
    first, second = streams

    first.sql(statement)
    first.until_caught_up()

    assert documents(first) == {}
    assert documents(second) == as_copied(second)


def test_a_truncate_that_marks_leaves_the_others_documents(streams: Streams) -> None:
    both_settled(streams, on_delete={"set": {"gone": True}})
    first, second = streams

    first.sql("TRUNCATE orders")
    first.until_caught_up()

    assert documents(first) == {
        key: {**document, "gone": True} for key, document in as_copied(first).items()
    }
    assert documents(second) == as_copied(second)


@pytest.mark.parametrize("command", [["resync"], ["verify", "--repair"]])
def test_what_mends_ones_documents_leaves_the_others(streams: Streams, command: list[str]) -> None:
    both_settled(streams)
    first, second = streams
    first.database["orders"].update_one(
        {"_id": {"stream": first.name, "id": 2}}, {"$set": {"note": "wrong"}}
    )
    for each in (7, 8):
        first.database["orders"].insert_one({"_id": {"stream": first.name, "id": each}})

    mended = cdc(first, *command, f"{first.schema}.orders")

    assert mended.returncode == 0, mended.stderr
    assert documents(first) == as_copied(first)
    assert documents(second) == as_copied(second)
    assert cdc(second, "verify").returncode == 0


@pytest.mark.parametrize(
    "point", [WriteStep.AFTER_PIECE, WriteStep.BEFORE_COMMIT], ids=lambda point: point.value
)
def test_a_daemon_killed_while_it_clears_leaves_the_others_documents(
    streams: Streams, point: WriteStep
) -> None:
    first, second = streams
    both_settled(streams)
    rows = ", ".join(f"({number}, 'old')" for number in range(10, 2 * PIECE))
    first.sql(f"INSERT INTO orders VALUES {rows}")
    first.until_caught_up()
    first.stop()
    first.sql("TRUNCATE orders", "INSERT INTO orders VALUES (5, 'new')")

    died = first.start(fault=point.value, ledger=False)
    assert died.wait() == -9
    assert documents(second) == as_copied(second)
    first.start(ledger=False)
    first.until_caught_up()

    assert documents(first) == {5: {"note": "new"}}
    assert documents(second) == as_copied(second)


@pytest.mark.parametrize(
    ("ids", "told"),
    [
        (None, "with ids that hold stream: "),
        ([{"value": "eu"}, "id"], "while this one's hold value: "),
        ([{"value": "other", "name": "stream"}, "id"], ""),
    ],
    ids=["without", "at another field", "at the same field"],
)
def test_another_stream_is_refused_unless_a_constant_at_one_field_differs(
    streams: Streams, ids: Any, told: str
) -> None:
    first, second = streams
    follow(first)
    settled(first)
    follow(second, id=ids or ["id"])

    second.configure()
    check = cdc(second, "check")
    lines = [each for each in check.stdout.splitlines() if "claim on" in each]

    if not told:
        assert check.returncode == 0
        settled(second)
        assert first.database["orders"].count_documents({}) == 4
        return
    assert check.returncode == 3
    [line] = lines
    second.start(ledger=False)
    assert second.daemon.wait() == 3
    for each in (line, second.daemon.stderr):
        assert told in each
        assert f"the stream {first.name} writes it, since" in each
        assert "{source: stream}" in each
        assert f"{first.database.name}.orders --stream {first.name}" in each
    assert first.database["orders"].count_documents({}) == 2


def test_a_stream_without_constants_keeps_others_out(streams: Streams) -> None:
    first, second = streams
    follow(first, id="id")
    settled(first)
    follow(second)

    second.start(ledger=False)

    assert second.daemon.wait() == 3
    assert f"the stream {first.name} writes it, since" in second.daemon.stderr


def test_what_embeds_or_is_embedded_is_one_streams(streams: Streams) -> None:
    first, second = streams
    follow(first)
    first.table(
        "notes",
        "id INT NOT NULL PRIMARY KEY, word TEXT",
        OWN_IDS
        | {
            "embed": {"orders": {"many": "orders", "on": {"word": "note"}}},
        },
    )
    first.start(ledger=False)
    first.daemon.until_logged("job_done")
    follow(second)
    second.table("notes", "id INT NOT NULL PRIMARY KEY, word TEXT", OWN_IDS)

    second.configure()
    check = cdc(second, "check")

    assert check.returncode == 3
    for name in ("orders", "notes"):
        [line] = [each for each in check.stdout.splitlines() if f"{name}: the stream" in each]
        assert f"the stream {first.name} writes it, since" in line


def test_a_share_is_released_and_taken_over_without_old_documents(streams: Streams) -> None:
    first, second = streams
    both_settled(streams)
    name = f"{first.database.name}.orders"
    first.stop()

    unsaid = cdc(second, "claims", "release", name)
    assert unsaid.returncode == 2
    assert "shared by the streams" in unsaid.stderr
    assert cdc(second, "claims", "release", name, "--stream", second.name).returncode == 1
    released = cdc(second, "claims", "release", name, "--stream", first.name)
    assert released.returncode == 0, released.stderr

    shown = json.loads(cdc(second, "claims", "list", "--output", "json").stdout)
    assert {(each["stream"], each["former"]) for each in shown} == {
        (second.name, None),
        (None, first.name),
    }
    assert documents(first) == as_copied(first)
    first.start(ledger=False)
    first.until_streaming()
    first.until_caught_up()
    assert {each["stream"] for each in _shares(first)} == {first.name, second.name}


def test_a_stream_that_takes_constants_up_tells_what_stays(streams: Streams) -> None:
    first, second = streams
    follow(first, id="id")
    settled(first)
    first.stop()
    first.follow("orders", OWN_IDS)

    check = cdc(first, "check")
    [line] = [each for each in check.stdout.splitlines() if "claim on" in each]
    assert line.startswith("warning")
    assert "deleteMany" in line
    assert cdc(first, "resync", f"{first.schema}.orders").returncode == 0
    follow(second)
    settled(second)

    orders = first.database["orders"]
    assert orders.count_documents({}) == 6
    orders.delete_many(json.loads(line.partition(".deleteMany(")[2].rpartition(")")[0]))
    assert orders.count_documents({}) == 4
    assert documents(first) == as_copied(first)
    assert documents(second) == as_copied(second)


def _shares(stream: Stream) -> list[dict[str, Any]]:
    [found] = stream.state["claims"].find({"_id": f"{stream.database.name}.orders"})
    shares: list[dict[str, Any]] = found["shared"]
    return [each for each in shares if each["stream"]]

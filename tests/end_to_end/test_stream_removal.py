"""`cdc stream remove`: what it tells first, what goes, what stays, and who may come then."""

from __future__ import annotations

import pytest

from tests.end_to_end.support.command import cdc
from tests.end_to_end.support.removals import COLUMNS, Streams, copied, set_up, trace
from tests.support.waiting import eventually


@pytest.fixture
def streams(two_streams: Streams) -> Streams:
    """As in `set_up`."""
    return set_up(two_streams)


def test_a_stream_that_runs_is_not_removed(streams: Streams) -> None:
    first, second = streams
    before = trace(first)

    refused = cdc(second, "stream", "remove", first.name, "--yes")

    assert refused.returncode == 1
    assert "is active" in refused.stderr
    assert "stop it first" in refused.stderr
    assert trace(first) == before


def test_it_tells_all_that_goes_and_does_nothing_without_a_yes(streams: Streams) -> None:
    first, second = streams
    first.stop()
    before = trace(first)

    told = cdc(second, "stream", "remove", first.name)

    assert told.returncode == 2
    assert "repeat it with --yes" in told.stderr
    name = first.database.name
    assert told.stdout.splitlines() == [
        "goes          the position, and which tables were copied",
        *sorted(
            f"copied        {first.schema}.{each} {each}" for each in ("shared", "people", "own")
        ),
        "goes          3 jobs",
        "goes          1 dead letter, open or not",
        "goes          1 debt of embedded values",
        f"goes          the hidden collection embedded-{first.name}.people",
        f"is free       {name}.own",
        f"stays         the whole collection {name}.own",
        f'is free       {name}.shared with stream: "{first.name}" in the id',
        f'stays         its documents {name}.shared with stream: "{first.name}" in the id',
        f"is free       {first.state.name}.embedded-{first.name}.people",
    ]
    assert trace(first) == before


@pytest.mark.parametrize("documents", [False, True], ids=["state", "documents"])
def test_all_of_it_goes_and_nothing_of_another_stream(streams: Streams, documents: bool) -> None:
    first, second = streams
    first.stop()
    of_the_other = trace(second)

    removed = cdc(
        second, "stream", "remove", first.name, "--yes", *(["--documents"] if documents else [])
    )

    assert removed.returncode == 0, removed.stderr
    assert trace(first) == {}
    assert trace(second) == of_the_other
    kept = [] if documents else [(first.name, 1)]
    assert {*second.documents("shared")} == {*kept, (second.name, 1)}
    assert [*first.documents("own")] == ([] if documents else [1])
    again = cdc(second, "stream", "remove", first.name, "--yes")
    free = cdc(second, "claims", "list").stdout
    assert free.count(f"nobody, left by {first.name}") == 3
    assert again.returncode == 2
    assert f"knows no stream {first.name}" in again.stderr
    assert f"name one that it knows: {second.name}" in again.stderr


def test_another_stream_takes_what_is_free_and_the_removed_one_begins_anew(
    streams: Streams,
) -> None:
    first, second = streams
    first.stop()
    assert cdc(second, "stream", "remove", first.name, "--yes").returncode == 0
    second.stop()
    first.sql("DELETE FROM shared", "INSERT INTO shared VALUES (2, 'b')")  # while there is none
    second.table("own", COLUMNS)
    second.sql("INSERT INTO own VALUES (5, 'of the second')")

    second.start(ledger=False)
    eventually(lambda: trace(second)["jobs"] == 2 and copied(second), waiting_for="the second copy")
    second.until_caught_up()
    assert second.documents("own") == {5: {"word": "of the second"}}

    (first.config.parent / "mappings" / "own.yaml").unlink()
    (first.config.parent / "mappings" / "people.yaml").unlink()
    first.start(ledger=False)
    eventually(lambda: copied(first), waiting_for="the new copy")
    first.until_caught_up()
    assert {*first.documents("shared")} == {(first.name, 2), (second.name, 1)}


def test_a_removal_that_was_interrupted_is_typed_again(streams: Streams) -> None:
    first, second = streams
    first.stop()
    first.state["jobs"].delete_many({"stream": first.name})
    first.state["streams"].delete_one({"_id": first.name})  # as if the last step alone was done

    removed = cdc(first, "stream", "remove", first.name, "--yes")

    assert removed.returncode == 0, removed.stderr
    assert trace(first) == {}
    assert trace(second) != {}

from __future__ import annotations

import json
import os

import pytest

from cdc import cli
from cdc.config import load
from cdc.errors import Fenced
from cdc.model.checkpoint import Checkpoint
from cdc.model.position import FilePosition, from_document
from cdc.writers import stream_admin
from cdc.writers.stream_state import StreamState
from cdc_sandbox.servers import MongoServer, MySQLServer
from tests.integration.preflight.support.checked import Setup


def run(setup: Setup, *arguments: str) -> int:
    return cli.run(["position", *arguments, "--config", str(setup.path)])


def shown(setup: Setup, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    assert run(setup, "show", "--output", "json") == 0
    facts: dict[str, object] = json.loads(capsys.readouterr().out)
    return facts


def executed(source: MySQLServer) -> str:
    name = "gtid_executed" if source.flavour == "mysql" else "gtid_binlog_pos"
    return str(source.execute(f"SELECT @@GLOBAL.{name}")[0][0]).replace("\n", "")


def test_a_stream_without_a_position_says_so(
    setup: Setup, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(setup, "show")

    assert code == 1
    assert "no position yet" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["jobs", "list"], "there is no job\n"),
        (["dead-letters", "list"], "there is no open dead letter\n"),
        (["dead-letters", "list", "--all"], "there is no dead letter\n"),
    ],
)
def test_where_nothing_is_to_be_listed_that_is_said_beside_the_output(
    setup: Setup, table: str, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    code = cli.run([*arguments, "--config", str(setup.path)])

    assert code == 0
    assert capsys.readouterr() == ("", said)


def test_a_position_that_was_set_is_shown(
    source: MySQLServer, setup: Setup, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    gtids = executed(source)

    code = run(setup, "set", "--gtid", gtids, "--yes")

    assert code == 0
    facts = shown(setup, capsys)
    assert str(from_document(facts["position"])) == gtids.lower()  # type: ignore[arg-type]
    assert facts["stream"] == "checked"


def test_a_position_that_is_set_takes_the_log_as_it_is_then_for_its_history(
    source: MySQLServer, setup: Setup, table: str
) -> None:
    *_, (file, size, *_) = source.execute("SHOW BINARY LOGS")

    assert run(setup, "set", "--gtid", executed(source), "--yes") == 0

    document = stream_admin.read(load(setup.path))
    assert document is not None
    witness = document["witness"]
    assert (witness["file"], witness["event"]) == (str(file), b"")
    assert witness["offset"] >= size
    assert witness["created"] > 0


def test_a_position_is_shown_to_people_a_line_a_fact(
    setup: Setup, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(setup, "set", "--start", "now", "--yes")
    capsys.readouterr()

    assert run(setup, "show") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["stream", "checked"]
    assert lines[1].startswith("position ")


def test_without_yes_nothing_changes(
    setup: Setup, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(setup, "set", "--start", "earliest")

    assert code == 2
    assert "--yes" in capsys.readouterr().err
    assert stream_admin.read(load(setup.path)) is None


def test_going_back_to_the_beginning_is_told_in_words(
    setup: Setup, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(setup, "set", "--gtid", "")

    assert "no position → nothing applied" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--gtid", "", "--start", "now"],
        ["--file", "binlog.000001"],
        ["--offset", "4"],
        ["--gtid", "", "--offset", "4"],
        ["--gtid", "nonsense"],
        ["--file", "nonsense", "--offset", "4"],
        ["--start", "backfill"],
    ],
)
def test_a_doubtful_position_is_a_usage_error(
    setup: Setup, table: str, arguments: list[str]
) -> None:
    assert run(setup, "set", *arguments, "--yes") == 2
    assert stream_admin.read(load(setup.path)) is None


def test_a_position_that_the_source_does_not_have_is_refused(
    source: MySQLServer,
    setup: Setup,
    table: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("cdc.readers.server.position_check.VISIBLE_WITHIN_SECONDS", 0.1)
    ahead = (
        "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5" if source.flavour == "mysql" else "7-1-999999"
    )

    assert run(setup, "set", "--gtid", ahead, "--yes") == 4
    assert "the source has not executed all of" in capsys.readouterr().err
    assert run(setup, "set", "--file", "binlog.000999", "--offset", "4", "--yes") == 4
    assert stream_admin.read(load(setup.path)) is None


def test_a_file_position_is_set_where_the_log_has_it(
    source: MySQLServer, setup: Setup, table: str
) -> None:
    [(file, size, *_)] = source.execute("SHOW BINARY LOGS")[-1:]

    code = run(setup, "set", "--file", str(file), "--offset", str(size), "--yes")

    document = stream_admin.read(load(setup.path))
    assert code == 0
    assert document is not None
    assert Checkpoint.from_document(document).position == FilePosition(str(file), int(size))


def test_a_stream_that_is_positioned_by_gtids_does_not_give_them_up(
    source: MySQLServer, setup: Setup, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(setup, "set", "--start", "now", "--yes") == 0
    before = stream_admin.read(load(setup.path))
    [(file, size, *_)] = source.execute("SHOW BINARY LOGS")[-1:]
    capsys.readouterr()

    code = run(setup, "set", "--file", str(file), "--offset", str(size), "--yes")

    assert code == 2
    said = capsys.readouterr().err
    assert "--gtid" in said
    assert f"'{file}'" in said
    assert stream_admin.read(load(setup.path)) == before


def test_an_active_daemon_is_left_alone(
    setup: Setup,
    table: str,
    mongo: MongoServer,
    state_database: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(setup, "set", "--start", "earliest", "--yes")
    with mongo.client() as client, client.start_session() as session:
        daemon = StreamState(client[state_database], "checked")
        before = daemon.take_over(session)

        code = run(setup, "set", "--start", "now", "--yes")

        assert code == 1
        told = capsys.readouterr().err
        assert f"process {os.getpid()} on" in told
        assert "add --force" in told
        moved = daemon.confirm()
        assert Checkpoint.from_document(moved) == before


def test_an_active_daemon_is_fenced_by_a_new_position_with_force(
    setup: Setup, table: str, mongo: MongoServer, state_database: str
) -> None:
    run(setup, "set", "--start", "earliest", "--yes")
    with mongo.client() as client, client.start_session() as session:
        daemon = StreamState(client[state_database], "checked")
        before = daemon.take_over(session)
        assert before is not None

        code = run(setup, "set", "--start", "now", "--yes", "--force")

        assert code == 0
        with pytest.raises(Fenced):
            daemon.save_checkpoint(before, 0, None)
        again = daemon.take_over(session)
        assert again is not None
        assert again.position != before.position

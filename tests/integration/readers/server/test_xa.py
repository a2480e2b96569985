"""XA transactions that are prepared, as a server tells of them."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from cdc.errors import Retryable
from cdc.model.xid import Xid
from cdc.readers.binlog import start_position
from cdc.readers.server import xa
from cdc.readers.server.connection import SourceConnection, asking
from cdc_sandbox.servers import MySQLServer
from tests.integration.preflight.support.checked import account
from tests.support.logins import login
from tests.support.prepared import prepared


@pytest.fixture(autouse=True)
def table(source: MySQLServer, schema: str) -> None:
    source.execute(f"CREATE TABLE {schema}.items (id INT AUTO_INCREMENT PRIMARY KEY)")


INSERT = "INSERT INTO items VALUES ()"


@pytest.mark.parametrize(
    "xid",
    [
        Xid(1, b"plain", b""),
        Xid(7, b"global", b"branch"),
        Xid(1, b"it's", b"a,b'"),
        Xid(0, bytes(range(0xC0, 0x100)), bytes(range(64))),
        Xid(2**31 - 1, b"\0\xff", b"\\"),
    ],
)
def test_an_xid_is_what_xa_commit_takes(source: MySQLServer, schema: str, xid: Xid) -> None:
    with (
        asking(login(source), read_timeout=30) as connection,
        prepared(source, schema, str(xid), INSERT),
    ):
        found = xa.undecided(connection)

    assert found == frozenset({xid})


def test_a_position_from_now_on_waits_until_what_is_prepared_is_decided(
    source: MySQLServer, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xa, "DECIDED_WITHIN_SECONDS", 60.0)
    found: list[str] = []
    ask = threading.Thread(
        target=lambda: found.append(
            str(start_position.resolve_start(login(source), "now").position)
        )
    )

    with prepared(source, schema, "'waited for'", INSERT):
        ask.start()
        ask.join(1)
        assert not found
    ask.join(60)

    assert found == [str(start_position.resolve_start(login(source), "now").position)]


def test_one_that_stays_is_named_with_what_to_type(
    source: MySQLServer, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xa, "DECIDED_WITHIN_SECONDS", 0.2)

    with prepared(source, schema, "'stays'", INSERT), pytest.raises(Retryable) as caught:
        start_position.resolve_start(login(source), "backfill")

    assert "X'7374617973',X'',1" in caught.value.message
    assert (caught.value.remedy or "").startswith(
        "run on the source: XA COMMIT X'7374617973',X'',1;"
    )


def test_before_a_copy_what_is_prepared_later_is_not_waited_for(
    source: MySQLServer, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[frozenset[Xid]] = []
    look = xa.undecided

    def watched(connection: SourceConnection) -> frozenset[Xid] | None:
        """Let somebody else decide what was there, and prepare anew, between two looks."""
        stack.pop_all().close()
        stack.enter_context(prepared(source, schema, f"'{len(asked)}'", INSERT))
        found = look(connection)
        asked.append(found or frozenset())
        return found

    monkeypatch.setattr(xa, "undecided", watched)
    with ExitStack() as stack:
        start_position.resolve_start(login(source), "backfill")

        assert [len(each) for each in asked] == [1, 1]
        with pytest.raises(Retryable):
            start_position.resolve_start(login(source), "now")


@pytest.mark.parametrize("source", ["mysql"], indirect=True)
def test_an_account_that_may_not_ask_begins_all_the_same(source: MySQLServer, schema: str) -> None:
    with account(source, schema) as name:
        source.execute(f"GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO {name}")
        limited = login(source).model_copy(update={"user": schema, "password": SecretStr(schema)})
        with prepared(source, schema, "'unseen'", INSERT), capture_logs() as logged:
            start_position.resolve_start(limited, "now")

    assert [each["event"] for each in logged] == ["xa_not_checked"]

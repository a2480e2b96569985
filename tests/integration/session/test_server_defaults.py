"""No default that a server has for its sessions changes what cdc understands of its answers.

Every variable that a session inherits is given other values, many at a time; where an answer is
another one then, those that it depends on are looked for. A variable that a newer server brings is
tried like the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing

import pytest

from cdc.errors import Retryable, Unfit
from cdc.readers.server.connection import connect_source
from cdc_sandbox.servers import Flavour, MySQLServer, mysql_server
from tests.integration.session.support.answers import ACCOUNT, Answers, Asker
from tests.integration.session.support.variables import (
    alternatives,
    changed,
    inherited,
    server_wide,
)

FLAVOURS: tuple[Flavour, ...] = ("mysql", "mariadb")

DIFFER: Mapping[str, str] = {
    "server_id": "MariaDB: the identity of the server, not a setting of its sessions",
}
"""The variables on which an answer may depend, and why."""

UNTRIED: Mapping[str, str] = {
    "alter_algorithm": "does nothing any more, and takes no value",
    "external_table_secondary_storage_engine": "for tables that a server of the cloud has",
    "external_table_storage_engine": "for tables that a server of the cloud has",
    "innodb_ft_user_stopword_table": "needs a table; full text is never searched",
    "innodb_tmpdir": "a folder; only ALTER TABLE uses it",
    "lc_messages": "a package without messages in other languages",
    "redirect_url": "clients are told to go elsewhere; cdc does not follow",
    "wsrep_on": "needs a Galera cluster",
    "wsrep_trx_fragment_size": "needs a Galera cluster; only writes are cut",
    "wsrep_trx_fragment_unit": "needs a Galera cluster; only writes are cut",
}
"""The variables that no other value was found for, and why that may be."""


OF_THE_LOG: frozenset[str] = frozenset(
    [
        "binlog_checksum",
        "binlog_expire_logs_auto_purge",
        "binlog_expire_logs_seconds",
        "binlog_space_limit",
        "enforce_gtid_consistency",
        "expire_logs_days",
        "gtid_binlog_state",
        "gtid_mode",
        "gtid_purged",
        "gtid_slave_pos",
        "max_binlog_size",
        "max_binlog_total_size",
        "slave_connections_needed_for_purge",
    ]
)
"""Server-wide variables that say what the log holds, or begin a file: answers about it differ."""

ASIDE: frozenset[str] = frozenset(
    [
        "innodb_buffer_pool_size",
        "innodb_fast_shutdown",
        "innodb_redo_log_capacity",
        "max_connections",
        "offline_mode",
        "thread_pool_size",
    ]
)
"""Those that would hold up the test itself."""


@pytest.fixture(scope="module", params=FLAVOURS)
def asked(request: pytest.FixtureRequest) -> Iterator[tuple[MySQLServer, Asker]]:
    """A server of its own, and who asks it."""
    with mysql_server(request.param) as server:
        yield server, Asker(server)


def never(_: object) -> bool:
    """No other answer is right."""
    return False


def waits_or_is_told(answer: object) -> bool:
    """Whether the source refuses for now, which is waited for, or is said to be unfit."""
    kind = answer[0] if isinstance(answer, tuple) and len(answer) == 2 else answer
    return isinstance(kind, type) and issubclass(kind, Retryable | Unfit)


def culprits(
    server: MySQLServer,
    asker: Asker,
    right: Answers,
    values: Mapping[str, str],
    allowed: Callable[[object], bool] = never,
) -> Iterator[str]:
    """Yield those of the variables that change an answer to one not `allowed`."""
    with changed(server, values):
        found = asker.answers()
    wrong = [question for question in right if found[question] != right[question]]
    if not wrong:
        return
    if len(values) == 1:  # of several, one that closes the server would hide the others
        if all(allowed(found[question]) for question in wrong):
            return
        yield from values
        print(*values.items(), {each: str(found[each])[:300] for each in wrong})
        return
    names = [*values]
    for some in (names[: len(names) // 2], names[len(names) // 2 :]):
        part = {name: values[name] for name in some}
        yield from culprits(server, asker, right, part, allowed)


def rounds(found: Mapping[str, Sequence[str]]) -> Iterator[dict[str, str]]:
    """Yield the first other value of each variable, then the second, and so on."""
    for at in range(max(map(len, found.values()))):
        yield {name: values[at] for name, values in found.items() if at < len(values)}


@pytest.mark.slow
def test_no_default_of_a_session_changes_an_answer(asked: tuple[MySQLServer, Asker]) -> None:
    """About a minute: every variable of the server."""
    server, asker = asked
    variables = inherited(server)
    found = alternatives(server, variables)
    right = asker.answers()
    assert right == asker.answers()

    together = {name: values for name, values in found.items() if name not in DIFFER}
    differ = {
        name for values in rounds(together) for name in culprits(server, asker, right, values)
    }

    assert len(variables) > 100
    assert {name for name, values in found.items() if not values} <= UNTRIED.keys()
    assert not differ


@pytest.mark.slow
def test_no_setting_of_the_whole_server_changes_an_answer(
    asked: tuple[MySQLServer, Asker],
) -> None:
    """About a minute. A limit that is reached is waited for, and no server is unfit in silence."""
    server, asker = asked
    variables = server_wide(server, {*inherited(server), *OF_THE_LOG, *ASIDE})
    found = {name: values for name, values in alternatives(server, variables).items() if values}
    right = asker.answers()

    differ = {
        name
        for values in rounds(found)
        for name in culprits(server, asker, right, values, waits_or_is_told)
    }

    assert len(found) > 100
    assert not differ


@pytest.mark.parametrize(
    "statement",
    ["BEGIN", "SET sql_select_limit = 1", "SET NAMES latin1", "SET autocommit = 0", "USE mysql"],
)
def test_what_a_server_does_at_each_login_changes_no_answer(
    asked: tuple[MySQLServer, Asker], statement: str
) -> None:
    """`init_connect` is executed for accounts without SUPER."""
    server, asker = asked
    right = asker.answers()

    server.execute("SET GLOBAL init_connect = %s", (statement,))
    found = asker.answers()

    server.execute("SET GLOBAL init_connect = ''")
    assert found == right
    assert server.user != ACCOUNT


def test_a_limit_that_no_session_may_change_is_told_with_what_to_set(
    asked: tuple[MySQLServer, Asker],
) -> None:
    server, asker = asked

    with (
        changed(server, {"max_allowed_packet": "1024"}),
        closing(connect_source(asker.config, read_timeout=5)) as connection,
        connection.cursor() as cursor,
        pytest.raises(Unfit) as caught,
    ):
        cursor.execute(f"SELECT '{'x' * 100_000}'")

    assert "max_allowed_packet" in (caught.value.remedy or "")

"""`cdc check` on mappings that take columns which the server computes."""

from __future__ import annotations

from typing import Any

import pytest

from cdc_sandbox.servers import MySQLServer
from tests.integration.preflight.support.checked import Check, Setup, account


@pytest.mark.parametrize(
    ("keys", "taken"),
    [
        ({}, "`s`, `v`"),
        ({"exclude": ["v"]}, "`s`"),
        ({"fields": {"x": "v"}}, "`v`"),
        ({"fields": {"x": {"sql": "S + 1"}}}, "`s`"),
        ({"fields": {}, "where": "v < 9"}, "`v`"),
        ({"fields": {}, "id": {"sql": "CONCAT(id, s)", "unique": "asserted"}}, "`s`"),
        ({"exclude": ["v", "s"]}, ""),
        ({"fields": {"x": {"sql": "a * 2"}}, "where": "a + 1 < 9"}, ""),
    ],
)
def test_generated_columns_that_mariadb_may_not_log_are_warned_of(
    source: MySQLServer, schema: str, setup: Setup, check: Check, keys: dict[str, Any], taken: str
) -> None:
    source.execute(
        f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, a INT, v INT AS (a * 2) VIRTUAL,"
        " s INT AS (a + 1) STORED)"
    )
    setup.follow(f"{schema}.t", **keys)
    with account(source, "looks_only") as user:
        replicates = "BINLOG MONITOR" if source.flavour == "mariadb" else "REPLICATION CLIENT"
        source.execute(f"GRANT REPLICATION SLAVE, {replicates} ON *.* TO {user}")
        source.execute(f"GRANT SELECT ON {schema}.* TO {user}")
        setup.source |= {"user": user, "password": user}

        code, found = check()

    outcome, what, remedy = found[f"mapping {schema}.t"]
    assert code == 0
    if taken and source.flavour == "mariadb":
        assert outcome == "warning"
        assert what.startswith(f"feeds t, and takes generated columns: {taken}; ")
        assert "`exclude`" in remedy
    else:
        assert (outcome, what) == ("ok", "feeds t")

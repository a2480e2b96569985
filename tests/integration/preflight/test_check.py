from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from cdc import cli
from cdc.config import SourceConfig, StartPosition, load
from cdc.model.checkpoint import Checkpoint
from cdc.model.table_name import sql_name
from cdc.readers.binlog import dump
from cdc.readers.binlog.start_position import resolve_start, start_from_config
from cdc.readers.server.connection import asking, connect_source
from cdc.readers.server.facts import fetch_source_facts
from cdc.writers import stream_admin
from cdc_sandbox.servers import MongoServer, MySQLServer, mongo_server
from tests.integration.preflight.support.checked import (
    Check,
    Setup,
    account,
    global_setting,
    run_remedy,
)
from tests.support.features import LOGGED_CASCADES, has


def test_a_fit_pair_passes_with_a_line_a_check(
    setup: Setup, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.run(["check", "--config", str(setup.path)])

    *lines, counts = capsys.readouterr().out.splitlines()
    assert code == 0
    assert [line for line in lines if not line.startswith("ok ")] == []
    assert counts == f"{len(lines)} checks: {len(lines)} ok"
    assert any(table in line for line in lines)
    assert len(lines) >= 15


def test_the_installed_program_answers_the_same(setup: Setup, table: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cdc", "check", "--config", str(setup.path), "--output", "json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["fit"] is True


def test_a_check_leaves_nothing_on_the_target(
    setup: Setup, table: str, check: Check, mongo: MongoServer, database: str, state_database: str
) -> None:
    code, _ = check()

    assert code == 0
    with mongo.client() as client:
        assert client[state_database].list_collection_names() == []
        assert all(
            client[database][name].count_documents({}) == 0
            for name in client[database].list_collection_names()
        )


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("binlog_format", "MIXED"),
        ("binlog_row_image", "MINIMAL"),
        ("binlog_row_metadata", "MINIMAL"),
        ("binlog_row_metadata", "NO_LOG"),
    ],
)
def test_an_unfit_setting_is_mended_by_the_printed_statement(
    source: MySQLServer, table: str, check: Check, name: str, bad: str
) -> None:
    if bad == "NO_LOG" and source.flavour == "mysql":
        bad = "MINIMAL"
    with global_setting(source, name, f"'{bad}'"):
        code, found = check()
        outcome, what, remedy = found[name]
        run_remedy(source, remedy)
        mended_code, mended = check()

    assert (code, outcome) == (3, "unfit")
    assert bad in what
    assert (mended_code, mended[name][0]) == (0, "ok")


def test_partial_json_is_fit_with_full_images_only(
    source: MySQLServer, table: str, check: Check
) -> None:
    if source.flavour == "mariadb":
        pytest.skip("MariaDB has no partial JSON")
    with global_setting(source, "binlog_row_value_options", "'PARTIAL_JSON'"):
        fit_code, _ = check()
        with global_setting(source, "binlog_row_image", "MINIMAL"):
            code, found = check()
        run_remedy(source, found["binlog_row_value_options"][2])
        mended_code, _ = check()

    assert (code, found["binlog_row_value_options"][0]) == (3, "unfit")
    assert (fit_code, mended_code) == (0, 0)


@pytest.mark.parametrize("mode", ["ON_PERMISSIVE", "OFF_PERMISSIVE"])
def test_a_half_changed_gtid_mode_is_finished_by_the_printed_statements(
    source: MySQLServer, table: str, check: Check, mode: str
) -> None:
    if source.flavour == "mariadb":
        pytest.skip("MariaDB has no gtid_mode")
    path = ["ON_PERMISSIVE", "OFF_PERMISSIVE"]
    steps = path[: path.index(mode) + 1]
    try:
        for step in steps:
            source.execute(f"SET GLOBAL gtid_mode = {step}")
        code, found = check()
        run_remedy(source, found["gtid_mode"][2])
        finished, _ = check()
    except BaseException:
        for step in [*reversed(steps[:-1]), "ON"]:
            source.execute(f"SET GLOBAL gtid_mode = {step}")
        raise

    assert (code, finished) == (3, 0)
    assert found["gtid_mode"][0] == "unfit"
    assert mode in found["gtid_mode"][1]


def test_missing_privileges_are_granted_by_the_printed_statements(
    source: MySQLServer, setup: Setup, table: str, check: Check
) -> None:
    with account(source, "weak") as name:
        setup.source |= {"user": name, "password": name}
        code, found = check()
        unfit = {key: told for key, told in found.items() if told[0] == "unfit"}
        for _, _, remedy in unfit.values():
            run_remedy(source, remedy)
        granted_code, granted = check()

    monitor = "REPLICATION CLIENT" if source.flavour == "mysql" else "BINLOG MONITOR"
    assert code == 3
    assert set(unfit) == {"REPLICATION SLAVE", monitor, f"table {table}"}
    assert granted_code == 0
    assert not [told for told in granted.values() if told[0] == "unfit"]


def test_who_may_not_see_prepared_transactions_is_told_the_grant(
    source: MySQLServer, setup: Setup, table: str, check: Check
) -> None:
    if source.flavour == "mariadb":
        pytest.skip("MariaDB shows them to every account")
    with account(source, "blind") as name:
        setup.source |= {"user": name, "password": name}
        source.execute(f"GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO {name}")
        _, blind = check()
        run_remedy(source, blind["XA RECOVER"][2])
        _, seeing = check()

    assert blind["XA RECOVER"][0] == "not checked"
    assert seeing["XA RECOVER"][0] == "ok"


def test_privileges_by_a_default_role_count(
    source: MySQLServer, setup: Setup, table: str, check: Check
) -> None:
    with account(source, "roled") as name:
        setup.source |= {"user": name, "password": name}
        source.execute("DROP ROLE IF EXISTS replicator")
        source.execute("CREATE ROLE replicator")
        source.execute("GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO replicator")
        source.execute(f"GRANT replicator TO {name}")
        to = "TO" if source.flavour == "mysql" else "FOR"
        source.execute(f"SET DEFAULT ROLE replicator {to} {name}")
        code, _ = check()
        source.execute("DROP ROLE replicator")

    assert code == 0


def test_a_column_that_may_not_be_read_is_unfit(
    source: MySQLServer, setup: Setup, table: str, check: Check
) -> None:
    with account(source, "columnist") as name:
        setup.source |= {"user": name, "password": name}
        source.execute(f"GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO {name}")
        source.execute(f"GRANT SELECT (id) ON {table} TO {name}")
        code, found = check()
        run_remedy(source, found[f"table {table}"][2])
        granted, _ = check()

    assert (code, granted) == (3, 0)
    assert found[f"table {table}"][0] == "unfit"
    assert "every column" in found[f"table {table}"][1]


def test_a_table_that_does_not_exist_is_unfit(
    setup: Setup, schema: str, table: str, check: Check
) -> None:
    setup.follow(f"{schema}.ghost")

    code, found = check()

    assert code == 3
    outcome, what, remedy = found[f"table {schema}.ghost"]
    assert (outcome, what) == ("unfit", "does not exist")
    assert remedy.startswith("create it, or correct the source (")


def test_a_name_that_is_near_is_suggested_and_no_grant_where_all_tables_are_seen(
    source: MySQLServer, setup: Setup, schema: str, check: Check
) -> None:
    source.execute(f"CREATE TABLE {schema}.orders (id INT PRIMARY KEY)")
    setup.follow(f"{schema}.ordres")

    _, found = check()

    outcome, what, remedy = found[f"table {schema}.ordres"]
    assert (outcome, what) == ("unfit", f"does not exist, did you mean `{schema}.orders`?")
    assert remedy == (
        f"write source: {schema}.orders ({setup.folder}/mappings/{schema}.ordres.yaml:1)"
    )


@pytest.mark.parametrize(
    ("privilege", "on", "granted"),
    [
        ("SELECT", "`{schema}`.*", True),
        ("SELECT", "`{like}`.*", True),
        ("SELECT", "*.*", True),
        ("SELECT", "`{schema}`.`orders`", False),
        ("INSERT", "`{schema}`.*", False),
    ],
)
def test_a_grant_is_printed_only_to_who_may_lack_it(
    source: MySQLServer,
    setup: Setup,
    schema: str,
    check: Check,
    privilege: str,
    on: str,
    granted: bool,
) -> None:
    source.execute(f"CREATE TABLE {schema}.orders (id INT PRIMARY KEY)")
    setup.follow(f"{schema}.ordres")
    place = on.format(schema=schema, like=schema.replace("_", r"\_", 1)[:-1] + "%")
    with account(source, "typist") as name:
        setup.source |= {"user": name, "password": name}
        source.execute(f"GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO {name}")
        source.execute(f"GRANT {privilege} ON {place} TO {name}")
        _, found = check()

    _, what, remedy = found[f"table {schema}.ordres"]
    assert what.endswith(f", did you mean `{schema}.orders`?")
    assert remedy.startswith(f"write source: {schema}.orders (")
    assert ("may not SELECT" in what, "run: GRANT SELECT" in remedy) == (not granted, not granted)


def test_a_schema_that_is_taken_from_a_global_grant_may_hold_what_is_not_seen(
    source: MySQLServer, setup: Setup, schema: str, check: Check
) -> None:
    if source.flavour == "mariadb" or source.version.startswith("8.0.15"):
        pytest.skip("this server takes no schema from a global grant")
    source.execute(f"CREATE TABLE {schema}.orders (id INT PRIMARY KEY)")
    setup.follow(f"{schema}.orders")
    with global_setting(source, "partial_revokes", "ON"), account(source, "curtailed") as name:
        setup.source |= {"user": name, "password": name}
        source.execute(f"GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO {name}")
        source.execute(f"REVOKE SELECT ON {schema}.* FROM {name}")
        _, found = check()
        _, what, remedy = found[f"table {schema}.orders"]
        run_remedy(source, remedy)
        code, _ = check()

    assert "may not SELECT" in what
    assert code == 0


def test_a_table_without_transactions_is_unfit(
    source: MySQLServer, setup: Setup, schema: str, check: Check
) -> None:
    source.execute(f"CREATE TABLE {schema}.loose (id INT PRIMARY KEY) ENGINE = MyISAM")
    setup.follow(f"{schema}.loose")

    code, found = check()
    run_remedy(source, found[f"table {schema}.loose"][2])
    mended, _ = check()

    assert (code, mended) == (3, 0)
    assert "MyISAM" in found[f"table {schema}.loose"][1]


def test_a_table_without_a_key_has_one_line_and_blames_no_setting(
    source: MySQLServer, setup: Setup, schema: str, check: Check
) -> None:
    source.execute(f"CREATE TABLE {schema}.keyless (a INT, b INT)")
    setup.follow(f"{schema}.keyless")
    setup.start = "backfill"

    code, found = check()

    told = {name: what for name, (_, what, _) in found.items() if f" {schema}." in name}
    assert code == 3
    assert told == {
        f"table {schema}.keyless": "cannot be copied: it has no primary key, and no unique key that"
        " is NOT NULL"
    }
    assert "an `id:` in its mapping" in found[f"table {schema}.keyless"][2]


def test_a_view_is_unfit(source: MySQLServer, setup: Setup, schema: str, check: Check) -> None:
    source.execute(f"CREATE VIEW {schema}.seen AS SELECT 1 AS id")
    setup.follow(f"{schema}.seen")

    code, found = check()

    assert code == 3
    assert "view" in found[f"table {schema}.seen"][1]


def test_a_system_versioned_table_is_unfit(
    source: MySQLServer, setup: Setup, schema: str, check: Check
) -> None:
    if source.flavour == "mysql":
        pytest.skip("MySQL has no system versioning")
    source.execute(f"CREATE TABLE {schema}.history (id INT PRIMARY KEY) WITH SYSTEM VERSIONING")
    setup.follow(f"{schema}.history")

    code, found = check()
    run_remedy(source, found[f"table {schema}.history"][2])
    mended, _ = check()

    assert (code, mended) == (3, 0)
    assert "system-versioned" in found[f"table {schema}.history"][1]


CASCADES = ["ON DELETE CASCADE", "ON DELETE SET NULL", "ON UPDATE CASCADE", "ON UPDATE SET NULL"]


@pytest.mark.parametrize("rule", CASCADES)
def test_children_of_cascading_keys_are_judged_by_what_the_server_logs(
    source: MySQLServer, setup: Setup, schema: str, check: Check, rule: str
) -> None:
    source.execute(f"CREATE TABLE {schema}.parent (id INT PRIMARY KEY, word VARCHAR(9))")
    source.execute(
        f"CREATE TABLE {schema}.child (id INT PRIMARY KEY, parent INT, note TEXT COMMENT 'it''s',"
        f" CONSTRAINT `odd``key` FOREIGN KEY (parent) REFERENCES parent (id) {rule})"
    )
    source.execute(f"INSERT INTO {schema}.parent VALUES (1, 'x')")
    source.execute(f"INSERT INTO {schema}.child VALUES (1, 1, NULL)")
    setup.follow(f"{schema}.child")
    change = "DELETE FROM" if "DELETE" in rule else "UPDATE"
    rest = "" if "DELETE" in rule else " SET id = 2"

    before = _rows_events(source)
    source.execute(f"{change} {schema}.parent{rest}")
    logged = _rows_events(source) - before == 2  # the parent's and the child's
    code, found = check()

    outcome, what, _ = found[f"table {schema}.child"]
    assert logged == has(source, LOGGED_CASCADES)
    assert (code, outcome) == ((0, "ok") if logged else (3, "unfit"))
    assert logged or ("odd`key" in what and rule in what)


@pytest.mark.parametrize("rule", ["", "ON DELETE RESTRICT", "ON UPDATE NO ACTION"])
def test_children_of_keys_that_do_not_cascade_are_fit(
    source: MySQLServer, setup: Setup, schema: str, check: Check, rule: str
) -> None:
    source.execute(f"CREATE TABLE {schema}.parent (id INT PRIMARY KEY)")
    source.execute(
        f"CREATE TABLE {schema}.child (id INT PRIMARY KEY, parent INT COMMENT 'ON DELETE CASCADE',"
        f" FOREIGN KEY (parent) REFERENCES parent (id) {rule})"
    )
    setup.follow(f"{schema}.child")

    code, found = check()

    assert (code, found[f"table {schema}.child"][0]) == (0, "ok")


def test_a_cascade_is_seen_with_no_more_than_the_privileges_that_cdc_asks_for(
    source: MySQLServer, setup: Setup, schema: str, check: Check
) -> None:
    if has(source, LOGGED_CASCADES):
        pytest.skip("this server logs cascades")
    source.execute(f"CREATE TABLE {schema}.parent (id INT PRIMARY KEY)")
    source.execute(
        f"CREATE TABLE {schema}.child (id INT PRIMARY KEY, parent INT,"
        f" FOREIGN KEY (parent) REFERENCES {schema}.parent (id) ON DELETE CASCADE)"
    )
    setup.follow(f"{schema}.child")
    with account(source, "plain") as name:
        setup.source |= {"user": name, "password": name}
        monitor = "BINLOG MONITOR" if source.flavour == "mariadb" else "REPLICATION CLIENT"
        source.execute(f"GRANT REPLICATION SLAVE, {monitor} ON *.* TO {name}")
        source.execute(f"GRANT SELECT ON {schema}.child TO {name}")
        _, found = check()

    assert found[f"table {schema}.child"][0] == "unfit"


def test_the_source_s_own_server_id_is_unfit(
    source: MySQLServer, setup: Setup, table: str, check: Check
) -> None:
    setup.source["server_id"] = source.execute("SELECT @@server_id")[0][0]

    code, found = check()

    assert (code, found["server_id"][0]) == (3, "unfit")


def test_a_server_id_that_another_replica_uses_is_noticed(
    source: MySQLServer, setup: Setup, table: str, check: Check
) -> None:
    setup.source["server_id"] = 77
    settings = load(setup.path).source
    position = resolve_start(settings, "now").position
    with closing(connect_source(settings, read_timeout=10)) as replica:
        dump.request(
            replica,
            position,
            server_id=77,
            heartbeat_seconds=5,
            mariadb=source.flavour == "mariadb",
            stream="another",
        )
        code, found = check()
        replica._force_close()  # type: ignore[attr-defined]

    expected = (3, "unfit") if source.flavour == "mysql" else (0, "warning")
    assert (code, found["server_id"][0]) == expected


def test_a_mapping_is_compiled_against_the_live_table(
    setup: Setup, table: str, check: Check
) -> None:
    setup.follow(table, fields={"note": "note", "colour": "color"})

    code, found = check()

    outcome, what, _ = found[f"mapping {table}"]
    assert (code, outcome) == (2, "wrong")
    assert "color" in what
    assert f"{table}.yaml:1" in what


def test_the_default_start_is_fit(setup: Setup, table: str, check: Check) -> None:
    setup.start = "backfill"

    code, found = check()

    assert (code, found["start"][0]) == (0, "ok")


def test_a_source_that_is_down_is_told_apart_from_an_unfit_one(
    setup: Setup, table: str, check: Check
) -> None:
    setup.source["port"] = _closed_port()

    code, found = check()

    assert (code, found["source"][0]) == (3, "unreachable")
    assert found["target topology"][0] == "ok"


def test_a_wrong_password_is_unfit(setup: Setup, table: str, check: Check) -> None:
    setup.source["password"] = "wrong-one"

    code, found = check()

    assert (code, found["source"][0]) == (3, "unfit")
    assert "wrong-one" not in str(found)


def test_a_login_that_the_target_refuses_is_told_of_the_target_alone(
    setup: Setup, table: str, check: Check, mongo: MongoServer
) -> None:
    setup.target["uri"] = f"mongodb://nobody:wrong@127.0.0.1:{mongo.port}/?replicaSet=rs0"

    code, found = check()

    outcome, what, remedy = found["target"]
    assert (code, outcome) == (3, "unfit")
    assert what.startswith("the target refuses the login: ")
    assert remedy == "check user, password and authSource in target.uri"
    assert "source" not in found
    assert found[f"table {table}"][0] == "ok"


def test_a_target_that_refuses_the_connection_is_unreachable_at_once(
    setup: Setup, table: str, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = _closed_port()
    setup.target["uri"] = f"mongodb://127.0.0.1:{port}/?replicaSet=rs0"
    monkeypatch.setattr("cdc.writers.connection.SELECTION_MILLISECONDS", 600_000)

    code, found = check()

    outcome, what, remedy = found["target"]
    assert (code, outcome) == (3, "unreachable")
    assert f"127.0.0.1:{port}: [Errno 111] Connection refused" in what
    assert remedy == "see that it runs, and check the hosts and ports in target.uri"
    assert found["log_bin"][0] == "ok"


def test_a_source_in_the_target_s_place_is_told_to_be_no_mongodb(
    source: MySQLServer,
    setup: Setup,
    table: str,
    check: Check,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    setup.target["uri"] = f"mongodb://127.0.0.1:{source.port}/?directConnection=true"
    monkeypatch.setattr("cdc.writers.connection.SELECTION_MILLISECONDS", 300)

    _, found = check()

    outcome, what, _ = found["target"]
    assert outcome == "unreachable"
    assert what.endswith("the server that answers is no MongoDB")


@pytest.mark.parametrize("listens", [False, True])
def test_a_wrong_port_of_the_source_says_what_to_check(
    setup: Setup,
    table: str,
    check: Check,
    mongo: MongoServer,
    monkeypatch: pytest.MonkeyPatch,
    listens: bool,
) -> None:
    setup.source["port"] = mongo.port if listens else _closed_port()
    monkeypatch.setattr("cdc.readers.server.connection.CONNECT_SECONDS", 0.5)

    _, found = check()

    outcome, what, remedy = found["source"]
    assert outcome == "unreachable"
    assert ("does not answer as MySQL or MariaDB do" in what) == listens
    assert "check source.host and source.port" in remedy


def test_lines_for_people_end_with_what_needs_somebody_and_the_counts(
    setup: Setup,
    schema: str,
    table: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    setup.follow(f"{schema}.ghost")
    setup.follow(f"{schema}.gone_*", id=[{"source": "table"}, "id"])

    assert cli.run(["check", "--config", str(setup.path)]) == 3

    *lines, counts = capsys.readouterr().out.splitlines()
    outcomes = [line[:11].strip() for line in lines]
    assert outcomes[-2:] == ["warning", "unfit"]
    assert {*outcomes[:-2]} == {"ok"}
    well = len(lines) - 2
    assert counts == f"{len(lines)} checks: {well} ok, 1 warning, 1 unfit"


def test_the_name_of_another_replica_set_is_told_and_not_waited_for(
    setup: Setup,
    table: str,
    check: Check,
    mongo: MongoServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    setup.target["uri"] = f"mongodb://127.0.0.1:{mongo.port}/?replicaSet=other"
    monkeypatch.setattr("cdc.writers.connection.SELECTION_MILLISECONDS", 300)

    code, found = check()

    outcome, what, remedy = found["target"]
    assert (code, outcome) == (3, "unfit")
    assert f"asks for the replica set other, and 127.0.0.1:{mongo.port} is of rs0" in what
    assert remedy == "write replicaSet=rs0 in target.uri"


@pytest.mark.parametrize(
    "command",
    [
        ["status"],
        ["status", "--all"],
        ["jobs", "list"],
        ["claims", "list"],
        ["dead-letters", "list"],
        ["position", "show"],
        ["stream", "remove", "shop"],
    ],
    ids=" ".join,
)
def test_so_it_is_by_every_command_that_asks_the_target(
    setup: Setup,
    table: str,
    mongo: MongoServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
) -> None:
    setup.target["uri"] = f"mongodb://127.0.0.1:{mongo.port}/?replicaSet=other"
    monkeypatch.setattr("cdc.writers.connection.SELECTION_MILLISECONDS", 300)

    code = cli.run([*command, "--config", str(setup.path)])

    told = "".join(capsys.readouterr())
    assert code == (1 if command == ["status"] else 3)
    assert f"asks for the replica set other, and 127.0.0.1:{mongo.port} is of rs0" in told
    assert "write replicaSet=rs0 in target.uri" in told


def test_an_account_without_rights_is_told_the_line_that_grants_them(
    setup: Setup,
    table: str,
    check: Check,
    tmp_path: Path,
    database: str,
    state_database: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    key = tmp_path / "replica-set.key"
    key.write_text("c2VjcmV0IG9mIHRoZSByZXBsaWNhIHNldA==")
    key.chmod(0o400)
    with mongo_server(options=[f"--keyFile={key}"]) as server:
        with server.client() as client:
            client.admin.command("createUser", "root", pwd="root", roles=["root"])
        with server.client(username="root", password="root") as client:
            client.admin.command("createUser", "cdc", pwd="cdc", roles=[])
            setup.target["uri"] = f"mongodb://127.0.0.1:{server.port}/?replicaSet=rs0"
            _, nobody = check()
            told = [each for each in nobody.values() if each[0] != "ok"]
            assert [each[1] for each in told] == ["wants a login, and target.uri has none"]
            assert cli.run(["status", "--config", str(setup.path)]) == 1
            shown = capsys.readouterr().out
            assert "the target wants a login, and target.uri has none; write USER:PASSW" in shown
            setup.target["uri"] = f"mongodb://cdc:cdc@127.0.0.1:{server.port}/?replicaSet=rs0"
            refused, found = check()
            [(outcome, what, remedy)] = [each for each in found.values() if each[0] != "ok"]
            assert outcome == "unfit"
            assert what.startswith(f"the account cdc may not write to {state_database}.streams, ")
            roles = re.findall(r'{role: "(\w+)", db: "(\w+)"}', remedy)
            client.admin.command(
                "grantRolesToUser", "cdc", roles=[{"role": role, "db": db} for role, db in roles]
            )
            granted, _ = check()

    assert (refused, granted) == (3, 0)
    assert {db for _, db in roles} == {database, state_database}
    assert remedy.startswith(
        'run in mongosh, as an administrator: db.getSiblingDB("admin").grantRolesToUser("cdc", [{'
    )


def test_a_standalone_target_needs_the_weaker_mode_to_be_chosen(
    setup: Setup, table: str, check: Check
) -> None:
    with mongo_server(replica_set=False) as standalone:
        setup.target["uri"] = standalone.uri
        refused, found = check()
        setup.apply["mode"] = "at_least_once"
        accepted, weaker = check()

    assert (refused, found["target topology"][0]) == (3, "unfit")
    assert "at_least_once" in found["target topology"][2]
    assert (accepted, weaker["target topology"][0]) == (0, "warning")


def test_a_collection_that_is_a_view_is_unfit(
    setup: Setup, table: str, check: Check, mongo: MongoServer, database: str
) -> None:
    with mongo.client() as client:
        client[database].command({"create": "plain", "viewOn": "other", "pipeline": []})

    code, found = check()

    assert (code, found[f"collection {database}.plain"][0]) == (3, "unfit")


def test_a_validator_and_a_unique_index_do_not_stop_the_check(
    setup: Setup, table: str, check: Check, mongo: MongoServer, database: str
) -> None:
    with mongo.client() as client:
        client[database].create_collection("plain", validator={"note": {"$type": "string"}})

    code, _ = check()

    assert code == 0


def test_the_schemas_that_an_account_may_read_are_known_by_their_names(
    setup: Setup, source: MySQLServer
) -> None:
    names = ("`shop`", "*", "a`b", "plain")
    with account(source, "reader") as user:
        setup.source |= {"user": user, "password": user, "server_id": 4242}
        for name in names:
            source.execute(f"GRANT SELECT ON {sql_name(name)}.* TO {user}")
        with asking(SourceConfig.model_validate(setup.source), read_timeout=30) as connection:
            facts = fetch_source_facts(connection)

    assert facts.readable == {*names}
    assert facts.privileges == {"USAGE"}


def _rows_events(source: MySQLServer) -> int:
    """Count the rows events in the newest binlog."""
    [*_, (file, *_)] = source.execute("SHOW BINARY LOGS")
    events = source.execute(f"SHOW BINLOG EVENTS IN '{file}'")
    return sum("_rows" in str(kind) and kind != "Annotate_rows" for _, _, kind, *_ in events)


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def test_a_stream_is_told_where_it_goes_on(setup: Setup, table: str, check: Check) -> None:
    assert cli.run(["position", "set", "--start", "now", "--yes", "--config", str(setup.path)]) == 0

    code, found = check()

    assert code == 0
    outcome, what, _ = found["position"]
    assert (outcome, "has all that follows" in what) == ("ok", True)


def test_no_remedy_of_a_check_is_the_check_itself(
    source: MySQLServer, setup: Setup, table: str, check: Check
) -> None:
    assert cli.run(["position", "set", "--start", "now", "--yes", "--config", str(setup.path)]) == 0
    with account(source, "weak") as name:
        setup.source |= {"user": name, "password": name}
        code, found = check()

    assert code == 3
    assert found["position"][0] == "unfit"
    assert [remedy for _, _, remedy in found.values() if "cdc check" in remedy] == []


@pytest.mark.parametrize("saved_position", [True, False])
def test_a_position_that_the_source_cannot_continue_is_told_before_a_start(
    source: MySQLServer,
    setup: Setup,
    table: str,
    check: Check,
    saved_position: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cdc.readers.server.position_check.VISIBLE_WITHIN_SECONDS", 0.1)
    mysql = source.flavour == "mysql"
    ahead = "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5" if mysql else "7-1-999999"
    if saved_position:
        position = start_from_config(StartPosition(gtid=ahead), mariadb=not mysql)
        stream_admin.set_position(load(setup.path), Checkpoint(position), mappings=[])
    else:
        setup.start = {"gtid": ahead}

    code, found = check()

    assert code == 3
    outcome, what, remedy = found["position"]
    assert outcome == "unfit"
    assert "the checkpoint" in what
    assert "cdc position set" in remedy


def test_a_position_of_the_other_flavour_is_told_before_a_start(
    source: MySQLServer, setup: Setup, table: str, check: Check
) -> None:
    mysql = source.flavour == "mysql"
    other = "0-1-7" if mysql else "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5"
    position = start_from_config(StartPosition(gtid=other), mariadb=mysql)
    stream_admin.set_position(load(setup.path), Checkpoint(position), mappings=[])

    code, found = check()

    assert code == 3
    assert "other flavour" in found["position"][1]


def test_a_start_that_is_no_gtid_set_is_a_mistake_in_the_configuration(
    setup: Setup, table: str, check: Check
) -> None:
    setup.start = {"gtid": "nonsense"}

    code, found = check()

    assert code == 2
    assert found["position"][0] == "wrong"

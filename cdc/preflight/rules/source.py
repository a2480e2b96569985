"""The rules for a source's settings and for the account's privileges."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from cdc.errors import Unfit
from cdc.model import binlog_engine
from cdc.model.server_facts import SourceFacts
from cdc.model.xid import Xid, not_decided
from cdc.preflight.findings import Finding, Outcome

OLDEST: Final = {"mysql": (8, 0), "mariadb": (10, 5)}
OK, UNFIT, WARNING = Outcome.OK, Outcome.UNFIT, Outcome.WARNING


def source_findings(
    facts: SourceFacts,
    *,
    server_id: int,
    own_uuid: str,
    schemas: Collection[str],
    several: bool = False,
) -> Iterator[Finding]:
    """Judge a source for a replica of this `server_id` and `own_uuid` that follows `schemas`.

    `several`: it is one of several hosts, among which the stream may move.
    """
    yield _version(facts)
    yield _log_bin(facts)
    yield from _log_engine(facts)
    yield _setting(facts, "binlog_format", "ROW")
    yield _setting(facts, "binlog_row_image", "FULL")
    yield _setting(facts, "binlog_row_metadata", "FULL")
    yield _partial_json(facts)
    yield _gtid(facts, several=several)
    yield _server_id(facts, server_id, own_uuid)
    yield from _privileges(facts)
    yield _filters(facts, schemas)
    yield _replica(facts, several=several)


def _version(facts: SourceFacts) -> Finding:
    oldest = OLDEST[facts.flavour]
    if facts.version >= oldest:
        return Finding("source version", OK, facts.version_text)
    return Finding(
        "source version",
        UNFIT,
        f"{facts.version_text} is too old",
        f"upgrade to {facts.flavour} {'.'.join(map(str, oldest))} or later",
    )


def _log_bin(facts: SourceFacts) -> Finding:
    if facts.variable("log_bin") == "ON":
        return Finding("log_bin", OK, "ON")
    return Finding(
        "log_bin",
        UNFIT,
        "the source writes no binlog",
        "start the server with --log-bin=binlog (log_bin in my.cnf); it needs a restart",
    )


def _log_engine(facts: SourceFacts) -> Iterator[Finding]:
    """Judge where MariaDB keeps its binlog; older ones and MySQL have files only."""
    name = binlog_engine.VARIABLE
    if name not in facts.variables:
        return
    try:
        binlog_engine.require_files(facts.variable(name))
    except Unfit as error:
        yield Finding(name, UNFIT, error.message, error.remedy or "")
    else:
        yield Finding(name, OK, "none: the binlog is in files")


def _setting(facts: SourceFacts, name: str, wanted: str) -> Finding:
    value = facts.variable(name)
    if value == wanted:
        return Finding(name, OK, value)
    return Finding(
        name,
        UNFIT,
        f"is {value or 'not known to this server'}, and must be {wanted}",
        f"run: {_set(facts, name, wanted)}; then reconnect the applications, whose sessions keep"
        " the old value",
    )


def _set(facts: SourceFacts, name: str, value: str) -> str:
    if facts.mariadb:
        return f"SET GLOBAL {name} = {value}; and write it to my.cnf"
    return f"SET PERSIST {name} = {value}"


def _partial_json(facts: SourceFacts) -> Finding:
    value = facts.variable("binlog_row_value_options")
    if "PARTIAL_JSON" not in value or facts.variable("binlog_row_image") == "FULL":
        return Finding("binlog_row_value_options", OK, value or "none")
    return Finding(
        "binlog_row_value_options",
        UNFIT,
        "PARTIAL_JSON logs changes within JSON values, which needs binlog_row_image = FULL",
        f"run: {_set(facts, 'binlog_row_value_options', chr(39) * 2)}",
    )


def _gtid(facts: SourceFacts, *, several: bool) -> Finding:
    if facts.mariadb:
        return _gtid_mariadb(facts)
    mode = facts.variable("gtid_mode")
    if mode == "ON":
        return Finding("gtid_mode", OK, mode)
    if mode == "OFF" and several:
        return Finding(
            "gtid_mode",
            UNFIT,
            "OFF: without GTIDs a stream cannot move among source.hosts",
            "turn GTIDs on, on all hosts; or write the one host to follow as source.host",
        )
    if mode == "OFF":
        return Finding(
            "gtid_mode",
            WARNING,
            "OFF: the stream is tied to this server's binlog files",
            "turn GTIDs on to be able to follow a failover",
        )
    return Finding(
        "gtid_mode",
        UNFIT,
        f"{mode} mixes transactions with and without GTIDs",
        f"finish the change: {_gtids_on(mode)}; or step back to OFF",
    )


def copying_finding(facts: SourceFacts, *, allow_brief_lock: bool) -> Finding | None:
    """Refuse to copy tables without GTIDs unless they may be locked; None where GTIDs serve."""
    if facts.mariadb or facts.variable("gtid_mode") != "OFF":
        return None
    if allow_brief_lock:
        return Finding("chunks.allow_brief_lock", OK, "true")
    return Finding(
        "chunks.allow_brief_lock",
        UNFIT,
        "false: without GTIDs MySQL's tables cannot be copied, resynced or verified",
        "write chunks.allow_brief_lock: true, which locks a table for the instant that opens a"
        " snapshot and needs the privilege LOCK TABLES; or turn GTIDs on; or follow changes"
        " alone, by start: now or start: earliest with a stream of its own",
    )


def _gtids_on(mode: str) -> str:
    """Return the statements that turn GTIDs on: the mode changes one step at a time."""
    steps = ("ON",) if mode == "ON_PERMISSIVE" else ("ON_PERMISSIVE", "ON")
    return "; ".join(f"SET PERSIST gtid_mode = {each}" for each in steps)


def _gtid_mariadb(facts: SourceFacts) -> Finding:
    if facts.variable("gtid_strict_mode") == "ON":
        return Finding("gtid_strict_mode", OK, "ON")
    return Finding(
        "gtid_strict_mode",
        WARNING,
        "OFF lets GTIDs enter the binlog out of order",
        f"run: {_set(facts, 'gtid_strict_mode', 'ON')}",
    )


def _server_id(facts: SourceFacts, server_id: int, own_uuid: str) -> Finding:
    if facts.variable("server_id") == "0":
        return Finding(
            "server_id",
            UNFIT,
            "the source has none of its own, and sends its binlog to nobody",
            f"run: {_set(facts, 'server_id', '1')}; or another that no other server has",
        )
    if str(server_id) == facts.variable("server_id"):
        return Finding(
            "server_id",
            UNFIT,
            f"{server_id} is the source's own",
            "choose another source.server_id",
        )
    if facts.replicas is None:
        return Finding(
            "server_id",
            Outcome.NOT_CHECKED,
            f"{server_id}: the account may not list the source's other replicas",
            "make sure that no other replica has it",
        )
    others = [each for each in facts.replicas if each.server_id == server_id]
    if all(each.uuid == own_uuid for each in others):
        return Finding("server_id", OK, str(server_id))
    if facts.mariadb:
        return Finding(
            "server_id",
            WARNING,
            f"a replica with {server_id} is connected; MariaDB does not tell which one",
            "unless it is this stream's daemon, choose another source.server_id",
        )
    return Finding(
        "server_id",
        UNFIT,
        f"another replica uses {server_id}, and the source would cut off one of the two",
        "choose another source.server_id",
    )


def _privileges(facts: SourceFacts) -> Iterator[Finding]:
    for privilege in ("REPLICATION SLAVE", facts.binlog_monitor):
        if facts.privileges & {privilege, "ALL PRIVILEGES"}:
            yield Finding(privilege, OK, f"granted to {facts.account}")
        else:
            yield Finding(
                privilege,
                UNFIT,
                f"not granted to {facts.account}",
                f"run: GRANT {privilege} ON *.* TO {quoted_account(facts.account)}",
            )


def _filters(facts: SourceFacts, schemas: Collection[str]) -> Finding:
    logged, ignored = set(facts.logged_schemas), set(facts.ignored_schemas)
    left_out = {
        schema for schema in schemas if schema in ignored or (logged and schema not in logged)
    }
    if left_out:
        return Finding(
            "binlog filters",
            UNFIT,
            f"the source does not log {', '.join(sorted(left_out))}",
            "remove binlog-do-db and binlog-ignore-db from its my.cnf and restart it",
        )
    return Finding("binlog filters", OK, "every followed schema is logged")


def _replica(facts: SourceFacts, *, several: bool) -> Finding:
    logs = facts.variable("log_replica_updates") or facts.variable("log_slave_updates")
    if logs == "ON":
        return Finding("log_replica_updates", OK, "ON")
    name = "log_slave_updates" if facts.mariadb else "log_replica_updates"
    remedy = f"set {name} = ON in its my.cnf and restart it, or follow the primary"
    if facts.variable("wsrep_on") == "ON":
        return Finding(
            name, UNFIT, "a Galera node that does not log what the other nodes write", remedy
        )
    if facts.replicates:
        return Finding(
            name, UNFIT, "the source is a replica and does not log what it replicates", remedy
        )
    if several:
        return Finding(
            name,
            UNFIT,
            "OFF: any of source.hosts is a replica sooner or later, and would not log what it"
            " replicates then",
            remedy,
        )
    if facts.replicates is None:
        return Finding(
            name,
            Outcome.NOT_CHECKED,
            "OFF, and the account may not ask whether the source is a replica",
            f"if it is one: {remedy}",
        )
    return Finding(name, OK, f"{logs or 'OFF'}, and the source is no replica")


def xa_finding(undecided: Collection[Xid] | None, account: str) -> Finding:
    """Judge, before a first start, XA transactions that are prepared and not decided.

    None: the account, `user@host`, may not ask.
    """
    if undecided is None:
        return Finding(
            "XA RECOVER",
            Outcome.NOT_CHECKED,
            "MySQL shows prepared transactions to accounts with XA_RECOVER_ADMIN only, and a stream"
            " that begins while one waits for XA COMMIT misses its changes",
            "if applications use XA, see before the first start that XA RECOVER shows nothing; or"
            f" run: GRANT XA_RECOVER_ADMIN ON *.* TO {quoted_account(account)}",
        )
    if undecided:
        error = not_decided(undecided)
        return Finding("XA RECOVER", WARNING, error.message, error.remedy or "")
    return Finding("XA RECOVER", OK, "no XA transaction is prepared")


def quoted_account(account: str) -> str:
    """Quote `user@host` for a GRANT."""
    user, _, host = account.rpartition("@")
    return "@".join("'{}'".format(part.replace("'", "''")) for part in (user, host))

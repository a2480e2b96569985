from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cdc.errors import CdcError, Retryable, Unfit, UsageError
from cdc.mapping.file.mapping import Mapping
from cdc.model.server_facts import (
    NO_RIGHT,
    CollectionFacts,
    Replica,
    SourceFacts,
    TableFacts,
    TargetFacts,
    is_like,
)
from cdc.model.table_map import TableMap
from cdc.preflight import (
    Finding,
    Outcome,
    exit_code,
    expression_findings,
    gone,
    missing,
    require,
    source_findings,
    table_findings,
    target_findings,
)
from cdc.preflight.rules.collections import collection_findings
from cdc.preflight.rules.source import quoted_account
from cdc.preflight.rules.tables import Unseen
from cdc.preflight.rules.target import LATE_SECONDS, OLDEST

COLUMNS = TableMap("shop", "items", ())
OWN_UUID = "00000000-0000-0000-0000-000000000007"

MYSQL = SourceFacts(
    flavour="mysql",
    version=(9, 7, 4),
    version_text="9.7.4",
    account="cdc@%",
    variables={
        "log_bin": "ON",
        "binlog_format": "ROW",
        "binlog_row_image": "FULL",
        "binlog_row_metadata": "FULL",
        "gtid_mode": "ON",
        "log_replica_updates": "ON",
        "server_id": "1",
    },
    privileges=frozenset({"REPLICATION SLAVE", "REPLICATION CLIENT"}),
)
MARIADB = replace(
    MYSQL,
    flavour="mariadb",
    version=(11, 8, 9),
    version_text="11.8.9-MariaDB",
    variables={
        **{name: value for name, value in MYSQL.variables.items() if name != "gtid_mode"},
        "gtid_strict_mode": "ON",
        "log_slave_updates": "OFF",
        "log_replica_updates": "",
    },
    privileges=frozenset({"REPLICATION SLAVE", "BINLOG MONITOR"}),
)
REPLICA_SET = TargetFacts(
    version=(6, 0, 5), version_text="6.0.5", topology="replica set", writable=True
)


def changed(facts: SourceFacts, **variables: str) -> SourceFacts:
    return replace(facts, variables={**facts.variables, **variables})


def outcomes(
    facts: SourceFacts, schema: str = "shop", *, several: bool = False
) -> dict[str, Finding]:
    found = source_findings(
        facts, server_id=7, own_uuid=OWN_UUID, schemas={schema}, several=several
    )
    return {finding.check: finding for finding in found if finding.outcome is not Outcome.OK}


@pytest.mark.parametrize("facts", [MYSQL, MARIADB])
def test_a_fit_source_has_nothing_to_mend(facts: SourceFacts) -> None:
    assert outcomes(facts) == {}


@pytest.mark.parametrize(
    ("facts", "version", "fit"),
    [
        (MYSQL, (8, 0, 11), True),
        (MYSQL, (5, 7, 44), False),
        (MARIADB, (10, 5, 0), True),
        (MARIADB, (10, 4, 99), False),
    ],
)
def test_versions_have_a_lower_bound(
    facts: SourceFacts, version: tuple[int, ...], fit: bool
) -> None:
    assert ("source version" not in outcomes(replace(facts, version=version))) == fit


def test_a_server_without_a_binlog_is_unfit() -> None:
    assert outcomes(changed(MYSQL, log_bin="OFF"))["log_bin"].outcome is Outcome.UNFIT


def test_a_binlog_in_innodb_is_refused_by_name() -> None:
    """The answers are those of MariaDB 12.3's documentation: no such server is to be had."""
    newer = replace(MARIADB, version=(12, 3, 1), version_text="12.3.1-MariaDB")

    finding = outcomes(changed(newer, binlog_storage_engine="InnoDB"))["binlog_storage_engine"]

    assert finding.outcome is Outcome.UNFIT
    assert "in InnoDB (binlog_storage_engine), which cdc was never tried with" in finding.what
    assert "remove binlog_storage_engine" in finding.remedy


@pytest.mark.parametrize("engine", ["", "NULL"])
def test_a_binlog_in_files_is_fit_whatever_else_the_server_can(engine: str) -> None:
    newer = replace(MARIADB, version=(12, 3, 1), version_text="12.3.1-MariaDB")

    assert outcomes(changed(newer, binlog_storage_engine=engine)) == {}


def test_each_flavour_gets_its_own_statement() -> None:
    mysql = outcomes(changed(MYSQL, binlog_row_image="MINIMAL"))["binlog_row_image"]
    mariadb = outcomes(changed(MARIADB, binlog_row_image="MINIMAL"))["binlog_row_image"]

    assert "SET PERSIST binlog_row_image = FULL" in mysql.remedy
    assert "SET GLOBAL binlog_row_image = FULL" in mariadb.remedy


def test_files_without_gtids_are_a_warning() -> None:
    assert outcomes(changed(MYSQL, gtid_mode="OFF"))["gtid_mode"].outcome is Outcome.WARNING


def test_several_hosts_need_gtids() -> None:
    without = changed(MYSQL, gtid_mode="OFF")

    assert outcomes(without, several=True)["gtid_mode"].outcome is Outcome.UNFIT
    assert outcomes(MYSQL, several=True) == {}


@pytest.mark.parametrize("replicates", [True, False, None])
def test_each_of_several_hosts_must_log_what_it_replicates(replicates: bool | None) -> None:
    """One that did not would be read for ever, and send nothing."""
    host = replace(MARIADB, replicates=replicates)

    assert outcomes(host, several=True)["log_slave_updates"].outcome is Outcome.UNFIT
    assert outcomes(changed(host, log_slave_updates="ON"), several=True) == {}


def test_another_replica_of_the_same_id_is_unfit_and_ourselves_are_not() -> None:
    other = replace(MYSQL, replicas=(Replica(7, "another"), Replica(8, "third")))
    own = replace(MYSQL, replicas=(Replica(7, OWN_UUID),))

    assert outcomes(other)["server_id"].outcome is Outcome.UNFIT
    assert outcomes(own) == {}


def test_replicas_that_may_not_be_listed_are_not_checked_and_do_not_stop_a_start() -> None:
    finding = outcomes(replace(MARIADB, replicas=None))["server_id"]

    assert finding.outcome is Outcome.NOT_CHECKED
    assert finding.ok


@pytest.mark.parametrize(
    ("logged", "ignored", "fit"),
    [((), (), True), (("shop",), (), True), (("other",), (), False), ((), ("shop",), False)],
)
def test_a_followed_schema_must_be_logged(
    logged: tuple[str, ...], ignored: tuple[str, ...], fit: bool
) -> None:
    facts = replace(MYSQL, logged_schemas=logged, ignored_schemas=ignored)

    assert ("binlog filters" not in outcomes(facts)) == fit


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        (replace(MARIADB, replicates=True), Outcome.UNFIT),
        (replace(MARIADB, replicates=None), Outcome.NOT_CHECKED),
        (changed(MARIADB, wsrep_on="ON"), Outcome.UNFIT),
        (replace(changed(MARIADB, log_slave_updates="ON"), replicates=True), None),
    ],
)
def test_a_replica_must_log_what_it_replicates(facts: SourceFacts, outcome: Outcome | None) -> None:
    finding = outcomes(facts).get("log_slave_updates")

    assert (finding and finding.outcome) == outcome


@pytest.mark.parametrize(
    ("source", "fit"),
    [
        (MYSQL, True),
        (replace(MYSQL, version=(9, 5, 0)), False),
        (replace(MYSQL, version=(8, 4, 3)), False),
        (changed(MYSQL, innodb_native_foreign_keys="ON"), False),
        (MARIADB, False),
    ],
)
def test_cascades_are_fit_only_where_the_server_logs_them(source: SourceFacts, fit: bool) -> None:
    table = TableFacts(schema="shop", table="items", columns=COLUMNS, cascades=("fk (…)",))

    (finding,) = table_findings(source, [table])

    assert finding.ok == fit


@pytest.mark.parametrize(("setting", "fit"), [("0", True), ("1", False)])
def test_a_name_in_capitals_is_fit_only_where_the_binlog_keeps_them(
    setting: str, fit: bool
) -> None:
    source = replace(MYSQL, variables={**MYSQL.variables, "lower_case_table_names": setting})

    (finding,) = table_findings(source, [TableFacts(schema="shop", table="Items", columns=COLUMNS)])

    assert finding.ok == fit


def test_a_standalone_target_is_fit_only_for_at_least_once() -> None:
    alone = replace(REPLICA_SET, topology="standalone")

    refused = {each.outcome for each in target_findings(alone, mode="exactly_once")}
    accepted = {each.outcome for each in target_findings(alone, mode="at_least_once")}

    assert Outcome.UNFIT in refused
    assert Outcome.UNFIT not in accepted


def test_a_secondary_and_an_old_server_are_unfit() -> None:
    facts = replace(REPLICA_SET, writable=False, version=(4, 2, 24))

    unfit = {each.check for each in target_findings(facts, mode="exactly_once") if not each.ok}

    assert unfit == {"target version", "target primary"}


def test_a_target_whose_majority_lags_is_fit_and_said_to_be_waited_for() -> None:
    facts = replace(REPLICA_SET, majority_late_seconds=LATE_SECONDS + 10)

    [primary] = [
        each
        for each in target_findings(facts, mode="exactly_once")
        if each.check == "target primary"
    ]

    assert primary.outcome is Outcome.WARNING
    assert "30 s later" in primary.what


def test_the_oldest_mongodb_is_the_one_of_the_readme() -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text()

    assert f"sharded cluster, {'.'.join(map(str, OLDEST))} or newer" in readme


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [(("_id",), Outcome.OK), (("region",), Outcome.UNFIT), (("_id", "region"), Outcome.UNFIT)],
)
def test_cdcs_own_state_is_sharded_by_its_id_or_unfit(
    fields: tuple[str, ...], outcome: Outcome
) -> None:
    facts = CollectionFacts(name="cdc.streams", shard_key=dict.fromkeys(fields, 1))

    [finding] = collection_findings([facts], {"shop.items": ["a.items"]})

    assert (finding.check, finding.outcome) == ("collection cdc.streams", outcome)


def test_the_remedy_for_cdcs_own_state_takes_none_of_it_away() -> None:
    facts = CollectionFacts(name="cdc.streams", options={"collation": {"locale": "en"}})

    [finding] = collection_findings([facts], {"shop.items": ["a.items"]})

    assert finding.outcome is Outcome.UNFIT
    assert "renameCollection" not in finding.remedy


def test_an_option_that_nobody_knows_is_a_risk() -> None:
    facts = CollectionFacts(name="shop.items", options={"shiny": 1, "validator": {}})

    [finding] = collection_findings([facts], {})

    assert finding.outcome is Outcome.WARNING
    assert "shiny" in finding.what
    assert "validator" not in finding.what


def test_a_history_expires_as_its_mapping_says() -> None:
    meant = CollectionFacts(name="docs.kept", expiring=("committed_at_1",))
    tables, histories = {"docs.kept": ["a.b"]}, {"docs.kept": ["committed_at_1"]}

    [fine] = collection_findings([meant], tables, histories)
    [told] = collection_findings([replace(meant, expiring=("x_1",))], tables, histories)

    assert fine.outcome is Outcome.OK
    assert told.outcome is Outcome.WARNING
    assert "its index x_1 has documents expire: its changes go sooner" in told.what


def test_the_remedy_for_a_history_that_is_unfit_is_no_resync() -> None:
    capped = CollectionFacts(name="docs.kept", options={"capped": True})

    [told] = collection_findings([capped], {"docs.kept": ["a.b"]}, {"docs.kept": ()})

    assert told.outcome is Outcome.UNFIT
    assert "collection in `history`" in (told.remedy or "")
    assert "resync" not in (told.remedy or "")


def test_collections_that_the_account_may_not_list_are_not_checked() -> None:
    findings = target_findings(replace(REPLICA_SET, collections=None), mode="exactly_once")

    assert [each.check for each in findings if each.outcome is Outcome.NOT_CHECKED] == [
        "collections"
    ]


def test_a_refused_write_names_the_collection() -> None:
    facts = replace(REPLICA_SET, refusals={"shop.items": "it is read-only", "cdc.streams": ""})

    unfit = [each for each in target_findings(facts, mode="exactly_once") if not each.ok]

    assert [each.check for each in unfit] == ["write to shop.items"]
    assert "mend the collection" in unfit[0].remedy


def test_what_no_account_was_named_for_is_one_finding_too() -> None:
    lacking = {"shop.items": NO_RIGHT, "cdc.streams": NO_RIGHT}
    facts = replace(REPLICA_SET, refusals=lacking, collections=None)

    doubtful = [
        each
        for each in target_findings(facts, mode="exactly_once")
        if each.outcome is not Outcome.OK
    ]

    assert [(each.check, each.what) for each in doubtful] == [
        ("target", "wants a login, and target.uri has none")
    ]
    assert "readWrite on cdc, shop" in doubtful[0].remedy


def test_an_account_without_rights_gets_one_line_to_paste() -> None:
    lacking = {"shop.items": NO_RIGHT, "cdc.streams": NO_RIGHT, "other.items": ""}
    facts = replace(REPLICA_SET, refusals=lacking, account=("cdc", "admin"))

    unfit = [each for each in target_findings(facts, mode="exactly_once") if not each.ok]

    assert [(each.check, each.what, each.remedy) for each in unfit] == [
        (
            "target",
            "the account cdc may not write to shop.items, cdc.streams",
            'run in mongosh, as an administrator: db.getSiblingDB("admin").grantRolesToUser("cdc",'
            ' [{role: "readWrite", db: "cdc"}, {role: "readWrite", db: "shop"}])',
        )
    ]


def finding(outcome: Outcome) -> Finding:
    return Finding("check", outcome, "what", "remedy")


@pytest.mark.parametrize(
    ("found", "error", "code"),
    [
        ([Outcome.OK, Outcome.WARNING, Outcome.NOT_CHECKED], None, 0),
        ([Outcome.UNREACHABLE], Retryable, 3),
        ([Outcome.UNREACHABLE, Outcome.UNFIT], Unfit, 3),
        ([Outcome.UNFIT, Outcome.WRONG], UsageError, 2),
    ],
)
def test_the_gravest_finding_decides(
    found: list[Outcome], error: type[CdcError] | None, code: int
) -> None:
    findings = [finding(each) for each in found]

    assert exit_code(findings) == code
    if error is None:
        require(findings)
    else:
        with pytest.raises(error) as caught:
            require(findings)
        assert "check: what" in caught.value.message
        assert "remedy" not in caught.value.message
        assert "remedy" in (caught.value.remedy or "")


def test_an_account_is_quoted_for_a_grant() -> None:
    assert quoted_account("o'neil@10.0.%") == "'o''neil'@'10.0.%'"


PLAIN = {"source": "shop.items", "target": "items"}
EXPRESSIONS: dict[str, dict[str, object]] = {
    "where": {"where": "id > 3"},
    "field": {"fields": {"a": {"sql": "id + 1"}}},
    "id": {"id": {"sql": "id + 1", "unique": "asserted"}},
}


def expressions(source: SourceFacts, **keys: object) -> list[Finding]:
    return [*expression_findings(source, [Mapping.model_validate({**PLAIN, **keys})])]


@pytest.mark.parametrize("where", EXPRESSIONS)
@pytest.mark.parametrize(
    ("source", "version"), [(MYSQL, (8, 0, 31)), (MYSQL, (9, 6, 9)), (MARIADB, (11, 4, 5))]
)
def test_expressions_on_an_older_source_are_warned_of(
    source: SourceFacts, version: tuple[int, ...], where: str
) -> None:
    old = replace(source, version=version, version_text="the old one")

    [found] = expressions(old, **EXPRESSIONS[where])

    assert found.outcome is Outcome.WARNING
    assert "shop.items" in found.what
    assert "the old one" in found.what
    assert expressions(old) == []


@pytest.mark.parametrize("source", [MYSQL, MARIADB])
def test_expressions_on_the_version_that_is_meant_are_not(source: SourceFacts) -> None:
    assert expressions(source, **EXPRESSIONS["where"]) == []


def test_of_several_findings_each_remedy_names_its_check() -> None:
    findings = [Finding("one", Outcome.UNFIT, "a", "do x"), Finding("two", Outcome.UNFIT, "b")]

    with pytest.raises(Unfit) as caught:
        require(findings)

    assert (caught.value.message, caught.value.remedy) == ("one: a\ntwo: b", "one: do x")


def test_where_no_finding_has_a_remedy_it_is_told_where_to_look() -> None:
    with pytest.raises(Unfit) as caught:
        require([Finding("one", Outcome.UNFIT, "a")])

    assert caught.value.remedy


@pytest.mark.parametrize(
    ("near", "readable", "remedy"),
    [
        ("", "", "create it, or correct the source (m.yaml:3); if it exists, run: GRANT"),
        ("", "shop", "create it, or correct the source (m.yaml:3)"),
        ("shop.b", "", "write source: shop.b (m.yaml:3); or, if shop.a exists, run: GRANT"),
        ("shop.b", "sho_", "write source: shop.b (m.yaml:3)"),
    ],
)
def test_what_to_do_about_a_table_that_is_not_seen(near: str, readable: str, remedy: str) -> None:
    source = replace(MYSQL, readable=frozenset({readable}))

    told = missing(source, Unseen("shop.a", near, "m.yaml:3")).remedy

    assert told.startswith(remedy)
    assert ("GRANT" in told) == ("GRANT" in remedy)


def test_a_table_that_a_stream_has_lost_may_also_be_a_mapping_that_is_new() -> None:
    source = replace(MYSQL, privileges=MYSQL.privileges | {"SELECT"})

    told = gone(source, Unseen("shop.a", "shop.b", "m.yaml:3"))

    assert told.ok
    assert told.what == "does not exist: nothing will come from it, did you mean `shop.b`?"
    assert "on_drop" in told.remedy
    assert told.remedy.endswith("; if the mapping is new, write source: shop.b (m.yaml:3)")


@pytest.mark.parametrize(
    ("pattern", "schema", "like"),
    [
        ("shop", "shop", True),
        ("shop", "shops", False),
        ("shop%", "shops", True),
        (r"my\_shop", "my_shop", True),
        (r"my\_shop", "my-shop", False),
        ("my_shop", "my-shop", True),
        ("a.b", "a-b", False),
    ],
)
def test_a_grant_names_schemas_by_patterns(pattern: str, schema: str, like: bool) -> None:
    assert is_like(schema, pattern) is like

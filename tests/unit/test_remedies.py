"""Each remedy that says what to type is typed by a test, or there is a reason why none can."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.support.remedies import Remedy, matching, raised, remedies

TESTS = Path(__file__).parents[1]
REMEDIES = "end_to_end/test_remedies.py::test_"
FIRST_COPIES = "end_to_end/test_first_copies.py::test_"
CHECK = "integration/preflight/test_check.py::test_"

TYPED = {
    ("preflight/mapping_edits.py", "have them made anew"): REMEDIES + "an_edited_mapping",
    ("chunks/source_table.py", "copy the rows alone"): REMEDIES + "ids_that_lead_to_no_row",
    ("commands/dead_letters.py", "cdc dead-letters list"): REMEDIES
    + "what_only_shows_can_be_typed",
    ("job_client/retry_letters.py", "cdc dead-letters discard"): "end_to_end/test_dead_letters.py"
    "::test_a_letter_whose_row_cannot_be_looked_up_is_not_retried_but_may_be_discarded",
    ("commands/jobs.py", "cdc jobs list"): REMEDIES + "what_only_shows_can_be_typed",
    ("config/stream.py", "cdc mapping init"): "integration/preflight/test_mapping_mistakes.py"
    "::test_the_command_that_writes_mappings_works_as_it_is_printed",
    ("preflight/run.py", "GRANT INSERT, UPDATE"): "end_to_end/test_observing.py"
    "::test_a_heartbeat_table_that_cannot_be_written_is_refused_with_its_remedy",
    ("mapping/transcode/partial_image.py", "binlog_row_image = FULL"): REMEDIES
    + "images_that_lack_columns",
    ("mapper.py", "on_error: dead_letter"): REMEDIES + "a_row_that_halts",
    ("mapper.py", "edit the mapping"): REMEDIES + "a_table_that_no_longer_fits_its_mapping",
    ("mapper.py", "step over the transaction"): REMEDIES + "a_row_that_halts",
    ("daemon/ddl_policy.py", "step over the statement"): REMEDIES + "a_policy_that_halts",
    ("daemon/ddl_policy.py", "undo the statement"): REMEDIES
    + "a_table_that_cannot_be_followed_any_more",
    ("readers/binlog/sql/followed_statements.py", "binlog_format = ROW"): REMEDIES
    + "a_change_logged_as_a_statement",
    ("readers/binlog/transaction_assembler.py", "the rest of it"): REMEDIES
    + "a_position_amid_a_transaction",
    ("readers/binlog/transaction_assembler.py", "XA transactions"): REMEDIES
    + "a_prepared_xa_transaction",
    ("readers/binlog/reader.py", "--verify-binlog-checksum"): "end_to_end/test_damage.py"
    "::test_what_is_damaged_for_good_is_stepped_over",
    ("readers/binlog/next_transaction.py", "XA COMMIT"): REMEDIES + "a_prepared_xa_transaction",
    ("model/xid.py", "XA COMMIT"): "end_to_end/test_prepared_before.py"
    "::test_no_position_is_set_before_they_are_decided",
    ("readers/binlog/cursor.py", "go on from now"): REMEDIES + "a_log_that_was_created_anew",
    ("readers/server/position_check.py", "keep binlogs longer"): REMEDIES + "purged_binlogs",
    ("readers/server/position_check.py", "where the transactions went"): REMEDIES
    + "a_history_that_is_another",
    ("readers/server/position_check.py", "point source.host"): REMEDIES
    + "a_file_of_another_server",
    ("readers/server/position_check.py", "SET PERSIST server_id"): REMEDIES
    + "a_source_without_an_id_of_its_own",
    ("readers/server/position_check.py", "step by step"): REMEDIES + "gtids_that_were_turned_off",
    ("readers/binlog/table_maps.py", "binlog_row_metadata"): REMEDIES + "table_maps_without_names",
    ("readers/binlog/table_maps.py", "mysql56_temporal_format"): REMEDIES
    + "temporal_columns_of_the_old_form",
    ("preflight/rules/claims.py", "cdc claims release"): "end_to_end/test_two_streams.py"
    "::test_a_claim_is_released_once_its_stream_is_stopped",
    ("writers/errors.py", "grant it readWrite"): CHECK
    + "an_account_without_rights_is_told_the_line_that_grants_them",
    ("writers/claims.py", "--stream"): "end_to_end/test_shared_collections.py"
    "::test_a_share_is_released_and_taken_over_without_old_documents",
    ("preflight/rules/claims.py", "deleteMany"): "end_to_end/test_shared_collections.py"
    "::test_a_stream_that_takes_constants_up_tells_what_stays",
    ("preflight/rules/source.py", "run: SET"): CHECK
    + "an_unfit_setting_is_mended_by_the_printed_statement",
    ("preflight/rules/source.py", "run: GRANT"): CHECK
    + "missing_privileges_are_granted_by_the_printed_statements",
    ("preflight/rules/tables.py", "run: GRANT"): CHECK + "a_column_that_may_not_be_read_is_unfit",
    ("readers/binlog/accepted_host.py", "--start now"): "end_to_end/test_hosts.py"
    "::test_a_file_position_is_bound_to_its_host",
    ("preflight/rules/tables.py", "ENGINE"): CHECK + "a_table_without_transactions_is_unfit",
    ("preflight/rules/tables.py", "VERSIONING"): CHECK + "a_system_versioned_table_is_unfit",
    ("preflight/rules/source.py", "finish the change"): CHECK
    + "a_half_changed_gtid_mode_is_finished_by_the_printed_statements",
    ("chunks/first_copy/worker.py", "begin anew"): FIRST_COPIES
    + "mappings_that_are_edited_meanwhile_are_refused",
    ("daemon/first_copy.py", "begin anew"): "end_to_end/test_first_copies_disturbed.py::test_"
    "a_copy_whose_ranges_are_gone_ends_by_name",
    ("readers/server/seen.py", "where the transactions went"): FIRST_COPIES
    + "a_stream_that_has_begun_is_refused_a_source_without_what_was_copied",
    ("writers/ranges.py", "begin anew"): FIRST_COPIES
    + "mappings_that_are_edited_meanwhile_are_refused",
    ("mapping/debezium/table.py", "show the column"): "end_to_end/publishing/test_publishing.py"
    "::test_a_key_that_is_hidden_stops_the_stream_until_it_is_shown",
    (
        "readers/server/position_check.py",
        "mend the source's binlog",
    ): "end_to_end/test_torn_binlog.py"
    "::test_a_stream_by_files_stops_by_name_and_goes_on_as_it_says",
    ("writers/strays.py", "cdc verify"): "end_to_end/test_shard_keys.py"
    "::test_rows_that_changed_without_an_event_are_put_right",
}
"""By (file, part of the text): the test that types it, path::name."""

THE_DAEMON = "starts the daemon, as nearly every test does"
SAME_WAY = (
    "only the server's damage or age leads there; it is the way out that other stops take too"
)
REASONS = {
    ("commands/position.py", "cdc run"): THE_DAEMON,
    ("commands/work.py", "cdc run"): THE_DAEMON,
    ("commands/work.py", "cdc jobs list"): "shows the jobs",
    ("job_client/client.py", "cdc run"): THE_DAEMON,
    ("writers/ranges.py", "cdc run"): THE_DAEMON,
    ("writers/remote_lanes.py", "cdc run"): "the appliers, which run by themselves",
    ("preflight/findings.py", "cdc check"): "shows what is said of both sides",
    ("chunks/source_table.py", "cdc mapping check"): "lists the mappings",
    ("commands/mapping/inputs.py", "cdc mapping check"): "lists the mappings",
    ("chunks/worker.py", "cdc {}"): "the job's own command, asked for again",
    ("readers/server/driver_errors.py", "cdc check"): "shows which privilege is lacking",
    ("readers/server/driver_errors.py", "max_allowed_packet"): "no statement of cdc is as long",
    ("readers/server/logins.py", "ALTER USER"): "holds a password that is the operator's to choose",
    (
        "model/binlog_engine.py",
        "--start now",
    ): "no MariaDB 12.3 where the tests run; other stops take the same way out",
    ("writers/claims.py", "cdc claims list"): "shows the claims",
    ("writers/shard_collections.py", "cdc check"): "it needs mongos, which no registry has",
    ("preflight/rules/collections.py", "mongosh"): "what makes the collection anew is done by hand",
    ("readers/select/table_lookup.py", "cdc check"): "shows which privilege is lacking",
    ("readers/binlog/transaction_assembler.py", "upgrade cdc"): SAME_WAY,
    ("readers/binlog/signedness.py", "YEAR"): "no server of these versions is to be had",
    ("readers/binlog/transaction_assembler.py", "its error log says why"): SAME_WAY,
    ("readers/binlog/sql/followed_statements.py", "SHOW BINLOG EVENTS"): SAME_WAY,
    ("readers/binlog/transaction_assembler.py", "step over it: cdc position skip"): SAME_WAY,
    ("readers/binlog/open_transaction.py", "raise apply.transaction_bytes"): SAME_WAY,
    (
        "readers/server/charsets.py",
        "convert it to utf8mb4",
    ): "every charset of today's servers is known",
    ("readers/binlog/dump.py", "FLUSH BINARY LOGS"): "needs a binlog of more than 4 GiB",
    (
        "readers/binlog/cursor.py",
        "by gtid_mode = ON",
    ): "a server with GTIDs refuses the dump before",
    (
        "readers/select/watermarks.py",
        "GRANT LOCK TABLES",
    ): "end_to_end/test_brief_lock.py locks with it",
    ("servers/distribution.py", "Docker"): "no Docker engine where the tests run",
    (
        "servers/persistent.py",
        "cdc servers down",
    ): "integration/sandbox/servers types it to clean up",
    ("demo/folder.py", "from a complete checkout"): "is no command",
    (
        "writers/dead_letters/ledger.py",
        "cdc dead-letters",
    ): "end_to_end/test_dead_letters.py types both",
    ("mapping/debezium/table.py", "exclude the column"): SAME_WAY,
    ("writers/stream_admin.py", "cdc position show"): "shows the position",
}
"""By the same: why no test types it."""


def typed_ones() -> list[Remedy]:
    return [each for each in remedies() if each.is_typed]


@pytest.mark.parametrize("remedy", typed_ones(), ids=lambda each: f"{each.file}:{each.line}")
def test_what_is_printed_to_be_typed_is_typed_or_there_is_a_reason(remedy: Remedy) -> None:
    found = matching(TYPED, remedy) or matching(REASONS, remedy)

    assert found, f"a test must type this, or REASONS say why none can: {remedy}"


def test_no_entry_is_about_a_remedy_that_is_gone() -> None:
    used = {
        entry
        for each in remedies()
        for table in (TYPED, REASONS)
        for entry in matching(table, each)
    }

    assert {*TYPED, *REASONS} - used == set()


@pytest.mark.parametrize("test", sorted(set(TYPED.values())))
def test_the_tests_that_type_remedies_exist(test: str) -> None:
    path, _, name = test.partition("::")

    assert f"def {name}" in (TESTS / path).read_text()


def test_a_remedy_names_the_command_that_makes_tables_right() -> None:
    """`then resync` is no command."""
    vague = [
        each
        for each in remedies()
        if " resync the " in f" {each.text}" or " resync it" in f" {each.text}"
    ]

    assert vague == []


def test_statements_that_mariadb_does_not_parse_are_not_printed_for_it() -> None:
    for_mariadb = [
        each
        for each in remedies()
        if "expire_logs_days" in each.text or "SET GLOBAL {}" in each.text
    ]

    assert for_mariadb
    assert not any("PERSIST" in each.text for each in for_mariadb)


def test_what_stops_a_start_has_a_remedy() -> None:
    """The log's `remedy` is never null at exit code 3."""
    without = [each for each in raised("Unfit", "AccessDenied") if "remedy" not in each]

    assert without == []

"""The mistakes that the suite must notice."""

from __future__ import annotations

from typing import Final

from tests.mutants import campaigns
from tests.mutants.mutant import Mutant

WINDOWS: Final = "tests/unit/chunks/test_windows.py"
WATERMARKS: Final = (
    "tests/integration/chunks/test_watermarks.py::"
    "test_what_is_applied_is_visible_and_what_is_visible_is_in_the_high_watermark"
)
TOO_EARLY: Final = (
    "tests/integration/chunks/test_watermarks.py::"
    "test_a_position_that_the_source_has_not_reached_is_too_early"
)
NOT_SHOWN: Final = (
    "tests/integration/chunks/test_watermarks.py::"
    "test_an_offset_that_no_snapshot_shows_yet_is_too_early"
)
HISTORY: Final = "tests/integration/history/test_proofs.py"
REPLICAS: Final = "tests/integration/history/test_replicas.py"
HISTORY_HOSTS: Final = "tests/end_to_end/test_row_history_hosts.py"
NO_MAJORITY: Final = "tests/integration/writers/test_majority.py"
FENCING: Final = "tests/integration/writers/test_fencing.py"
CLEARS: Final = "tests/end_to_end/embedding/test_clears.py"
DERIVED: Final = "tests/integration/writers/embedding/test_derived_writes.py"
KEPT: Final = "tests/unit/test_mapper.py"
KNOWN: Final = "tests/end_to_end/embedding/test_known_failures.py"

RANGES: Final = "tests/integration/writers/test_ranges.py"
SEEN: Final = "tests/integration/readers/server/test_seen.py"
PUBLISHER: Final = "tests/integration/publishing/test_publisher.py"
CHANGED: Final = "tests/unit/mapping/test_changed_rows.py"

ROUNDS: Final = "tests/unit/writers/test_rounds.py"
OF_RUNS: Final = "tests/unit/writers/test_rounds_of_runs.py"
LANES: Final = "tests/integration/writers/test_lanes.py"
CLOCKS: Final = "tests/integration/writers/test_clocks.py"
ASSEMBLER: Final = "tests/unit/readers/binlog/test_transaction_assembler.py"
TABLE_MAPS: Final = "tests/unit/readers/binlog/test_table_maps.py"
REMOTE: Final = "tests/integration/writers/test_remote_lanes.py"

ONE_STREAM: Final = "campaigns have one stream"
DAMAGE: Final = (
    "a campaign damages bytes on their way, which the checksum tells; what a source has"
    " written wrong only make fuzz tries"
)
TAKEOVER: Final = (
    "it costs a takeover that nobody needs, after which the stream goes on as after any other"
)

MUTANTS: Final = (
    Mutant(
        "two changes of one document are written side by side",
        "cdc/writers/rounds.py",
        "if earlier != unit:",
        "if earlier is None:",
        (f"{ROUNDS}::test_a_document_in_common_keeps_transactions_in_one_part",),
        campaign=campaigns.ROUNDS,
    ),
    Mutant(
        "what lanes have done is written again",
        "cdc/writers/rounds.py",
        "elif all(map(done.contains, entry.spans)):",
        "elif False:",
        (f"{ROUNDS}::test_what_is_done_only_moves_the_position",),
        campaign=campaigns.ROUNDS,
    ),
    Mutant(
        "a part says that it holds all of a run that was cut",
        "cdc/model/mapped_run.py",
        "if two != one + 1:",
        "if two < 0:",
        (f"{OF_RUNS}::test_a_run_of_some_transactions_is_these",),
        campaign=campaigns.ROUNDS_OF_RUNS,
    ),
    Mutant(
        "a part of a run has the position behind all of it",
        "cdc/model/mapped_run.py",
        "is_last = numbers[-1] == run.transaction_count - 1",
        "is_last = True",
        (f"{OF_RUNS}::test_a_run_of_some_transactions_is_these",),
        campaign=campaigns.ROUNDS_OF_RUNS,
    ),
    Mutant(
        "a lane that is closed writes on",
        "cdc/writers/lane_documents.py",
        '"closed": False, "round": {"$lt": number}}',
        '"round": {"$lt": number}}',
        (f"{LANES}::test_a_lane_that_is_closed_writes_no_more",),
        campaign=campaigns.FROZEN_LANES,
    ),
    Mutant(
        "a round that is closed counts as what lanes have done beyond the position",
        "cdc/writers/lane_documents.py",
        'each["round"] == number and each["done"]',
        'each["round"] and each["done"]',
        (f"{LANES}::test_only_the_round_that_is_not_closed_counts",),
        campaign=campaigns.ROUNDS,
    ),
    Mutant(
        "an applier writes a part of a round that is not the stream's next",
        "cdc/writers/part_writer.py",
        "if not self._lanes.is_next(message.lane, message.round, session):",
        "if False:",
        (f"{REMOTE}::test_a_part_is_not_written_over_an_older_state_of_the_stream",),
        campaign=campaigns.LOST_PARTS,
    ),
    Mutant(
        "a round is closed before all appliers have written their parts",
        "cdc/writers/remote_lanes.py",
        "if not left:",
        "if len(left) < len(lanes):",
        (f"{REMOTE}::test_what_was_lost_is_written_here",),
        campaign=campaigns.APPLIERS,
    ),
    Mutant(
        "a chunk is read without what lanes have done beyond the position",
        "cdc/chunks/windows.py",
        "or not self._may_open():",
        "or False:",
        (f"{WINDOWS}::test_no_window_opens_while_documents_are_ahead_of_the_position",),
        campaign=campaigns.LANES_AND_JOBS,
    ),
    Mutant(
        "who was frozen while its stream was removed and made anew writes on",
        "cdc/writers/stream_state.py",
        '"epoch": self._held.epoch, "owner.instance": instance}',
        '"epoch": self._held.epoch}',
        (f"{FENCING}::test_a_writer_of_a_stream_that_was_made_anew_is_not_its_owner",),
        unseen=(
            "the new stream would have to have the epoch and the number of the old one's"
            " batch when the frozen daemon goes on"
        ),
    ),
    Mutant(
        "two workers cut one range",
        "cdc/writers/ranges.py",
        '"_id": _tail_id(held, tail.table), "cuts": tail.cuts, "state": _OPEN}',
        '"_id": _tail_id(held, tail.table), "state": _OPEN}',
        (f"{RANGES}::test_of_two_that_cut_at_one_place_one_succeeds",),
        campaign=campaigns.COPIES,
    ),
    Mutant(
        "a stream begins though a range that was cut is missing",
        "cdc/writers/ranges.py",
        'and done[each["table"]] == each["cuts"]',
        "and True",
        (f"{RANGES}::test_all_is_copied_once_every_range_that_was_cut_is_done",),
        campaign=campaigns.COPIES,
    ),
    Mutant(
        "MariaDB: a server that passed another by number has what that one had",
        "cdc/readers/server/seen.py",
        "if known.get((str(domain), str(last.server_id)), 0) < last.sequence",
        "if max(known.values()) < last.sequence",
        (f"{SEEN}::test_of_mariadb_a_higher_number_of_another_server_says_nothing",),
        unseen=(
            "a first copy from a server would have to be ahead of the stream while its"
            " replica, which lags, takes its place"
        ),
    ),
    Mutant(
        "a row that moves along its key, past what a copy has read, gets no document",
        "cdc/mapping/compile/compiler.py",
        "full.needed | _copied_by(table)",
        "full.needed",
        (
            f"{CHANGED}::test_an_update_that_moves_the_row_in_its_table_is_written_though_no_document_tells",
        ),
        unseen=(
            "each table of a campaign has its key for the id, so that a row that moves is"
            " another document"
        ),
    ),
    Mutant(
        "the window is off: chunks overwrite what the stream wrote",
        "cdc/chunks/windows.py",
        "keys.update([comparable(each.id) for each in operations if each.id])",
        "keys.update([])",
        (
            f"{WINDOWS}::test_a_row_that_is_deleted_behind_its_select_stays_deleted",
            f"{WINDOWS}::test_a_row_that_changes_behind_its_select_keeps_the_change",
        ),
        campaign=campaigns.JOBS,
    ),
    Mutant(
        "resync takes away what the stream wrote meanwhile",
        "cdc/chunks/windows.py",
        "return [each for each in ids if not self.has_touched(collection, each)]",
        "return [*ids]",
        (f"{WINDOWS}::test_a_row_that_comes_behind_the_look_for_it_is_not_taken_away_by_a_resync",),
        campaign=campaigns.JOBS,
    ),
    Mutant(
        "an ALTER within the window does not void the chunk",
        "cdc/chunks/windows.py",
        "                for window in self._open:\n                    window.void = True",
        "                pass",
        (f"{WINDOWS}::test_a_chunk_is_read_again_when_the_table_is_altered_meanwhile",),
        unseen=(
            "a change of columns has the table resynced, which writes what such a chunk wrote"
            " once more"
        ),
    ),
    Mutant(
        "a chunk does not wait for its high watermark",
        "cdc/chunks/applier.py",
        "chunk.high is None or self._windows.applied_checkpoint.position.contains(chunk.high)",
        "True",
        (f"{WINDOWS}::test_a_chunk_waits_until_the_stream_has_passed_what_it_saw",),
        campaign=campaigns.JOBS,
    ),
    Mutant(
        "MySQL: the high watermark is read before the SELECT",
        "cdc/readers/select/watermarks.py",
        "    yield high\n\n\ndef _executed_with_owned(",
        "    early = high()\n    yield lambda: early\n\n\ndef _executed_with_owned(",
        (f"{WATERMARKS}[mysql-gtid]",),
        campaign=campaigns.JOBS,
    ),
    Mutant(
        "MySQL: the source need not show what the stream has delivered",
        "cdc/readers/select/watermarks.py",
        "SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, %s)",
        "SELECT 0 * LENGTH(CONCAT(%s, %s))",
        (f"{TOO_EARLY}[mysql]",),
        campaign=campaigns.REPLICA_JOBS,
    ),
    Mutant(
        "MariaDB: a snapshot counts wherever it is",
        "cdc/readers/select/watermarks.py",
        "if here.contains(least):",
        "if here:",
        (f"{NOT_SHOWN}[mariadb]",),
        campaign=campaigns.MARIADB_JOBS,
    ),
    Mutant(
        "MariaDB: the high watermark is read before the snapshot",
        "cdc/readers/select/watermarks.py",
        "high = _binlog_gtids(connection)  # grows",
        "high = before  # grows",
        (f"{WATERMARKS}[mariadb-gtid]",),
        campaign=campaigns.MARIADB_JOBS,
    ),
    Mutant(
        "the event at the witness's place counts whatever it is",
        "cdc/readers/binlog/history/proof.py",
        "if whole and (event is None or not is_same(event, without_checksum(witness.event))):",
        "if whole and event is None:",
        (f"{HISTORY}::test_another_event_at_the_same_place_is_another_history[mysql]",),
        unseen=(
            "a server that comes back begins another binlog file: that it is new, or ends too"
            " early, says enough"
        ),
    ),
    Mutant(
        "a GTID stands for a transaction, whenever that was committed",
        "cdc/readers/binlog/history/witness_lookup.py",
        "if theirs == ours or not theirs or not ours:",
        "if theirs or ours:",
        (f"{HISTORY}::test_the_same_gtid_with_another_time_is_another_transaction[mysql]",),
        campaign=campaigns.LOST_GTIDS,
    ),
    Mutant(
        "any second is that of a slow statement of MariaDB",
        "cdc/readers/binlog/history/witness_lookup.py",
        "if event.timestamp == applied.timestamp:",
        "if event.timestamp:",
        (f"{REPLICAS}::test_another_transaction_with_the_same_gtid_is_not[mariadb]",),
        campaign=campaigns.LOST_MARIADB,
    ),
    Mutant(
        "w:1 instead of majority",
        "cdc/writers/concerns.py",
        'MAJORITY: Final = WriteConcern("majority", j=True, wtimeout=MAJORITY_SECONDS * 1000)',
        "MAJORITY: Final = WriteConcern(1)",
        (f"{NO_MAJORITY}::test_a_batch_is_not_acknowledged_while_only_the_primary_has_it",),
        unseen=(
            "what a failover takes away goes with its position, and is applied again; nobody"
            " asks at once for what was told to be there"
        ),
    ),
    Mutant(
        "a first state counts that only the primary has",
        "cdc/writers/writer.py",
        "self.state.require_known()",
        "pass",
        (
            f"{NO_MAJORITY}::test_the_first_state_of_a_stream_is_there_for_a_majority_once_it_is_created",
        ),
        unseen="the primary would have to be lost in the milliseconds in which a stream is made",
    ),
    Mutant(
        "no fencing: a daemon that was replaced goes on writing",
        "cdc/writers/stream_state.py",
        '{**self._ours, "sequence": held.sequence},',
        '{"_id": self._id},',
        (
            f"{FENCING}::test_a_writer_that_was_replaced_commits_nothing_whatever_its_successor_has_done",
        ),
        campaign=campaigns.FENCED,
    ),
    Mutant(
        "no epoch: a daemon is fenced only once its successor has written",
        "cdc/writers/stream_state.py",
        '{**self._ours, "sequence": held.sequence},',
        '{"_id": self._id, "sequence": held.sequence},',
        (
            f"{FENCING}::test_a_writer_that_was_replaced_commits_nothing_whatever_its_successor_has_done",
        ),
        campaign=campaigns.FENCED,
    ),
    Mutant(
        "no sequence: a commit whose answer was lost is applied twice",
        "cdc/writers/stream_state.py",
        '{**self._ours, "sequence": held.sequence},',
        "self._ours,",
        (f"{FENCING}::test_a_batch_that_is_repeated_after_it_landed_is_not_applied_twice",),
        campaign=campaigns.COMMITS,
    ),
    Mutant(
        "embed: no look-up of the old parent",
        "cdc/writers/embedding/embedder.py",
        "for raw in (before, after):",
        "for raw in (after,):",
        (f"{KNOWN}::test_an_element_that_moves_leaves_its_old_parent[mysql-gtid]",),
        campaign=campaigns.EMBEDDED,
    ),
    Mutant(
        "embed: what is derived is written outside the transaction",
        "cdc/writers/embedding/embedder.py",
        "self._send(name, command, work, derived=True)",
        'self._collections.command(command.body(), writeConcern={"w": "majority"})',
        (
            f"{KNOWN}::test_what_is_derived_is_seen_with_what_it_follows_from_or_not_at_all"
            "[mysql-gtid]",
        ),
        campaign=campaigns.EMBEDDED,
    ),
    Mutant(
        "embed: every change of what is embedded is one of the documents that embed it",
        "cdc/writers/embedding/embedder.py",
        "edge.depends_on(before) == edge.depends_on(after)",
        "before == after",
        (
            f"{KNOWN}::test_a_change_of_what_is_not_embedded_touches_no_document_that_embeds"
            "[mysql-gtid]",
        ),
        unseen="what is written without need is what is there",
    ),
    Mutant(
        "shares: a stream takes all documents for its own",
        "cdc/mapping/compile/shard_ownership.py",
        "known: dict[str, Any] = constant_parts(mapping)",
        "known: dict[str, Any] = {}",
        (
            "tests/unit/mapping/file/test_targets.py"
            "::test_the_constants_in_the_ids_tell_a_streams_own_documents",
            "tests/end_to_end/test_shared_collections.py"
            "::test_what_empties_ones_table_leaves_the_others_documents",
        ),
        campaign=campaigns.EMBEDDED,
    ),
    Mutant(
        "shares: any two constants keep ids apart",
        "cdc/model/id_space.py",
        "any(one[field] != other[field] for field in one.keys() & other.keys())",
        "bool(one and other)",
        (
            "tests/unit/mapping/file/test_targets.py"
            "::test_ids_never_meet_where_they_hold_different_constants_at_one_field",
            "tests/end_to_end/test_shared_collections.py"
            "::test_another_stream_is_refused_unless_a_constant_at_one_field_differs",
        ),
        unseen=ONE_STREAM,
    ),
    Mutant(
        "hidden: the collections of two streams are one",
        "cdc/writers/namespaces.py",
        "hidden_beginning(self.stream) + target",
        'f"embedded.{target}"',
        (
            "tests/unit/writers/test_namespaces.py::test_no_two_hidden_collections_have_one_name",
            "tests/integration/writers/test_hidden_collections.py"
            "::test_two_streams_have_each_their_own",
        ),
        unseen=ONE_STREAM,
    ),
    Mutant(
        "embed: the first of several documents is to blame for the one that is refused",
        "cdc/writers/errors.py",
        "if command.is_shared:",
        "if False:",
        (
            f"{DERIVED}::test_of_many_documents_that_get_equal_values_those_that_are_refused_are_told",
            f"{DERIVED}::test_of_a_piece_that_is_owed_those_that_are_refused_are_told",
        ),
        unseen=(
            "no row of a campaign is embedded in several documents, of which the target could"
            " refuse some"
        ),
    ),
    Mutant(
        "embed: a TRUNCATE leaves the documents that embed its rows as they are",
        "cdc/writers/commit.py",
        "partial(self._send_all, [clearing(clear, found, shard)], terms, session)",
        "partial(self._send_all, [clearing(clear, found, shard)], terms, None)",
        (f"{CLEARS}::test_a_truncated_table_leaves_the_documents_that_embed_it[users-mysql-gtid]",),
        campaign=campaigns.EMBEDDED,
    ),
    Mutant(
        "a later part of a transaction gives its changes the names of an earlier one's",
        "cdc/mapper.py",
        "if self._rows and transaction.identity and not transaction.delivered:",
        "if self._rows:",
        (
            f"{KEPT}::test_a_part_that_the_reader_cuts_goes_on_where_the_last_one_ended",
            f"{KEPT}::test_another_process_goes_on_where_the_last_one_ended",
        ),
        campaign=campaigns.LONG,
    ),
    Mutant(
        "changes of MariaDB are named by a time that a replica gives otherwise",
        "cdc/readers/binlog/gtid_events.py",
        "return begun_at or logged_at, committed_at",
        "return logged_at, committed_at",
        (f"{HISTORY_HOSTS}::test_a_statement_that_takes_long_has_one_name_on_both_hosts[mariadb]",),
        unseen=(
            "each change is applied once, by one name; who reads both hosts' names is no part"
            " of a campaign"
        ),
    ),
    Mutant(
        "what a history has counted is not saved within a transaction",
        "cdc/mapper.py",
        "rows=self._rows or inflight.rows",
        "rows=inflight.rows",
        (f"{KEPT}::test_a_part_that_the_mapper_cuts_tells_how_many_rows_it_has",),
        campaign=campaigns.LONG,
    ),
    Mutant(
        "who lost the stream while it fenced others publishes behind its successor",
        "cdc/publishing/publisher.py",
        "could publish an old batch behind that one's.\n        self._confirm()",
        "could publish an old batch behind that one's.",
        (f"{PUBLISHER}::test_who_lost_the_stream_while_it_fenced_others_publishes_nothing",),
        campaign=campaigns.PUBLISHED_BY_TWO,
    ),
    Mutant(
        "a batch is published after its position is saved",
        "cdc/pipeline.py",
        "self._publisher.publish(batch)\n        self._writer.apply(batch)",
        "self._writer.apply(batch)\n        self._publisher.publish(batch)",
        (
            "tests/end_to_end/publishing/test_publishing_faults.py::"
            "test_a_daemon_that_is_killed_loses_nothing_and_repeats_one_batch"
            "[PublishStep.BEFORE_COMMIT]",
        ),
        campaign=campaigns.PUBLISHED,
    ),
    Mutant(
        "a row that was read is told behind a later change of it",
        "cdc/chunks/windows.py",
        "if each.key not in published.get(each.topic, nothing)",
        "if published is not None",
        (
            "tests/unit/chunks/test_told.py::test_a_row_that_is_deleted_behind_its_select_is_not_read",
        ),
        campaign=campaigns.PUBLISHED_JOBS,
    ),
    Mutant(
        "what is published while a chunk is read is not remembered",
        "cdc/chunks/windows.py",
        "window.publish(messages)",
        "pass",
        (
            "tests/unit/chunks/test_told.py::test_a_row_that_is_deleted_behind_its_select_is_not_read",
        ),
        campaign=campaigns.PUBLISHED_JOBS,
    ),
    Mutant(
        "a standby waits for the hour by which the target's clock was set back",
        "cdc/writers/takeover.py",
        "holding = self._watch.holder(seen)",
        "holding = LeaseWatch().holder(seen)",
        (f"{CLOCKS}::test_a_standby_takes_over_from_a_dead_daemon_though_the_clock_was_set_back",),
        campaign=campaigns.CLOCKS,
    ),
    Mutant(
        "a takeover takes the stream from an owner that has renewed since the look",
        "cdc/writers/takeover.py",
        'expired = {} if force else {"lease_until": seen.get("lease_until")}',
        "expired: Document = {}",
        (f"{CLOCKS}::test_a_daemon_that_renews_between_the_look_and_the_takeover_stays_the_owner",),
        unseen=TAKEOVER,
    ),
    Mutant(
        "a renewal does not begin the lease anew for who watches it",
        "cdc/model/lease.py",
        "if last != lease:",
        "if last[0] != lease[0]:",
        (f"{CLOCKS}::test_a_daemon_that_renews_stays_the_owner_though_the_clock_was_set_back",),
        unseen=TAKEOVER,
    ),
    Mutant(
        "the lease of a batch that outlasted it counts by the clock alone",
        "cdc/model/lease.py",
        "            return _living_owner(document)\n        lasts",
        "            return holder(document)\n        lasts",
        (
            f"{CLOCKS}"
            "::test_a_daemon_whose_batch_outlasted_the_lease_has_one_more_look_to_renew_it[lives]",
        ),
        unseen=TAKEOVER,
    ),
    Mutant(
        "rows are read by the table map of an earlier transaction",
        "cdc/readers/binlog/transaction_assembler.py",
        "        self._tables.clear()  # a statement",
        "        # a statement",
        (
            f"{ASSEMBLER}"
            "::test_rows_of_a_table_that_only_an_earlier_transaction_described_are_corruption",
        ),
        unseen=DAMAGE,
    ),
    Mutant(
        "a transaction without an end is dropped where its file ends",
        "cdc/readers/binlog/transaction_assembler.py",
        "if self._open is not None and not event.artificial:",
        "if False:",
        (f"{ASSEMBLER}::test_a_file_that_ends_within_a_transaction_is_corruption",),
        unseen=DAMAGE,
    ),
    Mutant(
        "a table's name is as long as its length says, whatever stands there",
        "cdc/readers/binlog/table_maps.py",
        "if not (_is_name(schema) and _is_name(table)):",
        "if False:",
        (f"{TABLE_MAPS}::test_a_name_of_another_length_is_no_other_table",),
        unseen=DAMAGE,
    ),
    Mutant(
        "a delete whose key is NULL deletes nothing",
        "cdc/mapping/transcode/reference_reader.py",
        "        image.require_key()\n",
        "",
        (
            "tests/unit/mapping/test_failed_rows.py"
            "::test_null_in_the_key_of_a_row_that_is_gone_is_told",
        ),
        unseen=DAMAGE,
    ),
    Mutant(
        "a part with values of other types is written",
        "cdc/writers/part_message.py",
        "if not isinstance(found, kind):",
        "if False:",
        ("tests/unit/writers/test_part_message.py::test_what_has_another_type_is_no_part",),
        unseen="a part that a campaign damages has another checksum, and is refused for that",
    ),
    Mutant(
        "a source that cannot send the end of a file is not asked again for what follows",
        "cdc/readers/binlog/reader.py",
        "except (Corrupted, CannotSend) as error:",
        "except Corrupted as error:",
        (
            "tests/end_to_end/test_torn_binlog.py"
            "::test_a_stream_that_is_behind_goes_on[rows-mariadb-gtid]",
        ),
        unseen=(
            "campaigns spare MariaDB the torn end of a file, which its own replicas would not pass"
        ),
    ),
)

"""The options of fault campaigns, each of which is aimed at some of the mistakes.

All name source, target and daemons, so that they are what they are whatever the seed draws. The
seed says how large batches, parts and chunks are, and what is read natively.
"""

from __future__ import annotations

from typing import Final

MYSQL: Final = "--kind mysql-gtid --members 1 --daemons 1"
MARIADB: Final = "--kind mariadb-gtid --members 1 --daemons 1"
TWO_DAEMONS: Final = "--kind mysql-gtid --members 1 --daemons 2"

ROUNDS: Final = f"{MYSQL} --conditions lanes --faults kill_in_round,kill_daemon,hide_at_commit"
"""Lanes whose rounds are cut short."""
ROUNDS_OF_RUNS: Final = f"{MYSQL} --conditions lanes --minutes 1 --seed 5 --faults kill_in_round"
"""The same, of larger batches, and of runs: transactions that are read and mapped at once."""
LANES_AND_JOBS: Final = (
    f"{MYSQL} --conditions lanes --minutes 1 --faults kill_in_round,resync,backfill"
)
FROZEN_LANES: Final = f"{TWO_DAEMONS} --conditions lanes --seed 20 --faults freeze_at_step"
APPLIERS: Final = f"{MYSQL} --conditions appliers --faults kill_applier_in_part,freeze_applier"
LOST_PARTS: Final = (
    "--kind mysql-gtid --members 3 --daemons 1 --conditions appliers --minutes 0.6"
    " --faults kill_primary_ahead,repeat_parts,lag"
)

CHUNKS: Final = "--conditions none --minutes 1 --faults resync,backfill,verify,slow_source"
"""Chunks beside the stream, with time for changes between two answers."""
JOBS: Final = f"{MYSQL} {CHUNKS}"
MARIADB_JOBS: Final = f"{MARIADB} {CHUNKS}"
REPLICA_JOBS: Final = (
    "--kind mysql-replica --members 1 --daemons 1 --conditions none --minutes 1"
    " --faults resync,backfill,move_source,lag_replica"
)
COPIES: Final = f"{MYSQL} --conditions none --minutes 0.15 --faults begin_anew,kill_daemon"
"""First copies, amid changes."""

LOST_GTIDS: Final = f"{MYSQL} --conditions none --minutes 0.8 --faults lose_tail"
LOST_MARIADB: Final = f"{MARIADB} --conditions none --minutes 0.8 --faults lose_tail"

FENCED: Final = f"{TWO_DAEMONS} --conditions none --minutes 0.5 --faults freeze_at_step"
COMMITS: Final = f"{MYSQL} --conditions none --faults lose_commit"
CLOCKS: Final = (
    f"{TWO_DAEMONS} --conditions 'fake clocks' --minutes 0.6 --seed 4 --faults jump_target"
)

EMBEDDED: Final = f"{MYSQL} --conditions none --faults kill_daemon,truncate"
LONG: Final = f"{MYSQL} --conditions none --minutes 0.8 --faults kill_in_parts"
"""Transactions that are applied in parts."""

PUBLISHED: Final = f"{MYSQL} --conditions publishing --faults kill_at_step,kill_daemon,backfill"
PUBLISHED_JOBS: Final = f"{MYSQL} --conditions publishing --minutes 1.5 --faults backfill"
PUBLISHED_BY_TWO: Final = (
    f"{TWO_DAEMONS} --conditions publishing --faults freeze_at_step,hide_broker"
)

"""One campaign: everything begins, goes wrong, heals, and is judged."""

from __future__ import annotations

import json
import random
import shutil
import threading
import time
import traceback
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.end_to_end.support.bank import BANK, TOTAL
from tests.end_to_end.support.command import cdc
from tests.end_to_end.support.published import tell
from tests.end_to_end.support.stream import Stream
from tests.faults import heavy, kinds, wide
from tests.faults.checkers import (
    Forward,
    HonestLag,
    NeverBack,
    Violations,
    WholeOrders,
    WholeTransactions,
    compare_foreign,
    compare_history,
    compare_ledger,
    compare_rows,
    judge_index,
    judge_rest,
)
from tests.faults.fleet import Fleet
from tests.faults.follower import Follower
from tests.faults.nemesis import Deeds, Nemesis
from tests.faults.operator import Operator
from tests.faults.patience import until
from tests.faults.schedule import Kind, Planned
from tests.faults.stage import LISTEN, Stage, stage
from tests.faults.topology import STANDALONE, Topology
from tests.faults.watchers import Watchers
from tests.faults.workload import COUNTED, FOREIGN, INDEX, INDEXED, OURS, Workload
from tests.support.memory import USUAL_MEGABYTES, ceiling_megabytes
from tests.support.waiting import eventually

APPLIERS: Final = 2
VERIFIED_WITHIN_SECONDS: Final = 600.0
VERIFIED_TABLES: Final = 100
"""Of thousands so many are verified: each takes half a second on a machine that others use, too."""
RESTS_WITHIN_SECONDS: Final = 90.0
"""Three times the longest that a reader waits between two tries."""

PLAIN: Final = {
    **dict.fromkeys(BANK, ("amount", "note")),
    "counters": ("version",),
    "things": ("word", "body", "number"),
    "words": ("number",),
    "bulk": ("number", "word"),
}
"""The columns that documents hold, of tables whose schema stays."""


@dataclass(slots=True)
class Outcome:
    """What a campaign did and found."""

    violations: list[str]
    figures: dict[str, Any] = field(default_factory=dict)


def run(
    topology: Topology,
    *,
    seed: int,
    schedules: Sequence[Sequence[Planned]],
    folder: Path,
    large_rows: int,
    tables: int = wide.TABLES,
) -> Outcome:
    """Run one campaign; all that it writes is below `folder`.

    Each of `schedules` is carried out beside the others. Whatever fails, it or the campaign, is
    in the outcome, and what is needed to look into it is kept.
    """
    violated = Violations()
    outcome = Outcome(violated.found)
    try:
        with stage(
            topology, seed=seed, folder=folder, large_rows=large_rows, tables=tables
        ) as staged:
            try:
                _run(staged, seed, schedules, violated, outcome)
            except Exception:
                _keep(staged, folder)
                raise
            if violated.found:
                _keep(staged, folder)
    except Exception:  # noqa: BLE001 - the evidence of what no checker foresaw is kept too
        violated(f"the campaign failed: {traceback.format_exc()}")
    for each in folder.glob("*-data*"):
        shutil.rmtree(each)
    return outcome


def _run(
    staged: Stage,
    seed: int,
    schedules: Sequence[Sequence[Planned]],
    violated: Violations,
    outcome: Outcome,
) -> None:
    stream, versions = staged.stream, staged.versions
    whole, whole_orders = WholeTransactions(TOTAL, violated), WholeOrders(violated)
    never_back, forward, honest = NeverBack(violated), Forward(violated), HonestLag(violated)
    has_appliers = staged.topology.has_appliers
    role = ("--role", "read") if has_appliers else ()
    ceiling = _ceiling_megabytes(staged)
    fleet = Fleet(stream, staged.topology.daemons, violated, *role, ceiling_megabytes=ceiling)
    appliers = Fleet(
        stream,
        APPLIERS if has_appliers else 0,
        violated,
        *("--role", "apply"),
        environment={LISTEN: "off"},
        ceiling_megabytes=ceiling,
    )
    watchers = Watchers(staged, whole, whole_orders, never_back, forward, honest)
    embeds = not staged.topology.has_lanes
    workload = Workload(
        stream, seed, embeds=embeds, tables=staged.tables, is_heavy=staged.topology.is_heavy
    )
    deeds = Deeds()
    operator = Operator(staged, fleet, workload, watchers)
    staged.source_proxy.requests = deeds.note_dump
    fleet.begin()
    appliers.begin()
    try:
        until(lambda: _caught_up(staged) or violated.found, "the first rows", stream)
        if violated.found:
            return
        watchers.threads.begin()
        workload.threads.begin()
        began = time.monotonic()
        _inflict(
            {Nemesis(staged, fleet, appliers, operator, deeds): schedule for schedule in schedules},
            violated,
        )
        outcome.figures["seconds"] = round(time.monotonic() - began)
        workload.threads.end()
        if staged.topology.is_heavy:
            stream.sql(*heavy.last_statements())
        _heal(staged)
        deeds.judge_commands(violated)
        outcome.figures["letters"] = _retry_letters(staged, violated)
        _heal(staged)
        watchers.threads.end()  # nothing changes any more, and what is left to do takes a processor
        _judge(staged, seed, deeds, violated, outcome)
    except (TimeoutError, AssertionError) as error:
        violated(f"it did not heal: {error}")
    finally:
        workload.threads.end()
        watchers.threads.end()
        fleet.end()
        appliers.end()
        deeds.end()
        outcome.figures |= {
            "versions": versions,
            "faults": {kind.value: count for kind, count in sorted(deeds.done.items())},
            "remedies": operator.remedies,
            "transactions": workload.committed,
            "rows": workload.rows + deeds.rows,
            "daemons_started": fleet.started,
            "appliers_started": appliers.started,
            "attended": attended(stream),
            "peak_megabytes": round(fleet.peak_megabytes),
            "snapshots": whole.snapshots,
            "orders": whole_orders.snapshots,
            "changes": never_back.changes,
            "states": forward.looks,
            "lags": honest.looks,
            "behind": honest.behind,
        }


def attended(stream: Stream) -> int:
    """Return how many times daemons have seen their lanes attended by appliers."""
    return sum(len(each.events("lanes_attended")) for each in stream.daemons)


def _ceiling_megabytes(staged: Stage) -> float:
    if not staged.topology.is_heavy:
        return USUAL_MEGABYTES
    large = ceiling_megabytes(staged.stream.settings["apply"], heavy.LARGEST_EVENT)
    return max(USUAL_MEGABYTES, large)


def _inflict(work: Mapping[Nemesis, Sequence[Planned]], violated: Violations) -> None:
    """Have each nemesis carry out its schedule, beside the others."""

    def carry_out(nemesis: Nemesis, schedule: Sequence[Planned]) -> None:
        try:
            for each in schedule:
                nemesis.inflict(each)
        except Exception:  # noqa: BLE001 - see `run`
            violated(f"a nemesis failed: {traceback.format_exc()}")

    threads = [threading.Thread(target=carry_out, args=each, daemon=True) for each in work.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _caught_up(staged: Stage) -> bool:
    stream = staged.stream
    state = stream.state_document()
    return bool(
        state
        and state["position"]
        and not state["inflight"]
        and stream.history.reached(state["position"])
    )


def _heal(staged: Stage) -> None:
    """Wait until the stream has caught up, owes nothing, and has no job to do."""
    stream = staged.stream

    def healed() -> bool:
        open_jobs = {"state": {"$in": ["queued", "running"]}}
        return (
            _caught_up(staged)
            and stream.state["debts"].count_documents({}) == 0
            and stream.state["jobs"].count_documents(open_jobs) == 0
        )

    until(healed, "the stream to heal", stream)


def _retry_letters(staged: Stage, violated: Violations) -> int:
    """Retry the dead letters, now that nothing refuses a row; return how many there were."""
    found = staged.stream.state["dead_letters"].count_documents({"state": "open"})
    if found:
        retried = cdc(staged.stream, "dead-letters", "retry", "--all", ledger=True)
        if retried.returncode != 0:
            violated(f"a retry ended with {retried.returncode}: {retried.stdout}{retried.stderr}")
    return found


def _judge(staged: Stage, seed: int, deeds: Deeds, violated: Violations, outcome: Outcome) -> None:
    """Compare both sides by code of our own, and with what cdc says of itself."""
    stream = staged.stream
    rows = {
        table: {
            key: {name: row[name] for name in columns} for key, row in stream.rows(table).items()
        }
        for table, columns in PLAIN.items()
    }
    rows["scratch"] = {(OURS, key): row for key, row in stream.rows("scratch").items()}
    is_transactional = staged.topology.members != STANDALONE
    rows["orders"] = _orders(staged) if is_transactional else stream.rows("orders")
    rows["order_lines"] = stream.rows("order_lines")
    rows[kinds.TABLE] = {
        key: kinds.as_document(row) for key, row in stream.rows(kinds.TABLE).items()
    }
    if staged.topology.is_wide:
        rows |= wide.rows(stream)
    foreign = {tuple(each["_id"].values()) for each in FOREIGN}
    compared = [
        compare_rows(table, found, _without(foreign, stream.documents(table)), violated)
        for table, found in rows.items()
    ]
    if staged.topology.is_heavy:
        compared += [
            compare_rows(table, found, heavy.documents(stream.database, table), violated)
            for table, found in heavy.rows(stream).items()
        ]
    of_others = stream.database["scratch"].find({"_id.of": {"$ne": OURS}})
    compare_foreign(FOREIGN, of_others, violated)
    if staged.committed.is_whole and staged.keeps_history:
        versions = {key: row["version"] for key, row in rows["counters"].items()}
        compare_history(versions, stream.database[COUNTED].find(), violated)
    if staged.topology.publishes:
        outcome.figures["messages"] = _judge_published(staged, rows, violated)
    if Kind.KILL_PRIMARY_AHEAD not in deeds.done:  # what is rolled back comes at the next start
        judge_index(INDEX, stream.database[INDEXED].index_information(), violated)
    ledger, wanted = stream.ledger(), staged.committed.wanted()
    if staged.topology.has_appliers and staged.topology.kind.endswith("-file"):
        ledger = [each for each in ledger if each in wanted]  # a part names offsets between, too
    applied = compare_ledger(
        ledger,
        wanted,
        violated,
        repeated=not is_transactional,
    )
    started = time.monotonic()
    judge_rest(_at_rest(stream), violated)
    verified = cdc(
        stream,
        "verify",
        *_to_verify(staged, seed, rows),
        ledger=True,
        within_seconds=VERIFIED_WITHIN_SECONDS,
    )
    if verified.returncode != 0:
        violated(f"verify ended with {verified.returncode}: {verified.stdout}{verified.stderr}")
    outcome.figures |= {
        "compared": sum(compared),
        "applied": applied,
        "judged_seconds": round(time.monotonic() - started, 1),
    }


def _to_verify(staged: Stage, seed: int, rows: Mapping[str, Mapping[Any, Any]]) -> list[str]:
    """Return the tables for `cdc verify`, of thousands some; none means all that are mapped."""
    if not staged.topology.is_wide:
        return []
    stream = staged.stream
    there = {
        *(key[0] for key in rows[wide.TENANTS]),
        *(table for table in rows if table.startswith("own")),
    }
    some = random.Random(seed).sample(sorted(there), min(len(there), VERIFIED_TABLES))
    large = heavy.TABLES if staged.topology.is_heavy else ()
    return [f"{stream.schema}.{each}" for each in (*stream.tables, *large, *some)]


def _at_rest(stream: Stream) -> Mapping[str, Any]:
    """Return what the stream tells of itself once it has read all; else what it told last.

    It may be connecting again: a source that was restarted has begun a file that nobody has read.
    """
    told: dict[str, Any] = {}

    def rests() -> bool:
        told.update(json.loads(cdc(stream, "status", "--output", "json").stdout))
        return bool(told["lag_seconds"] == 0 and told["bytes_behind"] == 0)

    with suppress(TimeoutError):
        eventually(rests, RESTS_WITHIN_SECONDS)
    return told


def _judge_published(
    staged: Stage, rows: Mapping[str, Mapping[Any, Mapping[str, Any]]], violated: Violations
) -> int:
    """Follow what was published of tables whose schema stays; return how many messages."""
    is_whole = staged.committed.is_whole
    newest = is_whole and not staged.topology.is_replicated  # a replica may lag
    messages = 0
    for table in (*PLAIN, "order_lines"):
        follower = Follower(table, violated, reads_are_newest=newest)
        for each in tell(staged.stream, table):
            follower.see(each.key, each.value)
        follower.compare(rows[table], is_whole=is_whole)
        messages += follower.messages
    return messages


def _without(keys: Collection[Any], documents: Mapping[Any, Any]) -> dict[Any, Any]:
    return {key: each for key, each in documents.items() if key not in keys}


def _orders(staged: Stage) -> dict[int, dict[str, Any]]:
    """Return what the documents of orders are to be, with their lines."""
    lines: dict[int, list[dict[str, Any]]] = {}
    for key, line in sorted(staged.stream.rows("order_lines").items()):
        lines.setdefault(line["order_id"], []).append({"_id": key, **line})
    return {
        key: {**row, "lines": lines.get(key, [])}
        for key, row in staged.stream.rows("orders").items()
    }


def _keep(staged: Stage, folder: Path) -> None:
    """Keep both sides and the binlogs, beside the logs."""
    stream = staged.stream
    (folder / "source.log").write_text(staged.source.log_tail())
    if staged.one is not None:
        (folder / "target.log").write_text(staged.one.log_tail())
    [(name,)] = staged.source.execute("SELECT @@GLOBAL.log_bin_basename")
    (folder / "binlogs").mkdir()
    for each in Path(str(name)).parent.glob(f"{Path(str(name)).name}.*"):
        shutil.copy(each, folder / "binlogs")
    kept = {
        "state": stream.state_document(),
        "rows": {table: stream.rows(table) for table in stream.tables},
        "documents": {table: stream.documents(table) for table in stream.tables},
        "history": list(stream.database[COUNTED].find()),
        "wide": wide.rows(stream) if staged.topology.is_wide else {},
        "heavy": heavy.rows(stream) if staged.topology.is_heavy else {},
        "ledger": stream.ledger(),
        "committed": sorted(staged.committed.wanted()),
    }
    (folder / "both-sides.txt").write_text(
        "\n".join(f"{name}: {each}" for name, each in kept.items())
    )

"""Catching up by several lanes, against one, and against inserting alone."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from bench import crews, loading
from bench.catch_up import BATCH_ROWS, INSERTED, Side, compare_sample, insert_only
from bench.crews import OTHER_ROWS, Crew
from bench.loading import Load
from bench.report import Figure, Table
from bench.stage import Stage, broker

IN_ONE_PROCESS = (Crew(1), Crew(2), Crew(4))
BY_APPLIERS = (Crew(2, 1), Crew(4, 2))
INSERTS = (("1,000 rows", loading.BULK_TRANSACTION_ROWS, 1.0), ("1 row", 1, 0.4))
"""The transactions of each load, their rows, and all rows as a share of the run's."""
UPDATES = "1 row, updated"
UPDATED_SHARE = 0.4
FEWEST_ROWS = 2 * 4 * BATCH_ROWS
"""Two full batches of the most lanes: less would be no round."""


def run(stage: Stage) -> list[Table]:
    """Measure bulk inserts, single ones, then single updates of any row, by so many lanes."""
    table = Table("lanes: catching up by several writers, in one process or in several")
    with broker() as kafka:
        for name, transaction_rows, share in INSERTS:
            rows = max(FEWEST_ROWS, int(share * stage.rows))
            start, load = crews.insert(stage, rows=rows, transaction_rows=transaction_rows)
            sides = _measure(stage, start, load, kafka)
            table.rows += [_row(side, name, sides) for side in sides]
        rows = max(FEWEST_ROWS, int(UPDATED_SHARE * stage.rows))
        start, load = crews.update(stage, rows=rows)
        sides = _measure(stage, start, load, kafka)
        table.rows += [_row(side, UPDATES, sides) for side in sides]
        how = (
            "from a Kafka of one broker, on the same machine" if kafka else "no Kafka was to be had"
        )
    table.notes = [
        f"medians of {stage.repeats} interleaved runs; a full batch is as many times {BATCH_ROWS:,}"
        " rows as there are lanes",
        f"each daemon has {OTHER_ROWS:,} rows of another table before the load, and behind it: the"
        " clock runs between two checkpoints amid these, once appliers attend their lanes",
        "CPU µs/row and peak MB are the daemon's; 1,000,000 / (CPU µs/row) rows/s is the most that"
        " it does on one core",
        f"appliers: {how}; their CPU is that of all of them, the broker's is in no column",
    ]
    return [table]


def _measure(stage: Stage, start: str, load: Load, kafka: str | None) -> list[Side]:
    measured = (*IN_ONE_PROCESS, *(BY_APPLIERS if kafka else ()))
    sides = {crew: Side(str(crew), load.rows, []) for crew in measured}
    inserted = Side(INSERTED, load.rows, [])
    with stage.target.client(w="majority") as client:
        for repeat in range(stage.repeats):
            stage.say(f"run {repeat + 1} of {stage.repeats}: lanes, then {INSERTED}")
            for crew, side in sides.items():
                names = crews.configure(stage, crew, start, kafka)
                side.figures.append(crews.catch_up(stage, crew, load, names, client))
                compare_sample(stage, load, client, names.database)
                if crew == measured[-1]:
                    inserted.figures.append(insert_only(stage, client, names.database))
                client.drop_database(names.database)
    return [*sides.values(), inserted]


def _row(side: Side, transactions: str, sides: Sequence[Side]) -> dict[str, Figure]:
    """Return a side as a row of the table, compared with the first one and the last."""
    found = [each.appliers_cpu_seconds for each in side.figures]
    appliers = [each for each in found if each is not None]
    return side.row(transactions, sides[-1]) | {
        "ratio to 1 lane": round(side.rows_per_second / sides[0].rows_per_second, 2),
        "appliers' CPU µs/row": round(1e6 * median(appliers) / side.rows, 1) if appliers else None,
    }

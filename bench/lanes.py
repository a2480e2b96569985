"""Catching up by several lanes, against one, and against inserting alone."""

from __future__ import annotations

from bench import replication
from bench.catch_up import BATCH_ROWS, INSERTED, Side, compare_sample, insert_only, loads
from bench.loading import Load
from bench.report import Table
from bench.stage import Stage

LANES = (1, 2, 4)


def run(stage: Stage) -> list[Table]:
    """Measure bulk transactions, then single-row ones, by so many lanes."""
    table = Table("lanes: catching up by several writers in one process")
    for name, load in loads(stage):
        sides = _measure(stage, load)
        one, inserted = sides[0], sides[-1]
        table.rows += [
            side.row(name, inserted)
            | {"ratio to 1 lane": round(side.rows_per_second / one.rows_per_second, 2)}
            for side in sides
        ]
    table.notes = [
        f"medians of {stage.repeats} interleaved runs, each as in catch_up; with lanes a full batch"
        f" is as many times {BATCH_ROWS:,} rows",
    ]
    return [table]


def _measure(stage: Stage, load: Load) -> list[Side]:
    sides = {count: Side(f"{count} lane(s)", load.rows, []) for count in LANES}
    inserted = Side(INSERTED, load.rows, [])
    with stage.target.client(w="majority") as client:
        for repeat in range(stage.repeats):
            stage.say(f"run {repeat + 1} of {stage.repeats}: lanes, then {INSERTED}")
            for count, side in sides.items():
                apply: dict[str, object] = {"batch_rows": BATCH_ROWS, "lanes": count}
                names = stage.configure(start=load.start, apply=apply)
                side.figures.append(replication.catch_up(stage, load, names, client))
                if count == LANES[-1]:
                    compare_sample(stage, load, client, names.database)
                    inserted.figures.append(insert_only(stage, client, names.database))
                client.drop_database(names.database)
    return [*sides.values(), inserted]

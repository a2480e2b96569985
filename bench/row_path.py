"""The row path alone: rows decoded from the same live binlog, by cdc and by mysql-replication."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

import yaml

from bench import decoding, loading
from bench.decoding import Decoded
from bench.loading import Load
from bench.processes import alone
from bench.report import Figure, Table
from bench.shapes import AS_IT_IS, JSON_COLUMNS, PLAIN_COLUMNS, SHAPED, Fields, expected, paths
from bench.stage import Stage
from cdc_sandbox.demo.values import differences

LIBRARY_ROWS = 30_000
"""The rows that mysql-replication decodes in each run; it is slow, and steady."""
PLAIN_TABLE = "tweets_plain"


@dataclass(frozen=True, slots=True)
class Case:
    """A load, and the ways to map it: name → fields."""

    name: str
    columns: tuple[str, ...]
    load: Callable[[Stage], Load]
    mappings: dict[str, Fields | None]
    goal: str


def _cases(stage: Stage) -> Iterator[Case]:
    singles = loading.singles(stage)
    as_it_is: dict[str, Fields | None] = {AS_IT_IS: None}
    every = (*PLAIN_COLUMNS, *JSON_COLUMNS)
    yield Case(
        "bulk inserts, no JSON",
        PLAIN_COLUMNS,
        lambda stage: loading.insert(
            stage, rows=stage.rows, table=PLAIN_TABLE, columns=PLAIN_COLUMNS
        ),
        as_it_is,
        "≥ 10",
    )
    yield Case(
        "bulk inserts, JSON",
        every,
        lambda stage: loading.insert(stage, rows=stage.rows),
        as_it_is | {"renamed, nested, dropped": SHAPED},
        "≥ 6",
    )
    yield Case(
        "updates, JSON",
        every,
        lambda stage: loading.update(stage, rows=stage.rows // 2),
        as_it_is,
        "",
    )
    yield Case(
        "single-row transactions, JSON",
        every,
        lambda stage: loading.insert(stage, rows=singles, transaction_rows=1),
        as_it_is,
        "≥ 10",
    )


def run(stage: Stage) -> list[Table]:
    """Measure every case."""
    _create_plain_table(stage)
    table = Table("row_path: binlog → BSON bytes (cdc), binlog → dicts (mysql-replication)")
    for case in _cases(stage):
        table.rows += _measure(stage, case)
    table.notes = [
        f"medians of {stage.repeats} interleaved runs, each in a process of its own, from the"
        " connection on; sampled documents were compared with their rows",
        f"mysql-replication reads at most the first {LIBRARY_ROWS:,} rows, cdc all of them",
    ]
    return [table]


def _create_plain_table(stage: Stage) -> None:
    stage.source.execute(f"CREATE TABLE IF NOT EXISTS twitter.{PLAIN_TABLE} LIKE twitter.tweets")
    for column in JSON_COLUMNS:
        stage.source.execute(f"ALTER TABLE twitter.{PLAIN_TABLE} DROP COLUMN {column}")


def _measure(stage: Stage, case: Case) -> list[dict[str, Figure]]:
    load = case.load(stage)
    files = {name: _write(stage, load, fields) for name, fields in case.mappings.items()}
    ours: dict[str, list[Decoded]] = {name: [] for name in files}
    theirs: list[Decoded] = []
    login = stage.login()
    for repeat in range(stage.repeats):
        stage.say(f"{case.name}: run {repeat + 1} of {stage.repeats}")
        for name, file in files.items():
            decoded = alone(decoding.transcode, login, file, start=load.start, rows=load.rows)
            ours[name].append(decoded)
            if repeat == 0:
                _compare(stage, load, case, case.mappings[name], decoded.sample)
        rows = min(LIBRARY_ROWS, load.rows)
        theirs.append(alone(decoding.iterate, login, load.table, start=load.start, rows=rows))
    return [_row(case, name, figures, theirs) for name, figures in ours.items()]


def _row(case: Case, name: str, ours: list[Decoded], theirs: list[Decoded]) -> dict[str, Figure]:
    rate, library = (median([each.rows_per_second for each in side]) for side in (ours, theirs))
    cost, library_cost = (median([each.cpu_per_row for each in side]) for side in (ours, theirs))
    return {
        "rows": case.name,
        "mapping": name,
        "goal": case.goal,
        "ratio": round(rate / library, 1),
        "ratio of CPU": round(library_cost / cost, 1),
        "cdc rows/s": round(rate),
        "library rows/s": round(library),
        "cdc peak MB": max(each.peak_megabytes for each in ours),
        "library peak MB": max(each.peak_megabytes for each in theirs),
    }


def _write(stage: Stage, load: Load, fields: Fields | None) -> str:
    mapping: dict[str, Any] = {"source": f"twitter.{load.table}", "target": "tweets", "id": "id"}
    if fields is not None:
        mapping["fields"] = fields
    path = stage.folder / f"mapping-{stage.number()}.yaml"
    path.write_text(yaml.safe_dump(mapping, sort_keys=False))
    return str(path)


def _compare(
    stage: Stage,
    load: Load,
    case: Case,
    fields: Fields | None,
    sample: tuple[dict[str, Any], ...],
) -> None:
    """Raise AssertionError unless sampled documents are what their rows must become."""
    assert sample, "no document was sampled"
    for document in sample:
        statement = f"SELECT {', '.join(case.columns)} FROM twitter.{load.table} WHERE id = %s"
        [values] = stage.source.execute(statement, (int(document["_id"]),))
        row = dict(zip(case.columns, values, strict=True))
        found = list(differences(expected(row, paths(case.columns, fields)), document))
        assert not found, f"{load.table} {row['id']} differs: {found}"

"""Skips the one transaction that stops a stream, and repairs the tables that it touched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cdc.config import Config
from cdc.daemon.repair import Repair, repaired
from cdc.mapping.compile.router import TableRouter
from cdc.mapping.file.mapping import Mapping
from cdc.model.checkpoint import Checkpoint
from cdc.model.position import to_document
from cdc.model.table_name import split_name
from cdc.model.transaction import ANY_TABLE, told_name
from cdc.preflight.followed_tables import UNSEEN, existing_now
from cdc.readers.binlog.next_transaction import read_outline
from cdc.readers.binlog.outline import Outline
from cdc.readers.binlog.sql.tokens import TableName
from cdc.writers import stream_admin
from cdc.writers.observer import UNOBSERVED, WriteObserver

Mappings = Sequence[Mapping]


@dataclass(frozen=True, slots=True)
class Skip:
    """The skip of one transaction; `followed` are those of its tables that mappings follow."""

    before: Checkpoint
    outline: Outline
    followed: frozenset[TableName]
    repair: Repair

    def shown(self) -> dict[str, Any]:
        """Return it for display: names and counts, but no value of a row."""
        outline, inflight = self.outline, self.before.inflight
        is_begun = inflight is not None and inflight.identity == outline.identity
        return {
            "transaction": outline.identity,
            "committed_at": outline.committed_at,
            "applied_rows_events": inflight.rows_events if inflight and is_begun else 0,
            "tables": [
                {
                    "table": told_name(*name),
                    "rows_events": outline.rows_events.get(name, 0),
                    "followed": name in self.followed,
                }
                for name in sorted(outline.tables)
            ],
            "statements": [
                {"statement": verb, "tables": [told_name(*each) for each in tables]}
                for verb, tables in outline.statements
            ],
            "unclear": [*outline.unclear],
            "from": to_document(outline.before),
            "to": to_document(outline.after.position),
            "jobs": [
                {"id": each.id, "kind": each.kind.value, "table": each.table}
                for each in self.repair.jobs
            ],
            "not_repaired": [*self.repair.left],
        }


def plan(config: Config, mappings: Mappings, before: Checkpoint) -> Skip:
    """Read the transaction after `before`; return the skip and its repair."""
    outline = read_outline(config.source, before)
    router = TableRouter(mappings)
    mine = frozenset(name for name in outline.tables if router.follows(*name))
    existing = existing_now(config, mappings)
    touched = existing if outline.unclear else [each for each in existing if _is_of(each, mine)]
    by = f"skip: {outline.identity}"
    repair = repaired(config.name, mappings, touched, by=by)
    gone = [name for name in sorted(mine) if not any(_is_of(each, {name}) for each in existing)]
    left = [
        f"{told_name(*name)} {UNSEEN}: the documents of its rows stay as they are" for name in gone
    ]
    return Skip(before, outline, mine, Repair(repair.jobs, (*repair.left, *left)))


def carry_out(
    config: Config,
    skip: Skip,
    *,
    force: bool = False,
    observer: WriteObserver = UNOBSERVED,
) -> None:
    """Skip it; raises what `stream_admin.step` does."""
    stream_admin.step(
        config,
        skip.before,
        skip.outline.after,
        committed_at=skip.outline.committed_at,
        jobs=skip.repair.jobs,
        force=force,
        observer=observer,
    )


def _is_of(table: str, names: Iterable[TableName]) -> bool:
    schema, name = split_name(table)
    return any(schema == each and (name == other or other == ANY_TABLE) for each, other in names)

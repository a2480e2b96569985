"""Keeps the rows that go, in the source itself: what documents must be that stay without a row."""

from __future__ import annotations

from collections.abc import Iterator

from tests.end_to_end.embedding.support.schemas import Schema, Table
from tests.end_to_end.support.stream import Stream


def dig(stream: Stream, schema: Schema) -> None:
    """Create a graveyard beside each table whose documents stay."""
    for table in schema.tables:
        if table.is_soft:
            stream.sql(
                f"CREATE TABLE {of(table)} LIKE {table.name}",
                f"ALTER TABLE {of(table)} DROP INDEX u",  # the living may have what the dead had
                *_triggers(table),
            )


def of(table: Table) -> str:
    """Return the name of a table's graveyard."""
    return f"{table.name}_gone"


def truncating(table: Table) -> list[str]:
    """Return the statements that truncate a table: no trigger sees its rows go."""
    truncate = f"TRUNCATE TABLE {table.name}"
    if not table.is_soft:
        return [truncate]
    followed = " WHERE live = 1" if table.is_filtered else ""
    return [f"REPLACE INTO {of(table)} SELECT * FROM {table.name}{followed}", truncate]


def _triggers(table: Table) -> Iterator[str]:
    was, there = (f"{row}.live = 1" if table.is_filtered else "TRUE" for row in ("OLD", "NEW"))
    values = ", ".join(f"OLD.{column}" for column in table.columns)
    bury = f"REPLACE INTO {of(table)} VALUES ({values});"
    same = " AND ".join(f"{each} = NEW.{each}" for each in table.key)
    rise = f"IF {there} THEN DELETE FROM {of(table)} WHERE {same}; END IF;"
    moved = " OR ".join(f"OLD.{each} <> NEW.{each}" for each in table.key)
    leave = f"IF ({was}) AND ({moved} OR NOT ({there})) THEN {bury} END IF;"
    for event, body in (
        ("INSERT", rise),
        ("UPDATE", f"{leave} {rise}"),
        ("DELETE", f"IF {was} THEN {bury} END IF;"),
    ):
        yield (
            f"CREATE TRIGGER {table.name}_{event.lower()} AFTER {event} ON {table.name}"
            f" FOR EACH ROW BEGIN {body} END"
        )

"""The rules for the tables that the mappings follow."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from cdc.mapping.file.table_globs import literal, source_pattern
from cdc.model.server_facts import SourceFacts, TableFacts
from cdc.model.table_name import split_name, sql_name
from cdc.preflight.findings import Finding, Outcome
from cdc.preflight.rules.source import quoted_account
from cdc.terminal.counted import counted

CASCADES_LOGGED_SINCE = (9, 6)
"""The first version in which MySQL itself executes cascades of foreign keys, and logs them."""


def table_findings(source: SourceFacts, tables: Collection[TableFacts]) -> Iterator[Finding]:
    """Judge every followed table that exists."""
    return (_finding(source, table) for table in tables)


@dataclass(frozen=True, slots=True)
class Unseen:
    """A mapping's `schema.table` that the account cannot see.

    `near` is the table, so written, that may have been meant; `place` is where the mapping names
    it, `file:line`. Both are empty if unknown.
    """

    name: str
    near: str = ""
    place: str = ""

    def remedy(self, source: SourceFacts) -> str:
        """Return what to write, create or grant; no GRANT to an account that sees all tables."""
        where = f" ({self.place})" if self.place else ""
        steps = [self._written()] if self.near else [f"create it, or correct the source{where}"]
        if not _sees(source, self.name):
            exists = f"or, if {self.name} exists" if self.near else "if it exists"
            steps.append(f"{exists}, run: {_grant(source, self.name)}")
        return "; ".join(steps)

    def remedy_of_begun(self, source: SourceFacts) -> str:
        """Return the same for a stream that has begun."""
        steps = ["what took it away is met in the binlog as on_drop says"]
        steps += [f"if the mapping is new, {self._written()}"] if self.near else []
        if not _sees(source, self.name):
            steps.append(f"if it is there, run: {_grant(source, self.name)}")
        return "; ".join(steps)

    def _written(self) -> str:
        where = f" ({self.place})" if self.place else ""
        return f"write source: {literal(*split_name(self.near))}{where}"


def missing(source: SourceFacts, table: Unseen) -> Finding:
    """Return the finding that the account cannot see a mapping's table."""
    what = f"{_unseen(source, table.name)}{_suggested(table)}"
    return Finding(f"table {table.name}", Outcome.UNFIT, what, table.remedy(source))


def gone(source: SourceFacts, table: Unseen) -> Finding:
    """Return the same for a stream that has begun: the statement that removed it may be ahead."""
    what = f"{_unseen(source, table.name)}: nothing will come from it{_suggested(table)}"
    return Finding(f"table {table.name}", Outcome.WARNING, what, table.remedy_of_begun(source))


def _unseen(source: SourceFacts, name: str) -> str:
    rest = "" if _sees(source, name) else f", or {source.account} may not SELECT from it"
    return f"does not exist{rest}"


def _suggested(table: Unseen) -> str:
    return f", did you mean `{table.near}`?" if table.near else ""


def _sees(source: SourceFacts, name: str) -> bool:
    return source.may_read(split_name(name)[0])


def glob_findings(sources: Iterable[str], names: Collection[tuple[str, str]]) -> Iterator[Finding]:
    """Yield the number of the source's tables that each glob matches; none yet is a warning."""
    for name in sorted(sources):
        pattern = source_pattern(name)
        if not pattern.varying:
            continue
        matched = sum(pattern.matches(*each) for each in names)
        if matched:
            yield Finding(f"glob {name}", Outcome.OK, f"matches {counted(matched, 'table')}")
        else:
            yield Finding(
                f"glob {name}",
                Outcome.WARNING,
                "matches no table that the account can see",
                "tables are followed once they are created; check the spelling, and the grants",
            )


def mapping_finding(
    source: SourceFacts, table: TableFacts, target: str, needed: Collection[str]
) -> Finding:
    """Return where a mapping puts the table, if it fits and takes the columns `needed`."""
    check, feeds = f"mapping {table.name}", f"feeds {target}"
    unlogged = ", ".join(f"`{name}`" for name in sorted(table.generated.intersection(needed)))
    if not unlogged or not source.mariadb:
        return Finding(check, Outcome.OK, feeds)
    return Finding(
        check,
        Outcome.WARNING,
        f"{feeds}, and takes generated columns: {unlogged}; MariaDB 11.8 logs none in updates"
        " and deletes (10.11 does), and the stream stops at the first of these",
        "leave them out by `exclude` or `fields`, or have `sql` compute them anew",
    )


def _finding(source: SourceFacts, table: TableFacts) -> Finding:
    return (
        _spelling(source, table)
        or _kind(table)
        or _readable(source, table)
        or _cascades(source, table)
        or _uncopyable(table)
        or Finding(f"table {table.name}", Outcome.OK, "can be followed")
    )


def _spelling(source: SourceFacts, table: TableFacts) -> Finding | None:
    """Refuse a name that the binlog never spells so: its rows would be skipped."""
    stored = table.name.lower()
    if source.variable("lower_case_table_names") != "1" or table.name == stored:
        return None
    return _unfit(
        table,
        "is stored in lower case (lower_case_table_names = 1), and is named so in the binlog",
        f"write source: {literal(*split_name(stored))}",
    )


def _kind(table: TableFacts) -> Finding | None:
    if table.kind == "SYSTEM VERSIONED":
        return _unfit(
            table,
            "is system-versioned: its DELETE is logged as an UPDATE",
            f"run: ALTER TABLE {sql_name(table.schema, table.table)} DROP SYSTEM VERSIONING; or"
            f" {_leave_out(table)}",
        )
    if table.kind != "BASE TABLE":
        return _unfit(
            table,
            f"is a {table.kind.lower()}, which has no rows of its own to follow",
            "follow the tables behind it, or leave it out of the mappings",
        )
    if table.engine.lower() != "innodb":
        return _unfit(
            table,
            f"is kept by {table.engine}, which has no transactions",
            f"run: ALTER TABLE {sql_name(table.schema, table.table)} ENGINE = InnoDB; or"
            f" {_leave_out(table)}",
        )
    return None


def _readable(source: SourceFacts, table: TableFacts) -> Finding | None:
    if table.columns is not None:
        return None
    return _unfit(
        table,
        f"{source.account} may not SELECT every column of it",
        f"run: {_grant(source, table.name)}",
    )


def _uncopyable(table: TableFacts) -> Finding | None:
    """Refuse a table that must be copied, but has no key to read it by."""
    if not table.uncopyable:
        return None
    keyless = table.columns is not None and not table.columns.primary_key
    by_id = "an `id:` in its mapping and " if keyless else ""
    return _unfit(
        table,
        f"cannot be copied: {table.uncopyable}",
        f"give it a primary key; or follow its changes alone, by {by_id}start: now or start:"
        f" earliest with a stream of its own; or {_leave_out(table)}",
    )


def _cascades(source: SourceFacts, table: TableFacts) -> Finding | None:
    if not table.cascades or logs_cascades(source):
        return None
    return _unfit(
        table,
        f"the server changes its rows without logging it, by {', '.join(table.cascades)}",
        "make the key RESTRICT and change the rows from the application; or, on MySQL, upgrade"
        " to 9.6 or later; or leave the table out of the mappings",
    )


def logs_cascades(source: SourceFacts) -> bool:
    """Return whether rows that a foreign key deletes or changes appear in the binlog."""
    return (
        not source.mariadb
        and source.version >= CASCADES_LOGGED_SINCE
        and source.variable("innodb_native_foreign_keys") != "ON"
    )


def _leave_out(table: TableFacts) -> str:
    """Return how a mapping excludes a table, whether it is named or matched by a glob."""
    excluded = literal(table.schema, table.table)
    return f'leave it out: no mapping, or source: [GLOB, "!{excluded}"]'


def _unfit(table: TableFacts, what: str, remedy: str) -> Finding:
    return Finding(f"table {table.name}", Outcome.UNFIT, what, remedy)


def _grant(source: SourceFacts, name: str) -> str:
    return f"GRANT SELECT ON {sql_name(*split_name(name))} TO {quoted_account(source.account)}"

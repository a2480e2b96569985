"""Compiles what a document holds beside `_id`: which value stands under which path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cdc.mapping import computing
from cdc.mapping.fields import FieldSource
from cdc.mapping.identity import id_columns
from cdc.mapping.language import NOW, SoftDelete
from cdc.mapping.layout import ID, Path
from cdc.mapping.meeting import Meeting
from cdc.mapping.naming import CASES
from cdc.mapping.paths import nested
from cdc.mapping.sources import CommitTime

Contents = list[tuple[Path, int]]
"""The number of the source of each path, in the order of the document."""


def contents(meeting: Meeting) -> Contents:
    """Give the fields of the document of a row."""
    if meeting.mapping.fields is None:
        found = list(_columns(meeting))
        _require_stamp_apart(meeting, found)
        return found
    return list(_fields(meeting, meeting.mapping.fields))


def contents_when_gone(meeting: Meeting, contents: Contents) -> Contents | None:
    """Give the fields of a document whose row is gone; None where it is deleted."""
    rule = meeting.mapping.on_delete
    if not isinstance(rule, SoftDelete):
        return None
    found = dict(contents)
    for dotted, value in rule.set.items():
        path = tuple(dotted.split("."))
        _require_room(meeting, dotted, (path for path, _ in contents))
        found[path] = meeting.add(CommitTime()) if value == NOW else meeting.constant(value)
    return list(found.items())


def _require_room(meeting: Meeting, dotted: str, fields: Iterable[Path]) -> None:
    """Refuse a path above or below a column's field; `fields` are checked when they are loaded."""
    if meeting.mapping.fields is not None:
        return
    for field in fields:
        if nested(dotted, ".".join(field)) is not None:
            what = f"`{dotted}` nests below `{field[0]}`, which is a field of its own"
            meeting.mistake(("on_delete", "set", dotted), what)


def _require_stamp_apart(meeting: Meeting, columns: Contents) -> None:
    stamp = meeting.mapping.stamp
    if any(stamp == path[0] for path, _ in columns):
        meeting.mistake(("stamp",), f"`{stamp}` is the field of a column; name another")


def _columns(meeting: Meeting) -> Iterator[tuple[Path, int]]:
    """Give a field for every column that is neither excluded nor part of the id."""
    for name in meeting.mapping.exclude:
        meeting.column(("exclude",), name)
    left_out = {*meeting.mapping.exclude, *id_columns(meeting)}
    taken: dict[str, str] = {}
    for column in meeting.table.columns:
        if column.hidden or column.name in left_out:
            continue
        field = _renamed(meeting, column.name, taken)
        source = meeting.source(("source",), FieldSource(column=column.name))
        if field is not None and source is not None:
            yield (field,), source


def _renamed(meeting: Meeting, column: str, taken: dict[str, str]) -> str | None:
    """Give the field of a column; None where there was a mistake."""
    name = CASES[meeting.mapping.case](column)
    other = taken.setdefault(name, column)
    if other != column:
        what = f"columns `{other}` and `{column}` would both become `{name}`; list `fields`"
        meeting.mistake(("case",), what)
        return None
    if "." in name or name.startswith("$") or name == ID:
        meeting.mistake(
            ("source",), f"column `{column}` cannot be the name of a field; list `fields`"
        )
        return None
    return name


def _fields(meeting: Meeting, rules: dict[str, FieldSource]) -> Iterator[tuple[Path, int]]:
    for dotted, rule in rules.items():
        if rule.optional and _is_gone(meeting, rule):
            continue
        source = meeting.source(("fields", dotted), rule)
        if source is not None:
            yield tuple(dotted.split(".")), source


def _is_gone(meeting: Meeting, rule: FieldSource) -> bool:
    """Tell whether the table no longer has a column that a field needs."""
    if rule.sql is not None:
        return not all(map(meeting.has_any_case, computing.names(rule.sql)))
    return rule.column is not None and not meeting.has(rule.column)

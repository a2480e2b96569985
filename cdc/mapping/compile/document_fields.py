"""Compiles the fields of a document beside `_id`: each path and its value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cdc.mapping.compile import computed_fields
from cdc.mapping.compile.context import CompileContext
from cdc.mapping.compile.document_id import id_columns
from cdc.mapping.file.allowed_names import nested
from cdc.mapping.file.fields import FieldSource
from cdc.mapping.file.letter_case import CASES
from cdc.mapping.file.mapping import NOW, SoftDelete
from cdc.mapping.layout.document import ID, Path
from cdc.mapping.layout.sources import CommitTime

Contents = list[tuple[Path, int]]
"""The number of the source of each path, in the order of the document."""


def contents(context: CompileContext) -> Contents:
    """Return the fields of the document of a row."""
    if context.mapping.fields is None:
        found = list(_columns(context))
        _require_stamp_apart(context, found)
        _require_embeds_apart(context, found)
        return found
    return list(_fields(context, context.mapping.fields))


def contents_when_gone(context: CompileContext, contents: Contents) -> Contents | None:
    """Return the fields of a document whose row is gone; None if it is deleted."""
    rule = context.mapping.on_delete
    if not isinstance(rule, SoftDelete):
        return None
    found = dict(contents)
    for dotted, value in rule.set.items():
        path = tuple(dotted.split("."))
        _require_room(context, dotted, (path for path, _ in contents))
        found[path] = context.add(CommitTime()) if value == NOW else context.constant(value)
    return list(found.items())


def _require_room(context: CompileContext, dotted: str, fields: Iterable[Path]) -> None:
    """Refuse a path above or below a column's field; `fields` are checked at loading."""
    if context.mapping.fields is not None:
        return
    for field in fields:
        if nested(dotted, ".".join(field)) is not None:
            what = f"`{dotted}` nests below `{field[0]}`, which is a field of its own"
            context.mistake(("on_delete", "set", dotted), what)


def _require_stamp_apart(context: CompileContext, columns: Contents) -> None:
    stamp = context.mapping.stamp
    if any(stamp == path[0] for path, _ in columns):
        context.mistake(("stamp",), f"`{stamp}` is the field of a column; name another")


def _require_embeds_apart(context: CompileContext, columns: Contents) -> None:
    """Refuse an embed in a column's place; its value would come and go with the column's."""
    fields = {path[0] for path, _ in columns}
    for embed in context.mapping.embed:
        name = embed.partition(".")[0]
        if name in fields:
            what = f"`{name}` is the field of a column; name another"
            context.mistake(("embed", embed), what)


def _columns(context: CompileContext) -> Iterator[tuple[Path, int]]:
    """Yield a field for every column that is neither excluded nor part of the id."""
    for name in context.mapping.exclude:
        context.column(("exclude",), name)
    left_out = {*context.mapping.exclude, *id_columns(context)}
    taken: dict[str, str] = {}
    for column in context.table.columns:
        if column.hidden or column.name in left_out:
            continue
        field = _renamed(context, column.name, taken)
        source = context.source(("source",), FieldSource(column=column.name))
        if field is not None and source is not None:
            yield (field,), source


def _renamed(context: CompileContext, column: str, taken: dict[str, str]) -> str | None:
    """Return the field of a column; None if there was a mistake."""
    name = CASES[context.mapping.case](column)
    other = taken.setdefault(name, column)
    if other != column:
        what = f"columns `{other}` and `{column}` would both become `{name}`; list `fields`"
        context.mistake(("case",), what)
        return None
    if "." in name or name.startswith("$") or name == ID:
        context.mistake(
            ("source",), f"column `{column}` cannot be the name of a field; list `fields`"
        )
        return None
    return name


def _fields(context: CompileContext, rules: dict[str, FieldSource]) -> Iterator[tuple[Path, int]]:
    for dotted, rule in rules.items():
        if rule.optional and _is_gone(context, rule):
            continue
        source = context.source(("fields", dotted), rule)
        if source is not None:
            yield tuple(dotted.split(".")), source


def _is_gone(context: CompileContext, rule: FieldSource) -> bool:
    """Return whether the table no longer has a column that a field needs."""
    if rule.sql is not None:
        return not all(map(context.has_any_case, computed_fields.names(rule.sql)))
    return rule.column is not None and not context.has(rule.column)

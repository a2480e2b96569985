"""The documents that tables must make: joined by the source itself, and put together in Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bson import Decimal128

from tests.end_to_end.embedding.support import graveyard
from tests.end_to_end.embedding.support.schemas import GONE, STAMP, Embedded, Schema, Table
from tests.end_to_end.support.stream import Stream

Value = Any
Document = dict[str, Value]
Documents = dict[Value, Document]
"""By the values of their keys, as tuples."""

Ask = Callable[[str], Sequence[tuple[Value, ...]]]


def expected(stream: Stream, schema: Schema) -> dict[str, Documents]:
    """Return what each collection must hold, from one snapshot of the source."""
    with stream.source.connect(stream.schema) as connection, connection.cursor() as cursor:

        def ask(sql: str) -> Sequence[tuple[Value, ...]]:
            cursor.execute(sql)
            return cursor.fetchall()

        cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        found: dict[str, Documents] = {}
        for table in schema.tables:
            found[table.name] = _documents(table, found, ask)
        return found


def stored(stream: Stream, schema: Schema) -> dict[str, Documents]:
    """Return what each collection holds, without stamps."""
    return {
        table.name: {
            _key(document["_id"]): document
            for document in map(plain, schema.collection(stream, table).find())
        }
        for table in schema.tables
    }


def differences(
    expected: Mapping[str, Documents], stored: Mapping[str, Documents]
) -> Iterator[str]:
    """Yield each document that is not what it must be, to the order of its fields."""
    for name in expected:
        for key in sorted({*expected[name], *stored[name]}):
            wanted, found = expected[name].get(key), stored[name].get(key)
            if in_order(wanted) != in_order(found):
                yield f"{name} {key}\n    must be {wanted}\n    and is  {found}"


def plain(document: Document) -> Document:
    """Return a document without its stamp, with numbers that compare as numbers."""
    return {name: _plain(value) for name, value in document.items() if name != STAMP}


def _plain(value: Value) -> Value:
    if isinstance(value, Decimal128):
        return value.to_decimal()
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def in_order(value: Value) -> Value:
    """Return a value that differs from another also if the order of fields does."""
    if isinstance(value, dict):
        return [(name, in_order(each)) for name, each in value.items()]
    return [in_order(each) for each in value] if isinstance(value, list) else value


def _key(identifier: Value) -> Value:
    return tuple(identifier.values()) if isinstance(identifier, dict) else (identifier,)


def _documents(table: Table, below: Mapping[str, Documents], ask: Ask) -> Documents:
    found: Documents = {}
    size = len(table.key)
    for row in ask(f"SELECT {', '.join(table.columns)}, is_gone FROM {_rows(table)} t"):
        key, is_gone = row[:size], row[-1]
        identifier = key[0] if size == 1 else dict(zip(table.key, key, strict=True))
        own = zip(table.columns[size:], row[size:-1], strict=True)
        found[key] = {"_id": identifier, **dict(own), **({GONE: True} if is_gone else {})}
    for embed in table.embeds:
        children: dict[Value, list[Document]] = {key: [] for key in found}
        for row in ask(_join(table, embed)):
            child = below[embed.child.name][row[size:]]
            children[row[:size]].append(element(embed, child))
        for key, document in found.items():
            _put(document, embed.path, as_embedded(embed, children[key]))
    return found


def as_embedded(embed: Embedded, elements: Sequence[Document]) -> Value:
    """Return what stands at an embed's path for these elements."""
    if embed.many:
        return [*elements]
    return elements[0] if elements else None


def _rows(table: Table) -> str:
    """Return the query, as a table, for the rows that have documents, those of gone ones too."""
    columns = ", ".join(table.columns)
    there = f"SELECT {columns}, 0 is_gone FROM {table.name}"
    if table.is_filtered:
        there += " WHERE live = 1"
    if table.is_soft:
        there += f" UNION ALL SELECT {columns}, 1 FROM {graveyard.of(table)}"
    return f"({there})"


def _join(table: Table, embed: Embedded) -> str:
    """Return the query for the keys of ours and theirs that belong together, in order."""
    child = embed.child
    ours = [f"p.{each} p_{each}" for each in table.key]
    theirs = [f"c.{each} c_{each}" for each in child.key]
    order = ", ".join(f"c.{each}" for each in (*embed.order, *child.key))
    mine = ", ".join(f"p.{each}" for each in table.key)
    on = " AND ".join(f"p.{our} = c.{their}" for our, their in embed.on)
    names = ", ".join([*(f"p_{each}" for each in table.key), *(f"c_{each}" for each in child.key)])
    limit = f"WHERE place <= {embed.limit}" if embed.limit is not None else ""
    return (
        f"SELECT {names} FROM (SELECT {', '.join([*ours, *theirs])},"
        f" ROW_NUMBER() OVER (PARTITION BY {mine} ORDER BY {order}) place"
        f" FROM {_rows(table)} p JOIN {_rows(child)} c ON {on}) joined {limit} ORDER BY place"
    )


def element(embed: Embedded, child: Document) -> Document:
    if embed.fields is None:
        return child
    return {name: at(child, embed.child.field(what)) for name, what in embed.fields}


def at(document: Document, path: str) -> Value:
    """Return what a document has at a dotted path."""
    value: Value = document
    for name in path.split("."):
        value = value[name]
    return value


def _put(document: Document, path: str, value: Value) -> None:
    *outer, last = path.split(".")
    for name in outer:
        document = document.setdefault(name, {})
    document[last] = value

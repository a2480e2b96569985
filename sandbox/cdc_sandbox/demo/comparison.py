"""Source and target compared row by row, while nobody writes to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bson.decimal128 import Decimal128

from cdc_sandbox.demo.connections import Collection, Connection, Database
from cdc_sandbox.demo.expectation import expected_tweet, expected_user
from cdc_sandbox.demo.rows import TweetRow, UserRow
from cdc_sandbox.demo.schema import SCHEMA
from cdc_sandbox.demo.values import differences, shown

Row = Mapping[str, Any]
Document = dict[str, Any]

_PAGE_ROWS = 1_000
_DIFFERENCES_TOLD = 10


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the demo, the collection of the same name, and what a row must become."""

    name: str
    columns: tuple[str, ...]
    expected: Callable[[Row], Document]
    stamp: str | None = None
    """The field that tells when a document was written: whenever that was, it is a date."""
    embedded: Mapping[str, str] = field(default_factory=dict)
    """Further names in a row, of what its document embeds, and the SQL that reads each."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names in a row, in their order."""
        return (*self.columns, *self.embedded)

    @property
    def selection(self) -> str:
        """The SELECT of its rows."""
        wanted = [*self.columns, *(f"({sql}) AS {name}" for name, sql in self.embedded.items())]
        return f"SELECT {', '.join(wanted)} FROM {SCHEMA}.{self.name}"


def _of_author(column: str) -> str:
    return f"SELECT {column} FROM {SCHEMA}.users WHERE users.id = tweets.user_id"


TABLES = (
    Table("users", UserRow._fields, expected_user),
    Table(
        "tweets",
        TweetRow._fields,
        expected_tweet,
        stamp="replicated_at",
        embedded={
            "author_screen_name": _of_author("screen_name"),
            "author_name": _of_author("name"),
        },
    ),
)


@dataclass(slots=True)
class TableComparison:
    """What was found in one table and its collection; `told` describes the first differences."""

    table: str
    rows: int = 0
    documents: int = 0
    missing: int = 0
    extra: int = 0
    different: int = 0
    told: list[str] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Whether every row has its document, and every document its row."""
        return not (self.missing or self.extra or self.different)

    def tell(self, difference: str) -> None:
        """Keep a description, unless there are enough already."""
        if len(self.told) < _DIFFERENCES_TOLD:
            self.told.append(difference)

    def lines(self) -> list[str]:
        """Return the report: the counts, then the first differences."""
        counted = f"{self.table}: {self.rows} rows, {self.documents} documents"
        if self.equal:
            return [f"{counted}, all equal"]
        found = f"{self.missing} missing, {self.extra} extra, {self.different} different"
        return [f"{counted}: {found}", *(f"  {each}" for each in self.told)]


def compare(connection: Connection, database: Database) -> list[TableComparison]:
    """Compare every table with its collection; memory holds one page of rows."""
    return [compare_table(connection, database[table.name], table) for table in TABLES]


def compare_table(connection: Connection, collection: Collection, table: Table) -> TableComparison:
    """Compare one table with its collection, both in the order of their ids."""
    result = TableComparison(table.name)
    for row, document in _paired(_rows(connection, table), _documents(collection)):
        result.rows += row is not None
        result.documents += document is not None
        if document is None:
            assert row is not None
            result.missing += 1
            result.tell(f"{table.name} {row['id']}: is not in MongoDB")
        elif row is None:
            result.extra += 1
            result.tell(f"{table.name} {shown(document['_id'])}: is not in the source")
        else:
            _compare_fields(row, document, table, result)
    return result


def _compare_fields(row: Row, document: Document, table: Table, result: TableComparison) -> None:
    expected = table.expected(row)
    if table.stamp:
        expected[table.stamp] = _date_or_now(document.get(table.stamp))
    found = list(differences(expected, document))
    result.different += bool(found)
    for path, expected, actual in found:
        result.tell(
            f"{table.name} {row['id']}: {path} should be {shown(expected)} and is {shown(actual)}"
        )


def _date_or_now(found: Any) -> datetime:
    """Return the stamp that a document has, as right as any, or one that it should have had."""
    return found if isinstance(found, datetime) else datetime.now(UTC)


def _paired(
    rows: Iterator[Row], documents: Iterator[Document]
) -> Iterator[tuple[Row | None, Document | None]]:
    row, document = next(rows, None), next(documents, None)
    while row is not None or document is not None:
        key = None if document is None else _number(document["_id"])
        if document is not None and (key is None or row is None or key < row["id"]):
            yield None, document
            document = next(documents, None)
        elif document is None or key is None or row is None or key > row["id"]:
            yield row, None
            row = next(rows, None)
        else:
            yield row, document
            row, document = next(rows, None), next(documents, None)


def _rows(connection: Connection, table: Table) -> Iterator[Row]:
    connection.commit()  # a snapshot taken earlier would hide what was committed since
    cursor = connection.cursor()
    after = -1
    while True:
        cursor.execute(f"{table.selection} WHERE id > %s ORDER BY id LIMIT {_PAGE_ROWS}", (after,))
        page = cursor.fetchall()
        yield from (dict(zip(table.names, row, strict=True)) for row in page)
        if len(page) < _PAGE_ROWS:
            return
        after = page[-1][0]


def _documents(collection: Collection) -> Iterator[Document]:
    return iter(collection.find({}).sort("_id"))


def _number(value: Any) -> Decimal | None:
    """Return an id as MongoDB compares numbers, None for what is no number."""
    if isinstance(value, Decimal128):
        return value.to_decimal()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(value)
    return None

"""`cdc mapping preview` shows what documents embed, of the source's rows alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cdc.commands.mapping import embedded_rows
from cdc_sandbox.servers import MySQLServer
from tests.integration.mapping.support.command_line import MappingCommands

Document = dict[str, Any]

LINES = {
    "many": "order_lines",
    "on": "order_id",
    "order": ["line_no"],
    "fields": {"no": "line_no", "price": "price", "product": "product"},
}
SHOP = (
    "CREATE TABLE {0}.users (id INT PRIMARY KEY, name VARCHAR(20), secret VARCHAR(20))",
    "CREATE TABLE {0}.products (id BIGINT PRIMARY KEY, title VARCHAR(20))",
    "CREATE TABLE {0}.order_lines (id INT PRIMARY KEY, order_id DECIMAL(6,0), line_no INT,"
    " product_id INT, price INT, live INT, KEY (order_id, line_no))",
    "CREATE TABLE {0}.orders (id INT PRIMARY KEY, customer_id INT)",
    "INSERT INTO {0}.users VALUES (1, 'Ada', 'x'), (2, 'Bob', 'y')",
    "INSERT INTO {0}.products VALUES (1, 'pen')",
    "INSERT INTO {0}.order_lines VALUES (1, 7, 2, 1, 10, 1), (2, 7, 1, 9, 20, 1),"
    " (3, 7, NULL, 1, 30, 1), (4, 7, 3, 1, 40, 0), (5, 8, 1, NULL, 50, 1), (6, NULL, 1, 1, 60, 1)",
    "INSERT INTO {0}.orders VALUES (7, 1), (8, NULL), (9, 5)",
)


class Shop:
    """Orders that embed their customer, and their lines with the product of each."""

    def __init__(self, commands: MappingCommands, source: MySQLServer, schema: str) -> None:
        self._commands = commands
        self._source = source
        self._schema = schema
        self.sql(*SHOP)
        self.follow("users", hidden=True, exclude=["secret"])
        self.follow("products")
        product = {"one": "products", "on": "product_id", "fields": ["title"]}
        self.follow("order_lines", where="live = 1", embed={"product": product})
        self.embeds(lines=LINES)

    def sql(self, *statements: str) -> None:
        for each in statements:
            self._source.execute(each.format(self._schema))

    def follow(self, name: str, **keys: Any) -> None:
        self._commands.write(name, source=f"{self._schema}.{name}", target=name, **keys)

    def embeds(self, **embed: Any) -> None:
        """Let orders embed these, beside their customers."""
        customer = {"one": "users", "on": "customer_id"}
        self.follow("orders", embed={"customer": customer, **embed})

    def shown(self, *arguments: str, table: str = "orders") -> tuple[dict[int, Document], str]:
        """The documents by their ids, and what is told beside them."""
        result = self._commands.run(
            "preview", f"{self._schema}.{table}", "--output", "json", *arguments
        )
        assert result.exit_code == 0, result.exception
        found = [json.loads(line)["document"] for line in result.stdout.splitlines()]
        return {each["_id"]: each for each in found}, result.stderr

    def arrays(self) -> dict[int, list[Any]]:
        """The numbers of the lines of each order, and that nothing is told beside them."""
        documents, told = self.shown()
        assert told == ""
        return {key: [line["no"] for line in each["lines"]] for key, each in documents.items()}


@pytest.fixture
def shop(tmp_path: Path, source: MySQLServer, schema: str) -> Shop:
    return Shop(MappingCommands(tmp_path, source), source, schema)


def test_a_document_is_shown_with_all_that_it_embeds_at_any_depth(shop: Shop) -> None:
    documents, told = shop.shown()

    assert told == ""
    assert documents[7] == {
        "_id": 7,
        "customer_id": 1,
        "customer": {"_id": 1, "name": "Ada"},
        "lines": [
            {"no": None, "price": 30, "product": {"title": "pen"}},
            {"no": 1, "price": 20, "product": None},
            {"no": 2, "price": 10, "product": {"title": "pen"}},
        ],
    }
    assert documents[8]["customer"] is None
    assert documents[8]["lines"] == [{"no": 1, "price": 50, "product": None}]
    assert documents[9] == {"_id": 9, "customer_id": 5, "customer": None, "lines": []}


def test_the_one_row_that_is_asked_for_has_what_it_embeds_too(shop: Shop) -> None:
    documents, _ = shop.shown("--key", "8")

    assert [*documents] == [8]
    assert documents[8]["lines"] == [{"no": 1, "price": 50, "product": None}]


def test_an_array_has_the_first_elements_in_its_order(shop: Shop) -> None:
    shop.embeds(lines={**LINES, "limit": 2})

    assert shop.arrays() == {7: [None, 1], 8: [1], 9: []}


@pytest.mark.parametrize(
    "index", ["", "KEY (order_id)", "KEY (line_no, order_id)", "UNIQUE (order_id, id)"]
)
def test_rows_are_found_whatever_index_there_is(shop: Shop, index: str) -> None:
    shop.sql("ALTER TABLE {0}.order_lines DROP KEY order_id")
    if index:
        shop.sql(f"ALTER TABLE {{0}}.order_lines ADD {index}")

    assert shop.arrays() == {7: [None, 1, 2], 8: [1], 9: []}


def test_a_link_of_several_fields_finds_what_all_of_them_find(shop: Shop) -> None:
    shop.sql(
        "ALTER TABLE {0}.orders ADD line INT",
        "UPDATE {0}.orders SET line = 1",
    )
    shop.embeds(lines={**LINES, "on": {"_id": "order_id", "line": "line_no"}})

    assert shop.arrays() == {7: [1], 8: [1], 9: []}


@pytest.mark.parametrize("collation", ["utf8mb4_general_ci", "utf8mb4_bin"])
def test_texts_that_the_server_takes_for_equal_are_still_two(shop: Shop, collation: str) -> None:
    shop.sql(
        f"CREATE TABLE {{0}}.notes (id INT PRIMARY KEY, word VARCHAR(9) COLLATE {collation},"
        " KEY (word)) CHARACTER SET utf8mb4",
        "ALTER TABLE {0}.orders ADD word VARCHAR(9)",
        "UPDATE {0}.orders SET word = 'a'",
        "INSERT INTO {0}.notes VALUES (1, 'a'), (2, 'A'), (3, 'ä')",
    )
    shop.follow("notes")
    shop.embeds(notes={"many": "notes", "on": {"word": "word"}})

    documents, _ = shop.shown("--key", "9")

    assert documents[9]["notes"] == [{"_id": 1, "word": "a"}]


@pytest.mark.parametrize("type_", ["DATETIME(6)", "TIMESTAMP(6) NULL"])
def test_a_link_that_holds_less_than_the_column_finds_its_rows(shop: Shop, type_: str) -> None:
    shop.sql(
        f"CREATE TABLE {{0}}.moments (id INT PRIMARY KEY, at {type_}, KEY (at))",
        f"ALTER TABLE {{0}}.orders ADD at {type_}",
        "UPDATE {0}.orders SET at = '2024-05-06 07:08:09.123'",
        "INSERT INTO {0}.moments VALUES (1, '2024-05-06 07:08:09.123456')",
    )
    shop.follow("moments", fields={"at": "at", "word": {"value": "then"}})
    shop.embeds(then={"many": "moments", "on": {"at": "at"}, "fields": ["word"]})

    documents, _ = shop.shown("--key", "9")

    assert documents[9]["then"] == [{"word": "then"}]


def test_a_column_that_is_cast_is_found_by_what_the_documents_hold(shop: Shop) -> None:
    shop.sql("ALTER TABLE {0}.orders ADD word VARCHAR(9)", "UPDATE {0}.orders SET word = '7'")
    fields = {"number": {"column": "order_id", "type": "string"}, "line_no": "line_no"}
    shop.follow("order_lines", fields=fields)
    shop.embeds(
        lines={"many": "order_lines", "on": {"word": "number"}, "fields": {"no": "line_no"}}
    )

    documents, _ = shop.shown("--key", "9")

    assert [each["no"] for each in documents[9]["lines"]] == [2, 1, None, 3]


def test_it_is_told_what_was_not_read(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_rows, "MOST_ROWS", 2)

    documents, found = shop.shown()
    shop.sql("ALTER TABLE {0}.order_lines DROP KEY order_id")
    _, first = shop.shown()

    assert [each["no"] for each in documents[7]["lines"]] != [None, 1, 2]
    assert "orders.lines may lack some: 3 rows of" in found
    assert "were read, of those that it finds\n" in found
    assert (
        "order_lines were read, the first ones, since no index of the table finds order_id\n"
        in (first)
    )


def test_a_row_that_cannot_be_carried_over_is_told_and_not_embedded(shop: Shop) -> None:
    shop.sql(
        "ALTER TABLE {0}.order_lines ADD extra LONGTEXT",
        "UPDATE {0}.order_lines SET extra = IF(id = 1, 'no json', '[]')",
    )
    fields = {"order_id": "order_id", "line_no": "line_no"}
    shop.follow("order_lines", fields={**fields, "extra": {"column": "extra", "type": "json"}})
    shop.embeds(lines={"many": "order_lines", "on": "order_id", "fields": {"no": "line_no"}})

    documents, told = shop.shown("--key", "7")

    assert [each["no"] for each in documents[7]["lines"]] == [1, None, 3]
    assert "order_lines has rows that cannot be carried over: cdc mapping preview" in told


def test_shards_of_a_table_are_all_embedded(shop: Shop) -> None:
    shop.sql(
        "CREATE TABLE {0}.notes_1 (id INT PRIMARY KEY, order_id INT)",
        "CREATE TABLE {0}.notes_2 (id INT PRIMARY KEY, order_id INT)",
        "INSERT INTO {0}.notes_1 VALUES (1, 7)",
        "INSERT INTO {0}.notes_2 VALUES (1, 7), (2, 8)",
    )
    shop.follow("notes_*", id=[{"source": "table"}, "id"])
    shop.embeds(notes={"many": "notes_*", "on": "order_id"})

    documents, _ = shop.shown("--key", "7")

    assert [each["_id"]["table"] for each in documents[7]["notes"]] == ["notes_1", "notes_2"]

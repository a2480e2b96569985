"""docs/expressions.md says what the code does."""

import json
import re
from pathlib import Path

import pytest

from cdc.mapping.expressions import collations, compile_expression, parse
from cdc.mapping.expressions.vocabulary import FUNCTIONS
from cdc.model.table_map import Column, FieldType

TEXT = (Path(__file__).parents[4] / "docs" / "expressions.md").read_text()
EXAMPLES = re.findall(r"^\| `(.+?)` \| `(\{.*?\})` \| `(.*?)` \|$", TEXT, re.MULTILINE)
COLUMNS = {
    column.name: column
    for column in (
        Column("id", FieldType.LONGLONG, nullable=False),
        Column("lang", FieldType.VARCHAR, length=80, collation=255),
        Column("deleted_at", FieldType.DATETIME2),
        Column("doc", FieldType.JSON),
    )
}


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 13


@pytest.mark.parametrize(("sql", "row", "value"), EXAMPLES)
def test_an_example(sql: str, row: str, value: str) -> None:
    expression = compile_expression(parse(sql), COLUMNS)
    values = json.loads(row)

    found = expression.evaluate(tuple(values[name] for name in expression.columns))

    assert found == json.loads(value)


def test_every_function_is_listed() -> None:
    listed = TEXT.partition("- Functions: ")[2].partition(".")[0]

    assert re.findall(r"\w+", listed) == sorted(FUNCTIONS)


def test_every_collation_is_listed() -> None:
    listed = TEXT.partition("for every character of Unicode:")[2].partition(".")[0]

    assert re.findall(r"\w+", listed) == collations.names()

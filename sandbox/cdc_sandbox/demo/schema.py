"""The demo's tables in the source."""

from __future__ import annotations

from importlib.resources import files

from cdc_sandbox.demo.connections import Connection

SCHEMA = "twitter"


def statements() -> list[str]:
    """Return the statements of `schema.sql`."""
    text = files("cdc_sandbox.demo").joinpath("schema.sql").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    return [each.strip() for each in "\n".join(lines).split(";") if each.strip()]


def create_database(connection: Connection) -> None:
    """Create the schema, if it is missing, and nothing in it."""
    connection.cursor().execute(statements()[0])
    connection.commit()


def create(connection: Connection) -> None:
    """Create what is missing of the schema and its tables."""
    cursor = connection.cursor()
    for statement in statements():
        cursor.execute(statement)
    connection.commit()

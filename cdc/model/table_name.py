"""Table names: schema and table as one text, and as SQL writes them.

A dot in a schema's name is written in brackets, `a[.]b.orders`, and so is a bracket, `[[]`. So the
first dot outside brackets ends the schema's name. The table's name follows as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_IN_SCHEMA: Final = re.compile(r"[.\[]")
_BRACKETED: Final = re.compile(r"\[(.)\]", re.DOTALL)
_SCHEMA: Final = re.compile(r"(?:\[.\]|[^.])*", re.DOTALL)


def full_name(schema: str, table: str) -> str:
    """Return both names as one text."""
    if "." in schema or "[" in schema:
        schema = _IN_SCHEMA.sub(r"[\g<0>]", schema)
    return f"{schema}.{table}"


def split_name(name: str) -> tuple[str, str]:
    """Return the schema's and the table's name from what `full_name` wrote."""
    if "[" not in name:
        schema, _, table = name.partition(".")
        return schema, table
    found = _SCHEMA.match(name)
    end = found.end() if found else 0
    return _BRACKETED.sub(r"\1", name[:end]), name[end + 1 :]


def table_and_target(copy: str) -> Iterator[tuple[str, str]]:
    """Yield the possible (table, collection) pairs of `table collection`: names may hold spaces."""
    for space in re.finditer(" ", copy):
        yield copy[: space.start()], copy[space.end() :]


def sql_name(*names: str) -> str:
    """Return names as SQL writes them, quoted, with dots between."""
    return ".".join("`{}`".format(name.replace("`", "``")) for name in names)

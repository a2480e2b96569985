"""`cdc mapping preview`: rows, and the documents that they become."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import bson
import click
from bson import json_util

from cdc.commands import config_option, output_option
from cdc.commands.mapping.embedded_rows import EmbeddedRows
from cdc.commands.mapping.inputs import followed
from cdc.commands.mapping.side_by_side import side_by_side
from cdc.errors import UsageError
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.project import load_project
from cdc.mapping.tools.preview import HIDDEN, Pair, Preview
from cdc.model.any_time import ANY_TIME
from cdc.model.table_name import split_name
from cdc.readers.select.chunk_reader import ChunkReader
from cdc.readers.select.keys import Key
from cdc.readers.select.select_table import SelectTable
from cdc.terminal.output import say

OPTIONS: Final = json_util.RELAXED_JSON_OPTIONS
INDENT: Final = 2


@click.command()
@click.argument("table")
@config_option
@output_option
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=5, show_default=True, help="How many rows."
)
@click.option(
    "--key",
    multiple=True,
    help="The row of this key alone; written once for each column of the key.",
)
def preview(table: str, config_path: Path, output: str, limit: int, key: tuple[str, ...]) -> None:
    """Show rows of TABLE and the documents they become, side by side, with what these embed.

    Columns that the mapping masks or leaves out are shown as ***. With --output json each line
    is an object with table, target, row, document and note, values as extended JSON. Nothing is
    written anywhere.
    """
    config, mappings = load_project(config_path)
    with closing(ChunkReader(config.source)) as reader:
        rows = EmbeddedRows(config, mappings, reader)
        for each, table_map in followed(config, table, mappings):
            name = table_map.name
            pairs = whole(each, pairs_of(reader, each, name, limit, key), rows)
            for pair in pairs:
                if output == "json":
                    say(_as_json(each, name, pair))
                else:
                    say("\n".join(_as_text(each, name, pair)) + "\n")
            if not pairs:
                say(f"{name} has no {'such row' if key else 'rows'}", err=True)
    for note in rows.notes:
        say(note, err=True)


def pairs_of(
    reader: ChunkReader,
    each: Mapping,
    name: str,
    limit: int,
    key: tuple[str, ...] = (),
    *,
    within: Mapping | None = None,
) -> list[Pair]:
    """Return rows of a table, the first ones or that with a key, beside their documents.

    Rows that the `where` of `within` leaves out are hidden.
    """
    opened = reader.open(*split_name(name), each.id_columns)
    events = reader.peek(opened, limit=limit, keys=_keys(opened, key))
    seen = Preview(each, opened.map, within=within)
    return [seen.pair(event, time.time()) for event in events]


def whole(each: Mapping, pairs: Sequence[Pair], rows: EmbeddedRows) -> list[Pair]:
    """Return the pairs with what their documents embed."""
    own = [pair.document for pair in pairs if pair.document is not None]
    found = iter(rows.whole(each.target, own))
    return [
        pair if pair.document is None else replace(pair, document=next(found)) for pair in pairs
    ]


def _keys(table: SelectTable, values: tuple[str, ...]) -> list[Key]:
    if not values:
        return []
    found = table.key_found(values)
    if found is None:
        names = ", ".join(column.name for column in table.key)
        raise UsageError(
            f"--key {' --key '.join(values)} is no key of {table.name}",
            remedy=f"its key is ({names}): write --key once for each, with a value of its type",
        )
    return [found]


def _as_json(each: Mapping, name: str, pair: Pair) -> str:
    found = {
        "table": name,
        "target": each.target,
        "row": pair.row,
        "document": None if pair.document is None else _decoded(pair.document),
        "note": pair.note or None,
    }
    return json_util.dumps(found, json_options=OPTIONS, ensure_ascii=False)


def _as_text(each: Mapping, name: str, pair: Pair) -> Iterator[str]:
    rows = [name, *(f"  {column}: {shown(value)}" for column, value in pair.row.items())]
    if pair.document is None:
        documents = [f"no document in {each.target}", f"  {pair.note}"]
    else:
        documents = [each.target, *(f"  {line}" for line in document_lines(pair.document))]
    return side_by_side(rows, documents, shutil.get_terminal_size().columns)


def _decoded(document: bytes) -> dict[str, Any]:
    return bson.decode(document, ANY_TIME)


def shown(value: Any) -> str:
    """Return a value of a row as extended JSON; of a hidden column the stars alone."""
    return HIDDEN if value == HIDDEN else _value(value)


def _value(value: Any) -> str:
    return json_util.dumps(value, json_options=OPTIONS, ensure_ascii=False)


def document_lines(document: bytes) -> list[str]:
    """Format a document, its values as extended JSON."""
    plain = json.loads(_value(_decoded(document)))
    return json.dumps(plain, indent=INDENT, ensure_ascii=False).split("\n")

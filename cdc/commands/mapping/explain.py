"""`cdc mapping explain`: the functions that turn a table's rows into documents."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

import click

from cdc.commands import config_option
from cdc.commands.mapping.inputs import followed
from cdc.mapping.compile.compiler import compile_plan
from cdc.mapping.file.embed_graph import EmbedGraph
from cdc.mapping.file.project import load_project
from cdc.model.table_map import TableMap
from cdc.terminal.output import in_a_line, say
from cdc.terminal.paths import from_here


@click.command()
@click.argument("table")
@config_option
def explain(table: str, config_path: Path) -> None:
    """Print the functions that turn TABLE's rows into documents.

    They are the ones for rows without NULLs; each other set of NULLs gets its own while running.
    TABLE is schema.table, or a glob as a mapping writes it.
    """
    config, mappings = load_project(config_path)
    for each, table_map in followed(config, table, mappings):
        names = f"{table_map.name} becomes {each.target}, by {each.origin.file}"
        say(f"# {in_a_line(from_here(names))}")
        for line in _embeds(each.target, EmbedGraph(mappings)):
            say(f"# {in_a_line(line)}")
        say("\n".join(_legend(table_map)) + "\n")
        say(compile_plan(each, table_map).generated_source)


def _embeds(collection: str, graph: EmbedGraph) -> Iterator[str]:
    """Yield what the collection's documents embed, and where they are embedded themselves."""
    for edge in graph.below(collection):
        found = " and ".join(f"{pair.ours} = {pair.theirs}" for pair in edge.embed.pairs)
        yield f"{collection}.{edge.path} holds {edge.embed.kind} of {edge.child}, by {found}"
    for edge in graph.above(collection):
        yield f"its documents are part of {edge.parent}, as {edge.path}"
        yield from (f"  and so {line}" for line in _reached(edge.parent, graph))


def _reached(collection: str, graph: EmbedGraph) -> Iterator[str]:
    for edge in graph.above(collection):
        yield f"of {edge.parent}, as {edge.path} holds these"
        yield from _reached(edge.parent, graph)


def _legend(table: TableMap) -> Iterator[str]:
    """Yield a legend of the names in the functions."""
    columns = ", ".join(f"{at} {column.name}" for at, column in enumerate(table.columns))
    yield from textwrap.wrap(
        f"The columns are numbered: {columns}. What is called c3 is column 3 of the row, k3 that of"
        " the row before an update or a delete; n_, s_ and q_ are its length, where it begins and"
        " where it ends, v_ its BSON and t_ its type. A row is read from p to q; i is its id and d"
        " its document, b the id that it had before; id_value is an id without its type, size the"
        " bytes of a document, field or fields what may be left out of it. w and v tell whether"
        " `where` is true of the row and of the one before. A row that raises is counted by slow"
        " and read again, with every check, by checked_row. One with NULLs has functions of its"
        " own.",
        width=96,
        initial_indent="# ",
        subsequent_indent="# ",
        break_on_hyphens=False,
    )

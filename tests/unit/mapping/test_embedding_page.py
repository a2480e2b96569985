"""docs/embedding.md says what the code does."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import bson
import pytest

from cdc.commands.mapping import embedded_rows
from cdc.config.yaml12 import parse
from cdc.mapping.file.embed_graph import EmbedGraph, embed_mistakes
from cdc.mapping.file.mapping import Mapping
from cdc.writers.embedding import embedder, terms
from cdc.writers.embedding.bson_paths import with_values
from cdc.writers.embedding.edges import Children, Edge

TEXT = (Path(__file__).parents[3] / "docs" / "embedding.md").read_text()
MAPPINGS = [
    Mapping.model_validate(parse(each).data)
    for each in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
]
[DOCUMENT] = [json.loads(each) for each in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)]


def test_its_mappings_make_no_mistake() -> None:
    assert [each.what for each in embed_mistakes(MAPPINGS)] == []


def value(edge: Edge, documents: Sequence[bytes]) -> bytes:
    children = Children()
    for each in documents:
        children.add(edge.element(each), 1 << 24)
    return edge.value(children)


def test_its_document_is_what_its_mappings_make() -> None:
    edges = {each.name: each for each in map(Edge.of, EmbedGraph(MAPPINGS).edges)}
    product, lines = edges["order_lines product"], edges["orders lines"]
    pen = bson.encode({"_id": 5, "title": "pen", "price": 3})
    first = {"_id": 1, "order_id": 7, "line_no": 1, "price": 10}
    second = {"_id": 2, "order_id": 7, "line_no": 2, "price": 25}

    found = [
        with_values(bson.encode(line), [(product.path, value(product, products))])
        for line, products in ((first, [pen]), (second, []))
    ]
    customer = value(edges["orders customer"], [bson.encode({"_id": 42, "name": "Ada"})])
    own = bson.encode({"_id": 7, "customer_id": 42, "note": "urgent"})
    whole = with_values(own, [(("customer",), customer), (lines.path, value(lines, found))])

    assert bson.decode(whole) == DOCUMENT


@pytest.mark.parametrize("number", [terms.AT_ONCE, embedder.PIECE, embedded_rows.MOST_ROWS])
def test_its_numbers_are_those_of_the_code(number: int) -> None:
    assert f"{number:,}" in TEXT

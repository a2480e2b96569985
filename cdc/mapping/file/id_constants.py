"""Tells the constants in a mapping's ids: they keep its documents apart from others'."""

from __future__ import annotations

from collections.abc import Iterable

from cdc.mapping.file.embed_graph import EmbedGraph
from cdc.mapping.file.ids import IdPart
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.table_globs import source_pattern
from cdc.model.id_space import IdSpace, around


def constant_parts(mapping: Mapping) -> dict[str, str | int]:
    """Return what the ids of all its documents hold, by field.

    The name of a schema or table is a constant if `source` has no glob for it.
    """
    found = {part.field: _constant(mapping, part) for part in mapping.id_parts}
    return {field: value for field, value in found.items() if value is not None}


def _constant(mapping: Mapping, part: IdPart) -> str | int | None:
    pattern = source_pattern(mapping.source)
    if part.source == "stream":
        return mapping.stream
    if part.source is None:
        return part.value
    if part.source in pattern.varying:
        return None
    schema, table = pattern.named
    return schema if part.source == "schema" else table


def id_spaces(mappings: Iterable[Mapping]) -> dict[str, IdSpace]:
    """Return what keeps the ids of each collection apart from other streams' ids.

    What embeds or is embedded is linked to any document of the collection, so nothing does there.
    """
    targets: dict[str, list[Mapping]] = {}
    for each in mappings:
        targets.setdefault(each.target, []).append(each)
    graph = EmbedGraph([each for found in targets.values() for each in found])
    return {
        target: {}
        if graph.above(target) or graph.below(target)
        else around(map(constant_parts, of))
        for target, of in targets.items()
    }

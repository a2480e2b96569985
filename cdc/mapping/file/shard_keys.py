"""The shard key that a mapping wants for its collection, and the mistakes in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from cdc.mapping.file.allowed_names import IndexedPath, nested
from cdc.mapping.file.policies import SoftDelete
from cdc.mapping.file.problems import Problem, did_you_mean

if TYPE_CHECKING:
    from cdc.mapping.file.mapping import Mapping

HASHED: Final = "hashed"
ID: Final = "_id"


def _kind(value: object) -> object:
    if isinstance(value, bool) or value not in (1, HASHED):
        raise ValueError("must be 1 or hashed: a shard key knows no other")
    return value


Kind = Annotated[Literal[1, "hashed"], BeforeValidator(_kind)]
ShardKey = Annotated[dict[IndexedPath, Kind], Field(min_length=1)]
"""The fields of a shard key, in order: 1 for ranges of its values, or hashed."""

STAYS: Final = (
    "documents of rows that are gone would stay, and a row that comes again could not find its own"
)


def is_of_id(path: str) -> bool:
    """Return whether a field of a shard key is `_id` or a part of it."""
    return path.partition(".")[0] == ID


def shard_key_mistakes(mappings: Sequence[Mapping]) -> Iterator[Problem]:
    """Yield the mistakes in shard keys, as far as the files show them."""
    embedded = {embed.collection for each in mappings for embed in each.embed.values()}
    for mapping in mappings:
        if mapping.shard_key is not None:
            yield from _own(mapping, mapping.shard_key)
            if mapping.shard_fields:
                yield from _unsupported(mapping, is_embedded=mapping.target in embedded)
    for one, other in combinations(mappings, 2):
        if one.target == other.target and _ordered(one) != _ordered(other):
            what = f"mappings with the target `{one.target}` must agree on `shard_key`"
            yield other.origin.mistake(("shard_key",), what)


def _ordered(mapping: Mapping) -> list[tuple[str, object]] | None:
    return None if mapping.shard_key is None else [*mapping.shard_key.items()]


def _own(mapping: Mapping, key: dict[str, Literal[1, "hashed"]]) -> Iterator[Problem]:
    hashed = [path for path, kind in key.items() if kind == HASHED]
    if len(hashed) > 1:
        what = (
            f"`{hashed[1]}` is hashed, as `{hashed[0]}` is: a shard key has one such field at most"
        )
        yield mapping.origin.mistake(("shard_key", hashed[1]), what)
    for one, other in combinations(key, 2):
        if below := nested(one, other):
            above = one if below == other else other
            what = f"`{below}` is a part of `{above}`, which is in the key as a whole"
            yield mapping.origin.mistake(("shard_key", below), what)
    if mapping.hidden:
        what = "a hidden collection is not sharded: take `shard_key` or `hidden` out"
        yield mapping.origin.mistake(("shard_key",), what)
    for path in mapping.shard_fields:
        rules = mapping.fields
        if rules is None or any(nested(path, each) for each in rules):
            continue  # told with the table's columns, or of what has fields of its own
        if path not in rules:
            yield mapping.origin.mistake(("shard_key", path), unknown(path, [*rules]))
        elif rules[path].column is None or rules[path].mask == "redact":
            yield mapping.origin.mistake(("shard_key", path), no_column(path))
        elif rules[path].optional:
            what = f"`{path}` is optional: a document without it would have no place"
            yield mapping.origin.mistake(("shard_key", path), what)


def unknown(path: str, known: Sequence[str]) -> str:
    """Return the mistake of a field that the documents have not."""
    return f"the documents have no field `{path}`{did_you_mean(path, known)}"


def no_column(path: str) -> str:
    """Return the mistake of a field that is no column's value."""
    return f"`{path}` comes from no column: a shard key is made of columns"


def _unsupported(mapping: Mapping, *, is_embedded: bool) -> Iterator[Problem]:
    """Refuse what cannot be kept right where a field outside `_id` says where a document is."""
    field = f"`{mapping.shard_fields[0]}` in the shard key"
    origin = mapping.origin
    if mapping.embed:
        what = f"documents with {field} cannot embed others yet: take `embed` or the field out"
        yield origin.mistake(("embed",), what)
    if is_embedded:
        what = f"documents with {field} cannot be embedded yet, and another mapping embeds these"
        yield origin.mistake(("shard_key",), what)
    if isinstance(mapping.on_delete, SoftDelete):
        what = f"`set` and {field} do not go together: {STAYS}"
        yield origin.mistake(("on_delete",), what)
    for key, policy in (("on_truncate", mapping.on_truncate), ("on_drop", mapping.on_drop)):
        if policy == "ignore":
            what = f"`ignore` and {field} do not go together: {STAYS}"
            yield origin.mistake((key,), what)

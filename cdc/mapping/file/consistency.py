"""Finds the mistakes in a mapping that do not depend on its table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from cdc.config.yaml12 import Path as KeyPath
from cdc.mapping.file.allowed_names import nested
from cdc.mapping.file.mapping import Mapping, SoftDelete
from cdc.mapping.file.problems import Problem


def own_mistakes(mapping: Mapping) -> Iterator[Problem]:
    """Yield the mistakes of a mapping that contradicts itself, or the configuration."""
    yield from _meaningless(mapping)
    fields = [part.field for part in mapping.id_parts]
    twice = [*_repeated(mapping, "id", fields), *_repeated(mapping, "id", mapping.id_columns)]
    yield from dict.fromkeys(twice)
    yield from _repeated(mapping, "exclude", mapping.exclude)
    yield from _without_columns(mapping)
    yield from unsafe_id(mapping, dict.fromkeys(mapping.id_columns))
    yield from _conflicts(mapping)
    yield from _stamped_over(mapping)
    yield from _keyless(mapping)


def _meaningless(mapping: Mapping) -> Iterator[Problem]:
    for key, given in (("exclude", mapping.exclude), ("case", mapping.case != "keep")):
        if mapping.fields is not None and given:
            what = f"`{key}` means nothing beside `fields`, which lists all there is"
            yield mapping.origin.mistake((key,), what)


def _repeated(mapping: Mapping, key: str, names: Sequence[str]) -> Iterator[Problem]:
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        yield mapping.origin.mistake((key,), f"`{name}` stands twice in `{key}`")


def _without_columns(mapping: Mapping) -> Iterator[Problem]:
    if mapping.id_parts and not mapping.id_columns:
        what = "the id holds no column: all rows of the table would share one document"
        yield mapping.origin.mistake(("id",), what)


def unsafe_id(mapping: Mapping, columns: Iterable[str]) -> Iterator[Problem]:
    """Refuse an id of `columns` that shows what the rest of the mapping hides."""
    hashed = {part.column for part in mapping.id_parts if part.mask}
    for name in columns:
        if name in mapping.exclude:
            yield mapping.origin.mistake(("exclude",), f"column `{name}` is part of the id")
        if name in mapping.masked_columns and name not in hashed:
            what = (
                f"column `{name}` is masked in `fields`, but the id shows it: "
                f"write {{column: {name}, mask: hash}}"
            )
            yield mapping.origin.mistake(("id",) if mapping.id else ("fields",), what)


def _conflicts(mapping: Mapping) -> Iterator[Problem]:
    fields = mapping.fields or {}
    yield from _nested(mapping, ("fields",), combinations(fields, 2))
    if isinstance(mapping.on_delete, SoftDelete):
        key, paths = ("on_delete", "set"), mapping.on_delete.set
        yield from _nested(mapping, key, combinations(paths, 2))
        yield from _nested(mapping, key, ((path, field) for path in paths for field in fields))


def _stamped_over(mapping: Mapping) -> Iterator[Problem]:
    """Refuse a stamp in the place of a field; renamed columns are checked later."""
    paths = [*(mapping.fields or ())]
    if isinstance(mapping.on_delete, SoftDelete):
        paths += mapping.on_delete.set
    if mapping.stamp in {path.partition(".")[0] for path in paths}:
        what = f"`{mapping.stamp}` is a field of the documents already"
        yield mapping.origin.mistake(("stamp",), what)


def _nested(mapping: Mapping, key: KeyPath, pairs: Iterable[tuple[str, str]]) -> Iterator[Problem]:
    """Refuse pairs of which one nests below the other; the first is written below `key`."""
    for one, other in pairs:
        below = nested(one, other)
        if below is not None:
            above = one if below == other else other
            what = f"`{below}` nests below `{above}`, which is a field of its own"
            yield mapping.origin.mistake((*key, below if key == ("fields",) else one), what)


def _keyless(mapping: Mapping) -> Iterator[Problem]:
    if mapping.mask_key:
        return
    hashed: list[KeyPath] = [
        ("fields", path) for path, rule in (mapping.fields or {}).items() if rule.mask == "hash"
    ]
    hashed += [("id",) for part in mapping.id_parts if part.mask == "hash"]
    for path in hashed:
        what = "`mask: hash` needs a key: write `mask_key` or `mask_key_file` into cdc.yaml"
        yield mapping.origin.mistake(path, what)

"""The history that a mapping keeps of its rows' changes, and the mistakes in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BeforeValidator, Field, StrictInt

from cdc.mapping.file.allowed_names import CollectionName, Strict
from cdc.mapping.file.indexes import Index
from cdc.mapping.file.problems import Problem
from cdc.mapping.file.table_globs import NamePart, source_pattern

if TYPE_CHECKING:
    from cdc.mapping.file.mapping import Mapping

DAY_SECONDS: Final = 86_400

MOST_DAYS: Final = 24_855
"""MongoDB counts the seconds of an index that expires documents in 31 bits."""


class History(Strict):
    """Keep each change of a row as a document of its own."""

    collection: CollectionName
    """The collection that holds them, in the target's database."""
    keep_days: Annotated[StrictInt, Field(ge=1, le=MOST_DAYS)] | None = None
    """MongoDB removes them so many days after the commit; by default they stay."""

    @property
    def keep_seconds(self) -> int | None:
        """As `keep_days`."""
        return None if self.keep_days is None else self.keep_days * DAY_SECONDS


def _named(value: Any) -> Any:
    return {"collection": value} if isinstance(value, str) else value


MappingHistory = Annotated[
    History,
    BeforeValidator(_named, json_schema_input_type=CollectionName | History),
]

OF_A_ROW: Final = Index.model_validate({"keys": {"keys": 1, "number": 1, "_id.row": 1}})
"""Finds the changes of one row's document, in their order."""

BY_TIME_NAME: Final = "committed_at_1"
BY_TIME: Final = Index.model_validate({"keys": {"committed_at": 1}, "name": BY_TIME_NAME})
"""Finds what changed in a time, and what MongoDB removes by `keep_days`."""


def collections_of(mapping: Mapping) -> tuple[str, ...]:
    """Return the collections that a mapping writes, as mappings name them: `target` first."""
    return (mapping.target, *([mapping.history.collection] if mapping.history else ()))


def histories(mappings: Iterable[Mapping]) -> dict[str, list[Mapping]]:
    """Return the mappings that keep a history, by its collection."""
    found: dict[str, list[Mapping]] = {}
    for each in mappings:
        if each.history is not None:
            found.setdefault(each.history.collection, []).append(each)
    return found


def expiring_of(mappings: Sequence[Mapping]) -> tuple[str, ...]:
    """Return the name of the index by which a history's documents expire, if they do."""
    keeps = any(each.history and each.history.keep_days for each in mappings)
    return (BY_TIME_NAME,) if keeps else ()


def history_mistakes(mappings: Sequence[Mapping]) -> Iterator[Problem]:
    """Yield the mistakes in histories, as far as the files show them."""
    targets = {each.target: each for each in reversed(mappings)}
    for name, keeping in histories(mappings).items():
        for each in keeping:
            if (owner := targets.get(name)) is not None:
                whose = "this mapping" if owner is each else str(owner.origin.file)
                what = f"`{name}` is the target of {whose}: a history is a collection of its own"
                yield each.origin.mistake(("history",), what)
            if each.hidden:
                what = "a hidden collection's documents are for embedding only, and a history shows"
                what += " them: take `hidden` or `history` out"
                yield each.origin.mistake(("history",), what)
        for one, other in combinations(keeping, 2):
            yield from _shared(name, one, other)


def _shared(name: str, one: Mapping, other: Mapping) -> Iterator[Problem]:
    """Refuse two histories in one collection that cannot be told apart, or that expire apart."""
    parts: tuple[NamePart, ...] = ("schema", "table")
    first, second = source_pattern(one.source), source_pattern(other.source)
    if not any(first.never_shares(part, second) for part in parts):
        what = (
            f"`{name}` keeps the history of {one.origin.file} already, and both may follow one"
            " table, by which alone two histories are told apart: name another collection"
        )
        yield other.origin.mistake(("history",), what)
    assert one.history is not None
    assert other.history is not None
    if one.history.keep_days != other.history.keep_days:
        what = f"mappings that keep their history in `{name}` must agree on `keep_days`"
        yield other.origin.mistake(("history",), what)

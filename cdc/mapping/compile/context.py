"""The context of compiling a mapping for a table: sources, and every mismatch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cdc.config.yaml12 import Path as KeyPath
from cdc.mapping.compile import computed_fields, masks
from cdc.mapping.counts import Losses
from cdc.mapping.file.fields import FieldSource, RowOrigin
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.problems import Problem, did_you_mean
from cdc.mapping.layout.sources import ABSENT, NULL, Constant, Encoded, FromColumn, Source
from cdc.mapping.types.defaults import UnfitDefault, default, natural
from cdc.mapping.types.encoder import Encoder
from cdc.mapping.types.registry import Unsupported, encoder
from cdc.mapping.types.zones import in_zone
from cdc.model.table_map import Column, TableMap


@dataclass(slots=True)
class CompileContext:
    """Collects the sources of a layout, and the mistakes."""

    mapping: Mapping
    table: TableMap
    losses: Losses
    sources: list[Source] = field(default_factory=list)
    mistakes: list[Problem] = field(default_factory=list)
    _index: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        """Index the columns that can be named."""
        columns = enumerate(self.table.columns)
        self._index = {column.name: at for at, column in columns if not column.hidden}

    def mistake(self, path: KeyPath, what: str) -> None:
        """Add a mistake at a key of the mapping."""
        self.mistakes.append(self.mapping.origin.mistake(path, what))

    def mistake_in(self, path: KeyPath, sql: str, at: int | None, what: str) -> None:
        """Add a mistake in an expression at a key of the mapping; `at` is its place, if known."""
        self.mistakes.append(self.mapping.origin.mistake_in(path, sql, at, what))

    def unknown(self, name: str) -> str:
        """Return what is said of a column that the table does not have."""
        return f"unknown column `{name}`{did_you_mean(name, [*self._index])}"

    def has(self, name: str) -> bool:
        """Return whether the table has this column."""
        return name in self._index

    def has_any_case(self, name: str) -> bool:
        """Return whether the table has this column, in any case, as expressions name it."""
        return name in self._index or name.lower() in map(str.lower, self._index)

    def column(self, path: KeyPath, name: str) -> int | None:
        """Return a column's number; None if there was a mistake."""
        index = self._index.get(name)
        if index is None:
            self.mistake(path, self.unknown(name))
        return index

    def add(self, source: Source) -> int:
        """Add a source; return its number."""
        self.sources.append(source)
        return len(self.sources) - 1

    def constant(self, value: bool | int | float | str | None) -> int:
        """Add a constant; return its number."""
        return self.add(Constant(NULL if value is None else natural(value)))

    def name_of(self, origin: RowOrigin) -> int:
        """Add the name of the row's schema or table, or of its stream; return its number."""
        names: dict[RowOrigin, str] = {
            "schema": self.table.schema,
            "table": self.table.table,
            "stream": self.mapping.stream,
        }
        return self.constant(names[origin])

    def source(self, path: KeyPath, rule: FieldSource) -> int | None:
        """Add a field's source; return its number, None if there was a mistake."""
        if rule.source is not None:
            return self.name_of(rule.source)
        if rule.column is not None:
            return self._from_column(path, rule, rule.column)
        if rule.sql is not None:
            return computed_fields.field(self, path, rule)
        return self.constant(rule.value)

    def encoder(self, column: Column, rule: FieldSource) -> Encoder:
        """Return the encoder that a rule asks for; raises Unsupported."""
        report = self._reporter(column.name)
        if rule.mask is None:
            found = encoder(column, rule.type, report)
            return in_zone(column, found, self.mapping.time_zone)
        mask = masks.masking(rule.mask, self.mapping.mask_key_of(rule))
        return masks.masked(column, mask, report)

    def null(self, rule: FieldSource, encoder: Encoder) -> Encoded:
        """Return the value for NULL; raises UnfitDefault."""
        if rule.default is not None:
            return default(rule.default, encoder)
        return ABSENT if self.mapping.nulls == "omit" else NULL

    def _from_column(self, path: KeyPath, rule: FieldSource, name: str) -> int | None:
        index = self.column(path, name)
        if index is None:
            return None
        if rule.mask == "redact":
            return self.add(Constant(masks.REDACTED))
        column = self.table.columns[index]
        try:
            found = self.encoder(column, rule)
            return self.add(FromColumn(index, found, self.null(rule, found)))
        except (Unsupported, UnfitDefault) as error:
            self.mistake(path, f"column `{column.name}`: {error}")
            return None

    def _reporter(self, column: str) -> Callable[[str], None]:
        def report(reason: str) -> None:
            self.losses[column, reason] += 1

        return report

"""A collection that one mapping fills from a table, as jobs see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cdc.chunks.delete_rule import DeleteRule
from cdc.mapping.compile.plan import Plan
from cdc.mapping.file.mapping import Mapping as TableMapping
from cdc.model.dead_letter import Origin
from cdc.model.document_id import id_value
from cdc.model.operation import Operation
from cdc.readers.select.keys import Key
from cdc.readers.select.select_table import SelectTable
from cdc.writers.sharding import Paths


@dataclass(frozen=True, slots=True)
class MappedCollection:
    """A collection that one mapping fills from the table."""

    mapping: TableMapping
    plan: Plan
    own: Mapping[str, Any]
    removal: DeleteRule
    table: SelectTable | None
    """The table with a key that the id holds; None if it holds no key to read rows by."""

    @property
    def name(self) -> str:
        """The collection's name."""
        return self.plan.collection

    @property
    def origin(self) -> Origin:
        """The origin of its documents."""
        return Origin(self.plan.layout.table, self.plan.halts)

    @property
    def shard(self) -> Paths:
        """What names a document beside its `_id`."""
        return self.removal.shard

    @property
    def lone_field(self) -> str:
        """The only field of each `_id`; empty where they have several, or are no documents."""
        return self.mapping.lone_id_field

    def is_gone(self, document: bytes) -> bool:
        """Return whether a document is marked as that of a deleted row."""
        return self.removal.is_done(document)

    def removed(self, identifier: bytes, document: bytes) -> Operation:
        """Return the operation of `on_delete` for a document whose row is gone."""
        return self.removal.of(identifier, document)

    def key(self, identifier: bytes, table: SelectTable) -> Key | None:
        """Return the key of the row of `table` that may have this id; None if there is none."""
        found = id_value(identifier)
        listed = bool(self.mapping.id_parts)
        if self.mapping.id_is_document if listed else len(table.map.primary_key) > 1:
            if not isinstance(found, dict):
                return None
            fields = self.mapping.id_fields
            names = (fields.get(column.name, column.name) for column in table.key)
            return table.key_found([found.get(name) for name in names])
        return table.key_found([found])

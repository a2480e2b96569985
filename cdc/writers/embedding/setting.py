"""Sets embedded values in documents that are there, by one statement in all that get equal ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bson.raw_bson import RawBSONDocument

from cdc.mapping import bson_bytes
from cdc.model.document_id import query
from cdc.writers.commands import Command, statement
from cdc.writers.embedding.bson_paths import among
from cdc.writers.sync_timestamps import stamped


@dataclass(frozen=True, slots=True)
class Setting(Command):
    """An update command that makes the operations' documents of what is there, by `$set`.

    `fields` are a BSON document of dotted paths for each operation, by its id. It is as a replace,
    and the server logs and indexes only what differs. `apart`: each document has a statement of its
    own, so that a refusal names it.
    """

    fields: Mapping[bytes, bytes]
    apart: bool = False

    @property
    def is_shared(self) -> bool:
        """Whether a statement changes several documents."""
        return len(self._sets()) < len(self.operations)

    def body(self, stamp: bytes = b"") -> dict[str, Any]:
        """Return the command's document, as `Command.body`; a stamp stays in its place."""
        updates = [
            RawBSONDocument(_set(identifiers, stamped(fields, stamp)))
            for fields, identifiers in self._sets()
        ]
        return {"update": self.collection, "updates": updates, "ordered": True}

    def _sets(self) -> Sequence[tuple[bytes, Sequence[bytes]]]:
        """Return what the statements set, each with the ids of its documents."""
        sets = [(self.fields[each.id], each.id) for each in self.operations]
        if self.apart:
            return [(fields, (identifier,)) for fields, identifier in sets]
        return [*_alike(sets).items()]


def _alike(sets: Iterable[tuple[bytes, bytes]]) -> dict[bytes, list[bytes]]:
    alike: dict[bytes, list[bytes]] = {}
    for fields, identifier in sets:
        alike.setdefault(fields, []).append(identifier)
    return alike


def _set(identifiers: Sequence[bytes], fields: bytes) -> bytes:
    setting = bson_bytes.document(b"\x03$set\0" + fields)
    if len(identifiers) == 1:
        return statement(b"\x03q\0%b\x03u\0%b" % (query(identifiers[0]), setting))
    several = bson_bytes.document(b"\x03_id\0" + among(identifiers))
    return statement(b"\x03q\0%b\x03u\0%b\x08multi\0\x01" % (several, setting))

"""The characters of a source's charsets, by the server's collation ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdc.errors import RefusedEvent
from cdc.mapping.types import charsets

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymysql.connections import Connection


def decoder(connection: Connection[Any]) -> Callable[[bytes, int], str]:
    """Return a decoder of bytes of a collation, given by its id on this server.

    It raises RefusedEvent for a charset that cdc does not know, ValueError for bytes that are not
    of the charset.
    """
    names = collation_charsets(connection)

    def decode(raw: bytes, collation: int) -> str:
        name = names.get(collation, f"of collation {collation}")
        if name == "binary":
            return raw.decode("latin-1")
        found = charsets.decoder("utf8mb3" if name == "utf8" else name)
        if found is None:
            raise RefusedEvent(
                f"the charset {name} is not known to cdc",
                remedy="leave the column out of the mapping, or convert it to utf8mb4 on the"
                " source; then step over this transaction: cdc position skip",
            )
        return found[0](raw)

    return decode


def collation_charsets(connection: Connection[Any]) -> dict[int, str]:
    """Return the charset of every collation id.

    MariaDB's UCA 14.0.0 collations serve several charsets, with an id for each pair.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, character_set_name FROM information_schema.collations"
            " WHERE character_set_name IS NOT NULL"
        )
        found = {int(id_): str(name) for id_, name in cursor.fetchall()}
        cursor.execute(
            "SELECT 1 FROM information_schema.columns"
            " WHERE table_schema = 'information_schema' AND column_name = 'ID'"
            " AND table_name = 'COLLATION_CHARACTER_SET_APPLICABILITY'"
        )
        if cursor.fetchall():
            cursor.execute(
                "SELECT id, character_set_name"
                " FROM information_schema.collation_character_set_applicability"
            )
            found |= {int(id_): str(name) for id_, name in cursor.fetchall()}
    return found

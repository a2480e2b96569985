"""The characters of a source's charsets, by the server's collation ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cdc.errors import RefusedEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymysql.connections import Connection

_CODECS: Final = {
    "ascii": "ascii",
    "big5": "big5",
    "binary": "latin-1",
    "cp1250": "cp1250",
    "cp1251": "cp1251",
    "cp1256": "cp1256",
    "cp1257": "cp1257",
    "cp850": "cp850",
    "cp852": "cp852",
    "cp866": "cp866",
    "cp932": "cp932",
    "eucjpms": "euc_jp",
    "euckr": "cp949",
    "gb18030": "gb18030",
    "gb2312": "gb2312",
    "gbk": "gbk",
    "greek": "iso8859_7",
    "hebrew": "iso8859_8",
    "hp8": "hp_roman8",
    "koi8r": "koi8_r",
    "koi8u": "koi8_u",
    "latin1": "cp1252",
    "latin2": "iso8859_2",
    "latin5": "iso8859_9",
    "latin7": "iso8859_13",
    "macce": "mac_latin2",
    "macroman": "mac_roman",
    "sjis": "shift_jis",
    "tis620": "tis_620",
    "ucs2": "utf_16_be",
    "ujis": "euc_jp",
    "utf16": "utf_16_be",
    "utf16le": "utf_16_le",
    "utf32": "utf_32_be",
    "utf8": "utf_8",
    "utf8mb3": "utf_8",
    "utf8mb4": "utf_8",
}


def decoder(connection: Connection[Any]) -> Callable[[bytes, int], str]:
    """Return what turns bytes of a collation, by its id on this server, into text."""
    charsets = collation_charsets(connection)

    def decode(raw: bytes, collation: int) -> str:
        if raw.isascii() and collation not in wide:
            return raw.decode("ascii")
        return _decode(raw, charsets.get(collation, f"of collation {collation}"))

    wide = {id_ for id_, name in charsets.items() if name in {"ucs2", "utf16", "utf16le", "utf32"}}
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


def _decode(raw: bytes, charset: str) -> str:
    if charset not in _CODECS:
        raise RefusedEvent(
            f"the charset {charset} is not known to cdc",
            remedy="ALTER TABLE … CONVERT TO CHARACTER SET utf8mb4",
        )
    if charset == "latin1":
        return "".join(_LATIN1[byte] for byte in raw)
    return raw.decode(_CODECS[charset])


def _latin1(byte: int) -> str:
    """MySQL's latin1 is cp1252 whose five holes are the C1 controls."""
    try:
        return bytes([byte]).decode("cp1252")
    except UnicodeDecodeError:
        return chr(byte)


_LATIN1: Final = [_latin1(byte) for byte in range(256)]

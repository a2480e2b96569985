"""The functions of the subset, and the messages about those outside it."""

from __future__ import annotations

import difflib
from typing import Final

from cdc.terminal.pages import page

ANY: Final = 99
"""The most arguments of a function that takes any number of them."""

FUNCTIONS: Final[dict[str, tuple[int, int]]] = {
    "ABS": (1, 1),
    "CHAR_LENGTH": (1, 1),
    "COALESCE": (1, ANY),
    "CONCAT": (1, ANY),
    "DATE": (1, 1),
    "DATE_FORMAT": (2, 2),
    "IF": (3, 3),
    "IFNULL": (2, 2),
    "JSON_EXTRACT": (2, 2),
    "JSON_UNQUOTE": (1, 1),
    "LENGTH": (1, 1),
    "LOWER": (1, 1),
    "MD5": (1, 1),
    "MOD": (2, 2),
    "NULLIF": (2, 2),
    "ROUND": (1, 2),
    "SHA2": (2, 2),
    "SUBSTRING": (2, 3),
    "TRIM": (1, 2),
    "UNIX_TIMESTAMP": (1, 1),
    "UPPER": (1, 1),
    "YEAR": (1, 1),
}
"""The names of functions, with their fewest and most arguments."""

ALIASES: Final = {
    "CHARACTER_LENGTH": "CHAR_LENGTH",
    "LCASE": "LOWER",
    "MID": "SUBSTRING",
    "OCTET_LENGTH": "LENGTH",
    "SUBSTR": "SUBSTRING",
    "UCASE": "UPPER",
}

REMEDIES: Final = {
    "LTRIM": "write TRIM(LEADING ' ' FROM …)",
    "RTRIM": "write TRIM(TRAILING ' ' FROM …)",
    "LEFT": "write SUBSTRING(…, 1, n)",
    "RIGHT": "write SUBSTRING(…, -n)",
    "ISNULL": "write … IS NULL",
    "MONTH": "write CAST(DATE_FORMAT(…, '%c') AS SIGNED)",
    "DAY": "write CAST(DATE_FORMAT(…, '%e') AS SIGNED)",
    "HOUR": "write CAST(DATE_FORMAT(…, '%k') AS SIGNED)",
    "POW": "write a multiplication",
    "INSTR": "write … LIKE '%…%'",
    "LOCATE": "write … LIKE '%…%'",
    "JSON_VALUE": "write JSON_UNQUOTE(JSON_EXTRACT(…, '$.path'))",
}

NOT_DETERMINISTIC: Final = frozenset(
    {
        "CONNECTION_ID",
        "CURDATE",
        "CURRENT_DATE",
        "CURRENT_TIME",
        "CURRENT_TIMESTAMP",
        "CURRENT_USER",
        "CURTIME",
        "DATABASE",
        "LAST_INSERT_ID",
        "LOCALTIME",
        "LOCALTIMESTAMP",
        "NOW",
        "RAND",
        "SCHEMA",
        "SESSION_USER",
        "SLEEP",
        "SYSDATE",
        "SYSTEM_USER",
        "USER",
        "UTC_DATE",
        "UTC_TIME",
        "UTC_TIMESTAMP",
        "UUID",
        "UUID_SHORT",
        "VERSION",
    }
)

RESERVED: Final = frozenset(
    [
        "ALL",
        "AND",
        "ANY",
        "AS",
        "BETWEEN",
        "BINARY",
        "BOTH",
        "BY",
        "CASE",
        "CAST",
        "COLLATE",
        "CONVERT",
        "CROSS",
        "DELETE",
        "DESC",
        "DISTINCT",
        "DIV",
        "ELSE",
        "ESCAPE",
        "EXISTS",
        "FALSE",
        "FROM",
        "GROUP",
        "HAVING",
        "IN",
        "INSERT",
        "INTERVAL",
        "INTO",
        "IS",
        "JOIN",
        "LEADING",
        "LIKE",
        "LIMIT",
        "MATCH",
        "MOD",
        "NATURAL",
        "NOT",
        "NULL",
        "ON",
        "OR",
        "ORDER",
        "REGEXP",
        "REPLACE",
        "RLIKE",
        "SELECT",
        "SET",
        "SOUNDS",
        "TABLE",
        "THEN",
        "TRAILING",
        "TRUE",
        "UNION",
        "UPDATE",
        "USING",
        "VALUES",
        "WHEN",
        "WHERE",
        "WITH",
        "XOR",
    ]
)
"""Words that name no column unless they are quoted."""


def instead_of(function: str) -> str:
    """Return what to write instead of a function outside the subset, or where to look."""
    if function in REMEDIES:
        return REMEDIES[function]
    close = difflib.get_close_matches(function, [*FUNCTIONS, *ALIASES, "CAST", "CONVERT"], n=2)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    return f"{hint}{list_of_all()}"


def list_of_all() -> str:
    """Return where the whole subset is listed."""
    return f"{page('expressions', 'what-there-is')} lists what there is"


def miscounted(function: str, count: int) -> str:
    """Return what is wrong with so many arguments of a function; "" if nothing is."""
    fewest, most = FUNCTIONS[function]
    if fewest <= count <= most:
        return ""
    right = f"{fewest} to {most}" if most > fewest else str(fewest)
    right = f"at least {fewest}" if most == ANY else right
    return f"{function} takes {right} argument{'' if right.endswith('1') else 's'}, not {count}"

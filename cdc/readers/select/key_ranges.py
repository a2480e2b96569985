"""Ranges of a key as SQL conditions that an index serves.

A compound key's order is written out, `a > x OR (a = x AND b > y)`: servers read the index from
there on, but scan it from its beginning for a row constructor.
"""

from __future__ import annotations

from collections.abc import Sequence

from cdc.readers.select.keys import Key, KeyColumn


def behind(columns: Sequence[KeyColumn], key: Key) -> str:
    """Return the condition of rows whose key is behind `key`, in the server's order."""
    return _ordered(columns, key, ">", ">")


def from_(columns: Sequence[KeyColumn], key: Key) -> str:
    """Return the condition of rows whose key is `key`, or behind it in the server's order."""
    return _ordered(columns, key, ">", ">=")


def up_to(columns: Sequence[KeyColumn], key: Key) -> str:
    """Return the condition of rows whose key is `key`, or before it in the server's order."""
    return _ordered(columns, key, "<", "<=")


def reversed_(columns: Sequence[KeyColumn], first: Key, last: Key) -> str:
    """Return the condition that is true if `first` is behind `last`; empty if it is unknown.

    A UUID or an address is written as text, and that is not in its order.
    """
    condition = ""
    for column, one, other in reversed([*zip(columns, first, last, strict=True)]):
        a, b = column.literal(one), column.literal(other)
        if a.startswith("'"):
            return ""
        condition = f"({a} > {b}" + (f" OR ({a} = {b} AND {condition}))" if condition else ")")
    return condition


def one_of(columns: Sequence[KeyColumn], keys: Sequence[Key]) -> str:
    """Return the condition of rows that have one of these keys."""
    if len(columns) == 1:
        [column] = columns
        return f"{column.sql} IN ({', '.join(column.literal(value) for (value,) in keys)})"
    return "(" + " OR ".join(f"({_equal(columns, key)})" for key in keys) + ")"


def _ordered(columns: Sequence[KeyColumn], key: Key, strict: str, last: str) -> str:
    """Compare from the last column to the first; each comparison assumes equality before it."""
    *before, final = zip(columns, key, strict=True)
    condition = final[0].compared(last, final[1])
    for column, value in reversed(before):
        first = column.compared(strict, value)
        condition = f"({first} OR ({column.compared('=', value)} AND {condition}))"
    return condition


def _equal(columns: Sequence[KeyColumn], key: Key) -> str:
    pairs = zip(columns, key, strict=True)
    return " AND ".join(column.compared("=", value) for column, value in pairs)


def order(columns: Sequence[KeyColumn], direction: str = "") -> str:
    """Return what follows ORDER BY."""
    return ", ".join(f"{column.sql}{direction}" for column in columns)

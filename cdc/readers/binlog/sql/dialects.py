"""sqlglot's tokenizers, one for each sql_mode that decides where a quoted text ends.

No other mode changes how a statement is split into words.
"""

from __future__ import annotations

from typing import ClassVar, Final

from sqlglot.dialects.mysql import MySQL

from cdc.readers.binlog.sql.query_status import ANSI_QUOTES, MSSQL, NO_BACKSLASH_ESCAPES


class _AnsiQuotes(MySQL):
    """Double quotes hold names."""

    class Tokenizer(MySQL.Tokenizer):
        QUOTES: ClassVar = ["'"]
        IDENTIFIERS: ClassVar = ["`", '"']
        STRING_ESCAPES: ClassVar = ["'", "\\"]


class _PlainBackslashes(MySQL):
    """A backslash in a text stands for itself."""

    class Tokenizer(MySQL.Tokenizer):
        STRING_ESCAPES: ClassVar = ["'", '"']


class _AnsiQuotesPlainBackslashes(MySQL):
    class Tokenizer(_AnsiQuotes.Tokenizer):
        STRING_ESCAPES: ClassVar = ["'"]


class _Brackets(MySQL):
    """Brackets hold names, too: the mode MSSQL of MariaDB."""

    class Tokenizer(_AnsiQuotes.Tokenizer):
        IDENTIFIERS: ClassVar = ["`", '"', ("[", "]")]


class _BracketsPlainBackslashes(MySQL):
    class Tokenizer(_Brackets.Tokenizer):
        STRING_ESCAPES: ClassVar = ["'"]


_DIALECTS: Final[dict[int, MySQL]] = {
    0: MySQL(),
    ANSI_QUOTES: _AnsiQuotes(),
    NO_BACKSLASH_ESCAPES: _PlainBackslashes(),
    ANSI_QUOTES | NO_BACKSLASH_ESCAPES: _AnsiQuotesPlainBackslashes(),
    ANSI_QUOTES | MSSQL: _Brackets(),
    ANSI_QUOTES | MSSQL | NO_BACKSLASH_ESCAPES: _BracketsPlainBackslashes(),
}


def of(sql_mode: int) -> MySQL:
    """Return the dialect that reads statements of a session with this sql_mode."""
    mode = sql_mode & (ANSI_QUOTES | NO_BACKSLASH_ESCAPES)
    return _DIALECTS[mode | sql_mode & MSSQL if mode & ANSI_QUOTES else mode]

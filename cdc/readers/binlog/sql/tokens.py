"""A cursor over the words of a statement."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile
from typing import Final, NamedTuple

from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from cdc.readers.binlog.sql import dialects

TableName = tuple[str, str]
"""Schema and table."""

_QUOTED: Final = frozenset(
    {TokenType.IDENTIFIER, TokenType.STRING, TokenType.NATIONAL_STRING, TokenType.RAW_STRING}
)


_NUMBERS: Final = frozenset({TokenType.HEX_STRING, TokenType.BIT_STRING})
"""What sqlglot takes the prefix from: behind a dot 0x1F is a name."""


class Session(NamedTuple):
    """The default schema and the sql_mode that a statement ran with."""

    schema: str = ""
    sql_mode: int = 0


class Word(NamedTuple):
    """A word, a sign, or something quoted; `keyword` is it in upper case, "" if quoted.

    `end` is the offset behind it in the text.
    """

    text: str
    keyword: str
    start: int
    end: int


class TokenCursor:
    """The rest of a statement, read by sqlglot's tokenizer, which handles quotes and comments.

    Keywords are in upper case; something quoted is no keyword and reads as "".
    """

    def __init__(self, words: list[Word], text: str, session: Session) -> None:
        self._words = words
        self._text = text
        self.session = session
        self._at = 0

    @classmethod
    def of(cls, text: str, session: Session) -> TokenCursor | None:
        """Read `text`, a statement of `session` or its end; None if it cannot be read."""
        try:
            tokens = dialects.of(session.sql_mode).tokenize(text)
        except SqlglotError:
            return None
        return cls([word for token in tokens for word in _words(token, text)], text, session)

    @property
    def ended(self) -> bool:
        """Whether no word is left."""
        return self._at >= len(self._words)

    def peek(self) -> str:
        """Return the next word without stepping over it; "" at the end."""
        return "" if self.ended else self._words[self._at].keyword

    def ahead(self, count: int) -> tuple[str, ...]:
        """Return up to `count` next words without stepping over them."""
        return tuple(word.keyword for word in self._words[self._at : self._at + count])

    def take(self) -> str:
        """Return the next word and step over it."""
        word = self.peek()
        self._at += 1
        return word

    def skip(self, *words: str) -> bool:
        """Step over `words` if they come next, in this order; return whether they did."""
        before = self._at
        for word in words:
            if self.take() != word:
                self._at = before
                return False
        return True

    def skip_one_of(self, *words: str) -> bool:
        """Step over any one of `words`; return whether it came next."""
        return any(self.skip(word) for word in words)

    def seek(self, word: str) -> bool:
        """Step behind the next `word`; return whether there is one."""
        while not self.ended:
            if self.take() == word:
                return True
        return False

    def contains(self, *words: str) -> bool:
        """Return whether `words` follow, next to each other."""
        rest = [word.keyword for word in self._words[self._at :]]
        return any(rest[at : at + len(words)] == list(words) for at in range(len(rest)))

    def mentions(self, name: str) -> bool:
        """Return whether `name` follows, quoted or not, in any case."""
        return any(word.text.upper() == name for word in self._words[self._at :])

    def outside(self) -> TokenCursor:
        """Return the rest without what stands in parentheses."""
        depth, found = 0, []
        for word in self._words[self._at :]:
            depth -= word.keyword == ")"
            if depth == 0 and word.keyword not in ("(", ")"):
                found.append(word)
            depth += word.keyword == "("
        return TokenCursor(found, self._text, self.session)

    def skip_parentheses(self) -> None:
        """Step over a parenthesis and its contents, if one comes next."""
        depth = 0
        while not self.ended:
            word = self.peek()
            depth += (word == "(") - (word == ")")
            if depth == 0 and word != ")":
                return
            self._at += 1
            if depth == 0:
                return

    def calls(self) -> Iterator[tuple[str, str, bool]]:
        """Yield, for each parenthesis that follows, the two words before it.

        Each item is (word before the name, name, whether no space is between name and parenthesis).
        """
        for at in range(self._at, len(self._words)):
            if self._words[at].keyword != "(":
                continue
            before, name = self._words[max(at - 2, 0)], self._words[max(at - 1, 0)]
            yield before.keyword, name.keyword, name.end == self._words[at].start

    def until(self, *ends: str) -> TokenCursor:
        """Return the rest up to the first of `ends`."""
        found = takewhile(lambda word: word.keyword not in ends, self._words[self._at :])
        return TokenCursor([*found], self._text, self.session)

    def name(self) -> str:
        """Take a name, quoted or not."""
        if self.ended:
            return ""
        self._at += 1
        return self._words[self._at - 1].text

    def table(self) -> TableName:
        """Take a table's name; without a schema it is in the default one."""
        schema, name = self.reference()
        return (self.session.schema if schema is None else schema), name

    def reference(self) -> tuple[str | None, str]:
        """Take a table's name as it is written: its schema, None if there is none, and its own."""
        quoted = not self.peek()
        first = self.name()
        if self.skip("."):
            return first, self.name()
        if not quoted and first.count(".") == 1:  # the tokenizer takes 1.2 for a number
            schema, _, table = first.partition(".")
            return schema, table
        return None, first

    def tables(self) -> tuple[TableName, ...]:
        """Take a list of tables."""
        found = [self.table()]
        while self.skip(","):
            found.append(self.table())
        return tuple(found)

    def parts(self) -> Iterator[TokenCursor]:
        """Yield the rest, cut at the commas outside parentheses."""
        start, depth = self._at, 0
        for at in range(self._at, len(self._words)):
            word = self._words[at].keyword
            depth += (word == "(") - (word == ")")
            if word == "," and depth == 0:
                yield TokenCursor(self._words[start:at], self._text, self.session)
                start = at + 1
        yield TokenCursor(self._words[start:], self._text, self.session)

    def rest(self) -> str:
        """Return the rest, as text."""
        return "" if self.ended else self._text[self._words[self._at].start :]


def _words(token: Token, text: str) -> Iterator[Word]:
    if token.token_type in _QUOTED:
        yield Word(token.text, "", token.start, token.end + 1)
        return
    if token.token_type in _NUMBERS:
        number = text[token.start : token.end + 1]
        yield Word(number, number.upper(), token.start, token.end + 1)
        return
    for part in token.text.split():  # some of sqlglot's tokens are two words: FOREIGN KEY
        yield Word(part, part.upper(), token.start, token.end + 1)

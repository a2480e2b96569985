"""The dataset's format, streamed: extended-JSON documents, in an array or one a line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TextIO

from cdc.errors import UsageError

_CHUNK_CHARACTERS = 1 << 16
_MAX_DOCUMENT_CHARACTERS = 16 << 20  # MongoDB's own limit of a document, in bytes
_LONGEST_TOKEN = 12  # what the parser may have met only half of at the end of a chunk
_BETWEEN = re.compile(r"[\s,]*")
_NUMBERS = {"$numberInt": int, "$numberLong": int, "$numberDouble": float}


class MalformedDataset(UsageError):
    """The file is not in the dataset's format."""


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """A document and where it stands: its number and its first line, both counted from 1."""

    number: int
    line: int
    content: dict[str, Any]

    @property
    def where(self) -> str:
        """`document 3 (line 57)`."""
        return f"document {self.number} (line {self.line})"


def read(stream: TextIO) -> Iterator[SourceDocument]:
    """Yield the documents of an array, or of lines; numbers are plain, an `$oid` is its string.

    Memory holds one document and one chunk, however long the stream is. Format:
    MongoDB's specification "Extended JSON v2", canonical or relaxed.
    """
    return _Reader(stream).documents()


class _Reader:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._decoder = json.JSONDecoder(object_hook=_plain, parse_constant=_refuse_constant)
        self._text = ""
        self._at = 0
        self._ended = False
        self._number = 0
        self._line = 1

    def documents(self) -> Iterator[SourceDocument]:
        in_array = self._next_character() == "["
        if in_array:
            self._advance(self._at + 1)
        while (character := self._next_character()) not in ("", "]"):
            self._number += 1
            if character != "{":
                raise self._malformed(f"a document begins with {{, not with {character}")
            line = self._line
            yield SourceDocument(self._number, line, self._document())
        self._finish(in_array)

    def _finish(self, in_array: bool) -> None:
        self._number += 1
        ended_by_bracket = self._at < len(self._text)
        if ended_by_bracket != in_array:
            raise self._malformed("the array is not closed" if in_array else "a ] closes no array")
        if ended_by_bracket:
            self._advance(self._at + 1)
            if self._next_character():
                raise self._malformed("there is more after the array")

    def _next_character(self) -> str:
        """Return the first character that is neither blank nor a comma, "" at the end."""
        while True:
            between = _BETWEEN.match(self._text, self._at)
            self._advance(between.end() if between else self._at)
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._read_more():
                return ""

    def _document(self) -> dict[str, Any]:
        while True:
            try:
                content, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                begin = self._at
                if not (self._may_be_cut(error) and self._read_more()):
                    line = self._line + error.doc.count("\n", begin, error.pos)
                    raise self._malformed(error.msg, line=line) from error
            except (ValueError, TypeError) as error:
                raise self._malformed(str(error)) from error
            except RecursionError as error:
                raise self._malformed("it nests too deep") from error
            else:
                self._advance(end)
                if not isinstance(content, dict):
                    raise self._malformed("it is a value, not a document")
                return content

    def _may_be_cut(self, error: json.JSONDecodeError) -> bool:
        if len(self._text) - self._at > _MAX_DOCUMENT_CHARACTERS:
            return False
        unterminated = error.msg.startswith("Unterminated string")
        return unterminated or error.pos >= len(self._text) - _LONGEST_TOKEN

    def _read_more(self) -> bool:
        try:
            more = self._stream.read(_CHUNK_CHARACTERS)
        except UnicodeDecodeError as error:
            raise self._malformed(f"it is not UTF-8: {error.reason}") from error
        self._text = self._text[self._at :] + more
        self._at = 0
        return bool(more)

    def _advance(self, to: int) -> None:
        self._line += self._text.count("\n", self._at, to)
        self._at = to

    def _malformed(self, reason: str, *, line: int | None = None) -> MalformedDataset:
        return MalformedDataset(
            f"document {self._number}, line {line or self._line}: {reason}",
            remedy="give an array of extended-JSON documents, or one document a line",
        )


def _plain(content: dict[str, Any]) -> Any:
    if len(content) != 1:
        return content
    [(key, value)] = content.items()
    if key in _NUMBERS:
        if not isinstance(value, str):
            raise ValueError(f"{key} must be a string")
        return _NUMBERS[key](value)
    return value if key == "$oid" else content


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")

"""Reads YAML by YAML 1.2's core schema, with the line of every key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Final

import yaml

Path = tuple[str | int, ...]

MAX_DEPTH: Final = 100
"""The deepest nesting: far beyond what any file needs, and far below Python's stack."""

MAX_KEYS: Final = 200_000
"""The most keys and items, with those that aliases stand for: few lines can make billions."""


_PROPERTY: Final = re.compile(r"[!&]\S*\s+")
_WRITTEN: Final = re.compile(r"\\(?:x..|u.{4}|U.{8}|\n|.)|''|.", re.DOTALL)
_BLANK_ESCAPES: Final = frozenset("tnvfr NLP_\t\n")


@dataclass(frozen=True, slots=True)
class LongText:
    """A text as it is written, below its key or in several lines; its first line in the file."""

    line: int
    written: str
    style: str | None

    def line_of(self, before: str) -> int:
        """Return the line of what stands behind `before`, with which the text begins.

        YAML folds lines and cuts indentation, so that blanks do not count.
        """
        left = len("".join(before.split())) + 1
        for found in _WRITTEN.finditer(self._content):
            left -= self._is_shown(found[0])
            if not left:
                return self.line + self._skipped + self._content.count("\n", 0, found.start())
        return self.line + self.written.rstrip().count("\n")

    @property
    def _content(self) -> str:
        """The text without what tells how it is written."""
        text = self.written
        while found := _PROPERTY.match(text):
            text = text[found.end() :]
        return text.partition("\n")[2] if self.style in ("|", ">") else text[bool(self.style) :]

    @property
    def _skipped(self) -> int:
        """The lines before the content."""
        return self.written.count("\n") - self._content.count("\n")

    def _is_shown(self, character: str) -> bool:
        if character == "''" and self.style != "'":
            return True
        if character[0] != "\\" or len(character) == 1 or self.style != '"':
            return not character.isspace()
        if character[1] in "xuU":
            return not chr(int(character[2:], 16)).isspace()
        return character[1] not in _BLANK_ESCAPES


@dataclass(frozen=True, slots=True)
class Marked:
    """A file's data, and the line (from 1) of each of its keys and items.

    `texts` are those that do not stand, as a whole, on the line of their key.
    """

    data: Any
    lines: dict[Path, int]
    texts: dict[Path, LongText] = field(default_factory=dict)

    def line(self, path: Path) -> int:
        """Return the line of `path`, or of the nearest enclosing key."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


class YamlMistake(ValueError):
    """The text is not YAML, or has a key twice."""

    def __init__(self, what: str, line: int, remedy: str) -> None:
        """Name the mistake, its line (from 1) and what to do."""
        super().__init__(what)
        self.what = what
        self.line = line
        self.remedy = remedy


def read(path: FilePath) -> Marked:
    """Read a file; raises OSError, and what `parse` raises, also for bytes that are not UTF-8."""
    raw = path.read_bytes()
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise YamlMistake("bytes that are not UTF-8", line, "write the file in UTF-8") from error
    return parse("\n".join(text.split("\r\n")))


def parse(text: str) -> Marked:
    """Read one document.

    Raises YamlMistake for text that is not YAML, for duplicate keys, and for what has no end, nests
    beyond MAX_DEPTH or stands for more than MAX_KEYS.
    """
    try:
        return _parsed(_CoreLoader(text))  # it checks the characters as soon as it has them
    except yaml.MarkedYAMLError as error:
        raise _mistake(error) from error
    except yaml.reader.ReaderError as error:
        number = error.character if isinstance(error.character, int) else ord(error.character)
        raise YamlMistake(
            f"a character that YAML does not allow: #x{number:04x}",
            text.count("\n", 0, error.position) + 1,
            "remove it, or write it as an escape in a quoted string",
        ) from error


def _parsed(loader: _CoreLoader) -> Marked:
    try:
        node = loader.get_single_node()
        if node is None:
            return Marked(data=None, lines={})
        lines, texts = _counted(_lines(node, (), frozenset()))
        return Marked(data=loader.construct_document(node), lines=lines, texts=texts)
    except RecursionError as error:
        raise _too_deep(loader.line + 1) from error
    finally:
        loader.dispose()


class _CoreLoader(yaml.SafeLoader):
    """SafeLoader without YAML 1.1's surprises: `off` and `-10:00` are text, 010 is ten."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - the base class declares it so

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Refuse a scalar that is not of its type: an integer of 5000 digits, or `!!bool word`."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, AttributeError) as error:
            if isinstance(error, YamlMistake) or not isinstance(node, yaml.ScalarNode):
                raise
            kind = node.tag.rpartition(":")[2]
            raise YamlMistake(
                f"no {kind} that can be read, of {len(node.value)} characters",
                _line(node),
                "write another value, or text in quotes",
            ) from error


_CoreLoader.add_implicit_resolver(
    "tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]
)
_CoreLoader.add_implicit_resolver(
    "tag:yaml.org,2002:bool",
    re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"),
    list("tTfF"),
)
_CoreLoader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789")
)
_CoreLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$"),
    list("-+.0123456789"),
)
_CoreLoader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^<<$"), ["<"])


def _decimal(loader: _CoreLoader, node: yaml.ScalarNode) -> int:
    return int(loader.construct_scalar(node))


def _float(loader: _CoreLoader, node: yaml.ScalarNode) -> float:
    return float(loader.construct_scalar(node))


_CoreLoader.add_constructor("tag:yaml.org,2002:int", _decimal)
_CoreLoader.add_constructor("tag:yaml.org,2002:float", _float)


def _counted(
    found: Iterator[tuple[Path, int, yaml.Node]],
) -> tuple[dict[Path, int], dict[Path, LongText]]:
    lines: dict[Path, int] = {}
    texts: dict[Path, LongText] = {}
    for path, line, node in found:
        lines[path] = line
        if isinstance(node, yaml.ScalarNode) and not _is_on(line, node):
            texts[path] = _long(node)
        if len(lines) > MAX_KEYS:
            raise YamlMistake(
                f"with its aliases this file holds more than {MAX_KEYS} keys",
                line,
                "write out what they stand for, where it is needed",
            )
    return lines, texts


def _is_on(line: int, node: yaml.Node) -> bool:
    """Return whether all of a node stands on a line."""
    return line == node.start_mark.line + 1 == node.end_mark.line + 1


def _long(node: yaml.ScalarNode) -> LongText:
    begin, end = node.start_mark, node.end_mark
    written = (begin.buffer or "")[begin.pointer : begin.pointer + end.index - begin.index]
    return LongText(_line(node), written, node.style)


def _lines(
    node: yaml.Node, path: Path, above: frozenset[int]
) -> Iterator[tuple[Path, int, yaml.Node]]:
    """Locate everything under `node`, which the nodes `above` contain."""
    if id(node) in above:
        raise YamlMistake(
            "this holds an alias to itself: it has no end",
            _line(node),
            "write out what the alias stands for",
        )
    if len(above) >= MAX_DEPTH:
        raise _too_deep(_line(node))
    if isinstance(node, yaml.ScalarNode):
        _refuse_halves(node)
    above |= {id(node)}
    if isinstance(node, yaml.MappingNode):
        _refuse_doubles(node)
        for key, value in node.value:
            below = (*path, _key_name(key))
            yield from _lines(key, below, above)
            yield below, _line(key), value
            yield from _lines(value, below, above)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield (*path, index), _line(item), item
            yield from _lines(item, (*path, index), above)


def _refuse_halves(node: yaml.ScalarNode) -> None:
    """Refuse an escape such as "\\ud83d", half of a character, which is no text."""
    try:
        node.value.encode()
    except UnicodeEncodeError as error:
        raise YamlMistake(
            "an escape for half of a character",
            _line(node),
            'write the character itself, or \\U with its eight digits, as in "\\U0001F600"',
        ) from error


def _refuse_doubles(node: yaml.MappingNode) -> None:
    seen: dict[object, int] = {}
    for key, _ in node.value:
        name, line = _key_name(key), _line(key)
        if name in seen:
            raise YamlMistake(
                f"the key `{name}` stands twice, first on line {seen[name]}",
                line,
                "keep one of the two",
            )
        seen[name] = line


def _too_deep(line: int) -> YamlMistake:
    return YamlMistake(
        f"this nests deeper than {MAX_DEPTH} levels",
        line,
        "look for brackets too many, and flatten it",
    )


def _line(node: yaml.Node) -> int:
    line: int = node.start_mark.line
    return line + 1


def _key_name(key: yaml.Node) -> str:
    return str(key.value)


def _mistake(error: yaml.MarkedYAMLError) -> YamlMistake:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    if "'\\t'" in (error.problem or ""):
        return YamlMistake("a tab where YAML wants spaces", line, "indent with spaces")
    return YamlMistake(
        f"not YAML: {error.problem or error.context}",
        line,
        "look at the indentation, quotes and brackets on this line and the one above",
    )

"""Compiles generated code, and shows its lines to tracebacks and debuggers while it lives."""

from __future__ import annotations

import linecache
import weakref
from collections.abc import Mapping
from itertools import chain, count
from typing import Any, Final

MAX_LABEL: Final = 200
"""The most characters of a label in a file name: a table may have 4096 columns that are NULL."""


def load(source: str, names: Mapping[str, object], label: str) -> dict[str, Any]:
    """Compile `source`; return its functions by name, with `names` as their globals.

    `label` describes the code, and becomes its file name. No two live codes share one. The
    functions must not call each other: a function's globals do not hold it, so that it is freed
    with the last reference to it, and so are its lines.
    """
    lines = _Lines(source, label)
    functions: dict[str, Any] = {}
    exec(compile(source, lines.filename, "exec"), {**names, "__lines__": lines}, functions)
    return functions


def comment(text: str) -> str:
    """Return `text` as a comment of one line."""
    return f"# {_printable(text)}"


def _printable(text: str) -> str:
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


class _Lines:
    """The lines of one source in `linecache`; its functions' globals hold this object."""

    def __init__(self, source: str, label: str) -> None:
        lines = [f"{line}\n" for line in source.split("\n")]
        self.filename = _register(_printable(label)[:MAX_LABEL], lines)
        weakref.finalize(self, linecache.cache.pop, self.filename, None).atexit = False


def _register(label: str, lines: list[str]) -> str:
    """Register the lines with `linecache`; return their file name."""
    for suffix in chain([""], (f" ({number})" for number in count(2))):
        filename = f"<{label}{suffix}>"
        # Without a modification time `linecache` does not check the file. `setdefault` is one
        # step, so that two threads with one label get a name each.
        entry = (sum(map(len, lines)), None, lines, filename)
        if linecache.cache.setdefault(filename, entry) is entry:
            return filename
    raise AssertionError("count() ends")

"""What a page links to, found and replaced, code blocks left alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

FENCE = re.compile(r"\s*(`{3,}|~{3,})")
LINK = re.compile(
    r"(?:(?<=\]\()|(?<= src=\")|(?<= srcset=\"))(?!\w+:)([^)#\s\"]+)((?:#[^)\s]*)?)(?=[)\"])"
)
"""The file and the anchor of a link or picture to a file of this repository, in HTML too."""

Target = Callable[[str], str]


@dataclass(slots=True)
class _Fence:
    """The fence that opened the code block that a line stands in; empty outside of one."""

    opened: str = ""

    def holds(self, line: str) -> bool:
        """Return whether a line is of a code block, its fences too."""
        found = FENCE.match(line)
        if self.opened:
            if found and found[1].startswith(self.opened) and not line.strip(" `~\n"):
                self.opened = ""
            return True
        self.opened = found[1] if found else ""
        return bool(found)


def replaced(text: str, target: Target) -> str:
    """Return a page, each file that it links to as `target` says."""
    fence = _Fence()
    return "".join(
        line if fence.holds(line) else LINK.sub(lambda link: target(link[1]) + link[2], line)
        for line in text.splitlines(keepends=True)
    )


def linked(text: str) -> Iterator[str]:
    """Yield each file that a page links to, as it is written there."""
    for line in outside_of_code(text):
        yield from (link[1] for link in LINK.finditer(line))


def outside_of_code(text: str) -> Iterator[str]:
    """Yield each line of a page that is in no code block."""
    fence = _Fence()
    return (line for line in text.splitlines() if not fence.holds(line))

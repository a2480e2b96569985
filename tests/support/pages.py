"""A page of the documentation as its code blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.support.checkout import ROOT

_BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)(?: title=\"(?P<title>[^\"]*)\")?\n(?P<text>.*?)^\1```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """A code block; a title is the file's name, or tells where a console stands."""

    page: str
    line: int
    language: str
    title: str
    text: str


def blocks(page: str) -> list[Block]:
    """Return the code blocks of a page of docs/, in order."""
    text = (ROOT / "docs" / page).read_text()
    return [
        Block(
            page=page,
            line=text.count("\n", 0, found.start()) + 1,
            language=found["language"],
            title=found["title"] or "",
            text=re.sub(f"^{found['indent']}", "", found["text"], flags=re.MULTILINE),
        )
        for found in _BLOCK.finditer(text)
    ]


def pages(folder: str) -> list[str]:
    """Return the pages of a folder of docs/, as `blocks` names them."""
    return [
        path.relative_to(ROOT / "docs").as_posix()
        for path in sorted((ROOT / "docs" / folder).glob("*.md"))
    ]
